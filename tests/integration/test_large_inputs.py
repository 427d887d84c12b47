#!/usr/bin/python3
"""Inputs above 64 KiB that a run is submitted with stand beside its row, durable before
it, and are nobody's for no longer than it takes to notice."""

# ctest: timeout=300

import json
import os
import resource
import signal
import sqlite3
import time
import unittest
from pathlib import Path
from typing import Any

from ff_cli import PATIENCE, CliTest

SIZED = """flowforge: 1
name: sized
inputs: {word: string, n: {type: integer, default: 1}}
tasks:
  count: {transform: {size: "${{ size(inputs.word) + inputs.n }}"}}
  again:
    needs: [count]
    run: test "$FAIL" = ""
    env: {FAIL: "${{ inputs.n == 2 ? 'yes' : '' }}"}
outputs: {size: "${{ tasks.count.outputs.size }}"}
"""

SMALL = "flowforge: 1\nname: small\ntasks: {a: {noop: true}}\n"
WORD = "abcdefghij" * 20000


class LargeInputsTest(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.sized = self.file("sized.yaml", SIZED)
        self.small = self.file("small.yaml", SMALL)
        self.inputs = self.file("inputs.json", json.dumps({"word": WORD}))

    def submit(self, *args: str, **kwargs: Any) -> Any:
        return self.call("run", self.sized, "--inputs", self.inputs, *args, **kwargs)

    def get(self, what: str = "last", *args: str) -> Any:
        return self.call("get", what, "-o", "json", *args).json()

    def ids(self, *args: str) -> set[str]:
        runs = self.call("list", "-o", "json", *args).json()["runs"]
        return {run["id"] for run in runs}

    def folders(self) -> set[str]:
        runs = self.data / "runs"
        return (
            {p.parent.name for p in runs.glob("*/values")} if runs.is_dir() else set()
        )

    def markers(self) -> list[Path]:
        folder = self.data / "submitting"
        return list(folder.iterdir()) if folder.is_dir() else []

    def check_nothing_is_left(self) -> None:
        self.assertEqual(self.markers(), [])
        self.assertLessEqual(self.folders(), self.ids())

    def check_rows(self) -> None:
        with sqlite3.connect(self.data / "flowforge.db") as base:
            for column, table in (("inputs", "run"), ("body", "event")):
                query = f"select max(length({column})) from {table}"
                self.assertLess(base.execute(query).fetchone()[0], 1000)


class LargeInputs(LargeInputsTest):
    """Runs that somebody submits."""

    def test_they_are_given_to_tasks_and_shown(self) -> None:
        self.submit()
        got = self.get()
        self.assertEqual(got["outputs"], {"size": len(WORD) + 1})
        self.assertEqual(got["inputs"], {"word": WORD, "n": 1})
        self.assertIn(WORD[:20], self.call("get", "last").out)
        created = self.call("history", "last", "-o", "json").lines()[0]
        self.assertEqual(created["inputs"], {"word": WORD, "n": 1})
        self.check_rows()
        self.assertEqual(self.folders(), {got["id"]})
        self.check_nothing_is_left()

    def test_the_canonical_history_is_the_same_in_every_store(self) -> None:
        histories = []
        for store in ("sqlite", "lmdb"):
            setting = ("--set", f"engine.store=store-{store}")
            self.submit(*setting)
            told = self.call("history", "last", "--canonical", *setting)
            self.assertEqual(self.get("last", *setting)["inputs"]["word"], WORD)
            histories.append(told.out)
        self.assertIn(WORD, histories[0])
        self.assertEqual(histories[0], histories[1])
        self.assertEqual(len(self.folders()), 2)
        self.submit("--set", "engine.store=store-memory")

    def test_a_kill_before_the_row_leaves_nothing_and_after_it_everything(self) -> None:
        points = ("node.given.marked", "exec.values.kept", "node.given.kept")
        for point in points:
            with self.subTest(point=point):
                self.env["FF_FAILPOINT"] = f"{point}:kill"
                self.submit(expect=-signal.SIGKILL)
                del self.env["FF_FAILPOINT"]
                self.assertEqual(len(self.markers()), 1)
                self.call("run", self.small)
                self.check_nothing_is_left()
                self.assertEqual(self.folders(), set())
        self.env["FF_FAILPOINT"] = "node.submit.after:kill"
        self.submit(expect=-signal.SIGKILL)
        del self.env["FF_FAILPOINT"]
        self.call("resume")
        self.assertEqual(self.get()["outputs"], {"size": len(WORD) + 1})
        self.check_nothing_is_left()

    def test_one_that_is_being_made_is_left_alone(self) -> None:
        self.env["FF_FAILPOINT"] = "node.given.kept:stop"
        maker = self.start("run", self.sized, "--inputs", self.inputs)
        os.waitid(os.P_PID, maker.popen.pid, os.WSTOPPED | os.WNOWAIT)
        del self.env["FF_FAILPOINT"]
        self.call("run", self.small)
        self.assertEqual(len(self.markers()), 1)
        self.assertEqual(len(self.folders()), 1)
        self.assertEqual(maker.end(signal.SIGCONT).code, 0)
        self.assertEqual(len(self.ids()), 2)
        self.check_nothing_is_left()

    def test_a_sweep_that_dies_is_done_again(self) -> None:
        self.env["FF_FAILPOINT"] = "node.given.kept:kill"
        self.submit(expect=-signal.SIGKILL)
        self.env["FF_FAILPOINT"] = "node.given.settled:kill"
        self.call("run", self.small, expect=-signal.SIGKILL)
        del self.env["FF_FAILPOINT"]
        self.assertEqual(len(self.markers()), 1)
        self.call("resume")
        self.check_nothing_is_left()

    def test_what_is_no_marker_keeps_none_from_being_settled(self) -> None:
        self.env["FF_FAILPOINT"] = "node.given.kept:kill"
        self.submit(expect=-signal.SIGKILL)
        del self.env["FF_FAILPOINT"]
        strangers = {f"lost+found{n}" for n in range(8)}
        for name in strangers:
            (self.data / "submitting" / name).mkdir()
        told = self.call("run", self.small)
        self.assertNotIn("stay for now", told.err)
        self.assertEqual({marker.name for marker in self.markers()}, strangers)
        self.assertEqual(self.folders(), set())

    def test_a_disk_that_fails_refuses_the_run_and_keeps_nothing(self) -> None:
        self.call("run", self.small)
        before = self.ids()
        self.env["FF_FAILPOINT"] = "exec.values.kept:error"
        self.submit(expect=74)
        del self.env["FF_FAILPOINT"]

        def small_files() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            most = 150_000  # the store's own files are smaller
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        refused = self.submit(
            "--set", "engine.store=store-sqlite", preexec_fn=small_files, expect=69
        )
        self.assertIn("/values/", refused.err)
        self.assertIn("File too large", refused.err)
        self.assertEqual(self.ids(), before)
        self.check_nothing_is_left()
        self.assertEqual(self.folders(), set())

    def test_a_new_run_of_the_same_has_its_own(self) -> None:
        self.submit("-i", "n=2", expect=1)
        first = self.get()["id"]
        self.call("retry", "last", expect=1)
        self.assertEqual(self.get()["inputs"], {"word": WORD, "n": 2})
        self.call("rerun", first, "--new", "-i", "n=3")
        self.call("rerun", "last", "--from", "again", "--new")
        self.call("run", self.small, "--set", "engine.keep_runs=2")
        last = next(iter(self.folders() & self.ids("--workflow", "sized")))
        self.assertNotEqual(last, first)
        self.assertEqual(self.get(last)["inputs"], {"word": WORD, "n": 3})
        self.check_nothing_is_left()

    def test_of_inputs_that_are_gone_no_new_run_is_made(self) -> None:
        self.submit()
        for value in (self.data / "runs").glob("*/values/*"):
            value.unlink()
        refused = self.call("rerun", "last", "--new", expect=74)
        self.assertIn("are damaged or gone", refused.err)

    def test_retention_takes_them_and_a_backup_holds_them(self) -> None:
        self.submit()
        self.call("backup", "copy")
        copies = list((self.folder / "copy.d").glob("runs/*/values/*"))
        self.assertEqual([json.loads(p.read_text()) for p in copies], [WORD])
        self.call("run", self.small, "--set", "engine.keep_runs=1")
        self.assertEqual(self.folders(), set())

    def test_beyond_the_limit_they_are_refused(self) -> None:
        for size, code in ((16 << 20, 0), ((16 << 20) + 1, 3)):
            Path(self.inputs).write_text(json.dumps({"word": "x" * size}))
            result = self.submit(expect=code)
        self.assertIn("word: 16777217 bytes, of 16 MiB at most", result.err)
        self.assertIn("give the path of a file", result.err)
        Path(self.inputs).write_text(" " * (64 << 20) + "{}")
        result = self.submit(expect=3)
        self.assertIn("a file of inputs has at most 64 MiB", result.err)


# By itself it starts on the 29th of February only.
SCHEDULED = """flowforge: 1
name: scheduled
inputs: {word: string}
triggers:
  event: {name: go, overlap: allow, inputs: {word: WORD}}
  cron: {expr: 0 0 29 2 *, inputs: {word: WORD}}
tasks:
  count: {transform: {size: "${{ size(inputs.word) }}"}}
outputs: {size: "${{ tasks.count.outputs.size }}"}
"""


class LargeInputsOfSchedules(LargeInputsTest):
    """Runs that begin in the commit of a schedule."""

    def setUp(self) -> None:
        super().setUp()
        text = SCHEDULED.replace("WORD", WORD)
        self.call("apply", self.file("scheduled.yaml", text))
        self.stop_owner()  # the next one has the failpoints of its test

    def await_runs(self, n: int) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            runs = self.call("list", "-o", "json").json()["runs"]
            states = [run["state"] for run in runs]
            if states == ["succeeded"] * n:
                break
            self.assertLess(time.monotonic(), end, f"never {n}: {states}")
            time.sleep(0.02)
        for run in runs:
            got = self.get(run["id"])
            self.assertEqual(got["outputs"], {"size": len(WORD)})
            self.assertEqual(got["inputs"], {"word": WORD})
        self.check_rows()
        self.stop_owner()
        self.call("run", self.small)
        self.check_nothing_is_left()
        self.assertEqual(len(self.folders()), n)

    def test_by_hand_by_an_event_and_by_a_backfill(self) -> None:
        self.call("schedule", "trigger", "scheduled.event")
        self.call("event", "go")
        two = ("--from", "2020-01-01T00:00:00Z", "--to", "2025-01-01T00:00:00Z")
        self.call("schedule", "backfill", "scheduled.cron", *two)
        self.await_runs(4)

    def test_a_kill_between_the_file_and_its_row_costs_no_run(self) -> None:
        for point in ("exec.values.kept", "node.given.kept"):
            self.stop_owner()
            hit = self.folder / f"hit.{point}"
            self.env["FF_FAILPOINT"] = f"{point}:kill"
            self.env["FF_FAILPOINT_HIT"] = str(hit)
            self.call("event", "go", expect=None)
            while not hit.exists() or self.owner_pids():
                time.sleep(0.02)
            self.assertGreater(len(self.markers()), 0)
            del self.env["FF_FAILPOINT"]
            self.call("event", "go")  # starts one that leads
        self.await_runs(4)

    def test_a_disk_that_fails_only_costs_time(self) -> None:
        self.env["FF_FAILPOINT"] = "exec.values.kept:error"
        self.call("event", "go")
        self.await_runs(1)

    def test_what_a_disk_had_no_room_for_is_taken_back_at_once(self) -> None:
        self.env["FF_FAILPOINT"] = "exec.values.kept:error"
        self.call("event", "go")
        end = time.monotonic() + PATIENCE
        while not self.ids():
            self.assertLess(time.monotonic(), end, "it was never tried again")
            time.sleep(0.02)
        self.assertEqual(self.folders(), self.ids())


if __name__ == "__main__":
    unittest.main()
