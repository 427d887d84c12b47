#!/usr/bin/python3
"""docs/comparison.md: each of its files is good, and each row of its table has one."""

import json
import re
import unittest
from typing import Any

from ff_cli import SOURCE, CliTest

PAGE = SOURCE / "docs/comparison.md"
# What has to be said of a rehearsal, by the name of the workflow: what people and
# events decide, and outputs of which the file says more than that they are JSON.
MOCKS: dict[str, dict[str, Any]] = {
    "approval": {"ask": {"approve": {"by": "ada"}}},
    "data": {"extract": {"outputs": {"rows": [{"name": "a"}]}}},
    "event": {"paid": {"event": {"data": {"sum": 3}}}},
    "loop": {"poll#3": {"outputs": {"state": "done"}}},
}
WORDS = {
    "inputs": ["-i", "day=2026-11-22"],
    "caching": ["-i", "day=2026-11-22"],
    "waiting": ["--start", "2026-11-29T00:00:00Z"],  # a year would cost seconds
}
# It uses a workflow that has to be there, and a rehearsal has no stored ones.
USES = "nightly"


class Comparison(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.text = PAGE.read_text()

    def files(self) -> dict[str, str]:
        """The texts by the files that hold them now."""
        texts = re.findall(r"^```yaml\n(.*?)^```$", self.text, re.M | re.S)
        return {self.file(f"{i}.yaml", text): text for i, text in enumerate(texts)}

    def test_every_file_is_good(self) -> None:
        files = self.files()
        self.assertGreaterEqual(len(files), 20)
        result = self.call("validate", *files, expect=None)
        self.assertEqual(result.code, 0, result.out)

    def test_no_file_has_an_error_of_lint(self) -> None:
        judged = self.call("lint", "-o", "json", *self.files(), expect=None).json()
        self.assertEqual(len(judged), len(self.files()))
        found = [f for file in judged for f in file["findings"]]
        self.assertEqual([f for f in found if f["severity"] == "error"], [])

    def test_every_file_can_be_rehearsed_to_its_end(self) -> None:
        for path, text in self.files().items():
            name = re.findall(r"^name: (.*)$", text, re.M)[0]
            if name == USES:
                continue
            mocks = self.file("m.yaml", json.dumps({"tasks": MOCKS.get(name, {})}))
            words = WORDS.get(name, [])
            with self.subTest(name=name):
                done = self.call("sim", path, "-m", mocks, *words, expect=None)
                self.assertEqual(done.code, 0, done.out[-500:] + done.err)

    def test_every_row_leads_to_a_section_and_every_section_has_a_row(self) -> None:
        rows = re.findall(r"^\| \[[^]]+\]\(#([a-z-]+)\)", self.text, re.M)
        headings = re.findall(r"^## (.+)$", self.text, re.M)
        sections = [h.lower().replace(" ", "-") for h in headings]
        self.assertEqual(rows, [s for s in sections if s != "words"])

    def test_every_row_says_something_of_every_system(self) -> None:
        table = [line for line in self.text.splitlines() if line.startswith("| ")]
        for line in table:
            self.assertEqual(line.count(" | "), table[0].count(" | "), line)


if __name__ == "__main__":
    unittest.main()
