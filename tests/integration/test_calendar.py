#!/usr/bin/python3
"""Recurring times against zoneinfo and croniter: years around changes of clocks, in
zones of every kind. FF_SEED repeats a run, FF_CASES sets how many random expressions
there are.
"""

# ctest: timeout=300

import os
import random
import re
import subprocess
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone
from pathlib import Path

import calendar_reference as reference
from fresh_seed import fresh_seed

PROGRAM = Path(os.environ.get("FLOWFORGE_BIN", "build/asan/bin")) / "ff-recur"

# Northern and southern summer time, half an hour of it (Lord Howe), winter time that is
# negative (Dublin), changes at 24:00 and before midnight (Nuuk, Beirut, Santiago), two
# pairs in a year (Casablanca), a day left out (Apia 2011), a change of the zone itself
# (Caracas, Pyongyang, Istanbul), odd offsets (Chatham, Kathmandu), none at all.
ZONES = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Nuuk",
    "America/Caracas",
    "America/Havana",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Pyongyang",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Europe/Istanbul",
    "Etc/GMT+12",
    "UTC",
    "Antarctica/Troll",
]
ALL_ZONES = sorted(
    zone
    for zone in zoneinfo.available_timezones()
    if not zone.startswith(("right/", "local"))
)

FIXED = [
    "30 2 * * *",
    "0 0 * * *",
    "*/20 1-3 * * *",
    "0 */2 * * *",
    "59 23 * * *",
    "0 3 * * sun",
    "45 2 L * *",
    "15 1 1,15 * mon",
    "0 9 * * 1#2",
    "*/30 * * * *",
    "0 * * * *",
    "* 2 * * *",
]

Case = tuple[str, str, int]  # expression, zone, year


def zone_file(name: str) -> str:
    for folder in zoneinfo.TZPATH:
        if (Path(folder) / name).exists():
            return str(Path(folder) / name)
    sys.exit(f"no time zone {name}: apt-get install tzdata")


def window(expression: str, year: int, rand: random.Random) -> tuple[int, int]:
    """All of the year, or where much would come of that, some months of it."""
    start = int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())
    hour = expression.split()[1]
    days = 366 if re.fullmatch(r"[0-9,]+|\*/2|1-3", hour) else 40
    start += 86400 * rand.choice(
        [0, 70, 290, rand.randrange(366)] if days < 366 else [0]
    )
    return start, start + 86400 * days


def random_field(rand: random.Random, low: int, high: int) -> str:
    def item() -> str:
        first = rand.randint(low, high - 1)
        last = rand.randint(first + 1, high)  # croniter takes 5-5 for all of them
        return rand.choice(
            [
                f"{first}",
                f"{first}",
                f"{first}-{last}/{rand.randint(1, 7)}",
                f"*/{rand.randint(2, max(2, high // 2))}",
            ]
        )

    return ",".join(item() for _ in range(rand.choice([1, 1, 1, 2, 3])))


def random_case(rand: random.Random) -> Case:
    minute = random_field(rand, 0, 59)
    hour = rand.choice(["*", random_field(rand, 0, 4), random_field(rand, 0, 23)])
    day = rand.choice(["*", "*", random_field(rand, 1, 31), "L"])
    month = rand.choice(["*", "*", random_field(rand, 1, 12)])
    nth = f"{rand.randint(0, 6)}#{rand.randint(1, 5)}"
    weekday = rand.choice(["*", "*", random_field(rand, 0, 6), nth])
    expression = f"{minute} {hour} {day} {month} {weekday}"
    zone = rand.choice([rand.choice(ZONES), rand.choice(ALL_ZONES)])
    return expression, zone, rand.randint(1950, 2090)


def ask(questions: list[str]) -> list[str]:
    text = "".join(question + "\n" for question in questions)
    done = subprocess.run([PROGRAM], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{PROGRAM} failed: {done.stderr[:4000]}")
    return done.stdout.splitlines()


def differ(what: str, got: list[int], want: list[int]) -> None:
    if got != want:
        extra = sorted(set(got) - set(want))[:5]
        lost = sorted(set(want) - set(got))[:5]
        sys.exit(f"{what}: extra {extra}, missing {lost} of {len(want)}")


def check_reference(expression: str, first: int, below: int) -> bool:
    """Whether croniter was asked: it takes no L or # beside other days."""
    day, weekday = expression.split()[2], expression.split()[4]
    if day == "L" or "#" in weekday:
        return False
    if day != "*" and max(reference.values(day, 1, 31)) > 28:
        return False
    by_croniter = reference.croniter_walls(expression, first, below, 500)
    mine = reference.matching_walls(expression, first, below)[: len(by_croniter)]
    differ(f"{expression} by croniter from {first}", mine, by_croniter)
    return True


def main() -> None:
    reference.enter()
    seed = fresh_seed()
    n_random = int(os.environ.get("FF_CASES", "60"))
    print(f"FF_SEED={seed}")
    rand = random.Random(seed)
    cases: list[Case] = [
        (expression, zone, rand.choice([2007, 2011, 2016, 2018, 2024, 2043]))
        for expression in FIXED
        for zone in rand.sample(ZONES, 3)
    ]
    cases.append(("0 9 30 12 *", "Pacific/Apia", 2011))  # a day that never was
    cases.append(("30 2 * * *", "Europe/Berlin", 2026))
    cases += [random_case(rand) for _ in range(n_random)]
    windows = [window(expression, year, rand) for expression, _, year in cases]
    answers = ask(
        [
            f"{zone_file(zone)}\t{expression}\t{first}\t{below}"
            for (expression, zone, _), (first, below) in zip(
                cases, windows, strict=True
            )
        ]
    )
    n_instants = n_croniter = 0
    for (expression, zone, _), (first, below), answer in zip(
        cases, windows, answers, strict=True
    ):
        if "never happens" in answer:
            # In four centuries, which are the same again and again.
            assert not any(
                reference.matches_day(
                    expression, datetime(2000, 1, 1) + timedelta(days=d)
                )
                for d in range(146097)
            ), expression
            continue
        place = zoneinfo.ZoneInfo(zone)
        want = reference.instants(expression, place, first, below)
        got = [int(word) for word in answer.split()]
        differ(f"{expression} in {zone} from {first}", got, want)
        n_instants += len(want)
        n_croniter += check_reference(expression, first, below)
    print(f"{len(cases)} expressions, {n_instants} instants agree", end="; ")
    print(f"{n_croniter} of them with croniter")


if __name__ == "__main__":
    main()
