#!/usr/bin/env python3
"""Judges a data directory after all is over, without asking FlowForge anything.

usage: check.py FOLDER    FOLDER holds data/, and the files "told" and "ledger"

It reads the tables with sqlite3 and holds them against three witnesses: what clients
were told (durable accept), what tasks physically did (start and end of each attempt),
and the history, played again. Each sentence it prints is one broken promise.
"""

import hashlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import history
import ledger as ledgers
import tables

Row = dict[str, Any]


class Store:
    """The rows, each table read once."""

    def __init__(self, file: Path) -> None:
        base = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        base.row_factory = sqlite3.Row
        try:
            self.damage = [
                str(row[0])
                for row in base.execute("PRAGMA integrity_check")
                if row[0] != "ok"
            ]
            self.runs = self.read(base, "run", "run")
            self.open = {row["run"] for row in self.read(base, "open_run", "run")}
            self.tasks = self.read(base, "task", "run, node")
            self.events = self.read(base, "event", "run, seq")
            self.inbox = self.read(base, "inbox", "no")
            self.tables = {
                name: self.read(base, name, "1, 2") for name in tables.TABLES
            }
        finally:
            base.close()

    @staticmethod
    def read(base: sqlite3.Connection, table: str, order: str) -> list[Row]:
        found = base.execute(f"SELECT * FROM {table} ORDER BY {order}")
        return [dict(row) for row in found]

    def of(self, rows: list[Row], run: Row) -> list[Row]:
        return [row for row in rows if row["run"] == run["run"]]


# --- what clients were told ---


def check_told(store: Store, told: ledgers.Ledger, wrong: list[str]) -> None:
    runs = {row["id"]: row for row in store.runs}
    for run in sorted(told.submitted - told.may_go):
        if run not in runs:
            wrong.append(f"run {run} was acknowledged and is gone")
    for run in sorted(told.cancelled & set(runs)):
        row = runs[run]
        if row["cancel"] == "no" or row["state"] != "cancelled":
            wrong.append(
                f"run {run}: its cancel was acknowledged, and it is {row['state']}"
            )


# --- one run: rows, history ---


def name_of(row: Row) -> str:
    item = "" if row["item"] is None else f".{row['item']}"
    return f"{row['task']}{item}"


def check_rows(played: history.Replay, tasks: list[Row], wrong: list[str]) -> None:
    rows = {(row["task"], row["item"]): row for row in tasks}
    for key in sorted(set(rows) ^ set(played.units), key=str):
        side = "a row and no history" if key in rows else "a history and no row"
        wrong.append(f"task {key[0]} item {key[1]} has {side}")
    for key in sorted(set(rows) & set(played.units), key=str):
        row, unit = rows[key], played.units[key]
        for field in ("state", "attempt", "exit_code", "reason", "items"):
            expected = getattr(unit, field)
            if row[field] != expected:
                wrong.append(
                    f"task {name_of(row)}: {field} is {row[field]}, "
                    f"by its history {expected}"
                )
        if row["state"] not in history.FINAL_TASK:
            wrong.append(f"task {name_of(row)} is {row['state']} in a run that is over")


def check_run(store: Store, run: Row) -> tuple[history.Replay, list[str]]:
    rows = [(row["seq"], row["body"]) for row in store.of(store.events, run)]
    played = history.play(rows)
    wrong = played.wrong
    if run["state"] not in history.FINAL_RUN:
        wrong.append(f"it is {run['state']} when all is over")
    if run["run"] in store.open:
        wrong.append("it has a row in open_run when all is over")
    if played.n_ends != 1:
        wrong.append(f"its history has {played.n_ends} ends")
    if (run["state"], run["reason"]) != (played.state, played.reason):
        wrong.append(
            f"it is {run['state']} ({run['reason']}), "
            f"by its history {played.state} ({played.reason})"
        )
    check_rows(played, store.of(store.tasks, run), wrong)
    return played, wrong


# --- outputs ---


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def check_value(folder: Path, value: Any) -> str | None:
    """None, or what is wrong with an output as it is stored."""
    if not isinstance(value, dict):
        return None
    if "$value_at" in value:
        digest = value["$value_at"]
        file = folder.parent / value.get("run", folder.name) / "values" / digest
    elif set(value) == {"path", "size", "sha256"}:
        digest = value["sha256"]
        file = folder / "files" / digest / Path(value["path"]).name
    else:
        return None
    if not file.is_file():
        return f"{file.name} is missing"
    if file.stat().st_size != value["size"]:
        return f"{file.name} has {file.stat().st_size} bytes, not {value['size']}"
    return None if sha256(file) == digest else f"{file.name} has other bytes"


