"""Servers that share a PostgreSQL and all lead, each the runs of some tenants."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from http.client import HTTPException

from ff_replicas import Replica, ReplicasTest

TENANTS = ("a", "b", "c", "d", "e", "f")
PAUSE = 0.1  # between two submits
ALL = ("--set", "engine.leaders=all")
RANGE_END = 1 << 32


class LeadersTest(ReplicasTest):
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

    def begin_all(self, n: int, *args: str) -> list[Replica]:
        self.begin(n, *ALL, *args)
        self.make_tenants(self.replicas[0])
        return self.replicas
