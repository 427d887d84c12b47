"""A Redis server of one's own: started, stopped, flushed, gone.

    with Redis() as server:
        server.call("FLUSHALL")
        server.restart()

It listens on a socket in its own directory and on a port of the loopback address, and
keeps nothing on disk. Further arguments are settings: Redis(maxmemory="3mb").
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE_S = 30.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def server_program() -> str:
    program = shutil.which("redis-server")
    if program is None:
        raise AssertionError("redis-server is missing: run scripts/setup --test")
    return program


class Redis:
    def __init__(self, *, password: str = "", **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ff-redis-"))
        self.socket = self.folder / "redis.sock"
        self.log = self.folder / "log"
        self.port = free_port()
        self.password = password
        self.settings = {name.replace("_", "-"): v for name, v in settings.items()}
        self.popen: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> "Redis":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    # --- its life ---

    def start(self) -> None:
        """Comes back when it takes connections."""
        assert self.popen is None
        call = self.command()
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                call,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE_S
        while not self.is_ready():
            if self.popen.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"Redis does not start: {self.said()}")
            time.sleep(0.01)

    def command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": str(self.socket),
            "save": "",
            "appendonly": "no",
            "dir": str(self.folder),
            **({"requirepass": self.password} if self.password else {}),
            **self.settings,
        }
        call = [server_program()]
        for name, value in settings.items():
            call += [f"--{name}", *(value.split(" ") if value else [""])]
        return call

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError, RuntimeError):
            return self.call("PING") == "PONG"
        return False

    def stop(self, signo: int = signal.SIGKILL) -> None:
        """There is nothing to be saved, so nothing is lost by the default."""
        if self.popen is None:
            return
        self.popen.send_signal(signo)
        if signo != signal.SIGSTOP:
            self.popen.wait(PATIENCE_S)
            self.popen = None

    def pause(self) -> None:
        assert self.popen is not None
        self.popen.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.popen is not None
        self.popen.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # --- talking to it ---

    def call(self, *words: str | bytes) -> str:
        """What it answers; a list by lines, an error as RuntimeError."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(PATIENCE_S)
            link.connect(str(self.socket))
            stream = link.makefile("rwb")
            if self.password:
                send(stream, "AUTH", self.password)
                receive(stream)
            send(stream, *words)
            return receive(stream)

    # --- settings of FlowForge that lead to it ---

    def options(self, **others: str) -> dict[str, str]:
        """By its socket. Others: more of them, or instead."""
        mine = {"addresses": str(self.socket)}
        if self.password:
            mine["password"] = self.password
        return {**mine, **others}

    def by_address(self, **others: str) -> dict[str, str]:
        return self.options(**{"addresses": f"127.0.0.1:{self.port}", **others})

    def environment(self, **others: str) -> dict[str, str]:
        return {
            "FLOWFORGE_ENGINE_QUEUE": "queue-redis",
            **{
                f"FLOWFORGE_REDIS_{key.upper()}": value
                for key, value in self.options(**others).items()
            },
        }


def send(stream, *words: str | bytes) -> None:  # type: ignore[no-untyped-def]
    out = b"*%d\r\n" % len(words)
    for word in words:
        data = os.fsencode(word)
        out += b"$%d\r\n%s\r\n" % (len(data), data)
    stream.write(out)
    stream.flush()


def receive(stream) -> str:  # type: ignore[no-untyped-def]
    line: bytes = stream.readline()
    if not line:
        raise OSError("the connection was closed")
    kind, rest = line[:1], line[1:].rstrip(b"\r\n").decode(errors="replace")
    if kind == b"-":
        raise RuntimeError(rest)
    if kind == b"$":
        n = int(rest)
        data: bytes = b"" if n < 0 else stream.read(n + 2)[:-2]
        return data.decode(errors="replace")
    if kind == b"*":
        return "\n".join(receive(stream) for _ in range(int(rest)))
    return rest
