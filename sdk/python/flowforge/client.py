"""What a task tells FlowForge, and what it hears.

    from flowforge import client

    client.log("Starting task")
    client.status("RUNNING", progress=10)
    client.output("result", {"status": "ok"})

Calls never fail because the engine is away: what cannot be sent is kept, sent later, or
left in a file that the engine reads when the task has ended. They raise only for what
is wrong in the call itself. All of them may be called from any thread.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Callable, Optional, TypeVar, Union

from . import _notice
from ._cancel import Cancellation
from ._console import Console
from ._settings import read_settings
from ._values import check_name, check_status, encode_value, lines_of

if TYPE_CHECKING:
    from ._sender import Sender

__all__ = [
    "cancelled",
    "flush",
    "heartbeat",
    "log",
    "on_cancel",
    "output",
    "status",
]

Backend = Union[Console, "Sender"]
_Callback = TypeVar("_Callback", bound=Callable[[], object])

_lock = threading.Lock()
_backend: Optional[Backend] = None
_cancellation = Cancellation()


def log(text: object, level: str = "info", **fields: object) -> None:
    """Adds a line to the task's log; fields are written behind it as key=value.

    level is debug, info, warn or error. A text of several lines becomes several lines.
    Returns at once: lines are sent in batches and keep their order.
    """
    lines = lines_of(text, level, fields)
    _connect().log(lines)


def status(
    state: str, progress: Optional[float] = None, message: Optional[str] = None
) -> None:
    """Says how far the task is: a word like RUNNING, percent, and a sentence.

    The exit code decides how the task ends; a different state is noted beside it.
    """
    body = check_status(state, progress, message)
    _connect().status(body)


def output(name: str, value: object) -> None:
    """Gives the task's output `name` a value: anything that JSON can say, up to 1 MiB.

    When this returns, the engine has the value or it is safe in the task's output
    directory. The last value of a name counts.
    """
    check_name(name)
    text = encode_value(name, value)
    _connect().output(name, text)


def cancelled() -> bool:
    """Should the task stop? From the first call on, SIGTERM no longer ends the process
    but makes this True; who does not stop within the grace period is killed."""
    _connect().start()
    _cancellation.handle_sigterm()
    return _cancellation.requested


def on_cancel(callback: _Callback) -> _Callback:
    """Has `callback` called when the task should stop, once and on a thread of its own;
    usable as a decorator. As for cancelled(), SIGTERM no longer ends the process."""
    if not callable(callback):
        raise TypeError(f"{callback!r} cannot be called")
    _connect().start()
    _cancellation.handle_sigterm()
    _cancellation.add(callback)
    return callback


def heartbeat(auto: Optional[bool] = None) -> bool:
    """Tells the engine now that the task is alive, and returns whether it should stop.

    Not needed: after the first call of any function here it happens by itself, on a
    thread of its own. With auto=False it does not from now on, so that a program that
    hangs is silent even while its threads go on; auto=True takes that back.
    """
    _connect().beat(auto)
    return _cancellation.requested


def flush(timeout: float = 5.0) -> bool:
    """Waits until all log lines were sent; False when that cannot be had."""
    return _connect().flush(timeout)


# --- the one connection of the process, made by the first call ---


def _connect() -> Backend:
    global _backend
    backend = _backend
    if backend is not None:
        return backend
    with _lock:
        if _backend is None:
            _backend = _make_backend()
            atexit.register(_close)
        return _backend


def _make_backend() -> Backend:
    settings = read_settings(os.environ)
    if settings.api is not None:
        # Its HTTP costs 30 ms to import: only for who speaks to a server.
        from ._sender import Sender

        return Sender(settings, settings.api, _cancellation)
    url = os.environ.get("FLOWFORGE_API_ENDPOINT")
    if url:
        _notice.say_once(f"FLOWFORGE_API_ENDPOINT={url} is no endpoint; printing only")
    return Console()


def _close() -> None:
    if _backend is not None:
        _backend.close()


def _before_fork() -> None:
    _lock.acquire()
    if _backend is not None:
        _backend.before_fork()


def _after_fork_in_parent() -> None:
    if _backend is not None:
        _backend.after_fork_in_parent()
    _lock.release()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    _cancellation.abandon()
    if _backend is not None:
        _backend.after_fork_in_child()


# Here and not with the first call: a fork may come while another thread is amid that.
os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
