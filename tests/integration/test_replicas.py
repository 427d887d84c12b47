#!/usr/bin/python3
"""Servers that share a PostgreSQL, each with a data directory of its own, as on hosts
of their own: one leads, all serve, and whatever happens to the one that leads, another
goes on with what it led, without anything being lost or done twice."""
# ctest: timeout=600

import contextlib
import itertools
import json
import os
import signal
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from http.client import HTTPException

from ff_cli import PATIENCE
from ff_replicas import LONG, Replica, ReplicasTest

PAUSE = 0.3  # between two submits: less than what the slots can do
SOON = 5.0  # seconds: the lease, and a look at it

ONE = """flowforge: 1
name: one
tasks:
  a: {run: echo a}
  b: {needs: a, run: echo b}
"""
LARGE = """flowforge: 1
name: large
outputs: {text: "${{ tasks.a.outputs.text }}"}
tasks:
  a:
    outputs: {text: file}
    run: echo written; head -c 150000 /dev/zero | tr '\\0' x > "$FF_OUT/text"
  b:
    needs: a
    env: {SIZE: "${{ size(tasks.a.outputs.text) }}"}
    run: test -n "$SIZE"
"""
# Each commit of ours takes so long as the table says.
SLOW_COMMITS = """
CREATE TABLE IF NOT EXISTS @pace AS SELECT 0.0::float8 AS seconds;
CREATE FUNCTION @wait() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(seconds) FROM @pace; RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT OR UPDATE ON @_session
  FOR EACH ROW EXECUTE FUNCTION @wait();
"""


class Load:
    """Submits one run after the other, to whichever server takes it, until it is told
    to stop. What was acknowledged is known."""

    def __init__(self, among: list[Replica], source: str) -> None:
        self.among = among
        self.source = source
        self.accepted: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self) -> None:
        n = 0
        while not self.stop.is_set():
            n += 1
            replica = self.among[n % len(self.among)]
            if not replica.process:
                continue
            with contextlib.suppress(OSError, HTTPException):
                answer = replica.ask(
                    "POST", "/runs", {"source": self.source}, patience=3
                )
                if answer.status == 201:
                    self.accepted.append(answer.json()["id"])
            self.stop.wait(PAUSE)

    def __enter__(self) -> "Load":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()


