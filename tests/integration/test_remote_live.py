#!/usr/bin/python3
"""What is followed at a server: told as it happens, each thing once, over the server's
death, and without asking again and again."""
# ctest: timeout=300

import contextlib
import json
import select
import signal
import socket
import threading
import time
import unittest
from typing import Any

from ff_cli import PATIENCE, Process, Result
from ff_metrics import MetricsTest
from test_cli_logs import CHILD, FLAKY, FOLLOWED, INSIDE, INSIDE_LINES, SDK

CHAIN = """flowforge: 1
name: chain
tasks:
  a: {run: 'true'}
  b: {needs: a, run: 'true'}
  c: {needs: b, run: 'true'}
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


STEP = {"run": "r", "workflow": "w", "at": "2030-01-01T00:00:00Z"}


def told(cursor: str, *seqs: int, rest: str = "") -> str:
    """A stream: where it begins, an event for each number, and how it breaks off."""
    text = f"retry: 2000\nid: {cursor}\n\n"
    for seq in seqs:
        step = STEP | {"seq": seq, "events": [{"type": "run.started", "n": seq}]}
        text += f"id: c{seq}\ndata: {json.dumps(step)}\n\n"
    return head("200 OK", "text/event-stream") + text + rest


def head(status: str, kind: str) -> str:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"


def problem(status: str) -> str:
    body = {"status": int(status[:3]), "title": status, "detail": status}
    return head(status, "application/problem+json") + json.dumps(body)


class Unsteady:
    """A server that gives these answers, one for each connection, and is gone then."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[tuple[float, str | None]] = []  # when, Last-Event-ID
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        with self.socket:
            for answer in self.answers:
                with self.socket.accept()[0] as peer:
                    self.asked.append((time.monotonic(), self.hear(peer)))
                    with contextlib.suppress(ConnectionError):
                        peer.sendall(answer.encode())

    def hear(self, peer: socket.socket) -> str | None:
        text = b""
        while b"\r\n\r\n" not in text:
            text += peer.recv(65536)
        for line in text.decode().split("\r\n"):
            if line.lower().startswith("last-event-id: "):
                return line.split(": ")[1]
        return None


