#!/usr/bin/python3
"""`flowforge top`: what it counts is what runs and waits, and on a terminal it is drawn
again over itself."""
# ctest: timeout=300

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest
from typing import Any

from ff_cli import PATIENCE, CliTest, Process

HEAD = "flowforge: 1\nname: {}\ntasks:\n"


class Top(CliTest):
    def begin(self, name: str, tasks: str, until: str, *options: str) -> Process:
        path = self.file(f"{name}.yaml", HEAD.format(name) + tasks)
        process = self.start("run", path, *options)
        process.wait_for(until)
        return process

    def top(self) -> Any:
        return self.call("top", "-o", "json").json()

    def queue(self, name: str) -> Any:
        (found,) = (q for q in self.top()["queues"] if q["queue"] == name)
        return found

    def test_what_runs_and_waits_is_counted(self) -> None:
        gate = self.gate("gate")
        self.call("pause", "--queue", "slow")
        process = self.begin(
            "w",
            "  a: {semaphores: [gpu], run: cat gate}\n"
            "  later: {needs: [a], run: 'true'}\n"
            "  b: {foreach: [1, 2, 3], queue: slow, run: 'true'}\n"
            "  c: {sleep: 1h}\n",
            "c waits",
        )
        top = self.top()
        self.assertEqual(top["owner"]["open_runs"], 1)
        self.assertEqual(
            top["runs"],
            {"pending": 0, "running": 1, "cancelling": 0, "not_looked_into": 0},
        )
        (task,) = top["tasks"]
        self.assertEqual(
            (task["workflow"], task["task"], task["attempt"], task["queue"]),
            ("w", "a", 1, "default"),
        )
        self.assertEqual(
            top["limits"], [{"limit": "semaphore:gpu", "held": 1, "size": 1}]
        )
        slow = self.queue("slow")
        self.assertEqual((slow["running"], slow["waiting"]), (0, 3))
        self.assertTrue(slow["paused_by"])
        self.assertEqual(self.queue("default")["waiting"], 0)
        text = self.call("top").out
        self.assertRegex(text, r"runs: 1 running, 0 pending, 0 cancelling")
        self.assertRegex(text, r"attempts: 1 running, 3 waiting")
        self.assertRegex(text, r"slow +0 +3 +paused by ")
        self.assertRegex(text, r"semaphore:gpu +1 +1 +run [0-9a-f]{8} \(a\)")
        gate.open()
        process.wait_for("later succeeded")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)
        self.assertEqual(self.top()["tasks"], [])

    def test_items_that_run_are_told_one_by_one(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "w",
            "  a: {foreach: [1, 2, 3], max_parallel: 1, run: cat gate}\n",
            "a.0 started",
        )
        self.assertEqual([t["task"] for t in self.top()["tasks"]], ["a.0"])
        queue = self.queue("default")
        self.assertEqual((queue["running"], queue["waiting"]), (1, 2))
        for i in range(3):
            process.wait_for(f"a.{i} started")
            gate.open()
        self.assertEqual(process.end().code, 0)

    def test_nobody_leads_and_nothing_is_there(self) -> None:
        top = self.top()
        self.assertIsNone(top["owner"])
        self.assertEqual((top["tasks"], top["queues"]), ([], []))
        self.assertIn("nobody leads", self.call("top").out)

    def test_on_a_terminal_it_is_drawn_again_and_fits(self) -> None:
        gate = self.gate("gate")
        process = self.begin("w", "  a: {run: cat gate}\n", "a started")
        screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 40, 0, 0))
        drawing = subprocess.Popen(
            self.command("top"),
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            env=self.env,
            cwd=self.folder,
        )
        os.close(terminal)
        seen = b""
        end = time.monotonic() + PATIENCE
        # The second picture begins by going up over the first.
        while b"\033[5A" not in seen.partition(b"\033[J")[2]:
            self.assertTrue(
                select.select([screen], [], [], max(0, end - time.monotonic()))[0]
            )
            seen += os.read(screen, 65536)
        drawing.send_signal(signal.SIGINT)
        self.assertEqual(drawing.wait(PATIENCE), -signal.SIGINT)
        os.close(screen)
        first = seen.partition(b"\033[J")[0].decode()
        lines = first.replace("\033[K", "").replace("\r", "").splitlines()
        self.assertEqual(len(lines), 5)  # of 6 rows
        self.assertTrue(all(len(line) <= 40 for line in lines), lines)
        self.assertIn("attempts: 1 running", first)
        gate.open()
        self.assertEqual(process.end().code, 0)


if __name__ == "__main__":
    unittest.main()
