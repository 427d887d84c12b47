#!/usr/bin/python3
"""Old runs go, oldest first, by age, number and size; with all that they left."""

import os
import signal
import sqlite3
import time
import unittest
from pathlib import Path

from ff_cli import PATIENCE, CliTest, Process

RUN = """flowforge: 1
name: leaves
inputs: {what: {enum: [nothing, log, value, file], default: nothing}}
tasks:
  t:
    env: {WHAT: "${{ inputs.what }}"}
    run: |
      bytes() { head -c 300000 /dev/zero | tr '\\0' "$1"; }
      case $WHAT in
      log) bytes l ;;
      value) bytes v > "$FF_OUT/value" ;;
      file) bytes f > "$FF_OUT/file" ;;
      esac
    outputs:
      value: {optional: true}
      file: {as: file, optional: true}
"""


class RetentionTest(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.file("leaves.yaml", RUN)

    def run_one(self, what: str, *settings: str) -> str:
        sets = [word for s in settings for word in ("--set", s)]
        lines = self.call(
            *("run", "leaves.yaml", "-i", f"what={what}", "-o", "json"), *sets
        ).lines()
        return str(lines[-1]["run"]["id"])

    def kept(self) -> list[str]:
        """Newest first; their folders are there, and no others."""
        runs = [r["id"] for r in self.call("list", "-o", "json").json()["runs"]]
        folders = {p.name for p in Path(self.data / "runs").iterdir()}
        self.assertLessEqual(folders, set(runs))
        return runs


class Retention(RetentionTest):
    def test_the_newest_runs_are_kept_by_number(self) -> None:
        self.run_one("log")
        second = self.run_one("file")
        third = self.run_one("value", "engine.keep_runs=2")
        self.assertEqual(self.kept(), [third, second])

    def test_runs_of_before_the_time_go(self) -> None:
        self.run_one("log")
        self.run_one("nothing", "engine.keep=1ms")
        self.assertLessEqual(len(self.kept()), 1)

    def test_nothing_goes_without_limits(self) -> None:
        limits = ("engine.keep=0s", "engine.keep_runs=0", "engine.keep_bytes=0")
        self.run_one("log", *limits)
        self.run_one("file", *limits)
        self.assertEqual(len(self.kept()), 2)

    def test_tokens_of_rates_that_are_long_over_go(self) -> None:
        self.file(
            "rate.yaml",
            "flowforge: 1\nname: rate\ntasks:\n"
            "  a: {run: 'true', rate: {key: old, limit: 5, per: 1h}}\n",
        )
        self.call("run", "rate.yaml")
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("update rate_token set until_at = 1000")
        self.call("run", "leaves.yaml")  # it is swept at an end
        with sqlite3.connect(self.data / "flowforge.db") as db:
            self.assertEqual(db.execute("select * from rate_token").fetchall(), [])
        self.call("run", "rate.yaml")
        with sqlite3.connect(self.data / "flowforge.db") as db:
            self.assertEqual(len(db.execute("select * from rate_token").fetchall()), 1)

    def test_times_of_schedules_go_when_nothing_asks_for_them(self) -> None:
        self.run_one("nothing")
        with sqlite3.connect(self.data / "flowforge.db") as db:
            ((tenant, run),) = db.execute("select tenant, run from run").fetchall()
            of = f"select {tenant}, " + "'{}', {}, 1, '{}', 'time', {}, {} "
            names = "tenant, schedule, nominal_at, version, state, cause, run"
            for what in (
                of.format("w.a", 1000, "started", 999_999, 1000),
                of.format("w.a", 2000, "skipped", "null", 1000),
                of.format("w.a", 3000, "waiting", "null", 1000),
                of.format("w.a", 4000, "started", run, 1000),
                of.format("w.a", 5000, "missed", "null", 10**15 * 9),
                of.format("w.a", 6000, "failed", "null", 1000),
                of.format("w.a", 7000, "started", 999_998, 1000),
                of.format("w.b", 1000, "started", 999_997, 1000),
                of.format("w.b", 2000, "started", 999_996, 1000),
            ):
                db.execute(f"insert into schedule_run ({names}, decided_at) {what}")
        rows = "select schedule, nominal_at from schedule_run order by 1, 2"

        def times(schedule: str) -> list[int]:
            with sqlite3.connect(self.data / "flowforge.db") as db:
                found = db.execute(rows).fetchall()
            return [t for name, t in found if name == schedule]

        self.run_one("nothing", "engine.keep=0s")
        self.assertEqual(times("w.a"), [1000, 2000, 3000, 4000, 5000, 6000, 7000])
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute(  # of no schedule that is there: it does not go on
                "insert into backfill (tenant, schedule, no, version, state, from_at,"
                " below_at, last_at, max_parallel, n_started, created_at)"
                f" values ({tenant}, 'w.a', 1, 1, 'running', 6000, 6001, 0, 1, 0, 0)"
            )
        self.run_one("nothing")
        self.assertEqual(times("w.a"), [3000, 4000, 5000, 6000, 7000])
        self.assertEqual(times("w.b"), [2000])

    def test_what_is_kept_stays_below_the_bytes(self) -> None:
        for what in ("log", "value", "file"):
            with self.subTest(what):
                self.run_one(what)
                second = self.run_one(what)
                third = self.run_one(what, "engine.keep_bytes=700KB")
                self.assertEqual(self.kept(), [third, second])


class WhileItLeads(RetentionTest):
    def wait_until_kept(self, runs: list[str]) -> None:
        end = time.monotonic() + PATIENCE
        while self.ids() != runs and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.ids(), runs)

    def ids(self) -> list[str]:
        return [r["id"] for r in self.call("list", "-o", "json").json()["runs"]]

    def lead(self, *settings: str) -> Process:
        sets = [word for s in settings for word in ("--set", s)]
        self.env["FF_FAILPOINT_TRACE"] = str(self.folder / "trace")
        engine = self.start("engine", "--stay", *sets)
        del self.env["FF_FAILPOINT_TRACE"]
        return engine

    def passes(self) -> int:
        trace = (self.folder / "trace").read_text().split()
        return trace.count("node.keeper.pass")

    def wait_for_passes(self, n: int) -> None:
        end = time.monotonic() + PATIENCE
        path = self.folder / "trace"
        while not (path.exists() and self.passes() >= n) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.passes(), n)

    def test_old_runs_go_as_a_process_that_stays_begins(self) -> None:
        for what in ("log", "value"):
            self.run_one(what)
        newest = self.run_one("file")
        engine = self.lead("engine.keep_runs=1")
        self.wait_until_kept([newest])
        self.assertEqual(engine.end(signal.SIGTERM).code, 143)
        self.assertEqual(self.kept(), [newest])

    def test_old_runs_go_when_runs_end_and_nothing_is_done_without(self) -> None:
        engine = self.lead("engine.keep_runs=1", "engine.retention_every=100ms")
        self.wait_for_passes(1)
        self.run_one("value")
        self.wait_for_passes(2)
        newest = self.run_one("nothing")
        self.wait_until_kept([newest])
        time.sleep(0.5)  # five times as long as it waits between two passes
        self.assertEqual(self.passes(), 3)
        result = engine.end(signal.SIGTERM)
        self.assertNotIn("Sanitizer", result.err)
        self.assertEqual(self.kept(), [newest])

    def test_a_run_goes_when_it_is_too_old_though_nothing_else_happens(self) -> None:
        engine = self.lead("engine.keep=1s", "engine.retention_every=100ms")
        self.wait_for_passes(1)
        # Who waited for its end might come too late to read how it ended.
        self.call("run", "leaves.yaml", "-i", "what=value", "--detach")
        self.wait_until_kept([])
        self.assertEqual(engine.end(signal.SIGTERM).code, 143)

    def test_who_leads_may_be_told_to_leave_in_the_middle_of_a_pass(self) -> None:
        runs = [self.run_one("value") for _ in range(4)]
        self.env["FF_FAILPOINT"] = "node.retention.claim:delay=300:0"
        engine = self.lead("engine.keep_runs=1")
        del self.env["FF_FAILPOINT"]
        self.wait_for_passes(1)
        result = engine.end(signal.SIGTERM)
        self.assertEqual(result.code, 143, result.err)
        self.assertNotIn("Sanitizer", result.err)
        self.assertIn(runs[-1], self.kept())


