#!/usr/bin/python3
# ctest: timeout=600
"""queue-redis passes the conformance kit on a cluster, whichever node it is led to."""

import itertools
import unittest
from collections.abc import Iterator
from typing import Any

from redis_cluster import Cluster
from redis_server import Redis, free_port
from test_queue_redis import KitTest, meanwhile

RIGHTS = "on >pw ~{ff* &{ff* +@read +@write +@scripting +@pubsub +@connection +time"


class QueueRedisCluster(KitTest):
    cluster: Cluster

    @classmethod
    def setUpClass(cls) -> None:
        cls.cluster = cls.enterClassContext(Cluster())

    def test_it_passes_the_kit(self) -> None:
        text = self.check(self.cluster.primaries[0].by_address(), only=(), expect=0)
        self.assertRegex(text, r"# (\d+) of \1 passed, 0 failed, 0 skipped")

    def test_it_is_led_to_the_node_from_each_other(self) -> None:
        for node in self.cluster.nodes:
            self.check(node.by_address(), expect=0)

    def test_nothing_is_lost_while_the_slot_moves(self) -> None:
        for prefix in ("moves-1", "moves-2", "moves-3"):
            slot = self.cluster.slot(prefix)
            here = self.cluster.owner(slot)
            round_trip = itertools.pairwise(
                itertools.cycle([here, *self.cluster.others(here)])
            )

            def move(slot: int = slot, trip: Iterator[Any] = round_trip) -> None:
                self.cluster.move_slot(slot, *next(trip))

            where = here.by_address(prefix=prefix)
            with meanwhile(move, 0.2) as n_moved:
                for _ in range(50):
                    self.check(where, only=("queue/random/*",), expect=0)
                    if n_moved[0] > 0:
                        break
            self.assertGreater(n_moved[0], 0)

    def test_all_keys_are_in_one_slot(self) -> None:
        self.check(
            self.cluster.nodes[0].by_address(prefix="one"),
            only=("queue/publish/batch",),
            expect=0,
        )
        slot = self.cluster.slot("one")
        for node in self.cluster.primaries:
            keys = node.call("KEYS", "*one*").split()
            self.assertEqual(bool(keys), node is self.cluster.owner(slot))
            for key in keys:
                self.assertTrue(key.startswith("{one}:"), key)
                self.assertEqual(str(slot), node.call("CLUSTER", "KEYSLOT", key))

    def test_a_user_needs_the_rights_that_the_manual_names(self) -> None:
        for node in self.cluster.nodes:
            node.call("ACL", "SETUSER", "ff", "reset", *RIGHTS.split())
        mine = {"user": "ff", "password": "pw", "prefix": "ff{unique}"}
        where = self.cluster.nodes[0].by_address(**mine)
        self.check(where, expect=0)
        for node in self.cluster.nodes:
            node.call("ACL", "SETUSER", "ff", "+info", "+cluster|slots")
        self.check(where, expect=0)

    def test_what_a_cluster_has_not_is_told(self) -> None:
        first = self.cluster.nodes[0]
        text = self.check(first.by_address(db="1"))
        self.assertIn("a cluster has no redis.db but 0", text)
        text = self.check(first.by_address(cluster="off", command_timeout="1s"))
        self.assertIn("redis.cluster must not be off", text)
        text = self.check(first.by_address(prefix="}x"))
        self.assertIn("prefix cannot begin with }", text)

    def test_a_cluster_that_is_down_is_told(self) -> None:
        with Redis(cluster_enabled="yes", cluster_port=str(free_port())) as node:
            text = self.check(node.by_address(command_timeout="1s"))
        self.assertIn("the cluster is down (CLUSTERDOWN", text)


class QueueRedisTagged(KitTest):
    def test_a_server_that_stands_alone_may_have_the_keys_of_a_cluster(self) -> None:
        with Redis() as server:
            text = self.check(server.options(cluster="on"), only=(), expect=0)
            self.assertRegex(text, r"# (\d+) of \1 passed, 0 failed, 0 skipped")
            self.check(
                server.options(cluster="on", prefix="on"),
                only=("queue/publish/batch",),
                expect=0,
            )
            self.assertIn("{on}:", server.call("KEYS", "*on*"))


if __name__ == "__main__":
    unittest.main()
