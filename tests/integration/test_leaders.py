#!/usr/bin/python3
"""Servers that share a PostgreSQL and all lead, each the runs of some tenants: ranges
of tenants go from one to another when one comes, ends or dies, and nothing is lost or
done twice on the way."""
# ctest: timeout=600

import signal
import time
import unittest
import urllib.request
from typing import Any

from ff_cli import PATIENCE
from ff_leaders import ALL, TENANTS, LeadersTest
from ff_replicas import LONG, Replica

MEASURED = ("--set", "server.metrics_listen=127.0.0.1:0")
SOON = 5.0  # seconds: the lease, and a look at it
DEFAULT_HASH = 1452414493  # of the tenant of the command line

WHERE = """flowforge: 1
name: where
tasks:
  here: {run: echo "$FLOWFORGE_API_ENDPOINT" >> LEDGER}
"""
TICK = """flowforge: 1
name: tick
triggers:
  interval: {every: 1s}
tasks:
  a: {run: "true"}
"""


def led_ratio(replica: Replica) -> float:
    """The part of all tenants that it says it leads."""
    assert replica.process
    replica.process.wait_for("/metrics\n")
    url = replica.process.seen.split()[-1]
    with urllib.request.urlopen(url, timeout=PATIENCE) as page:
        lines = page.read().decode().splitlines()
    (value,) = (x.split()[1] for x in lines if x.startswith("flowforge_led_ratio "))
    return float(value)


class Leaders(LeadersTest):
    # --- coming and going ---

    def test_who_comes_gets_tenants_of_whoever_leads(self) -> None:
        first, second = self.begin_all(2, *MEASURED)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            for replica in (first, second):  # as it saw them last
                self.wait_until(
                    lambda r=replica: self.told(r) == {first.pid, second.pid}
                )
                ready = replica.ask("GET", "/readyz").json()["checks"]
                self.assertEqual((ready["leads"], ready["led"]), (True, True))
            self.assertAlmostEqual(led_ratio(first) + led_ratio(second), 1, 5)
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
                self.assertLess(took, SOON)
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
        # They go as soon as nothing of them runs, and not only a minute after that.
        self.wait_until(lambda: self.is_led_by(2), 30)
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
