#!/usr/bin/env python3
"""`flowforge sim` and `flowforge test`: workflows rehearsed in virtual time."""

import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
BIN = Path(os.environ.get("FLOWFORGE_BIN") or SOURCE / "build/bin")

FLOW = """\
flowforge: 1
name: night
inputs:
  rows: {type: integer, default: 10}
tasks:
  fetch:
    retry: {max_attempts: 3, delay: 10m}
    run: touch it-was-carried-out; exit 1
    outputs: {count: json}
  load:
    needs: [fetch]
    if: tasks.fetch.outputs.count > inputs.rows
    timeout: 6h
    run: touch it-was-carried-out
outputs:
  count: ${{ tasks.fetch.outputs.count }}
"""
GATE = """\
flowforge: 1
name: gate
tasks:
  ask:
    foreach: [a, b]
    approve: {message: "Ship ${{ item }}?", inputs: {ticket: {type: string}}}
  paid: {wait_event: {name: payment, key: o-1, if: event.amount > 3}}
  inner:
    needs: [ask]
    tasks:
      sure: {approve: {message: Inside?, timeout: 30d}}
outputs:
  tickets: ${{ tasks.ask.outputs.ticket }}
  paid: ${{ tasks.paid.outputs.event.amount }}
"""
TESTS = """\
cases:
  - name: two failures are survived
    mocks: {tasks: {fetch: {fail_times: 2, outputs: {count: 11}}}}
    expect: {state: succeeded, attempts: {fetch: 3}, duration: {above: 30m, below: 40m}}
  - name: nothing to load
    inputs: {rows: 100}
    mocks: {tasks: {fetch: {outputs: {count: 11}}}}
    expect: {state: succeeded, tasks: {load: skipped}}
"""


