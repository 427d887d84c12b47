"""Operations of clients of `flowforge server`, each with an Idempotency-Key.

The server is aimed at while it is asked. Then another one is asked the same with the
same key: what was acknowledged is there, what is repeated is told so, and whatever the
first server came to it was done once.
"""

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import ledger
from flows import NIGHTLY, SHORT
from place import PATIENCE, Broken, Place

KEY = "the-only-one"
ANSWERED = "answered"  # the file with what the aimed server said
LOST = (ConnectionError, http.client.HTTPException, FileNotFoundError, TimeoutError)


@dataclass(frozen=True)
class Answer:
    status: int
    replayed: bool
    body: str


class Connection(http.client.HTTPConnection):
    """Over the socket in the data directory."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self.path))


@dataclass(frozen=True)
class Request:
    """What is asked, and what tells how often it was done."""

    method: str
    path: str
    body: dict[str, Any] | None
    rows: str  # of what it makes
    noted: str  # its action in the audit log
    shown_once: bool = False


def serve(place: Place, aimed: bool = False) -> "Popen[str]":
    """Returns when it listens, or has died before."""
    server = place.start("server", "--listen", "127.0.0.1:0", aimed=aimed)
    assert server.stdout
    server.stdout.readline()
    return server


def leave(place: Place, server: "Popen[str]") -> None:
    server.terminate()
    done = place.end(server)
    if done.code not in (0, -9, 137, 143):
        raise Broken(f"the server ends with {done.code}: {done.err}")


def ask(place: Place, request: Request) -> Answer | None:
    """None: nobody has answered."""
    connection = Connection(place.data / "api.sock")
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    body = json.dumps(request.body) if request.body is not None else None
    try:
        path = "/api/v1" + request.path
        connection.request(request.method, path, body, headers)
        got = connection.getresponse()
        text = got.read().decode()
    except LOST:
        return None
    finally:
        connection.close()
    replayed = got.headers.get("Idempotency-Replayed") == "true"
    return Answer(got.status, replayed, text)


def times(place: Place, request: Request) -> tuple[int, int]:
    rows = place.rows(request.rows)[0][0]
    noted = f"SELECT count(*) FROM audit WHERE action = '{request.noted}'"
    return int(rows), int(place.rows(noted)[0][0])


Asked = Callable[[Place], Request]


def act(asked: Asked, tell: Callable[[Place, Answer], None]) -> Callable[[Place], None]:
    def body(place: Place) -> None:
        server = serve(place, aimed=True)
        answer = ask(place, asked(place))
        if answer is not None:
            if not 200 <= answer.status < 300:
                raise Broken(f"it is answered {answer.status}: {answer.body}")
            place.write(ANSWERED, answer.body)
            tell(place, answer)
        leave(place, server)

    return body


def judge_again(again: Answer, first: str | None, request: Request) -> None:
    done = 200 <= again.status < 300
    if first is not None and request.shown_once:
        if again.status != 409:
            raise Broken(f"what is shown once is shown again: {again}")
    elif first is not None and not (again.replayed and again.body == first):
        raise Broken(f"it was answered {first!r}, and then {again}")
    elif not done and not (request.shown_once and again.status == 409):
        raise Broken(f"the same with the same key is answered {again}")


def settle(
    asked: Asked, tell: Callable[[Place, Answer], None], end: Callable[[Place], None]
) -> Callable[[Place], None]:
    """The same once more; then all is as if it had been asked once."""

    def body(place: Place) -> None:
        request = asked(place)
        answered = place.dir / ANSWERED
        server = serve(place)
        again = ask(place, request)
        leave(place, server)
        if again is None:
            raise Broken("a server that nothing happens to answers nothing")
        judge_again(again, answered.read_text() if answered.exists() else None, request)
        if 200 <= again.status < 300:
            tell(place, again)
        if times(place, request) != (1, 1):
            raise Broken(f"it was done, and noted, {times(place, request)} times")
        end(place)

    return body


# --- what is asked ---


def nothing(_place: Place, _answer: Answer) -> None:
    pass


def note_run(place: Place, answer: Answer) -> None:
    ledger.tell(place.dir, "submit", json.loads(answer.body)["id"])


def note_cancel(place: Place, answer: Answer) -> None:
    ledger.tell(place.dir, "cancel", json.loads(answer.body)["id"])


def submit(place: Place) -> Request:
    """The task works elsewhere, and writes into the same ledger."""
    source = SHORT.replace(">> ledger", f">> {place.dir}/ledger")
    runs = "SELECT count(*) FROM run"
    return Request("POST", "/runs", {"source": source}, runs, "run.submit")


def cancel(place: Place) -> Request:
    run = next(iter(ledger.read(place.dir).submitted))
    asked = "SELECT count(*) FROM run"
    return Request("POST", f"/runs/{run}/cancel", None, asked, "run.cancel")


def approve(place: Place) -> Request:
    run = next(iter(ledger.read(place.dir).submitted))
    asked = "SELECT count(*) FROM run"
    path = f"/runs/{run}/tasks/asked/approve"
    return Request("POST", path, None, asked, "run.approve")


def apply(_place: Place) -> Request:
    versions = "SELECT count(*) FROM workflow_version"
    body = {"source": NIGHTLY}
    return Request("POST", "/workflows", body, versions, "workflow.apply")


def put_secret(_place: Place) -> Request:
    body = {"value": "not to be told"}
    secrets = "SELECT count(*) FROM secret"
    return Request("PUT", "/secrets/token", body, secrets, "secret.set")


def make_key(_place: Place) -> Request:
    body = {"name": "ci", "role": "viewer"}
    keys = "SELECT count(*) FROM api_key"
    return Request("POST", "/keys", body, keys, "key.create", shown_once=True)
