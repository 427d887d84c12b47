"""What clients were told, and what tasks physically did: two files that only grow."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Physical:
    """One attempt, as its own lines in the ledger tell it."""

    starts: int = 0
    ends: int = 0


@dataclass
class Ledger:
    """`attempts` by ("RUN/TASK" or "RUN/TASK.3", number)."""

    submitted: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)  # its event was taken
    may_go: set[str] = field(default_factory=set)  # retention was allowed to take them
    attempts: dict[tuple[str, int], Physical] = field(default_factory=dict)


def read_tasks(file: Path, ledger: Ledger) -> None:
    """Lines "start RUN/TASK ATTEMPT" and "end RUN/TASK ATTEMPT"."""
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        what, task, attempt = line.split()
        physical = ledger.attempts.setdefault((task, int(attempt)), Physical())
        if what == "start":
            physical.starts += 1
        elif what == "end":
            physical.ends += 1
        else:
            raise ValueError(f"{file}: a line that no task writes: {line!r}")


def read_client(file: Path, ledger: Ledger) -> None:
    """Lines {"what": "submit" | "cancel" | "heard" | "may_go", "run": ID}."""
    sets = {
        "submit": ledger.submitted,
        "cancel": ledger.cancelled,
        "heard": ledger.heard,
        "may_go": ledger.may_go,
    }
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        told = json.loads(line)
        sets[told["what"]].add(told["run"])


def read(folder: Path) -> Ledger:
    ledger = Ledger()
    read_client(folder / "told", ledger)
    read_tasks(folder / "ledger", ledger)
    return ledger


def tell(folder: Path, what: str, run: str) -> None:
    with (folder / "told").open("a") as file:
        file.write(json.dumps({"what": what, "run": run}) + "\n")
