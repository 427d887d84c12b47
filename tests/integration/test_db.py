#!/usr/bin/python3
# ctest: timeout=300
"""`flowforge db stats` and `flowforge migrate`, on each store: what they say is
what the database itself says, and tables of another version are told."""

import contextlib
import sqlite3
import unittest
from typing import Any

from ff_cli import CliTest
from postgres import Postgres

FLOW = """\
flowforge: 1
name: some
tasks:
  each: {run: "true", foreach: [1, 2, 3]}
"""


class Db(CliTest):
    def versions(self, *words: str, expect: int = 0) -> dict[str, int]:
        said: dict[str, int] = self.call(
            "migrate", *words, "-o", "json", expect=expect
        ).json()
        return said

    def stats(self) -> dict[str, Any]:
        said: dict[str, Any] = self.call("db", "stats", "-o", "json").json()
        return said

    def check_made(self) -> int:
        """From nothing to tables, once; returns this program's version."""
        new = self.versions("--check", expect=1)
        self.assertEqual((0, 0), (new["from"], new["to"]))
        said = self.call("migrate").out
        self.assertIn(f"the tables are made, of version {new['program']}", said)
        now = self.versions("--check")
        self.assertEqual([new["program"]] * 3, [now["from"], now["to"], now["program"]])
        return new["program"]

    def check_counts(self, name: str) -> None:
        before = self.stats()
        self.call("run", self.file("some.yaml", FLOW))
        after = self.stats()
        self.assertRegex(after["engine"], name)
        rows = {r["record"]: r["rows"] for r in after["records"]}
        self.assertEqual(1, rows["run"])
        self.assertEqual(4, rows["task"])
        self.assertGreater(after["bytes"], 0)
        self.assertEqual(30 * 86400, after["retention"]["keep_seconds"])
        self.assertEqual(len(before["records"]), len(after["records"]))
        for r in after["records"]:
            self.assertLessEqual(r["index_bytes"], r["bytes"], r)
        shown = self.call("db", "stats").out
        self.assertRegex(shown, r"(?m)^RECORD +ROWS +SIZE +INDEXES +UNUSED$")
        self.assertRegex(shown, r"(?m)^task +~?4 ")
        self.assertIn("for 30d", shown)


class Sqlite(Db):
    def test_what_the_file_says(self) -> None:
        program = self.check_made()
        self.check_counts(r"^SQLite 3\.")
        file = self.data / "flowforge.db"
        with contextlib.closing(sqlite3.connect(file)) as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            self.assertEqual(pages * 4096, self.stats()["bytes"])
            # By a program of tomorrow: it is told, and left alone.
            db.execute(f"PRAGMA user_version = {program + 1}")
        newer = self.versions("--check", expect=1)
        self.assertEqual(program + 1, newer["from"])
        self.assertIn("newer than", self.call("migrate", "--check", expect=1).out)
        refused = self.call("migrate", expect=70)
        self.assertIn("is newer than this program's", refused.err)
        with contextlib.closing(sqlite3.connect(file)) as db:
            kept = db.execute("PRAGMA user_version").fetchone()[0]
        self.assertEqual(program + 1, kept)


class Lmdb(Db):
    def setUp(self) -> None:
        super().setUp()
        self.env["FLOWFORGE_ENGINE_STORE"] = "store-lmdb"

    def test_what_the_file_says(self) -> None:
        self.check_made()
        self.check_counts(r"^LMDB 0\.")
        size = (self.data / "flowforge.lmdb").stat().st_size
        self.assertLessEqual(self.stats()["bytes"], size)


class OfPostgres(Db):
    def test_what_the_server_says(self) -> None:
        server = self.enterContext(Postgres())
        self.env |= server.environment()
        self.check_made()
        self.call("run", self.file("some.yaml", FLOW))
        server.sql("ANALYZE")
        said = self.stats()
        self.assertRegex(said["engine"], r"^PostgreSQL \d+")
        rows = {r["record"]: r for r in said["records"]}
        self.assertTrue(rows["task"]["about"])
        self.assertEqual(4, rows["task"]["rows"])
        size = server.sql("SELECT pg_total_relation_size('flowforge.task')")
        self.assertEqual(size, str(rows["task"]["bytes"]))


if __name__ == "__main__":
    unittest.main()
