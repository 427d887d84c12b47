#!/usr/bin/python3
# ctest: timeout=600
"""queue-redis finds its server by sentinels, and says which of both is wrong."""

import contextlib
import unittest

from redis_sentinel import MASTER, Sentinel
from redis_server import Redis, free_port
from test_queue_redis import KitTest, answering

RARELY = {"command_timeout": "1s"}


class QueueRedisSentinel(KitTest):
    primary: Redis
    replica: Redis
    sentinel: Sentinel

    @classmethod
    def setUpClass(cls) -> None:
        cls.primary = cls.enterClassContext(Redis(password="primary-7"))
        of = f"127.0.0.1 {cls.primary.port}"
        cls.replica = cls.enterClassContext(Redis(password="primary-7", replicaof=of))
        watched = {
            MASTER: of,
            "dead": f"127.0.0.1 {free_port()}",
            "demoted": f"127.0.0.1 {cls.replica.port}",
            "far": "192.0.2.1 6379",
        }
        # With a quorum that nobody reaches it decides nothing by itself.
        cls.sentinel = cls.enterClassContext(Sentinel(watched, 9))

    def options(self, **others: str) -> dict[str, str]:
        mine = {
            "addresses": f"127.0.0.1:{self.sentinel.port}",
            "sentinel_master": MASTER,
            "password": "primary-7",
        }
        return {**mine, **others}

    def test_it_passes_the_kit(self) -> None:
        text = self.check(self.options(), only=(), expect=0, secret="primary-7")
        self.assertRegex(text, r"# (\d+) of \1 passed, 0 failed, 0 skipped")

    def test_sentinels_are_asked_in_turn(self) -> None:
        with contextlib.ExitStack() as stack:
            silent = stack.enter_context(answering(b""))
            dead, live = free_port(), self.sentinel.port
            several = ", ".join(f"127.0.0.1:{p}" for p in (dead, silent, live))
            text = self.check(self.options(addresses=several), expect=0)
            self.assertNotIn("Redis sentinel", text)
            text = self.check(self.options(addresses=several.rsplit(",", 1)[0]))
            self.assertIn("no Redis sentinel answers; the last: Redis sentinel", text)
        dead_too = f"127.0.0.1:{live}, 127.0.0.1:{dead}"
        text = self.check(
            self.options(addresses=dead_too, sentinel_master="dead", **RARELY)
        )
        self.assertRegex(
            text,
            rf"Redis at 127.0.0.1:\d+, named by the sentinel at 127.0.0.1:{live}: "
            "Connection refused",
        )
        self.assertNotIn("no Redis sentinel", text)

    def test_a_primary_that_it_does_not_know_is_told(self) -> None:
        text = self.check(self.options(sentinel_master="nobody"))
        self.assertIn(f"Redis sentinel at 127.0.0.1:{self.sentinel.port}: ", text)
        self.assertIn("it watches no primary of the name redis.sentinel_master", text)

    def test_what_is_named_and_is_a_replica_is_not_used(self) -> None:
        text = self.check(self.options(sentinel_master="demoted", **RARELY))
        self.assertIn("named by the sentinel at", text)
        self.assertIn("it is a read-only replica", text)

    def test_a_server_elsewhere_is_not_asked_without_tls(self) -> None:
        text = self.check(self.options(sentinel_master="far"))
        self.assertIn("Redis at 192.0.2.1:6379, named by", text)
        self.assertIn("set redis.tls: on, or insecure", text)

    def test_a_sentinel_has_a_password_of_its_own(self) -> None:
        where = f"127.0.0.1 {self.primary.port}"
        with Sentinel({MASTER: where}, 9, password="watch-7") as sentinel:
            mine = self.options(addresses=f"127.0.0.1:{sentinel.port}")
            self.assertIn("set redis.sentinel_password", self.check(mine))
            wrong = {**mine, "sentinel_password": "wrong-7"}
            text = self.check(wrong, secret="wrong-7")
            self.assertIn("redis.sentinel_user or redis.sentinel_password", text)
            right = {**mine, "sentinel_password": "watch-7"}
            self.check(right, expect=0, secret="watch-7")
            self.check({**right, "sentinel_user": "default"}, expect=0)
            sentinel.call(
                "ACL",
                "SETUSER",
                "asks",
                "on",
                ">pw",
                "+sentinel|get-master-addr-by-name",
            )
            self.check(
                {**mine, "sentinel_user": "asks", "sentinel_password": "pw"}, expect=0
            )
        text = self.check({**mine, "sentinel_user": "default"})
        self.assertIn("a sentinel_user needs a sentinel_password", text)

    def test_a_server_and_a_sentinel_are_not_mistaken(self) -> None:
        at_server = self.options(addresses=f"127.0.0.1:{self.replica.port}")
        self.assertIn("it is no sentinel", self.check(at_server))
        text = self.check({"addresses": f"127.0.0.1:{self.sentinel.port}"})
        self.assertIn("it is a sentinel; set redis.sentinel_master", text)

    def test_an_answer_that_is_no_address_is_told(self) -> None:
        for answer in (
            b"*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
            b"*2\r\n$4\r\n/run\r\n$1\r\n1\r\n",
            b"*1\r\n$1\r\nx\r\n",
            b"*2\r\n:1\r\n:1\r\n",
            b":7\r\n",
        ):
            with self.subTest(answer=answer), answering(answer) as port:
                text = self.check(self.options(addresses=f"127.0.0.1:{port}", **RARELY))
                self.assertIn("its answer is no address", text)


if __name__ == "__main__":
    unittest.main()
