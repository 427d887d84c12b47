#!/usr/bin/python3
"""Tasks that wait for time, people and events: what is shown, and deaths meanwhile."""
# ctest: timeout=300

import json
import signal
import sys
import unittest
from typing import Any

from ff_cli import CliTest

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

    def test_what_waits_for_nothing_is_not_decided(self) -> None:
        process = self.begin(self.GATE, self.WAITS)
        self.call("approve", "last", "after", expect=2)
        self.call("approve", "last", "nothing", expect=4)
        self.call("reject", "last", "ok.1", expect=2)
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
