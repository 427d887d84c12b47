#!/usr/bin/python3
"""Runs scripts/demo as a newcomer would, and looks at the report that it leaves."""
# ctest: timeout=300

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from html.parser import HTMLParser
from pathlib import Path

from example_files import BIN, SOURCE

N_CITIES = len(list((SOURCE / "examples/climate/data").glob("*.csv")))
# One for each city, the heat map and the scatter plot.
N_PICTURES = N_CITIES + 2


class Links(HTMLParser):
    """What a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action"):
                self.found.append(f"{tag} {name}={value}")


class Demo(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name) / "a demo"

    def demo(self, **extra: str) -> str:
        env = {
            **os.environ,
            "FLOWFORGE_BIN": str(BIN),
            "FLOWFORGE_DEMO_DIR": str(self.dir),
            **extra,
        }
        done = subprocess.run(
            [SOURCE / "scripts/demo"],
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=240,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def last_run(self) -> dict:
        command = [BIN / "flowforge", "--data-dir", self.dir, "get", "last"]
        return json.loads(subprocess.check_output([*command, "-o", "json"]))

    def test_it_tells_where_the_report_is_and_what_ran(self) -> None:
        out = self.demo()
        self.assertIn(str(self.dir / "report.html"), out)
        for task in ("discover", "places", "city.0", "atlas", "report", "tally"):
            self.assertRegex(out, rf"(?m)^ *{task} +succeeded")
        self.assertRegex(out, r"(?m)^places +succeeded +3 ")
        run = self.last_run()
        self.assertEqual(N_CITIES, run["outputs"]["n_cities"])
        kept = Path(run["outputs"]["report"])
        self.assertEqual(kept.read_bytes(), (self.dir / "report.html").read_bytes())

    def test_the_report_is_one_page_with_pictures_and_loads_nothing(self) -> None:
        self.demo()
        page = (self.dir / "report.html").read_text(encoding="utf-8")
        pictures = re.findall(r"<svg .*?</svg>", page, re.S)
        self.assertEqual(N_PICTURES, len(pictures))
        for picture in pictures:
            xml.etree.ElementTree.fromstring(picture)
        links = Links()
        links.feed(page)
        self.assertEqual([], links.found)
        self.assertNotIn("url(", page)
        self.assertIn("São Paulo", page)

    def test_what_it_advises_to_type_works(self) -> None:
        out = self.demo()
        program = re.escape(f"{BIN}/flowforge")
        advice = re.findall(rf"(?m)^ +({program} .*?)(?:   .*)?$", out)
        self.assertGreaterEqual(len(advice), 5)
        for line in advice:
            words = shlex.split(line)
            expected = 1 if "strict=true" in words else 0
            done = subprocess.run(words, cwd=SOURCE, capture_output=True, timeout=240)
            self.assertEqual(expected, done.returncode, (line, done.stderr))
        self.assertEqual("failed", self.last_run()["state"])

    def test_it_can_run_again_and_settings_for_other_uses_do_not_disturb(self) -> None:
        self.demo()
        first = self.last_run()["id"]
        self.demo(FLOWFORGE_ENGINE_STORE="nothing-like-it", FLOWFORGE_CONFIG="/none")
        self.assertNotEqual(first, self.last_run()["id"])

    def test_without_a_program_it_says_how_to_get_one(self) -> None:
        done = subprocess.run(
            [SOURCE / "scripts/demo"],
            env={**os.environ, "FLOWFORGE_BIN": "/nowhere"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(1, done.returncode)
        self.assertIn("make build", done.stderr)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
