#!/usr/bin/python3
"""The services of a production under faults, while clients go on submitting: nothing
that was acknowledged is lost, no attempt runs twice, and all go on by themselves.

Each fault lasts FF_SECONDS (default: short enough for every test run), and FF_SEED
chooses the random ones. What was reached is printed."""
# ctest: timeout=600

import json
import os
import random
import signal
import sys
import time
import unittest
from collections.abc import Callable

from ff_services import Executor, Load, Server, ServicesTest
from fresh_seed import fresh_seed

SECONDS = float(os.environ.get("FF_SECONDS", "8"))
SEED = fresh_seed()
LEASE_S = 3.0
SWEEP_S = 6.0  # what a queue forgot is said again, and the task has begun
AGAIN_S = 10.0  # after a fault somebody's run has ended


class Services(ServicesTest):
    def suffer(
        self, fault: Callable[[], object], every_s: float, pause_s: float = 0.2
    ) -> Load:
        """The load that there was while the fault came again and again, when all of it
        has ended."""
        self.begin_all()
        n_faults = 0
        began = time.monotonic()
        with self.load(max(2, len(self.tenants)), self.many(), pause_s) as load:
            end = began + max(SECONDS, 2 * every_s)
            while time.monotonic() < end:
                time.sleep(every_s)
                fault()
                n_faults += 1
        self.assertTrue(load.accepted, load.failures[:3])
        took = time.monotonic() - began
        self.wait_for_all()
        self.judge(load.accepted)
        print(
            f"{self.id().rsplit('.', 1)[1]}: {n_faults} faults in {took:.0f} s:"
            f" {len(load.accepted)} runs, {load.n_calls} calls, {len(load.failures)}"
            f" of them failed; {self.starts()}",
            file=sys.stderr,
        )
        return load

    def wait_for_all(self) -> None:
        """However many they are: each time until there are fewer."""
        while left := self.n_open():
            self.wait_until(lambda n=left: self.n_open() < n)

    def n_open(self) -> int:
        return int(self.sql("SELECT count(*) FROM @open_run"))

    def starts(self) -> str:
        half, most, all_ = self.start_waits()
        return f"starts after {half:.2f}, {most:.2f}, {all_:.2f} s"

    def start_waits(self) -> list[float]:
        """How long tasks waited for their start, in seconds: half of them, one of a
        hundred, one."""
        waits = (
            "SELECT percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP"
            " (ORDER BY started_at - queued_at) FROM @task"
        )
        return [us / 1e6 for us in json.loads(f"[{self.sql(waits).strip('{}')}]")]

    # --- Redis ---

    def test_a_queue_that_forgets_every_two_seconds_loses_nothing(self) -> None:
        load = self.suffer(lambda: self.redis.call("FLUSHALL"), 2.0)
        self.assertEqual(load.failures, [])
        self.assertLessEqual(self.start_waits()[1], SWEEP_S)

    def test_a_queue_that_is_restarted_loses_nothing(self) -> None:
        load = self.suffer(self.redis.restart, 4.0)
        self.assertEqual(load.failures, [])

    # --- PostgreSQL ---

    def test_a_store_that_crashes_loses_nothing(self) -> None:
        """Killed, ended at once, and away for longer than a lease. Each time somebody's
        run ends soon after, and no service has to be started again."""
        self.begin_all()
        pids = self.pids()
        ends = (self.server.crash, self.server.quit, self.server.crash)
        took: list[float] = []
        with self.load(2, self.many(), 0.2) as load:
            for end, away_s in zip(ends, (0.0, 0.0, LEASE_S + 2), strict=True):
                n_ended = self.n_ended()
                self.wait_until(lambda n=n_ended: self.n_ended() > n)
                end()
                time.sleep(away_s)
                self.server.start()
                n_ended = self.n_ended()
                took.append(self.wait_until(lambda n=n_ended: self.n_ended() > n))
        self.wait_for_all()
        self.judge(load.accepted)
        self.assertEqual(self.pids(), pids, self.logs())
        self.assertLess(max(took), AGAIN_S)
        # What could not be asked was said to be so, and came about later.
        for failure in load.failures:
            self.assertRegex(failure, ": (502|503) ")
        print(
            f"{self.id().rsplit('.', 1)[1]}: {len(load.accepted)} runs,"
            f" {load.n_calls} calls, {len(load.failures)} of them failed; a run ended"
            f" {', '.join(f'{s:.1f}' for s in took)} s after the store was back",
            file=sys.stderr,
        )

    # --- all services, in order ---

    def test_a_rolling_restart_fails_no_call(self) -> None:
        def roll() -> None:
            for server in self.replicas:
                self.assertEqual(server.end(signal.SIGTERM), 0, self.logs())
                server.again()
            for executor in self.executors:
                executor.end(signal.SIGTERM)
                executor.start()

        load = self.suffer(roll, min(10.0, SECONDS / 2))
        self.assertEqual(load.failures, [])

    # --- the lead comes and goes ---

    def test_who_lost_the_lead_and_its_executors_leads_again(self) -> None:
        self.begin_all()
        controllers = self.replicas[:2]
        first, second = sorted(controllers, key=self.leads, reverse=True)
        for n, (one, other) in enumerate(((first, second), (second, first)), 1):
            self.pass_lead(n, one, other)
        with self.load(1, self.many(), 0.2) as load:
            self.wait_until(lambda: load.accepted)
        self.wait_for_all()
        self.judge(load.accepted)
        for controller in controllers:
            assert controller.process
            self.assertIsNone(controller.process.popen.poll(), controller.log())

    def pass_lead(self, n: int, one: Server, other: Server) -> None:
        """When each executor has registered n times."""
        self.wait_until(lambda: min(map(self.n_registered, self.executors)) >= n)
        with self.stopped(one):
            self.wait_until(lambda: self.leads(other))

    def leads(self, server: Server) -> bool:
        return self.sql("SELECT owner FROM @shard").startswith(f"{server.pid}@")

    @staticmethod
    def n_registered(executor: Executor) -> int:
        return executor.log_path.read_text().count("registered with")

    # --- anything, at any moment ---

    def test_whatever_dies_nothing_is_lost_where_all_lead(self) -> None:
        """Each controller leads some tenants; executors work for both."""
        self.env["FLOWFORGE_ENGINE_LEADERS"] = "all"
        self.tenants = ("", "a", "b", "c")
        self.test_whatever_dies_nothing_is_lost()
        self.wait_until(self.lead_both)

    def lead_both(self) -> bool:
        """What nobody does any more goes to the other one in the end."""
        rows = self.sql("SELECT low FROM @shard WHERE owner IS NOT NULL")
        return len(rows.split("\n")) == 2

    def test_whatever_dies_nothing_is_lost(self) -> None:
        self.dice = random.Random(SEED)
        print(f"seed {SEED} (FF_SEED)", file=sys.stderr)
        faults = [
            self.kill_server,
            self.kill_executor,
            self.stop_server,
            self.redis.restart,
            self.crash_store,
        ]

        self.suffer(lambda: self.dice.choice(faults)(), 2.0)

    def kill_server(self) -> None:
        server = self.dice.choice(self.replicas)
        server.end(signal.SIGKILL)
        server.again()

    def kill_executor(self) -> None:
        executor = self.dice.choice(self.executors)
        executor.end(signal.SIGKILL)
        executor.start()

    def stop_server(self) -> None:
        with self.stopped(self.dice.choice(self.replicas)):
            time.sleep(LEASE_S + 1)

    def crash_store(self) -> None:
        self.server.crash()
        self.server.start()


if __name__ == "__main__":
    unittest.main()
