#!/usr/bin/python3
"""docs/expressions.md: its examples are true, and it leaves no function out."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE", Path(__file__).resolve().parents[2]))
PROGRAM = Path(os.environ.get("FLOWFORGE_BIN", SOURCE / "build/bin")) / "ff-expr-eval"
BLOCK = re.compile(r"^```(cel|template|json scope)\n(.*?)^```", re.M | re.S)
ROW = re.compile(r'^    \{"([\w.]+)",', re.M)


def examples(text: str) -> tuple[list[dict[str, Any]], list[Any]]:
    """What to ask the program, and what it should answer."""
    scope = {}
    asked: list[dict[str, Any]] = []
    wanted = []
    for kind, block in BLOCK.findall(text):
        if kind == "json scope":
            scope = json.loads(block)
            continue
        for line in block.splitlines():
            source, value = line.rsplit(" => ", 1)
            name = "expr" if kind == "cel" else "template"
            asked.append({name: source, "vars": scope})
            wanted.append(json.loads(value))
    return asked, wanted


def functions() -> set[str]:
    """The names in the tables of functions and macros."""
    names: set[str] = set()
    for file in ("funcs.c", "macros.c"):
        names.update(ROW.findall((SOURCE / "core/expr" / file).read_text()))
    assert len(names) > 40, "the tables look different now"
    return names | {"has", "or_value"}


def main() -> int:
    text = (SOURCE / "docs/expressions.md").read_text()
    asked, wanted = examples(text)
    lines = "".join(json.dumps(request) + "\n" for request in asked)
    done = subprocess.run(
        [PROGRAM], input=lines.encode(), capture_output=True, check=True
    )
    failed = 0
    answers = done.stdout.decode().splitlines()
    for request, value, line in zip(asked, wanted, answers, strict=True):
        got = json.loads(line)
        # As text, so that 1 and 1.0 differ, and true and 1.
        if json.dumps(got.get("ok", got)) != json.dumps(value):
            failed += 1
            print(f"{request}\n    wanted {value}\n    got    {got}")
    shown = "\n".join(next(iter(request.values())) for request in asked)
    for name in sorted(functions()):
        if not re.search(rf"(?<![\w]){re.escape(name)}\(", shown):
            failed += 1
            print(f"{name}() has no example")
    print(f"{len(asked)} passed, {failed} failed" if not failed else f"{failed} failed")
    return 1 if failed else 0


sys.exit(main())
