#!/usr/bin/python3
"""Tasks with cache: outputs of before instead of another attempt."""

import re
import signal
import sqlite3
import unittest
from typing import Any

from ff_cli import CliTest

FETCH = """flowforge: 1
name: fetch
inputs:
  month: {{type: string, default: may}}
  size: {{type: integer, default: 3}}
tasks:
  fetch:
    cache: {{key: "${{{{ inputs.month }}}}"{more}}}
    env: {{SIZE: "${{{{ inputs.size }}}}"}}
    run: |
      echo ran >> {log}
      head -c "$SIZE" /dev/zero | tr '\\0' x > "$FF_OUT/rows"
    outputs: {{rows: file}}
  print:
    needs: [fetch]
    env: {{ROWS: "${{{{ tasks.fetch.outputs.rows }}}}"}}
    run: echo "got ${{#ROWS}}"
"""
ITEMS = """flowforge: 1
name: items
tasks:
  each:
    foreach: [a, b, c]
    cache: {{key: k}}
    env: {{I: "${{{{ item }}}}"}}
    run: echo "$I" >> {log}; echo "$I" > "$FF_OUT/name"
    outputs: {{name: file}}
outputs: {{names: "${{{{ tasks.each.outputs.name }}}}"}}
"""
GROUP = """flowforge: 1
name: group
tasks:
  both:
    cache: {{key: k}}
    tasks:
      one: {{run: 'echo ran >> {log}; echo 1', outputs: {{n: stdout}}}}
      two: {{needs: [one], run: 'echo ran >> {log}'}}
    outputs: {{n: "${{{{ tasks.one.outputs.n }}}}"}}
outputs: {{n: "${{{{ tasks.both.outputs.n }}}}"}}
"""
FAILS = """flowforge: 1
name: fails
tasks:
  t:
    cache: {{key: k}}
    run: echo ran >> {log}; [ -e {good} ]
"""


