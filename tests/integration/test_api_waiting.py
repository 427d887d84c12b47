#!/usr/bin/python3
"""The HTTP API: tasks of a large run that wait. A server that has parsed nothing tells
of them from the outline of the file, and later the same."""
# ctest: timeout=600

import sqlite3
import time
import unittest
from pathlib import Path
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE
from ff_replicas import ReplicasTest

LARGE = 1300  # tasks: more than a file has that is parsed at once
PARSED = "rest.flow.parse"  # a server passes it for each file that it parses to tell


def tasks(n: int, end: str = "", indent: str = "  ") -> str:
    """Of every shape: ready, behind one that has ended, behind one that asks, behind
    each other, behind all of them. Their names have this end, as those in a group must
    be others than those around it."""
    lines = []
    for i in range(n):
        needs = [[], ["made"], ["gate"], [f"t{i - 2}"]][i % 4]
        if i == n - 1:
            needs = [f"t{k}" for k in range(i)]
        names = ", ".join(name + end for name in needs)
        lines.append(f"{indent}t{i}{end}: {{needs: [{names}], run: 'exit 0'}}\n")
    return "".join(lines)


HEAD = """flowforge: 1
name: large
tasks:
  made: {noop: true}
  each: {foreach: "${{ range(5) }}", noop: true}
  gate: {needs: each, approve: {message: Go?}}
"""
GROUP = """  inner:
    tasks:
      made_i: {noop: true}
      gate_i: {approve: {message: Go?}}
"""
HANDLERS = "on_success: {mail: {noop: true}}\nfinally: {tidy: {noop: true}}\n"
SOURCE = HEAD + tasks(LARGE) + GROUP + tasks(LARGE, "_i", " " * 6) + HANDLERS


def n_parsed(trace: Path) -> int:
    return trace.read_text().splitlines().count(PARSED) if trace.exists() else 0


class WaitingTest(ApiTest):
    store = "store-sqlite"

    def setUp(self) -> None:
        super().setUp()
        self.trace = self.folder / "trace"
        self.env["FF_FAILPOINT_TRACE"] = str(self.trace)
        self.env["FLOWFORGE_ENGINE_STORE"] = self.store

    def begin(self, text: str) -> str:
        self.serve()
        # No attempt starts, so that two lists can be the same.
        self.change("PATCH", "/tenants/default", {"max_running": 0}, status=204)
        made = self.change("POST", "/runs", {"source": text})
        return str(made.json()["id"])

    def again(self) -> None:
        """A server that knows nothing."""
        self.stop()
        self.trace.unlink(missing_ok=True)
        self.serve()

    def await_question(self, id: str, task: str) -> None:
        until = time.monotonic() + PATIENCE
        path = f"/runs/{id}/tasks?state=suspended&task={task}"
        while not self.pages(path, 1000):
            self.assertLess(time.monotonic(), until)

    def all_of(self, id: str) -> list[Any]:
        """By pages of several sizes, then by filters."""
        path = f"/runs/{id}/tasks"
        lists = [self.pages(path, limit) for limit in (1000, 100, 77)]
        self.assertEqual(lists[0], lists[1])
        self.assertEqual(lists[0], lists[2])
        for state in ("waiting", "queued", "succeeded", "failed"):
            lists.append(self.pages(f"{path}?state={state}", 400))
        lists += [self.pages(f"{path}?task={t}", 2) for t in ("t1200", "each", "mail")]
        return lists

    def check_file(self, id: str, n: int) -> list[Any]:
        """All tasks before anything is parsed, and the same after."""
        self.again()
        before = self.all_of(id)
        first = self.get(f"/runs/{id}/tasks?limit=600")
        self.assertEqual(n_parsed(self.trace), 0)
        self.assertEqual(len(before[0]), n)
        some = next(t["task"] for t in before[0][700:] if t["state"] == "waiting")
        one = self.get(f"/runs/{id}/tasks/{some}")
        self.assertEqual(one["state"], "waiting")
        self.assertEqual(n_parsed(self.trace), 1)
        self.assertEqual(self.all_of(id), before)
        # A cursor that was given before goes on after.
        cursor = first["next"]
        rest = self.get(f"/runs/{id}/tasks?limit=1000&cursor={cursor}")
        self.assertEqual(first["items"] + rest["items"], before[0])
        self.assertEqual(n_parsed(self.trace), 1)
        return list(before[0])


