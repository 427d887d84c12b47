#!/usr/bin/python3
"""The HTTP API: runs, their tasks and history, workflows; and who sees what of them."""

import json
import re
import unittest
from collections.abc import Callable
from typing import Any

from ff_api import WORKFLOW, ApiTest

Wanted = Callable[[dict[str, Any]], Any]


def none(_: dict[str, Any]) -> bool:
    return False


LIST = """flowforge: 1
name: many
tasks:
  make: {run: 'echo "{}"'}
  each:
    foreach: "${{ range(%d) }}"
    run: "true"
  last: {needs: each, run: "true"}
"""


class Lists(ApiTest):
    def test_pages_of_runs_are_all_runs_once_in_either_order(self) -> None:
        self.serve()
        ids = self.make_runs(7)
        for limit in (1, 2, 3, 7, 100):
            newest = [r["id"] for r in self.pages("/runs", limit)]
            oldest = [r["id"] for r in self.pages("/runs?order=oldest", limit)]
            self.assertEqual(oldest, ids)
            self.assertEqual(newest, ids[::-1])
        self.stop()

    def test_filters_hold_on_every_page(self) -> None:
        self.serve()
        self.make_runs(2)
        self.make_runs(2, "--label", "stage=prod")
        other = self.file("x.yaml", "flowforge: 1\nname: x\ntasks: {a: {run: exit 1}}")
        self.call("run", other, expect=1)
        runs = {r["id"]: r for r in self.get("/runs")["items"]}
        self.assertEqual(len(runs), 5)
        middle = sorted(r["created_at"] for r in runs.values())[2]
        filters: list[tuple[str, Wanted]] = [
            ("state=failed", lambda r: r["state"] == "failed"),
            ("state=succeeded", lambda r: r["state"] == "succeeded"),
            ("state=pending", none),
            ("workflow=etl", lambda r: r["workflow"] == "etl"),
            ("workflow=et", none),
            ("label=team", lambda r: "labels" in r),
            ("label=stage%3Dprod", lambda r: "stage" in r.get("labels", {})),
            ("label=team%3Ddata&label=stage", lambda r: "stage" in r.get("labels", {})),
            ("label=stage%3Dtest", none),
            (f"created_from={middle}", lambda r: r["created_at"] >= middle),
            (f"created_below={middle}", lambda r: r["created_at"] < middle),
        ]
        for query, wanted in filters:
            got = {r["id"] for r in self.pages(f"/runs?{query}", 1)}
            self.assertEqual(got, {i for i, r in runs.items() if wanted(r)}, query)
        self.stop()

    def test_a_cursor_goes_on_in_its_own_list_only(self) -> None:
        self.serve()
        ids = self.make_runs(3)
        self.change("POST", "/tenants", {"name": "acme"})
        mine, theirs = (
            self.make_key("viewer"),
            self.make_key("viewer", "--tenant", "acme"),
        )
        cursor = self.get("/runs?limit=1", mine)["next"]
        for path, key in (
            ("/runs?order=oldest", mine),
            ("/runs?state=succeeded", mine),
            ("/workflows?", mine),
            (f"/runs/{ids[0]}/tasks?", mine),
            ("/runs?", theirs),
        ):
            mark = "" if path.endswith("?") else "&"
            answer = self.ask("GET", f"{path}{mark}cursor={cursor}", key=key)
            self.problem(answer, 400, "INVALID")
        one = self.get("/runs?limit=1&label=team&label=team%3Ddata", mine)["next"]
        for label, status in (
            ("label=team&label=team%3Ddata", 200),
            ("label=team%265:label%3Dteam%3Ddata", 400),
        ):
            answer = self.ask("GET", f"/runs?{label}&cursor={one}", key=mine)
            self.assertEqual(answer.status, status)
        changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        for bad in (changed, cursor[:-1], cursor + "A", "1", "%00", "../"):
            answer = self.ask("GET", f"/runs?cursor={bad}", key=mine)
            self.assertEqual(answer.status, 400)
        # Of another size it may be, and it lasts over a restart.
        self.stop()
        self.serve()
        page = self.get(f"/runs?limit=5&cursor={cursor}", mine)
        self.assertEqual([r["id"] for r in page["items"]], ids[1::-1])
        self.stop()

    def test_tasks_of_a_list_come_in_pages_that_stay_small(self) -> None:
        self.serve()
        path = self.file("many.yaml", LIST % 300)
        self.call("run", path)
        run = self.get("/runs")["items"][0]["id"]
        tasks = self.pages(f"/runs/{run}/tasks", 7)
        self.assertEqual(tasks[0]["task"], "make")
        self.assertEqual([t["item"] for t in tasks if "item" in t], list(range(300)))
        self.assertEqual(tasks[-1]["task"], "last")
        self.assertEqual(len(tasks), 303)
        first = self.ask("GET", f"/runs/{run}/tasks")
        self.assertLess(len(first.body), 64 * 1024)
        some = self.pages(f"/runs/{run}/tasks?task=last", 2)
        self.assertEqual([t["task"] for t in some], ["last"])
        self.assertEqual(self.pages(f"/runs/{run}/tasks?state=failed", 9), [])
        one = self.get(f"/runs/{run}/tasks/each.299")
        self.assertEqual((one["task"], one["item"], one["exit_code"]), ("each", 299, 0))
        for missing in ("each.300", "each.x", "each.", "none", "each.-1", "make.0"):
            answer = self.ask("GET", f"/runs/{run}/tasks/{missing}")
            self.problem(answer, 404, "NOT_FOUND")
        history = self.pages(f"/runs/{run}/history", 10)
        self.assertEqual([h["seq"] for h in history], list(range(1, len(history) + 1)))
        types = [e["type"] for h in history for e in h["events"]]
        self.assertEqual((types[0], types[-1]), ("run.created", "run.finished"))
        self.assertEqual(self.small_pages(f"/runs/{run}/history"), history)
        self.stop()

    def small_pages(self, path: str) -> list[Any]:
        """As they come to whoever does not say how many he wants."""
        items: list[Any] = []
        cursor = ""
        while cursor is not None:
            answer = self.ask("GET", path + (f"?cursor={cursor}" if cursor else ""))
            page = answer.json()
            if len(page["items"]) > 1:
                self.assertLess(len(answer.body), 64 * 1024)
            items += page["items"]
            cursor = page["next"]
        return items

    def test_tasks_that_wait_are_told_of_before_there_are_rows(self) -> None:
        self.serve()
        gate = self.gate("gate")
        text = (
            "flowforge: 1\nname: slow\ntasks:\n  a: {run: 'cat gate'}\n"
            "  b: {needs: a, run: 'true'}\n  c: {needs: b, run: 'true'}\n"
            "on_failure: {mail: {run: 'true'}}\n"
        )
        run = self.start("run", self.file("slow.yaml", text))
        while not self.get("/runs?state=running")["items"]:
            pass
        id = self.get("/runs?state=running")["items"][0]["id"]
        for limit in (1, 2, 10):
            tasks = self.pages(f"/runs/{id}/tasks", limit)
            self.assertEqual([t["task"] for t in tasks], ["a", "b", "c"])
            self.assertEqual([t["state"] for t in tasks[1:]], ["waiting", "waiting"])
        one = self.ask("GET", f"/runs/{id}/tasks/b")
        self.assertEqual(one.json()["state"], "waiting")
        # What it is follows from other rows: no version of its own tells of that.
        self.assertNotIn("etag", one.headers)
        self.problem(self.ask("GET", f"/runs/{id}/tasks/mail"), 404, "NOT_FOUND")
        gate.open()
        self.assertEqual(run.end().code, 0)
        tasks = self.pages(f"/runs/{id}/tasks", 1)
        self.assertEqual([t["state"] for t in tasks], ["succeeded"] * 3)
        self.stop()

    def test_workflows_and_their_versions(self) -> None:
        self.serve()
        for i in range(3):
            text = WORKFLOW + f"  more{i}: {{run: 'true'}}\n"
            self.call("apply", self.file("etl.yaml", text))
        self.call("apply", self.file("b.yaml", WORKFLOW.replace("etl", "b")))
        names = [(w["name"], w["number"]) for w in self.pages("/workflows", 1)]
        self.assertEqual(names, [("b", 1), ("etl", 3)])
        numbers = [v["number"] for v in self.pages("/workflows/etl/versions", 2)]
        self.assertEqual(numbers, [3, 2, 1])
        self.assertEqual(self.get("/workflows/etl")["source"], text)
        first = self.pages("/workflows/etl/versions", 9)[-1]["hash"]
        one = self.get(f"/workflows/etl@sha256:{first[:12]}")
        self.assertEqual((one["number"], one["hash"]), (1, first))
        for word in ("none", "etl@none", "etl@", "%2e%2e", "ETL", "etl@sha256:0"):
            self.problem(self.ask("GET", f"/workflows/{word}"), 404, "NOT_FOUND")
        self.stop()

    def test_a_text_that_comes_back_is_another_version(self) -> None:
        self.serve()
        tags = []
        for more in ("a", "b", "a"):
            text = WORKFLOW + f"  more{more}: {{run: 'true'}}\n"
            self.call("apply", self.file("etl.yaml", text))
            tags.append(self.ask("GET", "/workflows/etl").headers["etag"])
        self.assertEqual(len(set(tags)), 3)
        same = self.ask("GET", "/workflows/etl", If_None_Match=tags[2])
        self.assertEqual(same.status, 304)
        self.stop()

    def test_a_file_is_judged_without_being_kept(self) -> None:
        self.serve()
        viewer = self.make_key("viewer")
        good = self.change(
            "POST", "/workflows/validate", {"source": WORKFLOW}, 200, key=viewer
        ).json()
        self.assertEqual((good["valid"], good["name"]), (True, "etl"))
        bad = self.change(
            *("POST", "/workflows/validate", "flowforge: 1\nname: A\n", 200),
            Content_Type="application/yaml",
        ).json()
        self.assertFalse(bad["valid"])
        said = self.call(
            "validate", self.file("bad.yaml", "flowforge: 1\nname: A\n"), expect=3
        )
        for problem in bad["problems"]:
            place = f":{problem['line']}:{problem['column']}: {problem['code']}"
            self.assertIn(place, said.err + said.out)
        self.assertEqual(self.get("/workflows")["items"], [])
        large = "#" * (4 * 1024 * 1024)
        answer = self.ask(
            "POST", "/workflows/validate", large + "#", Content_Type="application/yaml"
        )
        self.assertEqual(answer.status, 413)
        self.stop()


