"""The goals: what they are, and one repetition of each with its ceiling."""

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import quiet
from .place import (
    TESTS,
    Place,
    database,
    end,
    end_all,
    end_supervisors,
    engine,
    rows,
    run_json,
    start_to_ready,
)

MORE, LESS = 1, -1  # which way is better

sys.path.append(str(TESTS / "support"))
from postgres import Postgres  # noqa: E402
from redis_server import Redis  # noqa: E402

Pairs = dict[str, tuple[float, float]]  # goal -> its value and its ceiling's


@dataclass(frozen=True)
class Goal:
    what: str
    ceiling: str
    way: int
    gate: float  # of the ratio
    aim: float
    form: str  # how a value is shown
    scale: float = 1


RATE, MS, US = "{:,.0f}/s", "{:.1f} ms", "{:.0f} µs"
BYTES, KB, COUNT = "{:.0f} B", "{:,.0f} kB", "{:.0f}"

ROWS_100 = "the same rows in bare C, 100 tasks a commit"
ROWS_LAYER = "the same rows in bare C, a commit a layer"
ROWS_ONCE = "the same rows inserted once, 1,000 a commit"
ARRAYS = "such rows by bare libpq, 1,000 a commit"
PAIRS = "40,000/s where 300,000 updates with an event each are possible"
ONE_ROW = "commit of one row"
VFORK = "a bare vfork loop, durable"
OPEN = "exec, dlopen and open of SQLite"
SQLITE = "a process with SQLite open"
STREAM = "XADD beside XREADGROUP and XACK by bare hiredis, 100 to a call"

# fmt: off
GOALS = {
    "G1": Goal("durable no-op tasks, 1,000 runs x 100", ROWS_100, MORE, 0.5, 0.8, RATE),
    "G1 absolute": Goal("the same, on this machine", PAIRS, MORE, 1, 1, RATE),
    "G2": Goal("the same on PostgreSQL", ARRAYS, MORE, 0.5, 1.2, RATE),
    "G3 p50": Goal("hop between two tasks, median", ONE_ROW, LESS, 1.5, 1.15, US),
    "G3 p99": Goal("hop between two tasks, 99th percentile", ONE_ROW, LESS, 2, 1.5, US),
    "G5": Goal("local processes, durable, 4 slots", VFORK, MORE, 0.85, 0.95, RATE),
    "G6": Goal("the same with 1 GB of engine state", "G5", MORE, 0.95, 1, RATE),
    "G9 10k": Goal("DAG of 10,000 in layers of 100", ROWS_LAYER, LESS, 2, 1.2, MS, 1e3),
    "G9 100k": Goal("the same of 100,000", ROWS_LAYER, LESS, 2, 1.2, MS, 1e3),
    "G10 foreach": Goal("memory a task, foreach of 100k", "72 B", LESS, 3, 1.7, BYTES),
    "G10 DAG": Goal("the same, DAG and its file", "72 B", LESS, 3, 1.7, BYTES),
    "G11": Goal("fan-out and join of 100,000", ROWS_ONCE, LESS, 3, 1, MS, 1e3),
    "G15 RSS": Goal("resident while one task sleeps", SQLITE, LESS, 2.5, 1.5, KB),
    "G15 wake-ups": Goal("wake-ups in 10 s meanwhile", "none", LESS, 1, 0, COUNT),
    "G16": Goal("start to ready", OPEN, LESS, 5, 2, MS, 1e3),
    "G17": Goal("kill -9 in a run of 100,000 to the first dispatch",
                "raw scan of its rows", LESS, 4, 1.5, MS, 1e3),
    "G18": Goal("messages through queue-redis, 100 to a call", STREAM, MORE, 0.5, 0.8,
                RATE),
    "G18 hop": Goal("one message, longer than XADD to who waits in XREADGROUP",
                    "a round trip (PING)", LESS, 2, 1, US),
    "G19": Goal("G1 with 1 ms more in each flush", "G1", MORE, 0.8, 0.95, RATE),
}
# fmt: on

# --- tasks a second, hops, processes ---

MANY_RUNS = ("wide", 100, "runs=1000")
SERVER = "shared_buffers = 1GB\nmax_wal_size = 8GB"


def g1(p: Place) -> Pairs:
    data = p.fresh("g1")
    ours = engine(p, data, *MANY_RUNS)["tasks_per_s"]
    return {"G1": (ours, rows(p, data, "twice", 100)["tasks_per_s"])}


