#!/usr/bin/python3
"""Tasks that wait for time, people and events: what is shown, and deaths meanwhile."""
# ctest: timeout=300

import contextlib
import json
import signal
import sqlite3
import sys
import time
import unittest
from typing import Any

from ff_cli import PATIENCE, CliTest

HEAD = "flowforge: 1\nname: w\ntasks:\n"


class Waiting(CliTest):
    def task(self, name: str) -> dict[str, Any]:
        tasks = self.call("get", "last", "-o", "json").json()["tasks"]
        return next(task for task in tasks if task["task"] == name)

    def state(self) -> str:
        return str(self.call("get", "last", "-o", "json").json()["state"])

    def begin(self, tasks: str, until: str) -> Any:
        """A run that is led until a line with `until` has been printed."""
        self.file("w.yaml", HEAD + tasks)
        process = self.start("run", "w.yaml")
        process.wait_for(until)
        return process


class ForTime(Waiting):
    SLEEPER = "  nap: {sleep: 2s}\n  after: {needs: [nap], run: 'true'}\n"

    def test_a_sleep_goes_on_after_its_owner_was_killed(self) -> None:
        process = self.begin(self.SLEEPER, "nap waits for time, until ")
        due = self.task("nap")["due_at"]
        process.end(signal.SIGKILL)
        self.assertEqual(self.task("nap")["due_at"], due)
        self.call("resume")
        self.assertEqual(self.state(), "succeeded")
        history = self.call("history", "last", "-o", "json").lines()
        told = [e["type"] for e in history if e.get("task") == "nap"]
        self.assertEqual(told, ["task.suspended", "task.finished"])
        self.assertGreaterEqual(self.task("nap")["finished_at"], due)

    def test_what_is_waited_for_is_shown_and_can_be_cancelled(self) -> None:
        process = self.begin(
            "  day: {wait_until: '2033-03-03T03:03:03Z'}\n",
            "day waits for time, until 2033-03-03 03:03:03",
        )
        self.assertIn(
            "waits for time, until 2033-03-03 03:03:03", self.call("get", "last").out
        )
        self.assertEqual(self.task("day")["state"], "suspended")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)
        self.assertEqual(self.task("day")["state"], "cancelled")

    def test_waits_take_no_slot(self) -> None:
        self.file(
            "w.yaml",
            HEAD + "  a: {foreach: '${{ range(50) }}', sleep: 100ms}\n"
            "  b: {run: 'true'}\n",
        )
        self.call("run", "w.yaml", "--set", "engine.slots=1")
        canonical = self.call("history", "last", "--canonical").out
        self.assertEqual(canonical.count("task.suspended"), 50)
        for line in canonical.splitlines():
            self.assertNotIn("due_at", json.loads(line))


