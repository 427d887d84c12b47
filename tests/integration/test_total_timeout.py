#!/usr/bin/python3
"""How long a task may take over all its attempts, whoever dies meanwhile."""
# ctest: timeout=300

import signal
import sys
import time
import unittest
from typing import Any, Callable

from ff_cli import PATIENCE, CliTest

HEAD = "flowforge: 1\nname: w\ntasks:\n"


class TotalTimeout(CliTest):
    def tasks(self) -> list[dict[str, Any]]:
        tasks: list[dict[str, Any]] = self.call("get", "last", "-o", "json").json()[
            "tasks"
        ]
        return tasks

    def task(self, name: str) -> dict[str, Any]:
        return next(task for task in self.tasks() if task["task"] == name)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def kill_in_state(self, state: str) -> dict[str, Any]:
        """Starts w.yaml and kills its owner when task a is so; gives the task."""
        process = self.start("run", "w.yaml")
        self.wait_until(
            lambda: (
                any(t["task"] == "a" and t["state"] == state for t in self.tasks())
                if self.call("get", "last", expect=None).code == 0
                else False
            )
        )
        before = self.task("a")
        process.end(signal.SIGKILL)
        return before

    def test_an_attempt_that_outlives_its_owner_is_stopped_by_the_next(self) -> None:
        self.file(
            "w.yaml",
            HEAD + "  a: {total_timeout: 5s, grace: 1s, run: sleep 600}\n",
        )
        before = self.kill_in_state("running")
        self.call("resume", expect=1)
        task = self.task("a")
        self.assertEqual(task["deadline_at"], before["deadline_at"])
        self.assertEqual(
            (task["state"], task["reason"], task["attempt"]),
            ("failed", "total_timeout", 1),
        )
        self.assertGreaterEqual(task["finished_at"], task["deadline_at"])
        self.assertIn("longer than its total_timeout", task["message"])

    def test_retries_go_on_with_the_next_owner_until_it_is_over(self) -> None:
        """However often it is tried: the time is that of the first owner."""
        self.file(
            "w.yaml",
            HEAD
            + "  a:\n    total_timeout: 15s\n    run: exit 7\n"
            + "    retry: {max_attempts: 1000, delay: 10s, backoff: constant}\n"
            + "  b: {needs: a.failed, run: 'true'}\n",
        )
        before = self.kill_in_state("retrying")
        self.call("resume", expect=1)
        task = self.task("a")
        self.assertEqual(task["deadline_at"], before["deadline_at"])
        self.assertEqual(
            (task["state"], task["reason"], task["exit_code"]),
            ("failed", "total_timeout", 7),
        )
        self.assertIn("the last one ended with exit_code", task["message"])
        self.assertLess(task["started_at"], task["deadline_at"])
        self.assertEqual(self.task("b")["state"], "succeeded")

    def test_what_waits_in_vain_for_a_slot_never_begins(self) -> None:
        go = self.gate("go")
        self.file(
            "w.yaml",
            HEAD
            + f"  first: {{priority: 1, run: read x <{go.path}}}\n"
            + "  a: {total_timeout: 1s, run: echo hello}\n",
        )
        process = self.start("run", "w.yaml", "--set", "engine.slots=1")
        self.wait_until(
            lambda: (
                self.call("get", "last", expect=None).code == 0
                and any(t.get("reason") == "total_timeout" for t in self.tasks())
            )
        )
        go.open()
        self.assertEqual(process.end().code, 1)
        self.assertEqual(self.task("a")["attempt"], 0)

    def test_what_waits_for_a_slot_is_queued(self) -> None:
        go = self.gate("go")
        self.file(
            "w.yaml",
            HEAD
            + f"  first: {{priority: 1, run: read x <{go.path}}}\n"
            + "  a: {total_timeout: 1h, run: echo hello}\n",
        )
        process = self.start("run", "w.yaml", "--set", "engine.slots=1")
        process.wait_for("first started")
        self.assertEqual(self.task("a")["state"], "queued")
        go.open()
        self.assertEqual(process.end().code, 0)

    def test_a_rehearsal_has_its_times_exactly(self) -> None:
        self.file(
            "w.yaml",
            HEAD
            + "  fails:\n    total_timeout: 1m\n    run: ./a\n"
            + "    retry: {max_attempts: 99, delay: 20s, backoff: constant}\n"
            + "  hangs: {total_timeout: 2h, run: ./b, retry: {max_attempts: 9}}\n"
            + "  in_time: {total_timeout: 2h, run: ./c}\n",
        )
        self.file(
            "m.yaml",
            "tasks:\n  fails: {exit_code: 7, duration: 1s}\n"
            "  hangs: {outcome: silent}\n  in_time: {duration: 1h}\n",
        )
        out = self.call(
            "sim", "w.yaml", "--mocks", "m.yaml", "-o", "json", expect=None
        ).json()
        self.assertEqual(out["tasks"]["fails"]["attempts"], 3, out)
        self.assertEqual(out["tasks"]["fails"]["reason"], "total_timeout")
        self.assertEqual(out["tasks"]["hangs"]["attempts"], 1)
        self.assertEqual(out["tasks"]["hangs"]["reason"], "total_timeout")
        self.assertEqual(out["tasks"]["in_time"]["state"], "succeeded")


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
