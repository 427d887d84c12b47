#!/usr/bin/python3
"""Expressions against CEL's own implementation and conformance cases.

Everything that ff-expr-eval answers must be what the conformance cases say, or what
cel-cpp answers to the same random expression. FF_SEED repeats a run, FF_CASES sets how
many random expressions there are.
"""

# ctest: timeout=300

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import expr_conformance
import expr_generate
import expr_reference
from expr_reference import Failed, TypeName
from fresh_seed import fresh_seed

PROGRAM = Path(os.environ.get("FLOWFORGE_BIN", "build/bin")) / "ff-expr-eval"


# Not compared: what the reference does differently, seen by its message, and what we
# leave out on purpose, seen by ours. cel-cpp refuses "ab".substring(0, 2), which cel-go
# allows; it checks the arguments of math.least() before it knows that they are reached;
# and it was built without the lists extension.
QUIRKS = (
    "<start> or <end> is greater than",
    "simple literal arguments must be numeric",
    "invalid single argument value",
    "(list).reverse()",
)
# Of two errors that meet in && or || the first is told, and may hide one of these.
HIDDEN = (".substring(", "math.", ".reverse()")
LEFT_OUT = ("int() does not take (bool", "a map's key must be a string")


def ours(requests: list[dict[str, Any]]) -> list[Any]:
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([PROGRAM], input=text.encode(), capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{PROGRAM} failed: {done.stderr.decode()[:4000]}")
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == len(requests)
    return [a["ok"] if "ok" in a else Failed(a["error"]) for a in answers]


def finite(value: Any) -> bool:
    """JSON has no NaN and no infinity, so where CEL gives one we give an error."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, dict) or all(map(finite, value.values()))


def same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, Failed) or not finite(wanted):
        return isinstance(got, Failed)
    if isinstance(wanted, TypeName):
        return wanted == got
    if type(wanted) is not type(got):
        return False
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(same, wanted, got))
    if isinstance(wanted, dict):
        return wanted.keys() == got.keys() and all(same(wanted[k], got[k]) for k in got)
    return bool(wanted == got)


def excused(answer: Any, messages: tuple[str, ...]) -> bool:
    return isinstance(answer, Failed) and any(m in answer.message for m in messages)


# The reference reads numbers with blanks around them, which the language does not say.
BLANK = re.compile(r"^'(\s.*|.*\s)' cannot be made a", re.DOTALL)


def is_blank(answer: Any) -> bool:
    return isinstance(answer, Failed) and bool(BLANK.search(answer.message))


def hides_a_quirk(answer: Any, text: str) -> bool:
    meet = "&&" in text or "||" in text
    return isinstance(answer, Failed) and meet and any(h in text for h in HIDDEN)


class Tally:
    def __init__(self) -> None:
        self.passed = self.failed = self.errors = self.excused = 0

    def compare(self, name: str, text: str, wanted: Any, got: Any) -> None:
        self.errors += isinstance(wanted, Failed)
        if same(wanted, got):
            self.passed += 1
            return
        if excused(wanted, QUIRKS) or excused(got, LEFT_OUT):
            self.excused += 1
            return
        if hides_a_quirk(wanted, text) or is_blank(got):
            self.excused += 1
            return
        self.failed += 1
        if self.failed <= 20:
            print(f"{name}: {text}\n    wanted {wanted!r}\n    got    {got!r}")


def conformance(tally: Tally) -> None:
    cases, skipped = expr_conformance.read_all(expr_reference.HOME)
    answers = ours([{"expr": case.text, "vars": case.variables} for case in cases])
    deviations = expr_conformance.DEVIATIONS
    before = tally.passed
    for case, got in zip(cases, answers, strict=True):
        if case.name not in deviations:
            tally.compare(case.name, case.text, case.expected, got)
        elif same(case.expected, got):
            sys.exit(f"{case.name} is listed as a deviation but is none")
    print(
        f"conformance: {tally.passed - before} cases as they should be, "
        f"{len(deviations)} deviations, not about us:"
    )
    for reason, n in sorted(skipped.items(), key=lambda item: -item[1]):
        print(f"    {n:5} {reason}")


def differential(tally: Tally, seed: int, n: int) -> None:
    generator = expr_generate.Generator(seed)
    reference = expr_reference.Reference(list(expr_generate.VARIABLES))
    texts = [generator.expression() for _ in range(n)]
    variables = expr_generate.VARIABLES
    answers = ours([{"expr": text, "vars": variables} for text in texts])
    errors = tally.errors
    for text, got in zip(texts, answers, strict=True):
        tally.compare("random", text, reference.eval(text, variables), got)
    print(
        f"differential: {n} random expressions, {tally.errors - errors} of them "
        f"errors, {tally.excused} excused"
    )


def patterns(tally: Tally, seed: int, n: int) -> None:
    generator = expr_generate.Generator(seed)
    reference = expr_reference.Reference(["s", "p"])
    pairs = [{"s": generator.subject(), "p": generator.regex()} for _ in range(n)]
    answers = ours([{"expr": "s.matches(p)", "vars": pair} for pair in pairs])
    for pair, got in zip(pairs, answers, strict=True):
        tally.compare("pattern", str(pair), reference.eval("s.matches(p)", pair), got)
    print(f"patterns: {n} random pairs of pattern and text against RE2")


def main() -> int:
    expr_reference.enter()
    start = time.monotonic()
    seed = fresh_seed()
    n = int(os.environ.get("FF_CASES", "5000"))
    print(f"FF_SEED={seed} FF_CASES={n}")
    tally = Tally()
    conformance(tally)
    differential(tally, seed, n)
    patterns(tally, seed, n)
    print(f"{time.monotonic() - start:.1f} s")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


sys.exit(main())
