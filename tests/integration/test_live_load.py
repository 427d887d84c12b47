#!/usr/bin/python3
"""Many live streams at once, of all kinds, that come and go while runs are made and
keys are revoked: who stays is told each step once and in order. Under ThreadSanitizer
it looks for races."""
# ctest: timeout=300

import concurrent.futures
import json
import socket
import threading
import unittest
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE
from ff_stream import Stream

FLOW = """flowforge: 1
name: load
tasks:
  a: {run: "echo one; echo two"}
  b: {needs: a, run: "echo three"}
"""
WRITERS, RUNS_EACH = 3, 4
STAYING = 6
COMING = 4


class Load(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.done = threading.Event()
        self.runs: list[str] = []
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 100000}, 204)
        self.key = self.make_key("author")

    def write(self) -> None:
        for _ in range(RUNS_EACH):
            made = self.ask("POST", "/runs", {"source": FLOW}, key=self.key)
            self.assertEqual(made.status, 201, made.body)
            self.runs.append(made.json()["id"])
            made = self.ask("POST", "/keys", {"name": "k", "role": "viewer"})
            self.assertEqual(made.status, 201, made.body)
            self.watch_until_revoked(made.json())

    def watch_until_revoked(self, key: Any) -> None:
        s = Stream(self, "/events", key=key["credential"])
        self.assertEqual(s.status, 200)
        s.ready()
        self.change("DELETE", f"/keys/{key['id']}", status=204)
        for _ in s.events():
            pass
        self.assertEqual(s.ended, {"reason": "denied"})

    def stay(self, stream: Stream) -> list[tuple[str, int]]:
        seen, finished = [], 0
        for event in stream.events():
            seen.append((event["run"], event["seq"]))
            finished += "run.finished" in [one["type"] for one in event["events"]]
            if finished == WRITERS * RUNS_EACH:
                break
        return seen

    def follow(self, run: str) -> None:
        """What is told of one run, to its end."""
        history = Stream(self, f"/runs/{run}/history", key=self.key)
        seqs = [event["seq"] for event in history.events()]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        logs = Stream(self, f"/runs/{run}/tasks/a/logs", key=self.key)
        self.assertEqual([line["text"] for line in logs.events()], ["one", "two"])
        self.assertEqual(logs.ended, {"reason": "over"})

    def come_and_go(self) -> None:
        """Without a word, by both protocols, while something is told."""
        while not self.done.is_set():
            for upgrade in ("", "Connection: Upgrade\r\nUpgrade: websocket\r\n"):
                with socket.create_connection(
                    ("127.0.0.1", self.port), PATIENCE
                ) as sock:
                    sock.sendall(
                        b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                        b"Accept: text/event-stream\r\nSec-WebSocket-Version: 13\r\n"
                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        + f"{upgrade}Authorization: Bearer {self.key}\r\n\r\n".encode()
                    )
                    sock.recv(4096)

    def test_many_readers_of_all_kinds(self) -> None:
        streams = [Stream(self, "/events", key=self.key) for _ in range(STAYING)]
        for s in streams:
            self.assertEqual(s.status, 200)
            s.ready()
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            staying = [pool.submit(self.stay, s) for s in streams]
            coming = [pool.submit(self.come_and_go) for _ in range(COMING)]
            writing = [pool.submit(self.write) for _ in range(WRITERS)]
            try:
                for one in writing:
                    one.result()
                for one in [pool.submit(self.follow, run) for run in self.runs]:
                    one.result()
                seen = [one.result() for one in staying]
            except BaseException:
                self.server.popen.kill()  # which ends who reads
                raise
            finally:
                self.done.set()
            for one in coming:
                one.result()
        for one in seen[1:]:
            self.assertEqual(one, seen[0])
        self.check_history(seen[0])
        left = [Stream(self, "/events", key=self.key) for _ in range(3)]
        self.server.popen.terminate()
        for s in left:
            self.assertEqual(list(s.events()), [])
            self.assertEqual(s.ended, {"reason": "stopping"})
        done = self.server.end()
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("Sanitizer", done.err)

    def check_history(self, seen: list[tuple[str, int]]) -> None:
        self.assertEqual(len(seen), len(set(seen)), "doubles")
        for run in self.runs:
            stored = self.get(f"/runs/{run}/history?limit=1000")["items"]
            told = [seq for one, seq in seen if one == run]
            self.assertEqual(told, [step["seq"] for step in stored], json.dumps(stored))


if __name__ == "__main__":
    unittest.main()
