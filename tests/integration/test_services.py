#!/usr/bin/python3
"""The services as programs of their own: flowforge-api-server, flowforge-controller and
flowforge-executor, configured by the deployment guide's file and by variables alone, on
a PostgreSQL and a Redis with passwords."""
# ctest: timeout=600

import http.client
import json
import secrets
import signal
import socket
import subprocess
import time
import unittest
from typing import Any

import jwt
from ff_api import UnixConnection
from ff_cli import BIN, PATIENCE, SOURCE, CliTest, Process
from postgres import Postgres, free_port
from redis_server import Redis

CONFIG = SOURCE / "tests/integration/guide/config.yaml"
SERVERS = ("flowforge-api-server", "flowforge-controller")
EXECUTOR = "flowforge-executor"
FLOW = """flowforge: 1
name: one
tasks:
  a: {run: echo first}
  b: {needs: a, run: echo second}
"""


class ServicesTest(CliTest):
    postgres: Postgres
    redis: Redis

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.postgres = cls.enterClassContext(Postgres())
        cls.redis = cls.enterClassContext(Redis(password="redis-secret"))

    def setUp(self) -> None:
        super().setUp()
        self.ports = {name: free_port() for name in ("http", "executors", *SERVERS)}
        self.secret = secrets.token_hex(32)
        token = self.file("executor.token", secrets.token_hex(32))
        (self.folder / "executor.token").chmod(0o600)
        self.file("jwt.secret", self.secret)
        (self.folder / "jwt.secret").chmod(0o600)
        # What the guide says of these is overridden, as by who installs it.
        self.env |= {
            "FLOWFORGE_CONFIG": self.config(),
            "FLOWFORGE_DATABASE_HOST": "127.0.0.1",
            "FLOWFORGE_DATABASE_PORT": str(self.postgres.port),
            "FLOWFORGE_DATABASE_PASSWORD": self.postgres.password,
            "FLOWFORGE_DATABASE_UNSAFE_DURABILITY": "true",
            "FLOWFORGE_DATABASE_INSECURE": "true",
            "FLOWFORGE_REDIS_ADDRESSES": f"127.0.0.1:{self.redis.port}",
            "FLOWFORGE_REDIS_PASSWORD": self.redis.password,
            "FLOWFORGE_REDIS_DB": "3",
            "FLOWFORGE_REDIS_INSECURE": "true",
            "FLOWFORGE_AUTH_JWT_SECRET_FILE": str(self.folder / "jwt.secret"),
            "FLOWFORGE_AUTH_EXECUTOR_TOKEN_FILE": token,
            "FLOWFORGE_ENGINE_DATA_DIR": str(self.data),
            "FLOWFORGE_ENGINE_RUNTIME": "remote",
            "FLOWFORGE_SERVER_HTTP_PORT": str(self.ports["http"]),
            "FLOWFORGE_SERVER_EXECUTOR_LISTEN": f"127.0.0.1:{self.ports['executors']}",
            "FLOWFORGE_EXECUTOR_SERVERS": f"http://127.0.0.1:{self.ports['executors']}",
            "FLOWFORGE_EXECUTOR_DIR": str(self.folder / "executor"),
        }

    def config(self) -> str:
        """The guide's file without the secret, which is given by a file here: both at
        once would be refused as they stand, one in the file and one above it."""
        lines = CONFIG.read_text().splitlines(keepends=True)
        text = "".join(s for s in lines if "jwt_secret" not in s)
        return self.file("config.yaml", text)

    def of_executors(self) -> dict[str, str]:
        """What is for servers alone is not in it."""
        own = ("FLOWFORGE_EXECUTOR_", "FLOWFORGE_AUTH_EXECUTOR_")
        return {
            k: v
            for k, v in self.env.items()
            if k.startswith(own) or not k.startswith("FLOWFORGE_")
        }

    def begin(self, program: str, *args: str) -> Process:
        env = self.of_executors() if program == EXECUTOR else dict(self.env)
        if program in self.ports:
            env["FLOWFORGE_SERVER_METRICS_PORT"] = str(self.ports[program])
        popen = subprocess.Popen(
            [BIN / program, "--verbose", *args],
            env=env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process = Process(popen)
        self.processes.append(process)
        return process

    def refused(self, program: str, *args: str, code: int = 78) -> str:
        done = subprocess.run(
            [BIN / program, *args],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr if code else done.stdout

    def fetch(self, port: int, path: str, credential: str = "") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        connection.request("GET", path, headers=headers)
        got = connection.getresponse()
        body = got.read().decode()
        connection.close()
        return got.status, body

    def api(self, method: str, path: str, body: Any = None) -> Any:
        connection = UnixConnection(str(self.data / "api.sock"))
        text = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        connection.request(method, "/api/v1" + path, text, headers)
        got = json.loads(connection.getresponse().read())
        connection.close()
        return got

    def token(self, secret: str, life: int = 600) -> str:
        claims = {"iss": "flowforge", "aud": "flowforge", "sub": "ada"}
        claims |= {"tenant": "default"}
        return jwt.encode(
            {**claims, "roles": ["operator"], "exp": int(time.time()) + life},
            secret,
            algorithm="HS256",
        )


class Services(ServicesTest):
    def begin_all(self) -> list[Process]:
        """On one host, whose data directory they share."""
        all_of_them = [self.begin(name) for name in SERVERS]
        for process in all_of_them:
            process.wait_for("\n")
        all_of_them.append(self.begin(EXECUTOR))
        all_of_them[-1].wait_for_err("registered with")
        return all_of_them

    def test_they_stand_on_the_guides_file_and_on_variables(self) -> None:
        all_of_them = self.begin_all()
        http_port = self.ports["http"]
        said = [process.seen for process in all_of_them[:2]]
        self.assertIn(f"listening on http://127.0.0.1:{http_port}\n", said[0])
        self.assertNotIn("listening", said[1])
        self.check_health()
        run = self.api("POST", "/runs", {"source": FLOW})["id"]
        end = time.monotonic() + PATIENCE
        while (state := self.api("GET", f"/runs/{run}")["state"]) != "succeeded":
            self.assertIn(state, ("pending", "running"))
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertIn(
            "second", json.dumps(self.api("GET", f"/runs/{run}/tasks/b/logs"))
        )
        self.assertIn(" db=3 ", self.redis.call("CLIENT", "LIST"))
        self.check_credentials(http_port)
        for process in reversed(all_of_them):
            ended = process.end(signal.SIGTERM)
            self.assertEqual(ended.code, 0, ended.err)
            for secret in (self.postgres.password, self.redis.password, self.secret):
                self.assertNotIn(secret, ended.out + ended.err)

    def check_health(self) -> None:
        for name in SERVERS:
            port = self.ports[name]
            for path in ("/livez", "/healthz", "/readyz"):
                self.assertEqual(self.fetch(port, path)[0], 200, f"{name} {path}")
            self.assertIn("\nflowforge_leader ", self.fetch(port, "/metrics")[1])

    def check_credentials(self, port: int) -> None:
        for made, status in (
            (self.token(self.secret), 200),
            (self.token(self.secret, life=-600), 401),
            (self.token("change-me"), 401),
            (self.token(secrets.token_hex(32)), 401),
        ):
            self.assertEqual(self.fetch(port, "/api/v1/me", made)[0], status)

    def test_who_does_not_come_to_the_end_of_a_request_is_let_go(self) -> None:
        self.env["FLOWFORGE_SERVER_READ_TIMEOUT"] = "300ms"
        self.begin(SERVERS[0]).wait_for("\n")
        place = ("127.0.0.1", self.ports["http"])
        with socket.create_connection(place, timeout=PATIENCE) as slow:
            slow.sendall(b"GET /livez HTTP/1.1\r\nHost: ")
            while slow.recv(4096):
                pass

    def test_a_flag_wins_over_a_variable_over_the_file(self) -> None:
        port = free_port()
        api = self.begin(SERVERS[0], "--set", f"server.http_port={port}")
        api.wait_for(f"http://127.0.0.1:{port}\n")
        self.assertEqual(api.end(signal.SIGTERM).code, 0)
        api = self.begin(SERVERS[0], "--config", self.config())
        api.wait_for(f"http://127.0.0.1:{self.ports['http']}\n")
        self.assertEqual(api.end(signal.SIGTERM).code, 0)

    def test_port_0_is_any_and_is_told_as_json(self) -> None:
        self.env["FLOWFORGE_SERVER_HTTP_PORT"] = "0"
        seen = set()
        for number in range(2):
            self.env["FLOWFORGE_ENGINE_DATA_DIR"] = f"{self.data}{number}"
            self.ports[SERVERS[0]] = free_port()
            api = self.begin(SERVERS[0], "-o", "json")
            api.wait_for("\n")
            seen.add(json.loads(api.seen)["url"])
        self.assertEqual(len(seen), 2)
        for url in seen:
            self.assertEqual(self.fetch(int(url.rpartition(":")[2]), "/livez")[0], 200)


class Refusals(ServicesTest):
    def test_a_mistake_is_told_with_its_line_by_whoever_reads_it(self) -> None:
        text = (self.folder / "config.yaml").read_text()
        wrong = text.replace("http_port", "htp_port")
        self.env["FLOWFORGE_CONFIG"] = self.file("wrong.yaml", wrong)
        for name in SERVERS:
            self.assertRegex(
                self.refused(name),
                r"wrong\.yaml:2:\d+: server has no setting htp_port.*http_port",
            )
        self.env = self.of_executors()
        wrong = self.file("wrong.yaml", "executor: {plces: 3}\n")
        self.assertRegex(
            self.refused(EXECUTOR, "--config", wrong),
            r"wrong\.yaml:1:\d+: executor has no setting plces",
        )

    def test_the_servers_file_is_not_for_executors(self) -> None:
        said = self.refused(EXECUTOR)
        self.assertRegex(said, r"config\.yaml:\d+:\d+: database\.password is a secret")
        self.assertIn("Give executors a file of their own", said)

    def test_a_secret_that_everybody_knows_lets_nobody_serve(self) -> None:
        del self.env["FLOWFORGE_AUTH_JWT_SECRET_FILE"]
        self.env["FLOWFORGE_AUTH_JWT_SECRET"] = "change-me"
        self.assertIn("begins like a placeholder", self.refused(SERVERS[0]))

    def test_programs_explain_themselves_and_have_one_role(self) -> None:
        for name in SERVERS:
            told = self.refused(name, "--help", code=0)
            self.assertIn(f"usage: {name} [OPTIONS]", told)
            self.assertIn("--metrics-listen ADDRESS:PORT", told)
            self.assertNotIn("--roles", told)
            role = name.split("-")[1]
            self.assertIn(f"role {role}", self.refused(name, "--version", code=0))
            self.assertIn("one role", self.refused(name, "--roles", "api"))
            self.refused(name, "word", code=2)
        self.assertIn(f"Usage: {EXECUTOR}", self.refused(EXECUTOR, "--help", code=0))


if __name__ == "__main__":
    unittest.main()
