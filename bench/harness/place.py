"""Where the programs are, where they may write, and how they are called."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import quiet

TESTS = Path(__file__).resolve().parents[2] / "tests"


class Place:
    def __init__(self, build: Path, work: Path) -> None:
        self.build, self.work = build, work
        root = build.parent if build.name == "release" else build
        self.drivers = root / "lib" / "flowforge"
        self.flowforge = root / "bin" / "flowforge"
        self.engine = build / "bench" / "engine"

    def limit(self, name: str) -> Path:
        return self.build / "bench" / "limits" / name

    def file(self, name: str) -> Path:
        return self.work / name

    def fresh(self, name: str) -> Path:
        """A data directory that is not there yet."""
        path = self.file(name)
        shutil.rmtree(path, ignore_errors=True)
        return path


def run_json(*argv: object, env: dict[str, str] | None = None) -> dict:
    words = [str(word) for word in argv]
    done = subprocess.run(words, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        why = done.stderr.strip() or str(done.returncode)
        raise RuntimeError(f"{' '.join(words[:4])}: {why}")
    return json.loads(done.stdout)


def engine(p: Place, data: Path, shape: str, tasks: int, *options: str, **how) -> dict:
    return run_json(p.engine, data, p.drivers, shape, tasks, *options, **how)


def database(data: Path) -> Path:
    return data / "flowforge.db"


def rows(p: Place, data: Path, mode: str, batch: int) -> dict:
    """The rows of that engine once more, in bare C."""
    return run_json(p.limit("rows"), database(data), p.file("rows.db"), mode, batch)


def start_to_ready(*argv: object) -> tuple[float, int, int]:
    """Seconds until it says "y" on descriptor 3, its process id, and the other end of
    its standard input."""
    ready, tell = os.pipe()
    stdin, hold = os.pipe()
    high = os.dup(tell)
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, high, 3),
    ]
    words = [str(word) for word in argv]
    begun = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    for fd in (tell, high, stdin):
        os.close(fd)
    answer = os.read(ready, 1)
    took = time.monotonic() - begun
    os.close(ready)
    if answer != b"y":
        raise RuntimeError(f"{words[0]} did not become ready")
    return took, pid, hold


def end(pid: int, hold: int) -> None:
    os.close(hold)
    try:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def end_supervisors(p: Place) -> None:
    """Those that our engines left waiting for the next engine."""
    for pid, line in quiet.processes_with(f"{p.work}/").items():
        if b"flowforge-supervisor" not in line.split(b"\0")[0]:
            continue
        os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            quiet.reap()
            if not (quiet.PROC / str(pid)).exists():
                break
            time.sleep(0.01)


def end_all(data: Path) -> None:
    for pid in quiet.processes_with(str(data)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
