#!/usr/bin/python3
"""Runs and tasks that start nothing for a while: what is shown, deaths meanwhile."""
# ctest: timeout=300

import json
import signal
import sys
import time
import unittest
from collections.abc import Callable
from typing import Any

from ff_cli import PATIENCE, CliTest

HEAD = "flowforge: 1\nname: w\n"


class Pausing(CliTest):
    def begin(self, text: str, until: str) -> Any:
        self.file("w.yaml", HEAD + text)
        process = self.start("run", "w.yaml")
        process.wait_for(until)
        return process

    def run_json(self, run: str = "last") -> dict[str, Any]:
        shown = self.call("get", run, "-o", "json").json()
        assert isinstance(shown, dict)
        return shown

    def state_of(self, task: str) -> str:
        tasks = self.run_json()["tasks"]
        return str(next(t["state"] for t in tasks if t["task"] == task))

    def test_a_pause_holds_over_a_kill(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "tasks:\n  a: {run: cat gate}\n  b: {needs: [a], run: 'true'}\n",
            "a started",
        )
        answer = self.call("pause", "last", "-o", "json").json()
        self.assertTrue(answer["paused"])
        self.assertTrue(answer["led"])
        process.wait_for("run is paused")
        gate.open()
        process.wait_for("a succeeded")
        self.assertIn("running (paused)", self.call("list").out)
        self.assertIn("by", self.run_json()["paused"]["run"])
        self.assertRegex(self.call("get", "last").out, r"paused    since .*, by ")
        process.end(signal.SIGKILL)
        self.assertEqual(self.state_of("b"), "queued")
        resumed = self.start("resume", "last")
        answer = self.call("unpause", "last", "-o", "json").json()
        self.assertFalse(answer["paused"])
        self.assertEqual(resumed.end().code, 0)
        self.assertEqual(self.state_of("b"), "succeeded")
        history = [
            e["type"] for e in self.call("history", "last", "-o", "json").lines()
        ]
        self.assertLess(history.index("run.paused"), history.index("run.unpaused"))
        self.call("pause", "last", expect=2)

    def test_a_pause_while_nobody_leads_holds_from_the_start(self) -> None:
        process = self.begin("tasks:\n  a: {sleep: 10m}\n", "a waits")
        process.end(signal.SIGKILL)
        self.assertFalse(self.call("pause", "last", "a", "-o", "json").json()["led"])
        resumed = self.start("resume", "last")
        resumed.wait_for("a is paused")
        self.assertIn("task a since", self.call("get", "last").out)
        self.assertNotIn("(paused)", self.call("list").out)
        self.call("pause", "last", "nothing", expect=4)
        self.call("cancel", "last")
        self.assertEqual(resumed.end().code, 5)
        self.assertNotIn("paused", self.run_json())

    def test_groups_are_paused_with_their_run(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "tasks:\n  g:\n    tasks:\n      a: {run: cat gate}\n"
            "      b: {needs: [a], run: 'true'}\n",
            "g started",
        )
        inner = self.run_json()["runs"][0]["id"]
        self.wait_until(inner, lambda run: run["tasks"][0]["state"] == "running")
        self.call("pause", "last")
        self.wait_until(inner, lambda run: "paused" in run)
        gate.open()
        self.wait_until(inner, lambda run: run["tasks"][0]["state"] == "succeeded")
        self.assertIn("with the run around it", self.call("get", inner).out)
        # The owner dies with both pauses in the rows; the one inside is told again.
        process.end(signal.SIGKILL)
        self.call("unpause", "last")
        self.call("resume", "last")
        self.assertEqual(self.run_json(inner)["state"], "succeeded")

    def wait_until(self, run: str, holds: Callable[[dict[str, Any]], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds(self.run_json(run)):
            self.assertLess(time.monotonic(), end)

    def test_handlers_run_when_a_paused_run_is_cancelled(self) -> None:
        process = self.begin(
            "tasks:\n  a: {sleep: 10m}\non_cancel:\n  h: {run: 'true'}\n", "a waits"
        )
        self.call("pause", "last")
        process.wait_for("run is paused")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)
        self.assertEqual(self.state_of("h"), "succeeded")
        events = self.call("history", "last", "--canonical").out.splitlines()
        types = [json.loads(line)["type"] for line in events]
        self.assertIn("run.unpaused", types)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
