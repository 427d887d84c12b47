#!/usr/bin/python3
"""flowforge lint: what is printed, mended and counted; and its manual."""

import json
import re
import unittest

from ff_cli import SOURCE, CliTest

MANUAL = SOURCE / "docs/lint.md"
POOR = """\
flowforge: 1
name: w
description: does it
tasks:
  a: {run: ./a, timeout: 1m}
  b: {run: ./b, timeout: 1m, needs: [a]}
  c: {run: ./c, timeout: 1m, needs: [a, b]}
"""


def manual_of(rule: dict[str, object]) -> str:
    """The part of the manual about one rule."""
    mends = " `--fix` mends it." if rule["fixes"] else ""
    return (
        f"### FF{rule['id']}\n\n**{rule['title']}.** ({rule['severity']},"
        f" {rule['name']})\n\n{rule['why']}{mends}\n\n"
        f"```yaml bad\n{rule['bad']}\n```\n\n```yaml good\n{rule['good']}\n```\n"
    )


class Lint(CliTest):
    def test_the_manual_is_what_the_program_says(self) -> None:
        rules = self.call("lint", "--rules", "-o", "json").json()
        self.assertGreater(len(rules), 30)
        told = MANUAL.read_text()
        wanted = "\n".join(manual_of(rule) for rule in rules)
        self.assertEqual(told[told.index("### FF") :], wanted)

    def test_findings_have_place_rule_and_severity(self) -> None:
        self.file("w.yaml", POOR)
        result = self.call("lint", "w.yaml")
        self.assertEqual(
            result.out,
            "w.yaml:7:38: note FF216: c needs a already through b [--fix mends it]\n",
        )

    def test_warnings_make_the_exit_code_3_and_notes_do_not(self) -> None:
        self.file("w.yaml", POOR + "inputs: {x: {description: d}}\n")
        result = self.call("lint", "w.yaml", expect=3)
        self.assertIn("warning FF231: inputs.x is never used", result.out)

    def test_json_lists_every_file(self) -> None:
        self.file("a.yaml", POOR)
        self.file("b.yaml", POOR.replace("[a, b]", "[b]"))
        files = self.call("lint", "a.yaml", "b.yaml", "-o", "json").json()
        self.assertEqual([f["file"] for f in files], ["a.yaml", "b.yaml"])
        self.assertEqual([len(f["findings"]) for f in files], [1, 0])

    def test_sarif_has_rules_and_results(self) -> None:
        self.file("a.yaml", POOR)
        sarif = json.loads(self.call("lint", "a.yaml", "-o", "sarif").out)
        self.assertEqual(sarif["version"], "2.1.0")
        run = sarif["runs"][0]
        result = run["results"][0]
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        self.assertEqual(rule["id"], result["ruleId"])
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual(place["region"], {"startLine": 7, "startColumn": 38})

    def test_fix_mends_the_file_and_says_so(self) -> None:
        self.file("w.yaml", POOR)
        self.assertIn("[mended]", self.call("lint", "--fix", "w.yaml").out)
        mended = (self.folder / "w.yaml").read_text()
        self.assertEqual(mended, POOR.replace("[a, b]", "[b]"))
        self.assertEqual(self.call("lint", "--fix", "w.yaml").out, "")

    def test_a_file_that_is_not_right_is_told_by_its_problems(self) -> None:
        self.file("w.yaml", "flowforge: 1\nname: w\ntasks: {a: {runn: x}}\n")
        result = self.call("lint", "w.yaml", expect=3)
        self.assertIn("FF010", result.err)

    def test_without_a_file_it_says_what_is_missing(self) -> None:
        self.call("lint", expect=2)

    def test_rules_are_listed_for_people_too(self) -> None:
        out = self.call("lint", "--rules").out
        self.assertEqual(len(re.findall(r"^FF2\d\d  ", out, re.M)), out.count("\n"))


if __name__ == "__main__":
    unittest.main()
