#!/usr/bin/python3
"""Tasks that wait for time, people and events: what is shown, and who dies meanwhile."""
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


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
