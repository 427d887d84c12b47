#!/usr/bin/python3
"""Artifacts: from task to task, to the user, and gone with their runs."""
# ctest: timeout=300

import os
import signal
import sqlite3
import time
import unittest
from pathlib import Path
from typing import Any

from ff_cli import CliTest

DAY_S = 86400

FLOW = """flowforge: 1
name: arts
inputs: {text: {type: string, default: hello}}
tasks:
  make:
    env: {TEXT: "${{ inputs.text }}"}
    run: |
      mkdir -p "$FF_ARTIFACTS/site/css"
      echo "$TEXT" >"$FF_ARTIFACTS/site/index"
      echo same >"$FF_ARTIFACTS/site/css/a"
      echo same >"$FF_ARTIFACTS/plain"
    artifacts:
      out: {site: , plain: plain}
  part:
    foreach: [1, 2]
    env: {N: "${{ item }}"}
    run: echo "$N" >"$FF_ARTIFACTS/p"
    artifacts: {out: {piece: p}}
  use:
    needs: [make, part]
    run: cat "$FF_ARTIFACTS/site/index" "$FF_ARTIFACTS"/all/*
    artifacts:
      in:
        site: ${{ tasks.make.artifacts.site }}
        all: ${{ tasks.part.artifacts.piece }}
"""

GATED = """flowforge: 1
name: gated
tasks:
  make:
    run: |
      echo content >"$FF_ARTIFACTS/m"
      cat gate
    artifacts: {out: {m: m}}
  use:
    needs: make
    run: cat "$FF_ARTIFACTS/m" >"$FF_OUT/text"
    outputs: {text: file}
    artifacts: {in: {m: "${{ tasks.make.artifacts.m }}"}}
outputs: {text: "${{ tasks.use.outputs.text }}"}
"""


class Artifacts(CliTest):
    def run_file(self, text: str, *words: str, expect: int | None = 0) -> Any:
        """The run, as its last line tells it."""
        self.file("w.yaml", text)
        lines = self.call("run", "w.yaml", "-o", "json", *words, expect=expect).lines()
        return lines[-1]["run"]

    def blobs(self) -> dict[str, Path]:
        return {p.name: p for p in (self.data / "blobs").glob("t1/*/*")}

    def artifacts(self, run: str, *words: str) -> list[dict[str, Any]]:
        return list(self.call("artifacts", run, *words, "-o", "json").json())

    def task(self, run: str, name: str) -> dict[str, Any]:
        tasks = self.call("get", run, "-o", "json").json()["tasks"]
        return dict(next(t for t in tasks if t["task"] == name))

    def age(self, days: float) -> None:
        then = time.time() - days * DAY_S
        for path in self.blobs().values():
            os.utime(path, (then, then))

    def assert_all_is_there(self) -> None:
        self.assertIn("ok  artifacts", self.call("doctor", "artifacts").out)

    def run_other(self, *settings: str, expect: int | None = 0) -> None:
        """A run without artifacts: when it leaves, old runs go."""
        sets = [w for s in ("engine.keep_runs=2", *settings) for w in ("--set", s)]
        self.file("n.yaml", "flowforge: 1\nname: n\ntasks: {a: {run: 'true'}}\n")
        self.call("run", "n.yaml", *sets, expect=expect)