def g1_absolute(p: Place) -> Pairs:
    speed = run_json(p.limit("update_event"), p.file("ue.db"), 2)["pairs_per_s"]
    ours = engine(p, p.fresh("g1"), *MANY_RUNS)["tasks_per_s"]
    return {"G1 absolute": (ours, 40000 * min(1.0, speed / 300000))}


def g2(p: Place) -> Pairs:
    with Postgres(durable=True, settings=SERVER) as server:
        store = {"engine.store": "store-postgres"}
        store |= {f"database.{k}": v for k, v in server.options().items()}
        settings = [f"set={key}={value}" for key, value in store.items()]
        ours = engine(p, p.fresh("g2"), *MANY_RUNS, *settings)["tasks_per_s"]
        place = f"host={server.folder} port={server.port} user=flowforge"
        bare = run_json(p.limit("postgres"), f"{place} dbname=flowforge", 1000, 100)
    return {"G2": (ours, bare["tasks_s"])}


def g3(p: Place) -> Pairs:
    ours = engine(p, p.fresh("g3"), "chain", 3000)["changed_us"]
    bare = run_json(p.limit("commit"), p.file("commit.db"), 3000)
    return {
        "G3 p50": (ours["p50"], bare["p50_us"]),
        "G3 p99": (ours["p99"], bare["p99_us"]),
    }


def process_options(p: Place) -> tuple[str, str]:
    return "slots=4", f"command={p.limit('nothing')}"


def g5(p: Place) -> Pairs:
    some = ("wide", 3000, *process_options(p))
    ours = engine(p, p.fresh("g5"), *some)["tasks_per_s"]
    end_supervisors(p)
    nothing = p.limit("nothing")
    bare = run_json(p.limit("spawn"), p.fresh("spawn"), 3000, 4, nothing)["per_s"]
    big = engine(p, p.fresh("g6"), *some, "ballast=1024")["tasks_per_s"]
    end_supervisors(p)
    return {"G5": (ours, bare), "G6": (big, ours)}


def g9(tasks: int, name: str) -> Callable[[Place], Pairs]:
    def measure(p: Place) -> Pairs:
        data = p.fresh("g9")
        ours = engine(p, data, "layers", tasks)["seconds"]
        return {name: (ours, rows(p, data, "twice", 100)["seconds"])}

    return measure


def g11(p: Place) -> Pairs:
    data = p.fresh("g11")
    ours = engine(p, data, "flat", 100000)["seconds"]
    return {"G11": (ours, rows(p, data, "once", 1000)["seconds"])}


def g18(p: Place) -> Pairs:
    with Redis() as server:
        program = p.build / "bench" / "queue_redis"
        ours = run_json(program, p.drivers, server.socket, 200000, 100, 2000)
        server.call("FLUSHALL")
        bare = run_json(p.limit("redis_stream"), server.socket, 200000, 100, 2000)
    return {
        "G18": (ours["messages_per_s"], bare["messages_per_s"]),
        "G18 hop": (ours["hop_p50_us"] - bare["hop_p50_us"], bare["ping_p50_us"]),
    }


def g19(p: Place) -> Pairs:
    fast = engine(p, p.fresh("g1"), *MANY_RUNS)["tasks_per_s"]
    slow_disk = {"LD_PRELOAD": str(p.limit("slowsync.so")), "SLOWSYNC_US": "1000"}
    slow = engine(p, p.fresh("g19"), *MANY_RUNS, env={**os.environ, **slow_disk})
    return {"G19": (slow["tasks_per_s"], fast)}


# --- memory, rest, start ---


def g10(p: Place) -> Pairs:
    """Page caches have a size of their own and are not counted; nor is what is on its
    way at once, for which the slots are few."""
    small = ("slots=100", "set=store-sqlite.cache=64KiB")
    pairs = {}
    for name, shape in (("G10 foreach", "flat"), ("G10 DAG", "layers")):
        r = engine(p, p.fresh("g10"), shape, 100000, *small)
        pairs[name] = ((r["rss_kb"] - r["before_kb"]) * 1024 / r["tasks"], 72)
    return pairs


def wait_for_running(data: Path) -> None:
    db = sqlite3.connect(f"file:{database(data)}?mode=ro", uri=True)
    for _ in range(1000):
        if db.execute("SELECT count(*) FROM task WHERE state = 'running'").fetchone()[
            0
        ]:
            return
        time.sleep(0.01)
    raise RuntimeError("the task does not start")


