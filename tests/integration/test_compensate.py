#!/usr/bin/python3
"""Compensations through the program: their order, and deaths while it undoes."""
# ctest: timeout=300

import signal
import sys
import unittest
from typing import Any

from ff_cli import CliTest

# a, b and c are done one after the other, d fails; each writes a line into `log`.
SAGA = """flowforge: 1
name: w
env: {LOG: "%(log)s"}
tasks:
  a: {run: 'echo a >> "$LOG"; echo 1 > "$FF_OUT/n"', outputs: {n: file}, %(undo)s}
  b: {needs: [a], run: 'echo b >> "$LOG"; echo 2 > "$FF_OUT/n"', outputs: {n: file},
      %(undo)s}
  c: {needs: [b], run: 'echo c >> "$LOG"; echo 3 > "$FF_OUT/n"', outputs: {n: file},
      %(undo)s}
  d: {needs: [c], run: 'test -e "%(go)s"'}
on_failure:
  told: {run: 'echo told >> "$LOG"'}
"""
UNDO = (
    "compensate: {env: {N: '${{ outputs.n }}'}, "
    'run: \'echo "undo $N" >> "$LOG"; %s\'}'
)


class Compensate(CliTest):
    def saga(self, then: str = "true") -> None:
        words = {"log": str(self.folder / "log"), "go": str(self.folder / "go")}
        self.file("w.yaml", SAGA % {**words, "undo": UNDO % then})

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    def run_of(self) -> Any:
        return self.call("get", "last", "-o", "json").json()

    def states(self) -> dict[str, str]:
        return {t["task"]: t["state"] for t in self.run_of()["tasks"]}

    def test_what_was_done_is_undone_from_the_end(self) -> None:
        self.saga()
        self.call("run", "w.yaml", expect=1)
        done = ["a", "b", "c", "undo 3", "undo 2", "undo 1", "told"]
        self.assertEqual(self.log(), done)
        self.assertEqual(self.states()["c_compensate"], "succeeded")
        self.call("logs", "last", "c_compensate")
        history = self.call("history", "last", "--canonical").out
        self.assertIn('"task":"a_compensate"', history)

    def test_a_run_that_begins_again_does_again_what_was_undone(self) -> None:
        self.saga()
        self.call("run", "w.yaml", expect=1)
        self.file("go", "")
        self.call("retry", "last")
        self.assertEqual(self.log()[7:], ["a", "b", "c"])
        self.assertEqual(self.run_of()["state"], "succeeded")

    def test_owners_that_are_killed_while_it_undoes_undo_each_once(self) -> None:
        gates = [self.gate(f"gate{n}") for n in (1, 2, 3)]
        self.saga(f"read go < {self.folder}/gate$N")
        process = self.start("run", "w.yaml")
        for n in (3, 2, 1):
            process.wait_for(f"{'abc'[n - 1]}_compensate started")
            process.end(signal.SIGKILL)
            process = self.start("resume")
            gates[n - 1].open()
        self.assertEqual(process.end().code, 1)
        done = ["a", "b", "c", "undo 3", "undo 2", "undo 1", "told"]
        self.assertEqual(self.log(), done)

    def test_one_that_fails_is_told_and_the_others_go_on(self) -> None:
        self.saga("test $N != 2")
        self.call("run", "w.yaml", expect=1)
        self.assertEqual(self.log()[3:], ["undo 3", "undo 2", "undo 1", "told"])
        run = self.run_of()
        self.assertEqual((run["state"], run["reason"]), ("failed", "task_failed"))
        self.assertIn("; the compensation of b failed", run["message"])

    def test_items_that_succeeded_are_undone_by_the_group_around_them(self) -> None:
        """As the reference says it for lists, which are not undone themselves."""
        self.file(
            "rooms.yaml",
            "flowforge: 1\nname: rooms\ntasks:\n  book:\n    tasks:\n      each:\n"
            "        foreach: [a, b, c]\n        fail_fast: false\n"
            "        continue_on_error: true\n        env: {ROOM: '${{ item }}'}\n"
            '        run: \'[ "$ROOM" != b ]; echo "$ROOM" > "$FF_OUT/booking"\'\n'
            "        outputs: {booking: file}\n    outputs:\n"
            "      done: ${{ tasks.each.outputs.booking.filter(b, b != null) }}\n"
            "      all: ${{ tasks.each.status == 'succeeded' }}\n"
            "    compensate: {stdin: '${{ outputs.done }}', run: cat > log}\n"
            "  booked: {needs: [book], if: '!tasks.book.outputs.all', run: exit 1}\n"
            "  pay: {needs: [booked], run: echo paid > log}\n",
        )
        self.call("run", "rooms.yaml", expect=1)
        self.assertEqual(self.log(), ['["a","c"]'])

    def test_a_cancelled_run_is_undone(self) -> None:
        gate = self.gate("gate")
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks:\n"
            "  a: {run: 'true', compensate: {run: 'true'}}\n"
            f"  b: {{needs: [a], run: 'read go < {gate.path}'}}\n",
        )
        process = self.start("run", "w.yaml")
        process.wait_for("b started")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)
        self.assertEqual(self.states()["a_compensate"], "succeeded")


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
