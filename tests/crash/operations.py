"""What users do, as scripts: each operation once, while one process is aimed at.

`prepare` runs undisturbed. `act` makes the aimed call and may be struck anywhere.
`settle` is what the user does after that: the request that was not answered again, and
`resume`. Then all is over, and check.py may judge.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import check
import ledger
import over_http
from flows import (
    APPROVED,
    CACHED,
    CHAIN,
    FILES,
    FOREACH,
    GIVEN,
    HANDED,
    INSIDE,
    KEPT,
    LARGE,
    LATER,
    NIGHTLY,
    RETRY,
    SHORT,
    TOLD,
    WAITING,
)
from place import PATIENCE, PAUSE, Broken, Place

RESUMED = (0, 1, 5)  # the runs are over, some failed, some were cancelled


def nothing(_place: Place) -> None:
    pass


def resume(place: Place) -> None:
    done = place.call("resume")
    if done.code not in RESUMED:
        raise Broken(f"resume ends with {done.code}: {done.err}")


def run_of(text: str) -> Callable[[Place], None]:
    def act(place: Place) -> None:
        place.submit(place.write("flow.yaml", text), aimed=True)

    return act


def run_with_large_input(place: Place) -> None:
    place.write("inputs.json", json.dumps({"text": "x" * 100_000}))
    flow = place.write("flow.yaml", GIVEN)
    place.submit(flow, "--inputs", "inputs.json", aimed=True)


def left_inputs(place: Place) -> None:
    """As of somebody who died before there was a run."""
    run = "01a20347-e418-738e-90af-21b41e1f65da"
    place.submit(place.write("short.yaml", SHORT))
    for folder in ("submitting", f"runs/{run}/values"):
        (place.data / folder).mkdir(parents=True, exist_ok=True)
    (place.data / "submitting" / f"1.999.{run}").touch()
    (place.data / "runs" / run / "values" / ("0" * 64)).write_text('"x"')


def nothing_is_nobodys(place: Place) -> None:
    """What was written for a run that never came about is gone with the next owner."""
    resume(place)
    place.submit(place.write("short.yaml", SHORT))
    folders = {folder.name for folder in (place.data / "runs").iterdir()}
    if folders - runs_of(place):
        raise Broken(f"folders of runs that never were: {folders - runs_of(place)}")
    markers = place.data / "submitting"
    if markers.exists() and any(markers.iterdir()):
        raise Broken("a run that is made or never was has a marker")


def detach(place: Place) -> None:
    place.submit(place.write("flow.yaml", CHAIN), "--detach", aimed=True)


# --- a run that waits for the file "go", and nobody leads it ---


def only_run(place: Place) -> str:
    return next(iter(ledger.read(place.dir).submitted))


def waiting(place: Place) -> None:
    place.submit(place.write("flow.yaml", WAITING), "--detach")
    place.wait_for("ledger", "start")


def waiting_alone(place: Place) -> None:
    waiting(place)
    place.kill_owner()


def interrupted(place: Place) -> None:
    """Its owner has died, and its first task has ended since."""
    waiting_alone(place)
    place.write("go", "")
    place.wait_for("ledger", "end")


def recover(place: Place) -> None:
    place.call("resume", aimed=True)


def cancel(*words: str) -> Callable[[Place], None]:
    def act(place: Place) -> None:
        place.cancel(only_run(place), *words, aimed=True)

    return act


def cancel_for_the_owner(place: Place) -> None:
    """The owner is aimed at, and another process asks it to cancel."""
    owner = place.start("resume", aimed=True)
    place.cancel(only_run(place))
    place.end(owner)


def cancel_again(place: Place) -> None:
    """The user asks until it is answered, and not again: then the run ends."""
    if only_run(place) not in ledger.read(place.dir).cancelled:
        done = place.cancel(only_run(place), "--wait")
        if done.code not in (0, 5):
            raise Broken(f"cancel ends with {done.code}: {done.err}")
    resume(place)


# --- a run that waits for an event, and nobody leads it ---


def waiting_for_event(place: Place) -> None:
    place.submit(place.write("flow.yaml", TOLD), "--detach")
    place.wait_for_row("SELECT 1 FROM event_wait", "the wait")
    place.kill_owner()


def send_event(place: Place) -> None:
    done = place.call("event", "paid", "-o", "json", aimed=True)
    if '"runs"' in done.out:
        ledger.tell(place.dir, "heard", only_run(place))


def send_again(place: Place) -> None:
    """If nobody answered it is sent again, and does no harm if it was heard."""
    if only_run(place) not in ledger.read(place.dir).heard:
        place.call("event", "paid")
    resume(place)


# --- a run that waits for people, and nobody leads it ---


def waits_for(text: str) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        place.submit(place.write("flow.yaml", text), "--detach")
        asks = "SELECT 1 FROM task WHERE state = 'suspended'"
        place.wait_for_row(asks, "a task that waits")
        place.kill_owner()

    return prepare


def tell(command: str, name: str) -> Callable[[Place], None]:
    """What the run is told; who could read the answer has been heard."""

    def act(place: Place) -> None:
        run = only_run(place)
        done = place.call(command, run, name, "-o", "json", aimed=True)
        if '"run"' in done.out:
            ledger.tell(place.dir, "heard", run)

    return act


def tell_again(command: str, name: str) -> Callable[[Place], None]:
    """If nobody answered; it is refused where it was heard all the same."""

    def settle(place: Place) -> None:
        run = only_run(place)
        if run not in ledger.read(place.dir).heard:
            place.call(command, run, name)
        resume(place)

    return settle


def pause(place: Place) -> None:
    run = only_run(place)
    if '"run"' in place.call("pause", run, "-o", "json", aimed=True).out:
        ledger.tell(place.dir, "heard", run)


def go_on(place: Place) -> None:
    """A pause that was answered is there, as a request or in the run's row."""
    run = only_run(place)
    if run in ledger.read(place.dir).heard and not place.rows(
        "SELECT 1 FROM inbox WHERE kind = 'pause' "
        "UNION SELECT 1 FROM run WHERE paused IS NOT NULL"
    ):
        raise Broken("a pause that was acknowledged is gone")
    place.write("go", "")
    place.call("unpause", run)
    resume(place)


