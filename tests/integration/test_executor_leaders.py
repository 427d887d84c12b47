#!/usr/bin/python3
"""Servers that all lead, each the runs of some tenants, and executors that work for
all of them: places go where they are wanted, and nothing is lost or done twice when a
server or an executor dies."""
# ctest: timeout=600

import contextlib
import signal
import unittest
from pathlib import Path

from ff_cli import Process
from ff_executor import ExecutorHosts
from ff_leaders import TENANTS, LeadersTest
from ff_replicas import LONG, Replica
from postgres import free_port

LEASE = "6s"
SDK = """flowforge: 1
name: sdk
tasks:
  speaks:
    outputs: {said: sdk}
    run: |
      python3 - <<'END'
      from flowforge import client
      client.output("said", "yes")
      assert client.flush()
      END
  hears:
    needs: [speaks]
    env: {SAID: "${{ tasks.speaks.outputs.said }}"}
    run: echo "$SAID" >> LEDGER
"""
CHOOSY = """flowforge: 1
name: choosy
tasks:
  a: {node_selector: {gpu: "yes"}, run: echo "$PWD" >> LEDGER}
"""


class ExecutorsOfLeaders(ExecutorHosts, LeadersTest):
    def setUp(self) -> None:
        super().setUp()
        self.processes: list[Process] = []
        self.ports = [free_port() for _ in range(2)]
        self.make_token()
        self.addCleanup(self.end_executors)

    def end_executors(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.end(signal.SIGKILL)
        self.end_tasks()

    def urls(self, port: int | None) -> str:
        ports = self.ports if port is None else [port]
        return ",".join(f"http://127.0.0.1:{p}" for p in ports)

    def options(self, replica: Replica) -> list[str]:
        port = self.ports[self.replicas.index(replica)]
        settings = (
            "engine.leaders=all",
            "engine.runtime=remote",
            "engine.slots=64",
            f"engine.files_dir={self.folder / 'files'}",
            f"auth.executor_token_file={self.token}",
            f"server.executor_listen=127.0.0.1:{port}",
            f"server.executor_lease={LEASE}",
        )
        return [word for s in settings for word in ("--set", s)]

    def start_one_more(self) -> Replica:
        replica = Replica(f"r{len(self.replicas)}", self.folder, dict(self.env))
        self.replicas.append(replica)
        replica.start(*self.options(replica))
        return replica

    def begin_one(self) -> Replica:
        replica = self.start_one_more()
        self.wait_until(replica.leads)
        self.make_tenants(replica)
        return replica

    def begin_two(self) -> list[Replica]:
        self.begin_one()
        self.start_one_more()
        return self.replicas

    def work_with_two(self, *args: str, places: int = 3) -> Process:
        """Two that lead, and an executor; each tenant has had something done."""
        self.begin_two()
        executor = self.ready("a", *args, places=places)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        self.judge(self.accepted)
        return executor

    def text(self, source: str) -> str:
        ledger, gate = str(self.ledger), str(self.gate)
        return source.replace("LEDGER", ledger).replace("GATE", gate)

    @property
    def ledger(self) -> Path:
        return self.folder / "said"

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    def said(self) -> list[str]:
        return self.ledger.read_text().split() if self.ledger.exists() else []

    def submit_all(self, source: str) -> list[str]:
        return [self.submit(self.replicas[0], t, self.text(source)) for t in TENANTS]

    def wait_said(self, n: int) -> list[str]:
        self.wait_until(lambda: len(self.said()) >= n)
        return self.said()

    def judge_long(self, runs: list[str]) -> None:
        """Each of their attempts went on, and was the only one."""
        self.gate.touch()
        self.wait_for_all()
        self.assertEqual(sorted(self.said()), sorted(f"{run}/a/1" for run in runs))
        names = ", ".join(f"'{run}'" for run in runs)
        states = self.sql(f"SELECT state FROM @run WHERE id IN ({names})").split()
        self.assertEqual(states, ["succeeded"] * len(runs))

    # --- who is served ---

    def test_one_place_serves_the_tenants_of_both(self) -> None:
        self.work_with_two(places=1)
        for _ in range(2):
            self.accepted += self.submit_all(self.many())
        self.wait_for_all()
        self.judge(self.accepted)
        for replica in self.replicas:
            shown = replica.get("/system/executors")["executors"]
            self.assertEqual([e["name"] for e in shown], ["a"])

    def test_tasks_speak_to_the_server_that_leads_them(self) -> None:
        self.work_with_two()
        self.submit_all(SDK)
        self.assertEqual(self.wait_said(len(TENANTS)), ["yes"] * len(TENANTS))
        self.wait_for_all()

    def test_labels_are_found_whoever_leads(self) -> None:
        self.work_with_two()
        self.ready("b", "--labels", "gpu=yes", places=1)
        self.submit_all(CHOOSY)
        places = self.wait_said(len(TENANTS))
        self.assertTrue(all(str(self.place("b")) in p for p in places), places)
        self.wait_for_all()

    # --- who comes ---

    def test_who_comes_gets_tenants_whose_tasks_run(self) -> None:
        self.begin_one()
        self.ready("a", places=len(TENANTS))
        runs = self.submit_all(LONG)
        self.wait_said(len(TENANTS))
        self.start_one_more()
        self.wait_until(lambda: self.is_led_by(2))
        self.judge_long(runs)

    def test_no_attempt_is_lost_when_one_comes(self) -> None:
        self.begin_one()
        self.ready("a", places=3)
        with self.load(self.many()):
            self.wait_until(lambda: len(self.accepted) > len(TENANTS))
            self.start_one_more()
            self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        self.judge(self.accepted)
        again = "SELECT count(*) FROM @task WHERE attempt > 1"
        self.assertEqual(self.sql(again), "0")

    # --- who dies ---

    def test_tasks_go_on_when_their_server_dies(self) -> None:
        self.work_with_two(places=len(TENANTS))
        runs = self.submit_all(LONG)
        self.wait_said(len(TENANTS))
        self.replicas[1].end(signal.SIGKILL)
        self.wait_until(lambda: self.is_led_by(1))
        self.judge_long(runs)

    def test_tasks_go_on_when_their_server_stands_still(self) -> None:
        self.work_with_two(places=len(TENANTS))
        runs = self.submit_all(LONG)
        self.wait_said(len(TENANTS))
        with self.stopped(self.replicas[1]):
            self.wait_until(lambda: self.is_led_by(1))
            self.judge_long(runs)

    def test_tasks_go_on_when_their_executor_is_another_process(self) -> None:
        executor = self.work_with_two(places=len(TENANTS))
        runs = self.submit_all(LONG)
        self.wait_said(len(TENANTS))
        executor.end(signal.SIGKILL)
        self.ready("a", places=len(TENANTS))
        self.judge_long(runs)

    def test_nothing_is_lost_when_servers_come_and_go(self) -> None:
        self.begin_two()
        self.ready("a", places=4)
        self.ready("b", places=2)
        with self.load(self.many()):
            self.wait_until(lambda: self.is_led_by(2))
            for n, signo in enumerate((signal.SIGKILL, signal.SIGTERM)):
                victim = self.replicas[n]
                victim.end(signo)
                self.wait_until(lambda: self.is_led_by(1))
                victim.start(*self.options(victim))
                self.wait_until(lambda: self.is_led_by(2))
        self.wait_for_all()
        self.judge(self.accepted)
        rows = self.sql("SELECT DISTINCT shard FROM @executor ORDER BY 1").split()
        led = self.sql("SELECT shard FROM @shard WHERE owner IS NOT NULL ORDER BY 1")
        self.assertEqual(rows, led.split())

    def test_who_leaves_leaves_all(self) -> None:
        executor = self.work_with_two()
        self.assertEqual(executor.end(signal.SIGTERM).code, 0)
        for replica in self.replicas:
            with contextlib.suppress(AssertionError):
                self.wait_until(
                    lambda r=replica: not r.get("/system/executors")["executors"], 3
                )
            self.assertEqual(replica.get("/system/executors")["executors"], [])


if __name__ == "__main__":
    unittest.main()
