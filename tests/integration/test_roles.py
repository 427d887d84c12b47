#!/usr/bin/python3
"""The roles of a server: who serves the API leads nothing, who leads binds no port of
the API, and both say whether they are well. Several of each work on one PostgreSQL,
with an executor that runs the tasks."""
# ctest: timeout=600

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import unittest
from pathlib import Path
from typing import Any

from ff_api import ApiTest
from ff_cli import BIN, PATIENCE, PROGRAM, Process
from ff_replicas import Replica, ReplicasTest
from postgres import free_port

ONE = """flowforge: 1
name: one
tasks:
  a: {run: echo first}
  b: {needs: a, run: echo second}
"""
GATED = """flowforge: 1
name: gated
tasks:
  a:
    run: |
      while [ ! -e GATE ]; do sleep 0.05; done
      echo $FLOWFORGE_ATTEMPT_ID >> RAN
  b: {needs: a, run: echo second}
"""


def ask(url: str, path: str) -> tuple[int, str]:
    """What is answered at the host and port of this URL."""
    host = url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        got = connection.getresponse()
        return got.status, got.read().decode()
    finally:
        connection.close()


def is_refused(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(PATIENCE)
        return s.connect_ex(("127.0.0.1", port)) != 0


class Service(Replica):
    """A server with roles; `metrics` is where it tells how it is."""

    metrics: str
    api_port: int

    def serve(self, roles: str, *args: str) -> None:
        self.api_port = free_port()
        words = ["server", "--roles", roles, "-o", "json", *args]
        words += ["--set", f"server.http_port={self.api_port}"]
        words += ["--metrics-listen", "127.0.0.1:0", "--data-dir", str(self.data)]
        with self.log_path.open("ab") as log:
            popen = subprocess.Popen(
                [PROGRAM, *words],
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        self.process = Process(popen)
        self.process.wait_for("\n")
        said = json.loads(self.process.seen)
        self.metrics = said["metrics"]
        assert ("url" in said) == ("api" in roles), said

    def ready(self) -> dict[str, Any]:
        status, text = ask(self.metrics, "/readyz")
        assert status == 200, text
        checks: dict[str, Any] = json.loads(text)["checks"]
        return checks

    def leads(self) -> bool:
        return bool(self.ready()["leads"])

    def metric(self, name: str) -> float:
        _, text = ask(self.metrics, "/metrics")
        (line,) = (s for s in text.splitlines() if s.startswith(name + " "))
        return float(line.split()[1])


class Roles(ReplicasTest):
    def setUp(self) -> None:
        super().setUp()
        self.env["FLOWFORGE_ENGINE_FILES_DIR"] = str(self.folder / "files")
        self.services: list[Service] = []

    def service(self, name: str, roles: str, *args: str) -> Service:
        service = Service(name, self.folder, dict(self.env))
        self.replicas.append(service)
        self.services.append(service)
        service.serve(roles, *args)
        return service

    def submit(self, service: Service, source: str) -> str:
        answer = service.ask("POST", "/runs", {"source": source})
        self.assertEqual(answer.status, 201, answer.body)
        return str(answer.json()["id"])

    def wait_for(self, service: Service, run: str, state: str = "succeeded") -> None:
        self.wait_until(lambda: service.get(f"/runs/{run}")["state"] == state)

    def gated(self) -> str:
        text = GATED.replace("GATE", str(self.folder / "gate"))
        return text.replace("RAN", str(self.folder / "ran"))

    def ran(self) -> list[str]:
        path = self.folder / "ran"
        return path.read_text().split() if path.exists() else []

    # --- each for itself ---

    def test_who_serves_the_api_takes_runs_and_leads_none(self) -> None:
        api = self.service("api", "api")
        run = self.submit(api, ONE)
        self.assertEqual(api.ready(), {"store": "ok", "leads": False, "led": False})
        self.assertIsNone(api.get("/system")["leader"])
        self.assertEqual(api.metric("flowforge_leader"), 0)
        controller = self.service("controller", "controller")
        self.wait_for(api, run)
        self.wait_until(lambda: api.ready()["led"])
        self.assertEqual(api.get("/system")["leader"]["pid"], controller.pid)
        self.assertEqual(self.sql("SELECT epoch FROM @shard"), "1")
        self.assertEqual(api.end(signal.SIGTERM), 0, api.log())
        self.assertEqual(controller.end(signal.SIGTERM), 0, controller.log())

    def test_who_leads_binds_no_port_of_the_api_and_tells_how_it_is(self) -> None:
        controller = self.service("controller", "controller")
        self.wait_until(controller.leads)
        self.assertTrue(is_refused(controller.api_port))
        self.assertFalse((controller.data / "api.sock").exists())
        for path in ("/livez", "/healthz"):
            self.assertEqual(ask(controller.metrics, path), (200, '{"status":"ok"}'))
        self.assertEqual(ask(controller.metrics, "/api/v1/runs")[0], 404)
        self.assertEqual(
            controller.ready(), {"store": "ok", "leads": True, "led": True}
        )
        self.assertEqual(controller.metric("flowforge_leader"), 1)
        self.assertNotIn("address", self.api_of(controller).get("/system")["leader"])

    def api_of(self, controller: Service) -> Service:
        """An API, when it has seen that this one leads."""
        api = self.service("api", "api")
        self.wait_until(lambda: api.ready()["led"])
        self.assertEqual(api.get("/system")["leader"]["pid"], controller.pid)
        return api

    def test_a_store_that_is_away_makes_nobody_ready_and_kills_nobody(self) -> None:
        services = [
            self.service("api", "api"),
            self.service("controller", "controller"),
        ]
        self.wait_until(services[1].leads)
        self.server.crash()
        try:
            for service in services:
                self.wait_until(lambda s=service: ask(s.metrics, "/readyz")[0] == 503)
                self.assertEqual(ask(service.metrics, "/livez")[0], 200)
        finally:
            self.server.start()
        for service in services:
            self.wait_until(lambda s=service: ask(s.metrics, "/readyz")[0] == 200)
        self.wait_for(services[0], self.submit(services[0], ONE))

    def test_a_hangup_is_for_those_that_serve_no_api_too(self) -> None:
        level = ("--set", "engine.log_level=info")
        controller = self.service("controller", "controller", *level)
        self.wait_until(controller.leads)
        os.kill(controller.pid, signal.SIGHUP)
        self.wait_until(lambda: "the settings were read again" in controller.log())
        self.assertTrue(controller.leads())

    def test_tenants_have_their_names_in_the_metrics_of_a_controller(self) -> None:
        controller = self.service("controller", "controller", "--set", "engine.slots=1")
        api = self.api_of(controller)
        self.assertEqual(api.ask("POST", "/tenants", {"name": "acme"}).status, 201)
        key = {"name": "ci", "role": "admin"}
        made = api.ask("POST", "/keys?tenant=acme", key)
        self.assertEqual(made.status, 201, made.body)
        self.submit_as(api, made.json()["credential"], self.gated())
        used = 'flowforge_slots_used{tenant="acme"} 1'
        self.wait_until(lambda: used in ask(controller.metrics, "/metrics")[1])
        (self.folder / "gate").touch()

    def submit_as(self, api: Service, key: str, source: str) -> None:
        connection = http.client.HTTPConnection(
            "127.0.0.1", api.api_port, timeout=PATIENCE
        )
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"source": source})
        connection.request("POST", "/api/v1/runs", body, headers)
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()

    # --- all of them ---

    def executor(self, ports: list[int], token: Path) -> Process:
        servers = ",".join(f"http://127.0.0.1:{port}" for port in ports)
        settings = {
            "executor.dir": str(self.folder / "executor"),
            "executor.places": "4",
            "executor.servers": servers,
            "auth.executor_token_file": str(token),
        }
        words = [w for k, v in settings.items() for w in ("--set", f"{k}={v}")]
        popen = subprocess.Popen(
            [BIN / "flowforge-executor", "--name", "one", "--verbose", *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process = Process(popen)
        self.addCleanup(self.end_executor, process)
        return process

    @staticmethod
    def end_executor(process: Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.popen.kill()
        process.popen.communicate()

    def begin_all(self) -> tuple[list[Service], list[Service]]:
        """Two that serve, two that lead, and an executor that asks both of these."""
        token = self.folder / "executor.token"
        token.write_text(secrets.token_hex(32) + "\n")
        token.chmod(0o600)
        self.env["FLOWFORGE_ENGINE_RUNTIME"] = "remote"
        apis = [self.service(f"api{n}", "api") for n in (1, 2)]
        ports = [free_port(), free_port()]
        self.env["FLOWFORGE_AUTH_EXECUTOR_TOKEN_FILE"] = str(token)
        controllers = []
        for n, port in enumerate(ports, 1):
            place = f"server.executor_listen=127.0.0.1:{port}"
            controllers.append(
                self.service(f"controller{n}", "controller", "--set", place)
            )
        self.executor(ports, token).wait_for_err("registered with")
        return apis, controllers

    def test_all_of_them_together_outlive_whichever_is_killed(self) -> None:
        apis, controllers = self.begin_all()
        run = self.submit(apis[0], ONE)
        self.wait_for(apis[1], run)
        logs = apis[1].get(f"/runs/{run}/tasks/b/logs")
        self.assertIn("second", json.dumps(logs))
        gated = self.submit(apis[0], self.gated())
        self.wait_for(apis[1], gated, "running")
        self.wait_until(lambda: any(c.leads() for c in controllers))
        (leader,) = (c for c in controllers if c.leads())
        (other,) = (c for c in controllers if c is not leader)
        leader.end(signal.SIGKILL)
        apis[0].end(signal.SIGKILL)
        self.wait_until(other.leads)
        later = self.submit(apis[1], ONE)
        (self.folder / "gate").touch()
        for each in (gated, later):
            self.wait_for(apis[1], each)
        # One attempt: the executor kept it while nobody led.
        self.assertEqual(len(self.ran()), 1)
        self.assertEqual(apis[1].get("/system")["leader"]["pid"], other.pid)
        self.assertEqual(other.end(signal.SIGTERM), 0, other.log())
        self.assertEqual(apis[1].end(signal.SIGTERM), 0, apis[1].log())


class Alone(ApiTest):
    """Where the store is this host's alone."""

    def test_a_role_that_cannot_be_is_refused_with_what_would_do(self) -> None:
        for roles, said in (
            ("api", "store-postgres"),
            ("scheduler", "part of the role `controller`"),
            ("api,kontroller", 'no role "kontroller"; write api, controller'),
            (",", "write api, controller"),
        ):
            refused = self.call("server", "--roles", roles, expect=78)
            self.assertIn(said, refused.err)

    def test_a_controller_leads_what_the_command_line_submits(self) -> None:
        port = free_port()
        self.env["FLOWFORGE_SERVER_ROLES"] = "controller"
        self.env["FLOWFORGE_SERVER_HTTP_PORT"] = str(port)
        # What is not listened on may be as it likes.
        self.env["FLOWFORGE_SERVER_HOST"] = "0.0.0.0"
        server = self.start("server", "--metrics-listen", "127.0.0.1:0")
        server.wait_for("\n")
        self.assertRegex(server.seen, r"^metrics on http://127\.0\.0\.1:\d+/metrics\n$")
        done = self.call("run", self.file("one.yaml", ONE), "-o", "json")
        self.assertIn("succeeded", done.out)
        self.assertTrue(is_refused(port))
        metrics = server.seen.split()[-1]
        self.assertEqual(
            json.loads(ask(metrics, "/readyz")[1]),
            {"status": "ok", "checks": {"store": "ok", "leads": True}},
        )
        ended = server.end(signal.SIGTERM)
        self.assertEqual(ended.code, 0, ended.err)

    def test_a_process_that_nobody_can_ask_says_so(self) -> None:
        server = self.start("server", "--roles", "controller")
        server.wait_for("\n")
        self.assertEqual(server.seen, "listening nowhere\n")
        ended = server.end(signal.SIGTERM)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("server.metrics_listen is not set", ended.err)


if __name__ == "__main__":
    unittest.main()
