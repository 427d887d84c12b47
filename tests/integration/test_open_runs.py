#!/usr/bin/python3
"""How many runs of a tenant may be open: whoever asks, however many ask at once."""

import concurrent.futures
import sqlite3
import time
import unittest
from typing import Any

from ff_api import Answer, ApiTest
from ff_cli import PATIENCE

WAITS = """flowforge: 1
name: waits
tasks:
  told: {wait_event: {name: paid}}
"""

FAILS = """flowforge: 1
name: fails
tasks:
  a: {run: "false"}
"""

EVENT = """flowforge: 1
name: reacts
triggers:
  event: {name: ordered}
tasks:
  told: {wait_event: {name: paid}}
"""

TICKS = """flowforge: 1
name: ticks
triggers:
  interval: {every: 1s, overlap: allow, catchup: 1h}
tasks:
  told: {wait_event: {name: paid}}
"""


class OpenRunsTest(ApiTest):
    def limit(self, n: int) -> None:
        self.change("PATCH", "/tenants/default", {"max_open_runs": n}, 204)

    def submit(self, source: str = WAITS) -> Answer:
        return self.ask("POST", "/runs", {"source": source})

    def submit_many(self, n: int) -> list[int]:
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            return [a.status for a in pool.map(lambda _: self.submit(), range(n))]

    def open_runs(self) -> int:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            n = db.execute("select count(*) from open_run").fetchone()[0]
            assert isinstance(n, int)
            return n

    def until(self, sql: str, wanted: Any) -> None:
        end = time.monotonic() + PATIENCE
        seen: Any = None
        while seen != wanted:
            self.assertLess(time.monotonic(), end, f"{sql}: {seen}, not {wanted}")
            with sqlite3.connect(self.data / "flowforge.db") as db:
                seen = db.execute(sql).fetchall()

    def end_one(self) -> None:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            run = db.execute("select id from open_run join run using (run)").fetchone()[
                0
            ]
        self.change("POST", f"/runs/{run}/terminate", status=202)
        self.until(f"select 1 from run where id='{run}' and state='cancelled'", [(1,)])

    def refused(self, answer: Answer) -> None:
        said = self.problem(answer, 429, "TOO_MANY_OPEN_RUNS")
        self.assertIn("max_open_runs", said["detail"])
        self.assertIn("retry-after", answer.headers)


