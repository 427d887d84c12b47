"""All services of a production, on one host: PostgreSQL, Redis, servers that share
them, executors, and nginx in front."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ff_cli import BIN, PATIENCE
from ff_replicas import Replica, ReplicasTest
from postgres import free_port
from redis_server import Redis

# Which of the servers takes a request is not told to who asks: a request with an
# idempotency key may be sent to another one, whatever became of it at the first.
NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    upstream servers {{
        {servers}
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host 127.0.0.1;
            proxy_next_upstream error timeout http_502 http_503 non_idempotent;
            proxy_connect_timeout 2s;
        }}
    }}
}}
"""


class Front:
    """nginx, in front of all servers, at one address."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.port = free_port()
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            raise AssertionError("nginx is missing: run scripts/setup --test")
        servers = [f"server 127.0.0.1:{port} max_fails=0;" for port in ports]
        conf = folder / "nginx.conf"
        conf.write_text(
            NGINX.format(folder=folder, port=self.port, servers="\n".join(servers))
        )
        self.popen = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(conf)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self) -> None:
        self.popen.terminate()
        self.popen.wait(PATIENCE)


class Server(Replica):
    """One that begins again as it began."""

    def __init__(
        self, name: str, folder: Path, env: dict[str, str], *words: str
    ) -> None:
        super().__init__(name, folder, env)
        self.words = words
        self.listen = "127.0.0.1:0"

    def again(self) -> None:
        self.start(*self.words, listen=self.listen)


class Executor:
    """One that any of the servers may give work to."""

    def __init__(
        self, name: str, folder: Path, env: dict[str, str], *args: str
    ) -> None:
        self.name = name
        self.place = folder / f"executor-{name}"
        self.log_path = folder / f"executor-{name}.log"
        self.env = env
        self.args = args
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [str(BIN / "flowforge-executor"), "--name", self.name, "--verbose"]
        with self.log_path.open("ab") as log:
            self.popen = subprocess.Popen(
                [*words, "--set", f"executor.dir={self.place}", *self.args],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def end(self, signo: int) -> None:
        assert self.popen
        popen, self.popen = self.popen, None
        popen.send_signal(signo)
        popen.wait(PATIENCE)


class Client:
    """Asks at one address, with a key; counts what was not answered as it should be."""

    def __init__(self, port: int, key: str, source: str) -> None:
        self.port = port
        self.key = key
        self.source = source
        self.accepted: list[str] = []
        self.failures: list[str] = []
        self.n_calls = 0
        self.connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None, once: str = "") -> Any:
        """What the answer says, or None."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if once:
            headers["Idempotency-Key"] = once
        self.n_calls += 1
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=PATIENCE
                )
            text = None if body is None else json.dumps(body)
            self.connection.request(method, "/api/v1" + path, text, headers)
            got = self.connection.getresponse()
            said = got.read()
            if got.status in (200, 201):
                return json.loads(said)
            self.failures.append(f"{method} {path}: {got.status} {said[:200]!r}")
        except (OSError, http.client.HTTPException) as failed:
            self.failures.append(f"{method} {path}: {failed!r}")
        self.close()
        return None

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def submit(self, stop: Callable[[], bool]) -> None:
        """Asks until it is acknowledged: each time the same, so it is one run."""
        once = secrets.token_hex(8)
        while not stop():
            made = self.ask("POST", "/runs", {"source": self.source}, once)
            if made:
                self.accepted.append(made["id"])
                return
            time.sleep(0.2)

    def look(self) -> None:
        """What was acknowledged is there, whoever is asked."""
        if self.accepted:
            run = secrets.choice(self.accepted)
            self.ask("GET", f"/runs/{run}")


class Load:
    """Clients that submit and look until the end of the block, each at its own pace."""

    def __init__(self, clients: list[Client], pause_s: float) -> None:
        self.clients = clients
        self.pause_s = pause_s
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(c,)) for c in clients]

    def work(self, client: Client) -> None:
        while not self.stop.is_set():
            client.submit(self.stop.is_set)
            client.look()
            self.stop.wait(self.pause_s)
        client.close()

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    @property
    def accepted(self) -> list[str]:
        return [run for client in self.clients for run in client.accepted]

    @property
    def failures(self) -> list[str]:
        return [what for client in self.clients for what in client.failures]

    @property
    def n_calls(self) -> int:
        return sum(client.n_calls for client in self.clients)