class Roles(ApiTest):
    def test_each_role_may_what_the_document_says(self) -> None:
        """Each route by each role: denied exactly where its permission is not one of
        the role's."""
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 100000}, 204)
        document = self.get("/openapi.json")
        for role in ("viewer", "operator", "author", "admin"):
            key = self.make_key(role)
            mine = self.get("/me", key)["permissions"]
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    needs = operation.get("x-permission")
                    place = re.sub(r"\{[^}]*\}", "none", path)
                    # No valid body: what is let in changes nothing of value.
                    body = {"no": 1} if "requestBody" in operation else None
                    answer = self.ask(method.upper(), place, body, key=key)
                    denied = needs is not None and needs not in mine
                    self.assertEqual(
                        answer.status == 403, denied, f"{role} {method} {path}"
                    )
                    self.assertNotIn(answer.status, (401, 500, 503))
        self.stop()

    def test_the_document_is_the_one_of_the_repository(self) -> None:
        self.serve()
        served = self.get("/openapi.json")
        self.assertEqual(served["openapi"], "3.1.0")
        ids = [
            operation["operationId"]
            for methods in served["paths"].values()
            for operation in methods.values()
        ]
        self.assertEqual(len(ids), len(set(ids)))
        text = json.dumps(served)
        for name in re.findall(r'"#/components/schemas/(\w+)"', text):
            self.assertIn(name, served["components"]["schemas"])
        self.stop()


if __name__ == "__main__":
    unittest.main()
