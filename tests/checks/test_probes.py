#!/usr/bin/python3
"""The probes that a program has, by another hand's reading of its notes, are those that
docs/metrics.md tells of, with as many arguments."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(os.environ["FLOWFORGE_SOURCE"])
BIN = Path(os.environ["FLOWFORGE_BIN"])
# readelf -n: Provider, Name, Location, Arguments: one line each.
NOTE = re.compile(r"Provider: (\S+)\n\s+Name: (\S+)\n.*\n\s+Arguments: ?(.*)")
ROW = re.compile(r"\| `(\w+)` \| ([^|]+) \|")


def documented() -> dict[str, int]:
    text = (ROOT / "docs/metrics.md").read_text()
    rows = ROW.findall(text.split("## Probes")[1])
    return {name: len(words.split(",")) for name, words in rows}


def probes_of(program: Path) -> dict[str, int]:
    notes = subprocess.run(
        ["readelf", "-n", program], capture_output=True, text=True, check=True
    ).stdout
    return {
        name: len(arguments.split())
        for provider, name, arguments in NOTE.findall(notes)
        if provider == "flowforge"
    }


class Probes(unittest.TestCase):
    def test_they_are_those_of_the_page(self) -> None:
        said = documented()
        self.assertGreater(len(said), 0)
        programs = ["flowforge", "flowforge-server", "flowforge-api-server"]
        for program in [*programs, "flowforge-controller", "flowforge-executor"]:
            with self.subTest(program=program):
                self.assertEqual(probes_of(BIN / program), said)


if __name__ == "__main__":
    unittest.main()
