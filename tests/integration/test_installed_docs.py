#!/usr/bin/env python3
"""The pages that `make install` puts there: no link in them is dead."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = os.environ["FLOWFORGE_BUILD"]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


class InstalledDocs(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="ff-docs-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for component in ("docs", "sdk"):
            subprocess.run(
                [
                    *("cmake", "--install", BUILD, "--component", component),
                    *("--prefix", str(self.root)),
                ],
                check=True,
                capture_output=True,
            )

    def test_every_relative_link_leads_to_something_installed(self) -> None:
        pages = sorted(self.root.rglob("*.md"))
        self.assertIn("drivers.md", {page.name for page in pages})
        n_links = n_headers = 0
        for page in pages:
            for match in LINK.finditer(page.read_text()):
                target = match[1]
                if "://" in target:
                    continue
                n_links += 1
                n_headers += target.endswith(".h")
                place = (page.parent / target).resolve()
                self.assertTrue(place.exists(), f"{page.name}: {target}")
                self.assertTrue(place.is_relative_to(self.root), target)
        self.assertGreater(n_links, 20)
        self.assertGreater(n_headers, 5)


if __name__ == "__main__":
    unittest.main()