# --- schedules ---


def applied(place: Place) -> None:
    done = place.call("apply", place.write("flow.yaml", NIGHTLY))
    if done.code != 0:
        raise AssertionError(f"it cannot be applied: {done.err}{done.out}")


def start_now(place: Place) -> None:
    started = place.call("schedule", "trigger", "crash", "-o", "json", aimed=True).run()
    if started:
        ledger.tell(place.dir, "submit", started)


def start_again(place: Place) -> None:
    if not ledger.read(place.dir).submitted:
        done = place.call("schedule", "trigger", "crash")
        if done.code != 0:
            raise Broken(f"a schedule starts nothing more: {done.err}")
    resume(place)


# --- a run that has failed, and is told to go on ---


def failed(place: Place) -> None:
    place.submit(place.write("flow.yaml", LATER))
    place.write("go", "")


def retry(place: Place) -> None:
    place.call("retry", only_run(place), aimed=True)


def retry_again(place: Place) -> None:
    """Nobody answered: it is asked again, which is refused if it was heard."""
    place.call("retry", only_run(place))
    resume(place)


# --- the data directory ---


def three_runs(place: Place) -> None:
    for text in (KEPT, HANDED, HANDED):
        place.write("flow.yaml", text)
        ledger.tell(place.dir, "may_go", place.submit("flow.yaml").run())
    for blob in (place.data / "blobs").glob("t1/*/*"):
        os.utime(blob, (0, 0))  # too old to be of somebody who is about to name it


def retain(place: Place) -> None:
    keep = ("--set", "engine.keep_runs=1")
    done = place.submit(place.write("short.yaml", SHORT), *keep, aimed=True)
    if done.run():  # the next one is kept instead of it
        ledger.tell(place.dir, "may_go", done.run())


