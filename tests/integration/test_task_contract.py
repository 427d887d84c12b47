#!/usr/bin/python3
"""What docs/task-contract.md promises to tasks, asked of tasks themselves."""
# ctest: timeout=300

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from example_files import BIN, SOURCE

DOCUMENT = (SOURCE / "docs/task-contract.md").read_text()
EIGHT = [
    f"FLOWFORGE_{name}"
    for name in (
        *("TASK_ID", "WORKFLOW_ID", "TENANT_ID", "PROJECT_ID"),
        *("API_ENDPOINT", "REDIS_ENDPOINT", "LOG_ENDPOINT", "AUTH_TOKEN"),
    )
]


class Contract(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # The engine knows it by its real name.
        self.dir = Path(folder.name).resolve()
        self.data = self.dir / "data"

    def flowforge(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [BIN / "flowforge", "--config", "/dev/null", "--data-dir", self.data]
        return subprocess.run(
            [*map(str, command), *words],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **env},
        )

    def run_flow(self, tasks: str, *options: str, **env: str) -> dict[str, Any]:
        file = self.dir / "flow.yaml"
        file.write_text(f"flowforge: 1\nname: contract\n{tasks}")
        done = self.flowforge("run", "-q", str(file), *options, **env)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        shown = self.flowforge("get", "last", "--items", "-o", "json")
        return json.loads(shown.stdout)

    def one_task(self, task: str, *options: str, **env: str) -> dict[str, Any]:
        return self.run_flow(f"tasks:\n  t: {task}\n", *options, **env)["tasks"][0]

    def environment(self, task: str = "", *options: str, **env: str) -> dict[str, str]:
        dump = "python3 -c 'import json, os; print(json.dumps(dict(os.environ)))'"
        text = f'{{run: "{dump}", outputs: {{e: {{from: stdout, as: json}}}}{task}}}'
        return self.one_task(text, *options, **env)["outputs"]["e"]


class Environment(Contract):
    def test_the_eight_variables_are_there_and_in_the_document(self) -> None:
        seen = self.environment()
        for name in EIGHT:
            self.assertTrue(seen[name], name)
            self.assertIn(f"`{name}`", DOCUMENT)

    def test_every_variable_that_is_set_is_in_the_document(self) -> None:
        seen = self.environment()
        own = {n for n in seen if n.startswith(("FF_", "FLOWFORGE_"))}
        for name in sorted(own):
            self.assertIn(f"`{name}`", DOCUMENT)
        documented = set(re.findall(r"`((?:FF|FLOWFORGE)_[A-Z_]+)`", DOCUMENT))
        elsewhere = {
            "FF_ARTIFACTS",
            "FF_INDEX",
            "FF_RUN_STATUS",
            "FLOWFORGE_AUTH_TOKEN_FILE",
        }
        self.assertEqual(set(), documented - own - elsewhere)

    def test_they_say_who_the_task_is(self) -> None:
        seen = self.environment()
        run = seen["FF_RUN_ID"]
        self.assertEqual(run, seen["FLOWFORGE_WORKFLOW_ID"])
        self.assertEqual(f"{run}/t", seen["FF_TASK_ID"])
        self.assertEqual(seen["FF_TASK_ID"], seen["FLOWFORGE_TASK_ID"])
        self.assertEqual(f"{run}/t/1", seen["FLOWFORGE_ATTEMPT_ID"])
        self.assertEqual(("t", "1"), (seen["FF_TASK"], seen["FF_ATTEMPT"]))
        self.assertEqual("mem://", seen["FLOWFORGE_REDIS_ENDPOINT"])

    def test_only_what_the_document_lists_is_inherited(self) -> None:
        seen = self.environment(
            LC_TIME="C", XDG_TEST="x", http_proxy="http://p", SECRET_OF_MINE="s"
        )
        self.assertEqual("x", seen["XDG_TEST"])
        self.assertEqual("http://p", seen["http_proxy"])
        self.assertNotIn("SECRET_OF_MINE", seen)
        source = (SOURCE / "core/node/host.c").read_text()
        text = source.partition("pass_always[] =")[2].partition(";")[0]
        names = "".join(re.findall(r'"([^"]*)"', text)).split(",")
        self.assertGreater(len(names), 15)
        for name in names:
            self.assertIn(f"`{name}`", DOCUMENT)

    def test_pass_env_adds_names_and_prefixes(self) -> None:
        option = ("--set", "engine.pass_env=ONE,TWO_*")
        seen = self.environment("", *option, ONE="1", TWO_A="2", TWOB="3")
        self.assertEqual(("1", "2"), (seen["ONE"], seen["TWO_A"]))
        self.assertNotIn("TWOB", seen)

    def test_env_of_the_file_wins_and_pythonpath_keeps_the_sdk(self) -> None:
        seen = self.environment(", env: {HOME: /h, PYTHONPATH: /mine}")
        self.assertEqual("/h", seen["HOME"])
        first, second = seen["PYTHONPATH"].split(":")
        self.assertTrue((Path(first) / "flowforge/__init__.py").exists())
        self.assertEqual("/mine", second)

    def test_items_know_their_index_and_handlers_the_status(self) -> None:
        run = self.run_flow(
            "tasks:\n"
            "  t: {foreach: [a, b], run: 'echo $FF_INDEX', outputs: {i: stdout}}\n"
            "finally:\n"
            "  - {id: h, run: 'echo $FF_RUN_STATUS', outputs: {s: stdout}}\n"
        )
        items, handler = run["tasks"]
        found = [item["outputs"]["i"] for item in items["item_list"]]
        self.assertEqual(["0", "1"], found)
        self.assertEqual("succeeded", handler["outputs"]["s"])


class Process(Contract):
    def test_it_works_in_the_folder_of_the_file_or_where_it_is_told(self) -> None:
        (self.dir / "sub").mkdir()
        pwd = "run: pwd, outputs: {d: stdout}"
        cases = {
            f"{{{pwd}}}": self.dir,
            f"{{{pwd}, working_dir: sub}}": self.dir / "sub",
            f"{{{pwd}, working_dir: /}}": Path("/"),
        }
        for task, expected in cases.items():
            self.assertEqual(str(expected), self.one_task(task)["outputs"]["d"])
        option = ("--dir", str(self.dir / "sub"))
        moved = self.one_task(f"{{{pwd}}}", *option)
        self.assertEqual(str(self.dir / "sub"), moved["outputs"]["d"])

    def test_standard_input_is_the_value_or_empty(self) -> None:
        cat = "run: cat, outputs: {o: stdout}"
        self.assertEqual("", self.one_task(f"{{{cat}}}")["outputs"]["o"])
        text = self.one_task(f"{{{cat}, stdin: 'a b'}}")["outputs"]["o"]
        self.assertEqual("a b", text)
        data = self.one_task(f"{{{cat}, stdin: '${{{{ [1, null] }}}}'}}")
        self.assertEqual("[1,null]", data["outputs"]["o"])

    def test_run_stops_at_the_first_failure_and_at_unset_variables(self) -> None:
        self.assertEqual(1, self.one_task("{run: 'false; true'}")["exit_code"])
        unset = self.one_task("{run: 'echo $NOT_THERE_AT_ALL'}")
        self.assertEqual("failed", unset["state"])

    def test_the_exit_code_decides_and_the_message_says_more(self) -> None:
        cases = {
            "{run: 'exit 3'}": (3, "exit_code", "exit code 3"),
            "{run: 'echo why >&2; exit 3'}": (3, "exit_code", "exit code 3: why"),
            "{run: 'kill -9 $$'}": (137, "exit_code", "signal 9 (SIGKILL)"),
            "{command: [no-such-program]}": (None, "start_failed", "cannot run"),
            "{working_dir: /no-such-dir, run: 'true'}": (
                None,
                "start_failed",
                "cannot work in",
            ),
        }
        for task, (code, reason, message) in cases.items():
            with self.subTest(task=task):
                seen = self.one_task(task)
                self.assertEqual("failed", seen["state"])
                self.assertEqual(code, seen.get("exit_code"))
                self.assertEqual(reason, seen["reason"])
                self.assertIn(message, seen["message"])

    def test_what_a_task_says_of_itself_is_only_noted(self) -> None:
        said = "python3 -m flowforge status FAILED"
        seen = self.one_task(f"{{run: '{said}'}}")
        self.assertEqual("succeeded", seen["state"])
        self.assertIn("FAILED", seen["message"])

    def test_a_timeout_sends_sigterm_then_sigkill(self) -> None:
        polite = "trap 'echo stopping; exit 0' TERM; echo ready; sleep 60 & wait"
        seen = self.one_task(f'{{timeout: 300ms, run: "{polite}"}}')
        self.assertEqual(("failed", "timeout"), (seen["state"], seen["reason"]))
        self.assertIn("stopping", self.flowforge("logs", "last").stdout)
        stubborn = "trap '' TERM; while true; do sleep 1; done"
        seen = self.one_task(f'{{timeout: 100ms, grace: 100ms, run: "{stubborn}"}}')
        self.assertEqual(("failed", "timeout"), (seen["state"], seen["reason"]))

    def test_what_a_task_leaves_running_is_ended(self) -> None:
        left = self.dir / "left.pid"
        seen = self.one_task(f"{{run: 'setsid sleep 1000 & echo $! >{left}'}}")
        self.assertEqual("succeeded", seen["state"])
        self.assertFalse(Path(f"/proc/{left.read_text().strip()}").exists())


class Outputs(Contract):
    def test_text_loses_its_last_line_ends_and_json_is_typed(self) -> None:
        seen = self.one_task(
            r"""{run: 'printf "a\n\n" >"$FF_OUT/a"; echo "[1, {}]" >"$FF_OUT/b"; """
            r"""echo x', outputs: {a: file, b: json, c: stdout}}"""
        )
        self.assertEqual({"a": "a", "b": [1, {}], "c": "x"}, seen["outputs"])

    def test_a_file_is_kept_with_its_hash(self) -> None:
        seen = self.one_task(
            r"""{run: 'printf "\377" >"$FF_OUT/a"', """
            "outputs: {a: {from: file, as: file}}}"
        )
        kept = seen["outputs"]["a"]
        self.assertEqual(b"\xff", Path(kept["path"]).read_bytes())
        self.assertEqual(1, kept["size"])
        self.assertEqual(64, len(kept["sha256"]))

    def test_a_kept_file_has_the_ending_that_was_chosen(self) -> None:
        seen = self.one_task(
            """{run: 'echo x >"$FF_OUT/a.tar.gz"', """
            "outputs: {a: {as: file, ending: tar.gz}}}"
        )
        kept = Path(seen["outputs"]["a"]["path"])
        self.assertEqual("a.tar.gz", kept.name)
        self.assertEqual(b"x\n", kept.read_bytes())

    def test_large_values_are_the_same_as_small_ones(self) -> None:
        seen = self.one_task(
            """{run: 'seq 1 60000 >"$FF_OUT/a"', outputs: {a: file}}"""
        )
        self.assertEqual(60000, len(seen["outputs"]["a"].split("\n")))

    def test_what_the_sdk_sends_needs_no_declaration(self) -> None:
        seen = self.one_task("{run: 'python3 -m flowforge output n 5'}")
        self.assertEqual({"n": 5}, seen["outputs"])

    def test_outputs_of_a_failed_attempt_are_nothing(self) -> None:
        seen = self.one_task(
            """{run: 'echo 1 >"$FF_OUT/a"; exit 1', outputs: {a: json}}"""
        )
        self.assertIsNone(seen.get("outputs"))

    def test_each_failure_has_its_word_and_the_word_is_in_the_document(self) -> None:
        cases = {
            "{run: 'true', outputs: {x: file}}": "output_missing",
            "{run: 'true', outputs: {x: sdk}}": "output_missing",
            """{run: 'echo "{a" >"$FF_OUT/x"', outputs: {x: json}}""": "output_invalid",
            r"""{run: 'printf "\377" >"$FF_OUT/x"', outputs: {x: file}}""": (
                "output_invalid"
            ),
            """{run: 'ln -s /etc/passwd "$FF_OUT/x"', outputs: {x: file}}""": (
                "output_unreadable"
            ),
            """{run: 'head -c 17M /dev/zero >"$FF_OUT/x"', outputs: {x: file}}""": (
                "output_too_large"
            ),
        }
        for task, reason in cases.items():
            with self.subTest(task=task):
                seen = self.one_task(task)
                self.assertEqual(("failed", reason), (seen["state"], seen["reason"]))
                self.assertIn(f"`{reason}`", DOCUMENT)

    def test_an_optional_output_may_be_missing(self) -> None:
        seen = self.one_task("{run: 'true', outputs: {x: {optional: true}}}")
        self.assertEqual({"x": None}, seen["outputs"])

    def test_half_of_standard_output_is_no_value(self) -> None:
        option = ("--set", "engine.log_max_bytes=1KiB")
        seen = self.one_task("{run: 'seq 1 2000', outputs: {x: stdout}}", *option)
        self.assertEqual("output_too_large", seen["reason"])


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
