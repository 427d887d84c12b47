#!/usr/bin/python3
"""The HTTP API: attempts of tasks and what they wrote, large runs, backfills."""

import sqlite3
import unittest
from typing import Any

from ff_api import ApiTest

RETRIES = """flowforge: 1
name: tries
tasks:
  a:
    run: |
      echo . >> tries
      test $(wc -l < tries) -ge 5 || exit 3
    retry: {max_attempts: 9, delay: 1ms}
  b: {needs: a, run: "exit 4", foreach: [1], continue_on_error: true}
  never: {needs: a, if: false, run: "true"}
"""

NIGHTLY = """flowforge: 1
name: nightly
triggers: {cron: {expr: "0 3 * * *", id: night}}
tasks: {a: {run: "true"}}
"""


class AttemptTest(ApiTest):
    def submit(self, source: str) -> str:
        id = self.change("POST", "/runs", {"source": source}).json()["id"]
        assert isinstance(id, str)
        return id

    def wait_run(self, run: str, state: str) -> Any:
        while True:
            row = self.get(f"/runs/{run}")
            if row["state"] == state:
                return row
            self.assertIn(row["state"], ("pending", "running"))

    def wait_attempt(self, run: str, task: str, attempt: int) -> None:
        while True:
            row = self.get(f"/runs/{run}/tasks/{task}")
            if (row["state"], row.get("attempt")) == ("running", attempt):
                return


class Attempts(AttemptTest):
    def test_each_attempt_is_told_by_pages_and_by_itself(self) -> None:
        self.serve()
        run = self.submit(RETRIES)
        self.wait_run(run, "succeeded")
        place = f"/runs/{run}/tasks/a/attempts"
        for limit in (1, 2, 100):
            items = self.pages(place, limit)
            self.assertEqual([i["attempt"] for i in items], [1, 2, 3, 4, 5])
            self.assertEqual(
                [i["state"] for i in items], ["failed"] * 4 + ["succeeded"]
            )
            self.assertEqual([i["exit_code"] for i in items], [3] * 4 + [0])
            for item in items:
                self.assertLessEqual(item["started_at"], item["finished_at"])
            self.assertEqual(items[0]["reason"], "exit_code")
        self.assertEqual(self.get(f"{place}/3"), items[2])
        for none in ("0", "6", "-1", "x", "3x", "1" * 30):
            self.problem(self.ask("GET", f"{place}/{none}"), 404, "NOT_FOUND")
        (item,) = self.pages(f"/runs/{run}/tasks/b.0/attempts", 5)
        self.assertEqual((item["state"], item["exit_code"]), ("failed", 4))
        self.assertEqual(self.pages(f"/runs/{run}/tasks/never/attempts", 5), [])
        missing = self.ask("GET", f"/runs/{run}/tasks/none/attempts")
        self.problem(missing, 404, "NOT_FOUND")
        # Tasks that begin again go on counting.
        self.change("POST", f"/runs/{run}/retry", {"task": "a"}, 202)
        while len(items := self.pages(place, 3)) < 6 or "finished_at" not in items[5]:
            pass
        self.assertEqual([i["attempt"] for i in items], [1, 2, 3, 4, 5, 6])
        self.stop()

    def test_one_that_goes_on_and_its_log_which_stays_its_own(self) -> None:
        self.serve()
        work = self.data / "work" / "1"
        work.mkdir(parents=True)
        first, second = self.gate(str(work / "first")), self.gate(str(work / "second"))
        run = self.submit(
            "flowforge: 1\nname: two\ntasks:\n  a:\n"
            "    retry: {max_attempts: 2, delay: 1ms}\n    run: |\n"
            "      name=first; test ! -e was || name=second; touch was\n"
            "      for i in 1 2 3 4; do echo $name $i; done\n"
            "      cat $name > got\n      test $name = second\n"
        )
        self.wait_attempt(run, "a", 1)
        place = f"/runs/{run}/tasks/a/logs"
        while len((page := self.get(f"{place}?limit=2"))["items"]) < 2:
            pass
        first.open()
        self.wait_attempt(run, "a", 2)
        while [r["text"] for r in self.get(place)["items"]][-1:] != ["second 4"]:
            pass
        # Who began with the first goes on with the first.
        seen = page["items"]
        while page["next"] is not None:
            page = self.get(f"{place}?limit=2&cursor={page['next']}")
            seen += page["items"]
        self.assertEqual([r["text"] for r in seen], [f"first {n}" for n in range(1, 5)])
        done, goes_on = self.pages(f"/runs/{run}/tasks/a/attempts", 5)
        self.assertEqual((done["state"], goes_on["state"]), ("failed", "running"))
        self.assertNotIn("finished_at", goes_on)
        second.open()
        self.wait_run(run, "succeeded")
        self.stop()

    def test_the_first_page_of_a_large_run_is_small(self) -> None:
        self.serve()
        run = self.submit(
            "flowforge: 1\nname: large\ntasks:\n  item:\n"
            "    run: 'true'\n    foreach: [0]\n"
        )
        self.wait_run(run, "succeeded")
        self.stop()
        store = sqlite3.connect(self.data / "flowforge.db")
        names = [c[1] for c in store.execute("PRAGMA table_info(task)")]
        values = ",".join({"node": "node+n", "item": "n"}.get(c, c) for c in names)
        store.execute(
            "WITH RECURSIVE c(n) AS"
            " (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 99999)"
            f" INSERT INTO task({','.join(names)})"
            f" SELECT {values} FROM task, c WHERE item = 0"
        )
        store.commit()
        store.close()
        self.serve()
        answer = self.ask("GET", f"/runs/{run}/tasks")
        self.assertEqual(len(answer.json()["items"]), 100)
        self.assertLessEqual(len(answer.body), 64 * 1024)
        last = self.get(f"/runs/{run}/tasks/item.99999")
        self.assertEqual(last["state"], "succeeded")
        self.stop()