def retain_while_leading(place: Place) -> None:
    """An engine that stays deletes old runs, until it is told to leave."""
    engine = place.start("engine", "--stay", "--set", "engine.keep_runs=1", aimed=True)
    end = time.monotonic() + PATIENCE
    while len(runs_of(place)) > 1 and engine.poll() is None:
        if time.monotonic() > end:
            raise Broken("an engine that stays never deletes old runs")
        time.sleep(PAUSE)
    engine.terminate()
    place.end(engine)


def runs_of(place: Place) -> set[str]:
    base = sqlite3.connect(place.data / "flowforge.db")
    try:
        return {row[0] for row in base.execute("SELECT id FROM run")}
    finally:
        base.close()


def retain_again(place: Place) -> None:
    """What an interrupted pass has left, the next one takes: rows, and folders.

    Among it may be a run that was stored and whose id the killed process never said.
    """
    resume(place)
    for run in runs_of(place):
        ledger.tell(place.dir, "may_go", run)
    place.submit(place.write("short.yaml", SHORT), "--set", "engine.keep_runs=1")
    rows = runs_of(place)
    folders = {folder.name for folder in (place.data / "runs").iterdir()}
    if len(rows) > 2:
        raise Broken(f"{len(rows)} runs are left, and one is to be kept")
    if folders - rows:
        raise Broken(f"folders of runs that are gone: {folders - rows}")
    looked = place.call("doctor", "artifacts")
    if looked.code != 0:
        raise Broken(f"an artifact of a run that is kept has gone: {looked.out}")


def run_with_files(place: Place) -> None:
    place.submit(place.write("flow.yaml", FILES))


def back_up(place: Place) -> None:
    place.call("backup", "copy", "--logs", aimed=True)


def restore(place: Place) -> None:
    """A backup that is there is whole; one that is not can be made now."""
    resume(place)
    if not (place.dir / "copy").exists():
        done = place.call("backup", "again", "--logs")
        if done.code != 0:
            raise Broken(f"no backup after one that was killed: {done.err}")
    name = "copy" if (place.dir / "copy").exists() else "again"
    restored = place.dir / "restored"
    data = restored / "data"
    data.mkdir(parents=True)
    (place.dir / name).rename(data / "flowforge.db")
    beside = Path(f"{place.dir / name}.d")
    for entry in beside.iterdir() if beside.exists() else ():
        entry.rename(data / entry.name)
    for file in ("told", "ledger"):
        (restored / file).write_bytes((place.dir / file).read_bytes())
    wrong = check.check(restored)
    if wrong:
        raise Broken(f"of the backup: {'; '.join(wrong)}")


def new_directory(place: Place) -> None:
    place.call("list", aimed=True)


def first_run(place: Place) -> None:
    done = place.submit(place.write("flow.yaml", SHORT))
    if done.code != 0:
        raise Broken(f"the first run ends with {done.code}: {done.err}")


# --- an API key, and the row of the audit log that tells of it ---


def a_member(place: Place) -> None:
    place.call("member", "set", "mia", "viewer")


def make_key(place: Place) -> None:
    done = place.call("key", "create", "ci", "--role", "author", aimed=True)
    if done.code == 0:
        place.write("made", done.out.strip())


def keys_and_told(place: Place) -> tuple[list[str], list[str]]:
    """Ids of the keys that there are, and of those that the log tells of."""
    keys = [row[0] for row in place.rows("SELECT id FROM api_key ORDER BY id")]
    query = "SELECT object FROM audit WHERE action = 'key.create' ORDER BY object"
    return keys, [row[0].removeprefix("key/") for row in place.rows(query)]


