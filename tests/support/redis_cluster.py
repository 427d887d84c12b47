"""A Redis cluster on the loopback address: three primaries, each with a replica.

with Cluster() as cluster:
    cluster.move_slot(slot, cluster.owner(slot), cluster.primaries[0])
    cluster.owner(slot).stop()
"""

import contextlib
from collections.abc import Callable

from redis_sentinel import wait
from redis_server import Redis, free_port

N_SLOTS = 16384


def node() -> Redis:
    return Redis(
        cluster_enabled="yes",
        cluster_port=str(free_port()),
        cluster_replica_validity_factor="0",
        repl_diskless_sync_delay="0",
    )


def id_of(server: Redis) -> str:
    return server.call("CLUSTER", "MYID")


def is_ok(server: Redis, n_nodes: int) -> bool:
    said = server.call("CLUSTER", "INFO")
    return "cluster_state:ok" in said and f"cluster_known_nodes:{n_nodes}\r" in said


def is_synced(replica: Redis) -> bool:
    return "master_link_status:up" in replica.call("INFO", "replication")


class Cluster:
    def __init__(self) -> None:
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> "Cluster":
        with self.stack as stack:
            self.primaries = [stack.enter_context(node()) for _ in range(3)]
            self.replicas = [stack.enter_context(node()) for _ in range(3)]
            self.nodes = self.primaries + self.replicas
            self.join()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.nodes:
            server.stop()
        self.stack.close()

    def join(self) -> None:
        first = self.nodes[0]
        for i, server in enumerate(self.primaries):
            ends = i * N_SLOTS // 3, (i + 1) * N_SLOTS // 3 - 1
            server.call("CLUSTER", "ADDSLOTSRANGE", *map(str, ends))
            server.call("CLUSTER", "SET-CONFIG-EPOCH", str(i + 1))
        for server in self.nodes[1:]:
            bus = server.settings["cluster-port"]
            first.call("CLUSTER", "MEET", "127.0.0.1", str(server.port), bus)
        for server in self.nodes:
            wait(lambda s=server: is_ok(s, 6))
        for primary, replica in zip(self.primaries, self.replicas, strict=True):
            replica.call("CLUSTER", "REPLICATE", id_of(primary))
        for replica in self.replicas:
            wait(lambda s=replica: is_synced(s))
        for server in self.nodes:
            wait(lambda s=server: s.call("CLUSTER", "NODES").count("slave") == 3)

    def slot(self, prefix: str = "flowforge") -> int:
        return int(self.nodes[0].call("CLUSTER", "KEYSLOT", "{" + prefix + "}"))

    def owner(self, slot: int) -> Redis:
        """Of the primaries that it began with."""
        return self.primaries[
            next(i for i in range(3) if slot < (i + 1) * N_SLOTS // 3)
        ]

    def notice_deaths(self) -> None:
        """Soon. By default that takes so long that no loaded machine makes it up."""
        for server in self.nodes:
            server.call("CONFIG", "SET", "cluster-node-timeout", "2000")

    def others(self, server: Redis) -> list[Redis]:
        return [p for p in self.primaries if p is not server]

    def move_slot(
        self,
        slot: int,
        source: Redis,
        target: Redis,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """As `redis-cli --cluster reshard` does it."""
        set_slot = ("CLUSTER", "SETSLOT", str(slot))
        target.call(*set_slot, "IMPORTING", id_of(source))
        source.call(*set_slot, "MIGRATING", id_of(target))
        meanwhile()
        where = ("127.0.0.1", str(target.port), "", "0", "30000", "KEYS")
        while keys := source.call("CLUSTER", "GETKEYSINSLOT", str(slot), "100"):
            source.call("MIGRATE", *where, *keys.splitlines())
        for server in (target, source, *self.others(target)):
            if server is not source or server.popen:
                server.call(*set_slot, "NODE", id_of(target))
