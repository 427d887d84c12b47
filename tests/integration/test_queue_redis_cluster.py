#!/usr/bin/python3
"""The engine on a Redis cluster: the slot of its keys moves from node to node, and the
node that has it is killed, while work goes on; nothing is lost, nothing runs twice.
"""
# ctest: timeout=900

import sys
import unittest
from collections.abc import Callable

from ff_cli import CliTest, Process
from redis_cluster import Cluster
from redis_sentinel import wait
from redis_server import Redis

# The last 40 wait until something has happened.
LOAD = """\
flowforge: 1
name: load
tasks:
  each:
    foreach: ${{ range(60) }}
    max_parallel: 4
    env: {ITEM: "${{ item }}"}
    run: |
      if [ "$ITEM" -ge 20 ]; then
        touch held
        until [ -e over ]; do sleep 0.05; done
      fi
      echo "$ITEM" >> ledger
"""
WAKES = "{flowforge}@0:start"


def hears(node: Redis) -> bool:
    """Somebody listens there for what is to be started."""
    return WAKES in node.call("PUBSUB", "SHARDCHANNELS").splitlines()


class OnCluster(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.cluster = self.enterContext(Cluster())
        self.slot = self.cluster.slot()
        self.owner = self.cluster.owner(self.slot)
        self.use(self.owner)

    def use(self, node: Redis) -> None:
        self.env["FLOWFORGE_REDIS_ADDRESSES"] = f"127.0.0.1:{node.port}"

    def work_through(self, change: Callable[[Process], object]) -> str:
        owner = self.start("run", self.file("load.yaml", LOAD))
        wait((self.folder / "held").exists)
        change(owner)
        (self.folder / "over").touch()
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        ledger = (self.folder / "ledger").read_text().splitlines()
        self.assertEqual([str(i) for i in range(60)], sorted(ledger, key=int))
        return done.err

    def test_a_slot_that_moves_takes_the_work_with_it(self) -> None:
        other, third = self.cluster.others(self.owner)
        self.use(other)

        def go_round(_: Process) -> None:
            at = self.owner
            self.assertTrue(hears(at))
            for to in (other, third, self.owner):
                self.cluster.move_slot(self.slot, at, to)
                wait(lambda s=to: hears(s))
                at = to

        self.work_through(go_round)
        for node in self.cluster.others(self.owner):
            self.assertEqual("", node.call("KEYS", "*"))

    def test_what_comes_while_the_slot_moves_waits(self) -> None:
        other = self.cluster.others(self.owner)[0]

        def change(engine: Process) -> None:
            def work_on() -> None:
                (self.folder / "over").touch()
                engine.wait_for_err("on their way to another node")
                self.assertEqual("", other.call("KEYS", "*"))

            self.cluster.move_slot(self.slot, self.owner, other, work_on)

        self.work_through(change)
        self.assertEqual("", self.owner.call("KEYS", "*"))

    def test_a_node_that_is_killed_is_left_for_its_replica(self) -> None:
        """No other node stands in the settings."""
        at = self.cluster.primaries.index(self.owner)
        replica = self.cluster.replicas[at]

        def kill(_: Process) -> None:
            self.cluster.notice_deaths()
            self.owner.stop()
            wait(lambda: replica.call("ROLE").startswith("master"))
            wait(lambda: hears(replica))

        said = self.work_through(kill)
        self.assertIn(f"Redis at 127.0.0.1:{self.owner.port}: ", said)

    def test_the_doctor_finds_the_node(self) -> None:
        self.use(self.cluster.replicas[0])
        (said,) = self.call("doctor", "queue", "-o", "json").json()
        self.assertIn("queue-redis carries messages", said["says"])


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
