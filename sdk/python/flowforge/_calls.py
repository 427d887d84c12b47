"""Outputs and states on their way, in order.

Read after the attempt has ended, an old value in the spool would win over a newer one
that was sent; so behind one that is in the spool, all are, until the queue is empty.

Not locked: whoever calls holds the sender's lock.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Deque, Dict, Optional

from ._spool import Spool
from ._values import timestamp

MEMORY_MAX = 64 * 1024 * 1024


class Call:
    def __init__(
        self, kind: str, path: str, body: bytes, record: Dict[str, Any]
    ) -> None:
        self.path = path
        self.body = body
        self.record = {"kind": kind, **record, "time": timestamp()}
        self.spooled = False
        self.done = threading.Event()  # at the server, in the spool, or given up


class Calls:
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._queue: Deque[Call] = deque()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        return self._weight > MEMORY_MAX

    def add(self, call: Call) -> None:
        behind_spooled = bool(self._queue) and self._queue[-1].spooled
        self._queue.append(call)
        self._weight += len(call.body)
        if behind_spooled:
            self.spool()

    def first(self) -> Optional[Call]:
        return self._queue[0] if self._queue else None

    def taken(self, keep_logs: bool) -> None:
        """The server has the first, or will never want it."""
        call = self._queue.popleft()
        self._weight -= len(call.body)
        call.done.set()
        if not self._queue:
            self._spool.forget(keep_logs)

    def spool(self) -> None:
        """All that are not there yet; then nobody waits for them any more."""
        missing = [call for call in self._queue if not call.spooled]
        if missing and self._spool.add([call.record for call in missing]):
            for call in missing:
                call.spooled = True
        for call in missing:
            call.done.set()

    def forget(self) -> int:
        """Empties the queue, not the spool; returns how many are nowhere then."""
        n_lost = sum(not call.spooled for call in self._queue)
        for call in self._queue:
            call.done.set()
        self._queue.clear()
        self._weight = 0
        return n_lost
