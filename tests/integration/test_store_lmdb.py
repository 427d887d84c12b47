#!/usr/bin/python3
"""The engine on store-lmdb: what runs there, runs as it does on store-sqlite.

The demo's workflow, the history of runs, an owner killed in the middle, other processes
that read meanwhile, a backup.
"""
# ctest: timeout=300

import sys
import unittest

import ff_stores
from ff_cli import SOURCE


class StoreLmdb(ff_stores.LikeSqlite):
    store = "store-lmdb"

    def test_the_demo_has_the_results_and_the_history_of_store_sqlite(self) -> None:
        super().test_the_demo_has_the_results_and_the_history_of_store_sqlite()
        self.assertTrue((self.data / "flowforge.lmdb").exists())

    def test_a_backup_takes_the_place_of_the_store(self) -> None:
        self.call("run", str(SOURCE / "examples/hello/hello.yaml"))
        history = self.canonical()
        copy = self.folder / "copy.lmdb"
        self.call("backup", str(copy))
        self.data = self.folder / "restored"
        self.data.mkdir(mode=0o700)
        copy.rename(self.data / "flowforge.lmdb")
        self.assertEqual(history, self.canonical())
        self.call("run", str(SOURCE / "examples/hello/hello.yaml"))
        listed = self.call("list", "-o", "json").json()["runs"]
        self.assertEqual(2, len(listed))


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
