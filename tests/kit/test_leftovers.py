#!/usr/bin/python3
"""However a check ends, nothing of it is left: neither processes nor files."""

import tempfile
import unittest
from pathlib import Path

from kit_run import BROKEN, LIB, OPTIONS, check


def processes_of(directory: str) -> list[str]:
    """Those that name the directory in their arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes()
            text += (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is another user's
        if directory.encode() in text:
            found.append(f"{process.name}: {text[:80]!r}")
    return found


class Leftovers(unittest.TestCase):
    def look_at(self, driver: Path, name: str, verdict: str, *more: str) -> None:
        with tempfile.TemporaryDirectory() as base:
            # Only what the check starts knows the directory by this name.
            options = [*OPTIONS["runtime-local"], "--only", name, *more]
            report = check(driver, *options, env={"TMPDIR": base})
            self.assertEqual(
                report.verdicts.get(name), verdict, report.out + report.err
            )
            self.assertEqual(processes_of(base), [])
            self.assertEqual(list(Path(base).iterdir()), [])

    def test_a_check_that_passes_leaves_nothing(self) -> None:
        driver = LIB / "runtime-local.so"
        self.look_at(driver, "runtime/close/leaves-running", "passed")

    def test_a_check_that_fails_leaves_no_deaf_process_of_another_session(self) -> None:
        driver = BROKEN / "runtime_cancelled_early.so"
        self.look_at(driver, "runtime/cancel/whole-tree", "failed")

    def test_a_check_that_hangs_leaves_nothing(self) -> None:
        driver = BROKEN / "runtime_no_timeout.so"
        more = ("--deadline", "3")
        self.look_at(driver, "runtime/timeout/grace", "failed", *more)


if __name__ == "__main__":
    unittest.main()
