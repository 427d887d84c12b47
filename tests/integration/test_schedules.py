#!/usr/bin/python3
"""Schedules through the program: made by apply, led by an engine, found in lists; and
that kill -9 at random moments neither loses a time nor starts one twice."""

# ctest: timeout=300

import contextlib
import os
import random
import signal
import sqlite3
import time
import unittest
from pathlib import Path
from typing import Any

from ff_cli import PATIENCE, CliTest
from fresh_seed import fresh_seed

TICK = """flowforge: 1
name: tick
triggers:
  interval: {{every: 1s, overlap: allow, catchup: 1h}}
tasks:
  a: {{run: 'echo "$AT" >> {log}', env: {{AT: "${{{{ run.nominal_at }}}}"}}}}
"""

WAITS = """flowforge: 1
name: waits
triggers: {{cron: {{expr: "0 0 1 1 *", id: yearly, overlap: {overlap}}}}}
tasks:
  a: {{run: "cat {gate}"}}
"""


class Schedules(CliTest):
    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.data / "flowforge.db", timeout=60) as db:
            return db.execute(sql).fetchall()

    def wait_for(self, sql: str, what: str) -> list[tuple[Any, ...]]:
        end = time.monotonic() + PATIENCE
        while not (found := self.rows(sql)):
            if time.monotonic() > end:
                self.fail(f"never: {what}")
            time.sleep(0.02)
        return found

    def engines(self) -> list[int]:
        """Without the supervisor of tasks, which may outlive them for a moment."""
        found = []
        for pid in self.owner_pids():
            with contextlib.suppress(OSError):
                if b"engine" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    found.append(pid)
        return found

    def await_engines(self, n: int) -> None:
        end = time.monotonic() + PATIENCE
        while len(self.engines()) != n:
            self.assertLess(time.monotonic(), end, f"never {n}: {self.engines()}")
            time.sleep(0.02)

    def get(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("schedule", "get", name, "-o", "json").json()
        return found

    def test_apply_makes_schedules_and_takes_them_back(self) -> None:
        text = "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\ntriggers:\n"
        two = (
            text + "  cron: [{id: one, expr: '@yearly'}, {id: two, expr: '@yearly'}]\n"
        )
        one = text + "  cron: [{id: two, expr: '@yearly'}]\n"
        file = self.file("w.yaml", two)
        self.call("apply", file)
        names = [s["name"] for s in self.call("schedule", "list", "-o", "json").json()]
        self.assertEqual(["w.one", "w.two"], names)
        created = self.get("w.two")["created_at"]
        self.file("w.yaml", one)
        self.call("apply", file)
        names = [s["name"] for s in self.call("schedule", "list", "-o", "json").json()]
        self.assertEqual(["w.two"], names)
        self.assertEqual(created, self.get("w.two")["created_at"])
        self.call("schedule", "pin", "w")
        self.file("w.yaml", one + "description: changed\n")
        before = self.get("w.two")["hash"]
        self.call("apply", file)
        self.assertEqual(before, self.get("w.two")["hash"])
        self.call("schedule", "unpin", "w")
        self.call("apply", file)
        self.assertNotEqual(before, self.get("w.two")["hash"])
        self.call("workflow", "delete", "w")
        self.assertEqual([], self.call("schedule", "list", "-o", "json").json())

    def test_a_schedule_says_what_it_does_and_waits_for(self) -> None:
        gate = self.gate("gate")
        text = "flowforge: 1\nname: w\ntasks: {a: {run: 'cat gate'}}\n"
        many = (
            "triggers:\n  interval: {every: 90m, jitter: 10m, catchup: 2h}\n"
            "  event: {name: go, overlap: queue}\n"
        )
        self.call("apply", self.file("w.yaml", text + many))
        told = self.call("schedule", "get", "w.interval").out
        self.assertIn("w.interval: interval every 1h30m\n", told)
        self.assertIn("rules  overlap skip, catchup 2h, jitter up to 10m\n", told)
        self.assertRegex(told, r"next   \S+Z, begins \S+Z\n")
        self.call("event", "go")
        self.call("event", "go")
        self.wait_for("select 1 from schedule_run where state = 'waiting'", "waiting")
        told = self.call("schedule", "get", "w.event").out
        self.assertIn("rules  overlap queue\n", told)
        self.assertIn("for the run before it\n", told)
        self.assertEqual(
            self.call("schedule", "pause", "w").out, "2 schedules paused\n"
        )
        told = self.call("schedule", "pause", "w").out
        self.assertEqual(told, "0 schedules paused: it was so before\n")
        told = self.call("schedule", "get", "w.event").out
        self.assertIn("until its schedule is resumed\n", told)
        gate.open()
        day = ("--from", "2026-01-01", "--to", "2026-01-02", "--max-parallel", "2")
        self.call("schedule", "backfill", "w.interval", *day)
        self.wait_for("select 1 from backfill where n_started = 2", "two of them")
        told = self.call("schedule", "get", "w.interval").out
        line = (
            "backfill 2026-01-01 00:00:00 to 2026-01-02 00:00:00: 2 started, 2 at once"
        )
        self.assertIn(line + "\n", told)

    def test_a_time_zone_that_is_not_there_is_a_mistake(self) -> None:
        file = self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\n"
            "triggers: {cron: {expr: '@daily', timezone: Europe/Atlantis}}\n",
        )
        told = self.call("apply", file, expect=None)
        self.assertNotEqual(0, told.code)
        self.assertIn("w:4:45: FF091: there is no time zone Europe/Atlantis", told.err)
        told = self.call("validate", file, expect=3)
        self.assertIn("4:45: FF091: there is no time zone Europe/Atlantis", told.out)
        self.env["TZDIR"] = str(self.folder / "none")
        self.call("validate", file)  # it may be there where it runs

    def test_names_that_mean_none_or_several_are_told(self) -> None:
        text = "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\n"
        two = "triggers: {cron: ['@yearly', '@yearly']}\n"
        self.call("apply", self.file("w.yaml", text + two))
        self.assertIn("no schedule x", self.call("schedule", "get", "x", expect=4).err)
        told = self.call("schedule", "trigger", "w", expect=None)
        self.assertNotEqual(0, told.code)
        self.assertIn("2 schedules: say which one", told.err)
        told = self.call("schedule", "backfill", "w.cron", "--from", "soon", expect=2)
        self.assertIn("soon is no time", told.err)

    def test_lists_say_when_nobody_leads(self) -> None:
        text = "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\n"
        self.call("apply", self.file("w.yaml", text + "triggers: {cron: '@yearly'}\n"))
        self.assertNotIn("no engine", self.call("list").err)
        self.stop_owner()
        self.assertIn("no engine runs", self.call("list").err)
        self.assertIn("no engine runs", self.call("schedule", "list").err)
        self.call("schedule", "pause", "w")
        self.assertNotIn("no engine", self.call("list").err)

    def test_an_engine_leaves_when_its_schedules_are_paused(self) -> None:
        text = "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\n"
        self.call("apply", self.file("w.yaml", text + "triggers: {cron: '@yearly'}\n"))
        # A child that has not yet become the supervisor looks like an engine, too.
        self.await_engines(1)
        self.call("schedule", "pause", "w")
        self.await_engines(0)

    def test_a_run_by_hand_and_a_backfill_see_their_times(self) -> None:
        log = self.folder / "log"
        self.call("apply", self.file("tick.yaml", TICK.format(log=log)))
        self.call("schedule", "pause", "tick")
        run = self.call("schedule", "trigger", "tick.interval").out.strip()
        self.wait_for(
            f"select 1 from run where id = '{run}' and state = 'succeeded'", "the run"
        )
        log.unlink(missing_ok=True)
        day = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T00:00:12Z")
        told = self.call("schedule", "backfill", "tick.interval", *day, "--dry-run")
        self.assertIn("12 times have no run", told.out)
        self.call("schedule", "backfill", "tick.interval", *day, "--max-parallel", "3")
        self.wait_for("select 1 from backfill where state = 'done'", "the backfill")
        want = [f"2026-01-01T00:00:{s:02}.000000Z" for s in range(12)]
        self.assertEqual(want, sorted(log.read_text().split()))
        again = self.call("schedule", "backfill", "tick.interval", *day)
        self.assertIn("0 times", again.out)
        future = self.call(
            "schedule", "backfill", "tick.interval", "--from", "2026-01-01",
            "--to", "2999-01-01", expect=None,
        )  # fmt: skip
        self.assertIn("still to come", future.err)

    def test_backfills_stop_with_their_schedule(self) -> None:
        self.gate("gate")
        gate = self.folder / "gate"
        file = self.file("waits.yaml", WAITS.format(gate=gate, overlap="skip"))
        hand = "flowforge: 1\nname: waits\ntasks: {a: {run: 'true'}}\n"
        ways = (
            ("schedule", "delete", "waits"),
            ("workflow", "delete", "waits"),
            ("apply", self.file("hand.yaml", hand)),
        )
        span = ("--from", "2020-01-01T00:00:00Z", "--to", "2024-01-01T00:00:00Z")
        for n, way in enumerate(ways, 1):
            self.call("apply", file)
            self.call("schedule", "backfill", "waits.yearly", *span)
            self.wait_for(f"select 1 from run where run >= {n}", "a run")
            self.call(*way)
            states = self.rows("select state from backfill")
            self.assertEqual(states, [("stopped",)] * n)
        runs = self.call("list", "-o", "json").json()["runs"]
        for run in runs:
            self.call("cancel", run["id"], expect=None)
        self.await_engines(0)

    def test_a_time_that_waits_goes_with_its_schedule(self) -> None:
        self.gate("gate")
        text = (
            "flowforge: 1\nname: one\n"
            "triggers: {event: {name: e, overlap: queue, id: t}}\n"
            f"tasks: {{a: {{run: 'cat {self.folder / 'gate'}'}}}}\n"
        )
        file = self.file("one.yaml", text)
        hand = "flowforge: 1\nname: one\ntasks: {a: {run: 'true'}}\n"
        ways = (
            ("schedule", "delete", "one"),
            ("workflow", "delete", "one"),
            ("apply", self.file("hand.yaml", hand)),
        )
        for n, way in enumerate(ways, 1):
            self.call("apply", file)
            for _ in range(2):
                self.call("event", "e")
            self.wait_for("select 1 from schedule where waiting is not null", "one")
            self.call(*way)
            times = self.rows("select state, reason from schedule_run order by state")
            self.assertEqual(times.count(("started", None)), n)
            self.assertEqual(times.count(("skipped", "deleted")), n)
            self.assertEqual(len(times), 2 * n)
        for run in self.call("list", "-o", "json").json()["runs"]:
            self.call("cancel", run["id"], expect=None)
        self.await_engines(0)

    def test_a_workflow_follows_another_with_what_it_gave(self) -> None:
        self.call(
            "apply",
            self.file(
                "after.yaml",
                "flowforge: 1\nname: after\n"
                "triggers: {workflow: {name: first, if: event.outputs.n == '7'}}\n"
                "tasks: {a: {run: 'true'}}\noutputs: {of: '${{ event.run }}'}\n",
            ),
        )
        file = self.file(
            "first.yaml",
            "flowforge: 1\nname: first\ninputs: {n: string}\n"
            "tasks: {a: {run: 'true'}}\noutputs: {n: '${{ inputs.n }}'}\n",
        )
        self.call("run", file, "-i", "n=6")
        self.call("run", file, "-i", "n=7")
        self.wait_for(
            "select 1 from run where workflow = 'after' and state = 'succeeded'",
            "the run after",
        )
        self.wait_for("select 1 where not exists (select 1 from occurrence)", "told")
        seventh = self.rows("select id from run where inputs like '%7%'")[0][0]
        outputs = self.rows("select outputs from run where workflow = 'after'")
        self.assertEqual([(f'{{"of":"{seventh}"}}',)], outputs)

    def test_what_a_scheduled_run_uses_is_settled_by_apply(self) -> None:
        inner = "flowforge: 1\nname: inner\ntasks: {a: {run: 'true'}}\n"
        outer = (
            "flowforge: 1\nname: outer\ntriggers: {cron: '@yearly'}\n"
            "tasks: {a: {uses: 'workflow:inner'}}\n"
        )
        self.assertNotEqual(
            0, self.call("apply", self.file("outer.yaml", outer), expect=None).code
        )
        self.call("apply", self.file("inner.yaml", inner))
        self.call("apply", str(self.folder / "outer.yaml"))
        run = self.call("schedule", "trigger", "outer").out.strip()
        self.wait_for(
            f"select 1 from run where id = '{run}' and state = 'succeeded'", "the run"
        )

    def test_an_event_starts_what_waits_for_it(self) -> None:
        text = (
            "flowforge: 1\nname: pay\nlabels: {team: shop}\n"
            "triggers: {event: {name: paid, if: event.sum > 5}}\n"
            "tasks: {a: {run: 'true'}}\noutputs: {sum: '${{ event.sum }}'}\n"
        )
        self.call("apply", self.file("pay.yaml", text))
        told = self.call("event", "paid", "--data", '{"sum": 7}')
        self.assertIn("1 schedule, 0 waiting tasks told", told.out)
        self.call("event", "paid", "--data", '{"sum": 3}')
        self.assertIn("0 schedules", self.call("event", "lost").out)
        self.assertIn(
            "no JSON", self.call("event", "paid", "--data", "{", expect=2).err
        )
        self.wait_for("select 1 from run where state = 'succeeded'", "the run")
        self.wait_for("select 1 where not exists (select 1 from occurrence)", "told")
        row = ('{"sum":7}', '{"team":"shop"}')
        self.assertEqual([row], self.rows("select outputs, labels from run"))

    def test_of_many_events_the_last_starts_a_run_whoever_dies(self) -> None:
        text = (
            "flowforge: 1\nname: pay\n"
            "triggers: {event: {name: paid, debounce: 3s, debounce_max: 1h}}\n"
            "tasks: {a: {run: 'true'}}\noutputs: {n: '${{ event.n }}'}\n"
        )
        self.call("apply", self.file("pay.yaml", text))
        for n in range(3):
            self.call("event", "paid", "--data", f'{{"n": {n}}}')
        self.wait_for("select 1 from schedule where held_at is not null", "held")
        self.wait_for("select 1 where not exists (select 1 from occurrence)", "told")
        self.stop_owner()
        self.call("apply", "pay.yaml")  # starts one that leads
        self.wait_for("select 1 from run where state = 'succeeded'", "the run")
        rows = self.rows("select outputs from run order by run")
        self.assertEqual(rows[-1], ('{"n":2}',))
        held = self.rows("select count(*) from schedule where held_at is not null")
        self.assertEqual(held, [(0,)])
        reasons = {r[0] for r in self.rows("select reason from schedule_run")}
        self.assertLessEqual(reasons, {None, "debounced"})

    def test_no_time_is_lost_or_started_twice_under_kill(self) -> None:
        seed = fresh_seed()
        print(f"FF_SEED={seed}")
        rand = random.Random(seed)
        log = self.folder / "log"
        self.call("apply", self.file("tick.yaml", TICK.format(log=log)))
        self.call("schedule", "pause", "tick")
        kills = 0
        minutes = 0
        # It may all be over before the first kill.
        while kills == 0:
            start = f"2026-01-01T00:{minutes:02}"
            self.call(
                "schedule", "backfill", "tick.interval", "--max-parallel", "4",
                "--from", f"{start}:00Z", "--to", f"{start}:40Z",
            )  # fmt: skip
            minutes += 1
            while self.rows("select 1 from backfill where state = 'running'"):
                for pid in self.owner_pids():
                    time.sleep(rand.random() * 0.15)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        kills += 1
                self.call("schedule", "resume", "tick")
                self.call("schedule", "pause", "tick")
        runs = self.rows(
            "select nominal_at, count(*) from run where nominal_at < 1767229200000000"
            " and nominal_at >= 1767225600000000 group by nominal_at"
        )
        self.assertEqual(40 * minutes, len(runs))
        self.assertEqual({1}, {n for _, n in runs})

    def test_times_of_a_schedule_survive_kill(self) -> None:
        log = self.folder / "log"
        self.call("apply", self.file("tick.yaml", TICK.format(log=log)))
        for _ in range(3):
            n = len(self.rows("select 1 from schedule_run"))
            self.wait_for(
                f"select 1 where (select count(*) from schedule_run) > {n}", "a time"
            )
            self.stop_owner()
            self.call("schedule", "resume", "tick")
            self.call("schedule", "pause", "tick")
            self.call("schedule", "resume", "tick")
        self.stop_owner()
        started = self.rows(
            "select nominal_at, count(*) from schedule_run where state = 'started'"
            " group by nominal_at"
        )
        runs = self.rows("select nominal_at, count(*) from run group by nominal_at")
        self.assertEqual(started, runs)
        self.assertEqual({1}, {n for _, n in runs})


if __name__ == "__main__":
    unittest.main()
