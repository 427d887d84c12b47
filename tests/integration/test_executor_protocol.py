#!/usr/bin/python3
"""What executors and their server say to each other, one of the two by hand: what comes
late, twice, or from who is none of ours.
"""
# ctest: timeout=300

import base64
import contextlib
import http.client
import http.server
import json
import queue
import shutil
import signal
import threading
import time
import unittest
from typing import Any
from urllib.parse import quote

from ff_cli import PATIENCE
from ff_executor import ExecutorTest

MANY = """flowforge: 1
name: many
tasks:
  one:
    foreach: {items}
    run: exit 0
"""


class ByHand(ExecutorTest):
    """An executor that is none of ours: what it says may come at any time."""

    def say(self, method: str, path: str, said: object = b"") -> tuple[int, Any]:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        sent = {"Authorization": f"Bearer {self.token.read_text().strip()}"}
        if not isinstance(said, bytes):
            sent["Content-Type"] = "application/json"
        asked = http.client.HTTPConnection(
            "127.0.0.1", self.executor_port, timeout=PATIENCE
        )
        try:
            asked.request(method, f"/executor/v1/{path}", body, sent)
            answer = asked.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            asked.close()

    def register(self, places: int, held: tuple[str, ...] = ()) -> dict[str, Any]:
        """What each request of the session says."""
        said = {
            **{"protocol": 1, "id": "hand", "name": "hand", "version": "1"},
            **{"places": places, "masks": True, "attempts": held},
        }
        status, answer = self.say("POST", "register", said)
        self.assertEqual(status, 200, answer)
        return {"session": answer["session"], "request": 0, "ack": 0, "credit": places}

    def take(self, session: dict[str, Any], n: int) -> list[Any]:
        """The next n commands."""
        commands: list[Any] = []
        while len(commands) < n:
            session["request"] += 1
            status, answer = self.say("POST", "pull", session)
            self.assertEqual(status, 200, answer)
            commands += answer["commands"]
            if commands:
                session["ack"] = commands[-1]["seq"]
                session["credit"] = 0 if len(commands) >= n else n - len(commands)
        return commands

    def tell(self, session: dict[str, Any], events: list[Any]) -> None:
        session["request"] += 1
        status, answer = self.say("POST", "tell", {**session, "events": events})
        self.assertEqual(status, 200, answer)

    def many(self, n: int) -> str:
        return self.begin(MANY.format(items=list(range(n))))

    @staticmethod
    def ended(command: Any) -> dict[str, Any]:
        return {"event": "ended", "attempt": command["attempt"], "state": 2}

    def test_who_leaves_before_its_ends_are_recorded_harms_nobody(self) -> None:
        self.lead()
        run = self.many(40)
        session = self.register(40)
        starts = self.take(session, 40)
        self.tell(session, [self.ended(c) for c in starts])
        session["request"] += 1
        status, answer = self.say("POST", "leave", session)
        self.assertEqual(status, 200, answer)
        self.wait_state(run, "succeeded")

    def test_who_has_a_copy_of_the_folder_of_another_is_warned_of(self) -> None:
        server = self.lead()
        a = self.ready("a")
        a.popen.kill()
        a.popen.wait()
        self.ready("a")  # no copy: it is the same again
        copied = self.place("copy")
        copied.mkdir(mode=0o700)
        shutil.copy(self.place("a") / "executor.id", copied)
        self.ready("copy")
        server.wait_for_err("has a copy of the executor.dir")
        first = server.seen_err.splitlines()[0]
        self.assertIn("executor copy at", first)
        self.assertIn("is a at", first)

    def test_what_comes_after_an_end_is_not_taken(self) -> None:
        self.lead()
        run = self.many(1)
        session = self.register(1)
        (start,) = self.take(session, 1)
        where = f"session={session['session']}&attempt={quote(start['attempt'])}"
        log = f"log?{where}&chunk=1&offset=0"
        self.assertEqual(self.say("PUT", log)[0], 200)
        self.tell(session, [self.ended(start)])
        self.assertEqual(self.say("PUT", log)[0], 404)
        output = f"output?{where}&name=answer&offset=0&fresh=1"
        self.assertEqual(self.say("PUT", output)[0], 404)
        self.wait_state(run, "succeeded")

    def test_an_end_of_a_session_that_is_over_does_not_count(self) -> None:
        self.lead()
        run = self.many(1)
        old = self.register(1)
        (start,) = self.take(old, 1)
        new = self.register(1)
        old["request"] += 1
        status, _ = self.say("POST", "tell", {**old, "events": [self.ended(start)]})
        self.assertEqual(status, 409)
        (again,) = self.take(new, 1)
        self.assertEqual(again["attempt"], start["attempt"])
        self.tell(new, [self.ended(again), self.ended(again)])
        self.wait_state(run, "succeeded")


