"""A data directory, the program under test, and the aim at one process of it."""

import contextlib
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import ledger

BIN = Path(os.environ["FLOWFORGE_BIN"])
LIB = Path(os.environ.get("FLOWFORGE_LIB") or BIN.parent / "lib/flowforge")
BUILD = Path(os.environ.get("FLOWFORGE_BUILD") or BIN.parent)
POINT = BUILD / "tests/crash-point.so"
PATIENCE = 60  # seconds for anything; only a hang takes so long
PAUSE = 0.005  # seconds between two looks at a file
RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
REFUSED = (2, 3, 78)  # the harness itself is wrong
REPORTS = ("Sanitizer", "runtime error:")


class Broken(Exception):
    """FlowForge did what it must never do."""


@dataclass(frozen=True)
class Aim:
    """Which call of which process is struck, and how: see crash_point.c.

    With `point` it is the pass `at` of that failpoint, see core/base/failpoint.h.
    """

    who: str = "owner"  # or "supervisor"
    at: int = 0  # 0: none is, they are counted
    how: str = "before"
    call: str = ""
    n_fail: int = 0  # with "error:NUMBER"; 0: all
    point: str | None = None  # "": none is struck, they are noted
    clock: str = ""  # "20:3600": at its 20th look the wall clock is an hour ahead


@dataclass(frozen=True)
class Done:
    """What one call of the program came to."""

    code: int
    out: str
    err: str

    def run(self) -> str:
        """The run that it named: whoever could read that has been told."""
        found = RUN_ID.search(self.out)
        return found.group() if found else ""


