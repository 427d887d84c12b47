#!/usr/bin/python3
"""Where others can read the environment of tasks it holds start tickets: each is good
for one exchange, by its own attempt, while that is the current one."""
# ctest: timeout=300

import hmac
import json
import os
import secrets
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path
from typing import Any

from ff_api import Answer, ApiTest, UnixConnection
from ff_cli import BIN, PATIENCE, SOURCE

LIB = Path(os.environ.get("FLOWFORGE_LIB") or BIN.parent / "lib/flowforge")
HEADERS = SOURCE / "sdk/driver/include"
API = "/api/v1/task"

# Says what it was given, and waits.
TELLS = """flowforge: 1
name: tells
tasks:
  {tasks}
"""
TASK = """{name}:
    run: |
      env > {folder}/{name}.$FF_ATTEMPT.tmp
      mv {folder}/{name}.$FF_ATTEMPT.tmp {folder}/{name}.$FF_ATTEMPT
      read x < {folder}/{name}.gate
      exit {code}
    retry: {{max_attempts: {attempts}, delay: 0s}}
"""
SDK = """flowforge: 1
name: speaks
tasks:
  t:
    script:
      lang: python
      code: |
        import os, subprocess, sys
        from flowforge import client
        client.output("kind", os.environ["FLOWFORGE_AUTH_TOKEN"].split(".")[0])
        subprocess.run([sys.executable, "-c",
            "from flowforge import client; client.output('child', 7)"], check=True)
        client.output("parent", 8)
    outputs: {kind: sdk, child: sdk, parent: sdk}
outputs:
  all: "${{ tasks.t.outputs }}"
"""


