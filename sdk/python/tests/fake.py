"""A task API that can be told to misbehave, and a way to run task code against it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

PACKAGE = Path(__file__).resolve().parents[1]
API = "/api/v1/task"

# What a fault does with one request: "drop" reads it and closes without an answer,
# "lose" acts on it and closes without an answer, a number is the status it answers.
Fault = Any


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        data = self.rfile.read(length)
        fake = self.server.fake
        token = self.headers["Authorization"].split(" ", 1)[1]
        fault, status, answer = fake.take(self.path, data, token)
        if fault in ("drop", "lose"):
            self.close_connection = True
            return
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if fault == "close":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    fake: "FakeApi"

    def get_request(self) -> Tuple[socket.socket, Any]:
        request, _ = super().get_request()
        self.fake.sockets.append(request)
        return request, ("unix", 0)

    def handle_error(self, *_: object) -> None:
        pass


class FakeApi:
    """Keeps what arrived; applies the API's own rule for repeated log batches."""

    def __init__(self, folder: str) -> None:
        self.path = str(Path(folder) / "api.sock")
        self.url = f"unix://{self.path}"
        self.sockets: List[socket.socket] = []
        self.faults: List[Fault] = []  # one for each request; then none
        self.fault_of: Dict[str, Fault] = {}  # for all requests to a path
        self.requests: List[Tuple[str, Dict[str, Any]]] = []
        self.outputs: List[Tuple[str, Any]] = []
        self.statuses: List[Dict[str, Any]] = []
        self.lines: List[Dict[str, str]] = []
        self.tokens: List[str] = []
        self.n_beats = 0
        self.n_repeated = 0
        self.interval = 3600.0
        self.cancel = False
        self.good_token: Optional[str] = None  # None: all are good
        self.next_token = ""
        self.ticket = ""  # exchanged for the good token, by whoever names the nonce
        self.nonce = ""  # of who was first
        self.starts: List[Dict[str, Any]] = []
        self._seen: Dict[str, int] = {}
        self._lock = threading.Lock()
        self.changed = threading.Condition(self._lock)
        self._server: Optional[_Server] = None
        self._thread: Optional[threading.Thread] = None

    # --- life ---

    def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            Path(self.path).unlink()
        self._server = _Server(self.path, Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Also breaks the connections that are open."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        Path(self.path).unlink()
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.sockets.clear()
        self._server = None

    # --- requests ---

    def take(self, path: str, data: bytes, token: str) -> Tuple[Fault, int, Any]:
        body = json.loads(data)
        with self._lock:
            fault = self.faults.pop(0) if self.faults else self.fault_of.get(path)
            self.requests.append((path, body))
            self.tokens.append(token)
            self.changed.notify_all()
            if isinstance(fault, int):
                return fault, fault, {"detail": f"told to answer {fault}"}
            if path == f"{API}/start":
                return (fault, *self._start(body, token))
            if self.good_token is not None and token != self.good_token:
                return None, 401, {"detail": "the token has expired"}
            answer = {} if fault == "drop" else self._act(path, body)
            self.changed.notify_all()
            return fault, 200, answer

    def _start(self, body: Dict[str, Any], ticket: str) -> Tuple[int, Any]:
        self.starts.append(body)
        if not self.ticket or ticket != self.ticket:
            return 401, {"detail": "this is no start ticket"}
        self.nonce = self.nonce or body["nonce"]
        if body["nonce"] != self.nonce:
            return 409, {"detail": "the ticket has been used"}
        return 200, {"token": self.good_token, "expires_at": "2026-11-21T19:20:37Z"}

    def _act(self, path: str, body: Dict[str, Any]) -> Dict[str, Any]:
        if path == f"{API}/logs":
            return self._take_logs(body)
        if path == f"{API}/outputs":
            self.outputs.append((body["name"], body["value"]))
            return {}
        if path == f"{API}/status":
            self.statuses.append(body)
            return {"cancel": self.cancel}
        self.n_beats += 1
        if self.next_token and self.good_token is not None:
            self.good_token = self.next_token
        return {
            "cancel": self.cancel,
            "token": self.next_token,
            "expires_at": "2026-11-21T19:20:37Z",
            "interval": self.interval,
        }

    def _take_logs(self, body: Dict[str, Any]) -> Dict[str, Any]:
        source, seq = body["source"], body["seq"]
        last = self._seen.get(source)
        if last is not None and seq <= last:
            self.n_repeated += 1
        else:
            lost = 0 if last is None else seq - last - 1 - body.get("spooled", 0)
            if lost:
                self.lines.append({"level": "warn", "text": f"[{lost} batches lost]"})
            self._seen[source] = seq
            self.lines += body["lines"]
        return {"acked": seq}

    # --- what tests ask ---

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._lock:
            if not self.changed.wait_for(condition, 30):
                raise AssertionError("what was waited for did not come within 30 s")

    @property
    def texts(self) -> List[str]:
        return [line["text"] for line in self.lines]


class TaskTest(unittest.TestCase):
    """Each test has a server of its own and runs its task in a process of its own."""

    flush_timeout = "60"  # so that a loaded machine is no reason to fail

    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="ff-sdk-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = Path(self.folder) / "out"
        self.out.mkdir()
        self.api = FakeApi(self.folder)
        self.api.start()
        self.addCleanup(self.api.stop)

    def environ(self, **more: Optional[str]) -> Dict[str, str]:
        given: Dict[str, Optional[str]] = {
            "FLOWFORGE_API_ENDPOINT": self.api.url,
            "FLOWFORGE_AUTH_TOKEN": "first-token",
            "FF_OUT": str(self.out),
            "FLOWFORGE_FLUSH_TIMEOUT": self.flush_timeout,
            "PYTHONPATH": str(PACKAGE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ["PATH"],
            **more,
        }
        return {key: value for key, value in given.items() if value is not None}

    @contextlib.contextmanager
    def task(
        self, code: str, **more: Optional[str]
    ) -> Iterator["subprocess.Popen[str]"]:
        """The running task; its input and output are pipes."""
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=self.environ(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def run_task(
        self, code: str, status: int = 0, **more: Optional[str]
    ) -> "subprocess.CompletedProcess[str]":
        return self.run_command([sys.executable, "-c", code], status, **more)

    def run_command(
        self,
        command: List[str],
        status: int = 0,
        stdin: str = "",
        **more: Optional[str],
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command,
            env=self.environ(**more),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def spooled(self) -> List[Dict[str, Any]]:
        path = self.out / ".flowforge-spool.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]
