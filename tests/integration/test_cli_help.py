#!/usr/bin/python3
"""Commands, options and exit codes: help, suggestions, and the manual, docs/cli.md,
which is written from the same table: FF_RENEW=1 writes it instead of comparing it."""

import copy
import difflib
import os
import re
import unittest
from typing import Any

from cli_manual import renew
from ff_cli import SOURCE, CliTest

MANUAL = SOURCE / "docs/cli.md"


class Help(CliTest):
    def test_every_command_has_help_that_names_its_options(self) -> None:
        for command in self.call("help", "-o", "json").json()["commands"]:
            text = self.call(*command["name"].split(), "--help").out
            self.assertIn(command["summary"], text)
            for option in command["options"]:
                self.assertIn("--" + option["name"], text)

    def test_a_letter_means_one_option_of_a_command(self) -> None:
        for command in self.call("help", "-o", "json").json()["commands"]:
            text = self.call(*command["name"].split(), "--help").out
            letters = re.findall(r"^ +(-\w), ", text, re.M)
            self.assertEqual(sorted(set(letters)), sorted(letters), command["name"])

    def test_no_line_of_help_is_longer_than_100_columns(self) -> None:
        for command in self.call("help", "-o", "json").json()["commands"]:
            text = self.call(*command["name"].split(), "--help").out
            long = [line for line in text.splitlines() if len(line) > 100]
            self.assertEqual(long, [], command["name"])
        long = [li for li in self.call("help").out.splitlines() if len(li) > 100]
        self.assertEqual(long, [])

    def test_the_help_of_an_option_names_the_words_that_it_takes(self) -> None:
        table = self.call("help", "-o", "json").json()
        for command in table["commands"]:
            for option in command["options"] + table["options"]:
                words = set(option.get("choices", []))
                # Runs that are chosen by their state cannot be in every one.
                if option["help"].startswith("instead of RUN: "):
                    words = {"running"}
                for word in words:
                    self.assertRegex(option["help"], rf"\b{word}\b", command["name"])

    def test_the_manual_is_what_the_table_says(self) -> None:
        old = MANUAL.read_text()
        new = renew(old, self.call("help", "-o", "json").json())
        if os.environ.get("FF_RENEW"):
            MANUAL.write_text(new)
            return
        differ = difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            "docs/cli.md",
            "--help",
            lineterm="",
            n=0,
        )
        self.assertEqual(list(differ), [], "FF_RENEW=1 writes the page")

    def test_the_manual_follows_the_table_and_keeps_what_it_adds(self) -> None:
        table = self.call("help", "-o", "json").json()
        page = renew(MANUAL.read_text(), table)
        self.assertEqual(renew(page, table), page)
        other = copy.deepcopy(table)
        other["exit_codes"][0]["meaning"] = "all is well"
        other["options"][0]["help"] = "tell what it does"
        logs = next(c for c in other["commands"] if c["name"] == "logs")
        logs["words"], logs["summary"] = "RUN", "print all"
        server = next(c for c in other["commands"] if c["name"] == "server")
        metrics = next(o for o in server["options"] if o["name"] == "metrics-listen")
        metrics["help"] = "where one sees metrics"
        server["options"] = [o for o in server["options"] if o["name"] != "dev"]
        server["options"].append({"name": "more", "value": "N", "help": "a|b"})
        added: dict[str, Any] = {
            "name": "logs all",
            "words": "",
            "summary": "new",
            "hidden": False,
        }
        added["options"] = []
        other["commands"].insert(other["commands"].index(logs) + 1, added)
        changed = renew(page, other)
        for line in (
            "| 0 | all is well |",
            "| `--help` (`-h`) | tell what it does |",
            "    flowforge logs RUN [OPTIONS]",
            "| [`logs`](#flowforge-logs) | print all |",
            "| `--more` `N` | a\\|b |",
            "## flowforge logs all\n\n    flowforge logs all [OPTIONS]\n\nNew.\n",
            "| where one sees [metrics](metrics.md). It prints `metrics on ",
        ):
            self.assertIn(line, changed)
            self.assertNotIn(line, page)
        self.assertNotIn("| `--dev` |", changed)
        self.assertEqual(renew(changed, other), changed)

    def test_what_the_page_says_of_its_own_accord_is_written_over(self) -> None:
        table = self.call("help", "-o", "json").json()
        page = renew(MANUAL.read_text(), table)
        for right, wrong in (
            ("begin each line with its time", "begin lines with a time"),
            ("flowforge logs RUN [TASK[.ITEM]] [OPTIONS]", "flowforge logs RUN"),
            ("| `--timestamps` (`-t`) |", "| `--timestamps` |"),
            ("| 71 | out of memory |", "| 71 | no memory |"),
            ("| [`why`](#flowforge-why) | say why", "| [`why`](#flowforge-why) | tell"),
        ):
            self.assertIn(right, page)
            self.assertEqual(renew(page.replace(right, wrong), table), page)

    def test_the_manual_names_every_setting_of_the_core_with_its_default(
        self,
    ) -> None:
        section = MANUAL.read_text().split("\n## Settings\n")[1].split("\n## ")[0]
        told = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`|–) \|", section, re.M)
        shown = self.call("config", "show", "-o", "json", "--config", "/dev/null")
        known = [
            # Directories are those of this test and this build.
            (s["key"], "" if s["key"].endswith("_dir") else s["value"] or "")
            for s in shown.json()
            if s["section"] in ("engine", "server", "executor", "traces")
        ]
        self.assertEqual(known, told)

    def test_the_manual_names_no_command_that_is_not_there(self) -> None:
        table = self.call("help", "-o", "json").json()
        names = {c["name"] for c in table["commands"]}
        for heading in re.findall(r"^## flowforge (.+)$", MANUAL.read_text(), re.M):
            self.assertIn(heading, names)

    def test_an_unknown_command_is_answered_with_the_nearest(self) -> None:
        result = self.call("rum", expect=2)
        self.assertIn("did you mean run?", result.err)
        self.assertEqual(result.out, "")

    def test_an_unknown_option_is_answered_with_the_nearest(self) -> None:
        result = self.call("run", "--detatch", "x.yaml", expect=2)
        self.assertIn("did you mean --detach?", result.err)

    def test_half_a_command_lists_the_whole_ones(self) -> None:
        result = self.call("driver", expect=2)
        self.assertIn("one of list, show, check, new", result.err)
        result = self.call("schedule", "lst", expect=2)
        self.assertIn("did you mean schedule list?", result.err)
        result = self.call("driver", "zzzzzz", expect=2)
        self.assertIn("after driver comes one of list, ", result.err)

    def test_help_of_half_a_command_explains_the_whole_ones(self) -> None:
        for group in ("driver", "schedule", "workflow", "secret", "limit", "config"):
            text = self.call("help", group).out
            for command in self.call("help", "-o", "json").json()["commands"]:
                if command["name"].startswith(group + " "):
                    self.assertIn(command["name"], text)
                    self.assertIn(command["summary"], text)
        self.call("help", "sched", expect=2)

    def test_words_of_other_tools_lead_to_commands_that_are_there(self) -> None:
        for word, ours in {
            "status": "get",
            "ps": "list",
            "stop": "cancel",
            "serve": "server",
            "trigger": "schedule trigger",
            "convert": "import",
        }.items():
            with self.subTest(word=word):
                result = self.call(word, expect=2)
                self.assertIn(f"did you mean {ours}?", result.err)
                self.call(*ours.split()[:1], "--help", expect=None)

    def test_a_directory_is_no_file(self) -> None:
        for command in ("run", "validate", "apply", "lint", "fmt", "sim"):
            result = self.call(command, "/tmp/", expect=None)
            self.assertIn("/tmp/ is a directory: name a file in it", result.err)
            self.assertIn(result.code, (4, 74))

    def test_wrong_values_and_missing_words_are_usage_errors(self) -> None:
        for args in (
            ["list", "--state", "gone"],
            ["list", "--limit", "many"],
            ["list", "-o", "xml"],
            ["list", "--limit"],
            ["list", "--label", "=x"],
            ["list", "--label", ""],
            ["get"],
            ["schema", "extra"],
            [],
        ):
            with self.subTest(args=args):
                self.call(*args, expect=2)

    def test_options_may_stand_anywhere_and_be_written_together(self) -> None:
        self.file("a.yaml", "flowforge: 1\nname: a\ntasks: {t: {run: 'true'}}\n")
        self.call("--output=json", "validate", "a.yaml")
        result = self.call("validate", "-qojson", "a.yaml")
        self.assertTrue(result.json()[0]["valid"])

    def test_the_version_names_program_commit_and_abi(self) -> None:
        version = self.call("version", "-o", "json").json()
        self.assertEqual(set(version) >= {"version", "commit", "abi"}, True)
        self.assertIn(version["version"], self.call("--version").out)


if __name__ == "__main__":
    unittest.main()