class Large(WaitingTest):
    def test_a_file_is_not_parsed_for_a_page(self) -> None:
        id = self.begin(SOURCE)
        self.await_question(id, "gate")
        all_tasks = self.check_file(id, 3 + 5 + LARGE + 1)
        names = [t["task"] for t in all_tasks]
        self.assertEqual(names[:9], ["made", *["each"] * 6, "gate", "t0"])
        self.assertEqual(names[-2:], [f"t{LARGE - 1}", "inner"])
        states = {t["task"]: t["state"] for t in all_tasks}
        wanted = {4: "queued", 5: "queued", 6: "waiting", 7: "waiting"}
        for i, state in (wanted | {LARGE - 1: "waiting"}).items():
            self.assertEqual(states[f"t{i}"], state, i)
        self.stop()

    def test_nor_is_it_for_a_page_of_a_group(self) -> None:
        outer = self.begin(SOURCE)
        until = time.monotonic() + PATIENCE
        inner: list[str] = []
        while not inner:
            self.assertLess(time.monotonic(), until)
            runs = self.get("/runs?inside=true")["items"]
            inner = [run["id"] for run in runs if run["id"] != outer]
        self.await_question(inner[0], "gate_i")
        all_tasks = self.check_file(inner[0], 2 + LARGE)
        self.assertEqual(all_tasks[2]["task"], "t0_i")
        self.stop()

    def test_what_is_behind_all_main_tasks_has_rows(self) -> None:
        """Though the outline ends there, at the end of a part."""
        body = "".join(f"  t{i}: {{noop: true}}\n" for i in range(1500))
        done = "on_success:\n  ask: {approve: {message: Good?}}\n"
        id = self.begin("flowforge: 1\nname: ends\ntasks:\n" + body + done)
        self.await_question(id, "ask")
        self.again()
        for limit in (250, 500, 750, 1000):
            names = [t["task"] for t in self.pages(f"/runs/{id}/tasks", limit)]
            self.assertEqual(names, [f"t{i}" for i in range(1500)] + ["ask"])
        self.assertEqual(n_parsed(self.trace), 0)
        self.stop()

    def test_a_small_file_is_parsed(self) -> None:
        id = self.begin(HEAD + tasks(600))
        self.await_question(id, "gate")
        self.again()
        self.assertEqual(len(self.pages(f"/runs/{id}/tasks", 1000)), 608)
        self.assertEqual(n_parsed(self.trace), 1)
        self.stop()

    def test_without_its_outline_a_file_is_parsed(self) -> None:
        """An older release has written it; or a part of it is lost, or not to be
        read."""
        id = self.begin(SOURCE)
        self.await_question(id, "gate")
        self.again()
        whole = self.all_of(id)
        self.assertEqual(n_parsed(self.trace), 0)
        for change in (
            "UPDATE workflow_outline SET body = '{}' WHERE part = 1",
            "DELETE FROM workflow_outline WHERE part = 1",
            "DELETE FROM workflow_outline",
        ):
            self.stop()
            with sqlite3.connect(self.data / "flowforge.db") as db:
                self.assertGreater(db.execute(change).rowcount, 0)
            db.close()
            self.trace.unlink(missing_ok=True)
            self.serve()
            self.assertEqual(self.all_of(id), whole, change)
            self.assertEqual(n_parsed(self.trace), 1, change)
        self.stop()


class LargeInLmdb(WaitingTest):
    store = "store-lmdb"

    def test_a_file_is_not_parsed_for_a_page(self) -> None:
        id = self.begin(SOURCE)
        self.await_question(id, "gate")
        self.check_file(id, 3 + 5 + LARGE + 1)
        self.stop()


class LargeInPostgres(ReplicasTest):
    def test_a_server_that_was_not_sent_a_file_does_not_parse_it(self) -> None:
        trace = self.folder / "trace"
        self.env["FF_FAILPOINT_TRACE"] = str(trace)
        first, other = self.begin(2)
        quota = first.ask("PATCH", "/tenants/default", {"max_running": 0})
        self.assertEqual(quota.status, 204)
        made = first.ask("POST", "/runs", {"source": SOURCE})
        self.assertEqual(made.status, 201, made.body)
        path = f"/runs/{made.json()['id']}/tasks"
        asks = f"{path}?state=suspended&task=gate&limit=1000"
        self.wait_until(lambda: first.get(asks)["items"])
        pages = [other.get(f"{path}?limit=1000")]
        pages.append(other.get(f"{path}?limit=1000&cursor={pages[0]['next']}"))
        self.assertEqual(n_parsed(trace), 0)
        items = [task for page in pages for task in page["items"]]
        self.assertEqual(len(items), 3 + 5 + LARGE + 1)
        self.assertEqual(other.get(f"{path}/t7")["state"], "waiting")
        self.assertEqual(n_parsed(trace), 1)
        again = [other.get(f"{path}?limit=1000")]
        again.append(other.get(f"{path}?limit=1000&cursor={again[0]['next']}"))
        self.assertEqual([page["items"] for page in again], [p["items"] for p in pages])


if __name__ == "__main__":
    unittest.main()
