"""The package as others get it: its files, metadata, the Python versions it runs on."""

from __future__ import annotations

import ast
import email.message
import email.parser
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile
from pathlib import Path
from typing import ClassVar

from .fake import PACKAGE, TaskTest
from .test_calls import SEED

SOURCES = sorted((PACKAGE / "flowforge").glob("*.py"))

# What `python -m build --no-isolation` does, without needing that package.
BUILD = """
from setuptools import build_meta
build_meta.build_sdist("dist")
build_meta.build_wheel("dist")
"""

CAN_BUILD = all(importlib.util.find_spec(m) for m in ("setuptools", "wheel"))


class Sources(unittest.TestCase):
    def test_they_are_written_in_python_3_8(self) -> None:
        for source in SOURCES:
            ast.parse(source.read_text(), str(source), feature_version=(3, 8))

    def test_annotations_are_not_evaluated_where_they_are_newer(self) -> None:
        for source in SOURCES:
            if ": " in source.read_text() and source.name != "__init__.py":
                self.assertIn("from __future__ import annotations", source.read_text())

    @unittest.skipUnless(importlib.util.find_spec("vermin"), "vermin is not installed")
    def test_they_use_nothing_newer_than_python_3_8(self) -> None:
        command = [sys.executable, "-m", "vermin", "-q", "--no-tips", "-t=3.8-"]
        command += [str(PACKAGE / "flowforge")]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_version_is_the_project_s(self) -> None:
        project = (PACKAGE.parents[1] / "CMakeLists.txt").read_text()
        known = re.search(r"project\(flowforge VERSION ([0-9.]+)", project)
        version = re.search(r'__version__ = "(.+)"', SOURCES[0].read_text())
        assert known and version
        self.assertEqual(version.group(1), known.group(1))


@unittest.skipUnless(CAN_BUILD, "setuptools and wheel are not installed")
class Distribution(TaskTest):
    dist: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="ff-dist-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        copy = folder / "python"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("dist", "*.egg*"))
        done = subprocess.run(
            [sys.executable, "-c", BUILD], cwd=copy, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.dist = copy / "dist"

    def wheel(self) -> Path:
        (wheel,) = self.dist.glob("*.whl")
        return wheel

    def metadata(self) -> email.message.Message:
        with zipfile.ZipFile(self.wheel()) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
            return email.parser.Parser().parsestr(archive.read(name).decode())

    def test_the_wheel_is_for_every_python_and_machine(self) -> None:
        self.assertEqual(self.wheel().name, "flowforge-0.1.0-py3-none-any.whl")

    def test_the_wheel_holds_the_package_and_nothing_else(self) -> None:
        with zipfile.ZipFile(self.wheel()) as archive:
            names = {n for n in archive.namelist() if ".dist-info/" not in n}
        expected = {f"flowforge/{source.name}" for source in SOURCES}
        self.assertEqual(names, expected | {"flowforge/py.typed"})

    def test_an_index_would_take_its_metadata(self) -> None:
        metadata = self.metadata()
        self.assertEqual(metadata["Name"], "flowforge")
        self.assertEqual(metadata["Version"], "0.1.0")
        self.assertEqual(metadata["Requires-Python"], ">=3.8")
        self.assertEqual(metadata["Description-Content-Type"], "text/markdown")
        self.assertIsNone(metadata["Requires-Dist"])
        self.assertIn("from flowforge import client", str(metadata.get_payload()))
        self.assertLessEqual(len(metadata["Summary"]), 512)
        self.assertNotIn("\n", metadata["Summary"])

    def test_the_source_distribution_is_whole(self) -> None:
        (sdist,) = self.dist.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            names = {n.split("/", 1)[1] for n in archive.getnames() if "/" in n}
            licence = archive.getmember("flowforge-0.1.0/LICENSE")
        wanted = {"pyproject.toml", "README.md", "LICENSE", "flowforge/py.typed"}
        wanted |= {f"flowforge/{source.name}" for source in SOURCES}
        self.assertLessEqual(wanted, names)
        self.assertGreater(licence.size, 1000)

    def test_the_wheel_itself_works_on_the_path(self) -> None:
        """Where an init container copied it unopened."""
        self.run_task(SEED, PYTHONPATH=str(self.wheel()))
        self.assertEqual(self.api.outputs, [("result", {"status": "ok"})])

    def test_the_wheel_unpacked_works_on_the_path(self) -> None:
        """As the init container leaves it: /sdk copied, wheels unpacked beside."""
        folder = Path(self.folder) / "sdk"
        shutil.copytree(self.dist, folder)
        command = [sys.executable, "-m", "zipfile", "-e"]
        subprocess.run([*command, str(self.wheel()), str(folder)], check=True)
        self.run_task(SEED, PYTHONPATH=str(folder))
        self.assertEqual(len(self.api.statuses), 2)


if __name__ == "__main__":
    unittest.main()
