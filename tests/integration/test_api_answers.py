#!/usr/bin/python3
"""What a server answers about a run again and again is what a read would give: whoever
has changed it meanwhile, and whoever asks."""

import sqlite3
import time
import unittest
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE

WAITS = """flowforge: 1
name: waits
tasks:
  told: {wait_event: {name: paid}}
"""


class Answers(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.serve()
        quota = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/default", quota, status=204)
        made = self.change("POST", "/runs", {"source": WAITS}).json()
        self.run_id = str(made["id"])
        self.path = f"/runs/{self.run_id}"

    def warm(self, key: str) -> Any:
        """Asked so often that the loop answers, from what it has kept."""
        answers = [self.ask("GET", self.path, key=key) for _ in range(40)]
        self.assertEqual({a.status for a in answers}, {200})
        return answers[-1].json()

    def test_a_change_of_anybody_shows_in_the_next_answer(self) -> None:
        key = self.make_key("admin")
        for n in range(10):
            self.warm(key)
            # Another process, which tells the server nothing.
            with sqlite3.connect(self.data / "flowforge.db") as db:
                db.execute("UPDATE run SET message = ?", (f"message {n}",))
            db.close()
            self.assertEqual(self.get(self.path, key)["message"], f"message {n}")
        self.stop()

    def test_a_run_that_ends_is_told_to_who_asks_all_the_time(self) -> None:
        key = self.make_key("admin")
        self.warm(key)
        self.change("POST", f"{self.path}/cancel", status=202, key=key)
        deadline = time.monotonic() + PATIENCE
        while self.get(self.path, key)["state"] != "cancelled":
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.warm(key)["state"], "cancelled")
        self.stop()

    def test_an_answer_that_is_known_has_its_etag(self) -> None:
        key = self.make_key("viewer")
        self.warm(key)
        first = self.ask("GET", self.path, key=key)
        tag = first.headers["etag"]
        again = self.ask("GET", self.path, key=key, if_none_match=tag)
        self.assertEqual((again.status, again.body), (304, b""))
        head = self.ask("HEAD", self.path, key=key)
        self.assertEqual(head.headers["etag"], tag)
        self.stop()

    def test_what_is_kept_is_shown_to_nobody_who_may_not_see_it(self) -> None:
        self.call("tenant", "create", "acme")
        self.call("project", "create", "site")
        key = self.make_key("admin")
        foreign = self.make_key("admin", "--tenant", "acme")
        elsewhere = self.make_key("viewer", "--project", "site")
        for _ in range(5):
            self.warm(key)
            for other in (foreign, elsewhere):
                self.problem(self.ask("GET", self.path, key=other), 404, "NOT_FOUND")
        self.stop()


if __name__ == "__main__":
    unittest.main()
