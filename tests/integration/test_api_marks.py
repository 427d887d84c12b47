#!/usr/bin/python3
"""Marks that a tenant was given lead nobody else anywhere: cursors of pages, bounds of
stored rows, places in the feed, hashes of versions."""

import json
import time
import unittest
from typing import Any

from ff_api import WORKFLOW, ApiTest
from ff_stream import Stream

RECORDS = (
    *("run", "open_run", "child_run", "task", "event", "cache", "workflow"),
    *("workflow_version", "workflow_label", "schedule", "schedule_run", "backfill"),
    *("slot", "rate_token", "limit_size", "queue_pause", "secret", "tenant", "project"),
    *("member", "api_key", "audit", "audit_open", "audit_seal"),
)
NIGHTLY = """flowforge: 1
name: NAME
triggers: {cron: {expr: "0 3 1 1 *", id: night}}
tasks: {a: {run: "true"}}
"""


class Marks(ApiTest):
    def set_up(self) -> None:
        """Two of all that the default tenant can have, and one of another's."""
        self.serve()
        self.make_runs(2)
        for name in ("one", "two"):
            self.call("apply", self.file("n.yaml", NIGHTLY.replace("NAME", name)))
            self.change("PUT", f"/members/{name}", {"role": "viewer"}, 204)
            self.change("POST", "/projects", {"name": name})
            self.change("PUT", f"/limits/{name}", {"size": 3}, 204)
            self.change("PUT", f"/secrets/{name}", {"value": "not to be seen"}, 204)
            self.change("POST", f"/queues/{name}/pause", status=204)
            self.make_key("viewer")
        self.change("POST", "/tenants", {"name": "acme"})
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/acme", often, 204)
        self.key = self.make_key("admin", "--tenant", "acme")
        source = {"source": WORKFLOW}
        self.change("POST", "/workflows", source, key=self.key)
        self.run_id = self.change("POST", "/runs", source, key=self.key).json()["id"]
        while self.get(f"/runs/{self.run_id}", self.key)["state"] != "succeeded":
            time.sleep(0.02)

    def test_a_cursor_is_of_its_tenant(self) -> None:
        self.set_up()
        n = 0
        for path, methods in self.get("/openapi.json")["paths"].items():
            get = methods.get("get", {"parameters": []})
            names = {p["name"] for p in get["parameters"]}
            if "{" in path or not {"cursor", "limit"} <= names:
                continue
            path = path.removeprefix("/api/v1")
            cursor = self.get(f"{path}?limit=1").get("next")
            if not cursor:
                continue
            with self.subTest(path=path):
                self.get(f"{path}?limit=1&cursor={cursor}")
                answer = self.ask(
                    "GET", f"{path}?limit=1&cursor={cursor}", key=self.key
                )
                self.assertIn(answer.status, (400, 403), answer.body)
            n += 1
        self.assertGreater(n, 7)
        self.stop()

    def bounds(self, row: Any, after: str) -> list[str]:
        """Each value of a foreign row, as a bound of any kind, alone and with more."""
        values = list(row.values())
        texts = [json.dumps(v) for v in values]
        lists = [json.dumps(values[i : i + 2]) for i in range(len(values))]
        lists += [json.dumps([v]) for v in values]
        out = [f"equal={one}" for one in lists] + [f"after={one}" for one in lists]
        out += [f"at_least={one}" for one in texts] + [f"below={one}" for one in texts]
        return out + ([f"cursor={after}"] if after else [])

    def test_bounds_of_rows_are_within_the_tenant(self) -> None:
        self.set_up()
        n_tried = n_foreign = 0
        for record in RECORDS:
            path = f"/rows/{record}"
            there = self.ask("GET", path, key=self.key)
            mine = there.json()["rows"] if there.status == 200 else []
            theirs = self.ask("GET", f"{path}?limit=1")
            found = theirs.json() if theirs.status == 200 else {"rows": []}
            n_foreign += len(found["rows"])
            for row in found["rows"]:
                for bound in self.bounds(row, found.get("after", "")):
                    asked = f"{path}?{bound.replace(' ', '')}"
                    got = self.ask("GET", asked.replace('"', "%22"), key=self.key)
                    n_tried += got.status == 200
                    for one in got.json().get("rows", []):
                        self.assertIn(one, mine, asked)
        self.assertGreater(n_foreign, 14)
        self.assertGreater(n_tried, 100)
        self.stop()

    def test_a_place_in_the_feed_is_of_its_tenant(self) -> None:
        self.set_up()
        steps = self.get("/events?limit=5")["items"]
        self.assertEqual(len(steps), 5)
        for step in steps:
            for more in ({"last": step["cursor"]}, {}):
                path = "/events" if more else f"/events?cursor={step['cursor']}"
                s = Stream(self, path, key=self.key, **more)
                if s.status == 200:
                    for told in s.take(1):
                        self.assertEqual(told["run"], self.run_id)
                else:
                    self.assertEqual(s.status, 400)
                s.close()
        self.stop()

    def test_a_version_of_another_tenant_cannot_be_labelled(self) -> None:
        self.set_up()
        theirs = self.get("/workflows/one")["hash"]
        label = "/workflows/etl/labels/prod"
        said = [
            self.problem(
                self.ask("PUT", label, {"hash": hash}, key=self.key), 404, "NOT_FOUND"
            )["detail"].replace(hash, "HASH")
            for hash in (theirs, theirs[:12], "0" * 64)
        ]
        self.assertEqual(said[0], said[2])
        self.assertEqual(said[1], said[2].replace("0" * 64, "HASH"))
        self.stop()


if __name__ == "__main__":
    unittest.main()
