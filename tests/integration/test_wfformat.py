#!/usr/bin/python3
"""Recorded workflows in WfFormat become workflow files that can be run."""

import copy
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from example_files import SOURCE, flowforge

TOOL = SOURCE / "scripts/wfformat2flow"
LETTERS = SOURCE / "tests/integration/wfformat/letters.json"


def convert(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, path, *options], capture_output=True, text=True)


class WfFormat(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.instance = json.loads(LETTERS.read_text())

    @property
    def tasks(self) -> list[dict]:
        return self.instance["workflow"]["specification"]["tasks"]

    def run_it(self, *options: str, inputs: tuple[str, ...] = ()) -> dict:
        file = self.dir / "flow.yaml"
        file.write_text(convert(LETTERS, *options).stdout)
        data = self.dir / "data"
        done = flowforge(data, "run", "-q", str(file), *inputs)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(flowforge(data, "get", "last", "-o", "json").stdout)

    def refusal(self) -> str:
        file = self.dir / "bad.json"
        file.write_text(json.dumps(self.instance))
        done = convert(file)
        self.assertEqual(1, done.returncode)
        return done.stderr

    def test_the_graph_is_that_of_the_recording(self) -> None:
        text = convert(LETTERS).stdout
        self.assertIn("# 4 tasks, 4 needs, 3 deep.", text)
        self.assertIn("count_a:\n    needs: [task_1_split_text]", text)
        self.assertIn("count_a_2:\n    needs: [task_1_split_text]", text)
        self.assertIn("sum:\n    needs: [count_a, count_a_2]", text)

    def test_noop_tasks_run(self) -> None:
        self.assertEqual("succeeded", self.run_it()["state"])

    def test_files_show_that_the_order_was_kept(self) -> None:
        work = self.dir / "work"
        work.mkdir()
        inputs = ("--input", f"work={work}")
        run = self.run_it("--tasks", "files", inputs=inputs)
        self.assertEqual("succeeded", run["state"])
        made = sorted(path.name for path in work.iterdir())
        self.assertEqual(
            ["one.n", "out+it's two.txt", "part one.txt", "total", "two.n"], made
        )

    def test_files_that_are_not_there_are_missed(self) -> None:
        text = convert(LETTERS, "--tasks", "files").stdout
        file = self.dir / "flow.yaml"
        file.write_text(text.replace("needs: [count_a, count_a_2]", "needs: [count_a]"))
        work = self.dir / "work"
        work.mkdir()
        # Without count_a_2 before it, and with that one failing, sum has no two.n.
        file.write_text(file.read_text().replace(": >two.n", "exit 1"))
        data = self.dir / "data"
        flowforge(data, "run", "-q", str(file), "--input", f"work={work}")
        run = json.loads(flowforge(data, "get", "last", "-o", "json").stdout)
        states = {task["task"]: task["state"] for task in run["tasks"]}
        self.assertEqual("failed", states["sum"])

    def test_recorded_times_can_be_slept(self) -> None:
        text = convert(LETTERS, "--tasks", "sleep", "--scale", "0.01").stdout
        self.assertIn('sleep 0.025"', text)

    def test_a_circle_is_refused(self) -> None:
        self.tasks[0]["parents"] = ["sum"]
        self.assertIn("in a circle", self.refusal())

    def test_an_unknown_parent_is_refused(self) -> None:
        self.tasks[3]["parents"].append("nobody")
        self.assertIn("there is no task nobody", self.refusal())

    def test_equal_ids_are_refused(self) -> None:
        self.tasks.append(copy.deepcopy(self.tasks[0]))
        self.assertIn("same id", self.refusal())

    def test_other_schemas_are_refused(self) -> None:
        self.instance["workflow"] = {"tasks": []}
        self.assertIn("schema 1.5", self.refusal())

    def test_what_is_no_json_is_refused(self) -> None:
        done = convert(SOURCE / "Makefile")
        self.assertEqual(1, done.returncode)
        self.assertIn("Makefile", done.stderr)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
