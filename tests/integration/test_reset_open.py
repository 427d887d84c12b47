#!/usr/bin/python3
"""Tasks that begin again while their run goes on, whoever dies meanwhile."""
# ctest: timeout=300

import signal
import sys
import time
import unittest
from typing import Any, Callable

from ff_cli import PATIENCE, CliTest

CHAIN = """flowforge: 1
name: w
tasks:
  a: {run: 'echo a >> seq'}
  b:
    needs: [a]
    grace: 2s
    run: |
      trap '' TERM
      echo b >> seq
      [ -e go ] || { echo here > begun; sleep 600 & wait; wait; }
  c: {needs: [b], run: 'echo c >> seq'}
  other: {run: 'read x < other'}
"""


class OpenRuns(CliTest):
    def steps(self) -> list[str]:
        return (self.folder / "seq").read_text().split()

    def run_of(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("get", "last", "-o", "json").json()
        return shown

    def task(self, name: str) -> dict[str, Any]:
        return next(t for t in self.run_of()["tasks"] if t["task"] == name)

    def events(self) -> list[str]:
        lines = self.call("history", "last", "-o", "json").lines()
        return [str(line["type"]) for line in lines]

    def wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def test_a_task_behind_is_stopped_and_both_begin_again(self) -> None:
        begun, other = self.gate("begun"), self.gate("other")
        self.file("w.yaml", CHAIN)
        process = self.start("run", "w.yaml")
        begun.path.read_text()  # b has begun
        (self.folder / "go").touch()
        self.call("rerun", "last", "--from", "a", "--detach")
        self.wait_until(lambda: bool(self.task("c")["state"] == "succeeded"))
        other.open()
        self.assertEqual(process.end().code, 0)
        self.assertEqual(self.steps(), ["a", "b", "a", "b", "c"])
        self.assertEqual(self.task("other")["attempt"], 1)
        self.assertEqual(self.task("b")["attempt"], 2)
        self.assertEqual(self.events().count("run.reset"), 1)
        self.assertEqual(self.events().count("run.finished"), 1)

    def test_an_owner_that_dies_before_the_stop_is_followed(self) -> None:
        begun, other = self.gate("begun"), self.gate("other")
        self.file("w.yaml", CHAIN.replace("grace: 2s", "grace: 10s"))
        process = self.start("run", "w.yaml")
        begun.path.read_text()
        (self.folder / "go").touch()
        self.call("rerun", "last", "--from", "a", "--detach")
        self.wait_until(lambda: "run.reset" in self.events())
        process.end(signal.SIGKILL)
        self.assertEqual(self.task("b")["state"], "running")
        going = self.start("resume", "last")
        other.open()
        self.assertEqual(going.end().code, 0)
        self.assertEqual(self.steps(), ["a", "b", "a", "b", "c"])
        self.assertEqual(self.events().count("run.reset"), 1)

    def test_a_request_that_nobody_heard_is_kept(self) -> None:
        begun, other = self.gate("begun"), self.gate("other")
        self.file("w.yaml", CHAIN)
        process = self.start("run", "w.yaml")
        begun.path.read_text()
        (self.folder / "go").touch()
        process.end(signal.SIGKILL)
        going = self.start("rerun", "last", "--from", "a")
        other.open()
        self.assertEqual(going.end().code, 0)
        self.assertEqual(self.steps(), ["a", "b", "a", "b", "c"])

    def test_what_failed_is_tried_again_while_others_run(self) -> None:
        other = self.gate("other")
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks:\n"
            "  a: {run: 'echo a >> seq; test -e ok'}\n"
            "  b: {needs: [a], run: 'echo b >> seq'}\n"
            "  other: {run: 'read x < other'}\n",
        )
        process = self.start("run", "w.yaml")
        process.wait_for("a failed")
        (self.folder / "ok").touch()
        self.call("retry", "--state", "running", "--workflow", "w", "--detach")
        self.wait_until(lambda: bool(self.task("b")["state"] == "succeeded"))
        refused = self.call("retry", "last", expect=None)
        self.assertIn("no task of it has failed", refused.err)
        self.call("retry", "--state", "running")  # none that it fits
        other.open()
        self.assertEqual(process.end().code, 0)
        self.assertEqual(self.steps(), ["a", "a", "b"])

    def test_runs_inside_are_stopped_and_made_anew(self) -> None:
        other = self.gate("other")
        self.file(
            "inner.yaml",
            "flowforge: 1\nname: inner\ntasks:\n"
            "  u: {run: 'echo u >> seq; [ -e go ] || sleep 600'}\n",
        )
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks:\n"
            "  a: {run: 'echo a >> seq'}\n"
            "  g:\n    needs: [a]\n    tasks:\n"
            "      one: {run: 'true'}\n"
            "      two: {needs: [one], run: 'echo g >> seq; [ -e go ] || sleep 600'}\n"
            "  used: {needs: [a], uses: ./inner.yaml}\n"
            "  other: {run: 'read x < other'}\n",
        )
        process = self.start("run", "w.yaml")
        self.wait_until(
            lambda: (self.folder / "seq").exists() and len(self.steps()) == 3
        )
        (self.folder / "go").touch()
        self.call("rerun", "last", "--from", "a", "--detach")
        self.wait_until(
            lambda: all(self.task(t)["state"] == "succeeded" for t in ("g", "used"))
        )
        other.open()
        self.assertEqual(process.end().code, 0)
        steps = self.steps()
        self.assertEqual(sorted(steps), ["a", "a", "g", "g", "u", "u"])
        self.assertEqual(sorted(steps[:3]), ["a", "g", "u"])
        self.assertEqual(self.task("g")["attempt"], 2)
        self.assertEqual(self.task("used")["attempt"], 2)

    def test_where_handlers_run_it_is_refused(self) -> None:
        gate = self.gate("gate")
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\n"
            "finally: {last: {run: 'echo in; read x < gate'}}\n",
        )
        process = self.start("run", "w.yaml")
        process.wait_for("last started")
        refused = self.call("rerun", "last", "--from", "a", expect=None)
        self.assertIn("handlers", refused.err)
        gate.open()
        self.assertEqual(process.end().code, 0)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
