#!/usr/bin/python3
"""Each check is able to fail: for each rule there is a driver that breaks it, and the
kit says so, by the check that the driver's source names."""
# ctest: timeout=300

# A hundred kits, most of them waiting for what does not come.
# ctest: timeout=300

import json
import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kit_run import BROKEN, OPTIONS, SOURCE, Report, check, driver_of

FILES = sorted((SOURCE / "tests/kit/broken").glob("*.c"))
# A broken driver often shows by what does not come: a check waits a third of this.
DEADLINE_S = 9


def told(file: Path, word: str) -> list[str]:
    return re.findall(rf"^(?:/| )\* {word}: (\S+)", file.read_text(), re.M)


def breaks(file: Path) -> list[str]:
    return told(file, "breaks")


def keeps(file: Path) -> list[str]:
    return told(file, "keeps")


def options_of(file: Path) -> list[str]:
    over = re.search(r"^ \* over: (\S+)", file.read_text(), re.M)
    return OPTIONS[over.group(1)] if over else []


def judge(file: Path) -> Report:
    only = [word for name in breaks(file) + keeps(file) for word in ("--only", name)]
    deadline = ["--deadline", str(DEADLINE_S)]
    driver = BROKEN / f"{file.stem}.so"
    return check(driver, *options_of(file), *only, *deadline)


class Broken(unittest.TestCase):
    def test_every_broken_driver_fails_the_checks_of_its_rules(self) -> None:
        self.assertGreater(len(FILES), 0)
        # Most of the time they wait: several at a time.
        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(judge, FILES))
        for file, report in zip(FILES, reports, strict=True):
            if told(file, "leaks"):
                continue  # test_frame's, for sanitized builds
            if told(file, "refused"):
                self.assertEqual(report.code, 78, file.name)
                continue
            self.assertTrue(breaks(file) + keeps(file), f"{file.name} breaks nothing")
            for name in keeps(file):
                self.assertEqual(report.verdicts.get(name), "passed", report.out)
            for name in breaks(file):
                with self.subTest(driver=file.stem, check=name):
                    self.assertEqual(
                        report.verdicts.get(name), "failed", report.out + report.err
                    )
                    self.assertEqual(report.code, 1)
                    self.assertIn('  rule: "', report.blocks[name])

    def test_every_check_has_a_driver_that_it_fails(self) -> None:
        broken = {name for file in FILES for name in breaks(file)}
        for name, options in OPTIONS.items():
            report = check(driver_of(name), *options, "--list", "--json")
            listed = {c["name"] for c in json.loads(report.out)}
            self.assertEqual(listed - broken, set(), name)


if __name__ == "__main__":
    unittest.main()
