"""How much of the processors other programs took while something was measured."""

import os
import re
import time
from pathlib import Path

FOREIGN_MAX = 0.10
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def processes() -> list[Path]:
    return [p for p in PROC.iterdir() if p.name.isdigit()]


def kernel_seconds() -> float:
    """Of kernel threads: children of the second process."""
    ticks = 0
    for process in processes():
        try:
            rest = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if rest[1] == "2":
            ticks += int(rest[11]) + int(rest[12])
    return ticks / TICKS


def processor_seconds() -> float:
    """What all processors did, kernel threads left out: they flush for us, too."""
    fields = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = (int(x) for x in fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS - kernel_seconds()


def own_seconds() -> float:
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def reap() -> None:
    """Who outlived its parent becomes our child, and its time ours."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


class Quiet:
    """with Quiet() as q: ...; q.foreign is the share that others took."""

    def __enter__(self) -> "Quiet":
        self.wall = time.monotonic()
        self.all, self.own = processor_seconds(), own_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        reap()
        wall = time.monotonic() - self.wall
        foreign = processor_seconds() - self.all - (own_seconds() - self.own)
        self.foreign = max(0.0, foreign) / (wall * (os.cpu_count() or 1))


def resident_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", (PROC / str(pid) / "status").read_text())
    return int(found.group(1)) if found else 0


def sleeps(pid: int) -> int:
    """How often its threads went to sleep: each wake-up is at least one system call,
    and counting them in this way wakes nothing."""
    n = 0
    for status in (PROC / str(pid) / "task").glob("*/status"):
        found = re.search(
            r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M
        )
        n += int(found.group(1)) if found else 0
    return n


def processes_with(word: str) -> dict[int, bytes]:
    """Process ids and command lines of those that were told this word."""
    found = {}
    for process in processes():
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in line and int(process.name) != os.getpid():
            found[int(process.name)] = line
    return found