class Backfills(AttemptTest):
    def test_a_range_is_counted_begun_listed_and_stopped(self) -> None:
        self.serve()
        self.change("POST", "/workflows", {"source": NIGHTLY})
        place = "/schedules/nightly.night/backfills"
        range = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-08T00:00:00Z"}
        dry = self.change("POST", place, range | {"dry_run": True}, 200)
        self.assertEqual(dry.json(), {"times": 7})
        self.assertEqual(self.pages(place, 5), [])
        operator, viewer = self.make_key("operator"), self.make_key("viewer")
        refused = self.ask("POST", place, range, key=viewer)
        self.problem(refused, 403, "DENIED")
        sent: dict[str, Any] = {"key": operator, "Idempotency_Key": "new-year"}
        begun = self.change("POST", place, range | {"max_parallel": 3}, **sent)
        self.assertEqual(begun.json()["times"], 7)
        again = self.change("POST", place, range | {"max_parallel": 3}, **sent)
        self.assertEqual(again.body, begun.body)
        while (row := self.pages(place, 1))[0]["state"] == "running":
            self.assertEqual(row[0]["max_parallel"], 3)
        self.assertEqual((row[0]["state"], row[0]["n_started"]), ("done", 7))
        self.assertEqual(self.pages(place, 1, viewer), row)
        times = {
            r["nominal_at"] for r in self.get("/runs?schedule=nightly.night")["items"]
        }
        self.assertEqual(len(times), 7)
        # All of them have runs by now.
        self.assertEqual(self.change("POST", place, range, 200).json(), {"times": 0})
        self.assertEqual(len(self.pages(place, 5)), 1)
        self.assertEqual(
            self.change("POST", f"{place}/stop", status=200).json(), {"stopped": 0}
        )
        self.stop()

    def test_a_backfill_that_goes_on_is_stopped(self) -> None:
        self.serve()
        text = NIGHTLY.replace("{run:", "{wait_event: {name: go}}, b: {run:")
        self.change("POST", "/workflows", {"source": text})
        place = "/schedules/nightly.night/backfills"
        range = {"from": "2025-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
        self.change("POST", place, range)
        stopped = self.change("POST", f"{place}/stop", status=200)
        self.assertEqual(stopped.json(), {"stopped": 1})
        self.assertEqual(self.pages(place, 5)[0]["state"], "stopped")
        done = [e["action"] for e in self.get("/audit?limit=2")["items"]]
        self.assertEqual(done, ["schedule.stop_backfills", "schedule.backfill"])
        self.stop()

    def test_what_cannot_be_filled_in_is_told(self) -> None:
        self.serve()
        self.change("POST", "/workflows", {"source": NIGHTLY})
        place = "/schedules/nightly.night/backfills"
        for body in (
            {},
            {"from": "2026-01-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"},
            {"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"},
            {"from": "yesterday", "to": "today"},
            {
                "from": "2025-01-01T00:00:00Z",
                "to": "2026-01-01T00:00:00Z",
                "max_parallel": 101,
            },
        ):
            self.problem(self.ask("POST", place, body), 400, "INVALID")
        for name in ("nightly", "none.x"):
            for method, path in (("GET", ""), ("POST", "/stop")):
                answer = self.ask(method, f"/schedules/{name}/backfills{path}")
                self.problem(answer, 404, "NOT_FOUND")
        self.stop()


if __name__ == "__main__":
    unittest.main()
