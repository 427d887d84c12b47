#!/usr/bin/python3
# ctest: timeout=300
"""Two releases on one store: tables of a newer one, made by SQL, which lets this
program use them, are used by sessions that were open before and by new ones, and what
this program does not know of a row stays as it is."""

import contextlib
import sqlite3
import unittest
from pathlib import Path

from ff_cli import CliTest
from postgres import Postgres

FLOW = """\
flowforge: 1
name: some
tasks:
  first: {run: "read line < GATE"}
  second: {needs: first, run: "true"}
"""
RECORDS = ("run", "task", "event", "workflow")


class Releases(CliTest):
    """On a store that is asked by `sql`, which gives the values of the rows."""

    def sql(self, text: str) -> list[str]:
        raise NotImplementedError

    def set_version(self, version: int, minimum: int) -> None:
        raise NotImplementedError

    def version(self) -> int:
        made: int = self.call("migrate", "-o", "json").json()["to"]
        return made

    def upgrade(self, program: int) -> None:
        """As the next release does: a record, and columns that have values."""
        for record in RECORDS:
            self.sql(f"ALTER TABLE {record} ADD COLUMN note text")
            self.sql(f"UPDATE {record} SET note = '{record} of tomorrow'")
        self.sql("CREATE TABLE tomorrow (id text PRIMARY KEY, version bigint)")
        self.set_version(program + 1, program)

    def check_notes(self) -> None:
        for record in RECORDS:
            notes = self.sql(f"SELECT note FROM {record} WHERE note IS NOT NULL")
            self.assertIn(f"{record} of tomorrow", notes)

    def check_two_releases(self) -> None:
        program = self.version()
        gate = self.gate("GATE")
        text = FLOW.replace("GATE", str(gate.path))
        going = self.start("run", self.file("some.yaml", text))
        going.wait_for("first started")
        self.upgrade(program)
        versions = self.sql("SELECT version FROM run")

        # Who was there goes on, and writes to the rows.
        gate.open()
        done = going.end()
        self.assertEqual(0, done.code, done.out + done.err)
        self.assertNotEqual(versions, self.sql("SELECT version FROM run"))
        self.check_notes()

        # Who comes is let in.
        self.assertIn("succeeded", self.call("list").out)
        other = self.file("other.yaml", FLOW.replace("read line < GATE", "true"))
        self.call("run", other)
        self.check_notes()
        self.assertEqual(["2"], self.sql("SELECT count(*) FROM run"))

        # Nothing is to be done, and nothing is undone.
        said = self.call("migrate", "--check").out
        self.assertIn(f"{program + 1}, newer than {program} of this", said)
        self.assertIn("which may use them", said)
        now = self.call("migrate", "-o", "json").json()
        self.assertEqual((program + 1, program + 1), (now["from"], now["to"]))
        stats = self.call("db", "stats", "-o", "json").json()
        self.assertEqual(program + 1, stats["schema_version"])
        self.assertEqual(program, stats["schema_min_version"])

        # Until the next release says that it is.
        self.set_version(program + 2, program + 1)
        self.call("migrate", "--check", expect=1)
        refused = self.call("list", expect=70)
        self.assertIn(f"newer than this program's {program}", refused.err)
        self.assertIn(f"for {program + 1} or above", refused.err)
        self.check_notes()


class Sqlite(Releases):
    @property
    def database(self) -> Path:
        return self.data / "flowforge.db"

    def sql(self, text: str) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.database, timeout=60)) as db, db:
            return [str(row[0]) for row in db.execute(text)]

    def set_version(self, version: int, minimum: int) -> None:
        self.sql(f"PRAGMA user_version = {minimum << 16 | version}")

    def test_two_releases_use_it(self) -> None:
        self.check_two_releases()


class OfPostgres(Releases):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.enterContext(Postgres())
        self.env |= self.server.environment()

    def sql(self, text: str) -> list[str]:
        return self.server.sql(f"SET search_path = flowforge; {text}").splitlines()

    def set_version(self, version: int, minimum: int) -> None:
        self.sql(f"UPDATE _schema SET version = {version}, min_version = {minimum}")

    def test_two_releases_use_it(self) -> None:
        self.check_two_releases()

    def test_tables_without_a_minimum_get_one(self) -> None:
        program = self.version()
        self.sql("ALTER TABLE _schema DROP COLUMN min_version")
        self.assertEqual(program, self.version())
        self.call("list")
        self.sql(f"UPDATE _schema SET version = {program + 1}")
        self.call("list", expect=70)
        self.sql(f"UPDATE _schema SET version = {program - 1}")
        self.call("list")
        stored = self.sql("SELECT version || ' ' || min_version FROM _schema")
        self.assertEqual([f"{program} {program}"], stored)


if __name__ == "__main__":
    unittest.main()
