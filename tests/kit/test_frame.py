#!/usr/bin/python3
"""The kit itself: what it prints, how it ends, and that a driver which crashes, hangs
or leaves takes one check along and no more."""

import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from kit_run import BIN, BROKEN, LIB, OPTIONS, check, driver_of

MEMORY = LIB / "store-memory.so"
ONLY_TWO = ["--only", "guards/put-absent", "--only", "errors/close"]


class Frame(unittest.TestCase):
    def test_a_report_is_tap_with_a_plan_and_a_score(self) -> None:
        report = check(MEMORY, *ONLY_TWO)
        lines = report.out.splitlines()
        self.assertEqual(lines[0], "TAP version 14")
        self.assertIn("1..2", lines)
        self.assertEqual(lines[-1], "# 2 of 2 passed, 0 failed, 0 skipped")
        self.assertEqual(report.code, 0)

    def test_what_the_driver_does_not_declare_is_skipped_with_the_reason(self) -> None:
        report = check(MEMORY, "--only", "expire", "--only", "crash/reopen")
        self.assertEqual(set(report.verdicts.values()), {"skipped"})
        self.assertIn(
            "# SKIP the driver does not have this optional function", report.out
        )
        self.assertIn("# SKIP the driver does not declare this capability", report.out)
        self.assertEqual(report.code, 0)

    def test_a_crash_fails_one_check_and_says_how_it_ended(self) -> None:
        report = check(BROKEN / "store_crashes.so", *ONLY_TWO)
        self.assertEqual(report.names("failed"), ["store/guards/put-absent"])
        self.assertEqual(report.names("passed"), ["store/errors/close"])
        block = report.blocks["store/guards/put-absent"]
        self.assertRegex(block, "ended (by SIGABRT|with exit code)")
        self.assertIn("about to abort", block)
        self.assertIn("rule: ", block)
        self.assertEqual(report.code, 1)

    def test_leaving_without_a_verdict_is_a_failure(self) -> None:
        report = check(BROKEN / "store_exits.so", *ONLY_TWO)
        self.assertEqual(report.names("failed"), ["store/guards/put-absent"])
        self.assertIn("exit code 0", report.blocks["store/guards/put-absent"])

    def test_a_leak_of_the_driver_fails_the_check_in_sanitized_builds(self) -> None:
        report = check(BROKEN / "store_leaks.so", *ONLY_TWO)
        if "address" not in os.environ["FLOWFORGE_SANITIZE"]:
            self.assertEqual(report.code, 0)
            return
        self.assertEqual(len(report.names("failed")), 2)
        block = report.blocks["store/guards/put-absent"]
        self.assertIn("after the last call", block)
        self.assertIn("LeakSanitizer", block)

    def test_what_hangs_is_ended_at_its_deadline(self) -> None:
        report = check(BROKEN / "store_hangs.so", *ONLY_TWO, "--deadline", "1")
        self.assertEqual(report.names("failed"), ["store/guards/put-absent"])
        self.assertIn("longer than 1 s", report.blocks["store/guards/put-absent"])

    def test_a_driver_that_cannot_even_be_loaded_is_refused(self) -> None:
        report = check(BROKEN / "store_crashes_loading.so")
        self.assertEqual(report.code, 78)
        self.assertIn("cannot be loaded", report.err)
        self.assertEqual(check(BROKEN / "no_such_driver.so").code, 78)
        self.assertEqual(check("no-such-driver").code, 78)
        self.assertEqual(report.out, "")

    def test_bad_options_are_refused_before_any_check(self) -> None:
        for options in (
            ["-o", "nmae=x"],
            ["-o", "name={place}"],
            ["-o", "name"],
        ):
            report = check(MEMORY, *options)
            self.assertEqual((report.code, report.out), (78, ""), options)
        self.assertIn("did you mean name?", check(MEMORY, "-o", "nmae=x").err)
        self.assertIn("path is required", check(LIB / "store-sqlite.so").err)

    def test_only_what_options_would_mend_is_answered_with_how_to_give_them(
        self,
    ) -> None:
        hint = "options are given by -o KEY=VALUE"
        self.assertIn(hint, check(LIB / "store-sqlite.so").err)
        self.assertIn(hint, check(MEMORY, "-o", "nmae=x").err)
        self.assertNotIn(hint, check("no-such-driver").err)
        self.assertNotIn(hint, check(BROKEN / "store_crashes_loading.so").err)

    def test_a_filter_alone_is_refused(self) -> None:
        for name in ("store-delay", "queue-fault", "runtime-fault"):
            report = check(LIB / f"{name}.so")
            self.assertEqual((report.code, report.out), (78, ""), name)
            self.assertIn("by --over", report.err)

    def test_a_mistaken_command_line_is_a_usage_error(self) -> None:
        for args in (
            ["--deadline", "0"],
            ["--only", "no-such-check"],
            ["--seed", "x"],
            ["extra"],
            ["--bad"],
        ):
            self.assertEqual(check(MEMORY, *args).code, 2, args)

    def test_the_same_seed_makes_the_same_choices(self) -> None:
        args = ["--only", "random/oracle", "--seed"]
        options = OPTIONS["store-memory"]
        broken = BROKEN / "store_one_by_one.so"
        first, second = (check(broken, *options, *args, "7") for _ in range(2))
        other = check(broken, *options, *args, "8")
        name = "store/random/oracle"
        self.assertEqual(first.blocks[name], second.blocks[name])
        self.assertNotEqual(first.blocks[name], other.blocks[name])
        self.assertIn("  seed: 7", first.blocks[name])

    def test_json_is_one_document_with_the_same_verdicts(self) -> None:
        report = check(BROKEN / "store_crashes.so", *ONLY_TWO, "--json")
        found = json.loads(report.out)
        self.assertEqual((found["passed"], found["failed"]), (1, 1))
        results = {c["name"]: c["result"] for c in found["checks"]}
        self.assertEqual(results["store/guards/put-absent"], "failed")
        self.assertTrue(all(c["rule"] for c in found["checks"]))

    def test_the_list_has_a_rule_for_every_check_and_no_name_twice(self) -> None:
        for name, options in OPTIONS.items():
            report = check(driver_of(name), *options, "--list", "--json")
            listed = json.loads(report.out)
            names = [c["name"] for c in listed]
            self.assertEqual(len(names), len(set(names)))
            for one in listed:
                self.assertRegex(one["rule"], r"^\S.*\S$", one["name"])

    def test_told_to_end_it_leaves_nothing_behind(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            kit = subprocess.Popen(
                [BIN / "flowforge-driver-check", BROKEN / "store_hangs.so"],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "TMPDIR": directory},
            )
            assert kit.stdout
            while not kit.stdout.readline().startswith("1.."):
                pass
            kit.terminate()
            out = kit.stdout.read()
            self.assertEqual(kit.wait(), 128 + signal.SIGTERM)
            self.assertIn("Bail out! SIGTERM", out)
            self.assertEqual(list(Path(directory).iterdir()), [])

    def test_nothing_is_left_behind(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            env = {"TMPDIR": directory}
            check(LIB / "store-sqlite.so", *OPTIONS["store-sqlite"], *ONLY_TWO, env=env)
            self.assertEqual(list(Path(directory).iterdir()), [])
            report = check(MEMORY, *ONLY_TWO, "--keep", env=env)
            kept = list(Path(directory).glob("flowforge-kit-*"))
            self.assertEqual(len(kept), 1)
            self.assertIn(str(kept[0]), report.err)


if __name__ == "__main__":
    unittest.main()
