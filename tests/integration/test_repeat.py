#!/usr/bin/python3
"""Tasks that repeat: what is shown of them, and deaths in the midst of a loop."""
# ctest: timeout=300

import json
import signal
import sys
import unittest
from typing import Any

from ff_cli import CliTest

# Each iteration adds its number to a file, so that one that ran twice is seen.
LOOP = (
    "flowforge: 1\nname: w\ntasks:\n"
    "  count:\n"
    "    env: {N: '${{ iteration }}', BEFORE: '${{ previous.n }}', TO: '%s'}\n"
    "    run: |\n"
    '      echo "$N after $BEFORE" >> "$TO"\n'
    '      echo "$N" > "$FF_OUT/n"\n'
    "    outputs: {n: json}\n"
    "    repeat: {until: outputs.n == %d, max: 30, delay: %s}\n"
    "outputs: {n: '${{ tasks.count.outputs.n }}'}\n"
)


def wanted(n: int) -> list[str]:
    return [f"{i} after {i - 1 if i > 1 else ''}" for i in range(1, n + 1)]


class Repeat(CliTest):
    def loop(self, n: int, delay: str) -> None:
        self.file("w.yaml", LOOP % (str(self.folder / "counted"), n, delay))

    def counted(self) -> list[str]:
        return (self.folder / "counted").read_text().splitlines()

    def run_of(self) -> Any:
        return self.call("get", "last", "-o", "json").json()

    def test_a_loop_is_shown_with_its_iterations(self) -> None:
        self.loop(4, "0s")
        shown = self.call("run", "w.yaml").out
        self.assertIn("count started (iteration 2, attempt 2)", shown)
        self.assertIn("count has ended an iteration", shown)
        self.assertEqual(self.counted(), wanted(4))
        run = self.run_of()
        self.assertEqual(run["outputs"], {"n": 4})
        self.assertEqual(run["tasks"][0]["iteration"], 4)
        self.assertEqual(run["tasks"][0]["attempt"], 4)
        self.assertIn("iteration 4 of 30", self.call("get", "last").out)
        history = self.call("history", "last", "--canonical").lines()
        told = [(e["type"], e.get("iteration")) for e in history if "task" in e]
        self.assertEqual(
            told,
            [("task.started", 1)]
            + [(t, i) for i in (2, 3, 4) for t in ("task.repeating", "task.started")]
            + [("task.finished", None)],
        )

    def test_an_owner_that_is_killed_in_a_loop_again_and_again_counts_on(self) -> None:
        self.loop(6, "200ms")
        process = self.start("run", "w.yaml")
        for i in (2, 3, 5):
            process.wait_for(f"count started (iteration {i}")
            process.end(signal.SIGKILL)
            process = self.start("resume")
        self.assertEqual(process.end(None).code, 0)
        self.assertEqual(self.counted(), wanted(6))
        self.assertEqual(self.run_of()["outputs"], {"n": 6})

    def test_a_loop_that_failed_begins_again(self) -> None:
        guarded = LOOP.replace(
            "    outputs:", "      [ $N -lt 3 ] || test -e go\n    outputs:"
        )
        self.file("w.yaml", guarded % (str(self.folder / "counted"), 4, "0s"))
        self.call("run", "w.yaml", expect=1)
        self.assertEqual(self.run_of()["tasks"][0]["iteration"], 3)
        self.file("go", "")
        self.call("retry", "last")
        self.assertEqual(self.counted(), wanted(3) + wanted(4))
        task = self.run_of()["tasks"][0]
        self.assertEqual((task["iteration"], task["attempt"]), (4, 7))

    def test_a_group_repeats_with_a_run_an_iteration(self) -> None:
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks:\n  g:\n"
            "    repeat: {until: outputs.n == 3, max: 9}\n"
            "    outputs: {n: '${{ tasks.a.outputs.n }}'}\n"
            "    tasks:\n      a:\n        env: {N: '${{ iteration }}'}\n"
            '        run: echo "$N" > "$FF_OUT/n"\n        outputs: {n: json}\n'
            "outputs: {n: '${{ tasks.g.outputs.n }}'}\n",
        )
        self.call("run", "w.yaml")
        run = self.run_of()
        self.assertEqual(run["outputs"], {"n": 3})
        self.assertEqual(len(run["runs"]), 3)
        self.assertEqual({r["state"] for r in run["runs"]}, {"succeeded"})

    def test_a_rehearsal_goes_by_the_outputs_of_each_attempt(self) -> None:
        self.loop(2, "1h")
        self.file(
            "w.test.yaml",
            "cases:\n  - name: two\n    mocks: {tasks: {count#1: {outputs: {n: 0}},"
            " count#2: {outputs: {n: 2}}}}\n"
            "    expect: {state: succeeded, attempts: {count: 2}}\n",
        )
        told = self.call("test", "w.test.yaml", "-o", "json").out
        self.assertTrue(json.loads(told.splitlines()[0]), told)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
