"""A server of its own and its clients, for the tests of the HTTP API."""

import http.client
import json
import signal
import socket
from typing import Any

from ff_cli import PATIENCE, CliTest, Process, Result

WORKFLOW = """flowforge: 1
name: etl
labels: {team: data}
tasks:
  fetch: {run: echo fetched}
  load: {needs: fetch, run: echo loaded}
"""


class Answer:
    """What one request came to."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the socket in the data directory."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class ApiTest(CliTest):
    """Each test may start a server on its data directory."""

    server: Process
    port: int

    def serve(self, *args: str) -> Process:
        if "--listen" not in args:
            args = ("--listen", "127.0.0.1:0", *args)
        self.server = self.start("server", *args)
        self.server.wait_for("\n")
        self.port = int(self.server.seen.strip().rpartition(":")[2])
        return self.server

    def stop(self) -> Result:
        return self.server.end(signal.SIGTERM)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = None,
        **headers: str,
    ) -> Answer:
        """By TCP with a key; without one by the socket, as the local user."""
        connection: http.client.HTTPConnection
        if key is None:
            connection = UnixConnection(str(self.data / "api.sock"))
        else:
            connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=PATIENCE
            )
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        data = body
        if isinstance(body, dict | list):
            data = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if path.startswith("/") and not path.startswith(("/api/", "/livez", "/ready")):
            path = "/api/v1" + path
        connection.request(method, path, data, sent)
        got = connection.getresponse()
        answer = Answer(
            got.status, {k.lower(): v for k, v in got.getheaders()}, got.read()
        )
        connection.close()
        return answer

    def get(self, path: str, key: str | None = None, status: int = 200) -> Any:
        answer = self.ask("GET", path, key=key)
        self.assertEqual(answer.status, status, answer.body)
        return answer.json()

    def change(
        self, method: str, path: str, body: Any = None, status: int = 201, **more: Any
    ) -> Answer:
        answer = self.ask(method, path, body, **more)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def problem(self, answer: Answer, status: int, code: str) -> Any:
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        said = answer.json()
        self.assertEqual(said["code"], code)
        self.assertEqual(said["status"], status)
        self.assertEqual(said["type"], "urn:flowforge:problem:" + code.lower())
        self.assertEqual(said["request_id"], answer.headers["x-request-id"])
        return said

    def make_key(self, role: str, *args: str) -> str:
        made = self.call("key", "create", f"k-{role}", "--role", role, *args)
        return made.out.strip()

    def pages(self, path: str, limit: int, key: str | None = None) -> list[Any]:
        """All items of a list, by pages of `limit`."""
        items: list[Any] = []
        mark = "&" if "?" in path else "?"
        cursor = None
        while True:
            where = f"{path}{mark}limit={limit}"
            if cursor:
                where += f"&cursor={cursor}"
            page = self.get(where, key)
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def make_runs(self, n: int, *args: str) -> list[str]:
        """Runs that the server has led to their end; the oldest first."""
        path = self.file("etl.yaml", WORKFLOW)
        for _ in range(n):
            self.call("run", path, *args)
        return [run["id"] for run in reversed(self.get(f"/runs?limit={n}")["items"])]
