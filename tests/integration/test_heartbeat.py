#!/usr/bin/python3
"""Tasks of which nothing is heard: they are stopped, whoever dies meanwhile."""
# ctest: timeout=300

import signal
import sys
import time
import unittest
from typing import Any, Callable

from ff_cli import PATIENCE, CliTest

HEAD = "flowforge: 1\nname: w\ntasks:\n"

BEATING = """
import json, os, socket, time
end = time.monotonic() + 10
while time.monotonic() < end:
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["FLOWFORGE_API_ENDPOINT"][7:])
    s.sendall((
        "POST /api/v1/task/heartbeat HTTP/1.1\\r\\nHost: localhost\\r\\n"
        "Content-Type: application/json\\r\\nConnection: close\\r\\n"
        "Authorization: Bearer " + os.environ["FLOWFORGE_AUTH_TOKEN"] + "\\r\\n"
        "Content-Length: 2\\r\\n\\r\\n{}"
    ).encode())
    answer = b"".join(iter(lambda: s.recv(4096), b""))
    time.sleep(0.3)
print(json.loads(answer.split(b"\\r\\n\\r\\n")[1])["interval"])
"""


class Heartbeats(CliTest):
    def task(self, name: str) -> dict[str, Any]:
        tasks = self.call("get", "last", "-o", "json").json()["tasks"]
        return next(task for task in tasks if task["task"] == name)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def test_one_that_says_nothing_is_stopped(self) -> None:
        self.file(
            "w.yaml",
            HEAD + "  a: {heartbeat_timeout: 3s, grace: 1s, run: sleep 600}\n",
        )
        self.call("run", "w.yaml", expect=1)
        task = self.task("a")
        self.assertEqual((task["state"], task["reason"]), ("failed", "heartbeat"))
        self.assertIn("silent for longer than its heartbeat_timeout", task["message"])

    def test_one_that_is_frozen_is_killed_and_tried_again(self) -> None:
        """The beats of the SDK cease with the process."""
        self.file(
            "w.yaml",
            HEAD
            + "  a:\n    heartbeat_timeout: 3s\n    grace: 500ms\n"
            + "    retry: {on: [heartbeat], delay: 0s}\n"
            + "    script:\n      lang: python\n      code: |\n"
            + "        import os, signal\n"
            + "        from flowforge import client\n"
            + "        client.log('here')\n"
            + "        if os.environ['FF_ATTEMPT'] == '1':\n"
            + "            os.kill(os.getpid(), signal.SIGSTOP)\n",
        )
        self.call("run", "w.yaml")
        self.assertEqual(self.task("a")["attempt"], 2)
        history = self.call("history", "last", "-o", "json").lines()
        retried = [e for e in history if e["type"] == "task.retrying"]
        self.assertEqual([e["reason"] for e in retried], ["heartbeat"])

    def test_one_that_beats_lives_on(self) -> None:
        """Twice as long as it may be silent, and asked to beat three times as often."""
        self.file("beat.py", BEATING)
        self.file(
            "w.yaml",
            HEAD
            + "  a:\n    heartbeat_timeout: 5s\n    outputs: {interval: stdout}\n"
            + "    run: python3 beat.py\n",
        )
        self.call("run", "w.yaml")
        interval = float(self.task("a")["outputs"]["interval"])
        self.assertAlmostEqual(interval, 5 / 3, places=4)

    def test_a_shell_task_beats_by_the_module(self) -> None:
        self.file(
            "w.yaml",
            HEAD
            + "  a: {heartbeat_timeout: 30s, run: python3 -m flowforge heartbeat}\n",
        )
        self.call("run", "w.yaml")

    def test_what_was_decided_outlives_the_owner(self) -> None:
        """It is being stopped, and its end comes when nobody listens."""
        told = self.gate("told")
        self.file(
            "w.yaml",
            HEAD
            + "  a:\n    heartbeat_timeout: 3s\n    grace: 1h\n    run: |\n"
            + f"      trap 'read x <{told.path}; exit 0' TERM\n"
            + "      while :; do sleep 0.1; done\n",
        )
        process = self.start("run", "w.yaml")
        process.wait_for("a started")
        self.wait_until(lambda: self.task("a").get("reason") == "heartbeat")
        process.end(signal.SIGKILL)
        told.open()
        self.call("resume", expect=1)
        task = self.task("a")
        self.assertEqual((task["state"], task["reason"]), ("failed", "heartbeat"))

    def test_another_owner_listens_anew(self) -> None:
        """The attempt goes on while there is none, and is stopped by the next."""
        begun = self.gate("begun")
        self.file(
            "w.yaml",
            HEAD
            + "  a:\n    heartbeat_timeout: 5s\n    grace: 1s\n"
            + f"    run: read x <{begun.path}; sleep 600\n",
        )
        process = self.start("run", "w.yaml")
        begun.open()
        process.end(signal.SIGKILL)
        self.call("resume", expect=1)
        history = self.call("history", "last", "-o", "json").lines()
        ends = [e for e in history if e["type"] == "task.finished"]
        self.assertEqual(
            [(e["attempt"], e["reason"]) for e in ends], [(1, "heartbeat")]
        )

    def test_a_rehearsal_has_silent_attempts(self) -> None:
        self.file(
            "w.yaml",
            HEAD
            + "  a:\n    heartbeat_timeout: 30s\n    run: ./a\n"
            + "    retry: {on: [heartbeat], delay: 0s, max_attempts: 2}\n"
            + "  b: {heartbeat_timeout: 30s, run: ./b}\n",
        )
        self.file(
            "m.yaml",
            "tasks: {'a#1': {outcome: silent}, b: {duration: 10h}}\n",
        )
        out = self.call("sim", "w.yaml", "--mocks", "m.yaml", "-o", "json").json()
        self.assertEqual(out["tasks"]["a"]["attempts"], 2, out)
        self.assertEqual(out["tasks"]["b"]["state"], "succeeded")


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
