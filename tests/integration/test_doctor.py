#!/usr/bin/python3
"""`flowforge doctor` where a server that it needs is away or lets nobody in: that check
is bad and says why, and the others are made all the same."""

import sys
import unittest
from typing import Any

from ff_cli import SOURCE, CliTest, Result
from postgres import Postgres
from redis_server import Redis

HELLO = str(SOURCE / "examples/hello/hello.yaml")
CHECKS = ["store", "owner", "version", "queue", "slots", "artifacts", "paused"]
UNKNOWN = "not looked at: the store could not be opened"


class Doctor(CliTest):
    def checks(self, said: Result) -> dict[str, Any]:
        """All of them, in the order in which they are told."""
        found = {check["check"]: check for check in said.json()}
        self.assertEqual(list(found), CHECKS)
        return found

    def use_postgres(self, server: Postgres, **others: str) -> None:
        self.env["FLOWFORGE_ENGINE_STORE"] = "store-postgres"
        for key, value in server.by_address(**others).items():
            self.env[f"FLOWFORGE_DATABASE_{key.upper()}"] = value

    def assert_store_is_bad(self, server: Postgres, *why: str) -> None:
        found = self.checks(self.call("doctor", "-o", "json", expect=1))
        store = found.pop("store")
        self.assertIs(store["ok"], False)
        self.assertIn("store-postgres could not be opened: ", store["says"])
        for word in why:
            self.assertIn(word, store["says"])
        self.assertIn("flowforge config show", store["remedy"])
        for name in ("owner", "slots", "paused"):
            check = found.pop(name)
            self.assertEqual((check["ok"], check["says"]), (None, UNKNOWN))
            self.assertLessEqual(set(check), {"check", "ok", "says"})
        self.assertEqual(list(found), ["version", "queue", "artifacts"])
        for check in found.values():
            self.assertIs(check["ok"], True, check)
        said = self.call("doctor", expect=1)
        self.assertEqual(said.err, "")
        self.assertRegex(said.out, r"(?m)^bad store +store-postgres could not be")
        self.assertRegex(said.out, rf"(?m)^\?   owner +{UNKNOWN}")
        self.assertRegex(said.out, r"(?m)^ok  queue +queue-memory carries messages")
        self.assertNotIn(server.password, said.out)
        self.call("doctor", "store", expect=1)
        self.call("doctor", "version", "queue")

    def test_a_postgres_that_is_down_or_refuses_us_is_one_bad_check(self) -> None:
        with Postgres() as server:
            self.use_postgres(server)
            self.call("run", HELLO)
            found = self.checks(self.call("doctor", "-o", "json"))
            self.assertEqual({check["ok"] for check in found.values()}, {True})
            self.use_postgres(server, password="wrong-4711")
            self.assert_store_is_bad(server, "password authentication failed")
            self.use_postgres(server)
            server.stop()
            self.assert_store_is_bad(server, "127.0.0.1", str(server.port))
            self.assertIn("PostgreSQL", self.call("list", expect=69).err)

    def test_a_redis_that_refuses_us_is_one_bad_check(self) -> None:
        with Redis(password="right-4711") as server:
            self.env.update(server.environment(password="wrong-4711"))
            self.env["FLOWFORGE_ENGINE_QUEUE"] = "queue-redis"
            found = self.checks(self.call("doctor", "-o", "json", expect=1))
            queue = found.pop("queue")
            self.assertIs(queue["ok"], False)
            self.assertRegex(queue["says"], "^queue-redis: .*(WRONGPASS|password)")
            self.assertNotIn("4711", queue["says"])
            self.assertIn("engine.queue", queue["remedy"])
            self.assertEqual({check["ok"] for check in found.values()}, {True})

    def test_both_are_told_at_once(self) -> None:
        with Postgres() as server, Redis() as redis:
            self.use_postgres(server)
            self.env.update(redis.environment())
            self.env["FLOWFORGE_ENGINE_QUEUE"] = "queue-redis"
            server.stop()
            redis.stop()
            found = self.checks(self.call("doctor", "-o", "json", expect=1))
            bad = [name for name, check in found.items() if check["ok"] is False]
            self.assertEqual(bad, ["store", "queue"])

    def test_settings_that_are_wrong_are_told_as_ever(self) -> None:
        said = self.call("doctor", "--set", "engine.store=store-of-nobody", expect=78)
        self.assertIn("store-of-nobody", said.err)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
