#!/usr/bin/python3
"""`flowforge why`: each of its words is brought about, and told."""
# ctest: timeout=300

import re
import signal
import unittest
from typing import Any

from ff_cli import SOURCE, CliTest, Process

HEAD = "flowforge: 1\nname: w\n"
STATES = 4  # of the words: what is not a reason


class Why(CliTest):
    told: set[str] = set()  # by all tests, in this process

    def begin(self, text: str, until: str, *options: str) -> Process:
        self.file("w.yaml", HEAD + text)
        process = self.start("run", "w.yaml", *options)
        process.wait_for(until)
        return process

    def why(self, what: str = "last") -> dict[str, Any]:
        answer = self.call("why", what, "-o", "json").json()
        assert isinstance(answer, dict)
        self.told.add(answer["code"])
        text = self.call("why", what).out
        self.assertIn(answer["code"] + ": ", text.splitlines()[0])
        return answer

    def causes(self, what: str = "last") -> list[tuple[str, str]]:
        return [(c["task"], c["code"]) for c in self.why(what)["causes"]]

    def code(self, task: str = "") -> str:
        return str(self.why("last" + (f"/{task}" if task else ""))["code"])

    def test_needs_and_who_is_waited_for_in_the_end(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "tasks:\n  a: {run: cat gate}\n  b: {needs: [a], run: 'true'}\n"
            "  c: {needs: [b], run: 'true'}\n  d: {run: 'true'}\n"
            "finally:\n  end: {run: 'true'}\n",
            "d succeeded",
        )
        self.assertEqual(self.code(), "running")
        self.assertEqual(self.code("a"), "running")
        self.assertEqual(self.code("d"), "succeeded")
        answer = self.why("last/c")
        self.assertEqual(answer["code"], "waiting_for_needs")
        self.assertIn("it needs b, which has not ended", answer["sentence"])
        self.assertEqual(self.causes("last/c"), [("a", "running")])
        self.assertEqual(self.code("end"), "waiting_for_needs")
        self.assertEqual(self.causes("last/end"), [("a", "running")])
        gate.open()
        self.assertEqual(process.end().code, 0)
        self.assertEqual(self.code(), "succeeded")
        self.assertEqual(self.why()["causes"], [])

    def test_places_of_the_engine_the_run_and_the_list(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "parallelism: 1\ntasks:\n  a: {run: cat gate}\n"
            "  b: {needs: [], run: 'true', priority: -1}\n",
            "a started",
        )
        answer = self.why("last/b")
        self.assertEqual(answer["code"], "waiting_for_slot")
        self.assertEqual((answer["what"], answer["size"]), ("parallelism", 1))
        gate.open()
        self.assertEqual(process.end().code, 0)
        process = self.begin(
            "tasks:\n  a: {run: cat gate}\n  b: {run: 'true', priority: -1}\n",
            "a started",
            "--set",
            "engine.slots=1",
        )
        self.assertEqual(self.why("last/b")["what"], "engine.slots")
        gate.open()
        self.assertEqual(process.end().code, 0)
        process = self.begin(
            "tasks:\n  a:\n    foreach: [1, 2]\n    max_parallel: 1\n"
            "    run: cat gate\n",
            "a.0 started",
        )
        self.assertEqual(self.code("a"), "running")
        self.assertEqual(self.why("last/a.1")["what"], "max_parallel")
        self.call("why", "last/a.2", expect=4)
        self.call("why", "last/a.x", expect=4)
        gate.open()
        process.wait_for("a.1 started")
        self.assertEqual(self.code("a.0"), "succeeded")
        gate.open()
        self.assertEqual(process.end().code, 0)

    def test_a_semaphore_that_another_run_holds(self) -> None:
        gate = self.gate("gate")
        text = "tasks:\n  a: {semaphores: [gpu], run: cat gate}\n  b: {run: 'true'}\n"
        first = self.begin(text, "a started")
        second = self.begin(text, "b succeeded")
        answer = self.why("last/a")
        self.assertEqual(answer["code"], "waiting_for_limit")
        self.assertEqual((answer["what"], answer["held"]), ("semaphore:gpu", 1))
        self.assertRegex(answer["by"], r"^run [0-9a-f]{8} \(a\)$")
        run = self.why()
        self.assertEqual((run["task"], run["code"]), ("a", "waiting_for_limit"))
        gate.open()
        second.wait_for("a started")
        gate.open()
        self.assertEqual((first.end().code, second.end().code), (0, 0))

    def test_a_rate_tells_when(self) -> None:
        process = self.begin(
            "tasks:\n  a: {rate: {key: m, limit: 1, per: 1h}, run: 'true'}\n"
            "  b: {rate: {key: m, limit: 1, per: 1h}, run: 'true', priority: -1}\n",
            "a succeeded",
        )
        answer = self.why("last/b")
        self.assertEqual(answer["code"], "waiting_for_rate")
        self.assertRegex(answer["until_at"], r"^20\d\d-.*Z$")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)
        self.assertEqual(self.code("b"), "cancelled")
        self.assertEqual(self.code(), "cancelled")

    def test_runs_with_one_key(self) -> None:
        gate = self.gate("gate")
        text = "concurrency: {key: k}\ntasks: {a: {run: cat gate}}\n"
        first = self.begin(text, "a started")
        second = self.start("run", "w.yaml")
        while "concurrency" not in self.call("list", "--state", "pending").out:
            pass
        self.assertEqual(self.code(), "waiting_for_concurrency")
        self.assertEqual(self.code("a"), "waiting_for_concurrency")
        gate.open()
        second.wait_for("a started")
        gate.open()
        self.assertEqual((first.end().code, second.end().code), (0, 0))

    def test_time_people_and_events(self) -> None:
        process = self.begin(
            "tasks:\n  t: {sleep: 1h}\n  p: {approve: {message: Go?}}\n"
            "  e: {wait_event: {name: paid, key: k, timeout: 2h}}\n"
            "  i: {foreach: [1, 2], sleep: 1h}\n"
            "  after: {needs: [t, p, e], run: 'true'}\n",
            "i.1 waits",
        )
        self.assertEqual(self.code("t"), "waiting_for_time")
        self.assertEqual(self.code("p"), "waiting_for_approval")
        self.assertIn("Go?", self.why("last/p")["sentence"])
        self.assertEqual(self.code("e"), "waiting_for_event")
        self.assertIn("event paid", self.why("last/e")["sentence"])
        item = self.why("last/i")
        self.assertEqual((item["code"], item["item"]), ("waiting_for_time", 0))
        self.assertEqual(
            self.causes("last/after"),
            [
                ("t", "waiting_for_time"),
                ("p", "waiting_for_approval"),
                ("e", "waiting_for_event"),
            ],
        )
        run = self.why()
        self.assertEqual((run["task"], run["code"]), ("t", "waiting_for_time"))
        self.assertEqual(len(run["causes"]), 4)
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)

    def test_the_time_before_the_next_attempt(self) -> None:
        process = self.begin(
            "tasks:\n  a: {run: exit 1, retry: {max_attempts: 2, delay: 1h}}\n",
            "attempt 2 in",
        )
        answer = self.why("last/a")
        self.assertEqual(answer["code"], "retry_backoff")
        self.assertEqual(answer["attempt"], 1)
        self.assertIn("until_at", answer)
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)

    def test_pauses_of_a_run_a_task_and_a_queue(self) -> None:
        self.call("pause", "--queue", "gpu")
        process = self.begin(
            "tasks:\n  a: {queue: gpu, run: 'true'}\n  b: {run: 'true'}\n"
            "  p: {approve: {message: Go?}}\n"
            "  c: {needs: [p], run: 'true'}\n",
            "b succeeded",
        )
        answer = self.why("last/a")
        self.assertEqual((answer["code"], answer["what"]), ("paused", "queue gpu"))
        self.assertTrue(answer["by"] and answer["since"])
        self.call("pause", "last", "c")
        process.wait_for("paused")
        self.call("approve", "last", "p")
        process.wait_for("p succeeded")
        self.assertEqual(self.why("last/c")["what"], "task")
        self.call("pause", "last")
        process.wait_for("run is paused")
        self.assertEqual(self.why()["what"], "run")
        self.assertEqual(self.why("last/a")["what"], "run")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)

    def test_nobody_leads(self) -> None:
        gate = self.gate("gate")
        process = self.begin(
            "tasks:\n  a: {run: cat gate}\n  b: {needs: [p], run: 'true'}\n"
            "  p: {approve: {message: Go?}}\n",
            "p waits",
        )
        process.end(signal.SIGKILL)
        self.assertEqual(self.code("p"), "waiting_for_approval")
        self.assertEqual(self.code("a"), "running")
        resumed = self.start("resume", "last")
        gate.open()
        resumed.wait_for("a succeeded")
        self.call("cancel", "last")
        self.assertEqual(resumed.end().code, 5)
        gated = self.begin(
            "tasks:\n  a: {run: cat gate}\n  b: {run: 'true', priority: -1}\n",
            "a started",
            "--set",
            "engine.slots=1",
        )
        gated.end(signal.SIGKILL)
        self.stop_owner()
        self.assertEqual(self.code("b"), "no_owner")
        self.assertIn("flowforge resume", self.call("why", "last/b").out)

    def test_what_was_skipped_and_what_failed_before_it(self) -> None:
        self.file(
            "w.yaml",
            HEAD + "tasks:\n  a: {run: exit 3}\n  b: {needs: [a], run: 'true'}\n"
            "  c: {needs: [b], run: 'true'}\n  d: {if: '1 == 2', run: 'true'}\n"
            "on_success:\n  never: {run: 'true'}\n",
        )
        self.call("run", "w.yaml", expect=1)
        answer = self.why()
        self.assertEqual((answer["code"], answer["reason"]), ("failed", "task_failed"))
        self.assertEqual(self.causes(), [("a", "failed")])
        self.assertEqual(self.why("last/a")["exit_code"], 3)
        self.assertEqual(self.code("c"), "upstream_failed")
        self.assertEqual(self.causes("last/c"), [("a", "failed")])
        self.assertEqual(self.why("last/d")["reason"], "if_false")
        self.assertEqual(self.code("d"), "condition_false")
        self.assertEqual(self.code("never"), "condition_false")

    def test_runs_inside_runs_are_asked_by_their_path(self) -> None:
        process = self.begin(
            "tasks:\n  g:\n    tasks:\n      p: {approve: {message: Go?}}\n",
            "g started",
        )
        while "suspended" not in self.call("get", "last", "g/", expect=None).out:
            pass
        self.assertEqual(self.code("g"), "running")
        self.assertEqual(self.code("g/p"), "waiting_for_approval")
        self.assertEqual(self.code("g/"), "waiting_for_approval")
        self.call("cancel", "last")
        self.assertEqual(process.end().code, 5)

    def test_what_is_not_there_is_said(self) -> None:
        self.file("w.yaml", HEAD + "tasks: {a: {run: 'true'}}\n")
        self.call("run", "w.yaml")
        self.assertIn("no task zz", self.call("why", "last/zz", expect=4).err)
        self.call("why", "00000000", expect=4)
        self.call("why", "last/a", "a", expect=2)
        self.call("why", "last/a.0", expect=4)


class Words(unittest.TestCase):
    """Runs after Why: names of classes are in their order."""

    def test_every_word_was_told_and_is_in_the_manual(self) -> None:
        source = (SOURCE / "core/why/why_text.c").read_text()
        words = re.findall(r'\[WHY_\w+\] = \{"(\w+)"', source)
        self.assertEqual(len(words) - STATES, 13)
        manual = (SOURCE / "docs/cli.md").read_text().partition("## flowforge why")[2]
        table = re.findall(r"^\| `(\w+)` \|", manual.partition("\n## ")[0], re.M)
        self.assertEqual(table, words)
        self.assertEqual(Why.told, set(words))


if __name__ == "__main__":
    unittest.main()
