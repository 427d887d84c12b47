#!/usr/bin/env python3
"""bench/snapshot.py - what an old snapshot costs: somebody's transaction on PostgreSQL
that stays open for minutes, so that no row version younger than it can be removed.

Two servers of PostgreSQL, each with an engine of its own that stays for the whole time
(bench/engine.c): in one of them a transaction (REPEATABLE READ) has read a table before
the first round, and stays open; in the other one there is none. They take turns, one
round each, so that both have the same rows and the same machine; after each pair of
rounds both rest for as long as these took. What counts is the median ratio of the pairs
in the last third of the time. Exit code 1: it is below 0.9.

usage: bench/snapshot.py [--build DIR] [--seconds S]
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.goals import SERVER
from harness.place import Place, end_supervisors

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests/support"))
from postgres import Postgres  # noqa: E402

SHAPE = ("wide", "100", "runs=200", "asked=1")
SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM"
    " flowforge.run"
)
WANTED = 0.9


class Engine:
    """One that goes on, over a server of PostgreSQL."""

    def __init__(self, p: Place, data: Path, server: Postgres) -> None:
        settings = {"engine.store": "store-postgres"}
        settings |= {f"database.{k}": v for k, v in server.options().items()}
        self.process = subprocess.Popen(
            [
                *(str(p.engine), str(data), str(p.drivers), *SHAPE),
                *(f"set={key}={value}" for key, value in settings.items()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self) -> float:
        """Tasks a second, submits included."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the engine has ended")
        return float(json.loads(line)["tasks_per_s"])

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


def measure(engines: list[Engine], seconds: float) -> list[tuple[float, float, float]]:
    """Pairs: how old the snapshot is, without it, with it."""
    begun = time.monotonic()
    pairs = []
    minute = 0
    while (age := time.monotonic() - begun) < seconds:
        rates = [engine.round() for engine in engines]
        pairs.append((age, rates[0], rates[1]))
        if age >= minute * 60:
            minute += 1
            print(
                f"after {age:4.0f} s: {rates[0]:8,.0f}/s without, {rates[1]:8,.0f}/s"
                f" with it, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        time.sleep(time.monotonic() - begun - age)
    return pairs


def conclude(pairs: list[tuple[float, float, float]], seconds: float) -> int:
    last = [(a, b) for age, a, b in pairs if age >= seconds * 2 / 3]
    ratios = sorted(b / a for a, b in last)
    ratio = statistics.median(ratios)
    print(
        f"of {len(pairs)} pairs the last {len(last)}: "
        f"{statistics.median(a for a, _ in last):,.0f}/s without, "
        f"{statistics.median(b for _, b in last):,.0f}/s with it, "
        f"ratio {ratio:.2f} [{ratios[0]:.2f}..{ratios[-1]:.2f}], wanted {WANTED}"
    )
    return 0 if ratio >= WANTED else 1


def run(p: Place, seconds: float) -> int:
    with contextlib.ExitStack() as stack:
        engines = []
        for name in ("without", "with"):
            server = stack.enter_context(Postgres(durable=True, settings=SERVER))
            engine = Engine(p, p.fresh(name), server)
            stack.callback(engine.end)
            engine.round()
            engines.append(engine)
        stack.enter_context(server.holding(SNAPSHOT))
        pairs = measure(engines, seconds)
        dead = server.sql(
            "SELECT string_agg(relname || ' ' || n_dead_tup, ', ' ORDER BY n_dead_tup"
            " DESC) FROM pg_stat_user_tables WHERE n_dead_tup > 0"
        )
        print(f"versions that the snapshot keeps: {dead}")
    return conclude(pairs, seconds)


def main() -> int:
    a = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    a.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    a.add_argument("--seconds", type=float, default=600)
    args = a.parse_args()
    build = args.build.resolve()
    base = build.parent / "bench"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="snapshot-", dir=base) as folder:
        p = Place(build, Path(folder))
        try:
            return run(p, args.seconds)
        finally:
            end_supervisors(p)


if __name__ == "__main__":
    sys.exit(main())
