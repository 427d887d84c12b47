#!/usr/bin/python3
"""Tasks that use the SDK and the task API, under the real program."""

import json
import shutil
import unittest

from ff_cli import SOURCE, CliTest

SEED = """
from flowforge import client

client.log("Starting task")
client.status("RUNNING", progress=10)

# Do work...

client.output("result", {"status": "ok"})
client.status("SUCCEEDED")
"""


class Tasks(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.env["FLOWFORGE_ENGINE_SDK"] = str(SOURCE / "sdk/python")

    def workflow(self, code: str, outputs: str = "", run: str = "") -> str:
        """One task of Python code, or of shell; its declared outputs are the run's."""
        program = self.file("task.py", code)
        lines = ["flowforge: 1", "name: sdk", "tasks:", "  t:"]
        lines += [f"    run: {json.dumps(run or f'python3 {program}')}"]
        if outputs:
            names = outputs.split()
            declared = ", ".join(f"{name}: sdk" for name in names)
            lines += [f"    outputs: {{{declared}}}", "outputs:"]
            lines += [f"  {n}: ${{{{ tasks.t.outputs.{n} }}}}" for n in names]
        return self.file("sdk.yaml", "\n".join(lines) + "\n")

    def outputs_of(self, file: str) -> dict[str, object]:
        result = self.call("run", file, "-o", "json").lines()[-1]["run"]
        self.assertEqual(result["state"], "succeeded", result)
        outputs: dict[str, object] = result["outputs"]
        return outputs

    def logs(self) -> str:
        return self.call("logs", "last").out

    def test_the_documented_example_runs_as_it_is_printed(self) -> None:
        outputs = self.outputs_of(self.workflow(SEED, "result"))
        self.assertEqual(outputs, {"result": {"status": "ok"}})
        self.assertIn("Starting task", self.logs())

    def test_the_environment_of_a_task_names_all_that_the_sdk_needs(self) -> None:
        code = (
            "import os\n"
            "from flowforge import client\n"
            "names = ['TASK_ID', 'WORKFLOW_ID', 'TENANT_ID', 'PROJECT_ID',\n"
            "         'API_ENDPOINT', 'REDIS_ENDPOINT', 'LOG_ENDPOINT', 'AUTH_TOKEN']\n"
            "client.output('missing', [n for n in names\n"
            "                          if not os.environ.get('FLOWFORGE_' + n)])\n"
        )
        self.assertEqual(
            self.outputs_of(self.workflow(code, "missing")), {"missing": []}
        )

    def test_lines_of_the_log_keep_their_order(self) -> None:
        code = (
            "from flowforge import client\n"
            "for i in range(5000):\n"
            "    client.log(f'line {i} of many')\n"
        )
        self.call("run", "-q", self.workflow(code))
        found = [x for x in self.logs().splitlines() if " of many" in x]
        numbers = [int(x.split("line ")[1].split(" ")[0]) for x in found]
        self.assertEqual(numbers, list(range(5000)))

    def test_an_output_reaches_the_run_though_the_api_was_never_there(self) -> None:
        code = "import os\nos.environ['FLOWFORGE_API_ENDPOINT'] = 'unix:///nowhere'\n"
        code += "os.environ['FLOWFORGE_LOG_ENDPOINT'] = 'unix:///nowhere'\n"
        code += "os.environ['FLOWFORGE_FLUSH_TIMEOUT'] = '0.1'\n" + SEED
        outputs = self.outputs_of(self.workflow(code, "result"))
        self.assertEqual(outputs, {"result": {"status": "ok"}})
        self.assertIn("Starting task", self.logs())

    def test_a_cancelled_task_hears_of_it_and_may_clean_up(self) -> None:
        gate = self.folder / "cleaned"
        code = (
            "import pathlib, threading\n"
            "from flowforge import client\n"
            "told = threading.Event()\n"
            "client.on_cancel(told.set)\n"
            "client.output('pid', 1)\n"
            "print('ready', flush=True)\n"
            "assert told.wait(60)\n"
            f"pathlib.Path({str(gate)!r}).write_text(str(client.cancelled()))\n"
        )
        process = self.start("run", self.workflow(code), "-o", "json")
        process.wait_for("task.started")
        run = json.loads(process.seen.splitlines()[0])["run"]
        while "ready" not in self.call("logs", run, expect=None).out:
            pass
        self.call("cancel", run)
        process.end()
        self.assertEqual(gate.read_text(), "True")

    def test_the_exit_code_wins_over_the_last_status(self) -> None:
        code = "from flowforge import client\nclient.status('SUCCEEDED')\nexit(3)\n"
        out = self.call("run", self.workflow(code), expect=1).out
        self.assertIn("exit code 3", out)

    def test_shell_tasks_may_use_curl(self) -> None:
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        run = (
            'curl -sS --fail --unix-socket "${FLOWFORGE_API_ENDPOINT#unix://}"'
            ' -H "Authorization: Bearer $FLOWFORGE_AUTH_TOKEN"'
            ' --json \'{"name": "n", "value": 7}\''
            " http://localhost/api/v1/task/outputs"
        )
        self.assertEqual(self.outputs_of(self.workflow("", "n", run)), {"n": 7})


if __name__ == "__main__":
    unittest.main()
