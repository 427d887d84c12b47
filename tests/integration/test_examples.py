#!/usr/bin/python3
"""Runs every workflow file under examples/ and compares with what it says of itself."""
# ctest: timeout=600

import json
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from example_files import (
    SOURCE,
    Example,
    all_examples,
    check,
    differences,
    flowforge,
)
from ff_cli import PATIENCE, CliTest


def files_of_examples() -> set[str]:
    return {str(path) for path in (SOURCE / "examples").rglob("*")}


class Examples(unittest.TestCase):
    def test_each_example_does_what_its_comments_say(self) -> None:
        for example in all_examples():
            with self.subTest(example=str(example.path.relative_to(SOURCE))):
                for program in example.missing():
                    self.skipTest(f"{program} is not installed")
                self.assertEqual([], check(example))

    def test_each_example_says_what_is_expected(self) -> None:
        for example in all_examples():
            with self.subTest(example=example.path.name):
                self.assertIn(example.state, ("succeeded", "failed"))
                self.assertTrue(example.outputs or example.tasks)

    def test_there_are_examples_and_the_list_of_them_is_complete(self) -> None:
        listed = (SOURCE / "examples/README.md").read_text()
        for example in all_examples():
            name = str(example.path.relative_to(SOURCE / "examples"))
            self.assertIn(f"]({name})", listed)
        self.assertGreaterEqual(len(all_examples()), 10)

    def test_what_is_drawn_of_one_is_what_the_list_shows(self) -> None:
        listed = (SOURCE / "examples/README.md").read_text()
        (block,) = re.findall(r"^```\n\$ (.*?)\n(.*?)^```$", listed, re.M | re.S)
        words = block[0].split()
        self.assertEqual(words[:2], ["flowforge", "graph"])
        with tempfile.TemporaryDirectory() as folder:
            drawn = flowforge(Path(folder), "graph", str(SOURCE / words[2]))
        self.assertEqual(drawn.stdout, block[1])

    def test_running_them_leaves_nothing_in_the_tree(self) -> None:
        before = files_of_examples()
        for example in all_examples():
            if example.path.stem in ("climate", "ci"):
                check(example)
        self.assertEqual(before, files_of_examples())

    def test_an_example_whose_program_is_not_here_says_so(self) -> None:
        example = Example(SOURCE, programs=["sh", "no-such-program"])
        self.assertEqual(["no-such-program"], example.missing())

    def test_a_wrong_expectation_is_noticed(self) -> None:
        example = Example(SOURCE, "failed", {"a": 1}, {"b": "skipped"})
        run = {"state": "succeeded", "outputs": {"a": 2}, "tasks": []}
        self.assertEqual(3, len(list(differences(example, run))))


class Together(CliTest):
    """What an example does with others of its kind, or when it is told of something."""

    def example(self, name: str) -> str:
        return str(SOURCE / "examples" / name)

    def runs(self) -> list[dict[str, Any]]:
        shown = self.call("list", "-o", "json").json()
        return list(shown["runs"])

    def test_the_schedule_example_starts_a_run_for_its_event(self) -> None:
        """Once it is applied; small deliveries are none of its business."""
        self.call("apply", self.example("schedule/schedule.yaml"))
        listed = self.call("schedule", "list", "-o", "json").json()
        kinds = ("night", "interval", "workflow", "event", "webhook")
        self.assertEqual({s["name"] for s in listed}, {f"stock.{k}" for k in kinds})
        for boxes in (3, 12):
            told = json.dumps({"shop": "Oslo", "boxes": boxes})
            self.call("event", "restocked", "--data", told)
        # Its `debounce`: it begins when no other has come for a second.
        end = time.monotonic() + PATIENCE
        while not self.runs():
            self.assertLess(time.monotonic(), end, "no run has begun")
            time.sleep(0.05)
        self.call("resume", "last", "-q")
        (run,) = self.call("list", "-l", "team=shop", "-o", "json").json()["runs"]
        self.assertEqual(run["state"], "succeeded")
        last = self.call("get", "last", "-o", "json").json()
        self.assertRegex(last["outputs"]["report"], r"^short, .*: Oslo$")

    def test_the_newer_deployment_cancels_the_older_one(self) -> None:
        path = self.example("concurrency/concurrency.yaml")
        self.call("run", "--detach", path, "-i", "soak=1h")
        self.call("run", "-q", path)
        states = sorted(run["state"] for run in self.runs())
        self.assertEqual(states, ["cancelled", "succeeded"])

    def get(self) -> dict[str, Any]:
        return dict(self.call("get", "last", "-o", "json").json())

    def test_the_run_that_is_opened_again_does_what_is_left(self) -> None:
        path = self.example("again/again.yaml")
        self.call("run", "-q", path, "-i", f"desk={self.folder}", expect=1)
        self.file("signed", "ada\n")
        self.call("retry", "last", "-q")
        first = self.get()
        attempts = {task["task"]: task["attempt"] for task in first["tasks"]}
        self.assertEqual(attempts, {"collect": 1, "sign": 2, "archive": 1})
        self.assertEqual(first["outputs"]["text"], "signed by ada")
        self.call("rerun", "last", "--from", "archive", "-q")
        attempts = {task["task"]: task["attempt"] for task in self.get()["tasks"]}
        self.assertEqual(attempts, {"collect": 1, "sign": 2, "archive": 2})
        self.call("rerun", "last", "-q")
        self.assertNotEqual(self.get()["outputs"]["at"], first["outputs"]["at"])

    def test_the_queue_of_the_pause_example_can_be_paused(self) -> None:
        self.call("pause", "--queue", "warehouse")
        run = self.start("run", self.example("pause/pause.yaml"))
        run.wait_for("copy has 3 items")
        self.assertIn("warehouse", self.call("list").err + self.call("list").out)
        self.assertIsNone(run.popen.poll())
        self.call("unpause", "--queue", "warehouse")
        done = run.end()
        self.assertEqual(done.code, 0, done.out + done.err)
        self.assertEqual(self.get()["outputs"]["copied"], 3)

    def test_the_cache_example_does_its_work_once(self) -> None:
        path = self.example("cache/cache.yaml")
        for _ in range(2):
            self.call("run", "-q", path)
        reasons = {t["task"]: t.get("reason") for t in self.get()["tasks"]}
        self.assertIn("cached", reasons.values(), reasons)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
