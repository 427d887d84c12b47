#!/usr/bin/env python3
"""bench/retention.py - does a database that runs for ever reach a steady size?

`flowforge server` over a PostgreSQL server of its own, which deletes runs a minute
after they ended, is handed runs of 100 tasks that do nothing at a steady pace until a
million tasks have run. Each ten seconds the size of the database is told. What counts
are the sizes of the last third: they may differ by a fifth.

usage: bench/retention.py [--bin DIR] [--seconds S] [--keep S] [--tasks N]
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests/support"))
from postgres import Postgres  # noqa: E402

TASKS = 100  # of a run
FLOW = (
    "flowforge: 1\nname: many\ntasks:\n"
    f"  each: {{foreach: '${{{{ range({TASKS}) }}}}', noop: true}}\n"
)
SLACK = 1.2
SAMPLES = 24


class Server:
    """`flowforge server` that keeps runs for some seconds."""

    def __init__(self, programs: Path, data: Path, db: Postgres, keep: float) -> None:
        self.socket = data / "api.sock"
        env = {k: v for k, v in os.environ.items() if "FLOWFORGE" not in k}
        env |= db.environment()
        env |= {
            "FLOWFORGE_ENGINE_KEEP": f"{keep * 1000:.0f}ms",
            "FLOWFORGE_ENGINE_KEEP_RUNS": "0",
            "FLOWFORGE_ENGINE_RETENTION_EVERY": f"{keep * 50:.0f}ms",
        }
        words = [str(programs / "flowforge"), "server", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*words, "--data-dir", str(data)], stdout=subprocess.PIPE, env=env
        )
        assert self.process.stdout
        if not self.process.stdout.readline():
            raise RuntimeError("the server does not start")
        self.connection = http.client.HTTPConnection("localhost")
        self.connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.sock.connect(str(self.socket))

    def submit(self) -> None:
        self.connection.request(
            "POST",
            "/api/v1/runs",
            json.dumps({"source": FLOW}),
            {"Content-Type": "application/json"},
        )
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {body.decode()}")

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def sizes_mb(db: Postgres) -> list[float]:
    """All of it, of the tasks, of the events; and partitions of the events."""
    total, tasks, events, parts = db.sql(
        "SELECT pg_database_size(current_database()),"
        " pg_total_relation_size('flowforge.task'),"
        " sum(pg_total_relation_size(c.oid)), count(*) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'flowforge'"
        " AND c.relkind = 'r' AND c.relname LIKE 'event%' AND relname <> 'event_wait'"
    ).split("|")
    return [*(int(n) / 1e6 for n in (total, tasks, events)), float(parts)]


def measure(
    server: Server, db: Postgres, seconds: float, runs: int
) -> tuple[list[float], int]:
    begun = time.monotonic()
    sizes = []
    submitted = 0
    while len(sizes) < SAMPLES:
        at = seconds * (len(sizes) + 1) / SAMPLES
        while (now := time.monotonic() - begun) < at:
            if submitted < min(now / seconds, 1) * runs:
                server.submit()
                submitted += 1
            else:
                time.sleep(0.005)
        total, tasks, events, parts = sizes_mb(db)
        sizes.append(total)
        left = db.sql("SELECT count(*) FROM flowforge.run")
        print(
            f"{now:4.0f} s: {total:6.1f} MB, tasks {tasks:6.1f}, events {events:5.1f}"
            f" in {parts:.0f} parts, {left} runs of {submitted},"
            f" load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    return sizes, submitted


def main() -> int:
    a = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    a.add_argument("--bin", type=Path, default=ROOT / "build" / "bin")
    a.add_argument("--seconds", type=float, default=480)
    a.add_argument("--keep", type=float, default=60)
    a.add_argument("--tasks", type=int, default=1_000_000)
    args = a.parse_args()
    auto = f"autovacuum_naptime = {max(1, round(args.keep / 6))}"
    with (
        Postgres(durable=True, settings=auto) as db,
        tempfile.TemporaryDirectory() as d,
    ):
        server = Server(args.bin.resolve(), Path(d) / "data", db, args.keep)
        try:
            sizes, submitted = measure(server, db, args.seconds, args.tasks // TASKS)
        finally:
            server.end()
    last = sizes[-SAMPLES // 3 :]
    print(
        f"{submitted * TASKS:,} tasks: {min(last):.1f} to {max(last):.1f} MB in the"
        f" last third, ratio {max(last) / min(last):.2f}, wanted at most {SLACK}"
    )
    return 0 if max(last) <= min(last) * SLACK else 1


if __name__ == "__main__":
    sys.exit(main())