class ForPeople(Waiting):
    GATE = (
        "  ok:\n    approve:\n      message: Deploy?\n"
        "      approvers: {groups: [ops]}\n      inputs: {n: integer}\n"
        "  after:\n    needs: [ok]\n    env: {N: '${{ tasks.ok.outputs.n }}'}\n"
        '    run: echo "n is $N"\n'
    )
    WAITS = "ok waits for approval: Deploy?"

    def test_an_approval_lets_the_run_go_on(self) -> None:
        process = self.begin(self.GATE, self.WAITS)
        self.assertIn(
            "waits for approval: Deploy? (group ops)", self.call("get", "last").out
        )
        refused = self.call("approve", "last", "ok", "-i", "n=x", expect=3)
        self.assertIn("n", refused.err)
        answer = self.call("approve", "last", "ok", "-i", "n=3", "-o", "json").json()
        self.assertTrue(answer["led"])
        self.assertEqual(process.end().code, 0)
        self.assertIn("n is 3", self.call("logs", "last").out)
        self.assertEqual(self.task("ok")["outputs"]["n"], 3)
        self.call("approve", "last", "ok", "-i", "n=3", expect=2)

    def test_a_rejection_with_nobody_there_is_kept(self) -> None:
        process = self.begin(self.GATE, self.WAITS)
        process.end(signal.SIGKILL)
        answer = self.call("reject", "last", "ok", "--reason", "no", "-o", "json")
        self.assertFalse(answer.json()["led"])
        self.assertEqual(self.task("ok")["state"], "suspended")
        self.call("resume", expect=1)
        self.assertEqual(self.task("ok")["reason"], "rejected")
        self.assertIn(": no", self.task("ok")["message"])

    def test_what_waits_in_a_group_is_decided_by_the_way_to_it(self) -> None:
        inner = "approve: {message: 'Go?', inputs: {n: integer}}"
        process = self.begin(
            "  g:\n    foreach: [1, 2]\n    tasks:\n"
            f"      ask: {{{inner}}}\n"
            "      then: {needs: [ask], run: 'true'}\n",
            "g.1 started",
        )
        self.until_suspended("g.0/ask", "g.1/ask")
        self.assertIn("waits for approval", self.call("get", "last", "g.0/ask").out)
        self.call("approve", "last", "g.2/ask", expect=4)
        self.call("approve", "last", "g.0/then", expect=2)
        self.call("approve", "last", "g.0/ask", "-i", "n=x", expect=3)
        self.call("pause", "last", "g.0/then")
        self.assertIn("g.0/ask is approved", self.approve("g.0/ask"))
        self.assertIn("then", self.call("get", "last", "g.0/").out)
        self.call("unpause", "last", "g.0/then")
        self.call("reject", "last", "g.1/ask", "--reason", "not this one")
        self.assertEqual(process.end().code, 1)
        self.assertIn("not this one", self.call("get", "last", "g.1/ask").out)

    def approve(self, way: str) -> str:
        return self.call("approve", "last", way, "-i", "n=3").err

    def until_suspended(self, *ways: str) -> None:
        """An event of a run inside is not printed: its row tells."""
        for way in ways:
            while "suspended" not in self.call("get", "last", way).out:
                time.sleep(0.05)

    def test_what_waits_for_nothing_is_not_decided(self) -> None:
        process = self.begin(self.GATE, self.WAITS)
        self.call("approve", "last", "after", expect=2)
        self.call("approve", "last", "nothing", expect=4)
        self.call("reject", "last", "ok.1", expect=2)
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)


