#!/usr/bin/python3
"""What all runs together may have only so much of: semaphores, mutexes and rates."""

import contextlib
import datetime
import json
import os
import random
import signal
import sqlite3
import subprocess
import unittest
from typing import Any

from ff_cli import CliTest, Process
from fresh_seed import fresh_seed

TRAIN = """flowforge: 1
name: {name}
tasks:
  train:
    {limit}
    run: 'echo training; read x < {gate}'
  other: {{run: 'echo other'}}
"""
RATED = """flowforge: 1
name: rated
tasks:
  mail:
    foreach: [1, 2, 3, 4, 5, 6]
    rate: {key: mail, limit: 2, per: 400ms}
    run: 'true'
"""
BUSY = """flowforge: 1
name: busy
concurrency: {key: busy, limit: 3}
tasks:
  train:
    foreach: [1, 2, 3, 4]
    semaphores: [gpu]
    retry: {max_attempts: 50, delay: 5ms, on: [lost, failed]}
    run: 'sleep 0.03; [ $FF_ATTEMPT -gt 1 ]'
  store:
    foreach: [1, 2]
    mutex: store
    semaphores: [gpu]
    retry: {max_attempts: 50, delay: 0ms, on: [lost]}
    run: 'sleep 0.02'
"""
SEED = fresh_seed()
KILLS = int(os.environ.get("FF_KILLS", "8"))


