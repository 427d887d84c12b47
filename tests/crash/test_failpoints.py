#!/usr/bin/env python3
"""kill -9 at each named failpoint that an operation passes.

Each operation is done once to see which failpoints it passes, and how often; then again
and again, killed at the first pass of each, and at the last. What comes after is judged
as in test_points.py. A failpoint in the programs that no operation passes is a fault of
this test.

A test run takes a sample (FF_CRASH_POINTS of each operation and aim, by FF_SEED);
FF_CRASH_ALL=1 takes all, FF_CRASH_ONLY=NAME one operation.
"""
# ctest: timeout=600

import os
import random
import re
import sys
import time
from collections import Counter

from fresh_seed import fresh_seed
from operations import OPERATIONS, Operation
from place import BIN, LIB, Aim
from points import Score, strike

SEED = fresh_seed()
ALL = os.environ.get("FF_CRASH_ALL") == "1"
SAMPLE = int(os.environ.get("FF_CRASH_POINTS") or 2)
ONLY = os.environ.get("FF_CRASH_ONLY")
NAME = re.compile(rb"failpoint:([a-z_]+(?:\.[a-z_]+)+)\0")


# They need a server; their own tests have one.
ELSEWHERE = ("blob-s3.so", "store-postgres.so")
# Passed while nothing is written: who asks is being found out (test_server.py).
HARMLESS = {"rest.who.known"}


def names_in_programs() -> set[str]:
    files = [BIN / "flowforge", BIN / "flowforge-server", LIB / "flowforge-supervisor"]
    files += [file for file in LIB.glob("*.so") if file.name not in ELSEWHERE]
    names = {name.decode() for f in files for name in NAME.findall(f.read_bytes())}
    assert names >= HARMLESS
    return names - HARMLESS


def points_of(operation: Operation, who: str, score: Score) -> Counter[str]:
    """How often each is passed when nothing happens."""
    return Counter(strike(operation, Aim(who, point=""), score)[1])


def strikes(passed: Counter[str], rng: random.Random) -> list[tuple[str, int]]:
    """Name and pass; a last pass may not come again, since timing has its say."""
    every = [(name, 1) for name in sorted(passed)]
    every += [(name, n) for name, n in sorted(passed.items()) if n > 1]
    return every if ALL else rng.sample(every, min(SAMPLE, len(every)))


def main() -> int:
    rng = random.Random(SEED)
    score = Score()
    known = names_in_programs()
    seen: set[str] = set()
    hit_names: set[str] = set()
    print(f"seed {SEED} (FF_SEED), {len(known)} failpoints in the programs")
    for operation in OPERATIONS:
        if ONLY not in (None, operation.name):
            continue
        for who in operation.aims:
            kills, begin = score.kills, time.monotonic()
            passed = points_of(operation, who, score)
            seen |= passed.keys()
            for name, at in strikes(passed, rng):
                hit = strike(operation, Aim(who, at, point=name), score)[0]
                if hit:  # not where it is the engine's, in the background, and late
                    hit_names.add(name)
            print(
                f"{operation.name:16} {who:10} {len(passed):3} failpoints, "
                f"{score.kills - kills:3} kills, {time.monotonic() - begin:6.1f} s",
                flush=True,
            )
    if not known:
        score.violations.append("there is no failpoint in the programs")
    if not ONLY:
        score.violations += [f"no operation passes {n}" for n in sorted(known - seen)]
    if ALL and not ONLY:
        score.violations += [f"{n} was not struck" for n in sorted(known - hit_names)]
    for text in score.violations:
        print(text)
    print(f"{len(hit_names)} of {len(known)} failpoints struck; {score.line()}")
    return 1 if score.violations or not score.kills else 0


if __name__ == "__main__":
    sys.exit(main())
