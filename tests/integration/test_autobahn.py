#!/usr/bin/python3
"""Autobahn's test suite judges the WebSockets of core/http: its cases of framing,
pings, reserved bits, opcodes, pieces, UTF-8, closing and limits. Those of compression
are left out, which is not offered.

FF_AUTOBAHN=1 takes all cases of limits, too: messages of up to 16 MiB, in pieces of any
size. FF_SHOW=1 shows what each case says."""
# ctest: timeout=600

import collections
import json
import os
import subprocess
import unittest
from typing import Any

from ff_cli import SOURCE
from ff_http import Site

PYTHON = SOURCE / ".venv-autobahn/bin/python"
CLIENT = SOURCE / "tests/integration/autobahn_client.py"
USUAL = ("1", "2", "3", "4", "5", "6", "7", "9.7", "9.8", "10")
ALL = ("1", "2", "3", "4", "5", "6", "7", "9", "10")
N_USUAL, N_ALL = 259, 301

# The suite's own words for what keeps to the RFC. It says NON-STRICT of who hears of a
# wrong frame before he has sent back the message in front of it, or has not refused
# broken UTF-8 within a second, which depends on the machine.
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


@unittest.skipUnless(PYTHON.exists(), "scripts/setup --test installs Autobahn's suite")
class Autobahn(unittest.TestCase):
    def judge(self, path: str, *cases: str) -> list[dict[str, Any]]:
        with Site() as site:
            done = subprocess.run(
                [PYTHON, CLIENT, f"ws://127.0.0.1:{site.port}{path}", *cases],
                capture_output=True,
                text=True,
                timeout=590,
                check=False,
            )
        if os.environ.get("FF_SHOW"):
            print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_all_cases_are_passed(self) -> None:
        every = bool(os.environ.get("FF_AUTOBAHN"))
        found = self.judge("/ws?max=20000000", *(ALL if every else USUAL))
        bad = [one for one in found if not {one["behavior"], one["close"]} <= GOOD]
        self.assertEqual(bad, [])
        self.assertEqual(len(found), N_ALL if every else N_USUAL)
        kinds = collections.Counter(one["behavior"] for one in found)
        self.assertGreaterEqual(kinds["OK"], 0.9 * len(found), kinds)

    def test_the_judge_is_one(self) -> None:
        """Of a server that takes no more than 100 bytes it does not approve."""
        found = self.judge("/ws?max=100", "1.1")
        failed = {one["case"] for one in found if one["behavior"] == "FAILED"}
        self.assertEqual(len(found), 8)
        self.assertGreaterEqual(failed, {"1.1.3", "1.1.4", "1.1.5", "1.1.6", "1.1.7"})
        self.assertNotIn("1.1.1", failed)


if __name__ == "__main__":
    unittest.main()
