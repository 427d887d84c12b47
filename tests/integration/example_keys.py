"""Which keys of docs/workflow-reference.md stand in no example."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROW = re.compile(r"^\| `([a-z_]+)` \|.*\| \d+\.\d+ \| (.*) \|$")
TASKS = {"tasks", "on_success", "on_failure", "on_cancel", "finally"}
# Said elsewhere: where the key that it is the same as has its own row.
ELSEWHERE = re.compile(r"as in a task|the same as |for people$")


def maps(
    value: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from maps(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from maps(inner, path)


def section(path: tuple[str, ...]) -> str:
    """The heading under which the keys of this map are told."""
    around = ("", "", "", *path)[-3:-1]
    if not path:
        return "workflow"
    if around[1] in TASKS or path[-1] in TASKS:
        return "task"
    if path[0] == "outputs":
        return "run_output"
    if around[0] == "artifacts":
        return "artifact_" + around[1]
    if around[1] in ("triggers", "on"):
        return "trigger"
    return {"inputs": "input", "outputs": "output"}.get(around[1], path[-1])


def keys_without_example(reference: Path, documents: list[Any]) -> list[str]:
    shown = {
        (section(path), key)
        for document in documents
        for path, value in maps(document)
        for key in value
    }
    heading = ""
    missing = []
    for line in reference.read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        row = ROW.match(line)
        if not row or ELSEWHERE.match(row[2]):
            continue
        # The keys that all triggers have are told for each.
        place = "trigger" if heading.startswith("triggers.") else heading
        if (place, row[1]) not in shown:
            missing.append(f"{heading}: {row[1]}")
    return missing
