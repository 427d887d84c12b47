"""The rows beside runs, tasks and history: what they name is there, and when all is
over nothing is held or waited for by anybody who is gone."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
TABLES = (
    "slot",
    "event_wait",
    "signal",
    "artifact",
    "child_run",
    "cache",
    "log",
    "schedule",
    "schedule_run",
    "occurrence",
    "counter",
)
OF_A_RUN = ("slot", "event_wait", "signal", "artifact", "child_run", "log")
# Of these none is left when every run is over.
HELD = {
    "slot": "a place of {name} is held",
    "event_wait": "{name} is waited for",
    "occurrence": "{kind} {name} was never heard",
}
Tables = dict[str, list[Row]]


def is_end_of_a_run(table: str, row: Row) -> bool:
    """Noted for schedules also while they are not read yet; who leads next and finds
    that none wants it takes it away."""
    return table == "occurrence" and row["kind"] == "workflow"


def check_gone(tables: Tables, known: set[int], wrong: list[str]) -> None:
    for table in OF_A_RUN:
        for number in sorted({row["run"] for row in tables[table]} - known):
            wrong.append(f"there are rows in {table} of a run {number} that is gone")
    for table, complaint in HELD.items():
        wrong += [
            f"{complaint.format(**row)} when all is over"
            for row in tables[table]
            if not is_end_of_a_run(table, row)
        ]
    for row in tables["counter"]:
        if row["name"] == "run" and row["next"] <= max(known, default=0):
            wrong.append(f"the next run would be {row['next']}, which there is")


# --- what stands in files ---


def artifacts_of(rows: Iterable[Row]) -> set[str]:
    """The hashes of artifacts that outputs of these tasks name."""
    found = set()
    for row in rows:
        try:
            outputs = json.loads(row["outputs"] or "{}")
        except ValueError:
            continue  # which is found elsewhere
        for value in outputs.values():
            if isinstance(value, dict) and {"type", "sha256", "size"} <= set(value):
                found.add(value["sha256"])
    return found


def check_artifacts(
    data: Path, tables: Tables, tasks: list[Row], wrong: list[str]
) -> None:
    rows = {(row["run"], row["hash"]): row for row in tables["artifact"]}
    for run in sorted({row["run"] for row in tasks}):
        for digest in artifacts_of(row for row in tasks if row["run"] == run):
            if (run, digest) not in rows:
                wrong.append(f"run {run} names artifact {digest[:12]} without a row")
    for (run, digest), row in sorted(rows.items()):
        blobs = list((data / "blobs").glob(f"t1/*/{digest}"))
        if not blobs:
            wrong.append(f"artifact {digest[:12]} of run {run} has gone")
        elif blobs[0].stat().st_size != row["size"]:
            wrong.append(f"artifact {digest[:12]} of run {run} has another size")
        elif hashlib.sha256(blobs[0].read_bytes()).hexdigest() != digest:
            wrong.append(f"artifact {digest[:12]} of run {run} has other bytes")


def check_log(folder: Path, task: str, attempt: int, wrong: list[str]) -> None:
    """A task of the harness that has come to its end has said so on its output."""
    run, name = task.split("/")
    chunks = sorted((folder / run / "logs" / f"{name}.{attempt}").glob("*.log"))
    text = "".join(chunk.read_text() for chunk in chunks)
    if f" out {task} {attempt}\n" not in text:
        wrong.append(f"{task}: the log of attempt {attempt} lacks its last line")


# --- what names a run ---


def check_children(tables: Tables, known: set[int], wrong: list[str]) -> None:
    for row in tables["child_run"]:
        if row["parent"] not in known:
            wrong.append(f"run {row['run']} is inside {row['parent']}, which is gone")


def check_schedules(tables: Tables, runs: list[Row], wrong: list[str]) -> None:
    """Each time that was started has its run, and each such run its time."""
    ids = {row["id"] for row in runs}
    told = {}
    for row in tables["schedule_run"]:
        name = f"{row['schedule']} at {row['nominal_at']}"
        if row["state"] == "waiting":
            wrong.append(f"{name} still waits when all is over")
        elif row["state"] == "started":
            told[row["run_id"]] = row
            if row["run_id"] not in ids:
                wrong.append(f"{name} has started a run that is not there")
    for run in runs:
        if run["schedule"] is not None and run["id"] not in told:
            wrong.append(f"run {run['id']} is of a schedule that does not know it")
    for row in tables["schedule"]:
        if row["active_run"] is not None:
            wrong.append(f"{row['name']} waits for a run that is over")


def check_cache(tables: Tables, wrong: list[str]) -> None:
    for row in tables["cache"]:
        try:
            json.loads(row["outputs"] or "{}")
        except ValueError:
            wrong.append(f"what {row['task']} gave is cached as no JSON")
        if row["expires_at"] <= row["created_at"]:
            wrong.append(f"what {row['task']} gave was never good")


def check(data: Path, tables: Tables, runs: list[Row], tasks: list[Row]) -> list[str]:
    wrong: list[str] = []
    known = {row["run"] for row in runs}
    check_gone(tables, known, wrong)
    check_artifacts(data, tables, tasks, wrong)
    check_children(tables, known, wrong)
    check_schedules(tables, runs, wrong)
    check_cache(tables, wrong)
    return wrong
