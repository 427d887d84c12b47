#!/usr/bin/python3
"""The engine on a Redis that sentinels watch: the primary is killed, and handed over as
planned, while work goes on; no task is lost, none runs twice, nothing is restarted.
"""
# ctest: timeout=900

import sys
import unittest
from collections.abc import Callable

from ff_cli import CliTest
from redis_sentinel import Sentinel, Watched, wait

# The last 40 wait until another server is the primary.
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


def is_begun(sentinel: Sentinel) -> bool:
    """It promotes no replica of which it has not heard lately."""
    try:
        return sentinel.call("SENTINEL", "FAILOVER", "mymaster") == "OK"
    except RuntimeError as refused:
        if "NOGOODSLAVE" not in str(refused):
            raise
        return False


class Sentinels(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.redis = self.enterContext(Watched())
        for key, value in self.redis.options().items():
            self.env[f"FLOWFORGE_REDIS_{key.upper()}"] = value

    def work_through(self, hand_over: Callable[[], object]) -> str:
        owner = self.start("run", self.file("load.yaml", LOAD))
        wait((self.folder / "held").exists)
        self.assertIn("flowforge@0:", self.redis.primary.call("PUBSUB", "CHANNELS"))
        hand_over()
        self.redis.wait_for_primary(self.redis.replica)
        (self.folder / "over").touch()
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        ledger = (self.folder / "ledger").read_text().splitlines()
        self.assertEqual([str(i) for i in range(60)], sorted(ledger, key=int))
        return done.err

    def test_a_primary_that_is_killed_is_left_for_the_next_one(self) -> None:
        old = f"127.0.0.1:{self.redis.primary.port}"
        said = self.work_through(self.redis.primary.stop)
        self.assertIn(f"Redis at {old}, named by the sentinel at", said)

    def test_a_planned_failover_is_followed(self) -> None:
        def hand_over() -> None:
            wait(lambda: is_begun(self.redis.sentinels[0]))

        self.work_through(hand_over)

    def test_sentinels_that_are_gone_are_passed_over(self) -> None:
        for sentinel in self.redis.sentinels[:2]:
            sentinel.stop()
        (self.folder / "over").touch()
        done = self.call("run", self.file("load.yaml", LOAD))
        self.assertNotIn("Redis", done.err)
        (said,) = self.call("doctor", "queue", "-o", "json").json()
        self.assertIn("queue-redis carries messages", said["says"])
        self.redis.sentinels[2].stop()
        said = self.call("doctor", "queue", expect=1).out
        self.assertIn("no Redis sentinel answers", said)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