class Races(RetentionTest):
    """A run is deleted by one process, and opened again by another."""

    def setUp(self) -> None:
        super().setUp()
        self.old = self.run_one("value")

    def stop_at(self, failpoint: str) -> Process:
        """Somebody who is about to delete the old run, for a newer one."""
        self.env["FF_FAILPOINT"] = f"{failpoint}:stop"
        process = self.start("run", "leaves.yaml", "--set", "engine.keep_runs=1")
        del self.env["FF_FAILPOINT"]
        _, status = os.waitpid(process.popen.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status), status)
        return process

    def rows(self, table: str) -> int:
        query = f"select count(*) from {table} where run = 1"
        with sqlite3.connect(self.data / "flowforge.db") as db:
            return int(db.execute(query).fetchone()[0])

    def test_a_run_that_was_opened_again_is_not_deleted(self) -> None:
        process = self.stop_at("node.retention.claim")
        self.call("rerun", self.old, "-q")
        result = process.end(signal.SIGCONT)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn(self.old, self.kept())
        self.assertEqual(
            self.call("get", self.old, "-o", "json").json()["state"], "succeeded"
        )
        self.assertEqual((self.rows("task"), self.rows("open_run")), (1, 0))

    def test_a_run_that_is_being_deleted_is_not_opened_again(self) -> None:
        process = self.stop_at("node.retention.table")
        refused = self.call("rerun", self.old, "-q", expect=4)
        self.assertIn("is being deleted", refused.err)
        self.assertEqual(process.end(signal.SIGCONT).code, 0)
        self.assertNotIn(self.old, self.kept())
        self.assertEqual((self.rows("task"), self.rows("open_run")), (0, 0))

    def test_who_opens_a_run_that_was_deleted_meanwhile_is_refused(self) -> None:
        self.env["FF_FAILPOINT"] = "node.reset.before:stop"
        rerun = self.start("rerun", self.old)
        del self.env["FF_FAILPOINT"]
        _, status = os.waitpid(rerun.popen.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status), status)
        newest = self.run_one("nothing", "engine.keep_runs=1")
        result = rerun.end(signal.SIGCONT)
        self.assertNotEqual(result.code, 0)
        self.assertIn("deleted", result.err)
        self.assertEqual(self.kept(), [newest])
        self.assertEqual((self.rows("task"), self.rows("open_run")), (0, 0))

    def test_what_a_crash_left_of_a_run_goes_with_the_next_pass(self) -> None:
        self.env["FF_FAILPOINT"] = "node.retention.table:kill:2"
        self.call("run", "leaves.yaml", "--set", "engine.keep_runs=1", expect=None)
        del self.env["FF_FAILPOINT"]
        self.assertEqual(self.rows("run"), 1)
        self.run_one("nothing")  # it would keep both
        self.assertNotIn(self.old, self.kept())
        self.assertEqual((self.rows("run"), self.rows("task")), (0, 0))


if __name__ == "__main__":
    unittest.main()
