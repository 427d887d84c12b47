"""Verdicts, the lines that say them, profiles, and the table in the documentation."""

import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import time
from pathlib import Path

from .goals import GOALS, MORE
from .place import Place

MARK_BEGIN = "<!-- bench:begin -->"
MARK_END = "<!-- bench:end -->"
NOT_JUDGED = "not judged"


def ratio_of(value: float, ceiling: float) -> float:
    return value / ceiling if ceiling else value


def judge(name: str, pairs: list[tuple[float, float]], wanted: int, dirty: int) -> dict:
    goal = GOALS[name]
    result = {"goal": name, "repetitions": len(pairs), "thrown_away": dirty}
    if len(pairs) < wanted:
        return {**result, "verdict": NOT_JUDGED}
    values = sorted(value for value, _ in pairs)
    ratios = sorted(ratio_of(*pair) for pair in pairs)
    median = statistics.median(ratios)
    reached = sum((median - limit) * goal.way >= 0 for limit in (goal.gate, goal.aim))
    return {
        **result,
        "value": statistics.median(values),
        "value_min": values[0],
        "value_max": values[-1],
        "ceiling": statistics.median(ceiling for _, ceiling in pairs),
        "ratio": median,
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
        "gate": goal.gate,
        "aim": goal.aim,
        "verdict": ("missed", "gate", "aim")[reached],
    }


def shown(name: str, number: float) -> str:
    return GOALS[name].form.format(number * GOALS[name].scale)


def line_of(r: dict) -> str:
    name = r["goal"]
    if r["verdict"] == NOT_JUDGED:
        return (
            f"{name:13} not judged: {r['repetitions']} clean repetitions, "
            f"{r['thrown_away']} thrown away"
        )
    spread = f"[{shown(name, r['value_min'])} .. {shown(name, r['value_max'])}]"
    return (
        f"{name:13} {shown(name, r['value']):>12} {spread:28} "
        f"ceiling {shown(name, r['ceiling']):>12}  ratio {r['ratio']:.2f} "
        f"[{r['ratio_min']:.2f}..{r['ratio_max']:.2f}]  gate {r['gate']:g}  "
        f"aim {r['aim']:g}  {r['verdict']}"
    )


def profile(p: Place, words: tuple) -> list[str]:
    """Where the program spends its time: the twelve symbols at the top."""
    if not shutil.which("perf"):
        return []
    data = p.file("perf.data")
    program = [p.engine, p.fresh("profiled"), p.drivers, *words]
    record = ["perf", "record", "-q", "-F", "999", "-o", data, *program]
    subprocess.run([str(word) for word in record], capture_output=True)
    report = ["perf", "report", "-i", data, "--no-children", "--stdio"]
    report += ["--sort", "comm,dso,symbol"]
    done = subprocess.run(report, capture_output=True, text=True)
    lines = [x for x in done.stdout.splitlines() if re.match(r"\s+\d+\.\d+%", x)]
    return [re.sub(r"(\s+-){1,2}\s*$", "", x).strip() for x in lines[:12]]


def machine(work: Path) -> dict:
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    stat = ["stat", "-f", "-c", "%T", str(work)]
    return {
        "processors": os.cpu_count(),
        "model": model.group(1) if model else platform.machine(),
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "filesystem": subprocess.run(
            stat, capture_output=True, text=True
        ).stdout.strip(),
        "sqlite": sqlite3.sqlite_version,
    }


def machine_text(m: dict) -> str:
    return (
        f"{m['processors']} processors ({m['model']}), {m['memory_gib']:g} GiB, "
        f"Linux {m['kernel']}, {m['filesystem']}, SQLite {m['sqlite']}"
    )


def table_row(r: dict) -> str:
    name, goal = r["goal"], GOALS[r["goal"]]
    sign = "≥" if goal.way == MORE else "≤"
    spread = f"[{r['ratio_min']:.2f}..{r['ratio_max']:.2f}]"
    cells = (
        name,
        goal.what,
        shown(name, r["value"]),
        f"{goal.ceiling}: {shown(name, r['ceiling'])}",
        f"{r['ratio']:.2f} {spread}",
        f"{sign} {goal.gate:g}",
        f"{sign} {goal.aim:g}",
        r["verdict"],
    )
    return f"| {' | '.join(cells)} |"


def table(results: list[dict], m: dict) -> str:
    return "\n".join(
        [
            f"Measured on {time.strftime('%Y-%m-%d')}: {machine_text(m)}.",
            "",
            "| goal | what | measured | ceiling | ratio | gate | aim | reached |",
            "|---|---|---|---|---|---|---|---|",
            *map(table_row, results),
        ]
    )


def write_document(path: Path, results: list[dict], m: dict) -> None:
    text = path.read_text(encoding="utf-8")
    head, rest = text.split(MARK_BEGIN, 1)
    tail = rest.split(MARK_END, 1)[1]
    body = f"\n{table(results, m)}\n"
    path.write_text(head + MARK_BEGIN + body + MARK_END + tail, encoding="utf-8")
