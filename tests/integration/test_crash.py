#!/usr/bin/env python3
"""kill -9 of every process at any point: runs resume, nothing that finished runs again.

What physically ran is judged by a ledger that the tasks append to. The number of random
kills is FF_KILLS (default small enough for every test run; a campaign sets it high),
the seed is printed and FF_SEED replays it.
"""
# ctest: timeout=300

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from fresh_seed import fresh_seed

FLOWFORGE = str(Path(os.environ["FLOWFORGE_BIN"]) / "flowforge")
SEED = fresh_seed()
KILLS = int(os.environ.get("FF_KILLS", "25"))
PATIENCE = 60
OPEN = ("pending", "running", "cancelling")
RUN = ["run", "flow.yaml"]

FLOW = """\
flowforge: 1
name: crash
tasks:
  list:
    run: |
      echo "start $FF_TASK_ID $FF_ATTEMPT" >> ledger
      echo "[3,1,2,5,4]"
      echo "end $FF_TASK_ID $FF_ATTEMPT" >> ledger
    outputs: {items: {from: stdout, as: json}}
  work:
    needs: [list]
    foreach: ${{ tasks.list.outputs.items }}
    max_parallel: 3
    env: {ITEM: "${{ item }}"}
    run: |
      echo "start $FF_TASK_ID $FF_ATTEMPT" >> ledger
      sleep 0.0$ITEM
      echo $((ITEM * 10)) > "$FF_OUT/ten"
      echo "end $FF_TASK_ID $FF_ATTEMPT" >> ledger
    outputs: {ten: json}
  flaky:
    retry: {max_attempts: 40, delay: 10ms, on: [failed, lost]}
    run: |
      echo "start $FF_TASK_ID $FF_ATTEMPT" >> ledger
      [ $FF_ATTEMPT -ge 2 ]
      echo "end $FF_TASK_ID $FF_ATTEMPT" >> ledger
  sum:
    needs: [work, flaky]
    env: {TENS: "${{ tasks.work.outputs.ten }}"}
    run: |
      echo "start $FF_TASK_ID $FF_ATTEMPT" >> ledger
      printf %s "$TENS" > "$FF_OUT/tens"
      echo "end $FF_TASK_ID $FF_ATTEMPT" >> ledger
    outputs: {tens: json}
defaults: {retry: {max_attempts: 40, delay: 0ms, on: [lost]}}
outputs: {tens: "${{ tasks.sum.outputs.tens }}"}
"""


