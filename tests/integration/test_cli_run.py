#!/usr/bin/python3
"""A run from the command line: its end, its inputs, its traces."""

import json
import unittest

from ff_cli import CliTest

OK = """flowforge: 1
name: ok
inputs:
  who: {type: string, default: world}
  n: {type: integer, default: 1}
  list: {type: list, default: []}
tasks:
  first:
    env: {WHO: "${{ inputs.who }}", N: "${{ inputs.n + 1 }}"}
    run: 'echo "hello $WHO $N"; echo oops >&2; printf %s "$WHO" > "$FF_OUT/who"'
    outputs: {who: {from: file}}
  each:
    needs: [first]
    foreach: ${{ inputs.list }}
    env: {ITEM: "${{ item }}"}
    run: 'echo "item $ITEM"'
outputs: {who: "${{ tasks.first.outputs.who }}"}
"""
FAILS = """flowforge: 1
name: fails
tasks:
  good: {run: 'true'}
  bad: {needs: [good], run: 'exit 3'}
  never: {needs: [bad], run: 'true'}
"""


class Run(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.file("ok.yaml", OK)
        self.file("fails.yaml", FAILS)

    def test_a_run_that_succeeds_ends_with_0_and_says_what_happened(self) -> None:
        out = self.call("run", "ok.yaml").out
        for part in ("first started", "first succeeded", "run succeeded", "logs:"):
            self.assertIn(part, out)

    def test_a_run_that_fails_ends_with_1_and_says_why(self) -> None:
        out = self.call("run", "fails.yaml", expect=1).out
        self.assertIn("bad failed", out)
        self.assertIn("exit code 3", out)
        self.assertIn("never skipped", out)

    def test_quiet_prints_nothing(self) -> None:
        result = self.call("run", "-q", "ok.yaml")
        self.assertEqual((result.out, result.err), ("", ""))

    def test_json_is_a_line_an_event_and_the_result_at_last(self) -> None:
        lines = self.call("run", "ok.yaml", "-o", "json").lines()
        self.assertEqual(lines[0]["type"], "run.created")
        result = lines[-1]
        self.assertEqual(result["type"], "result")
        self.assertEqual(result["run"]["state"], "succeeded")
        self.assertEqual(result["run"]["outputs"], {"who": "world"})

    def test_inputs_by_text_file_and_json(self) -> None:
        self.file("who.txt", "a file")
        self.file("list.json", '["x", "y"]')
        self.call(
            *("run", "ok.yaml", "-i", "who=@who.txt", "-i", "list=@list.json"),
            *("--input", "n=41"),
        )
        self.assertIn("hello a file 42", self.call("logs", "last", "first").out)
        text = self.call("logs", "last", "each").out
        self.assertIn("each.0 | item x", text)
        self.assertIn("each.1 | item y", text)
        self.file("all.json", '{"n": 2, "who": "json"}')
        self.call("run", "ok.yaml", "--inputs", "all.json", "-i", "who=@@flag")
        self.assertIn("hello @flag 3", self.call("logs", "last", "first").out)

    def test_all_problems_of_inputs_are_told_and_nothing_is_stored(self) -> None:
        result = self.call("run", "ok.yaml", "-i", "n=many", "-i", "wo=x", expect=3)
        self.assertIn("many", result.err)
        self.assertIn("wo", result.err)
        self.assertEqual(self.call("list", "-o", "json").json()["runs"], [])

    def test_a_wrong_file_is_told_before_anything_is_stored(self) -> None:
        self.file("bad.yaml", "flowforge: 1\nname: bad\ntasks: {a: {runn: x}}\n")
        result = self.call("run", "bad.yaml", expect=3)
        self.assertRegex(result.err, r"bad\.yaml:3:\d+: FF\d+: ")
        self.call("run", "none.yaml", expect=4)
        self.assertFalse(self.data.exists())

    def test_tasks_run_in_the_folder_of_the_file_or_in_the_one_given(self) -> None:
        (self.folder / "sub").mkdir()
        self.file("sub/pwd.yaml", "flowforge: 1\nname: p\ntasks: {t: {run: pwd}}\n")
        self.call("run", "sub/pwd.yaml")
        self.assertEqual(self.call("logs", "last", "t").out, f"{self.folder}/sub\n")
        self.call("run", "sub/pwd.yaml", "--dir", ".")
        self.assertEqual(self.call("logs", "last", "t").out, f"{self.folder}\n")

    def test_list_filters_and_pages(self) -> None:
        for _ in range(3):
            self.call("run", "-q", "ok.yaml")
        self.call("run", "-q", "fails.yaml", expect=1)
        everything = self.call("list", "-o", "json").json()["runs"]
        self.assertEqual([r["workflow"] for r in everything], ["fails"] + 3 * ["ok"])
        failed = self.call("list", "--state", "failed", "-o", "json").json()["runs"]
        self.assertEqual(failed, everything[:1])
        page = self.call("list", "-w", "ok", "-n", "2", "-o", "json").json()
        self.assertEqual(page["runs"], everything[1:3])
        self.assertEqual(page["next"], everything[2]["id"])
        rest = self.call("list", "--after", page["next"], "-o", "json").json()
        self.assertEqual(rest["runs"], everything[3:])
        self.assertIsNone(rest["next"])
        self.assertIn(everything[0]["id"], self.call("list").out)

    def test_a_run_is_found_by_id_prefix_and_last(self) -> None:
        self.call("run", "-q", "ok.yaml")
        run = self.call("get", "last", "-o", "json").json()["id"]
        for word in (run, run[:8], run[:20]):
            self.assertEqual(self.call("get", word, "-o", "json").json()["id"], run)
        self.call("get", "00000000", expect=4)
        self.call("get", "x", expect=2)

    def test_get_shows_states_exit_codes_reasons_and_outputs(self) -> None:
        self.call("run", "-q", "fails.yaml", expect=1)
        tasks = {
            t["task"]: t for t in self.call("get", "last", "-o", "json").json()["tasks"]
        }
        self.assertEqual(tasks["good"]["exit_code"], 0)
        self.assertEqual(tasks["bad"]["exit_code"], 3)
        self.assertEqual(tasks["never"]["state"], "skipped")
        self.assertEqual(tasks["never"]["reason"], "upstream_failed")
        self.call("run", "-q", "ok.yaml", "-i", "list=[1,2]")
        text = self.call("get", "last").out
        self.assertIn('first.who = "world"', text)
        self.assertIn("2 items: 2 succeeded", text)
        self.assertIn("each.1", self.call("get", "last", "each").out)
        self.call("get", "last", "nosuch", expect=4)

    def test_items_that_never_began_count_as_cancelled_when_the_others_ended(
        self,
    ) -> None:
        self.file(
            "stops.yaml",
            "flowforge: 1\nname: stops\ntasks:\n"
            "  each: {foreach: '${{ [1, 2, 3, 4] }}', max_parallel: 1, run: exit 1}\n",
        )
        self.call("run", "-q", "stops.yaml", expect=1)
        self.assertIn("4 items: 1 failed 3 cancelled", self.call("get", "last").out)
        (task,) = self.call("get", "last", "-o", "json").json()["tasks"]
        self.assertEqual(task["item_states"], {"failed": 1, "cancelled": 3})

    def test_large_outputs_are_shown_whole(self) -> None:
        self.file(
            "large.yaml",
            "flowforge: 1\nname: large\ntasks:\n  t:\n"
            '    run: \'head -c 100000 /dev/zero | tr "\\\\0" x > "$FF_OUT/big"\'\n'
            "    outputs: {big: {from: file}}\n",
        )
        self.call("run", "-q", "large.yaml")
        (task,) = self.call("get", "last", "-o", "json").json()["tasks"]
        self.assertEqual(task["outputs"]["big"], "x" * 100000)
        (self.folder / "copy").mkdir()
        self.call("backup", "copy/store")
        self.assertEqual(len(list((self.folder / "copy/store.d").rglob("values/*"))), 1)
        self.assertEqual(
            sorted(entry.name for entry in (self.folder / "copy").iterdir()),
            ["store", "store.d"],
        )
        result = self.call("backup", "copy/store", expect=2)
        self.assertIn("already", result.err)

    def test_a_backup_that_was_killed_is_no_backup(self) -> None:
        """tests/crash kills it at each call; this is what the next one says."""
        self.call("run", "-q", "ok.yaml")
        (self.folder / "store.unfinished").write_text("")
        result = self.call("backup", "store", expect=2)
        self.assertIn("was killed; then delete it, and store.d", result.err)
        self.assertFalse((self.folder / "store").exists())
        (self.folder / "store.unfinished").unlink()
        self.call("backup", "store")

    def test_canonical_histories_of_equal_runs_are_equal(self) -> None:
        histories = []
        for slots in ("1", "4"):
            self.call(
                *("run", "-q", "ok.yaml", "-i", "list=[1,2,3,4,5]"),
                *("--set", f"engine.slots={slots}"),
            )
            histories.append(self.call("history", "last", "--canonical").out)
        self.assertEqual(*histories)
        for line in histories[0].splitlines():
            self.assertLessEqual(
                set(json.loads(line)),
                {"type", "task", "item", "attempt", "state", "exit_code", "reason"}
                | {"inputs", "workflow", "items"},
            )

    def test_events_are_the_same_whatever_the_store(self) -> None:
        """store-memory ends with the process, so `history` cannot be asked later."""
        kept = {"type", "task", "item", "attempt", "state", "exit_code", "reason"}
        kept |= {"inputs", "workflow", "items"}
        for path, code in (("ok.yaml", 0), ("fails.yaml", 1)):
            seen = []
            for store in ("store-sqlite", "store-memory"):
                lines = self.call(
                    *("run", path, "-o", "json", "--set", f"engine.store={store}"),
                    expect=code,
                ).lines()
                events = [e for e in lines if e["type"] != "result"]
                texts = [
                    json.dumps({k: e[k] for k in kept & set(e)}, sort_keys=True)
                    for e in events
                ]
                seen.append(sorted(texts))
            self.assertEqual(*seen)

    def test_history_has_every_event_with_its_sequence(self) -> None:
        self.call("run", "-q", "ok.yaml")
        lines = self.call("history", "last", "-o", "json").lines()
        self.assertEqual(sorted(e["seq"] for e in lines), [e["seq"] for e in lines])
        self.assertEqual(lines[-1]["type"], "run.finished")
        self.assertEqual(len(self.call("history", "last").out.splitlines()), len(lines))


if __name__ == "__main__":
    unittest.main()
