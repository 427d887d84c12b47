#!/usr/bin/python3
"""The engine on queue-redis: what runs there runs as it does on queue-memory, while the
server is flushed, restarted, stopped or full, and connections are killed.
"""
# ctest: timeout=600

import contextlib
import socket
import sys
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

from ff_cli import PATIENCE, SOURCE, CliTest, Gate, Process
from redis_server import Redis

QUEUES = ("queue-memory", "queue-redis")

LOAD = """\
flowforge: 1
name: load
tasks:
  each:
    foreach: ${{ range(60) }}
    max_parallel: 4
    env: {ITEM: "${{ item }}"}
    run: echo "$ITEM" >> ledger
"""

# The last 40 wait until what goes wrong has gone wrong several times.
HELD = LOAD.replace(
    "run: ",
    """run: |
      if [ "$ITEM" -ge 20 ]; then
        touch held
        until [ -e often ]; do sleep 0.02; done
      fi
      """,
)

GATED = """\
flowforge: 1
name: gated
tasks:
  first:
    run: cat begun gate
  last:
    needs: [first]
    run: echo last >> ledger
"""


@contextlib.contextmanager
def unheard(port: int) -> Iterator[None]:
    """A place where nobody answers: its queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listener = socket.create_server(("127.0.0.1", port), backlog=0)
        stack.enter_context(listener)
        for _ in range(3):
            link = stack.enter_context(socket.socket())
            link.setblocking(False)
            link.connect_ex(("127.0.0.1", port))
        yield


class QueueRedis(CliTest):
    server: Redis

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Redis())

    def setUp(self) -> None:
        super().setUp()
        self.prefix = self.id().rsplit(".", 1)[1][:60]
        self.use("queue-redis")

    def use(self, queue: str, **others: str) -> None:
        self.data = self.folder / queue
        options = {"prefix": self.prefix, **others}
        self.env.update(self.server.environment(**options))
        self.env["FLOWFORGE_ENGINE_QUEUE"] = queue

    def canonical(self) -> str:
        return self.call("history", "last", "--canonical").out

    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return sorted(path.read_text().splitlines()) if path.exists() else []

    @contextlib.contextmanager
    def meanwhile(self, do: Callable[[], object], every_s: float) -> Iterator[None]:
        """Does it beside the block again and again, once at least."""
        over = threading.Event()
        done = threading.Event()

        def loop() -> None:
            while not over.wait(every_s):
                do()
                done.set()

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield
            self.assertTrue(done.wait(PATIENCE))
        finally:
            over.set()
            thread.join()

    def start_gated(self) -> tuple[Gate, Process]:
        """The first task runs, and waits at the gate."""
        begun, gate = self.gate("begun"), self.gate("gate")
        owner = self.start("run", self.file("gated.yaml", GATED))
        begun.open()
        return gate, owner

    # --- the same as elsewhere ---

    def test_the_demo_has_the_history_of_queue_memory_under_flushes(self) -> None:
        seen = []
        for queue in QUEUES:
            self.use(queue)
            flush = lambda: self.server.call("FLUSHALL")  # noqa: E731
            with self.meanwhile(flush, 0.2):
                self.call(
                    "run", str(SOURCE / "examples/climate/climate.yaml"), "--quiet"
                )
            run = self.call("get", "last", "-o", "json").json()
            self.assertEqual("succeeded", run["state"])
            report = {
                name: Path(value).read_bytes()
                for name, value in run["outputs"].items()
                if isinstance(value, str) and value.startswith(str(self.data))
            }
            history = self.canonical().replace(str(self.data), "DATA")
            seen.append((history.replace(run["id"], "RUN"), report["table"]))
        self.assertGreater(seen[0][0].count("\n"), 20)
        self.assertEqual(seen[0], seen[1])

    def test_it_is_the_queue_that_carries_the_starts(self) -> None:
        gate, owner = self.start_gated()
        heard = self.server.call("PUBSUB", "CHANNELS", f"{self.prefix}@*")
        self.assertEqual(f"{self.prefix}@0:start", heard)
        gate.open()
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        # Who closes leaves nothing behind that would be given to others.
        for kind in ("out", "holders", "ready"):
            self.assertEqual("", self.server.call("KEYS", f"{self.prefix}:{kind}:*"))

    # --- load while something goes wrong ---

    def run_load(self, do: Callable[[], object], every_s: float) -> str:
        n = 0

        def do_and_count() -> None:
            nonlocal n
            held = (self.folder / "held").exists()
            do()
            n += held
            if n == 3:
                (self.folder / "often").touch()

        flow = self.file("load.yaml", HELD)
        with self.meanwhile(do_and_count, every_s):
            done = self.call("run", flow, expect=None)
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(sorted(str(i) for i in range(60)), self.ledger())
        return done.err

    def test_flushes_lose_nothing(self) -> None:
        self.run_load(lambda: self.server.call("FLUSHALL"), 0.2)

    def test_connections_that_are_killed_lose_nothing(self) -> None:
        def kill() -> None:
            for kind in ("normal", "pubsub"):
                self.server.call("CLIENT", "KILL", "TYPE", kind)

        self.assertIn("Redis at", self.run_load(kill, 0.1))

    def test_a_server_that_is_restarted_loses_nothing(self) -> None:
        self.assertIn("Redis at", self.run_load(self.server.restart, 0.3))

    def test_garbage_in_the_queue_is_dropped(self) -> None:
        def write() -> None:
            for kind, garbage in (
                ("ready", b"\xff\x00garbage"),
                ("ready", b""),
                ("ready", b"7|0123456789abcdefno end of the id"),
                ("ready", b"1|0123456789abcdef1/2/3\x00not a key"),
            ):
                self.server.call("LPUSH", f"{self.prefix}:{kind}:start", garbage)
            self.server.call("PUBLISH", f"{self.prefix}@0:start", "w")
            self.server.call("PUBLISH", f"{self.prefix}@0:start", b"n\xff")

        self.assertIn("is no message", self.run_load(write, 0.05))

    def test_garbage_that_nobody_tells_of_keeps_nobody_asleep(self) -> None:
        self.use("queue-redis", lease="1s")
        gate, owner = self.start_gated()
        for garbage in (b"garbage", b"x" * 40_000_000):
            self.server.call("LPUSH", f"{self.prefix}:ready:start", garbage)
        gate.open()
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(["last"], self.ledger())
        self.assertIn("is no message", done.err)
        self.assertNotIn("Redis at", done.err)

    def test_the_second_place_of_a_name_is_found_again(self) -> None:
        """localhost is two places; at the first nobody answers."""
        with Redis(bind="::1") as server, unheard(server.port):
            where = f"localhost:{server.port}"
            self.env.update(server.environment(prefix=self.prefix, addresses=where))
            self.env["FLOWFORGE_REDIS_CONNECT_TIMEOUT"] = "300ms"
            gate, owner = self.start_gated()
            server.call("CLIENT", "KILL", "TYPE", "normal")
            gate.open()
            done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(["last"], self.ledger())

    def test_a_full_server_puts_work_off_and_loses_none(self) -> None:
        self.server.call("SET", "ballast", b"x" * 4_000_000)
        self.server.call("CONFIG", "SET", "maxmemory", "3mb")
        try:
            owner = self.start("run", self.file("load.yaml", LOAD))
            owner.wait_for_err("its memory is full")
            self.assertEqual([], self.ledger())
        finally:
            self.server.call("CONFIG", "SET", "maxmemory", "0")
            self.server.call("DEL", "ballast")
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(60, len(self.ledger()))

    def test_a_server_that_hangs_is_waited_for(self) -> None:
        self.use("queue-redis", command_timeout="500ms", connect_timeout="500ms")
        gate, owner = self.start_gated()
        self.server.pause()
        try:
            gate.open()
            owner.wait_for_err("command_timeout")
        finally:
            self.server.go_on()
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(["last"], self.ledger())

    def test_the_doctor_asks_it_and_leaves_nothing_there(self) -> None:
        self.server.call("FLUSHALL")
        (said,) = self.call("doctor", "queue", "-o", "json").json()
        self.assertIn("queue-redis carries messages", said["says"])
        keys = self.server.call("KEYS", "*")
        self.assertNotIn(":doctor.", keys)
        self.server.pause()
        try:
            said = self.call("doctor", "queue", expect=1).out
        finally:
            self.server.go_on()
        self.assertIn("bad queue", said)
        self.assertIn("see engine.queue", said)

    def test_a_server_that_comes_late_is_found(self) -> None:
        self.server.stop()
        try:
            owner = self.start("run", self.file("load.yaml", LOAD))
            owner.wait_for_err("Redis at")
        finally:
            self.server.start()
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(60, len(self.ledger()))

    def test_a_server_that_is_away_and_then_loads_its_data_is_waited_for(self) -> None:
        """For longer than the lease of what it was given."""
        slowly = {
            "key_load_delay": "1500",
            "loading_process_events_interval_bytes": "1024",
        }
        with Redis(**slowly) as server:
            self.env.update(server.environment(prefix=self.prefix, lease="3s"))
            gate, owner = self.start_gated()
            fill = "for i = 1, 2000 do redis.call('SET', 'ballast' .. i, '') end"
            server.call("EVAL", fill, "0")
            server.call("SAVE")
            server.stop()
            gate.open()
            owner.wait_for_err("Redis at")
            time.sleep(2)
            server.start()
            done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(["last"], self.ledger())
        self.assertIn("it is loading its data", done.err)

    def test_a_primary_that_becomes_a_replica_is_left_for_the_new_one(self) -> None:
        with Redis() as other:
            several = f"{self.server.socket},{other.socket}"
            self.use("queue-redis", addresses=several)
            gate, owner = self.start_gated()
            self.server.call("REPLICAOF", "127.0.0.1", str(other.port))
            try:
                gate.open()
                done = owner.end()
            finally:
                self.server.call("REPLICAOF", "NO", "ONE")
            self.assertEqual(0, done.code, done.err)
            self.assertEqual(["last"], self.ledger())

    def connections(self) -> int:
        said = self.server.call("INFO", "stats").splitlines()
        stats = dict(line.split(":", 1) for line in said if ":" in line)
        return int(stats["total_connections_received"])

    def test_who_is_let_in_and_then_refused_does_not_come_back_at_once(self) -> None:
        """The right to channels is missing: Redis gives a new user none."""
        self.server.call("ACL", "SETUSER", "deaf", "reset", "on", ">pw", "~*", "+@all")
        two = f"{self.server.socket},127.0.0.1:{self.server.port}"
        self.use("queue-redis", addresses=two, user="deaf", password="pw")
        owner = self.start("run", self.file("load.yaml", LOAD))
        owner.wait_for_err("lacks a right")
        began, before = time.monotonic(), self.connections()
        time.sleep(2)
        # As the pauses grow it is a few in each second, and without them thousands.
        n, seconds = self.connections() - before, time.monotonic() - began
        self.server.call("ACL", "SETUSER", "deaf", "allchannels")
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertLess(n, 100 + 50 * seconds)

    def test_eviction_is_warned_of(self) -> None:
        self.server.call("CONFIG", "SET", "maxmemory", "1gb")
        self.server.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        try:
            done = self.call("run", self.file("load.yaml", LOAD))
        finally:
            self.server.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
            self.server.call("CONFIG", "SET", "maxmemory", "0")
        self.assertIn("use noeviction", done.err)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
