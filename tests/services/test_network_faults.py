#!/usr/bin/python3
"""A network that fails between all services and PostgreSQL, or Redis: cut, cut one way
only, hanging, slow, resetting connections; for less than a lease and for longer. Each
time all services go on by themselves, nothing that was acknowledged is lost, and no
attempt runs twice.

Once each; FF_SECONDS=N goes on for so long, in an order that FF_SEED chooses."""
# ctest: timeout=600

import os
import random
import sys
import time
import unittest
from collections.abc import Callable
from dataclasses import dataclass

from ff_services import Load, Server, ServicesTest
from fresh_seed import fresh_seed
from network import Network

SECONDS = float(os.environ.get("FF_SECONDS", "0"))
SEED = fresh_seed()
SHORT_S = 1.0
LONG_S = 5.0  # than the lease of whoever leads, and of a subscriber
AGAIN_S = 12.0  # the lease is over, and pauses between tries are


@dataclass
class Fault:
    name: str
    begin: Callable[[], None]
    end: Callable[[], None]
    lasts_s: float


class Networks(ServicesTest):
    def setUp(self) -> None:
        super().setUp()
        self.network = Network(self.port_behind())
        self.addCleanup(self.network.close)
        self.env |= self.through(self.network)

    def port_behind(self) -> int:
        raise NotImplementedError

    def through(self, network: Network) -> dict[str, str]:
        raise NotImplementedError

    def faults(self) -> list[Fault]:
        net = self.network
        return [
            Fault("cut", net.cut, net.resume, SHORT_S),
            Fault("cut for long", net.cut, net.resume, LONG_S),
            Fault("no answers", net.cut_answers, net.resume, SHORT_S),
            Fault("no answers for long", net.cut_answers, net.mend, LONG_S),
            Fault("hangs, and is gone", self.hang, net.mend, LONG_S),
            Fault("slow", lambda: self.slow(0.05), lambda: self.slow(0), LONG_S),
            Fault("resets", net.reset, net.reset, SHORT_S),
        ]

    def hang(self) -> None:
        """Who was connected is not any more; who connects hears nothing."""
        self.network.cut()
        self.network.lose()

    def slow(self, seconds: float) -> None:
        self.network.slow_s = seconds

    def suffer_all(self) -> Load:
        """The load that there was, when all of it has ended."""
        dice = random.Random(SEED)
        faults = self.faults()
        until = time.monotonic() + SECONDS
        took: dict[str, float] = {}
        n_faults = 0
        self.begin_all()
        pids = self.pids()
        with self.load(2, self.many(), 1.0) as load:
            self.go_on()
            while faults or time.monotonic() < until:
                fault = faults.pop(0) if faults else dice.choice(self.faults())
                seconds = self.suffer(fault)
                took[fault.name] = max(seconds, took.get(fault.name, 0))
                n_faults += 1
        self.wait_until(lambda: self.sql("SELECT count(*) FROM @open_run") == "0")
        self.judge(load.accepted)
        self.assertEqual(self.pids(), pids, self.logs())
        after = ", ".join(f"{name} {s:.1f}" for name, s in took.items())
        print(
            f"{self.id().rsplit('.', 1)[1]}: {n_faults} faults,"
            f" {len(load.accepted)} runs, {load.n_calls} calls,"
            f" {len(load.failures)} of them failed;"
            f" they went on so many seconds after each: {after}",
            file=sys.stderr,
        )
        return load

    def suffer(self, fault: Fault) -> float:
        fault.begin()
        time.sleep(fault.lasts_s)
        fault.end()
        took = self.go_on()
        self.assertLess(took, AGAIN_S, fault.name)
        return took

    def go_on(self) -> float:
        """Seconds until a run has ended since, and one was made, and whoever serves the
        API was ready. When it comes back that run has ended, too: what had to wait
        meanwhile goes first."""
        newest = self.sql("SELECT coalesce(max(run), 0) FROM @run")
        made = f"SELECT count(*) FROM @run WHERE run > {newest}"
        n_ended = self.n_ended()
        took = self.wait_until(
            lambda: (
                self.n_ended() > n_ended
                and self.sql(made) != "0"
                and all(map(self.is_ready, self.serving()))
            )
        )
        self.wait_until(lambda: self.sql(f"{made} AND state = 'succeeded'") != "0")
        return took

    def serving(self) -> list[Server]:
        return [server for server in self.replicas if "api" in server.words]

    @staticmethod
    def is_ready(server: Server) -> bool:
        return server.ask("GET", "/readyz").status == 200


class BeforeTheStore(Networks):
    def port_behind(self) -> int:
        return self.server.port

    def through(self, network: Network) -> dict[str, str]:
        address = {"host": "127.0.0.1", "port": str(network.port)}
        return self.server.environment(
            schema=self.schema, password=self.server.password, **address
        )

    def test_whatever_the_network_to_the_store_does(self) -> None:
        load = self.suffer_all()
        # What could not be asked was said to be so, and came about later.
        for failure in load.failures:
            self.assertRegex(failure, ": (502|503) ")


class BeforeTheQueue(Networks):
    def port_behind(self) -> int:
        return self.redis.port

    def through(self, network: Network) -> dict[str, str]:
        return self.redis.environment(
            prefix=self.schema, addresses=f"127.0.0.1:{network.port}", lease="3s"
        )

    def test_whatever_the_network_to_the_queue_does(self) -> None:
        self.assertEqual(self.suffer_all().failures, [])


if __name__ == "__main__":
    unittest.main()
