#!/usr/bin/env python3
"""Faults of the machine that leave the process alive: flushes and writes that fail, no
processes or descriptors to be had, a clock that is set, an owner that is stopped. What
is stored afterwards is judged by check.py."""
# ctest: timeout=300

import errno
import random
import signal
import sys
import time
import unittest
from pathlib import Path

import check
import flows
import ledger
import operations
from fresh_seed import fresh_seed
from place import PATIENCE, PAUSE, Aim, Place

SEED = fresh_seed()
STORE_GONE = 74  # docs/cli.md: the store is damaged, full or gone
UNREADABLE = 78  # a driver that cannot be read is refused
SAID_SO = (69, 71, 74)  # it cannot go on now, and says why
N_ATTEMPTS = 3  # starts that fail, of one attempt
N_COMMITS = 7  # of a run of two tasks, and of whoever leads it


class Faults(unittest.TestCase):
    def setUp(self) -> None:
        self.rng = random.Random(SEED)
        self.place = Place()
        self.addCleanup(self.place.close)

    def aim(self, call: str, sys_error: int, at: int, n_fail: int = 0) -> None:
        self.place.hit_file.unlink(missing_ok=True)
        self.place.trace_file.unlink(missing_ok=True)
        how = f"error:{sys_error}"
        self.place.aim = Aim("owner", at, how, call, n_fail)

    def judge(self, state: str = "succeeded") -> None:
        """Goes on without faults, to the end."""
        self.place.aim = None
        operations.resume(self.place)
        self.assertEqual(check.check(self.place.dir), [])
        states = check.states(self.place.dir)
        self.assertEqual(set(states.values()) | {state}, {state}, states)

    def attempts(self) -> list[int]:
        return sorted(number for _, number in ledger.read(self.place.dir).attempts)

    # --- the disk ---

    def test_a_failed_flush_ends_the_owner_and_is_never_repeated(self) -> None:
        # After a flush that failed the kernel may have dropped the pages: a second one
        # says yes, and the data is gone.
        flow = self.place.write("flow.yaml", flows.CHAIN)
        self.aim("fdatasync", errno.EIO, at=0)
        self.place.submit(flow, aimed=True)
        n_flushes = len(self.place.flushed())
        self.assertGreater(n_flushes, 5)
        for at in self.rng.sample(range(1, n_flushes // 2), 4):
            with self.subTest(at=at):
                self.aim("fdatasync", errno.EIO, at)
                done = self.place.submit(flow, aimed=True)
                self.assertTrue(self.place.hit())
                self.assertEqual(done.code, STORE_GONE, done.err)
                self.assertIn("input or output error", done.err.lower())
                self.check_flushes(at)
        self.judge()

    def check_flushes(self, at: int) -> None:
        """SQLite flushes the folder of a new log, and ignores what comes of it; the
        next flush of a file, which fails too here, is the one that counts."""
        flushed = self.place.flushed()[at - 1 :]
        while flushed and Path(flushed[0]).is_dir():
            del flushed[0]
        self.assertEqual(len(flushed), 1, f"it flushed again: {flushed}")

    def test_a_full_disk_is_waited_for(self) -> None:
        flow = self.place.write("flow.yaml", flows.CHAIN)
        self.place.submit(flow)  # the database is there
        self.aim("pwrite64", errno.ENOSPC, at=0)
        self.place.submit(flow, aimed=True)
        n_writes = len(self.place.trace())
        for at in self.rng.sample(range(1, n_writes + 1), 4):
            with self.subTest(at=at):
                self.aim("pwrite64", errno.ENOSPC, at, n_fail=3)
                done = self.place.submit(flow, aimed=True)
                self.assertIn(done.code, (0, *SAID_SO), done.err)
                if done.code:
                    self.assertRegex(done.err, "full|no space|No space")
        self.judge()

    def test_a_commit_that_was_made_and_denied_is_found_out(self) -> None:
        # By the filter of the public ABI: the N-th commit is made, or not, and in both
        # cases nobody is told which.
        flow = self.place.write("flow.yaml", flows.CHAIN)
        trace = self.place.dir / "commits"
        n_denied = 0
        for when in ("before", "after"):
            for nth in range(1, N_COMMITS + 1):
                with self.subTest(when=when, nth=nth):
                    trace.unlink(missing_ok=True)
                    settings = (
                        "engine.store_filters=store-trace,store-fault",
                        f"store-trace.file={trace}",
                        "store-fault.code=in_doubt",
                        f"store-fault.when={when}",
                        f"store-fault.nth={nth}",
                        "store-fault.seed=1",
                    )
                    words = [word for s in settings for word in ("--set", s)]
                    done = self.place.submit(flow, *words)
                    self.assertIn(done.code, (0, *SAID_SO), done.err)
                    n_denied += trace.read_text().count("code=in_doubt")
        self.assertGreaterEqual(n_denied, 2 * N_COMMITS - 2)  # two may be one group
        self.judge()
        self.assertEqual(set(self.attempts()), {1}, "an attempt was made again")

    # --- processes and descriptors ---

    def test_an_attempt_that_finds_no_process_waits_and_goes_on(self) -> None:
        self.place.aim = Aim(
            "supervisor", 1, f"error:{errno.EAGAIN}", "clone", N_ATTEMPTS
        )
        flow = self.place.write("flow.yaml", flows.CHAIN)
        done = self.place.submit(flow, aimed=True)
        self.assertTrue(self.place.hit())
        self.assertEqual(len(self.place.trace()), N_ATTEMPTS + 2)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.attempts(), [1, 1], "it counted as a failure")
        self.judge()

    def test_too_few_descriptors_are_said_or_waited_for(self) -> None:
        flow = self.place.write("flow.yaml", flows.FOREACH)
        for max_files in (8, 16, 24, 32, 48):
            with self.subTest(max_files=max_files):
                popen = self.place.start("run", flow, max_files=max_files)
                done = self.place.end(popen)
                said = done.err
                if done.code == 1:  # outputs that could not be opened: see the docs
                    said = self.place.call("get", done.run()).out
                codes = (0, 1, *SAID_SO, UNREADABLE)
                self.assertIn(done.code, codes, done.err)
                if done.code:
                    self.assertIn("Too many open files", said)
                for pid in self.place.ours("flowforge-supervisor"):
                    self.place.kill(pid)  # it has the same limit
        operations.resume(self.place)
        self.assertEqual(check.check(self.place.dir), [])

    # --- a clock that is set ---

    def test_a_clock_that_is_set_changes_nothing(self) -> None:
        # The delay of a retry is in the run's rows as a time of the wall clock.
        flow = self.place.write("flow.yaml", flows.RETRY.replace("10ms", "300ms"))
        # A supervisor looks as an attempt begins and as it ends, and there are three.
        for who, n_looks in (("owner", 11), ("supervisor", 6)):
            for seconds in (-3600, 3600, 20 * 86400):
                with self.subTest(who=who, seconds=seconds):
                    self.place.hit_file.unlink(missing_ok=True)
                    at = self.rng.randint(1, n_looks)
                    self.place.aim = Aim(who, clock=f"{at}:{seconds}")
                    done = self.place.submit(flow, aimed=True)
                    self.assertTrue(self.place.hit(), "nobody looked at the clock")
                    self.assertEqual(done.code, 0, done.err)
                    for pid in self.place.ours("flowforge-supervisor"):
                        self.place.kill(pid)  # the next run has one of its own
        self.assertEqual(self.attempts(), 6 * [1] + 6 * [2] + 6 * [3])
        self.judge()

    # --- an owner that is stopped ---

    def leave_cancel(self, run: str) -> None:
        """The request of a process that waits for an answer, and dies."""
        asking = self.place.start("cancel", run)
        end = time.monotonic() + PATIENCE
        while not self.place.requests():
            self.assertLess(time.monotonic(), end, "the request is never durable")
            self.assertIsNone(asking.poll())
            time.sleep(PAUSE)
        asking.kill()
        asking.communicate()
        ledger.tell(self.place.dir, "cancel", run)

    def test_a_stopped_owner_is_not_robbed_and_others_are_answered(self) -> None:
        flow = self.place.write("flow.yaml", flows.WAITING)
        owner = self.place.start("run", flow)
        self.place.wait_for("ledger", "start")
        owner.send_signal(signal.SIGSTOP)
        self.addCleanup(owner.send_signal, signal.SIGCONT)
        run = self.place.call("list", "-o", "json").run()
        self.assertEqual(self.place.call("get", run).code, 0)
        self.leave_cancel(run)
        states = check.states(self.place.dir)
        self.assertEqual(states[run], "running", "somebody else has led it")
        owner.send_signal(signal.SIGCONT)
        self.place.end(owner)
        self.place.aim = None
        # It has heard of the request twice, by its socket and by the row. One that
        # comes to a run that is over is taken away by the next process that leads.
        self.place.submit(self.place.write("short.yaml", flows.SHORT))
        self.assertEqual(check.check(self.place.dir), [])
        self.assertEqual(check.states(self.place.dir)[run], "cancelled")


if __name__ == "__main__":
    print(f"seed {SEED} (FF_SEED)", file=sys.stderr)
    unittest.main(verbosity=2)
