"""The file in $FF_OUT that keeps what could not be sent.

One JSON object a line, read by the executor when the attempt has ended. Several
processes of a task may share the file: each writes under a lock and later removes only
what is its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List

SIZE_MAX = 256 * 1024 * 1024


class Spool:
    """A path that may be "": nothing can be kept then, and everything returns False."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self.holds = False  # something of ours is in the file

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """The directory is locked, since the file itself is replaced."""
        folder = os.open(str(Path(self.path).parent), os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def add(self, items: List[Dict[str, Any]]) -> bool:
        """False: they could not be written."""
        if not self.path:
            return False
        lines = [json.dumps(dict(i, source=self.source)) + "\n" for i in items]
        try:
            with self._locked():
                self._append("".join(lines).encode("ascii"))
        except (OSError, ValueError):
            return False
        self.holds = True
        return True

    def _append(self, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(self.path, flags, 0o600)
        try:
            before = os.fstat(fd).st_size
            if before + len(data) > SIZE_MAX:
                raise OSError(f"{self.path} is full")
            if os.write(fd, data) != len(data):
                os.ftruncate(fd, before)
                raise OSError(f"{self.path} is cut short")
        finally:
            os.close(fd)

    def sync(self) -> None:
        """What was added is on the disk."""
        if self.holds:
            with contextlib.suppress(OSError):
                fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)

    def forget(self, keep_logs: bool) -> None:
        """Ours has been sent meanwhile: takes it out of the file."""
        if self.holds:
            with contextlib.suppress(OSError, ValueError), self._locked():
                self._remove_own(keep_logs)
                self.holds = keep_logs

    def _remove_own(self, keep_logs: bool) -> None:
        path = Path(self.path)
        lines = path.read_bytes().splitlines(True)
        kept = [line for line in lines if not self._is_sent(line, keep_logs)]
        if not kept:
            path.unlink()
            return
        new = Path(f"{self.path}.new")
        new.write_bytes(b"".join(kept))
        new.chmod(0o600)
        new.replace(path)

    def _is_sent(self, line: bytes, keep_logs: bool) -> bool:
        try:
            item = json.loads(line)
            own = item["source"] == self.source
            return bool(own and not (keep_logs and item["kind"] == "log"))
        except (ValueError, KeyError, TypeError):
            return False
