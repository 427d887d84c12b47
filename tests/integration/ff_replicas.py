"""Several servers on one PostgreSQL, each with a data directory of its own, as on hosts
of their own."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ff_api import Answer, UnixConnection
from ff_cli import PATIENCE, PROGRAM, Process, Result
from postgres import Postgres

MANY = """flowforge: 1
name: many
tasks:
  each:
    foreach: ${{ range(5) }}
    max_parallel: 2
    run: sleep 0.1; echo "$FLOWFORGE_TASK_ID $FLOWFORGE_ATTEMPT_ID" >> LEDGER
  last:
    needs: [each]
    run: echo "$FLOWFORGE_TASK_ID $FLOWFORGE_ATTEMPT_ID" >> LEDGER
"""
LONG = """flowforge: 1
name: long
tasks:
  a:
    run: |
      echo "$FLOWFORGE_ATTEMPT_ID" >> LEDGER
      while [ ! -e GATE ]; do sleep 0.05; done
"""
ITEMS = ("each.0", "each.1", "each.2", "each.3", "each.4", "last")


class Replica:
    """One of them. Its clients come by the socket of its data directory."""

    def __init__(self, name: str, folder: Path, env: dict[str, str]) -> None:
        self.name = name
        self.data = folder / name
        self.log_path = folder / f"{name}.log"
        self.env = env
        self.process: Process | None = None

    def start(self, *args: str, listen: str = "127.0.0.1:0") -> None:
        words = [PROGRAM, "server", "--listen", listen, *args]
        with self.log_path.open("ab") as log:
            popen = subprocess.Popen(
                [*words, "--data-dir", str(self.data)],
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        self.process = Process(popen)
        self.process.wait_for("\n")

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.popen.pid

    def end(self, signo: int) -> int:
        """Its exit code, when it has ended."""
        assert self.process
        popen, self.process = self.process.popen, None
        popen.send_signal(signo)
        return self.reap(popen)

    def wait(self) -> int:
        """Until it ends by itself."""
        assert self.process
        popen, self.process = self.process.popen, None
        return self.reap(popen)

    @staticmethod
    def reap(popen: "subprocess.Popen[str]") -> int:
        popen.wait(PATIENCE)
        if popen.stdout:
            popen.stdout.close()
        return popen.returncode

    def log(self) -> str:
        return self.log_path.read_text()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        patience: float = PATIENCE,
        key: str | None = None,
    ) -> Answer:
        connection: http.client.HTTPConnection
        connection = UnixConnection(str(self.data / "api.sock"))
        connection.timeout = patience
        if not path.startswith("/ready"):
            path = "/api/v1" + path
        text = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            connection.request(method, path, text, headers)
            got = connection.getresponse()
            got_headers = {k.lower(): v for k, v in got.getheaders()}
            return Answer(got.status, got_headers, got.read())
        finally:
            connection.close()

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[Iterator[str]]:
        """Its lines, until it ends."""
        connection = UnixConnection(str(self.data / "api.sock"))
        try:
            connection.request(
                "GET", "/api/v1" + path, headers={"Accept": "text/event-stream"}
            )
            got = connection.getresponse()
            assert got.status == 200, got.read()
            yield (line.decode().rstrip() for line in got)
        finally:
            connection.close()

    def get(self, path: str, key: str | None = None) -> Any:
        answer = self.ask("GET", path, key=key)
        assert answer.status == 200, answer.body
        return answer.json()

    def leads(self) -> bool:
        return bool(self.get("/system")["leads"])

    def cli(self, *args: str) -> Result:
        done = subprocess.run(
            [PROGRAM, *args, "--data-dir", str(self.data)],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)


class ReplicasTest(unittest.TestCase):
    server: Postgres

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Postgres())

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ff-replicas-"))
        self.schema = f"s{self.id().rsplit('.', 1)[1]}"[:40]
        self.env = {
            k: v for k, v in os.environ.items() if not k.startswith("FLOWFORGE_")
        }
        self.env.update(HOME=str(self.folder), TZ="UTC", LC_ALL="C.UTF-8")
        self.env |= self.server.environment(schema=self.schema)
        self.replicas: list[Replica] = []
        self.addCleanup(self.clean)

    def clean(self) -> None:
        for replica in self.replicas:
            if replica.process:
                replica.end(signal.SIGKILL)
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)

    def begin(self, n: int, *args: str) -> list[Replica]:
        """The first of them leads."""
        for number in range(n):
            self.replicas.append(Replica(f"r{number}", self.folder, dict(self.env)))
            self.replicas[-1].start(*args)
            if number == 0:
                self.wait_until(self.replicas[0].leads)
        return self.replicas

    def leader(self, among: list[Replica]) -> Replica:
        found: list[Replica] = []

        def one() -> bool:
            found[:] = [r for r in among if r.process and r.leads()]
            return len(found) == 1

        self.wait_until(one)
        return found[0]

    def wait_until(self, condition: Any, seconds: float = PATIENCE) -> float:
        """How long it took."""
        begin = time.monotonic()
        while not condition():
            took = time.monotonic() - begin
            self.assertLess(took, seconds, self.logs())
            time.sleep(0.01)
        return time.monotonic() - begin

    def logs(self) -> str:
        return "\n".join(f"{r.name}:\n{r.log()}" for r in self.replicas)

    def sql(self, text: str) -> str:
        return self.server.sql(text.replace("@", f'"{self.schema}".'))

    @contextlib.contextmanager
    def stopped(self, replica: Replica) -> Iterator[None]:
        os.kill(replica.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(replica.pid, signal.SIGCONT)

    # --- a ledger of what tasks did ---

    def many(self) -> str:
        return MANY.replace("LEDGER", str(self.folder / "ledger"))

    def judge(self, accepted: list[str]) -> None:
        """Every run that was acknowledged has ended well, each of its tasks did once,
        and what ran more than once belongs to an attempt that was lost."""
        state = dict(
            line.split("|") for line in self.sql("SELECT id, state FROM @run").split()
        )
        self.assertEqual({state.get(run) for run in accepted}, {"succeeded"})
        ended, lost = self.count_ends()
        self.assertTrue(ended)
        self.assertEqual({n for n in ended.values()}, {1})
        ledger = (self.folder / "ledger").read_text().split("\n")[:-1]
        self.assertEqual(len(set(ledger)), len(ledger), "an attempt ran twice")
        tasks = [line.split()[0] for line in ledger]
        self.assertEqual(set(tasks), {f"{r}/{i}" for r in state for i in ITEMS})
        self.assertLessEqual(len(tasks) - len(set(tasks)), lost)

    def count_ends(self) -> tuple[dict[str, int], int]:
        """How often each task succeeded by its history, and how many attempts were
        lost."""
        ended: dict[str, int] = {}
        lost = 0
        rows = self.sql("SELECT run, body FROM @event ORDER BY run, seq").split("\n")
        for row in rows:
            run, _, body = row.partition("|")
            for event in json.loads(body):
                if event.get("state") == "succeeded" and "attempt" in event:
                    key = f"{run}/{event['task']}.{event.get('item')}"
                    ended[key] = ended.get(key, 0) + 1
                lost += event.get("reason") == "lost"
        return ended, lost

    def n_ended(self) -> int:
        return int(self.sql("SELECT count(*) FROM @run WHERE state = 'succeeded'"))