class Place:
    """A data directory with one workflow file and its ledger."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="ff-crash-")
        self.dir = Path(self.folder.name)
        (self.dir / "flow.yaml").write_text(FLOW)
        self.data = self.dir / "data"

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [FLOWFORGE, "--data-dir", str(self.data), *words],
            cwd=self.dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ask(self, *words: str) -> object:
        done = subprocess.run(
            [FLOWFORGE, "--data-dir", str(self.data), *words, "-o", "json"],
            cwd=self.dir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def supervisors(self) -> "list[int]":
        found = []
        mark = str(self.data / "runtime").encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"flowforge-supervisor" in line and mark in line:
                found.append(int(entry.name))
        return found

    def ledger(self) -> "list[list[str]]":
        file = self.dir / "ledger"
        if not file.exists():
            return []
        return [line.split() for line in file.read_text().splitlines()]

    def close(self) -> None:
        for pid in self.supervisors():
            kill(pid)
        self.folder.cleanup()


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Crash(unittest.TestCase):
    def setUp(self) -> None:
        self.place = Place()
        self.addCleanup(self.place.close)

    def check_ledger(self, supervisor_killed: bool) -> None:
        starts = [(t, a) for what, t, a in self.place.ledger() if what == "start"]
        ends = [(t, int(a)) for what, t, a in self.place.ledger() if what == "end"]
        self.assertEqual(
            len(starts), len(set(starts)), f"an attempt began twice: {starts}"
        )
        if supervisor_killed:
            return
        # Without the death of a supervisor each task reached its end exactly once.
        tasks = [t for t, _ in ends]
        self.assertEqual(len(tasks), len(set(tasks)), f"finished, ran again: {ends}")

    def finish(self) -> "list[dict[str, object]]":
        """Resumes until every run is final; what became of all of them."""
        done = self.place.start("resume")
        try:
            _, err = done.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            done.kill()
            done.communicate()
            self.fail(f"it never ends: {self.place.ask('get', 'last')}")
        listed = self.place.ask("list", "--limit", "1000")
        assert isinstance(listed, dict), err
        runs = [self.place.ask("get", run["id"]) for run in listed["runs"]]
        return [run for run in runs if isinstance(run, dict)]

    def check_runs(self, runs: "list[dict[str, object]]") -> None:
        self.assertGreater(len(runs), 0)
        for run in runs:
            self.assertEqual(run["state"], "succeeded", run)
            self.assertEqual(run["outputs"], {"tens": [30, 10, 20, 50, 40]})

    def is_open(self) -> bool:
        run = self.place.ask("get", "last")
        return isinstance(run, dict) and run["state"] in OPEN

    def wait_for_word(self, owner: "subprocess.Popen[bytes]") -> None:
        """Until it says something of its run, or has ended."""
        assert owner.stdout
        if not select.select([owner.stdout], [], [], PATIENCE)[0]:
            self.fail("it says nothing")

    def give_up(self, owner: "subprocess.Popen[bytes]") -> None:
        owner.wait()
        for stream in (owner.stdout, owner.stderr):
            if stream:
                stream.close()

    def kill_some(self, owner: "subprocess.Popen[bytes]", who: str) -> bool:
        """True: somebody was there to be killed."""
        lives = owner.poll() is None
        if lives and who in ("owner", "all"):
            kill(owner.pid)
        supervisors = self.place.supervisors() if who != "owner" else []
        for pid in supervisors:
            kill(pid)
        return lives and (who == "owner" or len(supervisors) > 0)

    def storm(self, rng: random.Random, kills: int, who: str) -> None:
        """Kills `who` at random moments; one owner after another leads the runs. A kill
        counts when it met a live owner and left its run open; there is a new run as
        soon as the last one has ended."""
        effective = tries = n_runs = 0
        owner = None
        while effective < kills and tries < 10 * kills:
            if owner is None:
                goes_on = self.is_open()
                n_runs += not goes_on
                owner = self.place.start(*(["resume"] if goes_on else RUN))
            tries += 1
            if rng.random() < 0.8:  # the others meet it while it begins
                self.wait_for_word(owner)
            time.sleep(rng.uniform(0.0, 0.15))
            met = self.kill_some(owner, who)
            if who != "supervisor" or owner.poll() is not None:
                self.give_up(owner)
                owner = None
            effective += met and self.is_open()
        print(
            f"{who}: {effective} of {tries} kills met an open run; "
            f"{n_runs} times a new one was begun",
            file=sys.stderr,
        )
        self.assertEqual(effective, kills, "too few kills met a run that was under way")
        if owner:
            try:
                owner.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                owner.kill()
                owner.communicate()
                self.fail(f"it never ends: {self.place.ask('get', 'last')}")

    def test_an_owner_that_is_killed_again_and_again_repeats_nothing(self) -> None:
        self.storm(random.Random(SEED), KILLS, "owner")
        self.check_runs(self.finish())
        self.check_ledger(supervisor_killed=False)

    def test_a_killed_supervisor_ends_its_tasks_and_they_begin_again(self) -> None:
        self.storm(random.Random(SEED + 1), KILLS // 2, "supervisor")
        self.check_runs(self.finish())
        self.check_ledger(supervisor_killed=True)

    def test_everything_killed_at_once_goes_on_where_it_was(self) -> None:
        self.storm(random.Random(SEED + 2), KILLS // 2, "all")
        self.check_runs(self.finish())
        self.check_ledger(supervisor_killed=True)

    def test_the_history_has_no_gap_and_one_end(self) -> None:
        self.storm(random.Random(SEED + 3), KILLS // 3, "owner")
        for run in self.finish():
            self.check_history(str(run["id"]))

    def check_history(self, run: str) -> None:
        done = subprocess.run(
            [
                *(FLOWFORGE, "--data-dir", str(self.place.data)),
                *("history", run, "--canonical"),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        events = [json.loads(line) for line in done.stdout.splitlines()]
        ends = [e for e in events if e["type"] == "run.finished"]
        self.assertEqual(len(ends), 1)
        finals = [
            (e.get("task"), e.get("item"))
            for e in events
            if e["type"] == "task.finished"
        ]
        self.assertEqual(len(finals), len(set(finals)), "a task ended twice")


if __name__ == "__main__":
    print(f"seed {SEED}, {KILLS} kills (FF_SEED, FF_KILLS)", file=sys.stderr)
    unittest.main(verbosity=2)
