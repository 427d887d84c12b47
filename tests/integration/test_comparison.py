#!/usr/bin/python3
"""docs/comparison.md: each of its files is good, and each row of its table has one."""

import re
import unittest

from ff_cli import SOURCE, CliTest

PAGE = SOURCE / "docs/comparison.md"


class Comparison(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.text = PAGE.read_text()

    def test_every_file_is_good(self) -> None:
        files = re.findall(r"^```yaml\n(.*?)^```$", self.text, re.M | re.S)
        self.assertGreaterEqual(len(files), 20)
        for i, text in enumerate(files):
            with self.subTest(text=text):
                result = self.call(
                    "validate", self.file(f"{i}.yaml", text), expect=None
                )
                self.assertEqual(result.code, 0, result.out)

    def test_no_file_has_an_error_of_lint(self) -> None:
        for text in re.findall(r"^```yaml\n(.*?)^```$", self.text, re.M | re.S):
            with self.subTest(text=text):
                name = self.file("w.yaml", text)
                files = self.call("lint", "-o", "json", name, expect=None).json()
                found = [f for f in files[0]["findings"] if f["severity"] == "error"]
                self.assertEqual(found, [])

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
