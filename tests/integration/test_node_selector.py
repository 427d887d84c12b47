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


class ByHand(ExecutorTest):
    """With an executor that is none of this version's."""

    def say(self, what: str, **said: object) -> http.client.HTTPResponse:
        to = http.client.HTTPConnection(
            "127.0.0.1", self.executor_port, timeout=PATIENCE
        )
        self.addCleanup(to.close)
        headers = {
            "Authorization": "Bearer " + self.token.read_text().strip(),
            "Content-Type": "application/json",
        }
        to.request("POST", f"/executor/v1/{what}", json.dumps(said), headers)
        return to.getresponse()

    def register(self, **more: object) -> http.client.HTTPResponse:
        who = {"protocol": 1, "id": "x", "name": "x", "version": "0", "attempts": []}
        return self.say("register", **who, **{"places": 1}, **more)


class WhatTheyAre(ByHand):
    def labels(self) -> dict[str, Any]:
        said = self.get("/system/executors")["executors"]
        return {e["name"]: e["labels"] for e in said}

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


class WhoGetsWhat(ByHand):
    def places_of(self) -> dict[str, str]:
        """By tasks: at which executor each ran."""
        said = {}
        for line in self.lines():
            task, folder = line.split()
            name = folder.removeprefix(str(self.folder) + "/executor-")
            said[task] = name.partition("/")[0]
        return said

    def task(self, name: str, selector: str, wait: bool = False) -> str:
        """It says where it runs; and waits until it may end."""
        gate = f'while ! test -e "$PLACE/open-{name}"; do sleep 0.05; done'
        return f"""  {name}:
    env: {{PLACE: "{self.folder}"}}
    node_selector: {selector}
    run: |
      echo "{name} $PWD" >> "$PLACE/ran"
      {gate if wait else ":"}
"""

    def choose(self, *tasks: str) -> str:
        return self.begin("flowforge: 1\nname: choosy\ntasks:\n" + "".join(tasks))

    def open(self, name: str) -> None:
        (self.folder / f"open-{name}").touch()

    def why(self, run: str, task: str) -> Any:
        return self.call("why", run, task, "-o", "json").json()

    def test_each_task_runs_where_its_labels_are(self) -> None:
        self.lead()
        self.ready("a", "--labels", "gpu=a100,zone=b")
        self.ready("b", "--labels", "zone=b")
        self.ready("c")
        asked = {"gpu": "{gpu: a100}", "both": "{zone: b, gpu: a100}"}
        run = self.choose(*(self.task(n, s) for n, s in asked.items()))
        self.wait_state(run, "succeeded")
        self.assertEqual(self.places_of(), {"gpu": "a", "both": "a"})
        tasks = self.call("get", run, "-o", "json").json()["tasks"]
        self.assertEqual([t.get("message") for t in tasks], [None, None])

    def test_who_asks_for_none_leaves_what_others_may_need(self) -> None:
        self.lead()
        self.ready("a", "--labels", "gpu=a100,zone=b", places=6)
        self.ready("b", "--labels", "zone=b", places=1)
        self.ready("c", places=2)
        tasks = [self.task(n, "{}", wait=True) for n in ("p", "q", "r", "s")]
        run = self.choose(*tasks)
        self.wait_lines(4)
        self.assertEqual(sorted(self.places_of().values()), ["a", "b", "c", "c"])
        for name in ("p", "q", "r", "s"):
            self.open(name)
        self.wait_state(run, "succeeded")

    def test_one_that_waits_holds_up_neither_its_run_nor_others(self) -> None:
        self.lead()
        self.ready("a", "--labels", "zone=b", places=1)
        waits = self.choose(
            *(self.task(f"gpu{i}", "{gpu: a100}") for i in range(5)),
            self.task("near", "{zone: b}"),
            self.task("any", "{}"),
        )
        other = self.choose(self.task("other", "{}"))
        self.wait_state(other, "succeeded")
        self.wait_lines(3)
        self.assertEqual(set(self.places_of()), {"near", "any", "other"})
        self.wait_until(lambda: self.get("/system/executors")["waiting"] == 5)
        why = self.why(waits, "gpu3")
        self.assertEqual(
            (why["code"], why["what"]), ("waiting_for_slot", "node_selector")
        )
        self.assertEqual(
            why["sentence"],
            "it is ready and waits for an executor with gpu=a100: "
            "0 of 1 that are there have these labels",
        )
        self.ready("b", "--labels", "gpu=a100", places=2)
        self.wait_state(waits, "succeeded")
        said = self.places_of()
        self.assertEqual({said[f"gpu{i}"] for i in range(5)}, {"b"})

    def test_it_waits_until_one_of_them_gets_free(self) -> None:
        self.lead()
        self.ready("a", "--labels", "gpu=a100", places=1)
        self.ready("b", places=1)
        first = self.choose(self.task("first", "{gpu: a100}", wait=True))
        self.wait_lines(1)
        second = self.choose(self.task("second", "{gpu: a100}"))
        third = self.choose(self.task("third", "{}"))
        self.wait_state(third, "succeeded")
        self.assertEqual(self.places_of(), {"first": "a", "third": "b"})
        why = self.why(second, "second")
        self.assertEqual((why["code"], why["held"]), ("waiting_for_slot", 1))
        self.assertIn("1 of 2 that are there has these labels", why["sentence"])
        self.assertEqual(self.why(first, "first")["code"], "running")
        self.open("first")
        self.wait_state(first, "succeeded")
        self.wait_state(second, "succeeded")
        self.assertEqual(self.places_of()["second"], "a")

    def test_the_next_attempt_goes_to_another_one_with_the_labels(self) -> None:
        self.lead()
        a = self.ready("a", "--labels", "gpu=a100", places=1)
        self.ready("b", places=4)
        run = self.choose(self.task("only", "{gpu: a100}", wait=True))
        self.wait_lines(1)
        self.kill_host(a, "a")
        self.wait_until(lambda: len(self.get("/system/executors")["executors"]) == 1)
        other = self.choose(self.task("other", "{}"))
        self.wait_state(other, "succeeded")
        self.ready("c", "--labels", "gpu=a100,x=y")
        self.wait_lines(3)
        self.assertEqual(self.places_of(), {"only": "c", "other": "b"})
        self.open("only")
        self.wait_state(run, "succeeded")

    def give_back(self, slots: int) -> None:
        self.lead("--set", f"engine.slots={slots}")
        answer = self.register(labels="gpu=a100")
        session = json.loads(answer.read())["session"]
        only = self.choose(self.task("only", "{gpu: a100}"))
        asked = {"session": session, "request": 1, "credit": 1}
        start = json.loads(self.say("pull", **asked).read())["commands"][0]
        self.assertEqual(start["do"], "start")
        back = {"attempt": start["attempt"], "event": "unstarted", "seq": start["seq"]}
        said = {"session": session, "request": 2, "ack": start["seq"], "draining": True}
        self.assertEqual(self.say("tell", **said, events=[back]).status, 200)
        self.assertEqual(self.say("leave", **(said | {"request": 3})).status, 200)
        self.ready("b", places=1)
        other = self.choose(self.task("other", "{}"), self.task("next", "{}"))
        self.wait_state(other, "succeeded")
        self.assertEqual(self.places_of(), {"other": "b", "next": "b"})
        self.ready("c", "--labels", "gpu=a100", places=1)
        self.wait_state(only, "succeeded")
        self.assertEqual(self.places_of()["only"], "c")

    def test_what_was_given_back_holds_up_nobody(self) -> None:
        """Its executor leaves before it began, and it waits for another one."""
        self.give_back(slots=64)

    def test_what_was_given_back_takes_no_slot_from_others(self) -> None:
        """Even where there is only one of them."""
        self.give_back(slots=1)

    def test_a_server_that_is_replaced_knows_what_is_taken(self) -> None:
        self.lead()
        self.ready("a", "--labels", "gpu=a100", places=1)
        self.ready("b", places=1)
        first = self.choose(self.task("first", "{gpu: a100}", wait=True))
        self.wait_lines(1)
        self.server.popen.kill()
        self.server.popen.wait()
        self.lead()
        second = self.choose(self.task("second", "{gpu: a100}"))
        third = self.choose(self.task("third", "{}"))
        self.wait_state(third, "succeeded")
        self.assertEqual(self.places_of(), {"first": "a", "third": "b"})
        self.open("first")
        self.wait_state(first, "succeeded")
        self.wait_state(second, "succeeded")
        self.assertEqual(self.places_of()["second"], "a")

    def test_executors_may_be_back_before_it_knows_what_ran(self) -> None:
        """And what ran is the last that it hears of: runs are read in their order."""
        self.lead()
        second = self.choose(self.task("second", "{gpu: a100}"))
        third = self.choose(self.task("third", "{}"))
        for run in (second, third):
            self.call("pause", run)
        first = self.choose(self.task("first", "{gpu: a100}", wait=True))
        self.ready("a", "--labels", "gpu=a100", places=1)
        self.wait_lines(1)
        for run in (second, third):
            self.call("unpause", run)
        self.server.popen.kill()
        self.server.popen.wait()
        b = self.executor("b", places=1)
        slow = (
            *("--set", "engine.store_filters=store-delay"),
            *("--set", "store-delay.calls=scan"),
            *("--set", "store-delay.delay=300ms"),
        )
        self.lead(*slow)
        b.wait_for_err("registered with")
        self.wait_state(third, "succeeded")
        self.assertEqual(self.places_of(), {"first": "a", "third": "b"})
        self.open("first")
        self.wait_state(first, "succeeded")
        self.wait_state(second, "succeeded")
        self.assertEqual(self.places_of()["second"], "a")


if __name__ == "__main__":
    unittest.main()
