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

    def doctor(self) -> Any:
        (paused,) = self.call("doctor", "paused", "-o", "json").json()
        return paused

    def test_a_paused_queue_starts_nothing_over_a_kill(self) -> None:
        gate = self.gate("gate")
        text = (
            "tasks:\n  a: {queue: gpu, run: cat gate}\n"
            "  b: {queue: gpu, needs: [a], run: 'true'}\n"
            "  c: {needs: [a], run: 'true'}\n"
        )
        process = self.begin(text, "a started")
        answer = self.call("pause", "--queue", "gpu", "-o", "json").json()
        self.assertEqual(answer, {"queue": "gpu", "paused": True})
        self.file("later.yaml", HEAD + "tasks:\n  x: {queue: gpu, run: 'true'}\n")
        later = self.call("run", "-d", "later.yaml").out.strip()
        # The owner that has run this one has looked at what is paused since.
        self.file("end.yaml", HEAD + "tasks:\n  y: {run: 'true'}\n")
        self.call("run", "end.yaml")
        self.assertEqual(self.run_json(later)["tasks"][0]["state"], "queued")
        gate.open()
        process.wait_for("c succeeded")
        first = self.call("list", "-o", "json").json()
        self.assertEqual([q["queue"] for q in first["paused_queues"]], ["gpu"])
        self.assertIn("paused: queue gpu since", self.call("list").err)
        self.assertRegex(
            self.call("get", later).out, r"paused    queue gpu since .*, by "
        )
        self.assertEqual(self.doctor()["paused"], 1)
        process.end(signal.SIGKILL)
        self.stop_owner()

        resumed = self.start("resume")
        self.call("run", "end.yaml")  # slots are given away, and not to the queue
        self.assertEqual(self.run_json(later)["tasks"][0]["state"], "queued")
        self.assertNotIn("paused_queues", self.run_json("last"))
        self.call("unpause", "--queue", "gpu")
        self.assertEqual(resumed.end().code, 0)
        self.assertEqual(self.run_json(later)["state"], "succeeded")
        self.assertEqual(self.call("list", "-o", "json").json()["paused_queues"], [])

    def test_a_queue_is_paused_before_anything_leads(self) -> None:
        self.call("pause", "--queue", "default")
        self.call("pause", "--queue", "default")
        process = self.begin(
            "tasks:\n  t: {sleep: 0s}\n  a: {needs: [t], run: 'true'}\n", "t succeeded"
        )
        self.assertEqual(self.state_of("a"), "queued")
        self.call("pause", "last", "a")
        process.wait_for("a is paused")
        said = self.doctor()
        self.assertEqual((said["ok"], said["paused"]), (True, 2))
        self.assertIn("queue default since", said["says"])
        self.assertIn("task a since", said["says"])
        self.call("unpause", "last", "a")
        self.call("unpause", "--queue", "default")
        self.assertEqual(process.end().code, 0)
        self.assertIn("no queue, run, task or schedule", self.doctor()["says"])

    def test_the_doctor_names_schedules_that_are_paused(self) -> None:
        self.file(
            "s.yaml",
            HEAD + "triggers:\n  cron: '0 0 1 1 *'\ntasks:\n  a: {run: 'true'}\n",
        )
        self.call("apply", "s.yaml")
        (name,) = (
            s["name"] for s in self.call("schedule", "list", "-o", "json").json()
        )
        self.call("schedule", "pause", name)
        self.assertIn(f"schedule {name} since", self.doctor()["says"])

    def test_the_name_of_a_schedule_is_answered_with_its_command(self) -> None:
        self.file(
            "s.yaml",
            HEAD + "triggers:\n  cron: '0 0 1 1 *'\ntasks:\n  a: {run: 'true'}\n",
        )
        self.call("apply", "s.yaml")
        (name,) = (
            s["name"] for s in self.call("schedule", "list", "-o", "json").json()
        )
        for word in (name, name.split(".")[0]):
            told = self.call("pause", word, expect=2).err
            self.assertIn(f"`flowforge schedule pause {word}`", told)
            told = self.call("unpause", word, expect=2).err
            self.assertIn(f"`flowforge schedule resume {word}`", told)
        self.assertIn("is no run", self.call("pause", "nothing", expect=2).err)

    def test_words_that_mean_no_queue_are_refused(self) -> None:
        self.call("pause", expect=2)
        self.call("unpause", expect=2)
        self.call("pause", "last", "--queue", "gpu", expect=2)
        self.assertIn(
            "no name of a queue", self.call("pause", "--queue", "G PU", expect=2).err
        )
        self.assertIn(
            "is not paused", self.call("unpause", "--queue", "gpu", expect=4).err
        )

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