class ServicesTest(ReplicasTest):
    """Two that serve the API, two controllers, two executors, and what they share."""

    tenants: tuple[str, ...] = ("",)
    redis: Redis
    replicas: list[Server]  # type: ignore[assignment]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.redis = cls.enterClassContext(Redis())

    def setUp(self) -> None:
        super().setUp()
        token = self.folder / "executor.token"
        token.write_text(secrets.token_hex(32) + "\n")
        token.chmod(0o600)
        self.env |= self.redis.environment(prefix=self.schema)
        self.env |= {
            "FLOWFORGE_ENGINE_FILES_DIR": str(self.folder / "files"),
            "FLOWFORGE_ENGINE_RUNTIME": "remote",
            "FLOWFORGE_ENGINE_SLOTS": "16",
            "FLOWFORGE_AUTH_EXECUTOR_TOKEN_FILE": str(token),
        }
        self.executors: list[Executor] = []

    def begin_all(self) -> None:
        """All is up, and a controller leads."""
        executor_ports = [free_port(), free_port()]
        ports = [free_port(), free_port()]
        for port in executor_ports:
            self.begin_server("controller", port)
        for port in ports:
            self.begin_server("api", port)
        servers = ",".join(f"http://127.0.0.1:{port}" for port in executor_ports)
        own = ("FLOWFORGE_EXECUTOR_", "FLOWFORGE_AUTH_EXECUTOR_")
        env = {
            k: v
            for k, v in self.env.items()
            if k.startswith(own) or not k.startswith(("FLOWFORGE_", "PG"))
        }
        for name in ("x", "y"):
            at_ = ("--set", f"executor.servers={servers}", "--set", "executor.places=4")
            self.executors.append(Executor(name, self.folder, env, *at_))
            self.executors[-1].start()
        self.front = Front(self.folder, ports)
        self.keys = [self.make_key(*self.as_tenant(t)) for t in self.tenants]
        self.wait_until(self.is_led)

    def begin_server(self, role: str, port: int) -> None:
        at = ("--set", f"server.executor_listen=127.0.0.1:{port}")
        words = ("--roles", role, *(at if role == "controller" else ()))
        name = f"{role}-{len(self.replicas)}"
        server = Server(name, self.folder, dict(self.env), *words)
        if role == "api":
            server.listen = f"127.0.0.1:{port}"
        self.replicas.append(server)
        server.again()

    def is_led(self) -> bool:
        """So somebody says who serves the API, too."""
        probe = Client(self.front.port, self.keys[0], "")
        said = probe.ask("GET", "/system")
        probe.close()
        return bool(said and said["leader"])

    def as_tenant(self, tenant: str) -> tuple[str, ...]:
        """The default one is there already."""
        if not tenant:
            return ()
        made = self.replicas[-1].cli("tenant", "create", tenant)
        self.assertEqual(made.code, 0, made.err)
        return ("--tenant", tenant)

    def make_key(self, *args: str) -> str:
        words = ("key", "create", "campaign", "--role", "author", *args)
        made = self.replicas[-1].cli(*words)
        self.assertEqual(made.code, 0, made.err)
        return made.out.strip()

    def load(self, n: int, source: str, pause_s: float) -> Load:
        return Load(
            [
                Client(self.front.port, self.keys[i % len(self.keys)], source)
                for i in range(n)
            ],
            pause_s,
        )

    def pids(self) -> list[int]:
        """Of the services that go on: 0 for one that ended."""
        popens = [r.process.popen for r in self.replicas if r.process]
        popens += [e.popen for e in self.executors if e.popen]  # type: ignore[misc]
        return [0 if p.poll() is not None else p.pid for p in popens]

    def clean(self) -> None:
        if hasattr(self, "front"):
            self.front.end()
        for executor in self.executors:
            if executor.popen:
                executor.end(signal.SIGKILL)
        self.end_tasks()
        super().clean()

    def end_tasks(self) -> None:
        """Supervisors outlive their executors, and tasks both."""
        mark = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                at = str((entry / "cwd").readlink()).encode()
                if mark in at or mark in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)

    def logs(self) -> str:
        said = [f"{e.name}:\n{e.log_path.read_text()}" for e in self.executors]
        return "\n".join([super().logs(), *said])[-20000:]
