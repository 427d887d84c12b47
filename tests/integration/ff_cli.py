"""The program under test, with a data directory of its own, for the tests beside."""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
BIN = Path(os.environ.get("FLOWFORGE_BIN") or SOURCE / "build/bin")
PROGRAM = str(BIN / "flowforge")
PATIENCE = 60  # seconds for anything; only a hang takes so long


class Result:
    """What one call of the program came to."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Process:
    """A call that goes on while the test does something else."""

    def __init__(self, popen: "subprocess.Popen[str]") -> None:
        self.popen = popen
        self.seen = ""
        self.seen_err = ""

    def wait_for(self, text: str) -> None:
        """Reads standard output until `text` is in it."""
        assert self.popen.stdout
        self.seen = self.read(self.popen.stdout.fileno(), self.seen, text)

    def wait_for_err(self, text: str) -> None:
        assert self.popen.stderr
        self.seen_err = self.read(self.popen.stderr.fileno(), self.seen_err, text)

    @staticmethod
    def read(fd: int, seen: str, text: str) -> str:
        end = time.monotonic() + PATIENCE
        while text not in seen:
            if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {seen!r}")
            piece = os.read(fd, 65536)
            if not piece:
                raise AssertionError(f"ended without {text!r}: {seen!r}")
            seen += piece.decode()
        return seen

    def end(self, signo: int | None = None) -> Result:
        """Sends a signal, if any, and waits for the end."""
        if signo is not None:
            self.popen.send_signal(signo)
        out, err = self.popen.communicate(timeout=PATIENCE)
        return Result(self.popen.returncode, self.seen + out, self.seen_err + err)


class Gate:
    """A place where a task waits until the test lets it go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)

    def open(self) -> None:
        """Returns when the task has come and gone on."""
        fd = os.open(self.path, os.O_WRONLY)
        os.write(fd, b"go\n")
        os.close(fd)


class CliTest(unittest.TestCase):
    """Each test has a folder for files and a data directory in it."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ff-cli-"))
        self.data = self.folder / "data"
        self.processes: list[Process] = []
        self.env = {
            k: v for k, v in os.environ.items() if not k.startswith("FLOWFORGE_")
        }
        self.env.update(HOME=str(self.folder), TZ="UTC", LC_ALL="C.UTF-8")
        self.addCleanup(self.clean)

    def clean(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.popen.kill()
            process.popen.wait()
            for stream in (process.popen.stdout, process.popen.stderr):
                if stream:
                    stream.close()
        self.stop_owner()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)

    def stop_owner(self) -> None:
        """Whoever still leads runs here would work on in a folder that is gone."""
        for pid in self.owner_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def owner_pids(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                ours = any(str(self.data).encode() in w for w in words)
                if ours and b"flowforge" in words[0]:
                    found.append(int(entry.name))
        return found

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def gate(self, name: str) -> Gate:
        return Gate(self.folder / name)

    def command(self, *args: str) -> list[str]:
        return [PROGRAM, *args, "--data-dir", str(self.data)]

    def call(self, *args: str, expect: int | None = 0, **kwargs: Any) -> Result:
        done = subprocess.run(
            self.command(*args),
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **kwargs,
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        if expect is not None:
            self.assertEqual(result.code, expect, result.err + result.out)
        self.assertNotIn("Sanitizer", result.err)
        return result

    def start(self, *args: str, under: tuple[str, ...] = (), **kwargs: Any) -> Process:
        """`under` is a program that runs the call, such as strace with its options."""
        popen = subprocess.Popen(
            [*under, *self.command(*args)],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )
        process = Process(popen)
        self.processes.append(process)
        return process