class StartTickets(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.drivers = self.folder / "drivers"
        self.drivers.mkdir()
        for file in LIB.iterdir():
            (self.drivers / file.name).symlink_to(file)
        self.compile("shown")
        self.env["FLOWFORGE_ENGINE_DRIVER_DIR"] = str(self.drivers)
        self.env["FLOWFORGE_ENGINE_RUNTIME_FILTERS"] = "runtime-shown"
        self.env["FLOWFORGE_ENGINE_SDK"] = str(SOURCE / "sdk/python")

    def compile(self, name: str, *words: str) -> None:
        source = SOURCE / "tests/integration/runtime_shown.c"
        flags = ["-std=c11", "-shared", "-fPIC", f"-I{HEADERS}", *words]
        out = self.drivers / f"runtime-{name}.so"
        subprocess.run(["cc", *flags, "-o", out, source], check=True)

    # --- tasks ---

    def begin(self, *names: str, code: int = 0, attempts: int = 1) -> str:
        """A run of tasks that wait at gates, one of each name."""
        for name in names:
            self.gate(f"{name}.gate")
        given = {"folder": self.folder, "code": code, "attempts": attempts}
        tasks = "  ".join(TASK.format(name=n, **given) for n in names)
        path = self.file("tells.yaml", TELLS.format(tasks=tasks))
        return self.call("run", path, "-d").out.strip()

    def given(self, name: str, attempt: int = 1) -> dict[str, str]:
        """The environment of an attempt that has begun."""
        path = self.folder / f"{name}.{attempt}"
        deadline = time.monotonic() + PATIENCE
        while not path.exists():
            self.assertLess(time.monotonic(), deadline, f"{path} does not come")
            time.sleep(0.02)
        lines = path.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def go(self, name: str) -> None:
        with (self.folder / f"{name}.gate").open("w") as gate:
            gate.write("go\n")

    def wait_until_over(self, run: str) -> str:
        self.call("logs", run, "-f")
        return str(self.call("get", run, "-o", "json").json()["state"])

    # --- asking ---

    def post(
        self, env: dict[str, str], path: str, body: Any, token: str | None = None
    ) -> Answer:
        where = env["FLOWFORGE_API_ENDPOINT"].removeprefix("unix://")
        connection = UnixConnection(where)
        shown = env["FLOWFORGE_AUTH_TOKEN"] if token is None else token
        headers = {
            "Authorization": f"Bearer {shown}",
            "Content-Type": "application/json",
        }
        connection.request("POST", API + path, json.dumps(body), headers)
        got = connection.getresponse()
        answer = Answer(got.status, {}, got.read())
        connection.close()
        return answer

    def until_it_knows(self, env: dict[str, str], token: str) -> None:
        """A server that begins says 503 until it knows what runs, and never 403, which
        would tell a task to stop."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.post(env, "/status", {"status": "RUNNING"}, token)
            if answer.status == 200:
                return
            self.assertEqual(answer.status, 503, answer.body)
            self.assertLess(time.monotonic(), deadline)

    def exchange(
        self, env: dict[str, str], nonce: str | None = None, **changed: str
    ) -> Answer:
        body = {"attempt_id": env["FLOWFORGE_ATTEMPT_ID"]} | changed
        if nonce:
            body["nonce"] = nonce
        return self.post(env, "/start", body)

    def refused(self, answer: Answer, status: int, why: str) -> None:
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(why, answer.json()["detail"])

    def token(self, answer: Answer) -> str:
        self.assertEqual(answer.status, 200, answer.body)
        return str(answer.json()["token"])

    def works(self, env: dict[str, str], token: str) -> None:
        answer = self.post(env, "/status", {"status": "RUNNING"}, token)
        self.assertEqual(answer.status, 200, answer.body)

    # --- what is good ---

    def test_the_sdk_exchanges_it_and_so_do_its_children(self) -> None:
        done = self.call("run", self.file("s.yaml", SDK), "-o", "json").lines()[-1]
        told = done["run"]["outputs"]["all"]
        self.assertEqual(told, {"kind": "fft1", "child": 7, "parent": 8})

    def test_any_language_exchanges_it_as_the_document_says(self) -> None:
        text = (SOURCE / "docs/task-api.md").read_text()
        shell = text.partition("### In a shell")[2].partition("```sh\n")[2]
        shell = shell.partition("```")[0]
        self.assertIn("/api/v1/task/start", shell)
        lines = ["flowforge: 1", "name: shell", "tasks:", "  t:", "    run: |"]
        lines += [f"      {line}" for line in shell.splitlines()]
        lines += ["    outputs: {result: sdk}", "outputs:"]
        lines += ["  result: ${{ tasks.t.outputs.result }}"]
        path = self.file("shell.yaml", "\n".join(lines) + "\n")
        for filters in ("runtime-shown", ""):
            self.env["FLOWFORGE_ENGINE_RUNTIME_FILTERS"] = filters
            done = self.call("run", path, "-o", "json").lines()[-1]["run"]
            self.assertEqual(done["outputs"]["result"], {"status": "ok"}, done)

    def test_a_token_is_what_tasks_get_where_nobody_else_can_read_it(self) -> None:
        del self.env["FLOWFORGE_ENGINE_RUNTIME_FILTERS"]
        self.serve()
        self.begin("a")
        env = self.given("a")
        self.assertTrue(env["FLOWFORGE_AUTH_TOKEN"].startswith("ff1."))
        self.works(env, env["FLOWFORGE_AUTH_TOKEN"])
        self.refused(self.exchange(env), 401, "no start ticket")
        self.go("a")

    def test_an_executor_takes_no_runtime_that_would_show_tokens(self) -> None:
        self.compile("alone", "-DALONE")
        token = self.folder / "executor.token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        given = {
            "executor.dir": self.folder / "executor",
            "executor.runtime": "runtime-alone",
        }
        given |= {"executor.driver_dir": self.drivers}
        given |= {"auth.executor_token_file": token}
        words = [w for k, v in given.items() for w in ("--set", f"{k}={v}")]
        done = subprocess.run(
            [BIN / "flowforge-executor", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertIn("shows the environment of attempts to others", done.stderr)
        self.assertNotEqual(done.returncode, 0)

    # --- what is not ---

    def test_it_is_good_once_and_for_nothing_else(self) -> None:
        self.serve()
        run = self.begin("a", "b")
        a, b = self.given("a"), self.given("b")
        ticket = a["FLOWFORGE_AUTH_TOKEN"]
        self.refused(self.post(a, "/heartbeat", {}), 401, "start ticket")
        wrong = {"attempt_id": b["FLOWFORGE_ATTEMPT_ID"]}
        self.refused(self.post(a, "/start", wrong), 403, "another attempt")
        self.refused(self.post(a, "/start", {}), 400, "attempt_id")
        short = wrong | {"nonce": "short"}
        self.refused(self.post(a, "/start", short), 400, "nonce")
        for bad in (ticket[:-1], ticket + "0", "ff1" + ticket[4:], "fft1.", "x"):
            body = {"attempt_id": a["FLOWFORGE_ATTEMPT_ID"]}
            self.refused(self.post(a, "/start", body, bad), 401, "no start ticket")
        token = self.token(self.exchange(a))
        self.works(a, token)
        self.refused(self.exchange(a), 409, "has been used")
        self.refused(self.exchange(a, secrets.token_hex()), 409, "has been used")
        self.refused(self.post(a, "/heartbeat", {}), 401, "start ticket")
        self.refused(self.post(a, "/start", {}, token), 400, "attempt_id")
        body = {"attempt_id": a["FLOWFORGE_ATTEMPT_ID"]}
        self.refused(self.post(a, "/start", body, token), 401, "no start ticket")
        self.works(a, token)
        self.go("a")
        self.token(self.exchange(b))
        self.go("b")
        self.assertEqual(self.wait_until_over(run), "succeeded")
        self.assertEqual(self.stop().err.count("ticket was shown again"), 1)

    def test_of_many_at_once_one_gets_a_token(self) -> None:
        self.serve()
        self.begin("a")
        env = self.given("a")
        answers: list[Answer] = []
        ready = threading.Barrier(8)

        def ask() -> None:
            ready.wait()
            answers.append(self.exchange(env, secrets.token_hex()))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(a.status for a in answers), [200] + 7 * [409])
        self.go("a")

    def test_the_same_nonce_is_the_same_exchange(self) -> None:
        self.serve()
        self.begin("a")
        env = self.given("a")
        nonce = secrets.token_hex()
        for _ in range(3):
            self.works(env, self.token(self.exchange(env, nonce)))
        self.refused(self.exchange(env, nonce[::-1]), 409, "has been used")
        self.refused(self.exchange(env), 409, "has been used")
        self.go("a")

    def test_it_stays_used_over_the_death_of_the_server(self) -> None:
        self.serve()
        run = self.begin("a", "b")
        a, b = self.given("a"), self.given("b")
        nonce = secrets.token_hex()
        token = self.token(self.exchange(a, nonce))
        self.server.end(signal.SIGKILL)
        self.serve()
        self.until_it_knows(a, token)
        self.refused(self.exchange(a), 409, "has been used")
        self.works(a, self.token(self.exchange(a, nonce)))
        self.works(b, self.token(self.exchange(b)))
        self.go("a")
        self.go("b")
        self.assertEqual(self.wait_until_over(run), "succeeded")

    def test_neither_is_good_after_the_end(self) -> None:
        self.serve()
        run = self.begin("a", "b")
        a, b = self.given("a"), self.given("b")
        nonce = secrets.token_hex()
        token = self.token(self.exchange(a, nonce))
        self.go("a")
        self.go("b")
        self.wait_until_over(run)
        self.refused(self.exchange(a, nonce), 403, "not the current one")
        self.refused(self.post(a, "/heartbeat", {}, token), 403, "not the current one")
        self.refused(self.exchange(b), 403, "not the current one")

    def test_the_next_attempt_has_one_of_its_own(self) -> None:
        self.serve()
        run = self.begin("a", code=1, attempts=2)
        first = self.given("a")
        self.go("a")
        second = self.given("a", 2)
        self.refused(self.exchange(first), 403, "not the current one")
        body = {"attempt_id": second["FLOWFORGE_ATTEMPT_ID"]}
        old = self.post(second, "/start", body, first["FLOWFORGE_AUTH_TOKEN"])
        self.refused(old, 403, "not the current one")
        self.works(second, self.token(self.exchange(second)))
        self.go("a")
        self.assertEqual(self.wait_until_over(run), "failed")

    def signed(self, text: str) -> str:
        """As the server signs, with the key that only it has."""
        key = (self.data / "task.key").read_bytes()
        return f"{text}.{hmac.new(key, text.encode(), 'sha256').hexdigest()}"

    def test_one_that_nobody_used_in_time_is_good_for_nothing(self) -> None:
        self.serve()
        self.begin("a")
        env = self.given("a")
        ticket = env["FLOWFORGE_AUTH_TOKEN"]
        text = ticket.rpartition(".")[0]
        self.assertEqual(self.signed(text), ticket)
        late = env | {"FLOWFORGE_AUTH_TOKEN": self.signed(f"{text[:-16]}{10**15}")}
        self.assertEqual(len(late["FLOWFORGE_AUTH_TOKEN"]), len(ticket))
        nonce = secrets.token_hex()
        self.refused(self.exchange(late, nonce), 401, "expired")
        self.token(self.exchange(env, nonce))
        # Who was in time may ask for another token as long as the attempt runs.
        self.token(self.exchange(late, nonce))
        self.refused(self.exchange(late), 409, "has been used")
        self.go("a")


if __name__ == "__main__":
    unittest.main()
