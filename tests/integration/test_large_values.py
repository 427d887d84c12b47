#!/usr/bin/python3
"""Values above 64 KiB that no attempt gave - of transform, of runs inside others, of
the run itself - stand beside the rows, durable before the row that names them."""

# ctest: timeout=300

import json
import signal
import sqlite3
import unittest
from pathlib import Path
from typing import Any

from ff_cli import CliTest

INNER = """flowforge: 1
name: inner
inputs: {word: string}
tasks:
  again:
    transform: {word: "${{ inputs.word }}", like: "${{ {'$value_at': 'x'} }}"}
  group:
    needs: [again]
    tasks:
      deep: {transform: {word: "${{ tasks.again.outputs.word + '!' }}"}}
    outputs: {word: "${{ tasks.deep.outputs.word }}"}
outputs: {word: "${{ tasks.group.outputs.word }}"}
"""

OUTER = """flowforge: 1
name: outer
inputs: {word: string}
tasks:
  make: {transform: {word: "${{ inputs.word + inputs.word }}", small: "${{ 1 }}"}}
  call:
    needs: [make]
    uses: ./inner.yaml
    with: {word: "${{ tasks.make.outputs.word }}"}
outputs:
  word: "${{ tasks.call.outputs.word }}"
  small: "${{ tasks.make.outputs.small }}"
"""

HALF = "0123456789" * 20000
WORD = HALF + HALF


class LargeValues(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.file("inner.yaml", INNER)
        self.outer = self.file("outer.yaml", OUTER)
        self.inputs = self.file("inputs.json", json.dumps({"word": HALF}))

    def run_outer(self, *args: str, expect: int | None = 0) -> None:
        self.call("run", self.outer, "--inputs", self.inputs, *args, expect=expect)

    def get(self, what: str = "last") -> Any:
        return self.call("get", what, "-o", "json").json()

    def columns(self, table: str, *names: str) -> list[str]:
        with sqlite3.connect(self.data / "flowforge.db") as base:
            rows = base.execute(f"select {', '.join(names)} from {table}").fetchall()
        return [str(value) for row in rows for value in row if value is not None]

    def check_rows(self) -> None:
        """All rows are small."""
        columns = self.columns("run", "inputs", "scope", "outputs")
        columns += self.columns("task", "outputs") + self.columns("event", "body")
        self.assertLess(max(map(len, columns)), 2000)

    def check_result(self) -> None:
        got = self.get()
        self.assertEqual(got["state"], "succeeded")
        self.assertEqual(got["outputs"], {"word": WORD + "!", "small": 1})
        self.assertEqual(got["inputs"], {"word": HALF})
        outputs = {task["task"]: task["outputs"] for task in got["tasks"]}
        self.assertEqual(outputs["make"], {"word": WORD, "small": 1})
        self.assertEqual(outputs["call"], {"word": WORD + "!"})
        inner = self.get(got["runs"][0]["id"])
        self.assertEqual(inner["inputs"], {"word": WORD})
        again = next(t for t in inner["tasks"] if t["task"] == "again")
        self.assertEqual(again["outputs"]["like"], {"$value_at": "x"})
        self.assertEqual(again["outputs"]["word"], WORD)

    def history(self) -> str:
        return self.call("history", "last", "--canonical").out

    def values(self, folder: Path) -> list[Path]:
        return [p for p in folder.rglob("values/*") if p.is_file()]

    def test_they_go_through_transform_uses_group_and_outputs(self) -> None:
        result = self.call("run", self.outer, "--inputs", self.inputs, "-o", "json")
        last = result.lines()[-1]
        self.assertEqual(last["run"]["outputs"]["word"], WORD + "!")
        self.check_result()
        self.check_rows()
        created = [
            json.loads(line)
            for line in self.history().splitlines()
            if '"run.created"' in line
        ]
        self.assertEqual(
            [len(c["inputs"]["word"]) for c in created],
            [len(HALF), len(WORD), len(WORD)],
        )

    def test_a_kill_between_any_two_steps_changes_nothing(self) -> None:
        trace = self.folder / "trace"
        self.env["FF_FAILPOINT_TRACE"] = str(trace)
        self.run_outer()
        del self.env["FF_FAILPOINT_TRACE"]
        undisturbed = self.history()
        passes = trace.read_text().split()
        points = ("exec.values.kept", "control.values.put")
        places = [(p, n + 1) for p in points for n in range(passes.count(p))]
        places.remove(("exec.values.kept", 1))  # before there is a run
        self.assertGreater(len(places), 6, places)
        for point, nth in places:
            with self.subTest(point=point, nth=nth):
                self.env["FF_FAILPOINT"] = f"{point}:kill:{nth}"
                self.run_outer(expect=-signal.SIGKILL)
                del self.env["FF_FAILPOINT"]
                self.call("resume")
                self.check_result()
                self.assertEqual(self.history(), undisturbed)

    def test_a_full_disk_only_costs_time(self) -> None:
        self.env["FF_FAILPOINT"] = "exec.values.kept:error:2"
        self.run_outer()
        self.check_result()
        self.check_rows()

    def test_retention_takes_them_and_a_backup_holds_them(self) -> None:
        self.run_outer()
        names = {p.name for p in self.values(self.data / "runs")}
        self.assertGreater(len(names), 1)
        self.call("backup", "copy")
        copies = self.values(self.folder / "copy.d")
        self.assertEqual({p.name for p in copies}, names)
        small = self.file(
            "small.yaml", "flowforge: 1\nname: s\ntasks: {a: {run: 'true'}}\n"
        )
        self.call("run", small, "--set", "engine.keep_runs=1")
        self.assertEqual(self.values(self.data / "runs"), [])


if __name__ == "__main__":
    unittest.main()