LARGE = """flowforge: 1
name: large
tasks:
  make:
    run: head -c 1000000 /dev/zero | tr '\\0' 'a' > "$FF_OUT/much"
    outputs: {much: file}
  use:
    needs: make
    env: {env}
    run: exit 0
"""


class TooMuch(ExecutorTest):
    def test_what_no_executor_could_take_is_given_to_none(self) -> None:
        """It would be asked for, and not be taken, for ever."""
        self.lead()
        self.ready("a")
        much = '"${{ tasks.make.outputs.much }}"'
        env = "{" + ", ".join(f"A{i}: {much}" for i in range(160)) + "}"
        run = self.begin(LARGE.replace("{env}", env))
        self.wait_state(run, "failed")
        said = self.call("history", run).out
        self.assertIn("environment are larger than 8 MiB", said)


class Leading:
    """A server of ours by hand: answers pulls by what is put into `commands`, and keeps
    what it is told. It refuses the first who leaves, as it has just given him a start.
    Those that are `beside` each other write down what is offered to all of them.
    """

    def __init__(self, lease_us: int = 6000000) -> None:
        self.lease_us = lease_us
        self.registered: list[float] = []
        self.wanted = 0
        self.credit = 0
        self.request, self.session = 0, 0
        self.lock = threading.Lock()
        self.offers: list[int] = []
        self.beside: list[Leading] = [self]
        self.answers = threading.Event()
        self.answers.set()
        self.commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.left: list[int] = []
        self.late: dict[str, Any] | None = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                said = json.loads(self.rfile.read(length))
                status, answer = outer.answer(self.path.rpartition("/")[2], said)
                with contextlib.suppress(OSError):  # who gave up has gone
                    self.reply(status, json.dumps(answer).encode())

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.answers.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def answer(self, what: str, said: dict[str, Any]) -> tuple[int, object]:
        if what == "register":
            self.registered.append(time.monotonic())
            self.credit, self.request = 0, 0
            self.session += 1
            return 200, {
                "session": f"{self.session:032}",
                "controller": "c" * 32,
                "lease_us": self.lease_us,
            }
        self.note(said)
        self.answers.wait()
        if what == "pull":
            answer: dict[str, Any] = {"commands": [], "wanted": self.wanted}
            with contextlib.suppress(queue.Empty):
                answer["commands"] = [self.commands.get(timeout=0.2)]
            return 200, answer
        if what == "tell":
            for event in said["events"]:
                self.told.put(event)
        elif self.late:
            self.commands.put(self.late)
            self.late = None
            self.left.append(422)
            return 422, {}
        else:
            self.left.append(200)
        return 200, {}

    def note(self, said: dict[str, Any]) -> None:
        """What is offered by now: requests of one session may overtake each other."""
        with self.lock:
            if said["session"] == f"{self.session:032}":
                if said["request"] > self.request:
                    self.request, self.credit = said["request"], said["credit"]
                self.offers.append(sum(s.credit for s in self.beside))