class Cache(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.folder / "log"
        self.good = self.folder / "good"
        self.log.touch()

    def write(self, text: str, more: str = "") -> str:
        text = text.format(log=self.log, good=self.good, more=more)
        return self.file("w.yaml", text)

    def run_one(self, *args: str, expect: int = 0) -> dict[str, Any]:
        result = self.call("run", "w.yaml", "-o", "json", *args, expect=expect)
        return dict(result.lines()[-1]["run"])

    def ran(self) -> int:
        return len(self.log.read_text().splitlines())

    def task(self, run: str, name: str) -> dict[str, Any]:
        shown = self.call("get", run, name, "-o", "json").json()
        return dict(shown.get("task", shown))

    def entries(self) -> list[dict[str, Any]]:
        return list(self.call("cache", "list", "-o", "json").json())

    def test_a_second_run_is_given_what_the_first_one_made(self) -> None:
        self.write(FETCH)
        first = self.run_one()
        second = self.run_one()
        self.assertEqual(self.ran(), 1)
        logs = self.call("logs", second["id"]).out
        self.assertIn("got 3", logs)
        history = self.call("history", second["id"]).out
        self.assertIn("cached", history)
        (entry,) = self.entries()
        self.assertEqual(entry["run"], first["id"])
        self.assertEqual((entry["task"], entry["key"]), ("fetch", "may"))
        self.assertRegex(self.call("cache", "list").out, r"fetch +fetch +may ")
        self.run_one("-i", "month=june")
        self.assertEqual(self.ran(), 2)
        self.assertEqual(len(self.entries()), 2)

    def test_no_cache_runs_it_and_keeps_what_it_gives(self) -> None:
        self.write(FETCH)
        self.run_one()
        third = self.run_one("--no-cache", "-i", "size=5")
        self.assertEqual(self.ran(), 2)
        (entry,) = self.entries()
        self.assertEqual(entry["run"], third["id"])
        again = self.run_one()
        self.assertIn("got 5", self.call("logs", again["id"]).out)

    def test_what_begins_again_is_run_again(self) -> None:
        self.write(FETCH)
        self.run_one()
        second = self.run_one()
        self.assertEqual(self.ran(), 1)
        self.call("rerun", second["id"], "--from", "fetch")
        self.assertEqual(self.ran(), 2)
        self.call("rerun", second["id"], "--new")
        self.assertEqual(self.ran(), 2)
        self.call("rerun", second["id"], "--new", "--no-cache")
        self.assertEqual(self.ran(), 3)

    def test_clear_forgets_all_or_a_part(self) -> None:
        self.write(FETCH)
        self.run_one()
        self.run_one("-i", "month=june")
        for words, left in (
            (["other"], 2),
            (["fetch", "fet"], 2),
            (["fetch", "fetch"], 0),
        ):
            self.call("cache", "clear", *words)
            self.assertEqual(len(self.entries()), left, words)
        self.assertIn("the cache is empty", self.call("cache", "list").err)
        self.run_one()
        self.assertEqual(self.ran(), 3)
        self.write(ITEMS)
        self.run_one()
        cleared = self.call("cache", "clear", "items", "each", "-o", "json").json()
        self.assertEqual(cleared, {"deleted": 3})
        self.assertEqual(
            self.call("cache", "clear", "-o", "json").json(), {"deleted": 1}
        )

    def test_items_are_given_what_was_theirs(self) -> None:
        self.write(ITEMS)
        for _ in range(2):
            run = self.run_one()
            self.assertEqual(run["outputs"], {"names": ["a", "b", "c"]})
        self.assertEqual(self.ran(), 3)

    def test_a_group_is_kept_as_a_whole(self) -> None:
        self.write(GROUP)
        first = self.run_one()
        second = self.run_one()
        self.assertEqual(self.ran(), 2)
        self.assertEqual(second["outputs"], first["outputs"])
        self.assertEqual(
            len(self.call("list", "--all", "-o", "json").json()["runs"]), 3
        )

    def test_failures_are_not_kept_and_retry_asks_again(self) -> None:
        self.write(FAILS)
        failed = self.run_one(expect=1)
        self.assertEqual(self.entries(), [])
        self.good.touch()
        self.run_one()
        self.assertEqual(self.ran(), 2)
        self.call("retry", failed["id"])
        self.assertEqual(self.ran(), 2)

    def test_what_has_expired_is_not_used_and_goes(self) -> None:
        self.write(FETCH)
        self.run_one()
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("UPDATE cache SET expires_at = 1")
        self.assertEqual(self.entries(), [])
        self.run_one()
        self.assertEqual(self.ran(), 2)
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("UPDATE cache SET expires_at = 1")
        self.run_one("-i", "month=june")  # its owner deletes what is old
        with sqlite3.connect(self.data / "flowforge.db") as db:
            keys = [k for (k,) in db.execute("SELECT cache_key FROM cache")]
        self.assertEqual(keys, ["june"])

    def test_large_values_go_with_their_run(self) -> None:
        self.write(FETCH)
        self.run_one("-i", "size=100000")
        self.assertEqual(self.entries(), [])
        self.run_one("-i", "size=100000")
        self.assertEqual(self.ran(), 2)

    def test_an_entry_that_cannot_be_read_is_none(self) -> None:
        self.write(FETCH)
        self.run_one()
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("UPDATE cache SET outputs = '{'")
        result = self.call("run", "w.yaml")
        self.assertIn("the task runs", result.err)
        self.assertEqual(self.ran(), 2)

    def test_the_history_is_the_same_each_time(self) -> None:
        self.write(FETCH)
        self.run_one()
        histories = {
            self.call("history", self.run_one()["id"], "--canonical").out
            for _ in range(2)
        }
        self.assertEqual(len(histories), 1)

    def test_an_owner_that_dies_while_it_asks_asks_again(self) -> None:
        self.write(FETCH)
        self.run_one()
        for point in ("control.cache.before", "control.cache.after"):
            self.env["FF_FAILPOINT"] = f"{point}:kill"
            result = self.call("run", "w.yaml", expect=-signal.SIGKILL)
            del self.env["FF_FAILPOINT"]
            self.assertNotIn("fetch succeeded", result.out)
            resumed = self.call("resume")
            self.assertTrue(re.search(r"fetch succeeded", resumed.out), resumed.out)
            self.assertEqual(self.ran(), 1)


if __name__ == "__main__":
    unittest.main()