def key_again(place: Place) -> None:
    """There is a key with its row of the log, or neither; and the log goes on."""
    keys, told = keys_and_told(place)
    if keys != told:
        raise Broken(f"the keys {keys} are there, and the log tells of {told}")
    made = place.dir / "made"
    if made.exists() and made.read_text()[4:12] not in keys:
        raise Broken(f"a key that was shown is not there: {keys}")
    for words in (("key", "create", "cd", "--role", "viewer"), ("audit", "verify")):
        done = place.call(*words)
        if done.code != 0:
            raise Broken(f"{words} ends with {done.code}: {done.err}")
    if place.rows("SELECT no FROM audit_open"):
        raise Broken("rows of the log are left that no seal covers")
    first_run(place)


@dataclass(frozen=True)
class Operation:
    name: str
    act: Callable[[Place], None]
    prepare: Callable[[Place], None] = nothing
    settle: Callable[[Place], None] = resume
    aims: tuple[str, ...] = ("owner", "supervisor")
    comes_to: str = "succeeded"  # every run, in the end


OWNER = ("owner",)


def over_the_api(
    name: str,
    asked: over_http.Asked,
    tell: Callable[[Place, over_http.Answer], None] = over_http.nothing,
    prepare: Callable[[Place], None] = nothing,
    end: Callable[[Place], None] = resume,
) -> Operation:
    return Operation(
        name,
        over_http.act(asked, tell),
        prepare,
        over_http.settle(asked, tell, end),
        OWNER,
        "cancelled" if name == "http-cancel" else "succeeded",
    )


OPERATIONS = (
    Operation("submit", detach, aims=OWNER),
    Operation("run", run_of(CHAIN)),
    Operation("foreach", run_of(FOREACH)),
    Operation("retry", run_of(RETRY)),
    Operation("cancel", cancel(), waiting_alone, cancel_again, OWNER, "cancelled"),
    Operation(
        "kill", cancel("--kill"), waiting_alone, cancel_again, OWNER, "cancelled"
    ),
    Operation("recovery", recover, interrupted, aims=OWNER),
    Operation("large-output", run_of(LARGE)),
    Operation(
        "large-input", run_with_large_input, settle=nothing_is_nobodys, aims=OWNER
    ),
    Operation("left-input", run_of(SHORT), left_inputs, nothing_is_nobodys, OWNER),
    Operation("kept-file", run_of(KEPT)),
    Operation("artifacts", run_of(HANDED)),
    Operation("cache", run_of(CACHED)),
    Operation("retry-run", retry, failed, retry_again, OWNER),
    Operation("event", send_event, waiting_for_event, send_again, OWNER),
    Operation(
        "approve",
        tell("approve", "asked"),
        waits_for(APPROVED),
        tell_again("approve", "asked"),
        OWNER,
    ),
    Operation(
        "signal",
        tell("signal", "paid"),
        waits_for(TOLD),
        tell_again("signal", "paid"),
        OWNER,
    ),
    Operation("pause", pause, waiting_alone, go_on, OWNER),
    Operation("group", run_of(INSIDE)),
    Operation("schedule", start_now, applied, start_again, OWNER),
    Operation("retention", retain, three_runs, retain_again, OWNER),
    Operation("keeper", retain_while_leading, three_runs, retain_again, OWNER),
    Operation("backup", back_up, run_with_files, restore, OWNER),
    Operation("ask-to-cancel", cancel(), waiting, cancel_again, OWNER, "cancelled"),
    Operation(
        "asked-to-cancel",
        cancel_for_the_owner,
        waiting_alone,
        cancel_again,
        OWNER,
        "cancelled",
    ),
    Operation("api-key", make_key, a_member, key_again, OWNER),
    Operation("new-directory", new_directory, settle=first_run, aims=OWNER),
    over_the_api("http-submit", over_http.submit, over_http.note_run),
    over_the_api(
        "http-cancel", over_http.cancel, over_http.note_cancel, waiting_alone, resume
    ),
    over_the_api("http-approve", over_http.approve, prepare=waits_for(APPROVED)),
    over_the_api("http-apply", over_http.apply),
    over_the_api("http-secret", over_http.put_secret),
    over_the_api("http-key", over_http.make_key),
)
