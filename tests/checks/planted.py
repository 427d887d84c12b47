"""What the checks' own tests share: small trees with a violation planted in them."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
PATIENCE = 300  # seconds for one check, on a machine with other work as well
BUILD = Path(os.environ.get("FLOWFORGE_BUILD") or SOURCE / "build/asan")


class PlantedTree(unittest.TestCase):
    """Each test writes a tree of its own and says what the check must answer."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name).resolve()

    def plant(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def answer(self, script: str, *args: object) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, str(SOURCE / "scripts" / script), *map(str, args)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout + done.stderr

    def assert_passes(self, script: str, *args: object) -> None:
        status, text = self.answer(script, *args)
        self.assertEqual(status, 0, text)

    def assert_caught(self, words: str, script: str, *args: object) -> None:
        status, text = self.answer(script, *args)
        self.assertEqual(status, 1, text)
        self.assertIn(words, text)
