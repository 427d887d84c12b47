#!/usr/bin/python3
"""Runs that are over and begin again: retry, rerun, and cancel of many."""
# ctest: timeout=300

import json
import os
import signal
import sqlite3
import unittest
from typing import Any

from ff_cli import CliTest, Gate, Process

CHAIN = """flowforge: 1
name: {name}
inputs: {{word: {{default: old}}}}
tasks:
  a: {{run: 'echo a >> seq'}}
  b:
    needs: [a]
    env: {{W: "${{{{ inputs.word }}}}"}}
    run: 'echo "b $W" >> seq; test -e ok'
  items:
    needs: [a]
    foreach: [1, 2, 3]
    fail_fast: false
    env: {{I: "${{{{ item }}}}"}}
    run: 'echo "item $I" >> seq; [ "$I" != 2 ] || test -e ok'
  c: {{needs: [b, items], run: 'echo c >> seq'}}
finally: {{last: {{run: 'echo last >> seq'}}}}
"""
GATED = """flowforge: 1
name: gated
tasks:
  a: {run: 'echo a >> seq'}
  b: {needs: [a], run: 'test -e ok || exit 1; echo waits; read x < gate; echo b >> seq'}
  c: {needs: [b], run: 'echo c >> seq'}
"""


class Retry(CliTest):
    def steps(self) -> list[str]:
        """What ran since the last call, in a fixed order."""
        path = self.folder / "seq"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return sorted(lines)

    def failed(self, name: str = "chain") -> str:
        path = self.file(f"{name}.yaml", CHAIN.format(name=name))
        self.call("run", path, "--quiet", expect=1)
        return str(self.runs()[0]["id"])

    def runs(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.call("list", "-o", "json").json()["runs"]
        return found

    def tasks(self, run: str) -> dict[str, str]:
        shown = self.call("get", run, "--items", "-o", "json").json()
        return {
            task["task"]
            + (
                f".{task['item']}" if "item" in task else ""
            ): f"{task['state']} {task['attempt']}"
            for task in shown["tasks"]
        }

    def refused(self, *args: str) -> str:
        """What is said of a call that must not succeed."""
        done = self.call(*args, expect=None)
        self.assertNotEqual(done.code, 0, done.out)
        return done.err

    def test_a_retry_does_what_failed_and_what_is_behind(self) -> None:
        run = self.failed()
        self.assertEqual(
            self.steps(), ["a", "b old", "item 1", "item 2", "item 3", "last"]
        )
        (self.folder / "ok").touch()
        self.call("retry", run)
        self.assertEqual(self.steps(), ["b old", "c", "item 2", "last"])
        tasks = self.tasks(run)
        self.assertEqual(tasks["a"], "succeeded 1")
        self.assertEqual(tasks["b"], "succeeded 2")
        self.assertEqual(len(self.runs()), 1)
        history = self.call("history", run, "-o", "json").out
        self.assertIn('"run.reset"', history)
        self.assertIn('"task.reset"', history)
        self.assertIn("has succeeded", self.refused("retry", run))

    def test_a_rerun_begins_with_the_task_that_is_named(self) -> None:
        run = self.failed()
        (self.folder / "ok").touch()
        self.steps()
        self.call("rerun", run, "--from", "items", "-q", expect=1)
        self.assertEqual(self.steps(), ["item 1", "item 2", "item 3", "last"])
        self.call("rerun", run, "-q")
        self.assertEqual(
            self.steps(), ["a", "b old", "c", "item 1", "item 2", "item 3", "last"]
        )
        self.assertIn(
            "has no task nobody", self.refused("rerun", run, "--from", "nobody")
        )

    def test_other_inputs_make_a_new_run(self) -> None:
        run = self.failed()
        (self.folder / "ok").touch()
        self.steps()
        self.call("rerun", run, "-i", "word=new", "-q")
        self.assertIn("b new", self.steps())
        runs = self.runs()
        self.assertEqual([r["state"] for r in runs], ["succeeded", "failed"])
        self.assertNotEqual(runs[0]["id"], run)
        self.assertIn("wrod", self.refused("rerun", run, "-i", "wrod=new"))
        refused = self.refused("rerun", run, "-i", "word=new", "--from", "b")
        self.assertIn("with other inputs every task begins anew", refused)

    def test_a_new_run_takes_over_what_stands_before_a_task(self) -> None:
        run = self.failed()
        (self.folder / "ok").touch()
        self.steps()
        done = self.call("rerun", run, "--new", "--from", "b")
        self.assertIn("a is taken over: it has succeeded", done.out)
        self.assertIn("4 of 4 tasks ended", done.out + done.err)
        new = str(self.runs()[0]["id"])
        self.assertNotEqual(new, run)
        # `items` had failed: it is not done, so it is done anew
        self.assertEqual(
            self.steps(), ["b old", "c", "item 1", "item 2", "item 3", "last"]
        )
        self.assertEqual(self.tasks(new)["a"], "succeeded 0")
        self.assertEqual(self.tasks(new)["b"], "succeeded 1")
        self.assertIn('"task.reused"', self.call("history", new, "-o", "json").out)
        self.call("rerun", new, "--new", "--from", "c", "-q")
        self.assertEqual(self.steps(), ["c", "last"])
        self.assertEqual(self.tasks("last")["items"], "succeeded 0")
        self.assertIn(
            "has no task nobody",
            self.refused("rerun", run, "--new", "--from", "nobody"),
        )

    def test_a_new_run_takes_over_values_but_no_files_and_no_decisions(self) -> None:
        path = self.file(
            "values.yaml",
            "flowforge: 1\nname: values\ntasks:\n"
            "  small:\n    outputs: {n: {from: file, as: json}}\n"
            "    run: 'echo small >> seq; echo 4 > $FF_OUT/n'\n"
            "  large:\n    outputs: {t: {from: file}}\n"
            '    run: \'echo large >> seq; head -c 99999 /dev/zero | tr "\\\\0" x'
            " > $FF_OUT/t'\n"
            "  kept:\n    outputs: {f: {from: file, as: file}}\n"
            "    run: 'echo kept >> seq; echo x > $FF_OUT/f'\n"
            "  skipped: {if: inputs.no, run: 'echo never >> seq'}\n"
            "  end:\n    needs: [small, large, kept, skipped]\n"
            "    env: {N: '${{ tasks.small.outputs.n }}'}\n"
            "    run: 'echo \"end $N\" >> seq'\n"
            "inputs: {no: {type: boolean, default: false}}\n",
        )
        self.call("run", path, "-q")
        self.assertEqual(self.steps(), ["end 4", "kept", "large", "small"])
        self.call("rerun", "last", "--new", "--from", "end", "-q")
        self.assertEqual(self.steps(), ["end 4", "kept", "large"])
        tasks = self.tasks("last")
        self.assertEqual(tasks["small"], "succeeded 0")
        self.assertEqual(tasks["skipped"], "skipped 0")

    def test_runs_inside_others_are_not_chosen_by_themselves(self) -> None:
        path = self.file(
            "grouped.yaml",
            "flowforge: 1\nname: grouped\nlabels: {team: data}\ntasks:\n"
            "  g: {foreach: [1, 2], tasks: {a: {run: 'echo a >> seq; test -e ok'}}}\n",
        )
        self.call("run", path, "-q", expect=1)
        self.call("run", path, "-q", "--label", "team=web", expect=1)
        (self.folder / "ok").touch()
        self.steps()
        self.call("retry", "--state", "failed", "--label", "team=none", "-q")
        self.assertEqual(self.steps(), [])
        self.call("retry", "--state", "failed", "--label", "team=web", "-q")
        self.assertEqual(
            [r["state"] for r in self.runs()],
            ["succeeded", "failed"],
        )
        self.call("retry", "--state", "failed", "--label", "team", "-q")
        self.steps()
        self.call("rerun", "--state", "succeeded", "--workflow", "grouped", "-q")
        self.assertEqual(self.steps(), ["a", "a", "a", "a"])
        self.call("rerun", "last", "--label", "team", expect=2)
        self.call("retry", "--state", "failed", "--label", "=x", expect=2)

    def test_a_handler_of_before_is_not_shown_as_waiting(self) -> None:
        path = self.file(
            "handled.yaml",
            "flowforge: 1\nname: handled\ntasks:\n"
            "  a: {run: 'test -e ok', compensate: {run: 'true'}}\n"
            "on_failure: {told: {run: 'true'}}\n",
        )
        self.call("run", path, "-q", expect=1)
        self.assertIn("told", self.tasks("last"))
        (self.folder / "ok").touch()
        self.call("retry", "last", "-q")
        self.assertEqual(list(self.tasks("last")), ["a"])

    def test_many_runs_are_chosen_by_state_and_workflow(self) -> None:
        self.failed("one")
        self.failed("two")
        self.failed("two")
        (self.folder / "ok").touch()
        self.call("retry", "--state", "failed", "--workflow", "two", "-q")
        self.assertEqual(
            [r["state"] for r in self.runs()], ["succeeded", "succeeded", "failed"]
        )
        self.call("retry", expect=2)
        self.call("retry", "--state", "succeeded", expect=2)
        self.call("retry", "last", "--state", "failed", expect=2)

    def test_many_runs_are_cancelled(self) -> None:
        path = self.file(
            "wait.yaml", "flowforge: 1\nname: wait\ntasks: {a: {run: sleep 600}}\n"
        )
        for _ in range(2):
            self.call("run", path, "--detach")
        for state in ("pending", "running"):
            self.call(
                "cancel", "--state", state, "--workflow", "wait", "--kill", "--wait"
            )
        self.assertEqual([r["state"] for r in self.runs()], ["cancelled", "cancelled"])

    def test_a_killed_owner_leaves_a_retry_that_goes_on(self) -> None:
        path = self.file("gated.yaml", GATED)
        self.call("run", path, "-q", expect=1)
        run = self.runs()[0]["id"]
        self.steps()
        (self.folder / "ok").touch()
        gate = self.gate("gate")
        process = self.start("retry", run)
        process.wait_for("b started (attempt 2)")
        self.assertIn("no task of it has failed", self.refused("retry", run))
        process.end(signal.SIGKILL)
        going = self.start("resume", run)
        gate.open()
        self.assertEqual(going.end().code, 0)
        self.assertEqual(self.steps(), ["b", "c"])
        events = [
            event["type"]
            for line in self.call("history", run, "-o", "json").out.splitlines()
            for event in [json.loads(line)]
        ]
        self.assertEqual(events.count("run.reset"), 1)
        self.assertEqual(events.count("run.finished"), 2)


class Messages(CliTest):
    """What is told to a run that ends before it has heard of it, and begins again."""

    def setUp(self) -> None:
        super().setUp()
        self.file("gated.yaml", GATED)

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            return db.execute(query).fetchall()

    def leave_cancel(self) -> None:
        self.rows(
            "insert into inbox (shard, no, version, tenant, run, kind, at) "
            "select 0, 1000, 1, tenant, run, 'cancel', 1 from run"
        )

    def interrupted(self) -> Gate:
        """A run that was led by a process that is gone; its task goes on."""
        (self.folder / "ok").touch()
        gate = self.gate("gate")
        engine = self.start("run", "gated.yaml")
        engine.wait_for("b started")
        engine.end(signal.SIGKILL)
        return gate

    def start_stopped(self, failpoint: str, *args: str) -> Process:
        self.env["FF_FAILPOINT"] = f"{failpoint}:stop"
        process = self.start(*args)
        del self.env["FF_FAILPOINT"]
        _, status = os.waitpid(process.popen.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status), status)
        return process

    def state(self) -> str:
        return str(self.call("get", "last", "-o", "json").json()["state"])

    def test_a_cancel_for_what_the_run_was_is_forgotten_when_it_is_opened(self) -> None:
        self.call("run", "gated.yaml", "-q", expect=1)
        self.leave_cancel()
        (self.folder / "ok").touch()
        gate = self.gate("gate")
        retry = self.start("retry", "last")
        gate.open()
        self.assertEqual(retry.end().code, 0)
        self.assertEqual(self.rows("select * from inbox"), [])

    def test_a_message_that_is_gone_is_not_carried_out(self) -> None:
        gate = self.interrupted()
        self.leave_cancel()
        resume = self.start_stopped("control.inbox.take", "resume")
        self.rows("delete from inbox")
        resume.popen.send_signal(signal.SIGCONT)
        gate.open()
        self.assertEqual(resume.end().code, 0)
        self.assertEqual(self.state(), "succeeded")

    def test_a_cancel_that_comes_after_the_end_is_not_left(self) -> None:
        gate = self.interrupted()
        cancel = self.start_stopped("node.inbox.before", "cancel", "last")
        resume = self.start("resume")
        gate.open()
        self.assertEqual(resume.end().code, 0)
        result = cancel.end(signal.SIGCONT)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("come to its end meanwhile", result.err)
        self.assertEqual(self.rows("select * from inbox"), [])
        self.assertEqual(self.state(), "succeeded")


if __name__ == "__main__":
    unittest.main()
