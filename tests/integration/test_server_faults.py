#!/usr/bin/python3
"""What a server does while its store fails, while it is stopped, while clients go away
in the middle, and without descriptors: it says so, does nothing by halves, stays, and
goes on when the fault is over."""

import contextlib
import os
import signal
import socket
import time
import unittest
from pathlib import Path

from ff_api import Answer, ApiTest
from ff_cli import PATIENCE

SKIPPED = 6  # commits that are let through
FAULTS = 5
FEW_FILES = 64
JSON_HEAD = (
    b"PUT /api/v1/limits/half HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
)


class Faults(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.call("list")  # the store is there

    def limits(self) -> set[str]:
        return {limit["name"] for limit in self.get("/limits")["items"]}

    def put(self, name: str, **headers: str) -> Answer:
        return self.ask("PUT", f"/limits/{name}", {"size": 1}, **headers)

    def must_be_unavailable(self, answer: Answer) -> None:
        self.problem(answer, 503, "UNAVAILABLE")
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)


class Store(Faults):
    def serve_failing(self, **options: object) -> None:
        words = ["--set", "engine.store_filters=store-fault"]
        options = {"seed": 1, "rate": 1000, "skip": SKIPPED, **options}
        options.setdefault("max_faults", FAULTS)
        for name, value in options.items():
            words += ["--set", f"store-fault.{name}={value}"]
        self.serve(*words)

    def test_what_a_store_refuses_is_not_done_and_later_it_is(self) -> None:
        for code in ("unavailable", "full"):
            with self.subTest(code=code):
                self.serve_failing(code=code)
                done, refused = set(), []
                for n in range(SKIPPED + 3 * FAULTS):
                    name = f"{code}-{n}".replace("_", "-")
                    answer = self.put(name)
                    if answer.status == 204:
                        done.add(name)
                    else:
                        self.must_be_unavailable(answer)
                        refused.append(name)
                self.assertTrue(refused, "nothing failed")
                there = {limit for limit in self.limits() if limit.startswith(code[:4])}
                self.assertEqual(there, done)
                for name in refused:  # now it can be
                    self.assertEqual(self.put(name).status, 204)
                self.assertEqual(self.stop().code, 0)

    def test_a_quota_is_a_conflict_and_says_how_it_is_raised(self) -> None:
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_keys": 1}, 204)
        key = {"name": "first", "role": "viewer"}
        self.change("POST", "/keys", key)
        answer = self.ask("POST", "/keys", {**key, "name": "second"})
        detail = self.problem(answer, 409, "QUOTA_EXCEEDED")["detail"]
        self.assertIn("flowforge tenant limit", detail)
        self.assertEqual(self.stop().code, 0)

    def test_what_is_in_doubt_is_settled_by_its_key(self) -> None:
        for when in ("before", "after"):
            with self.subTest(when=when):
                self.serve_failing(code="in_doubt", when=when)
                n_doubted = 0
                for n in range(SKIPPED + 2 * FAULTS):
                    name = f"{when}-{n}"
                    answer = self.put(name, Idempotency_Key=name)
                    while answer.status != 204:
                        n_doubted += 1
                        self.must_be_unavailable(answer)
                        answer = self.put(name, Idempotency_Key=name)
                told = [
                    entry["object"]
                    for entry in self.get("/audit?limit=1000")["items"]
                    if entry["object"].startswith(f"limit/{when}")
                ]
                self.assertEqual(len(told), SKIPPED + 2 * FAULTS)
                self.assertEqual(len(set(told)), len(told), "something was done twice")
                self.assertEqual(self.stop().code, 0)

    def test_what_cannot_be_read_is_unavailable_until_it_can(self) -> None:
        self.serve_failing(calls="scan", skip=40, max_faults=0, rate=500)
        seen = set()
        for _ in range(60):
            answer = self.ask("GET", "/runs")
            seen.add(answer.status)
            if answer.status != 200:
                self.must_be_unavailable(answer)
        self.assertEqual(seen, {200, 503})
        self.assertEqual(self.ask("GET", "/livez").status, 200)
        self.assertEqual(self.stop().code, 0)


