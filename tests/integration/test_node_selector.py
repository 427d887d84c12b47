#!/usr/bin/python3
"""Tasks that say what the machine must be that runs them: where there is nothing to
choose from they run all the same.
"""

import unittest

from ff_cli import CliTest

CHOOSY = """flowforge: 1
name: choosy
tasks:
  any: {run: echo any}
  gpu: {needs: any, run: echo gpu, node_selector: {gpu: a100, zone: b}}
"""


class WithoutExecutors(CliTest):
    def test_a_selector_is_ignored_and_that_is_said(self) -> None:
        path = self.file("choosy.yaml", CHOOSY)
        self.call("run", path)
        tasks = self.call("get", "last", "-o", "json").json()["tasks"]
        said = {t["task"]: t.get("message") for t in tasks}
        self.assertIsNone(said["any"])
        self.assertIn("node_selector was ignored", said["gpu"])


if __name__ == "__main__":
    unittest.main()
