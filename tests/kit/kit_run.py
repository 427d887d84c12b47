"""Runs the conformance kit and reads its TAP."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(os.environ["FLOWFORGE_BIN"])
LIB = Path(os.environ["FLOWFORGE_LIB"])
BUILD = Path(os.environ["FLOWFORGE_BUILD"])
BROKEN = BUILD / "tests/kit"
SOURCE = Path(os.environ["FLOWFORGE_SOURCE"])

# What each driver of ours wants to be told.
OPTIONS: dict[str, list[str]] = {
    "store-sqlite": ["-o", "path={dir}/store.db"],
    "store-lmdb": ["-o", "path={dir}/store.lmdb"],
    "store-memory": ["-o", "name={unique}"],
    "runtime-local": [
        *("-o", "dir={dir}/state"),
        *("-o", f"supervisor={LIB}/flowforge-supervisor"),
    ],
    "blob-file": ["-o", "dir={dir}/blobs"],
    "queue-memory": [],
    "queue-shared": ["-o", "dir={dir}"],
    "auth-jwt": [
        *("-o", "jwks_file={jwks}", "-o", "jwt_secret={secret}"),
        *("-o", "issuer={issuer}", "-o", "audience={audience}"),
        *("-o", "issuer_discovery={discovery}"),
    ],
    "auth-dev": [
        *("-o", "token=kit-development-token", "--accept", "kit-development-token"),
        *("--deny", "not-the-token-0123"),
    ],
}


def driver_of(name: str) -> Path:
    """A driver of ours, or one of tests/kit/correct."""
    ours = LIB / f"{name}.so"
    return ours if ours.exists() else BROKEN / f"{name}.so"


@dataclass
class Report:
    """What the kit said: verdicts by name, blocks of failures, exit code."""

    code: int
    out: str
    err: str
    verdicts: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)

    def names(self, verdict: str) -> list[str]:
        return [n for n, v in self.verdicts.items() if v == verdict]


LINE = re.compile(r"^(ok|not ok) (\d+) - (\S+)( # SKIP .*)?$", re.M)
BLOCK = re.compile(r"\n  ---\n(.*?)\n  \.\.\.\n", re.S)


def check(driver: str | Path, *args: str, env: dict[str, str] | None = None) -> Report:
    command = [str(BIN / "flowforge-driver-check"), str(driver), *args]
    command += ["--driver-dir", str(LIB)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    report = Report(done.returncode, done.stdout, done.stderr)
    for match in LINE.finditer(done.stdout):
        word = "skipped" if match[4] else "passed" if match[1] == "ok" else "failed"
        report.verdicts[match[3]] = word
        if block := BLOCK.match(done.stdout, match.end()):
            report.blocks[match[3]] = block[1]
    return report