class Replicas(ReplicasTest):
    def submit(self, replica: Replica, source: str = ONE) -> str:
        answer = replica.ask("POST", "/runs", {"source": source})
        self.assertEqual(answer.status, 201, answer.body)
        return str(answer.json()["id"])

    def wait_for_run(self, replica: Replica, run: str) -> float:
        return self.wait_until(
            lambda: replica.get(f"/runs/{run}")["state"] == "succeeded"
        )

    def epoch(self) -> int:
        return int(self.sql("SELECT epoch FROM @shard"))

    # --- all of them serve ---

    def test_every_server_serves_whoever_leads(self) -> None:
        first, *others = self.begin(3)
        for replica in others:
            self.assertFalse(replica.leads())
            ready = replica.ask("GET", "/readyz")
            self.assertEqual(ready.status, 200)
            checks = ready.json()["checks"]
            self.assertEqual(checks, {"store": "ok", "leads": False, "led": True})
            leader = replica.get("/system")["leader"]
            self.assertEqual(leader["pid"], first.pid)
            self.assertEqual(leader["epoch"], 1)
            self.assertTrue(leader["address"].startswith("http://127.0.0.1:"))
            self.assertTrue(leader["host"])
            self.assertTrue(0 < leader["lease_left_ms"] <= 3000, leader)
            run = self.submit(replica)
            self.assertLess(self.wait_for_run(others[0], run), SOON)

    def test_a_cancel_left_with_a_follower_is_carried_out(self) -> None:
        first, other = self.begin(2)
        run = self.submit(first, ONE.replace("echo a", "sleep 600"))
        self.wait_until(lambda: first.get(f"/runs/{run}")["state"] == "running")
        answer = other.ask("POST", f"/runs/{run}/cancel")
        self.assertEqual(answer.status, 202, answer.body)
        took = self.wait_until(
            lambda: other.get(f"/runs/{run}")["state"] == "cancelled"
        )
        self.assertLess(took, SOON)

    def test_the_command_line_of_another_host_works_through_the_store(self) -> None:
        _, other = self.begin(2)
        flow = self.folder / "one.yaml"
        flow.write_text(ONE)
        done = other.cli("run", str(flow), "-o", "json")
        self.assertEqual(done.code, 0, done.err)
        doctor = other.cli("doctor", "owner")
        self.assertEqual(doctor.code, 0, doctor.out)
        self.assertIn("leads them", doctor.out)
        self.assertEqual(self.epoch(), 1)

    # --- streams and files ---

    def test_a_follower_streams_what_the_leader_commits(self) -> None:
        first, other = self.begin(2)
        run = self.submit(first, ONE.replace("echo a", "sleep 1; echo a"))
        with other.stream(f"/runs/{run}/history") as lines:
            seen = list(self.types(lines))
        self.assertIn("run.finished", seen)
        with other.stream("/events") as lines:
            self.wait_for_run(other, self.submit(first))
            self.assertIn("run.started", set(itertools.islice(self.types(lines), 4)))

    @staticmethod
    def types(lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            if line.startswith("data:"):
                for event in json.loads(line[5:]).get("events", []):
                    yield event["type"]

    def test_servers_with_one_folder_for_files_tell_the_same(self) -> None:
        self.env["FLOWFORGE_ENGINE_FILES_DIR"] = str(self.folder / "files")
        first, other = self.begin(2)
        run = self.submit(first, LARGE)
        self.wait_for_run(first, run)
        for path in (f"/runs/{run}", f"/runs/{run}/tasks/a/logs"):
            self.assertEqual(first.get(path), other.get(path))
        self.assertIn("written", str(other.get(f"/runs/{run}/tasks/a/logs")))
        self.assertGreater(len(other.get(f"/runs/{run}")["outputs"]["text"]), 100000)
        with self.stopped(first):
            self.wait_until(other.leads)
            second = self.submit(other, LARGE)
            self.wait_for_run(other, second)
            self.assertGreater(len(other.get(f"/runs/{run}")["outputs"]["text"]), 9)

    def test_a_log_of_another_folder_is_not_told_as_empty(self) -> None:
        first, other = self.begin(2)
        run = self.submit(first)
        self.wait_for_run(first, run)
        self.assertIn("a", str(first.get(f"/runs/{run}/tasks/a/logs")))
        answer = other.ask("GET", f"/runs/{run}/tasks/a/logs")
        self.assertEqual(answer.status, 404, answer.body)
        self.assertIn("engine.files_dir", answer.json()["detail"])

    def test_a_run_whose_values_are_elsewhere_waits_for_them(self) -> None:
        first, other = self.begin(2)
        gate = self.folder / "gate"
        waits = f"while [ ! -e {gate} ]; do sleep 0.05; done"
        run = self.submit(first, LARGE.replace("test -n", f"{waits}; test -n"))
        self.wait_until(lambda: "b" in self.running(first, run))
        first.end(signal.SIGKILL)
        self.wait_until(other.leads)
        self.wait_until(lambda: "engine.files_dir" in other.log())
        self.assertEqual(other.get(f"/runs/{run}")["state"], "running")
        gate.touch()
        other.end(signal.SIGTERM)
        first.start()
        self.wait_for_run(first, run)

    @staticmethod
    def running(replica: Replica, run: str) -> set[str]:
        tasks = replica.get(f"/runs/{run}/tasks")["items"]
        return {task["task"] for task in tasks if task["state"] == "running"}

    # --- the one that leads goes ---

    def test_a_leader_that_is_killed_is_followed_and_nothing_is_lost(self) -> None:
        replicas = self.begin(3)
        with Load(replicas, self.many()) as load:
            for n in (1, 2):
                leader = self.leader(replicas)
                self.wait_until(lambda n=n: self.n_ended() >= 3 * n)
                epoch = self.epoch()
                leader.end(signal.SIGKILL)
                took = self.wait_until(lambda e=epoch: self.progress_since(e))
                self.assertLess(took, SOON)
                leader.start()
        self.wait_for_all(replicas[0], load.accepted)
        self.judge(load.accepted)

    def progress_since(self, epoch: int) -> bool:
        """Has whoever led after that written a step of a run?"""
        return self.sql(f"SELECT max(position) >> 40 > {epoch} FROM @event") == "t"

    def wait_for_all(self, replica: Replica, runs: list[str]) -> None:
        n = "SELECT count(*) FROM @open_run"
        self.wait_until(lambda: self.sql(n) == "0")
        self.assertTrue(runs)

    def test_a_store_that_is_full_is_waited_for_by_who_is_to_lead(self) -> None:
        (first,) = self.begin(1)
        other = Replica("r1", self.folder, dict(self.env))
        self.replicas.append(other)
        faults = {"code": "full", "rate": "1000", "max_faults": "2"}
        words = ["--set", "engine.store_filters=store-fault"]
        for key, value in faults.items():
            words += ["--set", f"store-fault.{key}={value}"]
        other.start(*words)
        first.end(signal.SIGKILL)
        self.wait_until(other.leads)
        self.wait_for_run(other, self.submit(other))

    def test_a_leader_that_stood_still_writes_nothing_and_follows(self) -> None:
        first, other = self.begin(2)
        self.submit(first, self.many())
        self.wait_until(lambda: (self.folder / "ledger").exists())
        with self.stopped(first):
            took = self.wait_until(other.leads)
            self.assertLess(took, SOON)
            epoch = self.epoch()
            self.wait_for_all(other, ["one"])
        took = self.wait_until(lambda: not first.leads())
        self.assertLess(took, SOON)
        took = self.wait_until(lambda: self.leader_of(first) == other.pid)
        self.assertLess(took, SOON)
        self.assertEqual(self.epoch(), epoch)
        self.assertIn("follows", first.log())
        self.wait_for_run(first, self.submit(first))
        self.assertEqual(self.epoch(), epoch)

    @staticmethod
    def leader_of(replica: Replica) -> int:
        leader = replica.get("/system")["leader"]
        return int(leader["pid"]) if leader else 0

    def test_a_leader_that_ends_in_order_hands_over_at_once(self) -> None:
        replicas = self.begin(3)
        slow = []
        with Load(replicas, self.many()) as load:
            for replica in [*replicas, *replicas]:
                others = [r for r in replicas if r is not replica]
                led = replica.leads()
                begin = time.monotonic()
                self.assertEqual(replica.end(signal.SIGTERM), 0, replica.log())
                if led:
                    self.leader(others)
                    slow.append(time.monotonic() - begin)
                replica.start()
        self.assertTrue(slow)
        self.assertLess(max(slow), 2.0)
        self.wait_for_all(replicas[0], load.accepted)
        self.judge(load.accepted)

    def test_no_attempt_runs_twice_when_who_takes_over_dies_at_once(self) -> None:
        """The one that comes back has the place of the one before it, which had not
        told yet that it did not start what it found."""
        other, first = self.begin(2)
        self.wait_for_run(other, self.submit(other))  # its runtime knows what it runs
        self.assertEqual(other.end(signal.SIGTERM), 0)
        self.wait_until(first.leads)
        run = self.submit(first, self.long())
        self.wait_until((self.folder / "ledger").exists)
        first.end(signal.SIGKILL)
        other.env["FF_FAILPOINT"] = "node.own.wired:kill"
        other.start()
        self.assertEqual(other.wait(), -signal.SIGKILL)
        del other.env["FF_FAILPOINT"]
        other.start()
        self.wait_until(lambda: len(self.ledger()) == 2)
        self.assertEqual(self.ledger(), [f"{run}/a/1", f"{run}/a/2"])
        (self.folder / "gate").touch()
        self.wait_for_run(other, run)

    def long(self) -> str:
        """One attempt, until there is a file."""
        words = {"LEDGER": self.folder / "ledger", "GATE": self.folder / "gate"}
        text = LONG
        for word, path in words.items():
            text = text.replace(word, str(path))
        return text

    def ledger(self) -> list[str]:
        return (self.folder / "ledger").read_text().split()

    def test_a_server_that_comes_back_at_once_need_not_wait_for_its_own_lease(
        self,
    ) -> None:
        (only,) = self.begin(1)
        only.end(signal.SIGKILL)
        begin = time.monotonic()
        only.start()
        self.wait_until(only.leads)
        self.assertLess(time.monotonic() - begin, 2.5)

    # --- the store goes ---

    def test_a_store_that_is_started_again_is_used_again(self) -> None:
        replicas = self.begin(3)
        self.wait_for_run(replicas[1], self.submit(replicas[1]))
        for pause in (0.0, 4.0):
            with self.subTest(pause=pause):
                self.server.crash()
                time.sleep(pause)  # beyond the lease or not
                self.server.start()
                accepts = time.monotonic()
                for replica in replicas:
                    self.wait_until(lambda r=replica: self.serves(r))
                self.assertLess(time.monotonic() - accepts, 2.0)
                took = self.wait_until(lambda: any(r.leads() for r in replicas))
                self.assertLess(took, SOON)
                self.wait_for_run(replicas[2], self.submit(replicas[2]))

    def test_who_led_goes_on_when_the_store_comes_back(self) -> None:
        """Another one would have to begin again what runs here. It waits for four
        seconds, in which the one that led is back, unless the machine is very slow."""
        first, other = self.begin(2)
        run = self.submit(first, self.long())
        self.wait_until((self.folder / "ledger").exists)
        for _ in range(4):
            self.server.crash()
            time.sleep(4.0)  # beyond the lease
            began = time.monotonic()
            self.server.start()
            self.wait_until(lambda: first.leads() or other.leads())
            if not first.leads():
                self.assertGreater(time.monotonic() - began, 3.9)
                return
        (self.folder / "gate").touch()
        self.wait_for_run(other, run)
        self.assertEqual(self.ledger(), [f"{run}/a/1"])

    def test_a_store_that_is_slow_keeps_its_leader(self) -> None:
        """The lease is as long as some renewals take."""
        first, other = self.begin(2)
        self.sql(SLOW_COMMITS)
        self.sql("UPDATE @pace SET seconds = 2")
        self.wait_until(self.led_for(8.0), 2 * PATIENCE)
        epoch = self.epoch()
        run = self.submit(other)
        state = "SELECT 1 FROM @run WHERE state <> 'pending'"
        self.wait_until(lambda: self.sql(state))
        self.assertEqual(self.epoch(), epoch)
        self.sql("UPDATE @pace SET seconds = 0")
        self.wait_for_run(first, run)

    def test_a_server_that_hears_nothing_of_the_store_is_not_ready(self) -> None:
        """Its requests would wait for an answer until they are given up."""
        replicas = self.begin(2)
        assert self.server.popen
        processes = [self.server.popen.pid, *self.server.children()]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            for replica in replicas:
                self.wait_until(lambda r=replica: self.readiness(r) == (503, "failing"))
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        for replica in replicas:
            self.wait_until(lambda r=replica: self.readiness(r) == (200, "ok"))

    @staticmethod
    def readiness(replica: Replica) -> tuple[int, str]:
        answer = replica.ask("GET", "/readyz")
        return answer.status, str(answer.json()["checks"]["store"])

    def test_a_clock_of_the_store_that_is_set_moves_no_lead(self) -> None:
        """And keeps none: who follows counts by a clock of his own."""
        self.sql_of_clock()
        self.addCleanup(self.server.sql, "ALTER ROLE flowforge RESET search_path")
        first, other = self.begin(2)
        self.wait_until(lambda: self.leader_of(other) == first.pid)
        epoch = self.epoch()
        for ahead in (0, 600, -600):
            renewed = self.renewals()
            self.server.sql(f"UPDATE clock.ahead SET seconds = {ahead}")
            self.wait_until(lambda n=renewed: self.renewals() > n + 4)
            self.assertEqual(self.epoch(), epoch)
        first.end(signal.SIGKILL)
        self.server.sql("UPDATE clock.ahead SET seconds = -1200")
        self.assertLess(self.wait_until(other.leads), 3 * SOON)

    def renewals(self) -> int:
        return int(self.sql("SELECT version FROM @shard"))

    def sql_of_clock(self) -> None:
        """A clock that can be set, in front of the one that the server has."""
        self.server.sql(
            "CREATE SCHEMA clock; CREATE TABLE clock.ahead AS SELECT 0 AS seconds;"
            " CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
            " AS 'SELECT pg_catalog.clock_timestamp() + seconds * interval ''1 s''"
            " FROM clock.ahead';"
            " ALTER ROLE flowforge SET search_path = clock, pg_catalog"
        )

    def led_for(self, seconds: float) -> Callable[[], bool]:
        """By the same one, whose lease was not over in between."""
        epoch, since = 0, time.monotonic()
        lease = "SELECT epoch, lease_until > @now() FROM @shard"
        self.sql(
            "CREATE FUNCTION @now() RETURNS bigint LANGUAGE sql AS"
            " 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint'"
        )

        def look() -> bool:
            nonlocal epoch, since
            seen, holds = self.sql(lease).split("|")
            if int(seen) != epoch or holds != "t":
                epoch, since = int(seen), time.monotonic()
            return time.monotonic() - since >= seconds

        return look

    def serves(self, replica: Replica) -> bool:
        answer = replica.ask("POST", "/runs", {"source": ONE})
        self.assertIn(answer.status, (201, 503), answer.body)
        return answer.status == 201

    # --- nothing to do ---

    def test_idle_servers_ask_nothing_but_about_the_lease(self) -> None:
        self.begin(2)
        time.sleep(2)  # what begins with them
        self.server.set("log_statement", "'all'")
        time.sleep(1)
        begin = len(self.server.said())
        time.sleep(6)
        said = self.statements(self.server.said()[begin:])
        self.server.set("log_statement", "'none'")
        strange = [s for s in said if not any(word in s for word in LEASE_WORDS)]
        self.assertEqual(strange, [])
        # A clock and a commit of the one that leads, a look at row and clock by the
        # other one, each second.
        self.assertLess(len(said), 6 * 11, said)

    @staticmethod
    def statements(log: str) -> list[str]:
        lines: list[str] = []
        for line in log.splitlines():
            if " flowforge LOG:" not in line:
                continue
            lines.append(line.split("LOG:", 1)[1].strip())
        return lines


LEASE_WORDS = ("shard", "_session", "clock_timestamp", "BEGIN", "COMMIT", "pg_notify")


if __name__ == "__main__":
    unittest.main()