class RemoteLive(MetricsTest):
    def setUp(self) -> None:
        super().setUp()
        self.listen = f"127.0.0.1:{free_port()}"
        self.env["FLOWFORGE_ENGINE_SLOTS"] = "50"
        self.begin()
        self.env["FLOWFORGE_TOKEN"] = self.make_key("viewer")

    def begin(self) -> None:
        self.serve("--listen", self.listen)

    def die(self) -> None:
        self.assertEqual(self.server.end(signal.SIGKILL).code, -signal.SIGKILL)

    def there(self, *args: str) -> list[str]:
        return [*args, "--server", f"http://{self.listen}"]

    def follow(self, *args: str) -> Process:
        return self.start(*self.there(*args))

    def ended(self, process: Process, code: int = 0) -> Result:
        result = process.end()
        self.assertEqual(result.code, code, result.err + result.out)
        self.assertNotIn("Sanitizer", result.err)
        return result

    def n_requests(self) -> float:
        return self.scrape().total("flowforge_http_requests_total")

    def history(self, run: str) -> list[Any]:
        return list(self.call("events", "--run", run, "-o", "json").lines())

    # --- events ---

    def test_events_of_all_runs_come_once_over_the_death_of_the_server(self) -> None:
        events = self.follow("events", "-f", "-o", "json")
        path = self.file("chain.yaml", CHAIN)
        self.until_told(events, path)
        runs = [self.call("run", path, "-d").out.strip()]
        self.wait_for_end(events, runs[0])
        self.die()
        runs.append(self.call("run", path, "-q", "-o", "json").lines()[0]["run"])
        self.begin()
        self.wait_for_end(events, runs[1])
        runs.append(self.call("run", path, "-d").out.strip())
        self.wait_for_end(events, runs[2])
        events.popen.send_signal(signal.SIGINT)
        told = [json.loads(line) for line in events.end().out.splitlines()]
        for run in runs:
            with self.subTest(run=run):
                self.assertEqual([e for e in told if e["run"] == run], self.named(run))

    def until_told(self, events: Process, path: str) -> None:
        """What begins before the server has answered is not told, so some are begun."""
        assert events.popen.stdout
        while not select.select([events.popen.stdout.fileno()], [], [], 0.2)[0]:
            self.call("run", path, "-q")

    def wait_for_end(self, events: Process, run: str) -> None:
        self.call("logs", run, "-f")
        last = self.named(run)[-1]
        self.assertEqual(last["type"], "run.finished")
        text = json.dumps(last, separators=(",", ":"))
        events.wait_for(text[:-1])

    def named(self, run: str) -> list[Any]:
        return [e | {"run": run, "workflow": "chain"} for e in self.history(run)]

    def test_events_of_one_run_from_its_beginning_to_its_end(self) -> None:
        gate = self.gate("gate")
        path = self.file("f.yaml", FOLLOWED.format(gate=gate.path))
        run = self.call("run", path, "-d").out.strip()
        events = self.follow("events", "-f", "--run", run, "-o", "json")
        events.wait_for("task.started")
        self.die()
        self.begin()
        gate.open()
        events.wait_for('"task":"b"')
        gate.open()
        result = self.ended(events)
        told = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual(told, self.history(run))
        text = self.ended(self.follow("events", "-f", "--run", run))
        self.assertEqual(text.out, self.call("events", "--run", run).out)

    def test_who_may_not_see_it_or_reaches_nobody_is_told(self) -> None:
        self.env["FLOWFORGE_TOKEN"] = "ffk_nobody"
        refused = self.follow("events", "-f")
        self.assertIn("401", self.ended(refused, 77).err)
        nobody = self.start(
            "events", "-f", "--server", f"http://127.0.0.1:{free_port()}"
        )
        self.assertIn("cannot be asked", self.ended(nobody, 69).err)

    def test_it_comes_back_to_a_server_that_breaks_off_or_is_busy(self) -> None:
        end = 'event: end\ndata: {"reason": "over"}\n\n'
        server = Unsteady(
            told("c0", 1, rest='id: c2\ndata: {"seq": 2, "ev'),
            problem("503 Service Unavailable"),
            problem("429 Too Many Requests"),
            told("c1", rest="id: c9\n"),
            told("c1", 2, rest=end),
        )
        events = self.start("events", "-f", "-o", "json", "--server", server.url)
        result = self.ended(events)
        told_ = [json.loads(line)["n"] for line in result.out.splitlines()]
        self.assertEqual(told_, [1, 2])
        self.assertEqual([i for _, i in server.asked], [None, "c1", "c1", "c1", "c1"])

    def test_who_ends_each_stream_at_once_is_asked_less_and_less(self) -> None:
        server = Unsteady(*[told("c0")] * 5, problem("401 Unauthorized"))
        events = self.start("events", "-f", "--server", server.url)
        self.assertIn("401", self.ended(events, 77).err)
        took = server.asked[4][0] - server.asked[0][0]
        self.assertGreater(took, 1.4)  # 0.1 + 0.2 + 0.4 + 0.8

    def test_what_is_too_large_ends_it_with_a_sentence(self) -> None:
        """And is not asked for again, which would come to the same."""
        large = "x" * (65 << 20)
        for rest in (f"data: {large}\n\n", "data: " + 2 * large):
            server = Unsteady(told("c0", 1, rest=rest), told("c0", 2))
            events = self.start("events", "-f", "--server", server.url)
            result = self.ended(events, 69)
            self.assertIn("something larger than 64 MiB", result.err)
            self.assertEqual([i for _, i in server.asked], [None])

    # --- logs ---

    def test_a_run_is_followed_over_the_death_of_the_server(self) -> None:
        gate = self.gate("gate")
        path = self.file("f.yaml", FOLLOWED.format(gate=gate.path))
        run = self.call("run", path, "-d").out.strip()
        logs = self.follow("logs", run, "-f")
        logs.wait_for("a | a1\n")
        self.die()
        self.begin()
        gate.open()
        logs.wait_for("b | b1\n")
        gate.open()
        # Each of the streams comes back by itself, so tasks may overtake each other.
        lines = self.ended(logs).out.splitlines()
        self.assertEqual(sorted(lines), ["a | a1", "a | a2", "b | b1", "b | b2"])

    def test_a_task_that_began_before_and_writes_late(self) -> None:
        loud, quiet = self.gate("loud"), self.gate("quiet")
        text = (
            "flowforge: 1\nname: late\ntasks:\n"
            f"  loud: {{run: 'echo now; read x < {loud.path}'}}\n"
            f"  quiet: {{run: 'read x < {quiet.path}; echo late; "
            f"read x < {quiet.path}'}}\n"
        )
        run = self.call("run", self.file("late.yaml", text), "-d").out.strip()
        deadline = time.monotonic() + PATIENCE
        while [e["type"] for e in self.history(run)].count("task.started") < 2:
            self.assertLess(time.monotonic(), deadline)
        logs = self.follow("logs", run, "-f")
        logs.wait_for("loud | now\n")
        quiet.open()
        logs.wait_for("quiet | late\n")
        quiet.open()
        loud.open()
        self.ended(logs)

    def test_one_task_is_followed_to_its_end(self) -> None:
        gate = self.gate("gate")
        path = self.file("f.yaml", FOLLOWED.format(gate=gate.path))
        run = self.call("run", path, "-d").out.strip()
        a = self.follow("logs", run, "a", "-f")
        b = self.follow("logs", run, "b", "-f")
        a.wait_for("a1\n")
        gate.open()
        self.assertEqual(self.ended(a).out, "a1\na2\n")
        b.wait_for("b1\n")
        gate.open()
        self.assertEqual(self.ended(b).out, "b1\nb2\n")

    def test_attempts_that_follow_each_other_and_what_the_sdk_said(self) -> None:
        for text in (FLAKY, SDK):
            path = self.file("w.yaml", text)
            run = self.call("run", path, "-d").out.strip()
            told = self.ended(self.follow("logs", run, "-f")).out
            written = self.call("logs", run).out
            self.assertEqual(sorted(told.splitlines()), sorted(written.splitlines()))

    def test_a_run_is_followed_with_those_inside(self) -> None:
        self.file("child.yaml", CHILD)
        path = self.file("inside.yaml", INSIDE.format(folder=self.folder))
        zero, one = self.gate("gate.0"), self.gate("gate.1")
        run = self.call("run", path, "-d").out.strip()
        logs = self.follow("logs", run, "-f")
        logs.wait_for("each.0/a | first 0")
        logs.wait_for("each.1/a | first 1")
        zero.open()
        logs.wait_for("each.0/deep/b | bottom")
        one.open()
        result = self.ended(logs)
        self.assertEqual(sorted(result.out.splitlines()), INSIDE_LINES)

    def test_more_tasks_than_there_are_streams_for(self) -> None:
        """At most 64 streams are held: two of each attempt, and that of the run."""
        go = self.folder / "go"
        path = self.file(
            "wide.yaml",
            "flowforge: 1\nname: wide\ntasks:\n  each:\n"
            "    foreach: ${{ range(40) }}\n    run: |\n      echo first\n"
            f"      while ! test -e {go}; do sleep 0.2; done\n      echo second\n",
        )
        run = self.call("run", path, "-d").out.strip()
        logs = self.follow("logs", run, "-f")
        for i in range(40):
            logs.wait_for(f"each.{i} | first\n")
        go.touch()
        lines = sorted(self.ended(logs).out.splitlines())
        wanted = [f"each.{i} | {w}" for i in range(40) for w in ("first", "second")]
        self.assertEqual(lines, sorted(wanted))

    def test_who_waits_asks_nothing(self) -> None:
        gate = self.gate("gate")
        text = (
            "flowforge: 1\nname: many\ntasks:\n  t: {run: 'read x < %s; "
            "for i in $(seq 40); do echo $i; sleep 0.05; done; read x < %s'}\n"
        )
        path = self.file("many.yaml", text % (gate.path, gate.path))
        run = self.call("run", path, "-d").out.strip()
        logs = self.follow("logs", run, "-f")
        gate.open()
        logs.wait_for("t | 1\n")
        before = self.n_requests()
        logs.wait_for("t | 40\n")
        # Streams are counted at their ends; what was asked about the first step may
        # still have been under way.
        self.assertLessEqual(self.n_requests() - before, 4)
        gate.open()
        self.ended(logs)


if __name__ == "__main__":
    unittest.main()
