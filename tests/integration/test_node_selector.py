#!/usr/bin/python3
"""Executors have labels, and tasks say which of them they need. Where there is nothing
to choose from they run all the same.
"""
# ctest: timeout=600

import http.client
import json
import unittest
from typing import Any

from ff_cli import PATIENCE, CliTest
from ff_executor import ExecutorTest

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


class WhatTheyAre(ExecutorTest):
    def labels(self) -> dict[str, Any]:
        said = self.get("/system/executors")["executors"]
        return {e["name"]: e["labels"] for e in said}

    def register(self, **more: object) -> http.client.HTTPResponse:
        """As a program of another version does."""
        to = http.client.HTTPConnection(
            "127.0.0.1", self.executor_port, timeout=PATIENCE
        )
        self.addCleanup(to.close)
        who = {"protocol": 1, "id": "x", "name": "x", "version": "0", "attempts": []}
        headers = {
            "Authorization": "Bearer " + self.token.read_text().strip(),
            "Content-Type": "application/json",
        }
        body = json.dumps(who | {"places": 1} | more)
        to.request("POST", "/executor/v1/register", body, headers)
        return to.getresponse()

    def test_labels_are_listed(self) -> None:
        self.lead()
        self.ready("a", "--set", "executor.labels=zone=b, gpu=a100")
        self.ready("b", "--labels", "e=")
        self.env["FLOWFORGE_EXECUTOR_LABELS"] = "zone=c"
        self.ready("c")
        del self.env["FLOWFORGE_EXECUTOR_LABELS"]
        self.ready("d")
        want = {
            "a": {"gpu": "a100", "zone": "b"},
            "b": {"e": ""},
            "c": {"zone": "c"},
            "d": {},
        }
        self.assertEqual(self.labels(), want)
        said = self.call("executor", "list", "-o", "json").json()["executors"]
        self.assertEqual({e["name"]: e["labels"] for e in said}, want)
        rows = [r.split() for r in self.call("executor", "list").out.splitlines()]
        self.assertEqual(rows[0][3], "LABELS")
        self.assertIn("gpu=a100,zone=b", [r[3] for r in rows])

    def test_wrong_labels_are_refused_where_they_are_written(self) -> None:
        self.lead()
        for args, said in (
            (("--labels", "gpu"), "--labels: gpu: a label is KEY=VALUE"),
            (("--set", "executor.labels=gpu=a b"), "executor.labels: gpu=a b: a value"),
        ):
            ended = self.executor("a", *args).end()
            self.assertEqual(ended.code, 78, ended.err)
            self.assertIn(said, ended.err)

    def test_an_executor_of_another_version_may_say_nothing_of_them(self) -> None:
        self.lead()
        self.assertEqual(self.register().status, 200)
        self.assertEqual(self.labels(), {"x": {}})
        self.assertEqual(self.register(labels="b=2,a=1").status, 200)
        self.assertEqual(self.labels(), {"x": {"a": "1", "b": "2"}})
        for wrong in ("a", "a=1,a=2", 7):
            answer = self.register(labels=wrong)
            self.assertEqual(answer.status, 400, answer.read())


if __name__ == "__main__":
    unittest.main()