class Handing(Artifacts):
    def test_they_are_listed_and_brought_here(self) -> None:
        run = self.run_file(FLOW)["id"]
        found = {(a["task"], a["name"]): a for a in self.artifacts(run)}
        self.assertEqual(
            {"make/site", "make/plain", "part.0/piece", "part.1/piece"},
            {"/".join(key) for key in found},
        )
        self.assertEqual("folder", found["make", "site"]["type"])
        self.assertEqual(5, found["make", "plain"]["size"])
        self.assertEqual({a["sha256"] for a in found.values()}, set(self.blobs()))
        self.call("artifacts", run, "make", "--get", "site")
        self.assertEqual("hello\n", (self.folder / "site/index").read_text())
        self.call("artifacts", run, "part.1", "--get", "piece", "--to", "two")
        self.assertEqual("2\n", (self.folder / "two").read_text())
        self.assertIn("hello\n1\n2\n", self.call("logs", run, "use", "--raw").out)

    def test_what_cannot_be_brought_is_said(self) -> None:
        run = self.run_file(FLOW)["id"]
        for words, code, why in (
            (("--get", "nothing"), 4, "there is no artifact nothing"),
            (("--get", "piece"), 2, "say whose you want"),
            (("nobody",), 4, "no task nobody"),
            (("part.x",), 4, "no task part.x"),
            (("--to", "x"), 2, "name one by --get"),
        ):
            result = self.call("artifacts", run, *words, expect=code)
            self.assertIn(why, result.err)
        self.file("plain", "mine")
        result = self.call("artifacts", run, "--get", "plain", expect=None)
        self.assertNotEqual(0, result.code)
        self.assertIn("is there already", result.err)
        self.assertEqual("mine", (self.folder / "plain").read_text())

    def test_the_folder_of_an_attempt_goes_with_it(self) -> None:
        run = self.run_file(FLOW)["id"]
        left = list((self.data / "runs" / run / "artifacts").iterdir())
        self.assertEqual([], left)

    def test_a_missing_one_fails_its_task(self) -> None:
        run = self.run_file(FLOW.replace("plain: plain}", "plain: other}"), expect=1)
        task = self.task(run["id"], "make")
        self.assertEqual("artifact_missing", task["reason"])
        self.assertIn("$FF_ARTIFACTS/other", task["message"])

    def test_a_link_fails_its_task(self) -> None:
        text = FLOW.replace(
            'echo same >"$FF_ARTIFACTS/plain"', 'ln -s / "$FF_ARTIFACTS/plain"'
        )
        task = self.task(self.run_file(text, expect=1)["id"], "make")
        self.assertEqual("artifact_invalid", task["reason"])

    def test_one_that_is_too_large_fails_its_task(self) -> None:
        words = ("--set", "engine.artifact_max_bytes=4")
        task = self.task(self.run_file(FLOW, *words, expect=1)["id"], "make")
        self.assertEqual("artifact_invalid", task["reason"])
        self.assertIn("larger than 4 bytes", task["message"])

    def test_a_disk_that_is_full_fails_its_task(self) -> None:
        words = ("--set", "blob-file.reserve=1048576GiB")
        task = self.task(self.run_file(FLOW, *words, expect=1)["id"], "make")
        self.assertEqual("artifact_store_full", task["reason"])

    def test_a_value_that_is_no_artifact_fails_its_task(self) -> None:
        text = FLOW.replace("${{ tasks.make.artifacts.site }}", "${{ inputs.text }}")
        task = self.task(self.run_file(text, expect=1)["id"], "use")
        self.assertEqual("artifact_invalid", task["reason"])

    def test_a_driver_that_cannot_be_opened_is_named(self) -> None:
        words = ("--set", "engine.blob=blob-none")
        task = self.task(self.run_file(FLOW, *words, expect=1)["id"], "make")
        self.assertEqual("artifact_unavailable", task["reason"])
        self.assertIn("blob-none", task["message"])


class Trouble(Artifacts):
    def start_gated(self) -> Any:
        self.file("w.yaml", GATED)
        gate = self.gate("gate")
        process = self.start("run", "w.yaml")
        process.wait_for("make started")
        return gate, process

    def finish(self, text: str = "content") -> Any:
        self.call("resume")
        run = self.call("get", "last", "-o", "json").json()
        self.assertEqual("succeeded", run["state"])
        self.assertEqual({"text": text}, run["outputs"])
        return run

    def test_damage_is_found_before_it_is_used(self) -> None:
        text = FLOW.replace("run: cat", "run: cat gate; cat").replace(
            "needs: [make, part]", "needs: [make, part, wait]"
        )
        text += "  wait: {needs: [make, part], run: cat gate}\n"
        self.file("w.yaml", text)
        gate = self.gate("gate")
        process = self.start("run", "w.yaml")
        process.wait_for("wait started")
        for path in self.blobs().values():
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        gate.open()
        self.assertEqual(1, process.end().code)
        self.assertEqual("artifact_damaged", self.task("last", "use")["reason"])

    def test_one_that_is_gone_is_said_by_doctor_and_by_its_user(self) -> None:
        run = self.run_file(FLOW)["id"]
        self.assertIn("4 artifacts", self.call("doctor", "artifacts").out)
        for path in self.blobs().values():
            path.unlink()
        said = self.call("doctor", "artifacts", expect=1).out
        self.assertIn("of them are not there", said)
        self.call("rerun", run, "--from", "use", expect=None)
        result = self.call("artifacts", run, "--get", "plain", expect=4)
        self.assertIn("there is no blob", result.err)

    def test_a_task_goes_on_when_its_owner_is_killed(self) -> None:
        gate, process = self.start_gated()
        process.end(signal.SIGKILL)
        resumed = self.start("resume")
        gate.open()
        self.assertEqual(0, resumed.end().code)
        self.finish()

    def test_an_owner_may_be_killed_wherever_it_is(self) -> None:
        points = (
            "exec.artifacts.prepared",
            "exec.artifacts.put",
            "blob.file.written",
            "blob.file.named",
            "exec.result",
            "exec.settled",
        )
        for i, point in enumerate(points):
            with self.subTest(point):
                self.env["FF_FAILPOINT"] = f"{point}:kill"
                text = GATED.replace("cat gate", "true")
                text = text.replace("echo content", f"echo content {i}")
                self.file("w.yaml", text)
                result = self.call("run", "w.yaml", expect=None)
                self.assertEqual(-signal.SIGKILL, result.code, result.err)
                del self.env["FF_FAILPOINT"]
                self.finish(f"content {i}")
                self.assertEqual(i + 1, len(self.blobs()))
                self.assertIn("ok  artifacts", self.call("doctor", "artifacts").out)

    def test_a_retry_is_given_what_was_handed_on_before(self) -> None:
        text = GATED.replace("cat gate", "true").replace(
            'run: cat "$FF_ARTIFACTS/m"', 'run: test -e now; cat "$FF_ARTIFACTS/m"'
        )
        self.run_file(text, expect=1)
        self.file("now", "")
        self.call("retry", "last")
        run = self.call("get", "last", "-o", "json").json()
        self.assertEqual({"text": "content"}, run["outputs"])
        self.assertEqual(1, self.task("last", "make")["attempt"])


