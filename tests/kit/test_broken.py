#!/usr/bin/python3
"""Each check is able to fail: for each rule there is a driver that breaks it, and the
kit says so, by the check that the driver's source names."""

import re
import unittest
from pathlib import Path

from kit_run import BROKEN, OPTIONS, SOURCE, check

FILES = sorted((SOURCE / "tests/kit/broken").glob("*.c"))


def breaks(file: Path) -> list[str]:
    return re.findall(r"^(?:/| )\* breaks: (\S+)", file.read_text(), re.M)


def options_of(file: Path) -> list[str]:
    over = re.search(r"^ \* over: (\S+)", file.read_text(), re.M)
    return OPTIONS[over.group(1)] if over else []


class Broken(unittest.TestCase):
    def test_every_broken_driver_fails_the_check_of_its_rule(self) -> None:
        self.assertGreater(len(FILES), 0)
        for file in FILES:
            names = breaks(file)
            self.assertTrue(names, f"{file.name} does not say what it breaks")
            for name in names:
                with self.subTest(driver=file.stem, check=name):
                    report = check(
                        BROKEN / f"{file.stem}.so", *options_of(file), "--only", name
                    )
                    self.assertEqual(
                        report.verdicts.get(name), "failed", report.out + report.err
                    )
                    self.assertEqual(report.code, 1)
                    self.assertIn('  rule: "', report.blocks[name])


if __name__ == "__main__":
    unittest.main()