class Asked(OpenRunsTest):
    def test_of_many_at_once_no_more_get_through(self) -> None:
        self.serve()
        self.limit(5)
        codes = self.submit_many(48)
        self.assertEqual((codes.count(201), codes.count(429)), (5, 43), codes)
        self.assertEqual(self.open_runs(), 5)
        self.refused(self.submit())
        self.end_one()
        codes = self.submit_many(24)
        self.assertEqual((codes.count(201), codes.count(429)), (1, 23), codes)
        # Who may have more gets more, and none at all is a number, too.
        self.limit(6)
        self.assertEqual(sorted(self.submit_many(2)), [201, 429])
        self.limit(0)
        self.refused(self.submit())
        self.limit(10000)
        self.assertEqual(self.submit().status, 201)
        self.stop()

    def test_where_counting_begins_none_is_too_many(self) -> None:
        self.serve()
        self.limit(300)
        codes = self.submit_many(330)
        self.assertEqual((codes.count(201), codes.count(429)), (300, 30), codes)
        self.assertEqual(self.open_runs(), 300)
        self.stop()

    def test_every_way_to_open_a_run_counts(self) -> None:
        self.serve()
        failed = self.submit(FAILS).json()["id"]
        self.until(f"select state from run where id='{failed}'", [("failed",)])
        self.change("POST", "/workflows", {"source": EVENT})
        self.limit(1)
        self.assertEqual(self.submit().status, 201)
        for path, body in (
            ("/runs", {"workflow": "reacts"}),
            (f"/runs/{failed}/rerun", {}),
            (f"/runs/{failed}/retry", {}),
            ("/schedules/reacts.event/trigger", None),
        ):
            self.refused(self.ask("POST", path, body))
        # What a key has made once it has made, also when there is no room by now.
        self.end_one()
        body = {"source": WAITS}
        made = self.change("POST", "/runs", body, Idempotency_Key="k")
        again = self.change("POST", "/runs", body, Idempotency_Key="k")
        self.assertEqual(made.body, again.body)
        self.assertEqual(self.open_runs(), 1)
        self.stop()

    def test_commands_count_beside_a_server_and_without_one(self) -> None:
        self.serve()
        self.limit(3)
        place = self.file("waits.yaml", WAITS)
        many = [self.start("run", "--detach", place) for _ in range(8)]
        self.submit_many(8)
        for process in many:
            ended = process.end()
            self.assertIn(ended.code, (0, 69), ended.err)
            self.assertEqual(ended.code == 69, "max_open_runs" in ended.err)
        self.assertEqual(self.open_runs(), 3)
        self.env["FLOWFORGE_TOKEN"] = self.make_key("author")
        there = ("--server", f"http://127.0.0.1:{self.port}")
        refused = self.call("run", "--detach", place, *there, expect=69)
        self.assertIn("may have 3 (max_open_runs)", refused.err)
        self.stop()
        refused = self.call("run", "--detach", place, expect=69)
        self.assertIn("may have 3 (max_open_runs)", refused.err)
        self.call("tenant", "limit", "default", "max_open_runs", "4")
        self.call("run", "--detach", place)
        self.assertEqual(self.open_runs(), 4)

    def cancelled(self, n: int) -> list[str]:
        """Runs that are over, and go on when they are tried again."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: self.submit().json()["id"], range(n)))
            paths = [f"/runs/{run}/terminate" for run in made]
            list(pool.map(lambda p: self.change("POST", p, status=202), paths))
        self.until("select count(*) from open_run", [(0,)])
        return made

    def test_those_that_are_opened_again_count_with_those_that_are_new(self) -> None:
        self.serve()
        old = self.cancelled(24)
        self.limit(5)
        asked = [(f"/runs/{run}/retry", {}) for run in old]
        asked += [("/runs", {"source": WAITS})] * 24
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            said = list(pool.map(lambda a: self.ask("POST", *a).status, asked))
        self.assertEqual(said.count(429), 43, said)
        self.assertEqual(self.open_runs(), 5)
        self.stop()

    def test_what_another_process_opens_again_is_seen(self) -> None:
        self.serve()
        self.limit(10000)
        old = self.cancelled(300)
        self.limit(300)
        self.assertEqual(self.submit().status, 201)
        # The server knows of one now, and asks for no count while there is room.
        retried = self.call("retry", "-d", *old, expect=None)
        self.assertEqual(retried.code, 69, retried.err)
        self.assertEqual(self.open_runs(), 300)
        self.assertEqual(set(self.submit_many(30)), {429})
        self.assertEqual(self.open_runs(), 300)
        self.stop()


class Scheduled(OpenRunsTest):
    def test_a_time_is_skipped_and_an_event_waits(self) -> None:
        self.serve()
        self.limit(1)
        self.assertEqual(self.submit().status, 201)
        self.change("POST", "/workflows", {"source": EVENT})
        self.change("POST", "/workflows", {"source": TICKS})
        waits = "select state from schedule_run where schedule='reacts.event'"
        self.change("POST", "/events", {"name": "ordered"}, 200)
        self.until(waits, [("waiting",)])
        self.until(
            "select distinct state, reason from schedule_run where cause='time'",
            [("skipped", "open_runs")],
        )
        self.change("POST", "/schedules/ticks.interval/pause", status=204)
        self.assertEqual(self.open_runs(), 1)
        self.end_one()
        self.until(waits, [("started",)])
        self.assertEqual(self.open_runs(), 1)
        self.stop()

    def test_a_backfill_goes_on_when_there_is_room(self) -> None:
        self.serve()
        self.change("POST", "/workflows", {"source": TICKS})
        self.change("POST", "/schedules/ticks.interval/pause", status=204)
        self.until("select count(*) from open_run", [(self.open_runs(),)])
        self.limit(self.open_runs() + 1)
        most = self.open_runs() + 1
        self.call(
            *("schedule", "backfill", "ticks.interval", "--max-parallel", "3"),
            *("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T00:00:03Z"),
        )
        self.until("select n_started from backfill", [(1,)])
        self.assertEqual(self.open_runs(), most)
        self.end_one()
        self.until("select n_started from backfill", [(2,)])
        self.limit(10000)
        self.until("select n_started from backfill", [(3,)])
        self.stop()


if __name__ == "__main__":
    unittest.main()
