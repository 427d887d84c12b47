#!/usr/bin/python3
"""The documents say what is true: links lead somewhere, files that are named exist,
rooms and drivers are all there, and the tour of the README can be taken."""
# ctest: timeout=300

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from example_files import BIN, SOURCE

ARCHITECTURE = SOURCE / "docs/architecture.md"
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
NAMED = re.compile(r"`((?:core|plugins|sdk|scripts|tests|bench|cmake|cmd)/[\w./-]+)`")


def documents() -> list[Path]:
    folders = ("docs", "examples", "sdk/python")
    found = [p for f in folders for p in (SOURCE / f).rglob("*.md")]
    return [SOURCE / "README.md", *sorted(p for p in found if ".egg" not in str(p))]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """As GitHub makes them from headings."""
    found = set()
    for line in prose(path).splitlines():
        if match := re.match(r"#+ +(.*)", line):
            text = re.sub(r"[^\w\- ]", "", match[1].strip().lower())
            found.add(text.replace(" ", "-"))
    return found


def broken(path: Path, link: str) -> str | None:
    if re.match(r"[a-z]+:", link):
        return None
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return f"{path.relative_to(SOURCE)}: {link} leads nowhere"
    if anchor and anchor not in anchors(target):
        return f"{path.relative_to(SOURCE)}: {link} has no such heading"
    return None


class Links(unittest.TestCase):
    def test_every_relative_link_leads_somewhere(self) -> None:
        wrong = [
            why
            for path in documents()
            for link in LINK.findall(prose(path))
            if (why := broken(path, link))
        ]
        self.assertEqual([], wrong)

    def test_every_document_is_linked_from_another(self) -> None:
        linked = {
            (path.parent / link.partition("#")[0]).resolve()
            for path in documents()
            for link in LINK.findall(prose(path))
        }
        lonely = [p.name for p in (SOURCE / "docs").glob("*.md") if p not in linked]
        self.assertEqual([], lonely)

    def test_every_file_that_is_named_exists(self) -> None:
        wrong = [
            f"{path.relative_to(SOURCE)}: {name}"
            for path in documents()
            for name in NAMED.findall(prose(path))
            if not (SOURCE / name).exists()
        ]
        self.assertEqual([], wrong)

    def test_a_broken_link_is_noticed(self) -> None:
        readme = SOURCE / "README.md"
        self.assertIsNotNone(broken(readme, "docs/nothing.md"))
        self.assertIsNotNone(broken(readme, "docs/cli.md#no-such-heading"))
        self.assertIsNone(broken(readme, "docs/cli.md#exit-codes"))


def named(words: str) -> str:
    """The rooms that a line of the build's table names."""
    rooms = words.partition("ROOMS ")[2].partition(" LIBS")[0]
    return ", ".join(rooms.split())


class Architecture(unittest.TestCase):
    def test_the_table_of_rooms_is_that_of_the_build(self) -> None:
        text = (SOURCE / "core/CMakeLists.txt").read_text()
        built = {
            (int(level), name, "PURE" in rest, named(rest))
            for name, level, rest in re.findall(
                r"^ff_room\(([\w/]+)\s+(\d+)([^)]*)\)", text, re.M
            )
        }
        row = re.compile(
            r"^\| (\d+) \| `core/([\w/]+)`( \(pure\))? \| ([\w/, ]*) ?\|", re.M
        )
        told = {
            (int(level), name, bool(pure), ", ".join(lower.strip().split(", ")))
            for level, name, pure, lower in row.findall(ARCHITECTURE.read_text())
        }
        self.assertEqual(built, told)
        core = SOURCE / "core"
        folders = {str(p.relative_to(core)) for p in core.rglob("*/") if p != core}
        self.assertEqual(folders, {name for _, name, _, _ in told})

    def test_every_driver_is_in_both_tables(self) -> None:
        drivers = (SOURCE / "docs/drivers.md").read_text()
        for folder in (SOURCE / "plugins").iterdir():
            if folder.name != "shared" and list(folder.glob("*.c")):
                self.assertIn(f"`plugins/{folder.name}`", ARCHITECTURE.read_text())
                self.assertIn(f"`{folder.name}`", drivers)

    def test_every_record_is_explained(self) -> None:
        schema = (SOURCE / "core/model/schema.sql").read_text()
        records = re.findall(r"^CREATE TABLE (\w+)", schema, re.M)
        told = ARCHITECTURE.read_text() + (SOURCE / "docs/schedules.md").read_text()
        self.assertGreater(len(records), 10)
        for name in records:
            self.assertIn(f"`{name}`", told)

    def test_every_lane_is_in_the_table_of_threads(self) -> None:
        lanes = {
            name
            for file in (SOURCE / "core").rglob("*.c")
            for name in re.findall(r'lane_new\([^;]*?"([\w-]+)"', file.read_text())
        }
        self.assertGreater(len(lanes), 3)
        for name in lanes:
            self.assertIn(f"| `{name}` |", ARCHITECTURE.read_text())


class Dependencies(unittest.TestCase):
    def test_every_package_that_setup_installs_is_explained(self) -> None:
        text = (SOURCE / "docs/dependencies.md").read_text()
        setup = (SOURCE / "scripts/setup").read_text()
        for kind in ("build", "test", "lint"):
            match = re.search(rf'{kind}_packages="([^"]+)"', setup)
            assert match
            for package in match[1].split():
                if package != "libc6-dev":
                    self.assertIn(package, text)


class Tour(unittest.TestCase):
    def test_the_tour_can_be_taken(self) -> None:
        readme = (SOURCE / "README.md").read_text()
        tours = re.findall(r"^```sh tour\n(.*?)^```", readme, re.M | re.S)
        self.assertEqual(1, len(tours))
        with tempfile.TemporaryDirectory() as folder:
            script = tours[0].replace("$PWD/build/bin", str(BIN))
            script = script.replace('"$(mktemp -d)"', f'"{folder}/data"')
            self.assertIn(str(BIN), script)
            self.assertIn(folder, script)
            env = {n: v for n, v in os.environ.items() if not n.startswith("FLOWFORGE")}
            done = subprocess.run(
                ["sh", "-eu", "-c", script],
                cwd=SOURCE,
                env={**env, "HOME": folder},
                capture_output=True,
                text=True,
                timeout=240,
            )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("Hello, world", done.stdout)
        self.assertIn("no luck with 3", done.stdout)
        self.assertIn("times the rain of", done.stdout)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