class Clients(Faults):
    def files(self) -> int:
        fds = Path(f"/proc/{self.server.popen.pid}/fd")
        if not os.access(fds, os.R_OK):
            self.skipTest("a server's descriptors are shown to root alone")
        return len(list(fds.iterdir()))

    def cpu_s(self) -> float:
        stat = Path(f"/proc/{self.server.popen.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def unix(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.data / "api.sock"))
        return sock

    def wait_for_files(self, n: int) -> None:
        end = time.monotonic() + PATIENCE
        while self.files() > n:
            self.assertLess(time.monotonic(), end, "descriptors stay open")
            self.get("/limits")

    def test_who_goes_in_the_middle_of_a_body_leaves_nothing(self) -> None:
        self.serve()
        self.put("whole")
        before = self.files()
        for n in range(60):
            sock = self.unix()
            sock.sendall(JSON_HEAD + b'{"size": 1}'[: n % 12])
            sock.close()
        self.wait_for_files(before)
        self.assertEqual(self.limits(), {"whole"})
        self.assertEqual(self.stop().code, 0)

    def test_who_goes_before_the_answer_is_done_all_the_same(self) -> None:
        self.serve()
        self.put("first")
        before = self.files()
        for n in range(30):
            body = b'{"size": 1}'
            head = JSON_HEAD.replace(b"1000", b"%d" % len(body))
            sock = self.unix()
            sock.sendall(head.replace(b"half", b"gone-%d" % n) + body)
            sock.close()
        self.wait_for_files(before)
        # One that leaves answers what was begun. What was taken was taken whole.
        self.assertEqual(self.stop().code, 0)
        self.serve()
        audited = {e["object"] for e in self.get("/audit?limit=1000")["items"]}
        self.assertEqual(audited, {f"limit/{name}" for name in self.limits()})
        self.assertEqual(self.stop().code, 0)

    def test_a_server_that_was_stopped_answers_what_came_meanwhile(self) -> None:
        self.serve()
        self.put("before")
        self.server.popen.send_signal(signal.SIGSTOP)
        waiting = []
        for n in range(20):
            body = b'{"size": 1}'
            head = JSON_HEAD.replace(b"1000", b"%d" % len(body))
            sock = self.unix()
            sock.sendall(head.replace(b"half", b"late-%d" % n) + body)
            waiting.append(sock)
        self.server.popen.send_signal(signal.SIGCONT)
        for sock in waiting:
            self.assertIn(b" 204 ", sock.recv(65536).split(b"\r\n")[0])
            sock.close()
        self.assertEqual(self.limits(), {"before"} | {f"late-{n}" for n in range(20)})
        self.assertEqual(self.stop().code, 0)

    def test_without_descriptors_it_waits_quietly_and_goes_on(self) -> None:
        self.server = self.start(
            *("server", "--listen", "127.0.0.1:0"),
            under=("prlimit", f"--nofile={FEW_FILES}"),
        )
        self.server.wait_for("\n")
        self.port = int(self.server.seen.strip().rpartition(":")[2])
        key = self.make_key("viewer")
        self.get("/runs", key)
        held = []
        for _ in range(4 * FEW_FILES):
            sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            held.append(sock)
        end = time.monotonic() + PATIENCE
        while self.files() < FEW_FILES - 8:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        begin, used = time.monotonic(), self.cpu_s()
        time.sleep(2)
        share = (self.cpu_s() - used) / (time.monotonic() - begin)
        self.assertLess(share, 0.2, "it spins")
        self.assertIsNone(self.server.popen.poll())
        for sock in held:
            sock.close()
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(ConnectionError, TimeoutError):
                if self.ask("GET", "/runs", key=key).status == 200:
                    break
            self.assertLess(time.monotonic(), end, "it takes nobody again")
            time.sleep(0.05)
        self.assertEqual(self.stop().code, 0)


if __name__ == "__main__":
    unittest.main()
