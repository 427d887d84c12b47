"""The half of the SDK that talks to the server: one daemon thread.

What is called from the program's threads only queues. Outputs and states wait until the
server has them or they are in the spool; log lines do not wait. Nothing here raises for
reasons of transport.
"""

from __future__ import annotations

import json
import queue
import secrets
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _notice
from ._batches import MEMORY_MAX, Batches
from ._calls import Call, Calls
from ._cancel import Cancellation
from ._link import Away, Link
from ._settings import Endpoint, Settings, read_token
from ._spool import Spool
from ._ticket import is_ticket, shared_nonce
from ._values import Line

API = "/api/v1/task"
LOG_PAUSE = 0.1  # seconds between batches that are not whole
POST_TIMEOUT = 5.0
CALL_PATIENCE = 15.0  # of the program for an output or a state
ROOM_PATIENCE = 30.0  # of the program for room in a queue that drains
BEAT_FIRST = 1.0
BEAT_DEFAULT = 10.0
NEVER = float("inf")

FENCED = 403
_OVER = {
    401: "the token is not accepted",
    FENCED: "this attempt is no longer the current one",
    404: "there is no task API at the endpoint",
    409: "the start ticket was used by somebody else",
}


def _call_at_end_of_child(close: Callable[[], None]) -> None:
    """multiprocessing's children end without running what atexit has."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process():
        util.Finalize(None, close, exitpriority=-100)


class Sender:
    def __init__(
        self, settings: Settings, api: Endpoint, cancellation: Cancellation
    ) -> None:
        self._settings = settings
        self._cancellation = cancellation
        self._token = settings.token
        self._ticket = self._token if is_ticket(self._token) else ""
        self._nonce = shared_nonce(settings.out_dir) if self._ticket else ""
        self._api = Link(api)
        logs = settings.logs or api
        self._logs = self._api if logs == api else Link(logs)
        self._over = "" if self._token else "FLOWFORGE_AUTH_TOKEN is not set"
        self._fenced = False
        self._beat_at = time.monotonic() + BEAT_FIRST
        self._beats_alone = True
        self._begin_process()

    def _begin_process(self) -> None:
        """Everything that a forked child must not share with its parent."""
        self._lock = threading.Condition()  # of the queues; notified after each turn
        self._turning = threading.Lock()
        self._wire = threading.Lock()  # held during a request; see before_fork
        self._wire_holder: Optional[int] = None  # the thread that forks
        self._may_send = threading.Event()
        self._may_send.set()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: Optional[threading.Thread] = None
        self._spool = Spool(self._settings.spool_path, secrets.token_hex(8))
        self._batches = Batches(self._spool)
        self._calls = Calls(self._spool)
        self._log_at = 0.0
        self._deadline = NEVER  # of closing

    # --- forks ---

    def before_fork(self) -> None:
        """A child must not inherit a connection amid a request: the buffers under it
        have locks that nobody in the child would ever release."""
        self._may_send.clear()
        if self._wire.acquire(timeout=2 * POST_TIMEOUT):
            self._wire_holder = threading.get_ident()

    def after_fork_in_parent(self) -> None:
        if self._wire_holder == threading.get_ident():
            self._wire_holder = None
            self._wire.release()
        self._may_send.set()

    def after_fork_in_child(self) -> None:
        """What is queued is the parent's to send."""
        self._api.abandon()
        self._logs.abandon()
        self._begin_process()

    # --- called by the program ---

    def log(self, lines: List[Line]) -> None:
        if self._fenced:
            return
        with self._lock:
            news = self._batches.is_empty
            self._batches.add(lines)
            news = news or self._batches.has_whole_batch
            full = self._batches.is_full
        if news:
            self.start()
            self._bell.put(None)
        if full:
            self._make_room()
        if self._is_closing:
            self._finish(1.0)

    def _make_room(self) -> None:
        """Waits while lines go out; when they do not, the file takes them."""
        with self._lock:
            self._lock.wait_for(
                lambda: not self._batches.is_full or self._is_stuck(), ROOM_PATIENCE
            )
            if self._batches.is_full:
                self._batches.spill(MEMORY_MAX // 2)

    def output(self, name: str, value: str) -> None:
        body = f'{{"name": {json.dumps(name)}, "value": {value}}}'
        record = {"name": name, "value": json.loads(value)}
        self._call(Call("output", f"{API}/outputs", body.encode("utf-8"), record))

    def status(self, body: Dict[str, Any]) -> None:
        text = json.dumps(body, ensure_ascii=False)
        self._call(Call("status", f"{API}/status", text.encode("utf-8"), body))

    def _call(self, call: Call) -> None:
        with self._lock:
            self._calls.add(call)
            if self._calls.is_full and not self._over:
                self._over = "too many outputs were waiting for it"
            if self._over:
                self._give_up()
        self.start()
        self._bell.put(None)
        if self._is_closing or self._thread is None:
            self._finish(1.0)
        else:
            call.done.wait(CALL_PATIENCE)

    def beat(self, auto: Optional[bool] = None) -> None:
        if auto is not None:
            self._beats_alone = auto
        self._beat_at = 0.0
        self.start()
        self._bell.put(None)
        with self._lock:
            self._lock.wait_for(
                lambda: self._beat_at > 0.0 or self._is_stuck(), CALL_PATIENCE
            )

    def flush(self, timeout: float) -> bool:
        self.start()
        self._bell.put(None)
        with self._lock:
            self._lock.wait_for(
                lambda: self._is_empty or self._api.is_away or self._is_stuck(), timeout
            )
            return self._is_empty

    def start(self) -> None:
        with self._lock:
            if self._thread is not None or self._is_closing:
                return
            name = "flowforge-sender"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # too late in the life of the interpreter
                return
            self._thread = thread
        _call_at_end_of_child(self.close)

    # --- how things stand ---

    @property
    def _is_closing(self) -> bool:
        return self._deadline != NEVER

    @property
    def _is_empty(self) -> bool:
        return self._batches.is_empty and not self._calls

    def _is_stuck(self) -> bool:
        """Waiting for the thread would be in vain."""
        running = self._thread is not None and self._thread.is_alive()
        return bool(self._over) or self._logs.is_away or not running

    # --- the thread ---

    def _run(self) -> None:
        while True:
            pause = self._turn()
            if pause == NEVER:
                return
            try:
                self._bell.get(timeout=pause)
                while True:
                    self._bell.get_nowait()
            except queue.Empty:
                pass

    def _turn(self) -> float:
        """Does what is due; returns the seconds until there is more."""
        with self._turning:
            self._send_calls()
            self._send_logs()
            self._send_beat()
            with self._lock:
                self._lock.notify_all()
                return self._next_pause(time.monotonic())

    def _next_pause(self, now: float) -> float:
        if self._over or (self._is_closing and self._is_empty) or now >= self._deadline:
            return NEVER if self._is_closing else 3600.0
        due = [self._deadline - now]
        if not self._is_closing:
            beat = max(self._beat_at - now, self._api.rest(now))
            due.append(min(beat, 3600.0))
        if self._calls:
            due.append(self._api.rest(now))
        if not self._batches.is_empty:
            due.append(max(self._log_pause(now), self._logs.rest(now)))
        return max(0.001, min(due))

    def _log_pause(self, now: float) -> float:
        if self._batches.has_whole_batch or self._is_closing:
            return 0.0
        return max(0.0, self._log_at - now)

    def _send_calls(self) -> None:
        while True:
            with self._lock:
                call = self._calls.first()
                if call is None or self._over:
                    return
                if self._api.rest(time.monotonic()) > 0:
                    self._calls.spool()
                    return
            try:
                self._post(self._api, call.path, call.body)
            except Away:
                continue  # and into the spool, as there is a rest now
            with self._lock:
                if not self._over:
                    self._calls.taken(keep_logs=self._batches.has_spilled)

    def _send_logs(self) -> None:
        while True:
            now = time.monotonic()
            with self._lock:
                if self._over or self._log_pause(now) > 0 or self._logs.rest(now) > 0:
                    return
                batch = self._batches.current()
            if batch is None:
                return
            try:
                self._post(self._logs, f"{API}/logs", batch.body(self._spool.source))
            except Away:
                return
            self._log_at = time.monotonic() + LOG_PAUSE
            with self._lock:
                if not self._over:
                    self._batches.taken()
                self._lock.notify_all()

    def _send_beat(self) -> None:
        now = time.monotonic()
        if now < self._beat_at or self._over or self._is_closing:
            return
        rest = self._api.rest(now)
        if rest > 0:
            self._beat_at = now + rest
            return
        try:
            answer = self._post(self._api, f"{API}/heartbeat", b"{}")
        except Away:
            self._beat_at = now + BEAT_FIRST
            return
        token = answer.get("token")
        if isinstance(token, str) and token:
            self._token = token
        interval = answer.get("interval")
        if not isinstance(interval, (int, float)) or interval <= 0:
            interval = BEAT_DEFAULT
        pause = min(max(interval, 0.05), 3600.0)
        self._beat_at = time.monotonic() + pause if self._beats_alone else NEVER

    # --- requests ---

    def _post(self, link: Link, path: str, body: bytes) -> Dict[str, Any]:
        """The answer; {} where the server refused it for good. Raises Away."""
        left = self._deadline - time.monotonic()
        timeout = min(POST_TIMEOUT, max(0.1, left))
        self._may_send.wait(timeout)  # else a fork might wait for the lock for long
        with self._wire:
            status, answer = self._ask(link, path, body, timeout)
        if status >= 300:
            self._refused(status, path, answer.get("detail"))
            return {}
        if answer.get("cancel") is True:
            self._cancellation.request()
        return answer

    def _ask(
        self, link: Link, path: str, body: bytes, timeout: float
    ) -> Tuple[int, Dict[str, Any]]:
        if self._ticket == self._token and not self._reread_token():
            status, answer = self._exchange(link, timeout)
            if status >= 300:
                return status, answer
        status, answer = link.post(path, body, self._token, timeout)
        if status == 401 and (self._reread_token() or self._has_again(link, timeout)):
            status, answer = link.post(path, body, self._token, timeout)
        return status, answer

    def _has_again(self, link: Link, timeout: float) -> bool:
        """Of a token that has expired while nobody renewed it."""
        return bool(self._ticket) and self._exchange(link, timeout)[0] < 300

    def _exchange(self, link: Link, timeout: float) -> Tuple[int, Dict[str, Any]]:
        """The ticket for a token, which `link` waits for."""
        said = {"attempt_id": self._settings.attempt_id, "nonce": self._nonce}
        body = json.dumps(said).encode("ascii")
        try:
            status, answer = self._api.post(f"{API}/start", body, self._ticket, timeout)
        except Away as error:
            if link is self._api:
                raise
            raise link.failed(str(error)) from None
        token = answer.get("token")
        if status < 300 and isinstance(token, str) and token:
            self._token = token
        return status, answer

    def _reread_token(self) -> bool:
        path = self._settings.token_file
        token = read_token(path) if path else ""
        if not token or token == self._token:
            return False
        self._token = token
        return True

    def _refused(self, status: int, path: str, detail: object) -> None:
        more = f": {detail}" if isinstance(detail, str) and detail else ""
        if status not in _OVER:
            _notice.say_once(f"{path} was refused with status {status}{more}")
            return
        if status == FENCED:
            self._cancellation.request()
        _notice.say_once(f"{_OVER[status]}{more}; nothing more is sent")
        with self._lock:
            self._over = _OVER[status]
            self._fenced = status == FENCED
            self._give_up()

    def _give_up(self) -> None:
        """The server will not be asked again. A fenced attempt's results are nobody's;
        the others the executor finds in the spool."""
        if self._fenced:
            self._batches.forget()
        else:
            self._calls.spool()
        self._calls.forget()

    # --- the end ---

    def close(self) -> None:
        """Sends what is left; what cannot be sent in time goes into the spool."""
        timeout = self._settings.flush_timeout
        with self._lock:
            if self._is_closing:
                return
            self._deadline = time.monotonic() + timeout
            thread = self._thread
        self._api.hurry()
        self._logs.hurry()
        self._bell.put(None)
        if thread is not None and thread.is_alive():
            thread.join(timeout + 0.5)
            timeout = 0.0
        self._finish(timeout)

    def _finish(self, timeout: float) -> None:
        """On the caller's thread: what the sender's own did not, or cannot any more."""
        until = time.monotonic() + timeout
        if self._is_closing:
            self._deadline = until
        while not self._is_empty and not self._over and time.monotonic() < until:
            pause = self._turn()
            if not self._is_empty:
                time.sleep(min(pause, 0.05))
        with self._lock:
            was_empty = self._is_empty
            self._calls.spool()
            n_lost = self._calls.forget()
            self._batches.spill_all()
            self._spool.sync()
        if not was_empty:
            self._report(n_lost, self._batches.n_dropped)

    def _report(self, n_calls: int, n_lines: int) -> None:
        why = self._over or self._api.problem or self._logs.problem or "no answer"
        parts = [f"{self._api.endpoint.url} was away at the end ({why})"]
        if self._spool.holds:
            parts.append(f"what was left is in {self._spool.path}")
        if n_calls or n_lines:
            parts.append(f"lost: {n_calls} outputs or states, {n_lines} log lines")
        _notice.say_once("; ".join(parts))
