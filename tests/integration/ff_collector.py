"""A collector of OpenTelemetry, as far as it takes spans by OTLP: each request is read
by the protocol's own description, opentelemetry-proto, which knows its own fields only.
"""

import base64
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ff_cli import PATIENCE, SOURCE

VENV = SOURCE / ".venv-test"
IDS = ("traceId", "spanId", "parentSpanId")


def has_proto() -> bool:
    return any(VENV.glob("lib/*/site-packages/opentelemetry/proto"))


def attributes(items: list[dict[str, Any]]) -> dict[str, Any]:
    values = {}
    for item in items:
        ((kind, value),) = item["value"].items()
        assert item["key"] not in values, item
        values[item["key"]] = int(value) if kind == "intValue" else value
    return values


def check(body: bytes) -> None:
    """Raises where the request is none of ExportTraceServiceRequest."""
    for folder in VENV.glob("lib/*/site-packages"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    from google.protobuf import json_format  # type: ignore[import]
    from opentelemetry.proto.collector.trace.v1 import (  # type: ignore[import]
        trace_service_pb2 as service,
    )

    def as_bytes(value: Any) -> Any:
        """OTLP has ids in hex, where JSON of protobuf has base64."""
        if isinstance(value, list):
            return [as_bytes(one) for one in value]
        if isinstance(value, dict):
            return {
                key: base64.b64encode(bytes.fromhex(one)).decode()
                if key in IDS
                else as_bytes(one)
                for key, one in value.items()
            }
        return value

    json_format.ParseDict(
        as_bytes(json.loads(body)), service.ExportTraceServiceRequest()
    )


class Span:
    def __init__(self, said: dict[str, Any], resource: dict[str, Any]) -> None:
        self.said = said
        self.resource = resource
        self.name: str = said["name"]
        self.trace: str = said["traceId"]
        self.id: str = said["spanId"]
        self.parent: str | None = said.get("parentSpanId")
        self.begun = int(said["startTimeUnixNano"])
        self.ended = int(said["endTimeUnixNano"])
        self.has = attributes(said["attributes"])
        self.failed = said.get("status", {}).get("code") == 2
        assert len(self.trace) == 32 and len(self.id) == 16, said
        assert self.begun <= self.ended, said


class Collector(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, and then with 200; while it
    is mute, not at all."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.lock = threading.Condition()
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.spans: list[Span] = []  # of requests that were answered with 200
        self.wrong: list[str] = []
        self.speaks = threading.Event()
        self.speaks.set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        """Also once more."""
        self.speaks.set()
        if self.thread.is_alive():
            self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, *args: Any) -> None:
        """A server that is killed leaves its connection behind."""

    def take(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.asked.append((path, headers, body))
            answer = self.answers.pop(0) if self.answers else (200, {}, b"{}")
            try:
                check(body)
                if answer[0] == 200:
                    self.add(json.loads(body))
            except Exception as error:
                self.wrong.append(f"{error!r}: {body[:2000]!r}")
            self.lock.notify_all()
            return answer

    def add(self, said: dict[str, Any]) -> None:
        for of_resource in said["resourceSpans"]:
            resource = attributes(of_resource["resource"]["attributes"])
            for scope in of_resource["scopeSpans"]:
                assert scope["scope"]["name"] == "flowforge", scope
                self.spans += [Span(span, resource) for span in scope["spans"]]

    def wait_for_requests(self, n: int) -> None:
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.asked) >= n, PATIENCE)

    def wait_for(self, true_of: Any) -> list[Span]:
        """The spans, once that is true of them."""
        until = time.monotonic() + PATIENCE
        with self.lock:
            while not true_of(self.spans):
                assert not self.wrong, self.wrong
                assert self.lock.wait(until - time.monotonic()), [
                    span.said for span in self.spans
                ]
            return list(self.spans)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        assert isinstance(self.server, Collector)
        status, more, answer = self.server.take(self.path, headers, body)
        self.server.speaks.wait()
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        pass
