"""An auth driver, asked through the program of the tests that opens it as the core
does, and keys and tokens made by libraries that it does not use."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

BIN = Path(os.environ["FLOWFORGE_BIN"])
LIB = Path(os.environ["FLOWFORGE_LIB"])
OK, INVALID, UNAVAILABLE, DENIED = 0, 1, 5, 8


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value: Any) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


class Driver:
    def __init__(self, name: str, section: str, **options: object) -> None:
        settings = [f"{section}.{key}={value}" for key, value in options.items()]
        env = {
            n: v for n, v in os.environ.items() if not n.startswith("FLOWFORGE_AUTH")
        }
        self.popen = subprocess.Popen(
            [BIN / "ff-auth-verify", LIB / f"{name}.so", *settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        self.opened = self._line()

    def _line(self) -> dict[str, Any]:
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        if not line:
            raise AssertionError(f"it ended: {self.close()}")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def _ask(self, line: bytes) -> dict[str, Any]:
        assert self.popen.stdin
        self.popen.stdin.write(line + b"\n")
        self.popen.stdin.flush()
        return self._line()

    def verify(self, credential: str | bytes) -> dict[str, Any]:
        raw = credential if isinstance(credential, bytes) else credential.encode()
        return self._ask(b"verify " + raw)

    def refresh(self) -> dict[str, Any]:
        return self._ask(b"refresh")

    def close(self) -> str:
        """What it wrote to its log; sanitizers end it with a status of their own."""
        _, said = self.popen.communicate(timeout=60)
        if self.popen.returncode not in (0, 1):
            raise AssertionError(said.decode(errors="replace"))
        return said.decode(errors="replace")

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
