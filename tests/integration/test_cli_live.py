#!/usr/bin/python3
"""The picture on a terminal: drawn in place, within its size, nothing left behind."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from ff_cli import PATIENCE, CliTest

FAN = """flowforge: 1
name: fan
tasks:
{tasks}
  fan:
    foreach: ${{{{ range(30) }}}}
    max_parallel: 4
    run: 'echo x'
  last: {{needs: [fan], run: 'read x < {gate}'}}
"""
INSIDE = """flowforge: 1
name: inside
tasks:
  each:
    foreach: [0, 1]
    tasks:
      quick: {{run: 'true'}}
      slow: {{needs: [quick], run: 'read x < {gate}'}}
  plain:
    tasks:
      deep: {{tasks: {{bottom: {{run: 'read x < {gate}'}}}}}}
  used: {{uses: ./child.yaml}}
"""
CHILD = """flowforge: 1
name: child
tasks: {leaf: {run: 'true'}}
"""
ENDED = """flowforge: 1
name: ended
tasks:
  used: {{uses: ./child.yaml}}
  tried:
    retry: {{max_attempts: 2, delay: 1h}}
    tasks: {{bad: {{run: 'exit 3'}}}}
  held: {{run: 'read x < {gate}'}}
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """Enough of a terminal to know what stands on it."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines = [""]
        self.row = self.col = 0
        self.other: set[str] = set()

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            match = ESCAPE.match(text, at)
            if match:
                self.escape(match.group())
                at = match.end()
                continue
            self.put(text[at])
            at += 1

    def escape(self, code: str) -> None:
        count = int(code[2:-1]) if code[2:-1].isdigit() else 1
        if code[-1] == "A":
            self.row = max(0, self.row - count)
        elif code[-1] == "K":
            self.lines[self.row] = self.lines[self.row][: self.col]
        elif code[-1] == "J":
            self.lines[self.row] = self.lines[self.row][: self.col]
            del self.lines[self.row + 1 :]
        elif code[-1] != "m":
            self.other.add(code)

    def put(self, char: str) -> None:
        if char == "\r":
            self.col = 0
        elif char == "\n":
            self.row += 1
            while len(self.lines) <= self.row:
                self.lines.append("")
        else:
            line = self.lines[self.row].ljust(self.col)
            self.lines[self.row] = line[: self.col] + char + line[self.col + 1 :]
            self.col += 1

    def text(self) -> str:
        return "\n".join(self.lines)


class Live(CliTest):
    def workflow(self, n_tasks: int) -> str:
        self.gate_path = self.gate("gate").path
        tasks = "\n".join(f"  t{i}: {{run: 'true'}}" for i in range(n_tasks))
        return self.file("fan.yaml", FAN.format(tasks=tasks, gate=self.gate_path))

    def begin(self, *args: str, rows: int = 24, columns: int = 80, **env: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.screen = Screen(columns)
        self.everything = ""
        self.popen = subprocess.Popen(
            self.command(*args),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**self.env, "TERM": "xterm", **env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.addCleanup(os.close, self.master)
        self.addCleanup(self.popen.wait)
        self.addCleanup(self.popen.kill)

    def resize(self, rows: int, columns: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def read(self) -> bool:
        """False: the other side has closed."""
        piece = b""
        with contextlib.suppress(OSError):
            piece = os.read(self.master, 65536)
        text = piece.decode()
        self.everything += text
        self.screen.feed(text)
        return bool(piece)

    def wait_for(self, *texts: str, times: int = 1) -> None:
        """Until each of them stands there, and so often."""
        end = time.monotonic() + PATIENCE
        while any(self.screen.text().count(t) < times for t in texts):
            left = max(0.0, end - time.monotonic())
            self.assertTrue(
                select.select([self.master], [], [], left)[0], self.screen.text()
            )
            self.assertTrue(self.read(), self.everything)

    def end(self) -> int:
        while self.read():
            pass
        return self.popen.wait(PATIENCE)

    def open_gate(self, n_tasks: int = 1) -> None:
        """Held open: were it closed, a task might find its line gone with another."""
        fd = os.open(self.gate_path, os.O_RDWR)
        self.addCleanup(os.close, fd)
        os.write(fd, b"go\n" * n_tasks)

    def test_tasks_with_marks_bars_and_a_summary(self) -> None:
        self.begin("run", self.workflow(2))
        self.wait_for("fan", "30/30", "last", "\u25cf")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        text = self.screen.text()
        self.assertIn("\u2714 last", text)
        self.assertIn("succeeded: fan", text)
        self.assertIn("logs: flowforge logs", text)
        # Drawn in place: each task stands there once.
        self.assertEqual(text.count(" last"), 1)

    def test_who_waits_for_a_limit_is_told_for_whom(self) -> None:
        self.gate_path = self.gate("gate").path
        task = "{semaphores: [gpu], run: 'read x < %s'}" % self.gate_path
        text = f"flowforge: 1\nname: both\ntasks: {{a: {task}, b: {task}}}\n"
        self.begin("run", self.file("both.yaml", text), columns=120)
        self.wait_for("waiting for semaphore gpu (1 of 1 held by run ")
        self.open_gate()
        self.wait_for("1/2 tasks")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        self.assertNotIn("waiting for", self.screen.text())

    def test_tasks_inside_groups_stand_under_them(self) -> None:
        self.gate_path = self.gate("gate").path
        self.file("child.yaml", CHILD)
        path = self.file("inside.yaml", INSIDE.format(gate=self.gate_path))
        self.begin("run", path, columns=120)
        self.wait_for("\u2714 quick", "          \u25cf slow", times=2)
        self.wait_for("\u25cf each.1", "\u25cf bottom", "\u2714 used", "\u2714 leaf")
        text = self.screen.text()
        self.assertRegex(text, r"\n  \u25cf plain .*\n      \u25cf deep .*\n")
        self.assertRegex(text, r"\n          \u25cf bottom ")
        self.assertRegex(text, r"\n  \u2714 used .*\n      \u2714 leaf ")
        self.open_gate(3)
        self.assertEqual(self.end(), 0)
        ended = self.screen.text()
        self.assertNotIn("each.0", ended)
        self.assertRegex(ended, r"\n  \u2714 plain .*\n      \u2714 deep .*\n")

    def test_who_only_follows_sees_inside_too(self) -> None:
        self.gate_path = self.gate("gate").path
        self.file("child.yaml", CHILD)
        path = self.file("inside.yaml", INSIDE.format(gate=self.gate_path))
        self.call("run", path, "--detach")
        self.begin("resume", "last", columns=120)
        self.wait_for("each.1", "\u25cf slow", "\u25cf bottom")
        self.open_gate(3)
        self.assertEqual(self.end(), 0)

    def task_states(self) -> dict[str, str]:
        tasks = self.call("get", "last", "-o", "json").json()["tasks"]
        return {task["task"]: task["state"] for task in tasks}

    def test_what_was_over_before_anybody_looked_is_shown(self) -> None:
        self.gate_path = self.gate("gate").path
        self.file("child.yaml", CHILD)
        path = self.file("ended.yaml", ENDED.format(gate=self.gate_path))
        self.call("run", path, "--detach")
        wanted = {"used": "succeeded", "tried": "retrying", "held": "running"}
        end = time.monotonic() + PATIENCE
        while self.task_states() != wanted:
            self.assertLess(time.monotonic(), end, self.task_states())
        self.begin("resume", "last", columns=120)
        self.wait_for("\u25cf held", "\u2718 bad", "\u2714 leaf")
        text = self.screen.text()
        self.assertRegex(text, r"\n  \u2714 used .*\n      \u2714 leaf ")
        self.assertRegex(text, r"\n  \u21bb tried .*\n      \u2718 bad .*exit code 3")
        self.call("cancel", "last", "--kill")
        self.assertEqual(self.end(), 5)

    def test_nothing_of_the_terminal_is_changed(self) -> None:
        self.begin("run", self.workflow(2))
        before = termios.tcgetattr(self.master)
        self.wait_for("30/30")
        self.assertEqual(termios.tcgetattr(self.master), before)
        self.popen.kill()
        self.end()
        self.assertEqual(self.screen.other, set())

    def test_it_fits_the_terminal(self) -> None:
        self.begin("run", self.workflow(100), rows=10, columns=40)
        self.wait_for("more:", "last", "101/102")
        lines = self.screen.text().split("\n")
        self.assertLessEqual(len(lines), 10)
        self.assertLessEqual(max(len(li) for li in lines), 40)
        self.open_gate()
        self.assertEqual(self.end(), 0)

    def test_it_follows_a_new_size(self) -> None:
        self.begin("run", self.workflow(100), rows=10, columns=80)
        self.wait_for("more:", "last", "101/102")
        n_lines = len(self.screen.text().split("\n"))
        self.resize(20, 80)
        while len(self.screen.text().split("\n")) <= n_lines:
            self.assertTrue(self.read())
        self.open_gate()
        self.assertEqual(self.end(), 0)

    def test_ctrl_c_cancels(self) -> None:
        self.begin("run", self.workflow(2))
        self.wait_for("30/30")
        os.write(self.master, b"\x03")
        self.wait_for("Ctrl-C again kills")
        self.assertEqual(self.end(), 5)
        self.assertIn("cancelled: fan", self.screen.text())

    def test_no_colour_on_request(self) -> None:
        self.begin("run", self.workflow(2), NO_COLOR="1")
        self.wait_for("30/30")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        self.assertNotRegex(self.everything, r"\x1b\[[0-9;]*m")

    def test_ascii_where_the_locale_has_no_more(self) -> None:
        self.begin("run", self.workflow(2), LC_ALL="C")
        self.wait_for("30/30", "* last")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        self.assertTrue(self.everything.isascii())

    def test_a_dumb_terminal_gets_lines(self) -> None:
        self.begin("run", self.workflow(2), TERM="dumb")
        self.wait_for("last started")
        self.open_gate()
        self.assertEqual(self.end(), 0)
        self.assertNotIn("\x1b", self.everything)

    def test_hang_up_ends_it(self) -> None:
        self.begin("run", self.workflow(2))
        self.wait_for("30/30")
        os.kill(self.popen.pid, signal.SIGHUP)
        self.wait_for("stays open")
        self.assertEqual(self.end(), 128 + signal.SIGHUP)


if __name__ == "__main__":
    unittest.main()
