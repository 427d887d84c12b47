"""What the SDK itself has to say: on stderr, each sentence once, never an exception."""

from __future__ import annotations

import contextlib
import sys
from typing import Set

_said: Set[str] = set()


def write(text: str) -> None:
    stream = sys.stderr
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(text + "\n")
            stream.flush()


def say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        write(f"flowforge: {text}")
