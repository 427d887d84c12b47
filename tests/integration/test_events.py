#!/usr/bin/python3
"""`flowforge events`: each event of each run once, in order, whoever leads."""
# ctest: timeout=300

import contextlib
import json
import os
import signal
import unittest
from pathlib import Path
from typing import Any

from ff_cli import CliTest, Process

HEAD = "flowforge: 1\nname: {}\ntasks:\n"


class Events(CliTest):
    def flow(self, name: str, tasks: str) -> str:
        return self.file(f"{name}.yaml", HEAD.format(name) + tasks)

    def history(self, run: str) -> list[Any]:
        return self.call("history", run, "-o", "json").lines()

    def of(self, follower: Process, run: str) -> list[Any]:
        whole = follower.seen[: follower.seen.rfind("\n") + 1]
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if line["run"] == run]

    def check_told(self, follower: Process, run: str, workflow: str) -> None:
        """Exactly the history of that run, and whose it is."""
        self.assertEqual(
            self.of(follower, run),
            [{"run": run, "workflow": workflow, **line} for line in self.history(run)],
        )

    def ids(self) -> list[str]:
        listed = self.call("list", "-a", "-o", "json").json()["runs"]
        return [r["id"] for r in reversed(listed)]

    @staticmethod
    def wait_until_it_watches(follower: Process) -> None:
        """What is past is settled before it looks out for owners."""
        fds = Path(f"/proc/{follower.popen.pid}/fd")
        while follower.popen.poll() is None:
            with contextlib.suppress(OSError):
                if any("inotify" in str(fd.readlink()) for fd in fds.iterdir()):
                    return

    def test_all_runs_are_told_of_from_now_on(self) -> None:
        gate = self.gate("gate")
        old = self.start("run", self.flow("old", "  a: {run: cat gate}\n"))
        old.wait_for("a started")
        (before,) = self.ids()
        n_before = len(self.history(before))
        follower = self.start("events", "--follow", "-o", "json")
        self.wait_until_it_watches(follower)
        path = self.flow("new", "  g: {tasks: {a: {run: 'true'}}}\n")
        self.call("run", path)
        runs = self.ids()[1:]
        self.assertEqual(len(runs), 2)  # and the one inside it
        gate.open()
        self.assertEqual(old.end().code, 0)
        while not any(e["type"] == "run.finished" for e in self.of(follower, before)):
            assert follower.popen.stdout
            piece = os.read(follower.popen.stdout.fileno(), 65536)
            self.assertTrue(piece, "it ended")
            follower.seen += piece.decode()
        self.assertEqual(
            [e["seq"] for e in self.of(follower, before)],
            [e["seq"] for e in self.history(before)[n_before:]],
        )
        for run, workflow in zip(runs, ("new", "new"), strict=True):
            self.check_told(follower, run, workflow)
        follower.end(signal.SIGTERM)

    def test_one_run_is_told_of_until_it_ends_through_a_kill(self) -> None:
        gate = self.gate("gate")
        first = self.start(
            "run",
            self.flow("w", "  a: {run: cat gate}\n  b: {needs: [a], run: 'true'}\n"),
        )
        first.wait_for("a started")
        (run,) = self.ids()
        follower = self.start("events", "-f", "--run", "last", "-o", "json")
        follower.wait_for('"task.started"')
        first.end(signal.SIGKILL)
        resumed = self.start("resume", "last")
        gate.open()
        self.assertEqual(resumed.end().code, 0)
        done = follower.end()
        self.assertEqual(done.code, 0, done.err)
        follower.seen = done.out
        self.check_told(follower, run, "w")
        text = self.call("events", "--run", run).out
        self.assertEqual(text, self.call("history", run).out)
        self.assertEqual(
            self.call("events", "--run", run, "-f", "-o", "json").out, done.out
        )

    def test_nobody_leads_at_first(self) -> None:
        self.call("run", self.flow("w", "  a: {run: 'true'}\n"))
        self.stop_owner()
        follower = self.start("events", "-f")
        follower.wait_for_err("nobody leads runs now; waiting")
        self.call("run", self.flow("x", "  a: {run: 'true'}\n"))
        follower.wait_for("run.finished")
        run = self.ids()[-1]
        for line in follower.seen.splitlines():
            self.assertTrue(line.startswith(f"{run[:8]}  x  "), line)
        self.assertEqual(len(follower.seen.splitlines()), len(self.history(run)))
        follower.end(signal.SIGTERM)

    def test_what_is_asked_for_has_to_be_said(self) -> None:
        self.assertIn("--follow", self.call("events", expect=2).err)
        self.call("events", "--run", "00000000", expect=4)


if __name__ == "__main__":
    unittest.main()