class Place:
    def __init__(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="ff-crash-"))
        self.data = self.dir / "data"
        self.hit_file = self.dir / "hit"
        self.trace_file = self.dir / "trace"
        self.aim: Aim | None = None
        self.processes: list[subprocess.Popen[str]] = []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FF_")}
        for name in [n for n in self.env if n.startswith("FLOWFORGE_")]:
            del self.env[name]
        self.env.update(HOME=str(self.dir), TZ="UTC", LC_ALL="C.UTF-8")

    # --- files ---

    def write(self, name: str, text: str) -> str:
        (self.dir / name).write_text(text)
        return name

    def wait_for(self, file: str, text: str = "") -> None:
        """Until a task has made that file, with that text in it."""
        end = time.monotonic() + PATIENCE
        path = self.dir / file
        while not path.exists() or text not in path.read_text():
            if time.monotonic() > end:
                raise Broken(f"{file} never says {text!r}")
            time.sleep(PAUSE)

    def wait_for_row(self, query: str, what: str) -> None:
        end = time.monotonic() + PATIENCE
        base = sqlite3.connect(self.data / "flowforge.db")
        try:
            while not base.execute(query).fetchone():
                if time.monotonic() > end:
                    raise Broken(f"there is never {what}")
                time.sleep(PAUSE)
        finally:
            base.close()

    # --- the program ---

    def point_env(self, aim: Aim) -> dict[str, str]:
        if aim.point is not None:
            strike = {"FF_FAILPOINT": f"{aim.point}:kill:{aim.at}"} if aim.point else {}
            return strike | {
                "FF_FAILPOINT_HIT": str(self.hit_file),
                "FF_FAILPOINT_TRACE": str(self.trace_file),
            }
        asan = os.environ.get("ASAN_OPTIONS", "")
        more = {"FF_POINT_FAIL": str(aim.n_fail)} if aim.n_fail else {}
        if aim.clock:
            more["FF_POINT_CLOCK"] = aim.clock
        return more | {
            "LD_PRELOAD": str(POINT),
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":"),
            "FF_POINT_AT": str(aim.at),
            "FF_POINT_HOW": aim.how,
            "FF_POINT_CALL": aim.call,
            "FF_POINT_HIT": str(self.hit_file),
            "FF_POINT_TRACE": str(self.trace_file),
        }

    def aimed_supervisor(self, aim: Aim) -> Path:
        """A program that is the supervisor, aimed at."""
        pairs = " ".join(f"'{k}={v}'" for k, v in self.point_env(aim).items())
        real = LIB / "flowforge-supervisor"
        wrapper = self.dir / "supervisor"
        wrapper.write_text(f'#!/bin/sh\nexec env {pairs} {real} "$@"\n')
        wrapper.chmod(0o700)
        return wrapper

    def start(
        self, *words: str, aimed: bool = False, max_files: int = 0
    ) -> "subprocess.Popen[str]":
        limit = ["prlimit", f"--nofile={max_files}"] if max_files else []
        # `flowforge server` becomes it, and what is preloaded aims at one program only.
        if words[0] == "server":
            program, words = "flowforge-server", words[1:]
        else:
            program = "flowforge"
        command = [*limit, str(BIN / program), *words, "--data-dir", str(self.data)]
        env = self.env
        if aimed and self.aim and self.aim.who == "owner":
            env = env | self.point_env(self.aim)
        elif aimed and self.aim:
            wrapper = self.aimed_supervisor(self.aim)
            command += ["--set", f"runtime-local.supervisor={wrapper}"]
        popen = subprocess.Popen(
            command,
            cwd=self.dir,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(popen)
        return popen

    def end(self, popen: "subprocess.Popen[str]") -> Done:
        try:
            out, err = popen.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            popen.kill()
            out, err = popen.communicate()
            raise Broken(f"{popen.args!r} never ends: {err}") from None
        done = Done(popen.returncode, out, err)
        for mark in REPORTS:
            if mark in err:
                raise Broken(f"{popen.args!r}: {err}")
        return done

    def call(self, *words: str, aimed: bool = False) -> Done:
        return self.end(self.start(*words, aimed=aimed))

    def submit(self, *words: str, aimed: bool = False) -> Done:
        """`run`, and what it has acknowledged goes into the client's ledger."""
        done = self.call("run", *words, "-o", "json", aimed=aimed)
        if done.code in REFUSED:
            raise AssertionError(f"this was no run at all: {done.err}{done.out}")
        if done.run():
            ledger.tell(self.dir, "submit", done.run())
        return done

    def cancel(self, run: str, *words: str, aimed: bool = False) -> Done:
        done = self.call("cancel", run, *words, "-o", "json", aimed=aimed)
        if done.code in (0, 5) and '"cancelling": true' in done.out.replace(
            '":true', '": true'
        ):
            ledger.tell(self.dir, "cancel", run)
        return done

    # --- processes ---

    def ours(self, program: str) -> list[int]:
        """Processes of that program that work in this data directory."""
        found = []
        mark = str(self.data).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if Path(words[0].decode()).name == program and any(
                    mark in word for word in words[1:]
                ):
                    found.append(int(entry.name))
        return found

    def kill(self, pid: int) -> None:
        """Returns when it is gone, or waits to be collected."""
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            if not select.select([fd], [], [], PATIENCE)[0]:
                raise Broken(f"process {pid} does not die")
        finally:
            os.close(fd)

    def kill_owner(self) -> None:
        for program in ("flowforge", "flowforge-server"):
            for pid in self.ours(program):
                self.kill(pid)

    # --- the aim ---

    def hit(self) -> bool:
        return self.hit_file.exists()

    def lines(self) -> list[str]:
        if not self.trace_file.exists():
            return []
        return self.trace_file.read_text().splitlines()

    def passes(self) -> list[str]:
        """The names of the failpoints that were passed, in their order."""
        return [line for line in self.lines() if " " not in line]

    def trace(self) -> list[str]:
        """The names of the calls that were counted, in their order."""
        words = [line.split() for line in self.lines()]
        return [line[1] for line in words if len(line) > 1 and line[0] != "file"]

    def flushed(self) -> list[str]:
        """The files of the calls of fdatasync, in their order."""
        return [line[5:] for line in self.lines() if line.startswith("file ")]

    def requests(self) -> int:
        """Rows in the inbox, while others work."""
        base = sqlite3.connect(f"file:{self.data}/flowforge.db?mode=ro", uri=True)
        try:
            return int(base.execute("SELECT count(*) FROM inbox").fetchone()[0])
        finally:
            base.close()

    def rows(self, query: str) -> list[sqlite3.Row]:
        """Read by itself: nobody need be there to answer."""
        base = sqlite3.connect(self.data / "flowforge.db")
        try:
            return base.execute(query).fetchall()
        finally:
            base.close()

    def work_is_open(self) -> bool:
        """Looks at a copy: even a reader may carry the log over when it leaves."""
        with tempfile.TemporaryDirectory(prefix="ff-crash-") as folder:
            for ending in ("", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    name = f"flowforge.db{ending}"
                    shutil.copy(self.data / name, Path(folder) / name)
            if not (Path(folder) / "flowforge.db").exists():
                return False
            base = sqlite3.connect(Path(folder) / "flowforge.db")
            try:
                return bool(base.execute("SELECT 1 FROM open_run LIMIT 1").fetchall())
            except sqlite3.Error:
                return False
            finally:
                base.close()

    def close(self) -> None:
        for popen in self.processes:
            if popen.poll() is None:
                popen.kill()
                popen.communicate()
        self.kill_owner()
        for pid in self.ours("flowforge-supervisor"):
            self.kill(pid)
        subprocess.run(["rm", "-rf", str(self.dir)], check=False)
