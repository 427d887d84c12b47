#!/usr/bin/python3
"""The history of runs in partitions of PostgreSQL: they are made while runs are kept,
dropped when retention has condemned all runs of one, and kept by a run that is open."""
# ctest: timeout=300

import time
import unittest

import ff_api
from ff_cli import PATIENCE
from postgres import Postgres

NOTHING = "flowforge: 1\nname: nothing\ntasks: {a: {noop: true}}\n"
OPEN = "flowforge: 1\nname: waits\ntasks: {a: {run: cat %s/gate}}\n"
RUNS = 200  # a span has 64 of so few
IN_PARTS = "SELECT 1 FROM pg_partitioned_table WHERE partrelid = 'event'::regclass"
OLD_US = 8 * 3600 * 1000000 + 1800 * 1000000  # beyond 8h, but not by an eighth
BOUND = "pg_get_expr(c.relpartbound, c.oid)"


class Spans(ff_api.ApiTest):
    db: Postgres

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.db = cls.enterClassContext(Postgres())

    def setUp(self) -> None:
        super().setUp()
        self.schema = f"s{self.id().rsplit('.', 1)[1]}"[:40]
        self.env |= self.db.environment(schema=self.schema)
        self.env["FLOWFORGE_ENGINE_RETENTION_EVERY"] = "100ms"

    def sql(self, text: str) -> str:
        return self.db.sql(f'SET search_path = "{self.schema}"; {text}')

    def wait_until(self, condition: str) -> None:
        self.db.wait_until(f'SET search_path = "{self.schema}"; {condition}')

    def keep(self, duration: str) -> None:
        self.env["FLOWFORGE_ENGINE_KEEP"] = duration
        self.env["FLOWFORGE_ENGINE_KEEP_RUNS"] = "0"

    def parts(self) -> list[str]:
        """Those with bounds, of this schema."""
        return self.sql(
            "SELECT c.relname FROM pg_class c WHERE relispartition AND relkind = 'r'"
            f" AND relnamespace = '\"{self.schema}\"'::regnamespace"
            f" AND {BOUND} LIKE 'FOR VALUES%' ORDER BY c.oid"
        ).split()

    def submit(self, source: str) -> str:
        return str(self.change("POST", "/runs", {"source": source}).json()["id"])

    def below(self) -> list[int]:
        """Where parts end that were made ahead."""
        return [
            int(end)
            for end in self.sql(
                f"SELECT substring({BOUND} from 'TO [(]''([0-9]+)') FROM pg_inherits i"
                " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent ="
                f" 'event'::regclass AND {BOUND} LIKE '%FROM (''%'"
            ).split()
        ]

    def wait_for_end_of_closed_parts(self) -> None:
        last = int(self.sql("SELECT next FROM counter WHERE name = 'run'"))
        end = time.monotonic() + PATIENCE
        while any(below <= last for below in self.below()):
            self.assertLess(time.monotonic(), end, f"{self.below()} and {last}")
            time.sleep(0.05)

    def test_history_goes_with_its_partition_and_stays_with_an_open_run(self) -> None:
        gate = self.gate("gate")
        self.keep("2s")
        self.serve()
        waits = self.submit(OPEN % self.folder)
        self.wait_until(IN_PARTS)
        for _ in range(RUNS):
            self.submit(NOTHING)
        self.wait_for_end_of_closed_parts()
        self.assertIn("event_before", self.parts())
        self.assertGreater(int(self.sql("SELECT count(*) FROM event_before")), 0)
        self.assertTrue(self.pages(f"/runs/{waits}/history", 50))
        gate.open()
        self.wait_until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM run)"
            " AND to_regclass('event_before') IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM event)"
        )
        self.stop()

    def test_a_table_that_is_there_becomes_the_first_part(self) -> None:
        flow = self.file("nothing.yaml", NOTHING)
        self.keep("0s")
        self.call("run", flow, "--quiet")
        self.assertEqual([], self.parts())
        before = self.call("history", "last", "--canonical").out
        self.sql(
            "DROP ROLE IF EXISTS looks; CREATE ROLE looks;"
            " GRANT SELECT ON event TO looks"
        )
        self.keep("1h")
        self.serve()
        self.wait_until(IN_PARTS)
        self.stop()
        self.assertEqual(before, self.call("history", "last", "--canonical").out)
        self.assertGreater(int(self.sql("SELECT count(*) FROM event_before")), 0)
        self.assertEqual(
            "t", self.sql("SELECT has_table_privilege('looks', 'event', 'SELECT')")
        )
        self.call("run", flow, "--quiet")
        told = self.call("db", "stats", "-o", "json").json()["records"]
        parts = {record["record"]: record["parts"] for record in told}
        self.assertEqual(0, parts["run"])
        self.assertEqual(len(self.parts()) + 1, parts["event"])
        self.assertNotIn("event_before", parts)
        self.call("migrate")
        self.call("run", flow, "--quiet")

    def test_a_lock_that_somebody_holds_is_not_waited_for(self) -> None:
        """Others would wait behind; runs go on, and rows go one by one."""
        flow = self.file("nothing.yaml", NOTHING)
        self.keep("0s")
        self.call("run", flow, "--quiet")
        self.keep("1s")
        with self.db.holding(f'SELECT count(*) FROM "{self.schema}".event'):
            self.serve()
            self.submit(NOTHING)
            self.wait_until("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM run)")
            self.assertEqual("0", self.sql("SELECT count(*) FROM event"))
            self.assertEqual([], self.parts())
        self.submit(NOTHING)
        self.wait_until(IN_PARTS)
        self.stop()

    def test_a_part_that_is_locked_goes_later_and_whole(self) -> None:
        """A dump reads it for hours, or another server wants the same: its rows are not
        deleted one by one meanwhile."""
        self.keep("8h")
        self.env["FLOWFORGE_ENGINE_LOG_LEVEL"] = "info"
        self.serve()
        self.wait_until(IN_PARTS)
        for _ in range(RUNS):
            self.submit(NOTHING)
        self.wait_until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM run WHERE state <> 'succeeded')"
        )
        bound = min(self.below())
        whole = f"SELECT count(*) FROM event WHERE run < {bound}"
        events = self.sql(whole)
        claimed = f"FROM run WHERE run < {bound} AND reset IS NOT NULL"
        with self.db.holding(f'SELECT count(*) FROM "{self.schema}".event'):
            self.sql(f"UPDATE run SET finished_at = finished_at - {OLD_US}")
            self.submit(NOTHING)
            for _ in range(12):  # more than parts: passes have ended meanwhile
                self.server.seen_err = ""
                self.server.wait_for_err("goes by and by")
            self.assertGreater(int(self.sql(f"SELECT count(*) {claimed}")), 0)
            self.assertEqual(events, self.sql(whole))
        self.wait_until(
            f"SELECT 1 WHERE to_regclass('event_before') IS NULL"
            f" AND NOT EXISTS (SELECT 1 {claimed}) AND ({whole}) = 0"
        )
        self.stop()

    def test_a_part_that_was_locked_for_a_moment_goes_soon(self) -> None:
        """Not an hour later, as autovacuum may have held that lock."""
        self.keep("8h")
        self.env["FLOWFORGE_ENGINE_RETENTION_EVERY"] = "1h"
        self.env["FLOWFORGE_ENGINE_LOG_LEVEL"] = "info"
        self.serve()
        self.wait_until(IN_PARTS)
        for _ in range(RUNS):
            self.submit(NOTHING)
        self.wait_until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM run WHERE state <> 'succeeded')"
        )
        self.stop()
        self.sql(f"UPDATE run SET finished_at = finished_at - {OLD_US}")
        with self.db.holding(f'SELECT count(*) FROM "{self.schema}".event'):
            self.serve()
            self.server.wait_for_err("goes by and by")
        self.submit(NOTHING)  # its end is no reason to wait longer
        self.wait_until("SELECT 1 WHERE to_regclass('event_before') IS NULL")
        self.stop()


if __name__ == "__main__":
    unittest.main()
