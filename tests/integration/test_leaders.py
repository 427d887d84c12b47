#!/usr/bin/python3
"""Servers that share a PostgreSQL and all lead, each the runs of some tenants: ranges
of tenants go from one to another when one comes, ends or dies, and nothing is lost or
done twice on the way."""
# ctest: timeout=600

import contextlib
import itertools
import signal
import threading
import time
import unittest
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

from ff_replicas import Replica, ReplicasTest

TENANTS = ("a", "b", "c", "d", "e", "f")
PAUSE = 0.1  # between two submits
ALL = ("--set", "engine.leaders=all")
RANGE_END = 1 << 32
DEFAULT_HASH = 1452414493  # of the tenant of the command line

WHERE = """flowforge: 1
name: where
tasks:
  here: {run: echo "$FLOWFORGE_API_ENDPOINT" >> LEDGER}
"""
LONG = """flowforge: 1
name: long
tasks:
  a:
    run: |
      echo "$FLOWFORGE_ATTEMPT_ID" >> LEDGER
      while [ ! -e GATE ]; do sleep 0.05; done
"""
TICK = """flowforge: 1
name: tick
triggers:
  interval: {every: 1s}
tasks:
  a: {run: "true"}
"""


class Leaders(ReplicasTest):
    def setUp(self) -> None:
        super().setUp()
        self.keys: dict[str, str] = {}
        self.accepted: list[str] = []

    def make_tenants(self, replica: Replica) -> None:
        for tenant in TENANTS:
            quotas = {"name": tenant, "max_requests_per_s": 1000}
            made = replica.ask("POST", "/tenants", {"name": tenant})
            self.assertEqual(made.status, 201, made.body)
            del quotas["name"]
            changed = replica.ask("PATCH", f"/tenants/{tenant}", quotas)
            self.assertEqual(changed.status, 204, changed.body)
            key = replica.ask(
                "POST", f"/keys?tenant={tenant}", {"name": "k", "role": "author"}
            )
            self.assertEqual(key.status, 201, key.body)
            self.keys[tenant] = key.json()["credential"]

    def submit(self, replica: Replica, tenant: str, source: str) -> str:
        body = {"source": source}
        made = replica.ask("POST", "/runs", body, key=self.keys[tenant])
        self.assertEqual(made.status, 201, made.body)
        return str(made.json()["id"])

    @contextlib.contextmanager
    def load(self, source: str) -> Iterator[None]:
        """All tenants submit, to whichever server takes it. What was acknowledged is
        known."""
        stop = threading.Event()

        def work() -> None:
            for n in itertools.count():
                replica = self.replicas[n % len(self.replicas)]
                if replica.process:
                    with contextlib.suppress(OSError, HTTPException):
                        answer = replica.ask(
                            "POST",
                            "/runs",
                            {"source": source},
                            patience=3,
                            key=self.keys[TENANTS[n % len(TENANTS)]],
                        )
                        if answer.status == 201:
                            self.accepted.append(answer.json()["id"])
                if stop.wait(PAUSE):
                    return

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def ranges(self) -> list[tuple[int, int]]:
        """Of those who lead somebody, by the rows."""
        rows = self.sql(
            f"SELECT coalesce(low, 0), coalesce(high, {RANGE_END}) FROM @shard"
            " WHERE owner IS NOT NULL"
            " AND lease_until > extract(epoch FROM clock_timestamp()) * 1000000"
            " ORDER BY 1"
        )
        pairs = [tuple(map(int, row.split("|"))) for row in rows.split()]
        return [(low, high) for low, high in pairs if low < high]

    def is_led_by(self, n: int) -> bool:
        """By so many, and each tenant by one of them."""
        ranges = self.ranges()
        if len(ranges) != n or ranges[0][0] != 0 or ranges[-1][1] != RANGE_END:
            return False
        return all(a[1] == b[0] for a, b in itertools.pairwise(ranges))

    @staticmethod
    def told(replica: Replica) -> set[int]:
        leaders = replica.get("/system")["leaders"]
        return {x["pid"] for x in leaders if x["low"] < x["high"]}

    def wait_for_all(self) -> None:
        self.wait_until(
            lambda: (
                self.sql("SELECT count(*) FROM @run WHERE finished_at IS NULL") == "0"
            )
        )

    def begin_all(self, n: int) -> list[Replica]:
        self.begin(n, *ALL)
        self.make_tenants(self.replicas[0])
        return self.replicas

    # --- coming and going ---

    def test_who_comes_gets_tenants_of_whoever_leads(self) -> None:
        first, second = self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            for replica in (first, second):  # as it saw them last
                self.wait_until(
                    lambda r=replica: self.told(r) == {first.pid, second.pid}
                )
                ready = replica.ask("GET", "/readyz").json()["checks"]
                self.assertEqual((ready["leads"], ready["led"]), (True, True))
            doctor = second.cli("doctor", "owner")
            self.assertEqual(doctor.code, 0, doctor.out)
            self.assertEqual(doctor.out.count("% of all tenants"), 2, doctor.out)
        self.wait_for_all()
        self.judge(self.accepted)
        where = WHERE.replace("LEDGER", str(self.folder / "where"))
        for tenant in TENANTS:
            self.submit(first, tenant, where)
        self.wait_for_all()
        places = (self.folder / "where").read_text().split()
        self.assertEqual(len(places), len(TENANTS))
        hosts = {place.rsplit("/", 2)[1] for place in places}
        self.assertEqual(hosts, {"r0", "r1"})

    def test_the_tenants_of_one_that_dies_are_led_by_another(self) -> None:
        first, second = self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            for victim in (first, second):
                time.sleep(1)
                victim.end(signal.SIGKILL)
                took = self.wait_until(lambda: self.is_led_by(1))
                self.assertLess(took, 15)  # the lease, and who takes it after it
                victim.start(*ALL)
                self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        self.judge(self.accepted)

    def test_the_tenants_of_one_that_ends_are_led_by_another_at_once(self) -> None:
        first, second = self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            second.end(signal.SIGTERM)
            self.wait_until(lambda: self.is_led_by(1))
        self.wait_for_all()
        self.judge(self.accepted)
        self.assertTrue(first.leads())

    def test_one_that_stood_still_writes_nothing_and_leads_again(self) -> None:
        first, _ = self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            with self.stopped(first):
                self.wait_until(lambda: self.is_led_by(1))
                time.sleep(1)
            self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        self.judge(self.accepted)

    def test_three_come_and_all_but_one_leave(self) -> None:
        self.begin_all(3)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(3))
            for replica in self.replicas[:2]:
                replica.end(signal.SIGTERM)
            self.wait_until(lambda: self.is_led_by(1))
        self.wait_for_all()
        self.judge(self.accepted)

    # --- what is not handed over ---

    def test_tasks_that_run_keep_their_tenant_where_it_is(self) -> None:
        (first,) = self.begin(1, *ALL, "--set", "engine.log_level=info")
        self.make_tenants(first)
        gate, ledger = self.folder / "gate", self.folder / "ledger"
        long = LONG.replace("GATE", str(gate)).replace("LEDGER", str(ledger))
        runs = [self.submit(first, tenant, long) for tenant in TENANTS]
        self.wait_until(
            lambda: ledger.exists() and len(ledger.read_text().split()) == 4
        )
        self.replicas.append(Replica("r1", self.folder, dict(self.env)))
        self.replicas[-1].start(*ALL)
        self.wait_until(lambda: "tried again" in first.log(), 60)
        self.assertTrue(self.is_led_by(1))
        gate.touch()
        self.wait_for_all()
        # Each ran once, under its first attempt.
        ran = ledger.read_text().split()
        self.assertEqual(sorted(ran), sorted(f"{run}/a/1" for run in runs))

    # --- what goes with the tenants ---

    def test_streams_and_schedules_go_on_with_whoever_leads(self) -> None:
        first, second = self.begin_all(2)
        for tenant in TENANTS:
            made = first.ask(
                "POST", "/workflows", {"source": TICK}, key=self.keys[tenant]
            )
            self.assertIn(made.status, (200, 201), made.body)
        self.wait_until(lambda: self.is_led_by(2))
        second.end(signal.SIGKILL)
        self.wait_until(lambda: self.is_led_by(1))
        second.start(*ALL)
        self.wait_until(lambda: self.is_led_by(2))
        for tenant in TENANTS:
            self.check_times(tenant)

    def check_times(self, tenant: str) -> None:
        """Each nominal time has one run, and they go on."""

        def times() -> list[Any]:
            items = first.get("/runs?limit=200", self.keys[tenant])["items"]
            return [item["nominal_at"] for item in items]

        first = self.replicas[0]
        before = times()
        self.assertEqual(len(before), len(set(before)), before)
        self.wait_until(lambda: len(set(times()) - set(before)) >= 2)

    # --- the command line ---

    def by_default_tenant(self) -> tuple[Replica, Replica]:
        """Who leads the tenant of the command line, and who does not."""

        def leads(replica: Replica) -> bool:
            return any(
                x["pid"] == replica.pid and x["low"] <= DEFAULT_HASH < x["high"]
                for x in replica.get("/system")["leaders"]
            )

        self.wait_until(lambda: sum(map(leads, self.replicas)) == 1)
        first, second = self.replicas
        return (first, second) if leads(first) else (second, first)

    def test_the_command_line_works_on_the_host_of_any_leader(self) -> None:
        self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        flow = self.folder / "where.yaml"
        ledger = self.folder / "where"
        flow.write_text(WHERE.replace("LEDGER", str(ledger)))
        leads, other = self.by_default_tenant()
        for replica in (leads, other):
            done = replica.cli("run", str(flow))
            self.assertEqual(done.code, 0, done.err + self.logs())
        places = {place.rsplit("/", 2)[1] for place in ledger.read_text().split()}
        self.assertEqual(places, {leads.name})
        gate = self.folder / "never"
        flow.write_text(LONG.replace("GATE", str(gate)).replace("LEDGER", str(ledger)))
        run = other.cli("run", "--detach", str(flow)).out.strip()
        done = other.cli("cancel", run)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(
            self.sql(f"SELECT state FROM @run WHERE id = '{run}'"), "cancelled"
        )

    def test_the_command_line_leads_no_others_in_the_place_of_a_server(self) -> None:
        self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        flow = self.folder / "where.yaml"
        flow.write_text(WHERE.replace("LEDGER", str(self.folder / "where")))
        _, other = self.by_default_tenant()
        other.end(signal.SIGTERM)  # what it led is nobody's for a second
        done = other.cli("run", str(flow))
        self.assertEqual(done.code, 0, done.err)
        self.wait_until(lambda: self.is_led_by(1))

    # --- what cannot be ---

    def test_executors_have_one_leader(self) -> None:
        replica = Replica("r0", self.folder, dict(self.env))
        done = replica.cli("server", *ALL, "--set", "engine.runtime=remote")
        self.assertEqual(done.code, 78, done.err)
        self.assertIn("engine.leaders", done.err)

    def test_one_leader_takes_together_what_several_had(self) -> None:
        self.begin_all(2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            for replica in self.replicas:
                replica.end(signal.SIGKILL)
            self.replicas[1].start()
            self.wait_until(lambda: self.is_led_by(1))
            self.replicas[0].start()
            self.assertTrue(self.replicas[0].ask("GET", "/readyz").json())
        self.wait_for_all()
        self.judge(self.accepted)
        self.assertFalse(self.replicas[0].leads())
        self.assertTrue(self.is_led_by(1))


if __name__ == "__main__":
    unittest.main()
