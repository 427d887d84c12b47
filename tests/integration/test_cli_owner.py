#!/usr/bin/python3
"""Who leads a run, and what happens when that process goes."""

import contextlib
import os
import resource
import signal
import sqlite3
import time
import unittest

from ff_cli import CliTest, Process

GATED = """flowforge: 1
name: {name}
tasks:
  wait:
    run: 'echo waiting; read x < {gate}; echo went on'
    grace: 1s
  after: {{needs: [wait], run: 'echo after'}}
"""
STUBBORN = """flowforge: 1
name: stubborn
tasks:
  wait:
    run: 'trap "" TERM; echo waiting; while :; do read x < {gate} || :; done'
    grace: 1h
on_cancel:
  - {{id: tidy, run: 'echo tidied'}}
"""


class Owner(CliTest):
    def gated(self, name: str) -> str:
        gate = self.gate(name + ".gate")
        return self.file(name + ".yaml", GATED.format(name=name, gate=gate.path))

    def open_gate(self, name: str) -> None:
        fd = os.open(self.folder / (name + ".gate"), os.O_WRONLY)
        os.write(fd, b"go\n")
        os.close(fd)

    def start_gated(self, name: str, *args: str) -> Process:
        process = self.start("run", self.gated(name), *args)
        process.wait_for("wait started")
        return process

    def state(self, run: str = "last") -> str:
        return self.call("get", run, "-o", "json").json()["state"]

    def test_a_second_run_is_led_by_the_first_process(self) -> None:
        first = self.start_gated("one")
        second = self.start_gated("two")
        self.open_gate("two")
        self.assertEqual(second.end().code, 0)
        self.assertIsNone(first.popen.poll())
        self.open_gate("one")
        self.assertEqual(first.end().code, 0)

    def test_the_second_takes_over_when_the_first_has_done(self) -> None:
        first = self.start_gated("one")
        second = self.start_gated("two")
        self.open_gate("one")
        self.assertEqual(first.end().code, 0)
        self.open_gate("two")
        result = second.end()
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("after succeeded", result.out)

    def test_the_second_takes_over_when_the_first_is_killed(self) -> None:
        first = self.start_gated("one")
        second = self.start_gated("two")
        first.end(signal.SIGKILL)
        self.open_gate("two")
        self.assertEqual(second.end().code, 0)
        self.open_gate("one")
        self.call("resume")
        for run in self.call("list", "-o", "json").json()["runs"]:
            self.assertEqual(run["state"], "succeeded", run)
        # Nothing was started twice: the tasks went on under their supervisor.
        for run in self.call("list", "-o", "json").json()["runs"]:
            text = self.call("logs", run["id"], "wait").out
            self.assertEqual(text, "waiting\nwent on\n")

    def test_a_detached_run_goes_on_without_a_terminal(self) -> None:
        run = self.call("run", "--detach", self.gated("one")).out.strip()
        follower = self.start("resume", run)
        self.open_gate("one")
        self.assertEqual(follower.end().code, 0)
        self.assertEqual(self.state(run), "succeeded")

    def test_a_detached_run_outlives_the_process_that_led_it(self) -> None:
        first = self.start_gated("one")
        run = self.call("run", "--detach", self.gated("two")).out.strip()
        self.open_gate("one")
        self.assertEqual(first.end().code, 0)
        self.open_gate("two")
        self.call("resume", run)
        self.assertEqual(self.state(run), "succeeded")

    def test_a_run_that_ends_with_its_process_is_not_detached(self) -> None:
        path = self.file("a.yaml", "flowforge: 1\nname: a\ntasks: {a: {run: 'true'}}\n")
        memory = ("--set", "engine.store=store-memory")
        result = self.call("run", "--detach", path, *memory, expect=2)
        self.assertIn("store-memory", result.err)
        self.assertEqual(result.out, "")
        self.call("run", path, *memory)

    def test_interrupt_cancels_and_ends_with_5(self) -> None:
        process = self.start_gated("one")
        result = process.end(signal.SIGINT)
        self.assertEqual(result.code, 5, result.err)
        self.assertIn("Ctrl-C again kills", result.err)
        self.assertEqual(self.state(), "cancelled")

    def test_interrupt_of_a_client_goes_through_the_owner(self) -> None:
        first = self.start_gated("one")
        second = self.start_gated("two")
        self.assertEqual(second.end(signal.SIGINT).code, 5)
        self.open_gate("one")
        self.assertEqual(first.end().code, 0)

    def stubborn(self) -> Process:
        gate = self.gate("gate")
        path = self.file("stubborn.yaml", STUBBORN.format(gate=gate.path))
        process = self.start("run", path)
        process.wait_for("wait started")
        follower = self.start("logs", "last", "-f")
        follower.wait_for("waiting")
        follower.end(signal.SIGTERM)
        return process

    def test_a_second_interrupt_kills(self) -> None:
        process = self.stubborn()
        process.popen.send_signal(signal.SIGINT)
        process.wait_for("run is being cancelled")
        result = process.end(signal.SIGINT)
        self.assertEqual(result.code, 5, result.err)
        self.assertNotIn("tidy", result.out)

    def test_term_leaves_the_run_open_and_resume_ends_it(self) -> None:
        process = self.start_gated("one")
        result = process.end(signal.SIGTERM)
        self.assertEqual(result.code, 128 + signal.SIGTERM)
        self.assertIn("flowforge resume", result.err)
        self.assertEqual(self.state(), "running")
        again = self.start("resume", "last")
        self.open_gate("one")
        self.assertEqual(again.end().code, 0)
        self.assertEqual(self.call("logs", "last", "wait").out, "waiting\nwent on\n")

    def test_hang_up_leaves_too(self) -> None:
        process = self.start_gated("one")
        self.assertEqual(process.end(signal.SIGHUP).code, 128 + signal.SIGHUP)

    def test_a_full_disk_stops_commits_but_nobody_from_leaving(self) -> None:
        def ignore_too_large() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        path = self.gated("one")
        process = self.start("run", path, preexec_fn=ignore_too_large)
        fd = os.open(self.folder / "one.gate", os.O_WRONLY)  # the task is there now
        resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        os.write(fd, b"go\n")
        os.close(fd)
        process.wait_for_err("commits wait")
        process.popen.send_signal(signal.SIGTERM)
        self.assertEqual(process.end(signal.SIGTERM).code, 128 + signal.SIGTERM)
        self.call("resume")
        self.assertEqual(self.state(), "succeeded")
        self.assertEqual(self.call("logs", "last", "wait").out, "waiting\nwent on\n")

    def test_an_owner_that_lost_the_shard_writes_nothing_more(self) -> None:
        process = self.start_gated("one")
        with contextlib.closing(sqlite3.connect(self.data / "flowforge.db")) as db:
            db.execute("UPDATE shard SET epoch = epoch + 1, version = version + 1")
            db.commit()
        self.open_gate("one")
        result = process.end()
        self.assertEqual(result.code, 74, result.err)
        self.assertIn("belongs to another process now", result.err)
        self.assertNotIn("wait succeeded", result.out)
        self.assertEqual(self.state(), "running")
        self.call("resume")
        self.assertEqual(self.state(), "succeeded")

    def test_an_owner_that_leaves_gives_the_shard_back(self) -> None:
        path = self.file("a.yaml", "flowforge: 1\nname: a\ntasks: {a: {run: 'true'}}\n")
        self.call("run", path)
        with contextlib.closing(sqlite3.connect(self.data / "flowforge.db")) as db:
            owners = db.execute("SELECT owner FROM shard").fetchall()
        self.assertEqual(owners, [(None,)])

    def test_cancel_asks_the_owner(self) -> None:
        process = self.start_gated("one")
        self.call("cancel", "last", "--wait")
        self.assertEqual(process.end().code, 5)
        result = self.call("cancel", "last")
        self.assertIn("already", result.err)
        self.assertEqual(result.out, "")

    def test_cancel_answers_programs_with_a_document(self) -> None:
        process = self.start_gated("one")
        run = self.call("get", "last", "-o", "json").json()["id"]
        answer = self.call("cancel", "last", "-o", "json").json()
        self.assertEqual(answer, {"run": run, "cancelling": True})
        self.assertEqual(process.end().code, 5)
        answer = self.call("cancel", "last", "-o", "json").json()
        self.assertEqual(answer, {"run": run, "cancelling": False})

    def test_cancel_without_an_owner_stops_what_still_runs(self) -> None:
        process = self.start_gated("one")
        process.end(signal.SIGKILL)
        self.call("cancel", "last")
        self.assertEqual(self.state(), "cancelled")
        self.assertNotIn("went on", self.call("logs", "last").out)

    def test_who_comes_to_lead_a_run_that_has_just_ended_does_not_wait(self) -> None:
        process = self.start_gated("one")
        process.end(signal.SIGKILL)
        trace = self.folder / "trace"
        trace.touch()
        # A leak check and strace exclude each other.
        self.env["ASAN_OPTIONS"] = "detect_leaks=0"
        late = self.start(
            *("resume", "last"),
            under=(
                *("strace", "-f", "-qq", "-o", str(trace), "-e", "trace=openat,flock"),
                *("-e", "inject=flock:delay_enter=5000000:when=1"),
            ),
        )
        end = time.monotonic() + 60
        while "owner.lock" not in trace.read_text() and time.monotonic() < end:
            time.sleep(0.01)
        self.call("cancel", "last")
        self.assertEqual(self.state(), "cancelled")
        self.assertEqual(late.end().code, 5)

    def test_cancel_with_kill_leaves_no_grace_and_runs_no_handlers(self) -> None:
        process = self.stubborn()
        self.call("cancel", "last", "--kill", "--wait")
        result = process.end()
        self.assertEqual(result.code, 5)
        self.assertNotIn("tidy", result.out)

    def test_resume_without_open_runs_says_so(self) -> None:
        self.assertIn("no run is open", self.call("resume").err)

    def test_resume_of_a_final_run_tells_how_it_ended(self) -> None:
        self.file("f.yaml", "flowforge: 1\nname: f\ntasks: {t: {run: 'false'}}\n")
        self.call("run", "-q", "f.yaml", expect=1)
        self.call("resume", "last", expect=1)

    def test_resume_leads_all_open_runs(self) -> None:
        first = self.start_gated("one")
        second = self.start_gated("two")
        second.end(signal.SIGKILL)
        first.end(signal.SIGKILL)
        process = self.start("resume")
        self.open_gate("one")
        self.open_gate("two")
        self.assertEqual(process.end().code, 0)
        states = {r["state"] for r in self.call("list", "-o", "json").json()["runs"]}
        self.assertEqual(states, {"succeeded"})


if __name__ == "__main__":
    unittest.main()
