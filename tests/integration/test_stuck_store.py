#!/usr/bin/env python3
"""A store that does not come back from a call keeps no process that is told to end."""
# ctest: timeout=120

import signal
import time
import unittest
from pathlib import Path

from ff_cli import PATIENCE, CliTest, Process

FLOW = """\
flowforge: 1
name: waits
tasks:
  long: {run: "read line < gate"}
"""

# For an hour: longer than any test.
SLOW = [
    *("--set", "engine.store_filters=store-delay"),
    *("--set", "store-delay.calls=commit"),
    *("--set", "store-delay.delay=1h"),
]


class StuckStore(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.gate("gate")
        self.file("flow.yaml", FLOW)
        first = self.start("run", "flow.yaml")
        first.wait_for("long")
        first.end(signal.SIGKILL)

    def wait_caught(self, process: Process, signo: int) -> None:
        """Until the process has a handler for this signal."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status = Path(f"/proc/{process.popen.pid}/status").read_text()
            caught = int(status.split("SigCgt:")[1].split()[0], 16)
            if caught >> (signo - 1) & 1:
                return
            time.sleep(0.01)
        self.fail("it never listens to signals")

    def test_a_hanging_commit_of_the_loop_thread_keeps_nobody(self) -> None:
        process = self.start("resume", *SLOW)
        self.wait_caught(process, signal.SIGTERM)
        done = process.end(signal.SIGTERM)
        self.assertEqual(done.code, 128 + signal.SIGTERM, done.err)
        self.assertIn("leaving without it", done.err)


if __name__ == "__main__":
    unittest.main()
