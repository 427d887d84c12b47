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

    def test_what_is_kept_stays_below_the_bytes(self) -> None:
        for what in ("log", "value", "file"):
            with self.subTest(what):
                self.run_one(what)
                second = self.run_one(what)
                third = self.run_one(what, "engine.keep_bytes=700KB")
                self.assertEqual(self.kept(), [third, second])


if __name__ == "__main__":
    unittest.main()
