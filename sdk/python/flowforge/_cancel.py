"""The wish that this task should stop: it comes with an answer of the server or as
SIGTERM, whichever is first, and each callback runs once."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import traceback
from types import FrameType
from typing import Any, Callable, List, Optional

Callback = Callable[[], object]


class Cancellation:
    def __init__(self) -> None:
        self.requested = False
        self._callbacks: List[Callback] = []
        # Its put() is safe in a signal handler, where no lock may be taken.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: Optional[threading.Thread] = None
        self._previous: Any = None
        self._handles_sigterm = False

    def request(self) -> None:
        if not self.requested:
            self.requested = True
            self._bell.put(None)

    def add(self, callback: Callback) -> None:
        self._callbacks.append(callback)
        if self._thread is None:
            name = "flowforge-cancel"
            self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
            self._thread.start()
        if self.requested:
            self._bell.put(None)

    def _watch(self) -> None:
        while True:
            self._bell.get()
            while self._callbacks:
                callback = self._callbacks.pop(0)
                try:
                    callback()
                except Exception:
                    traceback.print_exc()

    # --- SIGTERM ---

    def handle_sigterm(self) -> None:
        """From here on SIGTERM asks instead of killing. Only the main thread can say
        so; a handler that the program has set before is called too."""
        main = threading.current_thread() is threading.main_thread()
        if self._handles_sigterm or not main:
            return
        self._previous = signal.getsignal(signal.SIGTERM)
        with contextlib.suppress(ValueError, OSError):
            signal.signal(signal.SIGTERM, self._on_sigterm)
            self._handles_sigterm = True

    def _on_sigterm(self, number: int, frame: Optional[FrameType]) -> None:
        self.request()
        if callable(self._previous):
            self._previous(number, frame)

    # --- fork ---

    def abandon(self) -> None:
        """In a forked child: the callbacks were the parent's."""
        self._callbacks = []
        self._bell = queue.SimpleQueue()
        self._thread = None