class ByHandOfTheServer(ExecutorTest):
    def setUp(self) -> None:
        super().setUp()
        self.leading = Leading()
        self.addCleanup(self.leading.close)

    @staticmethod
    def start_of(seq: int, *argv: str, **more: str) -> dict[str, Any]:
        def packed(texts: tuple[str, ...]) -> str:
            return base64.b64encode("".join(t + "\0" for t in texts).encode()).decode()

        spec = {"attempt": "r/t/1", "argv": packed(argv), "env": packed(()), **more}
        return {"seq": seq, "do": "start", "attempt": spec["attempt"], "spec": spec}

    def test_a_start_that_crosses_who_leaves_goes_back(self) -> None:
        a = self.ready("a", port=self.leading.port)
        self.leading.late = self.start_of(1, "touch", str(self.folder / "ran"))
        done = a.end(signal.SIGTERM)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.leading.left, [422, 200])
        told = self.leading.told.get(timeout=PATIENCE)
        self.assertEqual((told["event"], told["seq"]), ("unstarted", 1))
        self.assertEqual(self.lines(), [])

    def both(self, places: int) -> tuple[Leading, Leading]:
        """Two that lead, and an executor that is with both."""
        two = (Leading(), Leading())
        for s in two:
            self.addCleanup(s.close)
            s.beside, s.offers, s.lock = list(two), two[0].offers, two[0].lock
        servers = ",".join(f"http://127.0.0.1:{s.port}" for s in two)
        self.ready("a", "--set", f"executor.servers={servers}", places=places)
        return two

    def wait_credits(self, two: tuple[Leading, Leading], *expected: int) -> None:
        def got() -> tuple[int, ...]:
            return tuple(s.credit for s in two)

        self.wait_until(lambda: got() == expected, f"{expected}")

    def test_a_place_is_offered_to_one_server_at_a_time(self) -> None:
        two = first, second = self.both(places=4)
        self.wait_credits(two, 2, 2)
        second.wanted = 1
        self.wait_credits(two, 0, 4)
        first.wanted = 3
        self.wait_credits(two, 3, 1)
        first.wanted = second.wanted = 0
        second.commands.put(self.start_of(1, "sleep", "600"))
        self.wait_until(lambda: not second.told.empty(), "it runs")
        first.wanted = 1
        self.wait_credits(two, 3, 0)
        self.assertLessEqual(max(first.offers), 4)

    def test_one_place_goes_to_each_server_in_turn(self) -> None:
        """However much waits at the first."""
        two = self.both(places=1)
        for s in two:
            s.wanted = 1
        for n in range(4):
            self.wait_credits(two, 1 - n % 2, n % 2)
            start = self.start_of(n // 2 + 1, "true", attempt=f"r/t{n}/1")
            two[n % 2].commands.put(start)

    def test_who_leaves_twice_waits_for_no_server_that_hangs(self) -> None:
        first, second = self.both(places=1)
        a = self.processes[-1]
        first.answers.clear()
        a.popen.send_signal(signal.SIGTERM)
        self.wait_until(lambda: second.left, "the other one is told")
        self.assertEqual(a.end(signal.SIGTERM).code, 128 + signal.SIGTERM)

    def test_who_hangs_keeps_no_place_from_another_server(self) -> None:
        two = first, second = self.both(places=4)
        self.wait_credits(two, 2, 2)
        first.answers.clear()
        second.wanted = 1
        self.wait_until(lambda: second.credit == 4, "all places are offered")
        first.answers.set()
        second.wanted = 0
        first.wanted = 1
        self.wait_credits(two, 4, 0)

    def test_what_others_lead_is_left_alone(self) -> None:
        two = first, second = self.both(places=4)
        self.wait_credits(two, 2, 2)
        first.commands.put(self.start_of(1, "sleep", "600"))
        self.assertEqual(first.told.get(timeout=PATIENCE)["event"], "started")
        for seq, do in enumerate(("drop", "cancel"), 1):
            word = {"seq": seq, "do": do, "attempt": "r/t/1", "grace_us": 0}
            second.commands.put(word)
        second.commands.put(self.start_of(3, "true", attempt="r/u/1"))
        self.assertEqual(second.told.get(timeout=PATIENCE)["attempt"], "r/u/1")
        self.assertTrue(first.told.empty())
        first.commands.put(
            {"seq": 2, "do": "cancel", "attempt": "r/t/1", "grace_us": 0}
        )
        self.assertEqual(first.told.get(timeout=PATIENCE)["event"], "ended")

    def test_a_start_that_cannot_be_read_is_told_to_fail(self) -> None:
        """Without its masks a task would show its secrets."""
        self.ready("a", port=self.leading.port)
        ran = str(self.folder / "ran")
        self.leading.commands.put(self.start_of(1, "touch", ran, masks="%%%"))
        told = self.leading.told.get(timeout=PATIENCE)
        self.assertEqual((told["event"], told["seq"]), ("failed", 1))
        self.assertEqual(self.lines(), [])


if __name__ == "__main__":
    unittest.main()