def check_column(
    folder: Path, row: Row, column: str, name: str, wrong: list[str]
) -> None:
    try:
        values = json.loads(row[column])
    except ValueError:
        wrong.append(f"{column} of {name} are no JSON")
        return
    for key, value in values.get("$values", values).items():
        problem = check_value(folder, value)
        if problem:
            wrong.append(f"{column.removesuffix('s')} {key} of {name}: {problem}")


def check_outputs(data: Path, run: Row, rows: list[Row], wrong: list[str]) -> None:
    folder = data / "runs" / run["id"]
    for column in ("inputs", "scope"):
        if run[column] is not None and '"$values"' in run[column]:
            check_column(folder, run, column, "the run", wrong)
    for row in [run, *rows]:
        name = name_of(row) if "task" in row else "the run"
        if row["outputs"] is not None:
            check_column(folder, row, "outputs", name, wrong)


# --- what tasks physically did ---


def note_runs_inside(store: Store, run: Row, played: history.Replay) -> None:
    """An attempt that is a run has no process, and writes nothing itself."""
    inner = {
        row["node"] for row in store.tables["child_run"] if row["parent"] == run["run"]
    }
    for row in store.of(store.tasks, run):
        if row["node"] in inner and (row["task"], row["item"]) in played.units:
            played.units[row["task"], row["item"]].is_process = False


def check_physical(
    told: ledgers.Ledger,
    played: dict[str, history.Replay],
    supervisor_died: bool,
    wrong: list[str],
) -> None:
    for (task, attempt), physical in sorted(told.attempts.items()):
        run, name = task.split("/")
        if run in told.may_go and run not in played:
            continue
        if physical.starts != 1 or physical.ends > 1:
            wrong.append(
                f"{task}: attempt {attempt} began {physical.starts} times "
                f"and ended {physical.ends} times"
            )
        word, _, item = name.partition(".")
        unit = run in played and played[run].units.get(
            (word, int(item) if item else None)
        )
        if not unit or attempt not in unit.started:
            wrong.append(f"{task}: attempt {attempt} began and was never recorded")
        elif physical.ends and attempt < unit.attempt and not supervisor_died:
            wrong.append(f"{task}: attempt {attempt} came to its end and ran again")


def check_ends(
    logs: Path,
    told: ledgers.Ledger,
    played: dict[str, history.Replay],
    wrong: list[str],
) -> None:
    """Who has succeeded has been there: every task of the harness writes its end, and
    says it on its output."""
    for run, replay in sorted(played.items()):
        for (task, item), unit in replay.units.items():
            if unit.state != "succeeded" or not unit.attempt or not unit.is_process:
                continue
            name = task if item is None else f"{task}.{item}"
            physical = told.attempts.get((f"{run}/{name}", unit.attempt))
            if not physical or not physical.ends:
                wrong.append(f"{run}/{name} has succeeded and never came to its end")
            if run not in told.may_go:  # logs are the first that goes
                tables.check_log(logs, f"{run}/{name}", unit.attempt, wrong)


def check(folder: Path, *, supervisor_died: bool = False) -> list[str]:
    """What is wrong; empty: nothing."""
    told = ledgers.read(folder)
    base = folder / "data" / "flowforge.db"
    if not base.exists() and not told.submitted and not told.attempts:
        return []
    store = Store(base)
    wrong = [f"the database is damaged: {text}" for text in store.damage]
    played: dict[str, history.Replay] = {}
    check_told(store, told, wrong)
    for run in store.runs:
        played[run["id"]], found = check_run(store, run)
        note_runs_inside(store, run, played[run["id"]])
        check_outputs(folder / "data", run, store.of(store.tasks, run), found)
        wrong += [f"run {run['id']}: {text}" for text in found]
    known = {run["run"] for run in store.runs}
    for table, rows in (("task", store.tasks), ("event", store.events)):
        for number in sorted({row["run"] for row in rows} - known):
            wrong.append(f"there are rows in {table} of a run {number} that is gone")
    for row in store.inbox:
        wrong.append(f"the request {row['no']} ({row['kind']}) was never answered")
    check_physical(told, played, supervisor_died, wrong)
    check_ends(folder / "data/runs", told, played, wrong)
    return wrong + tables.check(folder / "data", store.tables, store.runs, store.tasks)


def states(folder: Path) -> dict[str, str]:
    """What became of each run."""
    file = folder / "data" / "flowforge.db"
    if not file.exists():
        return {}
    return {row["id"]: row["state"] for row in Store(file).runs}


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    wrong = check(Path(sys.argv[1]))
    for text in wrong:
        print(text)
    print(f"{len(wrong)} violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
