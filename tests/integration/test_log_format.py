#!/usr/bin/python3
"""engine.log_format: what is kept of a server's outputs, or an executor's, is one JSON
object a line, whatever it has to say and when."""

import json
import signal
import subprocess
import unittest
from datetime import datetime
from typing import Any

from ff_cli import BIN
from ff_executor import EXECUTOR, ExecutorTest

JSON = ("--set", "engine.log_format=json")
RUN = """flowforge: 1
name: one
tasks:
  a: {run: "echo hello >&2"}
"""


class LogFormat(ExecutorTest):
    def entries(self, text: str) -> list[Any]:
        """Every line; there is at least one."""
        self.assertTrue(text.endswith("\n"), text)
        entries = [json.loads(line) for line in text.splitlines()]
        for entry in entries:
            time = entry["time"]
            self.assertRegex(time, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            datetime.fromisoformat(time.replace("Z", "+00:00"))
            self.assertIn(entry["level"], ("error", "warn", "info", "debug"))
            self.assertTrue(entry["msg"])
            self.assertLessEqual(set(entry), {"time", "level", "who", "msg"})
        return entries

    def failed(self, program: str, *args: str, code: int = 78) -> list[Any]:
        """What is said by a process that does not get far, all of it."""
        ended = subprocess.run(
            [program, *args],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((ended.returncode, ended.stdout), (code, ""), ended.stderr)
        entries = self.entries(ended.stderr)
        self.assertIn("error", [entry["level"] for entry in entries])
        return entries

    def test_every_line_of_a_server_and_an_executor_is_an_object(self) -> None:
        self.env["FLOWFORGE_ENGINE_LOG_FORMAT"] = "json"
        self.server = self.start(
            "server",
            *("--listen", "127.0.0.1:0", "--verbose", "--set", "engine.slots=4"),
            *("--set", "engine.runtime=remote"),
            *("--set", f"auth.executor_token_file={self.token}"),
            *("--set", f"server.executor_listen=127.0.0.1:{self.executor_port}"),
        )
        self.server.wait_for("executors on ")
        self.port = int(self.entries(self.server.seen)[0]["msg"].rpartition(":")[2])
        executor = self.ready("one", "--set", "executor.metrics_listen=127.0.0.1:0")
        run = self.begin(RUN)
        self.wait_state(run, "succeeded")
        executor.popen.send_signal(signal.SIGHUP)
        executor.wait_for_err("the credential was read again")
        executor.popen.send_signal(signal.SIGTERM)
        told = executor.end()
        self.assertEqual(told.out, "")
        said = [entry["msg"] for entry in self.entries(told.err)]
        self.assertTrue([msg for msg in said if msg.startswith("metrics on http://")])
        told = self.stop()
        self.entries(told.err)
        said = [entry["msg"] for entry in self.entries(told.out)]
        self.assertRegex(said[0], r"^listening on http://127\.0\.0\.1:\d+$")
        self.assertRegex(said[1], r"^executors on http://127\.0\.0\.1:\d+$")
        self.assertEqual(told.code, 0)

    def test_the_file_of_settings_says_so_too(self) -> None:
        """And what comes of settings that are wrong is said as they want it."""
        config = self.file(
            "config.yaml",
            json.dumps({"engine": {"log_format": "json"}, "server": {"streams": "x"}}),
        )
        for role in ("flowforge-api-server", "flowforge-controller"):
            (said,) = self.failed(str(BIN / role), "--config", config)
            self.assertIn("server.streams", said["msg"])
        (said,) = self.failed(EXECUTOR, "--config", config)
        self.assertIn("auth.executor_token_file", said["msg"])

    def test_before_there_are_settings_a_variable_or_flag_says_so(self) -> None:
        broken = self.file("config.yaml", "engine: {slots: 1, slots: 2}")
        for program in (str(BIN / "flowforge-api-server"), EXECUTOR):
            for args in (("--config", broken), ("--config", "/nowhere.yaml")):
                self.failed(program, *args, *JSON)
            self.failed(program, *JSON, "--no-such-option", code=2)
            self.env["FLOWFORGE_ENGINE_LOG_FORMAT"] = "json"
            self.failed(program, "--config", broken)
            self.failed(program, "--no-such-option", code=2)
            del self.env["FLOWFORGE_ENGINE_LOG_FORMAT"]

    def test_an_executor_takes_the_level_and_refuses_what_is_no_format(self) -> None:
        config = self.file(
            "config.yaml", '{"engine": {"log_level": "error", "log_format": "xml"}}'
        )
        ended = self.executor("one", "--config", config).end()
        self.assertEqual(ended.code, 78)
        self.assertRegex(ended.err, r"config\.yaml:1:\d+: engine\.log_format")

    def test_commands_speak_to_people(self) -> None:
        """Their sentences are no log; what they do log is one."""
        said = self.call("get", "0" * 12, *JSON, expect=4).err
        self.assertTrue(said.startswith("flowforge: "), said)

    def test_an_engine_in_the_background_keeps_such_a_log(self) -> None:
        """Its standard error is engine.log."""
        self.env["FLOWFORGE_ENGINE_LOG_FORMAT"] = "json"
        self.env["FLOWFORGE_ENGINE_QUEUE"] = "queue-of-nobody"
        (said,) = self.failed(str(BIN / "flowforge"), "engine", code=78)
        self.assertIn("queue-of-nobody", said["msg"])

    def test_a_server_takes_another_one_while_it_runs(self) -> None:
        path = self.file("config.yaml", '{"engine": {"log_level": "info"}}')
        self.env["FLOWFORGE_CONFIG"] = path
        self.serve()
        self.file(
            "config.yaml", '{"engine": {"log_level": "info", "log_format": "json"}}'
        )
        self.server.seen_err = ""
        self.server.popen.send_signal(signal.SIGHUP)
        self.server.wait_for_err("the settings were read again")
        self.server.wait_for_err("\n")
        said = self.entries(self.server.seen_err)
        self.assertEqual(said[0]["msg"], "engine.log_format is json now")
        told = self.stop()
        self.assertEqual(told.code, 0)
        self.assertIn("listening on", told.out)


if __name__ == "__main__":
    unittest.main()
