#!/usr/bin/python3
"""docs/write-a-driver.md is taken at its word: its files are written, its commands are
run against an installed SDK, and what it shows is what comes.

A fence says what it is: `file=NAME` and `append=NAME` are files, `sh run` is run in the
folder of the page and must succeed, and a `text shown` behind it is what it prints,
with ... for anything."""
# ctest: timeout=300

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from ff_cli import BIN, SOURCE

PAGE = SOURCE / "docs/write-a-driver.md"
BUILD = Path(os.environ.get("FLOWFORGE_BUILD") or SOURCE / "build/release")
FENCE = re.compile(
    r"^```(\w+) (run|shown|(?:file|append)=[\w.-]+)\n(.*?)^```$", re.M | re.S
)


def fits(shown: str, printed: str) -> bool:
    """A line of dots alone is any number of lines, dots in a line are any text."""
    parts = []
    for line in shown.splitlines():
        if line == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            words = [re.escape(word) for word in line.rstrip().split("...")]
            parts.append(".*".join(words) + r"[ ]*\n")
    return re.fullmatch("".join(parts), printed) is not None


class Reader:
    """Somebody who does what a page says, in a folder of their own."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self.printed = ""

    def run(self, script: str) -> str:
        """Why it went wrong, or nothing."""
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        self.printed = done.stdout
        return "" if done.returncode == 0 else f"$ {script}\n{done.stdout}"

    def take(self, what: str, text: str) -> str:
        if what == "run":
            return self.run(text)
        if what == "shown":
            if fits(text, self.printed):
                return ""
            return f"the page shows\n{text}\nand it prints\n{self.printed}"
        kind, _, name = what.partition("=")
        with (self.folder / name).open("a" if kind == "append" else "w") as file:
            file.write(text)
        return ""

    def read(self, page: str) -> str:
        """The first thing that is not as the page says, or nothing."""
        for _, what, text in FENCE.findall(page):
            wrong = self.take(what, text)
            if wrong:
                return wrong
        return ""


class Tutorial(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="ff-tutorial-")
        self.addCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        env = {n: v for n, v in os.environ.items() if not n.startswith("FLOWFORGE")}
        env.update(
            HOME=str(folder),
            PATH=f"{BIN}:{env['PATH']}",
            CMAKE_PREFIX_PATH=str(folder / "ff"),
        )
        (folder / "work").mkdir()
        self.prefix = folder / "ff"
        self.reader = Reader(folder / "work", env)

    def test_the_tutorial_does_what_it_shows(self) -> None:
        install = ["cmake", "--install", str(BUILD), "--component", "sdk"]
        subprocess.run(
            [*install, "--prefix", str(self.prefix)], check=True, capture_output=True
        )
        page = PAGE.read_text()
        kinds = [what.partition("=")[0] for _, what, _ in FENCE.findall(page)]
        self.assertGreater(kinds.count("run"), 5)
        self.assertGreater(kinds.count("shown"), 4)
        self.assertEqual("", self.reader.read(page))
        work = self.reader.folder
        self.assertTrue((work / "build/runtime-wrap.so").is_file())

    def test_every_listing_is_one_that_is_tried(self) -> None:
        """Only settings, which the page shows for the eye, are not."""
        fences = re.findall(r"^```(.+)$", PAGE.read_text(), re.M)
        self.assertEqual({"yaml"}, {f for f in fences if " " not in f})

    def test_a_page_that_is_wrong_is_noticed(self) -> None:
        read = self.reader.read
        self.assertEqual(
            "", read("```sh run\necho a b\n```\n```text shown\na ...\n```\n")
        )
        self.assertIn(
            "it prints", read("```sh run\necho a\n```\n```text shown\nb\n```\n")
        )
        self.assertIn("$ false", read("```sh run\nfalse\n```\n"))
        self.assertTrue(fits("a\n...\nd\n", "a\nb\nc\nd\n"))
        self.assertFalse(fits("a\n...\nd\n", "a\nb\nc\n"))
        self.assertFalse(fits("a\nd\n", "a\nb\nd\n"))


if __name__ == "__main__":
    unittest.main()
