#!/usr/bin/python3
"""Far more requests at once than there are places for: nobody is refused who can wait
his turn, no connection stands in another's way, and all that is answered is done."""
# ctest: timeout=300

import socket
import typing
import unittest

from ff_api import ApiTest
from ff_cli import PATIENCE
from ff_h2 import Client
from ff_http import Site

CONNECTIONS = 20
STREAMS = 90  # of each: together more than may wait in the server
FLOW = "flowforge: 1\nname: one\ntasks: {a: {noop: true}}\n"


class Door:
    """The server's, by TCP, for clients of HTTP/2."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self, _protocols: list[str]) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


class Overload(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 1000000}, 204)
        self.key = self.make_key("operator")

    def client(self) -> Client:
        client = Client(typing.cast(Site, Door(self.port)))
        self.addCleanup(client.sock.close)
        return client

    def headers(self) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {self.key}")]

    def begin(self, client: Client, method: str, path: str, body: bytes = b"") -> int:
        kind = [("content-type", "application/json")] if body else []
        stream = client.ask(
            method, "/api/v1" + path, self.headers() + kind, end=not body
        )
        if body:
            client.send(stream, body)
        return stream

    def test_more_than_may_wait_are_answered_in_turn(self) -> None:
        clients = [self.client() for _ in range(CONNECTIONS)]
        asked = [
            (c, self.begin(c, "GET", "/runs?limit=1"))
            for _ in range(STREAMS)
            for c in clients
        ]
        answers = [c.wait(stream) for c, stream in asked]
        self.assertEqual({a.status for a in answers}, {200})
        # And nothing of it is left behind.
        for c in clients:
            again = self.begin(c, "GET", "/runs?limit=1")
            self.assertEqual(c.wait(again).status, 200)

    def test_runs_that_come_together_are_all_made_and_all_led(self) -> None:
        self.call("apply", self.file("one.yaml", FLOW))
        clients = [self.client() for _ in range(4)]
        asked = [
            (c, self.begin(c, "POST", "/runs", b'{"workflow": "one"}'))
            for _ in range(STREAMS)
            for c in clients
        ]
        answers = [c.wait(stream) for c, stream in asked]
        self.assertEqual({a.status for a in answers}, {201})
        places = {a.headers["location"] for a in answers}
        self.assertEqual(len(places), len(asked))
        there = self.get("/runs?limit=1000")["items"]
        self.assertEqual({"/api/v1/runs/" + run["id"] for run in there}, places)
        for state in ("pending", "running"):
            while still := self.get(f"/runs?state={state}&limit=1")["items"]:
                self.call("resume", still[0]["id"])


if __name__ == "__main__":
    unittest.main()
