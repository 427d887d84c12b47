#!/usr/bin/python3
"""The configuration of the deployment guide: its file as it stands, variables over it,
what of it is refused, and a server that stands on PostgreSQL and Redis by it alone.
"""
# ctest: timeout=300

import json
import sys
import time
import unittest
import urllib.request
from typing import Any

import jwt
from ff_api import ApiTest
from ff_cli import SOURCE, Result
from postgres import DATABASE, Postgres, free_port
from redis_server import Redis

CONFIG = str(SOURCE / "tests/integration/guide/config.yaml")
SAID = {
    "server.http_port": "8080",
    "server.grpc_port": "9090",
    "server.metrics_port": "9091",
    "server.read_timeout": "30s",
    "database.host": "postgres",
    "database.port": "5432",
    "database.user": "flowforge",
    "database.password": "***",
    "database.database": "flowforge",
    "database.ssl_mode": "disable",
    "redis.addresses": "redis:6379",
    "redis.db": "0",
    "auth.jwt_secret": "***",
    "auth.token_ttl": "24h",
    "auth.task_token_ttl": "24h",
}
FOLLOWS = {
    "engine.store": "store-postgres",
    "engine.queue": "queue-redis",
    "server.auth": "auth-jwt",
}
FLOW = """flowforge: 1
name: guide
tasks:
  only: {run: exit 0}
"""


class Guide(ApiTest):
    postgres: Postgres
    redis: Redis
    metrics: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.postgres = cls.enterClassContext(Postgres())
        cls.redis = cls.enterClassContext(Redis(password="redis-secret"))

    def setUp(self) -> None:
        super().setUp()
        self.env["FLOWFORGE_CONFIG"] = CONFIG

    def use_servers(self) -> None:
        """Those here, in place of those that the guide calls postgres and redis."""
        self.env |= {
            "FLOWFORGE_DATABASE_HOST": "127.0.0.1",
            "FLOWFORGE_DATABASE_PORT": str(self.postgres.port),
            "FLOWFORGE_DATABASE_PASSWORD": self.postgres.password,
            "FLOWFORGE_DATABASE_UNSAFE_DURABILITY": "true",
            "FLOWFORGE_REDIS_ADDRESSES": f"127.0.0.1:{self.redis.port}",
            "FLOWFORGE_REDIS_PASSWORD": self.redis.password,
            "FLOWFORGE_REDIS_DB": "3",
            "FLOWFORGE_SERVER_HTTP_PORT": "0",
            "FLOWFORGE_SERVER_METRICS_PORT": str(free_port()),
        }

    def shown(self) -> tuple[dict[str, Any], Result]:
        done = self.call("config", "show", "--sources", "-o", "json")
        return {f"{s['section']}.{s['key']}": s for s in done.json()}, done

    def start_server(self, *words: str) -> None:
        self.server = self.start("server", "-o", "json", *words)
        self.server.wait_for("\n")
        said = json.loads(self.server.seen)
        self.port = int(said["url"].rpartition(":")[2])
        self.metrics = str(said["metrics"])

    def token(self, secret: str) -> str:
        claims = {
            "iss": "flowforge",
            "aud": "flowforge",
            "sub": "ada",
            "tenant": "default",
            "roles": ["operator"],
            "exp": int(time.time()) + 600,
        }
        return jwt.encode(claims, secret, algorithm="HS256")

    def test_each_key_of_the_file_is_known_and_taken(self) -> None:
        settings, done = self.shown()
        for name, value in SAID.items():
            self.assertEqual(settings[name]["value"], value, name)
            self.assertEqual(settings[name]["source"], "file", name)
        for name, value in FOLLOWS.items():
            self.assertEqual(settings[name]["value"], value, name)
        warnings = [line for line in done.err.splitlines() if "kubernetes" not in line]
        self.assertEqual(warnings, [])

    def test_a_variable_wins_over_each_of_them(self) -> None:
        for name in SAID:
            variable = "FLOWFORGE_" + name.replace(".", "_").upper()
            kind = name.rpartition(".")[2].rpartition("_")[2]
            values = {"mode": "disable", "timeout": "77s", "ttl": "77s"}
            self.env[variable] = values.get(kind, "77")
        settings, _ = self.shown()
        for name in SAID:
            self.assertEqual(settings[name]["source"], "environment", name)

    def test_what_is_said_of_a_driver_wins_over_what_follows(self) -> None:
        self.env["FLOWFORGE_ENGINE_STORE"] = "store-sqlite"
        self.env["FLOWFORGE_ENGINE_QUEUE"] = "queue-memory"
        settings, _ = self.shown()
        self.assertEqual(settings["engine.store"]["value"], "store-sqlite")
        self.assertEqual(settings["engine.queue"]["value"], "queue-memory")

    def test_a_mistake_is_told_with_its_line(self) -> None:
        text = (SOURCE / "tests/integration/guide/config.yaml").read_text()
        wrong = text.replace("http_port", "htp_port")
        self.env["FLOWFORGE_CONFIG"] = self.file("wrong.yaml", wrong)
        done = self.call("server", expect=78)
        self.assertRegex(
            done.err, r"wrong\.yaml:2:\d+: server has no setting htp_port.*http_port"
        )

    def test_what_others_could_read_or_guess_is_refused(self) -> None:
        done = self.call("server", expect=78)
        self.assertIn("ssl_mode disable", done.err)
        self.use_servers()
        done = self.call("server", expect=78)
        self.assertIn("jwt_secret: it begins like a placeholder", done.err)

    def test_a_wrong_password_of_redis_is_told(self) -> None:
        self.use_servers()
        self.env["FLOWFORGE_REDIS_PASSWORD"] = "wrong"
        self.start_server("--dev")
        self.server.wait_for_err("it refuses the user or the password")

    def test_a_server_stands_on_postgresql_and_redis(self) -> None:
        self.use_servers()
        self.start_server("--dev")
        self.server.wait_for_err("server.grpc_port: there is no gRPC in this version")
        good = self.token("change-me")
        self.assertEqual(self.get("/me", good)["subject"], "ada")
        self.get("/me", self.token("not that one"), status=401)
        path = self.file("guide.yaml", FLOW)
        run = self.call("run", "-q", "--detach", path).out.strip()
        self.call("resume", run, "-q")
        seen = self.get(f"/runs/{run}", good)
        self.assertEqual(seen["state"], "succeeded")
        rows = "SELECT count(*) FROM flowforge.run"
        self.assertEqual(self.postgres.sql(rows), "1")
        self.assertIn(" db=3 ", self.redis.call("CLIENT", "LIST"))
        self.assertFalse((self.data / "flowforge.db").exists())
        with urllib.request.urlopen(self.metrics) as shown:
            self.assertIn(b"flowforge_runs_ended_total", shown.read())

    def test_a_url_stands_for_the_settings_of_the_database(self) -> None:
        self.use_servers()
        p = self.postgres
        for name in ("HOST", "PORT", "PASSWORD"):
            del self.env[f"FLOWFORGE_DATABASE_{name}"]
        self.env["FLOWFORGE_CONFIG"] = "/dev/null"
        self.env["FLOWFORGE_DATABASE_URL"] = (
            f"postgresql://flowforge:{p.password}@127.0.0.1:{p.port}/{DATABASE}"
        )
        self.call("list")
        self.assertFalse((self.data / "flowforge.db").exists())
        self.env["FLOWFORGE_DATABASE_URL"] += "?fsync=off"
        done = self.call("list", expect=78)
        self.assertNotIn(p.password, done.err)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
