"""Log lines on their way: numbered batches, kept until the server has them.

Not locked: whoever calls holds the sender's lock.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Deque, Dict, List, NamedTuple, Optional

from ._spool import Spool
from ._values import Line, timestamp

BATCH_WEIGHT = 64 * 1024
MEMORY_MAX = 8 * 1024 * 1024


class Batch(NamedTuple):
    seq: int
    lines: List[Line]
    weight: int
    n_spooled: int  # batches between the last one sent and this that are in the spool

    def lines_as_json(self) -> List[Dict[str, str]]:
        return [line.as_json() for line in self.lines]

    def record(self) -> Dict[str, Any]:
        return {"kind": "log", "seq": self.seq, "lines": self.lines_as_json()}

    def body(self, source: str) -> bytes:
        body: Dict[str, Any] = {"seq": self.seq, "source": source}
        if self.n_spooled:
            body["spooled"] = self.n_spooled
        body["lines"] = self.lines_as_json()
        return json.dumps(body, ensure_ascii=False).encode("utf-8")


class Batches:
    def __init__(self, spool: Spool) -> None:
        self.weight = 0  # about the bytes that wait here
        self.has_spilled = False
        self.n_dropped = 0  # lines that found no place anywhere
        self._spool = spool
        self._lines: Deque[Line] = deque()
        self._seq = 0
        self._n_spooled = 0
        self._current: Optional[Batch] = None

    @property
    def is_empty(self) -> bool:
        return self._current is None and not self._lines

    @property
    def is_full(self) -> bool:
        return self.weight > MEMORY_MAX

    @property
    def has_whole_batch(self) -> bool:
        return self._current is not None or self.weight >= BATCH_WEIGHT

    def add(self, lines: List[Line]) -> None:
        self._lines.extend(lines)
        self.weight += sum(line.weight for line in lines)

    def current(self) -> Optional[Batch]:
        """The batch to send. Until it is taken, always the same with the same number:
        that is how the server knows a repetition."""
        if self._current is None and self._lines:
            self._current = self._build()
            self._n_spooled = 0
        return self._current

    def taken(self) -> None:
        """The server has the current batch, or will never want it."""
        if self._current is not None:
            self.weight -= self._current.weight
        self._current = None

    def _build(self) -> Batch:
        lines: List[Line] = []
        weight = 0
        if self.n_dropped:
            text = f"[{self.n_dropped} lines were dropped here: FlowForge was away]"
            lines.append(Line(timestamp(), "warn", text))
            self.n_dropped = 0
        while self._lines and weight < BATCH_WEIGHT:
            line = self._lines.popleft()
            lines.append(line)
            weight += line.weight
        self._seq += 1
        return Batch(self._seq, lines, weight, self._n_spooled)

    def spill(self, keep: int) -> None:
        """Moves the oldest lines into the spool until about `keep` bytes are left. The
        batch that may be on its way stays."""
        while self._lines and self.weight > keep:
            batch = self._build()
            self.weight -= batch.weight
            self._keep(batch)

    def spill_all(self) -> None:
        if self._current is not None:
            batch = self._current
            self.taken()
            self._keep(batch)
        self.spill(0)

    def _keep(self, batch: Batch) -> None:
        if self._spool.add([batch.record()]):
            self._n_spooled += 1
            self.has_spilled = True
        else:
            self._seq = batch.seq - 1
            self.n_dropped += len(batch.lines)

    def forget(self) -> None:
        """Nobody wants them any more."""
        self._lines.clear()
        self._current = None
        self.weight = 0
