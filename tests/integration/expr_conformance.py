"""Reads the conformance cases of cel-spec, and says which do not apply to us."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expr_reference import Failed, TypeName

TOKEN = re.compile(
    r"""\s+ | \#[^\n]* | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<name>\[[\w./]+\]|[-+\w.]+) | (?P<sign>[{}<>\[\]:,;])""",
    re.X | re.S,
)
ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(.))",
    re.S,
)
SIMPLE = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


class Skipped(Exception):
    """A case that is about something we leave out."""


def unescape(quoted: str) -> str:
    def one(m: re.Match[bytes]) -> bytes:
        if m[1]:
            return bytes([int(m[1], 8) & 255])
        if m[2]:
            return bytes([int(m[2], 16)])
        if m[3]:
            return chr(int(m[3][1:], 16)).encode()
        return SIMPLE.get(m[4], m[4])

    return ESCAPE.sub(one, quoted[1:-1].encode()).decode("utf-8", "surrogateescape")


@dataclass
class Message:
    """A protobuf message in text form: names with values, in their order."""

    fields: list[tuple[str, Any]] = field(default_factory=list)

    def all(self, name: str) -> list[Any]:
        return [value for key, value in self.fields if key == name]

    def get(self, name: str, default: Any = None) -> Any:
        values = self.all(name)
        return values[0] if values else default


class Reader:
    def __init__(self, text: str) -> None:
        self.tokens = [m for m in TOKEN.finditer(text) if m.lastgroup]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at].group() if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1].group()

    def value(self) -> Any:
        if self.tokens[self.at].lastgroup == "text":
            text = ""
            while (
                self.at < len(self.tokens) and self.tokens[self.at].lastgroup == "text"
            ):
                text += unescape(self.take())
            return text
        if self.peek() in "{<":
            self.take()
            return self.message()
        return self.take()

    def message(self) -> Message:
        message = Message()
        while self.peek() not in ("", "}", ">"):
            name = self.take()
            if self.peek() == ":":
                self.take()
            if self.peek() == "[":
                self.take()
                while self.peek() != "]":
                    message.fields.append((name, self.value()))
                    if self.peek() == ",":
                        self.take()
                self.take()
            else:
                message.fields.append((name, self.value()))
            if self.peek() in (",", ";"):
                self.take()
        if self.peek():
            self.take()
        return message


def to_value(message: Message) -> Any:
    kind, value = message.fields[0]
    match kind:
        case "null_value":
            return None
        case "bool_value":
            return value == "true"
        case "int64_value":
            return int(value, 0)
        case "double_value":
            if not math.isfinite(float(value)):
                return Failed("not finite")
            return float(value)
        case "string_value":
            return value
        case "list_value":
            return [to_value(item) for item in value.all("values")]
        case "map_value":
            entries = value.all("entries")
            pairs = [
                (to_value(e.get("key")), to_value(e.get("value"))) for e in entries
            ]
            if not all(isinstance(key, str) for key, _ in pairs):
                raise Skipped("map keys that are not strings")
            return dict(pairs)
        case "type_value":
            return TypeName(value)
    raise Skipped("bytes, uint and messages")


@dataclass
class Case:
    name: str
    text: str
    variables: dict[str, Any]
    expected: Any


STRINGS = re.compile(r"""[rR]?('{3}|"{3}|'|")(?:\\.|(?!\1).)*\1""", re.S)

# What an expression is about that we leave out, looked for outside its strings.
LEFT_OUT = [
    ("map keys that are not strings", r"[{,]\s*(-?\d+|true|false)\s*:"),
    ("NaN and infinity", r"\b0\.0\s*/\s*0\.0"),
    ("bytes, uint and messages", r"\b(b|rb|br|B|bR|Rb|RB|BR)['\"]"),
    ("bytes, uint and messages", r"\b(\d+|0x[0-9a-fA-F]+)[uU]\b|\buint\b|\bbytes\b"),
    (
        "bytes, uint and messages",
        r"[A-Z]\w*\s*\{|\bgoogle\.|\bTestAllTypes|proto2|proto3",
    ),
    ("timestamp and duration", r"\b(timestamp|duration)\b|\.get[A-Z]\w+\("),
    ("optional values", r"\.\?|\[\?|\{\?|\boptional\b|\.opt(Map|FlatMap)"),
    ("functions of extensions", r"\bcel\.|base64\.|\.format\(|strings\.quote|proto\."),
    ("functions of extensions", r"\bmath\.(?!greatest|least)\w+"),
    (
        "macros with two variables",
        r"\.transform\w+\(|\.(all|exists|exists_one|existsOne)\(\s*\w+\s*,\s*\w+\s*,",
    ),
    (
        "types as values, other than their names",
        r"type\(type|== type\b|google|type\(\w+\) == type\b",
    ),
]

# Cases that must come out differently from us, with the reason.
DEVIATIONS = {
    "basic/functions/unbound_is_runtime_error": "unknown functions do not compile",
    "conversions/type/type": "types are strings, so the type of one is string",
}


def left_out(expr: str, stringless: str) -> str | None:
    for reason, pattern in LEFT_OUT:
        searched = expr if "['\\\"]" in pattern else stringless
        if re.search(pattern, searched):
            return reason
    return None


def read_case(name: str, test: Message) -> Case:
    expr = test.get("expr")
    reason = left_out(expr, STRINGS.sub("''", expr))
    if reason:
        raise Skipped(reason)
    if test.get("check_only") == "true" or test.get("disable_macros") == "true":
        raise Skipped("static checks, or macros switched off")
    if test.get("container") or test.get("unknown"):
        raise Skipped("containers and unknown values")
    variables = {}
    for binding in test.all("bindings"):
        value = binding.get("value").get("value")
        if value is None:
            raise Skipped("containers and unknown values")
        variables[binding.get("key")] = to_value(value)
    if any("." in key for key in variables):
        raise Skipped("containers and unknown values")
    expected: Any = True
    if test.get("value"):
        expected = to_value(test.get("value"))
    elif test.get("typed_result"):
        if not test.get("typed_result").get("result"):
            raise Skipped("static checks, or macros switched off")
        expected = to_value(test.get("typed_result").get("result"))
    elif test.get("eval_error") or test.get("any_eval_errors"):
        expected = Failed("expected")
    return Case(name, expr, variables, expected)


def tests_in(path: Path) -> Iterator[tuple[str, Message]]:
    message = Reader(path.read_text()).message()
    for section in message.all("section"):
        for test in section.all("test"):
            yield f"{path.stem}/{section.get('name')}/{test.get('name')}", test


def read_all(folder: Path) -> tuple[list[Case], dict[str, int]]:
    """The cases that apply, and how many others there are for each reason."""
    cases: list[Case] = []
    skipped: dict[str, int] = {}
    for path in sorted(folder.glob("*.textproto")):
        for name, test in tests_in(path):
            try:
                cases.append(read_case(name, test))
            except Skipped as reason:
                skipped[str(reason)] = skipped.get(str(reason), 0) + 1
    return cases, skipped
