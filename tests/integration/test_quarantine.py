#!/usr/bin/env python3
"""A run whose rows make no sense any more ends in the open, and its tasks with it."""

import os
import signal
import sqlite3
import time
import unittest

from ff_cli import PATIENCE, CliTest

FLOW = """\
flowforge: 1
name: damaged
tasks:
  long:
    run: |
      echo $$ > pid.new; mv pid.new pid
      read line < gate
"""
GROUP = """\
flowforge: 1
name: around
tasks:
  g:
    tasks:
      long: {run: 'read line < gate'}
"""


class Quarantine(CliTest):
    def wait_gone(self, pid: int) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        self.fail(f"process {pid} of a run that was set aside goes on")

    def damage(self, task: str) -> None:
        """Its run has a row of a task that the workflow has not."""
        with sqlite3.connect(self.data / "flowforge.db") as db:
            cursor = db.execute("select * from task where task = ?", (task,))
            names = [column[0] for column in cursor.description]
            row = dict(zip(names, cursor.fetchone(), strict=True))
            row.update(node=row["node"] + (7 << 32), state="succeeded")
            marks = ", ".join("?" * len(names))
            db.execute(f"insert into task values ({marks})", list(row.values()))
        db.close()

    def test_runs_inside_it_go_on_to_their_end(self) -> None:
        gate = self.gate("gate")
        self.file("flow.yaml", GROUP)
        engine = self.start("run", "flow.yaml")
        with gate.path.open("w", encoding="utf-8") as writer:  # somebody reads
            engine.end(signal.SIGKILL)
            self.damage("g")
            resumed = self.start("resume")
            end = time.monotonic() + PATIENCE
            while self.states()["around"] != "failed":
                self.assertLess(time.monotonic(), end)
            self.assertEqual(self.states()["inside"], "running")
            writer.write("go\n")
        resumed.end()
        while self.states()["inside"] == "running":
            self.assertLess(time.monotonic(), end)
        self.assertEqual(self.states()["inside"], "succeeded")

    def states(self) -> dict[str, str]:
        outer = self.call("list", "-o", "json").json()["runs"]
        runs = self.call("list", "--all", "-o", "json").json()["runs"]
        (inside,) = (r for r in runs if r["id"] != outer[0]["id"])
        return {"around": outer[0]["state"], "inside": inside["state"]}

    def test_its_attempts_are_stopped_and_the_history_says_why(self) -> None:
        self.gate("gate")
        self.file("flow.yaml", FLOW)
        engine = self.start("run", "flow.yaml")
        pid_file = self.folder / "pid"
        end = time.monotonic() + PATIENCE
        while not pid_file.exists() and time.monotonic() < end:
            time.sleep(0.01)
        pid = int(pid_file.read_text())
        self.assertGreater(pid, 1)
        engine.end(signal.SIGKILL)
        self.damage("long")
        self.call("resume", expect=None)
        run = self.call("get", "last", "-o", "json").json()
        self.assertEqual((run["state"], run["reason"]), ("failed", "quarantined"))
        self.wait_gone(pid)
        events = self.call("history", "last", "-o", "json").lines()
        ends = [e for e in events if e["type"] in ("task.finished", "run.finished")]
        self.assertEqual([e["reason"] for e in ends], ["quarantined", "quarantined"])
        self.assertIn("that the workflow has not", ends[-1]["message"])


if __name__ == "__main__":
    unittest.main()