class Place(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.write("night.yaml", FLOW)

    def write(self, name: str, text: str) -> None:
        (self.dir / name).parent.mkdir(parents=True, exist_ok=True)
        (self.dir / name).write_text(text)

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = os.environ | {"TMPDIR": str(self.dir), "HOME": str(self.dir)}
        done = subprocess.run(
            [BIN / "flowforge", "--config", "/dev/null", *words],
            cwd=self.dir,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotIn("Sanitizer", done.stderr)
        self.assertNotIn("runtime error", done.stderr)
        return done


class Sim(Place):
    def test_nothing_is_carried_out_and_nothing_is_left(self) -> None:
        done = self.call("sim", "night.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([f.name for f in self.dir.iterdir()], ["night.yaml"])

    def test_hours_take_no_time_and_are_told(self) -> None:
        self.write("m.yaml", "tasks: {fetch: {fail_times: 2, outputs: {count: 11}}}\n")
        done = self.call("sim", "night.yaml", "--mocks", "m.yaml", "-o", "json")
        result = json.loads(done.stdout)
        self.assertEqual(result["state"], "succeeded")
        self.assertEqual(result["tasks"]["fetch"]["attempts"], 3)
        self.assertGreater(result["duration"], 1800)
        self.assertEqual(result["outputs"], {"count": 11})
        self.assertEqual(result["order"], ["fetch", "load"])

    def test_a_failure_is_the_exit_code_of_a_run(self) -> None:
        self.write("m.yaml", "tasks: {fetch: {exit_code: 1}}\n")
        done = self.call("sim", "night.yaml", "-m", "m.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("failed after", done.stdout)

    def test_a_timeout_is_met(self) -> None:
        self.write(
            "m.yaml", "tasks: {fetch: {outputs: {count: 11}}, load: {outcome: hangs}}\n"
        )
        done = self.call("sim", "night.yaml", "-m", "m.yaml", "-o", "json")
        result = json.loads(done.stdout)
        self.assertEqual(result["tasks"]["load"]["reason"], "timeout")
        self.assertGreater(result["duration"], 6 * 3600)

    def test_a_cancel_is_an_event_like_any_other(self) -> None:
        self.write("m.yaml", "tasks: {fetch: {duration: 2h}}\ncancel: {at: 1h}\n")
        done = self.call("sim", "night.yaml", "-m", "m.yaml", "-o", "json")
        self.assertEqual(done.returncode, 5)
        self.assertEqual(json.loads(done.stdout)["state"], "cancelled")

    def test_the_horizon_leaves_it_as_it_is(self) -> None:
        self.write("m.yaml", "tasks: {fetch: {duration: 2h}}\n")
        done = self.call("sim", "night.yaml", "-m", "m.yaml", "--until", "1h")
        self.assertEqual(done.returncode, 1)
        self.assertIn("running when the time was over", done.stdout)

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        self.write("m.yaml", "tasks: {'*': {duration: {min: 1s, max: 1h}}}\n")
        words = ("sim", "night.yaml", "-m", "m.yaml", "-o", "json", "--seed")
        one, again, other = (self.call(*words, s).stdout for s in ("4", "4", "5"))
        self.assertEqual(one, again)
        self.assertNotEqual(one, other)

    def test_a_workflow_that_is_used_is_rehearsed_with_it(self) -> None:
        uses = "flowforge: 1\nname: user\ntasks:\n  all: {uses: ./night.yaml}\n"
        self.write("user.yaml", uses)
        self.write("m.yaml", "tasks: {all/fetch: {outputs: {count: 3}}}\n")
        done = self.call("sim", "user.yaml", "-m", "m.yaml", "-o", "json")
        result = json.loads(done.stdout)
        self.assertEqual(result["state"], "succeeded", done.stderr)
        self.assertEqual(result["tasks"]["all/load"]["state"], "skipped")

    def test_secrets_need_not_be_there(self) -> None:
        self.write(
            "secret.yaml",
            "flowforge: 1\nname: secret\ntasks:\n"
            "  push:\n    env: {TOKEN: '${{ secrets.npm_token }}'}\n"
            "    stdin: ${{ secrets.other }}\n    run: ./push\n"
            "    outputs: {said: stdout}\n"
            "outputs: {said: '${{ tasks.push.outputs.said }}'}\n",
        )
        self.write("m.yaml", "tasks: {push: {stdout: pushed}}\n")
        done = self.call("sim", "secret.yaml", "-m", "m.yaml", "-o", "json")
        result = json.loads(done.stdout)
        self.assertEqual(result["state"], "succeeded", done.stdout)
        self.assertEqual(result["outputs"], {"said": "pushed"})

    def test_mistakes_are_told(self) -> None:
        self.write("m.yaml", "tasks: {fech: {}}\n")
        for words, code, text in (
            (("sim", "none.yaml"), 4, "none.yaml"),
            (("sim", "night.yaml", "-m", "m.yaml"), 2, "no task fech"),
            (("sim", "night.yaml", "-m", "none.yaml"), 4, "none.yaml"),
            (("sim", "night.yaml", "-i", "rows=many"), 3, "rows"),
            (("sim", "night.yaml", "--until", "soon"), 2, "--until"),
            (("sim", "night.yaml", "--start", "now"), 2, "--start"),
        ):
            done = self.call(*words)
            self.assertEqual(done.returncode, code, (words, done.stderr))
            self.assertIn(text, done.stderr)


class Waits(Place):
    """What people and programs outside would say is said by mocks."""

    def setUp(self) -> None:
        super().setUp()
        self.write("gate.yaml", GATE)

    def rehearse(self, mocks: str, *words: str) -> Any:
        self.write("m.yaml", mocks)
        file = () if words and words[0].endswith(".yaml") else ("gate.yaml",)
        done = self.call("sim", *file, *words, "-m", "m.yaml", "-o", "json")
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def test_decisions_and_events_come_when_they_are_to(self) -> None:
        result = self.rehearse(
            "tasks:\n"
            "  ask: {approve: {by: ada, inputs: {ticket: T-1}, after: 1h}}\n"
            "  ask.1: {approve: {by: bo, inputs: {ticket: T-2}, after: 2h}}\n"
            "  paid: {event: {data: {amount: 4}, after: 3d}}\n"
            "  inner/sure: {approve: {after: {min: 1h, max: 2h}}}\n"
        )
        self.assertEqual(result["state"], "succeeded")
        self.assertEqual(result["outputs"], {"tickets": ["T-1", "T-2"], "paid": 4})
        self.assertEqual(result["tasks"]["ask.0"]["outputs"]["approved_by"], "ada")
        self.assertEqual(result["tasks"]["ask.0"]["ended"], 3600)
        self.assertEqual(result["tasks"]["ask.1"]["ended"], 7200)
        self.assertEqual(result["duration"], 3 * 86400)
        self.assertNotIn("waits_for", result)

    def test_a_rejection_fails_its_task(self) -> None:
        result = self.rehearse(
            "tasks:\n"
            "  ask: {approve: {inputs: {ticket: T}}}\n"
            "  paid: {event: {data: {amount: 4}}}\n"
            "  inner/sure: {reject: {by: ada, reason: too early, after: 1d}}\n"
        )
        self.assertEqual(result["state"], "failed")
        sure = result["tasks"]["inner/sure"]
        self.assertEqual((sure["reason"], sure["ended"]), ("rejected", 86400))
        self.assertEqual(sure["message"], "by ada: too early")

    def test_without_an_answer_a_timeout_is_met(self) -> None:
        result = self.rehearse(
            "tasks:\n"
            "  ask: {approve: {inputs: {ticket: T}}}\n"
            "  paid: {event: {data: {amount: 4}}}\n"
        )
        self.assertEqual(result["state"], "failed")
        self.assertEqual(result["duration"], 30 * 86400)

    def test_an_answer_after_the_end_changes_nothing(self) -> None:
        late = GATE.replace("timeout: 30d", "timeout: 1h, on_timeout: skip")
        self.write("gate.yaml", late)
        result = self.rehearse(
            "tasks:\n"
            "  ask: {approve: {inputs: {ticket: T}}}\n"
            "  paid: {event: {data: {amount: 4}, after: 1d}}\n"
            "  inner/sure: {approve: {after: 2h}}\n"
        )
        self.assertEqual(result["state"], "succeeded")
        self.assertEqual(result["tasks"]["inner/sure"]["state"], "skipped")

    def test_signals_and_events_go_to_those_that_wait_for_them(self) -> None:
        told = (
            "[{at: 1h, name: payment, key: o-2, data: {amount: 9}},"
            " {at: 2h, name: payment, key: o-1, data: {amount: 2}},"
            " {at: 3h, name: payment, key: o-1, data: {amount: 5}}]\n"
        )
        for kind in ("signals", "events"):
            result = self.rehearse(f"{kind}: {told}", "--until", "1d")
            paid = result["tasks"]["paid"]
            self.assertEqual(paid["outputs"], {"event": {"amount": 5}}, kind)
            self.assertEqual(paid["ended"], 3 * 3600, kind)

    def test_what_is_missing_is_named_with_its_remedy(self) -> None:
        self.write("m.yaml", "tasks: {paid: {event: {data: {amount: 1}}}}\n")
        words = ("sim", "gate.yaml", "-m", "m.yaml", "--until", "1d")
        done = self.call(*words)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ask.0 waits for an approval, Ship a?: ", done.stdout)
        self.assertIn("tasks: {ask.1: {approve: ", done.stdout)
        self.assertIn("paid waits for an event, payment (key o-1): ", done.stdout)
        waits = json.loads(self.call(*words, "-o", "json").stdout)["waits_for"]
        self.assertEqual(
            [(w["task"], w["for"]) for w in waits],
            [("ask.0", "approval"), ("ask.1", "approval"), ("paid", "event")],
        )
        self.assertIn("did not take it", waits[2]["hint"])

    def test_the_remedy_works_as_it_is_written(self) -> None:
        result = self.rehearse("{}\n", "--until", "1d")
        hint = result["waits_for"][2]["hint"]
        mock = hint[hint.index("tasks: ") :].split(", or ")[0]
        result = self.rehearse(
            mock.replace("data: {}", "data: {amount: 4}"), "--until", "1d"
        )
        self.assertEqual(result["tasks"]["paid"]["state"], "succeeded")
        self.assertEqual(result["tasks"]["paid"]["ended"], 600)

    def test_tasks_of_a_used_workflow_are_answered(self) -> None:
        uses = "flowforge: 1\nname: user\ntasks:\n  all: {uses: ./gate.yaml}\n"
        self.write("user.yaml", uses)
        result = self.rehearse(
            "tasks:\n"
            "  all/ask: {approve: {inputs: {ticket: T}}}\n"
            "  all/inner/sure: {approve: {after: 1h}}\n"
            "signals: [{at: 2h, name: payment, key: o-1, data: {amount: 4}}]\n",
            "user.yaml",
        )
        self.assertEqual(result["state"], "succeeded")
        self.assertEqual(result["duration"], 7200)

    def test_an_answer_in_vain_is_refused_where_the_mocks_are_read(self) -> None:
        for mock, text in (
            ("tasks: {ask: {approve: {}}}", "ticket"),
            ("tasks: {ask: {exit_code: 1}}", "approve or reject"),
            ("tasks: {paid: {approve: {}}}", "asks for an approval"),
            ("signals: [{name: payment}]", "at is missing"),
        ):
            self.write("m.yaml", mock + "\n")
            done = self.call("sim", "gate.yaml", "-m", "m.yaml")
            self.assertNotEqual(done.returncode, 0, mock)
            self.assertIn(text, done.stderr)

    def test_a_test_says_what_its_run_waits_for(self) -> None:
        self.write(
            "gate.test.yaml",
            "cases: [{name: none, until: 1d, expect: {state: succeeded}}]\n",
        )
        done = self.call("test", "gate.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ask.0 waits for an approval, Ship a?: a mock", done.stdout)


class Tests(Place):
    def setUp(self) -> None:
        super().setUp()
        self.write("night.test.yaml", TESTS)

    def break_it(self) -> None:
        wrong = TESTS.replace("load: skipped", "load: succeeded <&>")
        self.write("night.test.yaml", wrong)

    def test_all_that_is_in_a_folder_is_tested(self) -> None:
        self.write("deep/other.yaml", FLOW)
        self.write("deep/other.test.yaml", TESTS)
        done = self.call("test")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("4 cases: 4 passed", done.stdout)
        self.assertFalse((self.dir / "it-was-carried-out").exists())

    def test_the_workflow_stands_for_its_tests(self) -> None:
        done = self.call("test", "night.yaml")
        self.assertIn("2 cases: 2 passed", done.stdout)

    def test_one_case_may_be_named(self) -> None:
        done = self.call("test", "--case", "nothing to load")
        self.assertIn("1 case: 1 passed", done.stdout)
        self.assertEqual(self.call("test", "--case", "none").returncode, 4)

    def test_a_difference_is_shown_and_fails(self) -> None:
        self.break_it()
        done = self.call("test")
        self.assertEqual(done.returncode, 1)
        self.assertIn('expected "succeeded <&>", got "skipped"', done.stdout)
        self.assertIn("1 passed, 1 failed", done.stdout)

    def test_tap_has_a_plan_and_a_line_for_each_case(self) -> None:
        self.break_it()
        lines = self.call("test", "--format", "tap").stdout.splitlines()
        self.assertEqual(lines[:2], ["TAP version 13", "1..2"])
        starts = [line.split(" - ")[0] for line in lines if "ok " in line]
        self.assertEqual(starts, ["ok 1", "not ok 2"])

    def test_junit_can_be_read(self) -> None:
        self.break_it()
        suite = ElementTree.fromstring(self.call("test", "--format", "junit").stdout)
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        failure = suite.find(".//failure")
        assert failure is not None
        self.assertIn("succeeded <&>", failure.text or "")

    def test_json_holds_every_case(self) -> None:
        self.break_it()
        report = json.loads(self.call("test", "-o", "json").stdout)
        self.assertEqual([c["outcome"] for c in report["cases"]], ["passed", "failed"])

    def test_what_makes_no_sense_is_broken_and_not_passed(self) -> None:
        for text in (
            "cases: []\n",
            "case: [{}]\n",
            "cases: [{name: x}]\n",
            "cases: [{name: x, expect: {}}]\n",
            "cases: [{name: x, expect: {colour: red}}]\n",
            "cases: [{name: x, mock: {}, expect: {state: failed}}]\n",
            "cases: [{name: x, inputs: {no: 1}, expect: {state: failed}}]\n",
            "cases: [{name: x, until: soon, expect: {state: failed}}]\n",
            "cases: [{name: x, expect: {state: failed}\n",
            "workflow: none.yaml\ncases: [{expect: {state: failed}}]\n",
        ):
            self.write("night.test.yaml", text)
            done = self.call("test")
            self.assertEqual(done.returncode, 3, text + done.stdout + done.stderr)
            self.assertIn("1 broken", done.stdout, text)

    def test_validate_reads_them_without_running_them(self) -> None:
        done = self.call("validate", "night.test.yaml", "night.yaml")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("ok (2 tests)", done.stdout)
        self.write("night.test.yaml", "cases: [{name: x, expect: {}, mocks: 1}]\n")
        self.assertEqual(self.call("validate", "night.test.yaml").returncode, 3)

    def test_where_there_are_none_it_says_so(self) -> None:
        (self.dir / "night.test.yaml").unlink()
        self.assertEqual(self.call("test").returncode, 4)
        self.assertEqual(self.call("test", "night.yaml").returncode, 4)


class Examples(Place):
    def test_every_test_of_the_examples_passes(self) -> None:
        done = self.call("test", str(SOURCE / "examples"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
