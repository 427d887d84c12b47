"""A server that hands its tasks to executors, and executors, all of them real."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ff_api import ApiTest
from ff_cli import BIN, PATIENCE, Process
from postgres import free_port

EXECUTOR = str(BIN / "flowforge-executor")


class ExecutorHosts:
    """Executors, each with a folder of its own, as on hosts of their own."""

    folder: Path
    env: dict[str, str]
    processes: list[Process]
    token: Path
    prepare: Callable[[], None] | None = None  # each process, just before it begins

    def make_token(self) -> None:
        self.token = self.folder / "executor.token"
        self.token.write_text(secrets.token_hex(32) + "\n")
        self.token.chmod(0o600)

    def urls(self, port: int | None) -> str:
        """Of all servers, or of this one."""
        raise NotImplementedError

    def place(self, name: str) -> Path:
        return self.folder / f"executor-{name}"

    def executor(
        self,
        name: str,
        *args: str,
        places: int = 3,
        port: int | None = None,
        stdin: int = subprocess.DEVNULL,
        without_token: bool = False,
    ) -> Process:
        token = ("--set", f"auth.executor_token_file={self.token}")
        popen = subprocess.Popen(
            [
                *(EXECUTOR, "--name", name, "--verbose"),
                *("--set", f"executor.dir={self.place(name)}"),
                *("--set", f"executor.places={places}"),
                *("--set", f"executor.servers={self.urls(port)}"),
                *(() if without_token else token),
                *args,
            ],
            cwd=self.folder,
            env=self.env,
            preexec_fn=self.prepare,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process = Process(popen)
        self.processes.append(process)
        return process

    def ready(self, name: str, *args: str, **kwargs: Any) -> Process:
        process = self.executor(name, *args, **kwargs)
        process.wait_for_err("registered with")
        return process

    def pids_of(self, name: str) -> list[int]:
        """Of everything that works in its folder: its supervisor, its tasks."""
        found = []
        mark = f"executor.dir={self.place(name)}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes()
                held = str(self.place(name)).encode()
                here = str((entry / "cwd").readlink()).startswith(held.decode())
                if mark not in line and (held in line or here):
                    found.append(int(entry.name))
        return found

    def kill_host(self, process: Process, name: str) -> None:
        """As if the machine had failed: executor, supervisor and tasks, at once."""
        process.popen.kill()
        process.popen.wait()
        for pid in self.pids_of(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end_tasks(self) -> None:
        for place in self.folder.glob("executor-*"):
            for pid in self.pids_of(place.name.removeprefix("executor-")):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class ExecutorTest(ExecutorHosts, ApiTest):
    lease = "4s"

    def setUp(self) -> None:
        super().setUp()
        self.make_token()
        self.executor_port = free_port()
        self.addCleanup(self.end_tasks)

    def urls(self, port: int | None) -> str:
        return f"http://127.0.0.1:{port or self.executor_port}"

    # --- the server ---

    def lead(self, *args: str) -> Process:
        self.server = self.start(
            "server",
            *("--listen", "127.0.0.1:0", "-o", "json", "--set", "engine.slots=64"),
            *("--set", "engine.runtime=remote"),
            *("--set", f"auth.executor_token_file={self.token}"),
            *("--set", f"server.executor_listen=127.0.0.1:{self.executor_port}"),
            *("--set", f"server.executor_lease={self.lease}"),
            *args,
            preexec_fn=self.prepare,
        )
        self.server.wait_for("\n")
        said = json.loads(self.server.seen)
        self.assertEqual(said["executors"].rpartition(":")[2], str(self.executor_port))
        self.port = int(said["url"].rpartition(":")[2])
        return self.server

    def metrics(self) -> str:
        """Where they are, of a server that shows them."""
        return str(json.loads(self.server.seen)["metrics"])

    # --- what is waited for ---

    def wait_until(self, holds: Callable[[], Any], what: str = "") -> Any:
        end = time.monotonic() + PATIENCE
        while not (got := holds()):
            if time.monotonic() > end:
                self.fail(f"in vain: {what}")
            time.sleep(0.05)
        return got

    def lines(self, name: str = "ran") -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def wait_lines(self, n: int, name: str = "ran") -> list[str]:
        self.wait_until(lambda: len(self.lines(name)) >= n, f"{n} lines in {name}")
        return self.lines(name)

    def begin(self, text: str, *args: str) -> str:
        """The id of a run that goes on by itself."""
        path = self.file(f"w{time.monotonic_ns()}.yaml", text)
        return self.call("run", "--detach", path, *args).out.strip()

    def run_of(self, run: str) -> Any:
        return self.call("get", run, "-o", "json").json()

    def state_of(self, run: str) -> str:
        return str(self.run_of(run)["state"])

    def wait_state(self, run: str, state: str) -> None:
        ended = {"succeeded", "failed", "cancelled"}
        got = self.wait_until(
            lambda: (s := self.state_of(run)) in ended | {state} and s, state
        )
        self.assertEqual(got, state, self.call("history", run).out)
