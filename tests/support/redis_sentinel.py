"""A primary, a replica and three sentinels that watch them, on the loopback address.

with Watched() as redis:
    redis.primary.stop()
    redis.wait_for_primary(redis.replica)
"""

import contextlib
import signal
import time
from pathlib import Path

from redis_server import Redis, server_program

MASTER = "mymaster"
PATIENCE_S = 150.0  # a sentinel that was kept from work for 2 s decides nothing for 30


class Sentinel(Redis):
    """Of as many servers as are named: by their names, their ports."""

    def __init__(
        self,
        watched: dict[str, str],
        quorum: int,
        *,
        password: str = "",
        **settings: str,
    ) -> None:
        self.watched = watched
        self.quorum = quorum
        super().__init__(password=password, **settings)

    def command(self) -> list[str]:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"unixsocket {self.socket}",
            f"dir {self.folder}",
            *([f"requirepass {self.password}"] if self.password else []),
        ]
        lines += [f"{name} {value}" for name, value in self.settings.items()]
        for name, where in self.watched.items():
            lines += [
                f"sentinel monitor {name} {where} {self.quorum}",
                f"sentinel down-after-milliseconds {name} 3000",
                f"sentinel failover-timeout {name} 10000",
            ]
        file = Path(self.folder) / "sentinel.conf"  # it writes there what it learns
        if not file.exists():
            file.write_text("\n".join(lines) + "\n")
        return [server_program(), str(file), "--sentinel"]

    def primary_port(self, name: str = MASTER) -> int:
        said = self.call("SENTINEL", "get-master-addr-by-name", name)
        return int(said.splitlines()[1])


class Watched:
    def __init__(self) -> None:
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> "Watched":
        with self.stack as stack:
            self.primary = stack.enter_context(Redis(repl_diskless_sync_delay="0"))
            of = f"127.0.0.1 {self.primary.port}"
            self.replica = stack.enter_context(Redis(replicaof=of))
            wait(lambda: "link_status:up" in self.replica.call("INFO", "replication"))
            self.sentinels = [
                stack.enter_context(Sentinel({MASTER: of}, 2)) for _ in range(3)
            ]
            for sentinel in self.sentinels:
                wait(lambda s=sentinel: knows_all(s))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.primary, self.replica):
            server.stop(signal.SIGKILL)
        self.stack.close()

    def addresses(self) -> str:
        return ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels)

    def options(self) -> dict[str, str]:
        return {"addresses": self.addresses(), "sentinel_master": MASTER}

    def wait_for_primary(self, server: Redis) -> None:
        """All sentinels name it, and it takes writes."""
        for sentinel in self.sentinels:
            wait(lambda s=sentinel: s.primary_port() == server.port)
        wait(lambda: server.call("ROLE").startswith("master"))


def knows_all(sentinel: Sentinel) -> bool:
    with contextlib.suppress(RuntimeError):
        said = sentinel.call("SENTINEL", "CKQUORUM", MASTER)
        replicas = sentinel.call("SENTINEL", "REPLICAS", MASTER)
        return said.startswith("OK 3 ") and "master-link-status\nok" in replicas
    return False


def wait(until, patience_s: float = PATIENCE_S) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + patience_s
    while not until():
        if time.monotonic() > end:
            raise AssertionError("it does not come about")
        time.sleep(0.05)
