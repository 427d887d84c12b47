#!/usr/bin/env python3
"""kill -9 at each call that writes, flushes, renames, deletes or sends.

Each operation is done again and again, and killed at its first such call, its second,
and so on until it comes through: before the call, after it, and half-way through a
write, once the owner and once the supervisor. Then the user goes on, and check.py holds
what is stored against what was promised and what was physically done.

A test run takes a sample (FF_CRASH_POINTS of each operation and aim, seeded by
FF_SEED); FF_CRASH_ALL=1 takes all, FF_CRASH_ONLY=NAME one operation.
"""
# ctest: timeout=600

import os
import random
import sys
import time
from collections.abc import Iterator

from fresh_seed import fresh_seed
from operations import OPERATIONS, Operation
from place import POINT, Aim
from points import HOWS, TEARABLE, Score, count, strike

SEED = fresh_seed()
ALL = os.environ.get("FF_CRASH_ALL") == "1"
SAMPLE = int(os.environ.get("FF_CRASH_POINTS") or 2)
ONLY = os.environ.get("FF_CRASH_ONLY")


def aims() -> Iterator[tuple[Operation, str]]:
    for operation in OPERATIONS:
        if ONLY in (None, operation.name):
            for who in operation.aims:
                yield operation, who


def sampled(operation: Operation, who: str, rng: random.Random, score: Score) -> int:
    """The number of points; where none is hit the aim is wrong, and that is a fault."""
    n_calls = count(operation, who, score)
    n_hit = 0
    for at in rng.sample(range(1, n_calls + 1), min(SAMPLE, n_calls)):
        n_hit += strike(operation, Aim(who, at, rng.choice(HOWS)), score)[0]
    if n_hit == 0:
        # How many there are changes a little with time; the first is always there.
        n_hit += strike(operation, Aim(who, 1, "after"), score)[0]
    if n_hit == 0:
        score.violations.append(f"{operation.name}: no call of the {who} was hit")
    return n_calls


def all_of(operation: Operation, who: str, score: Score) -> int:
    at = 0
    hit = True
    while hit:
        at += 1
        hit, names = strike(operation, Aim(who, at, "before"), score)
        hit |= strike(operation, Aim(who, at, "after"), score)[0]
        if names and names[-1] in TEARABLE:
            hit |= strike(operation, Aim(who, at, "torn"), score)[0]
    return at - 1


def main() -> int:
    if not POINT.exists():
        print(f"{POINT} is missing: build the target crash-point", file=sys.stderr)
        return 1
    rng = random.Random(SEED)
    score = Score()
    print(f"seed {SEED} (FF_SEED), {'all points' if ALL else f'{SAMPLE} points each'}")
    for operation, who in aims():
        kills, begin = score.kills, time.monotonic()
        if ALL:
            n = all_of(operation, who, score)
        else:
            n = sampled(operation, who, rng, score)
        seconds = time.monotonic() - begin
        print(
            f"{operation.name:16} {who:10} {n:4} calls, "
            f"{score.kills - kills:4} kills, {seconds:6.1f} s",
            flush=True,
        )
    for text in score.violations:
        print(text)
    print(score.line())
    return 1 if score.violations or not score.kills else 0


if __name__ == "__main__":
    sys.exit(main())
