"""A PostgreSQL server of one's own: made, started, crashed, started again, gone.

    with Postgres() as server:
        server.sql("SELECT 1")
        server.crash()
        server.start()

The server listens on a socket in its own directory and on a port of the loopback
address, where it wants a password. PostgreSQL refuses to be root: then it is
"postgres", or whoever else has no rights. It is a direct child, so that nothing is left
of one that is killed: a zombie would keep the next one from starting.

Its collation is that of a language, and not the order of bytes, so that whoever relies
on the default is found out. Unless `durable`, it does not flush.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 60.0
NOBODIES = ("postgres", "nobody")
USER = "flowforge"
DATABASE = "flowforge"


def programs() -> Path:
    """The newest version that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if not found:
        raise AssertionError("PostgreSQL is missing: run scripts/setup --test")
    return found[-1].parent


def nobody() -> pwd.struct_passwd | None:
    """As whom a server may run; None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in NOBODIES:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("no user without rights to run PostgreSQL as")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Postgres:
    """A server with an empty database `flowforge`, owned by the user `flowforge`."""

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: str = "",
        standby_of: "Postgres | None" = None,
        place: Path | None = None,
    ) -> None:
        """A standby is a copy that follows, until it is promoted. Place: the folder
        that its own is made in."""
        self.bin = programs()
        self.user = nobody()
        if place is None and os.access("/dev/shm", os.W_OK) and not durable:
            place = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="ff-pg-", dir=place))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = free_port()
        self.password = secrets.token_hex(12)
        if standby_of:
            self.password = standby_of.password
        self.popen: subprocess.Popen[bytes] | None = None
        self.settings = settings
        self.durable = durable
        try:
            self.folder.chmod(0o755)
            self.own(self.folder)
            if standby_of:
                self.copy(standby_of)
            else:
                self.make()
            self.configure()
            self.start()
            if not standby_of:
                self.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> "Postgres":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    # --- as somebody else ---

    def command(self, program: str, *words: str) -> list[str]:
        call = [str(self.bin / program), *words]
        # Whoever is killed before the end takes it along.
        along = ["setpriv", "--pdeathsig=INT"]
        if self.user is None:
            return [*along, "--", *call]
        who = [f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}"]
        return [*along, *who, "--clear-groups", "--", *call]

    def own(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    # --- making it ---

    def run(self, program: str, *words: str) -> None:
        call = self.command(program, *words)
        done = subprocess.run(call, capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise AssertionError(f"{program}: {done.stderr}")

    def make(self) -> None:
        password = self.folder / "password"
        password.write_text(self.password)
        password.chmod(0o600)
        self.own(password)
        self.run(
            "initdb",
            *("-D", str(self.data), "-U", USER, "--pwfile", str(password)),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu"),
            *("--icu-locale=en-US", "--no-instructions"),
        )

    def copy(self, primary: "Postgres") -> None:
        self.run(
            "pg_basebackup",
            *("-D", str(self.data), "-U", USER, "-R", "--no-sync", "-c", "fast"),
            *("-h", str(primary.folder), "-p", str(primary.port)),
        )

    def configure(self) -> None:
        """The last setting of a name counts: also those of a copy."""
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\n"
                f"unix_socket_directories = '{self.folder}'\n"
                f"fsync = {'on' if self.durable else 'off'}\n"
                "shared_buffers = 32MB\nmax_connections = 120\n"
                "log_min_messages = log\nlog_line_prefix = '%m %p %a '\n"
                f"{self.settings}\n"
            )

    # --- its life ---

    def start(self) -> None:
        """Comes back when it takes connections."""
        assert self.popen is None
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.command("postgres", "-D", str(self.data)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE_S
        while not self.is_ready():
            if self.popen.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"PostgreSQL does not start: {self.said()}")
            time.sleep(0.02)

    def is_ready(self) -> bool:
        call = [str(self.bin / "pg_isready"), "-q", "-U", USER, "-h", str(self.folder)]
        return subprocess.run([*call, "-p", str(self.port)]).returncode == 0

    def stop(self, signo: int = signal.SIGINT) -> None:
        """SIGINT: at once, but in order."""
        if self.popen is None:
            return
        self.popen.send_signal(signo)
        self.popen.wait(PATIENCE_S)
        self.popen = None

    def quit(self) -> None:
        """All its processes end without a word; it recovers when it starts."""
        self.stop(signal.SIGQUIT)

    def crash(self) -> None:
        """kill -9. Its children see that it is gone, and end; we wait for that."""
        children = self.children()
        self.stop(signal.SIGKILL)
        end = time.monotonic() + PATIENCE_S
        while any(self.is_alive(pid) for pid in children):
            if time.monotonic() > end:
                raise AssertionError("PostgreSQL's processes outlive it")
            time.sleep(0.005)

    def promote(self) -> None:
        """A standby becomes a primary."""
        self.sql("SELECT pg_promote()", database="postgres")

    def set(self, name: str, value: str) -> None:
        """For sessions from now on, without a restart where it needs none."""
        self.sql(f"ALTER SYSTEM SET {name} = {value}")
        self.sql("SELECT pg_reload_conf()")

    def restart(self) -> None:
        self.stop()
        self.start()

    def children(self) -> list[int]:
        assert self.popen is not None
        pid = self.popen.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in listed.split()]

    @staticmethod
    def is_alive(pid: int) -> bool:
        with contextlib.suppress(OSError, IndexError):
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return state not in "ZX"
        return False

    def remove(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop(signal.SIGQUIT)
        if self.popen is not None:
            self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    # --- talking to it ---

    def sql(self, text: str, *, database: str = DATABASE) -> str:
        """What psql prints: a line for each row, columns apart by |."""
        done = subprocess.run(
            [
                *(str(self.bin / "psql"), "-X", "-q", "-A", "-t"),
                *("-v", "ON_ERROR_STOP=1", "-h", str(self.folder)),
                *("-p", str(self.port), "-U", USER, "-d", database, "-c", text),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{text}: {done.stderr}")
        return done.stdout.rstrip("\n")

    def backends(self) -> list[int]:
        """The server processes of programs of ours."""
        listed = self.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'flowforge'"
        )
        return [int(word) for word in listed.split()]

    @contextlib.contextmanager
    def holding(self, text: str) -> Iterator[None]:
        """In a transaction that has done this, and does not end."""
        psql = subprocess.Popen(
            [
                *(str(self.bin / "psql"), "-X", "-q", "-A", "-t"),
                *("-v", "ON_ERROR_STOP=1", "-h", str(self.folder)),
                *("-p", str(self.port), "-U", USER, "-d", DATABASE),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert psql.stdin
        assert psql.stdout
        try:
            psql.stdin.write(f"BEGIN; {text};\n\\echo held\n")
            psql.stdin.flush()
            while (line := psql.stdout.readline()) != "held\n":
                assert line, text
            yield
        finally:
            psql.stdin.close()
            psql.wait(PATIENCE_S)
            psql.stdout.close()

    def wait_until(self, condition: str) -> None:
        """SQL that gives a row when it is so."""
        end = time.monotonic() + PATIENCE_S
        while not self.sql(condition):
            if time.monotonic() > end:
                raise AssertionError(f"never: {condition}")
            time.sleep(0.02)

    def cut_connections(self) -> int:
        """Ends the server process of every program of ours that is connected."""
        return int(
            self.sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'flowforge'"
            )
        )

    # --- settings of FlowForge that lead to it ---

    def options(self, **others: str) -> dict[str, str]:
        """By its socket. Others: more of them, or instead."""
        return {
            "host": str(self.folder),
            "port": str(self.port),
            "unsafe_durability": "false" if self.durable else "true",
            **others,
        }

    def by_address(self, **others: str) -> dict[str, str]:
        mine = {"host": "127.0.0.1", "password": self.password}
        return self.options(**(mine | others))

    def environment(self, **others: str) -> dict[str, str]:
        return {
            "FLOWFORGE_ENGINE_STORE": "store-postgres",
            **{
                f"FLOWFORGE_DATABASE_{key.upper()}": value
                for key, value in self.options(**others).items()
            },
        }
