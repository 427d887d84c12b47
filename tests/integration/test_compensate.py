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

    def rooms(self, undo: str, more: str = "") -> None:
        """Rooms are booked one after the other; nobody can pay for them."""
        self.file(
            "rooms.yaml",
            "flowforge: 1\nname: rooms\n"
            f"env: {{LOG: '{self.folder}/log'}}\n"
            "tasks:\n"
            "  each:\n    foreach: [a, b, c]\n    max_parallel: 1\n"
            "    fail_fast: false\n    env: {ROOM: '${{ item }}'}\n"
            '    run: \'echo "$ROOM" >> "$LOG"; [ "$ROOM" != b ]; '
            'echo "$ROOM$ROOM" > "$FF_OUT/booking"\'\n'
            "    outputs: {booking: file}\n"
            "    compensate:\n"
            "      env: {N: '${{ index }}', I: '${{ item }}', "
            "B: '${{ outputs.booking }}'}\n"
            f"      run: '{undo}'\n" + more,
        )

    def test_each_item_that_succeeded_is_undone(self) -> None:
        self.rooms('echo "undo $N $I $B" >> "$LOG"')
        self.call("run", "rooms.yaml", expect=1)
        self.assertEqual(self.log(), ["a", "b", "c", "undo 2 c cc", "undo 0 a aa"])
        self.assertEqual(self.states()["each_compensate"], "succeeded")
        self.call("logs", "last", "each_compensate.2")

    def test_owners_that_are_killed_while_it_undoes_items_undo_each_once(self) -> None:
        gates = [self.gate(f"gate{n}") for n in (0, 2)]
        self.rooms(
            f'read go < {self.folder}/gate$N; echo "undo $N $I $B" >> "$LOG"',
            "on_failure: {told: {run: 'echo told >> \"$LOG\"'}}\n",
        )
        process = self.start("run", "rooms.yaml")
        for n in (2, 0):
            process.wait_for(f"each_compensate.{n} started")
            process.end(signal.SIGKILL)
            process = self.start("resume")
            gates[n // 2].open()
        self.assertEqual(process.end().code, 1)
        undone = ["undo 2 c cc", "undo 0 a aa", "told"]
        self.assertEqual(self.log(), ["a", "b", "c", *undone])

    def test_items_in_groups_are_undone_by_their_large_outputs(self) -> None:
        """Such are kept in files; and by an engine that has to load them again."""
        comes, goes = self.gate("comes"), self.gate("goes")
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks:\n  g:\n    foreach: [1, 2]\n"
            "    max_parallel: 1\n    fail_fast: false\n    tasks:\n"
            "      large:\n        foreach: [3, 4]\n"
            "        env: {N: '${{ item }}'}\n"
            '        run: printf %0100000d $N > "$FF_OUT/o"\n'
            "        outputs: {o: file}\n"
            "        compensate:\n"
            "          env: {P: '${{ parent.item }}', I: '${{ item }}'}\n"
            "          stdin: ${{ outputs.o }}\n"
            f"          run: cat > {self.folder}/undone.$P.$I; [ $P = 1 ] || "
            f"{{ read go < {comes.path}; read go < {goes.path}; }}\n"
            "      bad: {needs: [large], run: exit 1}\n",
        )
        process = self.start("run", "w.yaml")
        for _ in range(2):
            comes.open()
            process.end(signal.SIGKILL)
            process = self.start("resume")
            goes.open()
        self.assertEqual(process.end().code, 1)
        for group in (1, 2):
            for item in (3, 4):
                undone = self.folder / f"undone.{group}.{item}"
                self.assertEqual(undone.read_text(), f"{item:0100000d}")

    def test_a_retry_does_again_only_the_items_that_were_undone(self) -> None:
        gate = self.gate("gate")
        self.rooms(f'echo "undo $I" >> "$LOG"; [ $N = 0 ] || read go < {gate.path}')
        process = self.start("run", "rooms.yaml")
        process.wait_for("each_compensate.2 started")
        self.call("cancel", "last")
        process.end()
        process = self.start("retry", "last")
        gate.open()
        self.assertEqual(process.end().code, 1)
        again = ["b", "c", "undo c", "undo a"]
        self.assertEqual(self.log(), ["a", "b", "c", "undo c", *again])

    def test_items_that_only_an_earlier_time_undid_are_not_shown(self) -> None:
        self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks:\n"
            "  each:\n    foreach: [a, b, c]\n    fail_fast: false\n"
            f"    env: {{GONE: '{self.folder}/${{{{ item }}}}'}}\n"
            "    run: '[ ! -e \"$GONE\" ]'\n"
            "    compensate: {run: 'true'}\n"
            f"  last: {{needs: [each], run: '[ -e \"{self.folder}/a\" ]'}}\n",
        )
        self.call("run", "w.yaml", expect=1)
        self.file("a", "")
        self.file("b", "")
        self.call("retry", "last", expect=1)
        found = self.call("get", "last", "each_compensate", "-o", "json").json()
        (task,) = found["tasks"]
        self.assertEqual((task["items"], task["item_states"]), (1, {"succeeded": 1}))
        self.assertEqual([i["item"] for i in task["item_list"]], [2])

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
