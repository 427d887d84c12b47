"""One HTTP connection to a server: kept open, reopened when it breaks, given a rest
when the server is away."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import socket
import time
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ._settings import Endpoint

PAUSE_MIN = 0.1
PAUSE_MAX = 5.0
_ADDRESS_MAX = 107  # bytes that the kernel takes for the path of a unix socket
_RETRIED = (408, 425, 429)


class Away(Exception):
    """The server cannot be reached now; the same call may succeed later."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            _connect_unix(sock, self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


def _connect_unix(sock: socket.socket, path: str) -> None:
    if len(os.fsencode(path)) <= _ADDRESS_MAX:
        sock.connect(path)
        return
    whole = Path(path)
    folder = os.open(str(whole.parent), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock.connect(f"/proc/self/fd/{folder}/{whole.name}")
    finally:
        os.close(folder)


class Link:
    """Not for two threads at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.problem = ""  # why it is away; "": it is not
        self._connection: Optional[http.client.HTTPConnection] = None
        self._failures = 0
        self._retry_at = 0.0

    # --- rest after a failure ---

    @property
    def is_away(self) -> bool:
        return self._failures > 0

    def rest(self, now: float) -> float:
        """Seconds until the next attempt makes sense; 0: now."""
        return max(0.0, self._retry_at - now)

    def hurry(self) -> None:
        """The process is ending: no long rests any more."""
        self._failures = min(self._failures, 1)
        self._retry_at = 0.0

    def failed(self, problem: str, wanted_pause: float = 0.0) -> Away:
        self.close()
        self.problem = problem
        self._failures += 1
        pause = min(PAUSE_MAX, PAUSE_MIN * 2 ** min(self._failures - 1, 10))
        pause = max(pause * random.uniform(0.8, 1.2), min(wanted_pause, PAUSE_MAX))
        self._retry_at = time.monotonic() + pause
        return Away(problem)

    # --- calls ---

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        end = self.endpoint
        if end.unix_path:
            return _UnixConnection(end.unix_path, timeout)
        if end.tls:
            return http.client.HTTPSConnection(end.host, end.port, timeout=timeout)
        return http.client.HTTPConnection(end.host, end.port, timeout=timeout)

    def _exchange(
        self, path: str, body: bytes, token: str, timeout: float
    ) -> Tuple[int, bytes, str]:
        if self._connection is None:
            self._connection = self._open(timeout)
        connection = self._connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        connection.request("POST", self.endpoint.prefix + path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.will_close:
            self.close()
        return answer.status, data, answer.getheader("Retry-After") or ""

    def post(
        self, path: str, body: bytes, token: str, timeout: float
    ) -> Tuple[int, Dict[str, Any]]:
        """Status and answer. Away: it may or may not have arrived; the server knows
        repetitions. A connection that the server closed meanwhile is opened anew."""
        reused = self._connection is not None
        try:
            try:
                status, data, pause = self._exchange(path, body, token, timeout)
            except (OSError, http.client.HTTPException) as error:
                if not reused or isinstance(error, socket.timeout):
                    raise
                self.close()
                status, data, pause = self._exchange(path, body, token, timeout)
        except (OSError, http.client.HTTPException) as error:
            text = str(error) or type(error).__name__
            raise self.failed(text) from None
        if status >= 500 or status in _RETRIED:
            seconds = float(pause) if pause.isdigit() else 0.0
            raise self.failed(f"it answers with status {status}", seconds)
        self._failures = 0
        self._retry_at = 0.0
        return status, _as_object(data)

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
        self._connection = None

    def abandon(self) -> None:
        """In a forked child: the connection is the parent's."""
        self.close()
        self._failures = 0
        self._retry_at = 0.0


def _as_object(data: bytes) -> Dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
