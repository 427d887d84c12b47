#!/usr/bin/python3
"""A backup while retention goes on: what its rows name is in the copy.

The backup is stopped between the copy of the store and that of the files, and others
meanwhile want to delete what the first holds already.
"""
# ctest: timeout=300

import os
import shutil
import signal
import sqlite3
import sys
import time
import unittest
from pathlib import Path

from ff_cli import PATIENCE, CliTest, Process

MADE = """flowforge: 1
name: made
tasks:
  make:
    cache: {key: k}
    run: echo content >"$FF_ARTIFACTS/m"
    artifacts: {out: {m: m}}
  large:
    run: head -c 200000 /dev/zero | tr '\\0' x
    outputs: {text: stdout}
outputs: {text: "${{ tasks.large.outputs.text }}"}
"""

OTHER = "flowforge: 1\nname: other\ntasks: {a: {run: 'true'}}\n"

# One run is kept.
GREEDY = ("--set", "engine.keep_runs=1")


class Backup(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.file("made.yaml", MADE)
        self.file("other.yaml", OTHER)

    def made(self) -> str:
        """The id of a run whose artifact was put so long ago that it may go."""
        self.call("run", "-q", "made.yaml", *GREEDY)
        run = self.call("get", "last", "-o", "json").json()
        for blob in (self.data / "blobs").glob("t1/*/*"):
            os.utime(blob, (0, 0))
        return str(run["id"])

    def stopped_backup(self) -> Process:
        """It has copied the store, and none of the files."""
        self.env["FF_FAILPOINT"] = "cli.backup.store:stop"
        process = self.start("backup", "copy")
        del self.env["FF_FAILPOINT"]
        stat = Path(f"/proc/{process.popen.pid}/stat")
        end = time.monotonic() + PATIENCE
        while stat.read_text().rsplit(")", 1)[1].split()[0] != "T":
            self.assertLess(time.monotonic(), end)
            self.assertIsNone(process.popen.poll(), "no test build")
            time.sleep(0.02)
        return process

    def names(self, store: Path) -> set[str]:
        with sqlite3.connect(store) as db:
            return {row[0] for row in db.execute("SELECT hash FROM artifact")}

    def test_what_goes_meanwhile_is_in_the_copy(self) -> None:
        made = self.made()
        backup = self.stopped_backup()
        self.call("cache", "clear")
        self.call("run", "-q", "other.yaml", *GREEDY)
        os.kill(backup.popen.pid, signal.SIGCONT)
        self.assertEqual(backup.end().code, 0)

        copied = {p.name for p in (self.folder / "copy.d/blobs").glob("t1/*/*")}
        self.assertLessEqual(self.names(self.folder / "copy"), copied)
        self.data = self.folder / "restored"
        shutil.copytree(self.folder / "copy.d", self.data)
        shutil.copy(self.folder / "copy", self.data / "flowforge.db")
        self.data.chmod(0o700)
        got = self.call("get", made, "-o", "json").json()
        self.assertEqual(got["outputs"]["text"], "x" * 200000)

    def test_retention_goes_on_when_the_backup_is_over(self) -> None:
        made = self.made()
        folder = self.data / "runs" / made
        backup = self.stopped_backup()
        self.call("run", "-q", "other.yaml", *GREEDY)
        self.assertTrue(folder.is_dir())
        os.kill(backup.popen.pid, signal.SIGCONT)
        self.assertEqual(backup.end().code, 0)
        self.call("run", "-q", "other.yaml", *GREEDY)
        self.assertFalse(folder.exists())

    def test_a_backup_that_was_killed_holds_nothing(self) -> None:
        made = self.made()
        self.stopped_backup().end(signal.SIGKILL)
        self.call("run", "-q", "other.yaml", *GREEDY)
        self.assertFalse((self.data / "runs" / made).exists())


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