def engine_with_sleeper(p: Place, data: Path) -> int:
    """Process id of a background engine in which one task sleeps."""
    flow = p.file("sleep.yaml")
    flow.write_text("flowforge: 1\nname: idle\ntasks:\n  t: {run: sleep 600}\n")
    argv = [p.flowforge, "run", flow, "--detach", "--data-dir", data]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    engines = [
        pid
        for pid, line in quiet.processes_with(str(data)).items()
        if line.startswith(b"flowforge\0engine\0")
    ]
    if len(engines) != 1:
        raise RuntimeError(f"{len(engines)} engines where one should be")
    wait_for_running(data)
    return engines[0]


def g15(p: Place) -> Pairs:
    data = p.fresh("g15")
    pid = engine_with_sleeper(p, data)
    time.sleep(3)  # whatever follows a start is over
    before = quiet.sleeps(pid)
    time.sleep(10)
    woken = quiet.sleeps(pid) - before
    rss = quiet.resident_kb(pid)
    _, bare_pid, hold = start_to_ready(p.limit("footprint"), p.file("footprint.db"))
    bare = quiet.resident_kb(bare_pid)
    end(bare_pid, hold)
    end_all(data)
    return {"G15 RSS": (rss, bare), "G15 wake-ups": (woken, 0)}


def g16(p: Place) -> Pairs:
    data = p.fresh("g16")
    ours, bare = [], []
    for _ in range(11):
        took, pid, hold = start_to_ready(p.flowforge, "engine", f"--data-dir={data}")
        os.waitpid(pid, 0)  # there is nothing to lead: it ends by itself
        os.close(hold)
        ours.append(took)
        took, pid, hold = start_to_ready(p.limit("footprint"), p.file("footprint.db"))
        end(pid, hold)
        bare.append(took)
    # The first of each made its database.
    return {"G16": (statistics.median(ours[1:]), statistics.median(bare[1:]))}


# --- after kill -9 ---


def wait_for_rows(data: Path, child: subprocess.Popen, wanted: int) -> bool:
    while child.poll() is None:
        try:
            db = sqlite3.connect(f"file:{database(data)}?mode=ro", uri=True)
            n = db.execute("SELECT count(*) FROM task").fetchone()[0]
            db.close()
        except sqlite3.Error:
            n = 0
        if n >= wanted:
            return True
        time.sleep(0.005)
    return False


def killed_engine(p: Place, tasks: int, wanted: int) -> Path:
    """What an engine leaves that is killed when so many of its tasks were granted."""
    for _ in range(5):
        data = p.fresh("killed")
        argv = [p.engine, data, p.drivers, "flat", str(tasks)]
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        if wait_for_rows(data, child, wanted):
            child.kill()
            child.wait()
            return data
    raise RuntimeError("the engine was always faster than who should have killed it")


def g17(p: Place) -> Pairs:
    data = killed_engine(p, 100000, 85000)
    copy = p.fresh("scanned")
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*.sock"))
    ours = engine(p, data, "flat", 100000, "resume=1")["start_to_first_s"]
    return {"G17": (ours, run_json(p.limit("scan"), database(copy))["seconds"])}


# --- what is measured together, and which run to profile when a gate is missed ---


@dataclass(frozen=True)
class Measure:
    goals: tuple[str, ...]
    run: Callable[[Place], Pairs]
    profiled: Callable[[Place], tuple] | None = None


MEASURES = (
    Measure(("G1",), g1, lambda p: MANY_RUNS),
    Measure(("G1 absolute",), g1_absolute, lambda p: MANY_RUNS),
    Measure(("G2",), g2),
    Measure(("G3 p50", "G3 p99"), g3, lambda p: ("chain", 3000)),
    Measure(("G5", "G6"), g5, lambda p: ("wide", 3000, *process_options(p))),
    Measure(("G9 10k",), g9(10000, "G9 10k"), lambda p: ("layers", 10000)),
    Measure(("G9 100k",), g9(100000, "G9 100k"), lambda p: ("layers", 100000)),
    Measure(("G10 foreach", "G10 DAG"), g10),
    Measure(("G11",), g11, lambda p: ("flat", 100000)),
    Measure(("G15 RSS", "G15 wake-ups"), g15),
    Measure(("G16",), g16),
    Measure(("G17",), g17),
    Measure(("G18", "G18 hop"), g18),
    Measure(("G19",), g19),
)