class ForEvents(Waiting):
    PAY = (
        "  pay:\n    wait_event:\n      name: payment\n      key: '17'\n"
        "      if: event.amount > 10\n      timeout: 2h\n"
        "  after:\n    needs: [pay]\n"
        "    env: {N: '${{ tasks.pay.outputs.event.amount }}'}\n"
        '    run: echo "paid $N"\n'
    )
    WAITS = "pay waits for event payment (key 17), until "

    def signal(self, name: str, *more: str, expect: int = 0) -> Any:
        return self.call("signal", "last", name, *more, expect=expect)

    def pay(self, amount: int, key: str = "17") -> Any:
        data = json.dumps({"amount": amount})
        return self.signal("payment", "--key", key, "--data", data, "-o", "json")

    def rows(self, table: str) -> int:
        """How many rows there are, read from the file itself."""
        with contextlib.closing(sqlite3.connect(self.data / "flowforge.db")) as db:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def test_the_first_signal_that_is_wanted_lets_the_run_go_on(self) -> None:
        process = self.begin(self.PAY, self.WAITS)
        self.assertIn(
            "waits for event payment (key 17), until", self.call("get", "last").out
        )
        self.assertTrue(self.pay(99, key="18").json()["led"])
        self.pay(5)
        self.pay(50)
        self.assertEqual(process.end().code, 0)
        self.assertIn("paid 50", self.call("logs", "last").out)
        self.assertEqual(self.task("pay")["outputs"], {"event": {"amount": 50}})
        # Those that nobody took have gone with the run, and so has the wait.
        for table in ("signal", "event_wait", "inbox"):
            self.assertEqual(self.rows(table), 0, table)
        refused = self.signal("payment", expect=2)
        self.assertIn("succeeded already", refused.err)

    def test_a_signal_while_nobody_leads_is_delivered_once(self) -> None:
        process = self.begin(
            self.PAY + "  more: {wait_event: {name: payment, timeout: 2h}}\n",
            "more waits for event payment",
        )
        process.end(signal.SIGKILL)
        self.assertFalse(self.pay(50).json()["led"])
        self.assertEqual(self.task("pay")["state"], "suspended")
        resumed = self.start("resume", "last")
        resumed.wait_for("pay succeeded")
        self.assertEqual(self.task("more")["state"], "suspended")
        self.pay(7, key="other")
        self.assertEqual(resumed.end().code, 0)
        self.assertEqual(self.task("more")["outputs"], {"event": {"amount": 7}})

    def test_a_kill_at_any_step_of_a_delivery_loses_and_doubles_nothing(self) -> None:
        """Two waits for the same, and two signals: each takes one."""
        tasks = "".join(
            f"  {name}: {{wait_event: {{name: payment, timeout: 2h}}}}\n"
            for name in ("left", "right")
        )
        self.file("w.yaml", HEAD + tasks)
        for point in ("control.inbox.take", "control.effects.before"):
            for hits in (1, 2, 3, 4):
                with self.subTest(point=point, hits=hits):
                    self.deliver(f"{point}:kill:{hits}")

    def deliver(self, failpoint: str) -> None:
        process = self.start("run", "w.yaml")
        process.wait_for("right waits for event payment")
        process.end(signal.SIGKILL)
        for amount in (1, 2):
            self.pay(amount, key="k")
        self.env["FF_FAILPOINT"] = failpoint
        self.call("resume", "last", expect=None)
        del self.env["FF_FAILPOINT"]
        self.call("resume", expect=None)  # it may be over already
        self.assertEqual(self.state(), "succeeded")
        taken = [self.task(n)["outputs"]["event"]["amount"] for n in ("left", "right")]
        self.assertEqual(sorted(taken), [1, 2])
        self.assertEqual(self.rows("signal"), 0)

    def test_what_comes_early_is_kept_in_its_order(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "  first: {run: 'cat gate'}\n"
            "  a: {needs: [first], wait_event: {name: payment}}\n"
            "  b: {needs: [a], wait_event: {name: payment, if: event.amount != 2}}\n"
            "  c: {needs: [b], wait_event: {name: payment}}\n",
            "first started",
        )
        for amount in (1, 2, 3):
            self.pay(amount)
        self.wait_for_rows("signal", 3)
        gate.open()
        self.assertEqual(process.end().code, 0)
        taken = [self.task(n)["outputs"]["event"]["amount"] for n in ("a", "b", "c")]
        self.assertEqual(taken, [1, 3, 2])

    def keep(self, name: str, bodies: list[str]) -> None:
        """Signals to the only run there is, as its owner keeps them."""
        with contextlib.closing(sqlite3.connect(self.data / "flowforge.db")) as db:
            run = db.execute("SELECT run FROM run").fetchone()[0]
            db.executemany(
                "INSERT INTO signal (tenant, run, no, version, name, body, at)"
                " VALUES (1, ?, ?, 1, ?, ?, 0)",
                [(run, 1000000 + n, name, body) for n, body in enumerate(bodies)],
            )
            db.commit()

    def test_many_that_begin_to_wait_at_once_take_what_is_kept(self) -> None:
        """More than the list of a run's inputs has room for at first."""
        gate = self.gate("gate")
        process = self.begin(
            "  first: {run: 'cat gate'}\n"
            "  all: {needs: [first], foreach: '${{ range(20) }}',"
            " wait_event: {name: payment}}\n"
            "outputs: {all: '${{ tasks.all.outputs.event }}'}\n",
            "first started",
        )
        process.end(signal.SIGKILL)
        self.keep("payment", [str(n) for n in range(20)])
        resumed = self.start("resume", "last")
        gate.open()
        self.assertEqual(resumed.end().code, 0)
        outputs = self.call("get", "last", "-o", "json").json()["outputs"]
        self.assertEqual(sorted(outputs["all"]), list(range(20)))

    def test_a_message_that_comes_once_more_is_kept_once(self) -> None:
        """As one that a store wrote late, which was taken for lost and sent again."""
        process = self.begin(
            "  a: {wait_event: {name: other}}\n"
            "  b: {needs: [a], wait_event: {name: payment}}\n",
            "a waits for event other",
        )
        process.end(signal.SIGKILL)
        self.keep("payment", ["5"])
        with contextlib.closing(sqlite3.connect(self.data / "flowforge.db")) as db:
            db.execute(
                "INSERT INTO inbox (shard, no, version, tenant, run, kind, body, at)"
                " SELECT shard, 1000000, 1, tenant, run, 'signal', ?, 0 FROM open_run",
                ['{"name": "payment", "data": 5}'],
            )
            db.commit()
        resumed = self.start("resume", "last")
        self.wait_for_rows("inbox", 0)
        self.assertEqual(self.rows("signal"), 1)
        self.signal("other")
        self.assertEqual(resumed.end().code, 0)
        self.assertEqual(self.task("b")["outputs"], {"event": 5})

    def test_no_more_are_kept_than_a_run_may_keep(self) -> None:
        process = self.begin(
            "  a: {wait_event: {name: never}}\n", "a waits for event never"
        )
        process.end(signal.SIGKILL)
        self.keep("x", ["null"] * 999)
        self.pay(1)
        refused = self.signal("payment", expect=2)
        self.assertIn("keeps 1000 signals already", refused.err)
        self.call("cancel", "last")
        self.assertEqual(self.rows("signal"), 0)

    def test_an_event_reaches_all_that_wait_and_nobody_else(self) -> None:
        self.file(
            "w.yaml",
            HEAD + "  a:\n    foreach: [x, y]\n"
            "    wait_event: {name: news, key: '${{ item }}'}\n"
            "  g: {tasks: {any: {wait_event: {name: news}}}}\n",
        )
        runs = []
        for _ in range(2):
            process = self.start("run", "w.yaml", "--detach")
            runs.append(process.end().out.split()[0])
        self.wait_for_rows("event_wait", 6)
        told = self.call("event", "news", "--key", "x", "--data", "3", "-o", "json")
        self.assertEqual(told.json(), {"schedules": 0, "runs": 4, "tasks": 4})
        told = self.call("event", "other", "-o", "json")
        self.assertEqual(told.json(), {"schedules": 0, "runs": 0, "tasks": 0})
        self.call("event", "news", "--key", "y")
        for run in runs:
            self.call("resume", run)
            shown = self.call("get", run, "-o", "json").json()
            self.assertEqual(shown["state"], "succeeded")

    def wait_for_rows(self, table: str, n: int) -> None:
        end = time.monotonic() + PATIENCE
        while self.rows(table) != n:
            self.assertLess(
                time.monotonic(), end, f"{self.rows(table)} rows of {table}"
            )
            time.sleep(0.02)

    def test_a_signal_to_a_run_reaches_its_groups(self) -> None:
        process = self.begin(
            "  g: {tasks: {in: {wait_event: {name: news}}}}\n", "g started"
        )
        self.signal("news", "--data", '"hello"')
        self.assertEqual(process.end().code, 0)

    def test_data_that_is_no_json_or_too_large_is_refused(self) -> None:
        process = self.begin(self.PAY, self.WAITS)
        self.assertIn("no JSON", self.signal("payment", "--data", "{", expect=2).err)
        self.file("large.json", json.dumps("x" * 70000))
        large = self.signal("payment", "--data", "@large.json", expect=2)
        self.assertIn("at most 65536 bytes", large.err)
        self.signal("payment", "--data", "@missing.json", expect=4)
        self.signal("payment", "--key", "", expect=2)
        self.signal("No-Name", expect=2)
        self.file("good.json", '{"amount": 11}')
        self.signal("payment", "--key", "17", "--data", "@good.json")
        self.assertEqual(process.end().code, 0)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
