#!/usr/bin/python3
"""Commands that need no run: validate, schema, driver, config."""

import subprocess
import unittest
from pathlib import Path

from ff_cli import CliTest

GOOD = "flowforge: 1\nname: good\ntasks: {t: {run: 'true'}}\n"
BAD = """flowforge: 1
name: bad
tasks:
  a: {run: 'echo ${{ inputs.x }}'}
  b: {needs: [c], run: 'true'}
"""


class Files(CliTest):
    def test_validate_reports_all_problems_with_their_places(self) -> None:
        self.file("good.yaml", GOOD)
        self.file("bad.yaml", BAD)
        result = self.call("validate", "good.yaml", "bad.yaml", expect=3)
        self.assertIn("good.yaml: ok", result.out)
        self.assertRegex(result.out, r"(?m)^bad\.yaml:4:\d+: FF\d{3}: ")
        self.assertRegex(result.out, r"(?m)^bad\.yaml:5:\d+: FF\d{3}: ")

    def test_validate_as_json(self) -> None:
        self.file("bad.yaml", BAD)
        (result,) = self.call("validate", "bad.yaml", "-o", "json", expect=3).json()
        self.assertFalse(result["valid"])
        self.assertEqual({p["line"] for p in result["problems"]}, {4, 5})

    def test_validate_of_a_file_that_is_not_there(self) -> None:
        self.file("good.yaml", GOOD)
        result = self.call("validate", "none.yaml", "good.yaml", expect=4)
        self.assertIn("none.yaml", result.err)
        self.assertIn("good.yaml: ok", result.out)

    def test_validate_reads_standard_input(self) -> None:
        self.file("good.yaml", GOOD)
        line = " ".join(self.command("validate", "-")) + " < good.yaml"
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, env=self.env, capture_output=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_validate_looks_for_the_files_of_scripts(self) -> None:
        text = "flowforge: 1\nname: w\ntasks:\n  a: {script: {file: jobs/a.sh}}\n"
        self.file("w.yaml", text + "  g: {tasks: {b: {script: {file: jobs/b.sh}}}}\n")
        told = self.call("validate", "w.yaml", expect=3).out
        self.assertIn("w.yaml:4:3: FF037: task a: there is no file jobs/a.sh", told)
        self.assertIn("w.yaml:5:15: FF037: task b: there is no file jobs/b.sh", told)
        (self.folder / "jobs/b.sh").mkdir(parents=True)
        self.file("jobs/a.sh", "true\n")
        told = self.call("validate", "w.yaml", expect=3).out
        self.assertIn("task b: script.file jobs/b.sh: not a file", told)
        self.assertEqual(told.count("FF037"), 1)
        (self.folder / "jobs/b.sh").rmdir()
        self.file("jobs/b.sh", "true\n")
        self.assertIn("w.yaml: ok", self.call("validate", "w.yaml").out)

    def test_the_schema_is_json(self) -> None:
        schema = self.call("schema").json()
        self.assertIn("2020-12", schema["$schema"])

    def test_drivers_are_listed_and_shown_with_their_options(self) -> None:
        drivers = self.call("driver", "list", "-o", "json").json()
        names = {d["name"] for d in drivers if d["usable"]}
        self.assertLessEqual({"store-sqlite", "queue-memory", "runtime-local"}, names)
        shown = self.call("driver", "show", "store-sqlite", "-o", "json").json()
        self.assertEqual(shown["section"], "store-sqlite")
        for option in shown["options"]:
            self.assertTrue(option["help"], option["name"])
        text = self.call("driver", "show", "store-sqlite").out
        for option in shown["options"]:
            self.assertIn(option["name"], text)

    def test_an_unknown_driver_is_not_found(self) -> None:
        result = self.call("driver", "show", "store-oracle", expect=None)
        self.assertIn(result.code, (2, 4))
        self.assertIn("store-oracle", result.err)

    def settings(self, *args: str) -> dict[str, tuple[str, str]]:
        shown = self.call("config", "show", "--sources", "-o", "json", *args).json()
        return {f"{s['section']}.{s['key']}": (s["value"], s["source"]) for s in shown}

    def test_settings_come_from_flag_environment_file_default(self) -> None:
        config = self.file("c.yaml", "engine: {slots: 3, keep_runs: 7, keep: 1d}\n")
        self.env["FLOWFORGE_ENGINE_KEEP_RUNS"] = "8"
        shown = self.settings("--config", config, "--set", "engine.slots=5")
        self.assertEqual(shown["engine.slots"], ("5", "flag"))
        self.assertEqual(shown["engine.keep_runs"], ("8", "environment"))
        self.assertEqual(shown["engine.keep"], ("1d", "file"))
        self.assertEqual(shown["engine.store"], ("store-sqlite", "default"))
        self.assertEqual(shown["engine.data_dir"], (str(self.data), "flag"))

    def test_a_wrong_setting_names_the_nearest_right_one(self) -> None:
        result = self.call("list", "--set", "engine.slotz=5", expect=78)
        self.assertIn("slots", result.err)
        config = self.file("c.yaml", "engine: {slots: many}\n")
        result = self.call("list", "--config", config, expect=78)
        self.assertIn("c.yaml:1", result.err)

    def test_every_mistake_of_a_configuration_is_told_with_its_line(self) -> None:
        config = self.file(
            "c.yaml",
            "engine:\n  slots: many\n  keep: forever\n  slotz: 3\n"
            "runtime-local:\n  idle_exit: soon\n",
        )
        result = self.call("list", "--config", config, expect=78)
        for line, name in ((2, "slots"), (3, "keep"), (4, "slotz"), (6, "idle_exit")):
            found = [x for x in result.err.splitlines() if f"c.yaml:{line}:" in x]
            self.assertEqual(len(found), 1, result.err)
            self.assertIn(name, found[0])
        self.assertEqual(len(result.err.splitlines()), 4, result.err)

    def test_a_driver_that_is_not_there_is_a_wrong_configuration(self) -> None:
        self.file("flow.yaml", "flowforge: 1\nname: a\ntasks: {a: {run: 'true'}}\n")
        for kind in ("store", "queue", "runtime"):
            words = ("--set", f"engine.{kind}=nosuch")
            result = self.call("run", "flow.yaml", *words, expect=78)
            self.assertIn("nosuch", result.err)

    def test_defaults_that_depend_on_the_place_are_shown(self) -> None:
        shown = self.settings()
        value, source = shown["engine.driver_dir"]
        self.assertTrue(Path(value).is_dir(), value)
        self.assertEqual(source, "default")

    def test_a_missing_configuration_file_is_an_error(self) -> None:
        self.call("list", "--config", "none.yaml", expect=78)


if __name__ == "__main__":
    unittest.main()
