"""What callers give: checked, and brought into the form that goes over the wire.

Wrong use raises here, at the line that is wrong, and nowhere else.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

VALUE_MAX = 1024 * 1024
DEPTH_MAX = 100
MESSAGE_MAX = 4096
LINE_MAX = 32 * 1024  # characters; longer lines become several

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_STATE = re.compile(r"[A-Z_]{1,32}\Z")
_LEVELS = {
    "debug": "debug",
    "info": "info",
    "warn": "warn",
    "warning": "warn",
    "error": "error",
    "critical": "error",
}
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class Line(NamedTuple):
    time: str
    level: str
    text: str

    def as_json(self) -> Dict[str, str]:
        return {"time": self.time, "level": self.level, "text": self.text}

    @property
    def weight(self) -> int:
        """About the bytes it takes on the wire."""
        return len(self.text) + 64


# --- time ---

_second: Tuple[int, str] = (-1, "")


def timestamp() -> str:
    """Now, as RFC 3339 in UTC with microseconds."""
    global _second
    second, micro = divmod(time.time_ns() // 1000, 1000000)
    known, text = _second
    if known != second:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _second = (second, text)
    return f"{text}.{micro:06d}Z"


# --- text ---


def clean(text: str) -> str:
    """Text that every JSON parser takes: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text


def _field(value: object) -> str:
    if isinstance(value, str):
        plain = value and not re.search(r'[\s="]', value)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return str(value)


def lines_of(text: object, level: str, fields: Mapping[str, object]) -> List[Line]:
    known = _LEVELS.get(level.lower()) if isinstance(level, str) else None
    if known is None:
        raise ValueError(f"level {level!r} is none of {', '.join(sorted(_LEVELS))}")
    whole = str(text)
    for key, value in fields.items():
        whole += f" {key}={_field(value)}"
    now = timestamp()
    whole = clean(whole)
    if len(whole) <= LINE_MAX and "\n" not in whole and "\r" not in whole:
        return [Line(now, known, whole)]
    return [
        Line(now, known, part[i : i + LINE_MAX])
        for part in _LINE_BREAK.split(whole)
        for i in range(0, max(len(part), 1), LINE_MAX)
    ]


# --- states ---


def check_status(
    state: str, progress: Optional[float], message: Optional[str]
) -> Dict[str, Any]:
    if not isinstance(state, str) or not _STATE.match(state.upper()):
        raise ValueError(f"state {state!r} is not a word like RUNNING or SUCCEEDED")
    body: Dict[str, Any] = {"status": state.upper()}
    if progress is not None:
        if isinstance(progress, bool) or not isinstance(progress, (int, float)):
            raise TypeError(f"progress {progress!r} is not a number")
        if not 0 <= progress <= 100:
            raise ValueError(f"progress {progress!r} is not between 0 and 100")
        body["progress"] = progress
    if message is not None:
        text = clean(str(message)).encode("utf-8")[:MESSAGE_MAX]
        body["message"] = text.decode("utf-8", "ignore")
    return body


# --- outputs ---


def check_name(name: str) -> str:
    if not isinstance(name, str) or not _NAME.match(name):
        raise ValueError(
            f"output name {name!r} is not of the form [a-z_][a-z0-9_]*, 63 at most"
        )
    return name


def _check_int(text: str) -> int:
    number = int(text) if len(text) <= 20 else 1 << 64
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"integer {text[:24]} does not fit in 64 bits")
    return number


def _check_part(part: object, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ValueError(f"nested deeper than {DEPTH_MAX} levels")
    if isinstance(part, str) and "\0" in part:
        raise ValueError("text in it holds a NUL character")
    if isinstance(part, dict):
        for key, value in part.items():
            _check_part(key, depth)
            _check_part(value, depth + 1)
    if isinstance(part, list):
        for value in part:
            _check_part(value, depth + 1)


def encode_value(name: str, value: object) -> str:
    """The value as JSON text that the server is sure to take."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode("utf-8"))
        if size > VALUE_MAX:
            raise ValueError(
                f"{size} bytes of JSON are more than 1 MiB; write them to the file "
                f"$FF_OUT/{name} instead"
            )
        _check_part(json.loads(text, parse_int=_check_int), 0)
    except TypeError as error:
        raise TypeError(f"output {name!r}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"output {name!r}: {error}") from None
    return text
