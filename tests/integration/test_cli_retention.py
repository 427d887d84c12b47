#!/usr/bin/python3
"""Old runs go, oldest first, by age, number and size; with all that they left."""

import sqlite3
import unittest
from pathlib import Path

from ff_cli import CliTest

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


class Retention(CliTest):
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


if __name__ == "__main__":
    unittest.main()