class Kept(Artifacts):
    """When what no run names is deleted, and what some run names is not."""

    def hashes(self, run: str) -> set[str]:
        return {a["sha256"] for a in self.artifacts(run)}

    def two_runs(self) -> tuple[set[str], set[str]]:
        """What only the first one names, and what the second one does."""
        first = self.hashes(self.run_file(FLOW, "-i", "text=one")["id"])
        second = self.hashes(self.run_file(FLOW, "-i", "text=two")["id"])
        self.assertEqual(1, len(first - second))
        return first - second, second

    def test_blobs_go_with_the_last_run_that_names_them(self) -> None:
        only_first, second = self.two_runs()
        self.age(2)
        self.run_other()
        self.assertEqual(second, set(self.blobs()))
        self.assert_all_is_there()
        self.run_other()
        self.assertEqual(set(), set(self.blobs()))

    def test_young_ones_stay_until_they_are_swept(self) -> None:
        only_first, second = self.two_runs()
        self.run_other()
        self.assertEqual(only_first | second, set(self.blobs()))
        self.age(2)
        self.sweep_is_due()
        self.run_other("engine.keep_runs=9")
        self.assertEqual(second, set(self.blobs()))
        self.assert_all_is_there()

    def sweep_is_due(self) -> None:
        then = time.time() - 2 * DAY_S
        os.utime(self.data / "blobs.swept", (then, then))

    def test_a_sweep_takes_what_nobody_names(self) -> None:
        self.run_file(FLOW)
        named = set(self.blobs())
        path = next(iter(self.blobs().values()))
        orphan = path.with_name(path.name[:2] + "0" * 62)
        orphan.write_text("x")
        part = self.data / "blobs/.incoming/killed"
        part.write_text("x")
        self.age(2)
        os.utime(part, (1, 1))
        self.run_other("engine.keep_runs=9")
        self.assertIn(orphan.name, self.blobs())
        self.sweep_is_due()
        self.run_other("engine.keep_runs=9")
        self.assertEqual(named, set(self.blobs()))
        self.assertFalse(part.exists())
        self.assert_all_is_there()

    def test_a_process_may_be_killed_while_it_deletes(self) -> None:
        for point in (
            "node.retention.artifacts",
            "node.blobs.drop",
            "blob.file.removing",
        ):
            with self.subTest(point):
                only_first, second = self.two_runs()
                self.age(2)
                self.env["FF_FAILPOINT"] = f"{point}:kill"
                self.run_other("engine.keep_runs=2", expect=-signal.SIGKILL)
                del self.env["FF_FAILPOINT"]
                self.assert_all_is_there()
                self.sweep_is_due()
                self.run_other("engine.keep_runs=3")
                self.assert_all_is_there()
                self.assertLessEqual(second, set(self.blobs()))
                self.assertEqual(set(), only_first & set(self.blobs()))

    def test_they_count_for_the_bytes_that_are_kept(self) -> None:
        big = (
            GATED.replace("cat gate", "true")
            .replace("echo content", "head -c 900000 /dev/zero")
            .replace("run: cat", "run: wc -c <")
        )
        first = self.run_file(big)["id"]
        second = self.run_file(big, "--set", "engine.keep_bytes=1MB")["id"]
        kept = [r["id"] for r in self.call("list", "-o", "json").json()["runs"]]
        self.assertEqual([second], kept)
        self.assertNotEqual(first, second)

    def test_a_backup_contains_them(self) -> None:
        self.run_file(FLOW)
        self.call("backup", "copy")
        copied = {p.name for p in (self.folder / "copy.d/blobs").glob("t1/*/*")}
        self.assertEqual(set(self.blobs()), copied)


