"""The references for recurring times: Python's zoneinfo, and croniter from PyPI, which
is installed once into build/calendar-venv.

What a cron expression means on one wall clock is worked out here day by day, and
compared with croniter where that is right (6.0.0 leaves out the first of March after a
day 31). What it means where clocks are changed is worked out from zoneinfo, one span
without a change after the other.
"""

import fcntl
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

WHEELS = ["croniter==6.0.0"]
SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE", Path(__file__).resolve().parents[2]))
HOME = SOURCE / "build" / "calendar-venv"
EPOCH = datetime(1970, 1, 1)


def install() -> None:
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--clear", HOME], check=True)
    pip = [str(HOME / "bin/pip"), "-q", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *WHEELS], check=True)
    (HOME / "ready").touch()


def enter() -> None:
    """Goes on in the interpreter that has croniter."""
    if sys.prefix == str(HOME):
        return
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "calendar-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "ready").exists():
            install()
    python = str(HOME / "bin/python")
    os.execv(python, [python, *sys.argv])


def wall_of(zone: ZoneInfo, at: int) -> int:
    """What the wall shows at this instant, in seconds since 1970 as if it were UTC."""
    offset = datetime.fromtimestamp(at, timezone.utc).astimezone(zone).utcoffset()
    assert offset is not None
    return at + int(offset.total_seconds())


def walls(zone: ZoneInfo, first: int, below: int) -> list[tuple[int, int, int]]:
    """Spans (from, below, offset) in which the offset does not change."""
    spans: list[tuple[int, int, int]] = []
    start = first
    while start < below:
        offset = wall_of(zone, start) - start
        end = start
        for step in (3600, 60, 1):
            while end < below and wall_of(zone, end + step) - end - step == offset:
                end += step
        spans.append((start, end + 1, offset))
        start = end + 1
    return spans


def values(text: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for item in text.replace("sun", "0").replace("mon", "1").split(","):
        span, _, step = item.partition("/")
        first, _, last = span.replace("*", f"{low}-{high}").partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def follows_time(expression: str) -> bool:
    minute, hour = expression.split()[:2]
    return len(values(minute, 0, 59)) == 60 or len(values(hour, 0, 23)) == 24


def matches_day(expression: str, day: datetime) -> bool:
    _, _, month_day, month, weekday = expression.split()
    if day.month not in values(month, 1, 12):
        return False
    if month_day == "L":
        by_day = (day + timedelta(days=1)).day == 1
    else:
        by_day = day.day in values(month_day, 1, 31)
    name, _, nth = weekday.partition("#")
    by_weekday = day.isoweekday() % 7 in values(name, 0, 6)
    by_weekday = by_weekday and (not nth or (day.day + 6) // 7 == int(nth))
    if month_day == "*" or weekday == "*":
        return by_day and by_weekday
    return by_day or by_weekday


def matching_walls(expression: str, first: int, below: int) -> list[int]:
    """The matching minutes of a wall that is never changed."""
    minute, hour = expression.split()[:2]
    in_day = [
        3600 * h + 60 * m
        for h in sorted(values(hour, 0, 23))
        for m in sorted(values(minute, 0, 59))
    ]
    found = []
    for day in range(first // 86400, below // 86400 + 1):
        if matches_day(expression, EPOCH + timedelta(days=day)):
            found += [86400 * day + second for second in in_day]
    return [wall for wall in found if first <= wall < below]


def croniter_walls(expression: str, first: int, below: int, limit: int) -> list[int]:
    """The first of the same, at most limit, by croniter."""
    from croniter import croniter  # type: ignore[import]

    found: list[int] = []
    at = croniter(expression, EPOCH + timedelta(seconds=first - 60), day_or=True)
    while len(found) < limit:
        wall = int((at.get_next(datetime) - EPOCH).total_seconds())
        if wall >= below:
            break
        if wall >= first:
            found.append(wall)
    return found


def instants(expression: str, zone: ZoneInfo, first: int, below: int) -> list[int]:
    """The instants from first on and before below."""
    margin = 3 * 86400
    minutes = matching_walls(expression, first - margin, below + margin)
    spans = walls(zone, first - margin, below + margin)
    found: set[int] = set()
    if follows_time(expression):
        for start, end, offset in spans:
            found.update(
                wall - offset for wall in minutes if start <= wall - offset < end
            )
    else:
        todo = iter(minutes)
        wall = next(todo, None)
        for start, end, offset in spans:
            while wall is not None and wall - offset < end:
                found.add(max(start, wall - offset))
                wall = next(todo, None)
    return sorted(at for at in found if first <= at < below)
