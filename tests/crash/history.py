"""A run's events, played again from nothing: what its rows ought to be."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

FINAL_TASK = ("succeeded", "failed", "skipped", "cancelled")
FINAL_RUN = ("succeeded", "failed", "cancelled")
Event = dict[str, Any]


@dataclass
class Unit:
    """A task, or an item of one."""

    state: str = "waiting"
    attempt: int = 0
    exit_code: int | None = None
    reason: str | None = None
    items: int | None = None
    is_process: bool = True  # not one that waits in the engine
    started: set[int] = field(default_factory=set)  # attempts


@dataclass
class Replay:
    state: str = "pending"
    reason: str | None = None
    n_ends: int = 0
    units: dict[tuple[str, int | None], Unit] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def parse(rows: Iterable[tuple[int, str]], wrong: list[str]) -> list[Event]:
    """The events of rows (seq, body), which are numbered 1, 2, 3 without a gap."""
    events: list[Event] = []
    for expected, (seq, body) in enumerate(rows, 1):
        if seq != expected:
            wrong.append(f"the history has {seq} where {expected} is expected")
            break
        try:
            found = json.loads(body)
        except ValueError:
            wrong.append(f"event {seq} is no JSON")
            continue
        if not isinstance(found, list) or not found:
            wrong.append(f"event {seq} is no list of events")
            continue
        events += found
    return events


def play_started(unit: Unit, event: Event, name: str, wrong: list[str]) -> None:
    if event["attempt"] != unit.attempt + 1:
        wrong.append(f"{name}: attempt {event['attempt']} follows {unit.attempt}")
    unit.state = "running"
    unit.attempt = event["attempt"]
    unit.started.add(unit.attempt)


def play_finished(unit: Unit, event: Event, name: str, wrong: list[str]) -> None:
    # What the engine does at once has no start of its own, and no exit code.
    if event.get("attempt") == unit.attempt + 1 and (
        event["state"] == "succeeded" and "exit_code" not in event
    ):
        unit.is_process = False
        unit.attempt += 1
    if event.get("attempt", 0) != unit.attempt:
        wrong.append(f"{name}: attempt {event.get('attempt')} ends, not {unit.attempt}")
    unit.state = event["state"]
    if unit.state not in FINAL_TASK:
        wrong.append(f"{name}: it ends as {unit.state}")


def play_task(replay: Replay, event: Event) -> None:
    key = (event["task"], event.get("item"))
    unit = replay.units.setdefault(key, Unit())
    name = key[0] if key[1] is None else f"{key[0]}.{key[1]}"
    kind = event["type"]
    if kind == "task.reset":
        unit.state = "waiting"
        return
    if unit.state in FINAL_TASK:
        replay.wrong.append(f"{name}: {kind} after its end")
    unit.reason = event.get("reason")
    unit.exit_code = event.get("exit_code")
    if kind in ("task.started", "task.suspended"):
        unit.is_process = kind == "task.started"
        play_started(unit, event, name, replay.wrong)
    elif kind == "task.expanded":
        unit.state, unit.items = "running", event["items"]
    elif kind in ("task.retrying", "task.repeating"):
        if unit.state != "running" or event["attempt"] != unit.attempt:
            replay.wrong.append(f"{name}: a retry of what did not run")
        unit.state = "retrying"
    elif kind == "task.finished":
        play_finished(unit, event, name, replay.wrong)
    else:
        replay.wrong.append(f"{name}: an event {kind}")


def play_run(replay: Replay, event: Event, is_first: bool) -> None:
    kind = event["type"]
    states = {"run.started": "running", "run.cancelling": "cancelling"}
    if (kind == "run.created") != is_first:
        replay.wrong.append(f"the history begins wrongly, with {kind}")
    if kind == "run.finished":
        replay.n_ends += 1
        replay.state = event["state"]
    elif kind != "run.created":
        replay.state = states.get(kind, replay.state)
    replay.reason = event.get("reason")


def play(rows: Iterable[tuple[int, str]]) -> Replay:
    replay = Replay()
    for i, event in enumerate(parse(rows, replay.wrong)):
        if event["type"] == "run.reset":
            replay.n_ends = 0  # it begins again
        if replay.n_ends:
            replay.wrong.append(f"{event['type']} after the end of the run")
        if event["type"].startswith("task."):
            play_task(replay, event)
        else:
            play_run(replay, event, is_first=i == 0)
    return replay