CACHED = """flowforge: 1
name: cached
tasks:
  make:
    cache: {key: k}
    run: echo ran >>log; echo content >"$FF_ARTIFACTS/m"
    artifacts: {out: {m: m}}
  use:
    needs: make
    run: cat "$FF_ARTIFACTS/m" >"$FF_OUT/text"
    outputs: {text: file}
    artifacts: {in: {m: "${{ tasks.make.artifacts.m }}"}}
outputs: {text: "${{ tasks.use.outputs.text }}"}
"""


class Cached(Artifacts):
    """A task with cache is not run again, and what it handed on is there."""

    def run_cached(self, *words: str) -> str | None:
        """Why `make` is over."""
        run = self.run_file(CACHED, *words)
        self.assertEqual({"text": "content"}, run["outputs"])
        reason: str | None = self.task(run["id"], "make").get("reason")
        return reason

    def ran(self) -> int:
        return len((self.folder / "log").read_text().splitlines())

    def only_one(self, sql: str) -> None:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            self.assertEqual(1, db.execute(sql).rowcount)

    def test_what_the_cache_names_stays_when_its_run_goes(self) -> None:
        self.assertIsNone(self.run_cached())
        named = set(self.blobs())
        for _ in range(2):
            self.age(2)
            self.run_other("engine.keep_runs=1")
            self.assertEqual(named, set(self.blobs()))
            self.assertEqual("cached", self.run_cached())
        self.assertEqual(1, self.ran())
        self.assert_all_is_there()

    def test_a_run_that_was_given_it_names_it_too(self) -> None:
        self.run_cached()
        self.run_cached()
        self.assertEqual(1, len(self.artifacts("last")))
        self.call("cache", "clear")
        self.age(2)
        self.run_other("engine.keep_runs=2")
        self.assertEqual(1, len(self.blobs()))
        self.age(2)
        self.run_other("engine.keep_runs=1")
        self.assertEqual({}, self.blobs())

    def test_a_process_may_be_killed_while_the_cache_lets_it_go(self) -> None:
        self.run_cached()
        self.call("cache", "clear")
        self.age(2)
        self.env["FF_FAILPOINT"] = "node.blobs.drop:kill"
        self.run_other("engine.keep_runs=1", expect=-signal.SIGKILL)
        del self.env["FF_FAILPOINT"]
        self.assertIsNone(self.run_cached())
        self.assert_all_is_there()

    def test_what_is_not_named_for_others_any_more_is_not_found(self) -> None:
        self.run_cached()
        self.only_one("DELETE FROM artifact WHERE run = 0")
        self.assertIsNone(self.run_cached())
        self.assertEqual("cached", self.run_cached())
        self.assertEqual(2, self.ran())

    def test_what_goes_while_it_is_being_given_is_made_again(self) -> None:
        """The commit that gives it is refused, and the task runs."""
        self.run_cached()
        self.file("w.yaml", CACHED)
        self.env["FF_FAILPOINT"] = "control.cache.after:stop"
        process = self.start("run", "w.yaml", "-o", "json")
        os.waitid(os.P_PID, process.popen.pid, os.WSTOPPED | os.WNOWAIT)
        self.only_one("DELETE FROM artifact WHERE run = 0")
        process.popen.send_signal(signal.SIGCONT)
        self.assertEqual(0, process.end().code)
        self.assertEqual(2, self.ran())
        self.assertIsNone(self.task("last", "make").get("reason"))
        self.assert_all_is_there()


class Rehearsed(Artifacts):
    def test_mocks_give_files_their_text(self) -> None:
        self.file("w.yaml", GATED)
        self.file(
            "w.test.yaml",
            "cases:\n  - name: t\n    mocks: {tasks: {make: {outputs: {m: said}}}}\n"
            "    expect: {state: succeeded}\n",
        )
        self.call("test", "w.test.yaml")


if __name__ == "__main__":
    unittest.main()
