#!/usr/bin/python3
"""Groups: runs inside runs, through crashes, cancels and deletion."""

import os
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Any

from ff_cli import CliTest

WAITS = """flowforge: 1
name: waits
tasks:
  g:
    foreach: [0, 1]
    tasks:
      a:
        env: {{I: "${{{{ item }}}}"}}
        run: |
          echo x >> {folder}/began."$I"
          echo up
          read x < {folder}/gate."$I"
          echo "$I" > "$FF_OUT/o"
        outputs: {{o: file}}
    outputs: {{o: "${{{{ tasks.a.outputs.o }}}}"}}
  b:
    needs: [g]
    run: "true"
outputs: {{o: "${{{{ tasks.g.outputs.o }}}}"}}
"""

QUICK = """flowforge: 1
name: quick
tasks:
  g:
    foreach: [1, 2, 3]
    tasks:
      a: {run: echo inside}
      d: {needs: a, tasks: {e: {run: echo deeper}}}
"""


class Groups(CliTest):
    def waits(self) -> str:
        for i in range(2):
            os.mkfifo(self.folder / f"gate.{i}")
        return self.file("waits.yaml", WAITS.format(folder=self.folder))

    def open_gate(self, i: int) -> None:
        fd = os.open(self.folder / f"gate.{i}", os.O_WRONLY)
        os.write(fd, b"go\n")
        os.close(fd)

    def began(self, i: int) -> int:
        """How many attempts of the task inside item i have begun."""
        path = self.folder / f"began.{i}"
        return len(path.read_text().split()) if path.exists() else 0

    def all_runs(self) -> list[Any]:
        return self.call("list", "--all", "-n", "100", "-o", "json").json()["runs"]

    def wait_until_both_run(self) -> None:
        """A reader opens its gate when its task has come to it."""
        for i in range(2):
            # Opening for writing waits for the reader; nothing is written yet.
            fd = os.open(self.folder / f"gate.{i}", os.O_WRONLY)
            self.addCleanup(os.close, fd)

    def test_parallelism_counts_each_run_by_itself(self) -> None:
        for i in range(2):
            os.mkfifo(self.folder / f"gate.{i}")
        self.file(
            "narrow.yaml",
            "flowforge: 1\nname: narrow\nparallelism: 1\ntasks:\n"
            "  g:\n    foreach: [0, 1]\n    tasks:\n"
            "      a: {env: {I: '${{ item }}'}, run: 'read x < gate.$I'}\n"
            "      b: {run: 'true'}\n",
        )
        process = self.start("run", "narrow.yaml")
        self.wait_until_both_run()  # though the outer run has one place only
        inner = self.call("get", "last", "-o", "json").json()["runs"]
        for run in inner:
            tasks = self.call("get", run["id"], "-o", "json").json()["tasks"]
            states = {t["task"]: t["state"] for t in tasks}
            self.assertEqual(states, {"a": "running", "b": "queued"})
        for i in range(2):
            self.open_gate(i)
        self.assertEqual(process.end().code, 0)

    def test_a_kill_9_while_it_waits_makes_no_second_run(self) -> None:
        process = self.start("run", self.waits())
        self.wait_until_both_run()
        process.end(signal.SIGKILL)
        before = {r["id"] for r in self.all_runs()}
        again = self.start("resume")
        for i in range(2):
            self.open_gate(i)
        self.assertEqual(again.end().code, 0)
        self.assertEqual({r["id"] for r in self.all_runs()}, before)
        self.assertEqual([self.began(0), self.began(1)], [1, 1])
        run = self.call("get", "last", "-o", "json").json()
        self.assertEqual(run["outputs"], {"o": ["0", "1"]})
        self.assertEqual([r["of"] for r in run["runs"]], ["g.0#1", "g.1#1"])

    def test_what_ended_while_nobody_led_is_found(self) -> None:
        process = self.start("run", self.waits())
        self.wait_until_both_run()
        process.end(signal.SIGKILL)
        for i in range(2):
            self.open_gate(i)
        self.assertEqual(self.call("resume").code, 0)
        run = self.call("get", "last", "-o", "json").json()
        self.assertEqual(run["outputs"], {"o": ["0", "1"]})

    def test_a_cancel_reaches_the_runs_inside(self) -> None:
        process = self.start("run", self.waits())
        self.wait_until_both_run()
        run = self.call("list", "-o", "json").json()["runs"][0]["id"]
        self.call("cancel", run, "--wait")
        self.assertEqual(process.end().code, 5)
        self.assertEqual({r["state"] for r in self.all_runs()}, {"cancelled"})

    def test_a_kill_reaches_the_runs_inside(self) -> None:
        process = self.start("run", self.waits())
        self.wait_until_both_run()
        run = self.call("list", "-o", "json").json()["runs"][0]["id"]
        self.call("cancel", run, "--kill", "--wait")
        self.assertEqual(process.end().code, 5)
        states = {(r["state"], r["reason"]) for r in self.all_runs()}
        self.assertEqual(states, {("cancelled", "killed")})

    def test_one_that_is_cancelled_by_itself_fails_its_task(self) -> None:
        process = self.start("run", self.waits())
        self.wait_until_both_run()
        run = self.call("list", "-o", "json").json()["runs"][0]["id"]
        inside = self.call("get", run, "-o", "json").json()["runs"]
        self.call("cancel", inside[0]["id"])
        self.assertEqual(process.end().code, 1)
        task = self.call("get", run, "g", "-o", "json").json()["tasks"][0]
        self.assertEqual(task["item_list"][0]["reason"], "cancelled")
        self.assertEqual(task["item_list"][0]["state"], "failed")

    def test_runs_inside_are_told_with_the_run_and_not_listed(self) -> None:
        self.call("run", self.file("quick.yaml", QUICK))
        listed = self.call("list", "-o", "json").json()["runs"]
        self.assertEqual(len(listed), 1)
        self.assertEqual(len(self.all_runs()), 7)
        last = self.call("get", "last", "-o", "json").json()
        self.assertEqual(last["id"], listed[0]["id"])
        inside = self.call("get", last["runs"][1]["id"], "-o", "json").json()
        self.assertEqual([t["task"] for t in inside["tasks"]], ["a", "d"])
        logs = self.call("logs", inside["id"], "a").out
        self.assertIn("inside", logs)
        self.assertIn("\nruns:\n  g.0#1", self.call("get", "last").out)

    def test_canonical_histories_tell_of_them_and_are_equal(self) -> None:
        quick = self.file("quick.yaml", QUICK)
        told = []
        for _ in range(2):
            self.call("run", quick)
            told.append(self.call("history", "last", "--canonical").out)
        self.assertEqual(told[0], told[1])
        self.assertIn('"task":"g.2#1/d#1/e"', told[0])
        self.assertNotIn("0193", told[0].replace("0193a", ""))

    def test_logs_are_found_by_the_way_to_the_task(self) -> None:
        self.file(
            "l.yaml",
            "flowforge: 1\nname: l\ntasks:\n"
            "  each:\n    foreach: [x, y]\n    tasks:\n"
            "      inner: {tasks: {say: {env: {I: '${{ item }}'},"
            " run: 'echo it is $I'}}}\n"
            "      other: {run: 'echo beside'}\n",
        )
        self.call("run", "l.yaml")
        said = self.call("logs", "last", "each.1/inner/say").out
        self.assertIn("it is y", said)
        self.assertNotIn("it is x", said)
        self.assertIn("beside", self.call("logs", "last", "each.0/").out)
        refused = self.call("logs", "last", "each.7/inner/say", expect=4)
        self.assertIn("no run inside it that is each.7", refused.err)
        self.call("logs", "last", "each.1/nobody", expect=4)
        every = [
            "each.0/inner/say | it is x",
            "each.0/other | beside",
            "each.1/inner/say | it is y",
            "each.1/other | beside",
        ]
        self.assertEqual(sorted(self.call("logs", "last").out.splitlines()), every)
        named = self.call("logs", "last", "each.1/", "-o", "json").lines()
        self.assertEqual(
            sorted((li["task"], li["text"]) for li in named),
            [("inner/say", "it is y"), ("other", "beside")],
        )

    def test_logs_tell_attempts_of_a_group_apart(self) -> None:
        self.file(
            "again.yaml",
            "flowforge: 1\nname: again\ntasks:\n"
            "  g:\n    retry: {max_attempts: 2, delay: 0s}\n    tasks:\n"
            "      a: {run: 'echo tried; exit 1'}\n",
        )
        self.call("run", "again.yaml", expect=1)
        every = self.call("logs", "last").out.splitlines()
        self.assertEqual(sorted(every), ["g#2/a | tried", "g/a | tried"])
        last = self.call("logs", "last", "--attempt", "0").out.splitlines()
        self.assertEqual(last, ["g#2/a | tried"])

    def test_they_are_deleted_with_the_run_around_them(self) -> None:
        quick = self.file("quick.yaml", QUICK)
        self.call("run", quick)
        old = [r["id"] for r in self.all_runs()]
        self.call("run", quick, "--set", "engine.keep_runs=1")
        new = [r["id"] for r in self.all_runs()]
        self.assertEqual(len(new), 7)
        self.assertFalse(set(old) & set(new))
        folders = {p.name for p in Path(self.data, "runs").iterdir()}
        self.assertLessEqual(folders, set(new))
        left = subprocess.run(
            [
                "sqlite3",
                str(self.data / "flowforge.db"),
                "SELECT count(*) FROM child_run; SELECT count(DISTINCT run) FROM task;",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(left.stdout.split(), ["6", "7"])

    def test_retry_and_timeout_are_for_the_whole_group(self) -> None:
        path = self.file(
            "retry.yaml",
            """flowforge: 1
name: retry
tasks:
  g:
    retry: {max_attempts: 2, delay: 1ms}
    env_is_not_here: x
""",
        )
        self.call("run", path, expect=3)
        path = self.file(
            "retry.yaml",
            f"""flowforge: 1
name: retry
tasks:
  g:
    retry: {{max_attempts: 3, delay: 1ms}}
    tasks:
      a: {{run: echo x >> {self.folder}/tries}}
      b:
        needs: a
        run: test $(wc -l < {self.folder}/tries) -eq 2
""",
        )
        self.call("run", path)
        self.assertEqual((self.folder / "tries").read_text(), "x\nx\n")
        runs = self.call("get", "last", "-o", "json").json()["runs"]
        self.assertEqual(
            [(r["of"], r["state"]) for r in runs],
            [("g#1", "failed"), ("g#2", "succeeded")],
        )


if __name__ == "__main__":
    unittest.main()
