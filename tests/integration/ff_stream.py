"""A reader of the live streams of the HTTP API."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

from ff_api import ApiTest, UnixConnection
from ff_cli import PATIENCE


class Stream:
    """One reader of server-sent events, as a browser would parse them."""

    def __init__(
        self, test: ApiTest, path: str, key: str | None = None, last: str | None = None
    ) -> None:
        connection: http.client.HTTPConnection
        if key is None:
            connection = UnixConnection(str(test.data / "api.sock"))
        else:
            connection = http.client.HTTPConnection(
                "127.0.0.1", test.port, timeout=PATIENCE
            )
        headers = {"Accept": "text/event-stream"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if last:
            headers["Last-Event-ID"] = last
        connection.request("GET", "/api/v1" + path, headers=headers)
        self.connection = connection
        self.answer = connection.getresponse()
        self.status = self.answer.status
        self.type = self.answer.getheader("content-type")
        self.last = last
        self.retry: str | None = None
        self.ended: Any = None
        test.addCleanup(self.close)

    def close(self) -> None:
        self.answer.close()
        self.connection.close()

    def events(self) -> Iterator[Any]:
        """Until the stream ends, however it does."""
        fields: dict[str, str] = {}
        while True:
            try:
                line = self.answer.readline()
            except (http.client.HTTPException, ConnectionError):
                return
            if not line:
                return
            text = line.decode().rstrip("\r\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
                continue
            self.last = fields.get("id", self.last)
            self.retry = fields.get("retry", self.retry)
            if fields.get("event") == "end":
                self.ended = json.loads(fields["data"])
            elif "data" in fields:
                yield json.loads(fields["data"])
            fields = {}

    def take(self, n: int) -> list[Any]:
        return [event for _, event in zip(range(n), self.events(), strict=False)]

    def until(self, kind: str) -> list[Any]:
        """Up to the step in which this happened."""
        seen = []
        for event in self.events():
            seen.append(event)
            if kind in [one["type"] for one in event["events"]]:
                return seen
        raise AssertionError(f"ended without {kind}: {seen}")

    def ready(self) -> None:
        """Reads up to where what happens from now on will be told."""
        while self.answer.readline() not in (b"\n", b""):
            pass