class Limits(CliTest):
    def begin(self, name: str, limit: str = "semaphores: [gpu]") -> Process:
        gate = self.gate(name + ".gate")
        text = TRAIN.format(name=name, limit=limit, gate=gate.path)
        return self.start("run", self.file(name + ".yaml", text))

    def go_on(self, name: str) -> None:
        fd = os.open(self.folder / (name + ".gate"), os.O_WRONLY)
        os.write(fd, b"go\n")
        os.close(fd)

    def limits(self) -> dict[str, Any]:
        listed = self.call("limit", "list", "-o", "json").json()["limits"]
        return {limit["limit"]: limit for limit in listed}

    def rows(self, what: str) -> list[Any]:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            return db.execute(what).fetchall()

    def test_one_waits_while_another_run_has_the_only_place(self) -> None:
        first = self.begin("one")
        first.wait_for("train started")
        second = self.begin("two")
        second.wait_for("other succeeded")
        gpu = self.limits()["semaphore:gpu"]
        self.assertEqual((gpu["size"], gpu["from"], gpu["held"]), (1, "default", 1))
        self.assertEqual(gpu["holders"][0]["task"], "train")
        self.assertNotIn("train started", second.seen)
        self.go_on("one")
        self.assertEqual(first.end().code, 0)
        second.wait_for("train started")
        self.go_on("two")
        self.assertEqual(second.end().code, 0)
        self.assertEqual(self.rows("SELECT * FROM slot"), [])

    def test_who_waits_is_told_for_what_and_for_whom(self) -> None:
        first = self.begin("one")
        first.wait_for("train started")
        second = self.begin("two")
        second.wait_for("other succeeded")
        runs = self.call("list", "-o", "json").json()["runs"]
        (one,) = (r["id"] for r in runs if r["workflow"] == "one")
        (two,) = (r["id"] for r in runs if r["workflow"] == "two")
        self.assertIn(
            f"waiting for semaphore gpu (1 of 1 held by run {one[:8]} (train))",
            self.call("get", two).out,
        )
        tasks = {
            t["task"]: t for t in self.call("get", two, "-o", "json").json()["tasks"]
        }
        self.assertEqual(
            tasks["train"]["waits_for"],
            {
                "limit": "semaphore:gpu",
                "wanted": 1,
                "held": 1,
                "size": 1,
                "holders": [{"run": one, "task": "train"}],
            },
        )
        self.assertNotIn("waits_for", tasks["other"])
        self.assertNotIn("waiting for", self.call("get", one).out)
        self.go_on("one")
        second.wait_for("train started")
        self.assertNotIn("waiting for", self.call("get", two).out)
        self.go_on("two")
        self.assertEqual((first.end().code, second.end().code), (0, 0))

    def test_who_waits_for_a_rate_is_told_until_when(self) -> None:
        text = RATED.replace("per: 400ms", "per: 1h")
        run = self.start("run", self.file("rated.yaml", text))
        run.wait_for("mail.1 succeeded")
        (task,) = self.call("get", "last", "-o", "json").json()["tasks"]
        wait = task["waits_for"]
        self.assertEqual(
            (wait["limit"], wait["held"], wait["size"]), ("rate:mail", 2, 2)
        )
        ((first,),) = self.rows("SELECT min(until_at) FROM rate_token")
        until = datetime.datetime.fromisoformat(wait["until_at"].replace("Z", "+00:00"))
        self.assertEqual(round(until.timestamp() * 1e6), first)
        self.assertIn("waiting for rate mail until ", self.call("get", "last").out)
        self.assertEqual(self.call("cancel", "last").code, 0)
        self.assertEqual(run.end().code, 5)

    def test_a_new_size_counts_at_once_and_goes_again(self) -> None:
        first = self.begin("one")
        first.wait_for("train started")
        second = self.begin("two")
        second.wait_for("other succeeded")
        self.assertEqual(self.call("limit", "set", "gpu", "2").code, 0)
        second.wait_for("train started")
        self.assertEqual(self.limits()["semaphore:gpu"]["held"], 2)
        self.go_on("one")
        self.go_on("two")
        self.assertEqual((first.end().code, second.end().code), (0, 0))
        self.assertEqual(self.call("limit", "delete", "gpu").code, 0)
        self.assertEqual(self.limits(), {})
        self.call("limit", "delete", "gpu", expect=4)
        self.call("limit", "set", "gpu", "many", expect=2)
        self.call("limit", "set", "Gpu", "1", expect=2)

    def test_settings_give_sizes_too(self) -> None:
        self.env["FLOWFORGE_ENGINE_LIMITS"] = "gpu=2, db = 8"
        limits = self.limits()
        self.assertEqual(limits["semaphore:db"]["size"], 8)
        self.assertEqual(limits["semaphore:gpu"]["from"], "configured")
        first, second = self.begin("one"), self.begin("two")
        first.wait_for("train started")
        second.wait_for("train started")
        self.go_on("one")
        self.go_on("two")
        self.assertEqual((first.end().code, second.end().code), (0, 0))
        self.env["FLOWFORGE_ENGINE_LIMITS"] = "gpu=2,db"
        result = self.call("limit", "list", expect=78)
        self.assertIn('"db" is not NAME=PLACES', result.err)
        self.env["FLOWFORGE_ENGINE_LIMITS"] = "gpu=2 db=8"
        result = self.call("limit", "list", expect=78)
        self.assertIn('"gpu=2 db=8" is not NAME=PLACES', result.err)

    def test_places_outlive_the_owner(self) -> None:
        first = self.begin("one", "mutex: site")
        first.wait_for("train started")
        second = self.begin("two", "mutex: site")
        second.wait_for("other succeeded")
        before = self.rows("SELECT name, place, run, attempt FROM slot")
        self.assertEqual(len(before), 1)
        first.end(signal.SIGKILL)
        second.end(signal.SIGKILL)
        self.assertEqual(
            before, self.rows("SELECT name, place, run, attempt FROM slot")
        )
        resumed = self.start("resume")
        self.go_on("one")
        self.go_on("two")
        result = resumed.end()
        self.assertEqual(result.code, 0, result.err)
        self.assertNotIn("belonged to no running attempt", result.err)
        self.assertEqual(self.rows("SELECT * FROM slot"), [])
        starts = self.rows(
            "SELECT started_at, finished_at FROM task WHERE task = 'train'"
        )
        (_, end), (start, _) = sorted(starts)
        self.assertLessEqual(end, start)

    def test_a_stored_place_that_cannot_be_sets_its_run_aside(self) -> None:
        for place in (-5, 1 << 40):
            with self.subTest(place):
                name = f"wrong{abs(place)}"
                run = self.begin(name)
                run.wait_for("train started")
                run.end(signal.SIGKILL)
                self.rows(f"UPDATE slot SET place = {place}")
                self.call("resume", expect=None)
                run_row = self.call("get", "last", "-o", "json").json()
                self.assertEqual(run_row["reason"], "quarantined")
                self.assertIn(f"has no place {place}", run_row["message"])
                self.assertEqual(self.rows("SELECT * FROM slot"), [])

    def test_a_stored_token_that_cannot_be_does_not_count(self) -> None:
        flow = self.file("rated.yaml", RATED)
        for shift in (-100, 1 << 40):
            with self.subTest(shift):
                self.call("run", flow)
                self.rows(
                    f"UPDATE rate_token SET place = place + {shift}, "
                    "until_at = until_at + 3600000000"
                )
                self.assertIn("this one does not count", self.call("run", flow).err)

    def test_the_doctor_finds_a_place_that_nobody_has(self) -> None:
        run = self.begin("one")
        run.wait_for("train started")
        (slots,) = self.call("doctor", "slots", "-o", "json").json()
        self.assertEqual((slots["ok"], slots["leaked"], slots["ghosts"]), (True, 0, 0))
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("UPDATE slot SET attempt = 7")
        (slots,) = self.call("doctor", "slots", "-o", "json", expect=1).json()
        self.assertEqual((slots["ok"], slots["leaked"], slots["ghosts"]), (False, 1, 1))
        self.assertIn("resume", self.call("doctor", expect=1).out)
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("UPDATE slot SET attempt = 1")
        self.assertEqual(self.call("doctor", "owner").out[:2], "ok")
        self.go_on("one")
        self.assertEqual(run.end().code, 0)
        self.call("doctor", "nothing", expect=2)
        self.call("doctor")

    def test_a_rate_is_kept_over_a_restart(self) -> None:
        flow = self.file("rated.yaml", RATED)
        run = self.start("run", flow)
        run.wait_for("mail.1 succeeded")
        run.end(signal.SIGKILL)
        self.assertEqual(self.call("resume").code, 0)
        self.assertEqual(self.call("run", flow).code, 0)
        starts = [
            at
            for at, body in self.rows("SELECT at, body FROM event ORDER BY at")
            for event in json.loads(body)
            if event["type"] == "task.started"
        ]
        self.assertEqual(len(starts), 12)
        for early, late in zip(starts, starts[2:], strict=False):
            self.assertGreaterEqual(late - early, 400_000)

    def test_a_name_that_cannot_be_made_is_told(self) -> None:
        flow = self.file(
            "bad.yaml",
            "flowforge: 1\nname: bad\ninputs: {site: {type: string, default: ''}}\n"
            "tasks: {a: {mutex: '${{ inputs.site }}', run: x}}\n",
        )
        result = self.call("run", flow, expect=1)
        self.assertIn("mutex: gives 0 bytes", result.out + result.err)

    def keyed(self, overflow: str) -> tuple[Process, Process]:
        limit = f"concurrency: {{key: site, overflow: {overflow}}}\n"
        runs = []
        for name in ("one", "two"):
            gate = self.gate(name + ".gate")
            text = TRAIN.format(name=name, limit="timeout: 1h", gate=gate.path)
            text = text.replace("tasks:", limit + "tasks:")
            runs.append(self.start("run", self.file(name + ".yaml", text)))
            if name == "one":
                runs[0].wait_for("train started")
        return runs[0], runs[1]

    def states(self) -> list[str]:
        return [r["state"] for r in self.call("list", "-o", "json").json()["runs"]]

    def test_a_run_waits_for_its_key_also_when_the_owner_dies(self) -> None:
        first, second = self.keyed("queue")
        while self.states() != ["pending", "running"]:
            pass
        while not self.call("get", "last", "-o", "json").json().get("reason"):
            pass
        turn = "waiting for its turn under concurrency key site"
        self.assertIn(turn, self.call("get", "last").out)
        self.assertIn(turn, self.call("list").out)
        self.assertEqual(self.limits()["concurrency:site"]["held"], 1)
        first.end(signal.SIGKILL)
        second.end(signal.SIGKILL)
        resumed = self.start("resume")
        self.go_on("one")
        self.go_on("two")
        self.assertEqual(resumed.end().code, 0)
        self.assertEqual(self.states(), ["succeeded", "succeeded"])
        self.assertEqual(self.rows("SELECT * FROM slot"), [])
        (_, end), (start, _) = self.rows(
            "SELECT started_at, finished_at FROM run ORDER BY run"
        )
        self.assertLessEqual(end, start)

    def test_the_newest_is_cancelled_or_fails(self) -> None:
        for overflow, code in (("cancel_newest", 5), ("fail", 1)):
            with self.subTest(overflow=overflow):
                first, second = self.keyed(overflow)
                result = second.end()
                self.assertEqual(result.code, code, result.out + result.err)
                self.assertIn("concurrency", result.out)
                self.go_on("one")
                self.assertEqual(first.end().code, 0)
                for name in ("one.gate", "two.gate"):
                    (self.folder / name).unlink()

    def test_the_oldest_goes_for_the_newest(self) -> None:
        first, second = self.keyed("cancel_oldest")
        self.assertEqual(first.end().code, 5)
        self.go_on("two")
        self.assertEqual(second.end().code, 0)
        self.assertEqual(self.states(), ["succeeded", "cancelled"])

    def test_runs_of_a_higher_priority_begin_first(self) -> None:
        first = self.begin("one")
        first.wait_for("train started")
        low = self.begin("low")
        low.wait_for("other succeeded")
        flow = TRAIN.format(
            name="high", limit="semaphores: [gpu]", gate=self.gate("high.gate").path
        )
        high = self.start("run", self.file("high.yaml", flow), "--priority", "5")
        high.wait_for("other succeeded")
        self.go_on("one")
        high.wait_for("train started")
        self.assertNotIn("train started", low.seen)
        self.go_on("high")
        low.wait_for("train started")
        self.go_on("low")
        for process in (first, low, high):
            self.assertEqual(process.end().code, 0)
        self.call("run", self.file("x.yaml", flow), "--priority", "101", expect=2)

    def test_no_kill_leaks_a_place(self) -> None:
        print(f"FF_SEED={SEED} FF_KILLS={KILLS}")
        luck = random.Random(SEED)
        flow = self.file("busy.yaml", BUSY)
        self.env["FLOWFORGE_ENGINE_LIMITS"] = "gpu=2"
        for _ in range(KILLS):
            command = ["run", flow] if luck.random() < 0.3 else ["resume"]
            process = self.start(*command)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.popen.wait(luck.random() * 0.4)
            process.end(signal.SIGKILL)
            (slots,) = self.call("doctor", "slots", "-o", "json").json()
            self.assertEqual((slots["leaked"], slots["ghosts"]), (0, 0), slots)
        result = self.call("resume", expect=None)
        self.assertNotIn("belonged to no running attempt", result.err)
        self.assertEqual(self.rows("SELECT * FROM slot"), [])
        self.assertEqual(set(self.states()) - {"succeeded", "cancelled"}, set())


if __name__ == "__main__":
    unittest.main()
