#!/usr/bin/python3
"""Files that go to executors and come back: artifacts, and scripts beside the workflow.
What is half there is never taken for all of it, whoever dies meanwhile.
"""
# ctest: timeout=600

import hashlib
import http.client
import json
import re
import resource
import signal
import unittest
from collections import Counter
from typing import Any
from urllib.parse import urlencode

from example_files import Example, all_examples, differences, flowforge
from ff_cli import PATIENCE, Process
from ff_executor import ExecutorTest
from network import Network

GET, PUT = b"GET /executor/v1/file", b"PUT /executor/v1/file"
MIB = 1 << 20

FLOW = """flowforge: 1
name: hands
tasks:
  make:
    env: {{PLACE: "{place}"}}
    run: |
      mkdir -p "$FF_ARTIFACTS/site/css" "$FF_ARTIFACTS/site/empty"
      cp "$PLACE/big" "$FF_ARTIFACTS/big"
      cp "$PLACE/big" "$FF_ARTIFACTS/site/big"
      echo index > "$FF_ARTIFACTS/site/index"
      printf '#!/bin/sh\\necho it runs\\n' > "$FF_ARTIFACTS/tool"
      chmod +x "$FF_ARTIFACTS/tool"
      : > "$FF_ARTIFACTS/none"
      echo "$FF_ATTEMPT" >> "$PLACE/made"
    artifacts: {{out: {{big: , site: , tool: tool, none: }}}}
  use:
    needs: make
    env: {{PLACE: "{place}"}}
    run: |
      echo "$FF_ATTEMPT" >> "$PLACE/used"
      cd "$FF_ARTIFACTS"
      find . -type f -exec sha256sum {{}} + | sort -k 2 > "$PLACE/sums"
      test -d web/empty
      ./bin/tool
      echo more >> big
      echo more >> again
    artifacts:
      in:
        big: ${{{{ tasks.make.artifacts.big }}}}
        again: ${{{{ tasks.make.artifacts.big }}}}
        none: ${{{{ tasks.make.artifacts.none }}}}
        tool: {{from: "${{{{ tasks.make.artifacts.tool }}}}", path: bin/tool}}
        site: {{from: "${{{{ tasks.make.artifacts.site }}}}", path: web}}
"""


def needs_its_folder(example: Example) -> bool:
    """It reads files there that are no scripts: an executor has none of them."""
    scripts = re.findall(r"script: {.*file: ([\w./-]+)", example.path.read_text())
    beside = {p.name for p in example.path.parent.iterdir() if p.suffix != ".yaml"}
    return bool(beside - set(scripts))


def examples_with_files() -> list[Example]:
    marks = re.compile(r"^ *(artifacts:|script: .*file:)", re.M)
    found = [e for e in all_examples() if marks.search(e.path.read_text())]
    return [e for e in found if not (e.missing() or needs_its_folder(e))]


class FilesTest(ExecutorTest):
    def big(self, n: int) -> None:
        """No two pieces of it are the same."""
        line = bytes(range(256)) * 16
        with (self.folder / "big").open("wb") as file:
            for i in range(n * MIB // len(line)):
                file.write(i.to_bytes(8, "big") + line[8:])

    def sum_of(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def task(self, run: str, name: str) -> dict[str, Any]:
        return dict(next(t for t in self.run_of(run)["tasks"] if t["task"] == name))

    def assert_it_arrived(self, run: str) -> None:
        big = self.sum_of((self.folder / "big").read_bytes())
        tool = self.sum_of(b"#!/bin/sh\necho it runs\n")
        seen = {
            name.removeprefix("./"): digest
            for digest, name in (line.split() for line in self.lines("sums"))
        }
        want = {"big": big, "again": big, "web/big": big, "bin/tool": tool}
        want |= {"none": self.sum_of(b""), "web/index": self.sum_of(b"index\n")}
        self.assertEqual(seen, want)
        self.assertEqual(self.call("logs", run, "use", "--raw").out, "it runs\n")

    def assert_nothing_is_left(self, name: str, run: str) -> None:
        place = self.place(name) / "attempts"
        self.wait_until(lambda: not list(place.iterdir()), "its folders go")
        folder = self.data / "runs" / run / "artifacts"
        self.wait_until(lambda: not list(folder.glob("[a-z]*")), "and those here")


class Handing(FilesTest):
    def test_files_and_folders_go_from_task_to_task(self) -> None:
        self.big(40)
        self.lead()
        self.ready("a", places=1)
        run = self.begin(FLOW.format(place=self.folder))
        self.wait_state(run, "succeeded")
        self.assert_it_arrived(run)
        self.assert_nothing_is_left("a", run)
        listed = self.call("artifacts", run, "-o", "json").json()
        sizes = {a["name"]: a["size"] for a in listed}
        self.assertEqual((sizes["big"], sizes["none"]), (40 * MIB, 0))

    def test_examples_have_the_history_that_they_have_without_executors(self) -> None:
        self.lead()
        self.ready("a", places=8)
        found = examples_with_files()
        self.assertIn("artifacts", [e.path.stem for e in found])
        for example in found:
            here = self.folder / f"here-{example.path.stem}"
            words = [word for pair in example.inputs for word in ("-i", pair)]
            done = flowforge(here, "run", "-q", str(example.path), *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            want = flowforge(here, "history", "last", "--canonical").stdout
            run = self.call("run", "--detach", str(example.path), *words).out.strip()
            self.wait_state(run, "succeeded")
            wrong = list(differences(example, self.run_of(run)))
            self.assertEqual(wrong, [], example.path.stem)
            got = self.call("history", run, "--canonical").out
            self.assertEqual(got, want, example.path.stem)

    def test_a_script_beside_the_workflow_is_brought_along(self) -> None:
        self.lead()
        self.ready("a")
        (self.folder / "tools").mkdir()
        code = "import sys, os\nprint(os.path.basename(sys.argv[0]), os.getcwd())\n"
        (self.folder / "tools/say.py").write_text(code)
        flow = (
            "flowforge: 1\nname: s\n"
            "tasks: {a: {script: {lang: python, file: tools/say.py}}}\n"
        )
        run = self.begin(flow)
        self.wait_state(run, "succeeded")
        name, where = self.call("logs", run, "--raw").out.split()
        self.assertEqual(name, "say.py")
        self.assertTrue(where.startswith(str(self.place("a"))), where)
        self.assert_nothing_is_left("a", run)

    def test_a_script_that_has_gone_is_named(self) -> None:
        self.lead()
        script = self.folder / "gone.sh"
        script.write_text("echo hello\n")
        run = self.begin("flowforge: 1\nname: s\ntasks: {a: {script: {file: gone.sh}}}")
        script.unlink()
        self.ready("a")
        self.wait_state(run, "failed")
        task = self.task(run, "a")
        self.assertEqual(task["reason"], "start_failed")
        self.assertIn("gone.sh: No such file", task["message"])


class WhatCannotBe(FilesTest):
    def fails(self, commands: str, *settings: str) -> dict[str, Any]:
        """What becomes of a task that hands on `x` after these."""
        self.lead(*(w for s in settings for w in ("--set", s)))
        self.ready("a")
        flow = """flowforge: 1
name: wrong
tasks:
  make:
    run: |
      cd "$FF_ARTIFACTS"
      {commands}
    artifacts: {{out: {{x: x}}}}
"""
        run = self.begin(flow.format(commands=commands))
        self.wait_state(run, "failed")
        self.assert_nothing_is_left("a", run)
        return self.task(run, "make")

    def test_a_missing_one_fails_its_task(self) -> None:
        task = self.fails("echo y > y")
        self.assertEqual(task["reason"], "artifact_missing")
        self.assertIn("no file or folder $FF_ARTIFACTS/x", task["message"])

    def test_a_link_in_a_folder_fails_its_task(self) -> None:
        task = self.fails("mkdir x; ln -s / x/root")
        self.assertEqual(task["reason"], "artifact_invalid")
        self.assertIn("root is a link", task["message"])

    def test_one_that_is_too_large_fails_its_task(self) -> None:
        task = self.fails(
            "head -c 70000 /dev/zero > x", "engine.artifact_max_bytes=64KiB"
        )
        self.assertEqual(task["reason"], "artifact_invalid")
        self.assertIn("larger than 65536 bytes", task["message"])

    def test_nothing_is_handed_on_by_a_task_that_failed(self) -> None:
        task = self.fails("echo x > x; exit 3")
        self.assertEqual((task["reason"], task["exit_code"]), ("exit_code", 3))
        self.assertEqual(list((self.data / "blobs").glob("t1/*/*")), [])

    def test_one_that_is_gone_fails_who_wants_it(self) -> None:
        """As its content is gone from the store: nothing is said of the executor."""
        self.lead()
        self.ready("a")
        flow = """flowforge: 1
name: gone
tasks:
  make:
    run: echo x > "$FF_ARTIFACTS/x"
    artifacts: {out: {x: }}
  wait:
    needs: make
    env: {PLACE: "%s"}
    run: while ! test -e "$PLACE/open"; do sleep 0.05; done
  use:
    needs: [make, wait]
    run: cat "$FF_ARTIFACTS/x"
    artifacts: {in: {x: "${{ tasks.make.artifacts.x }}"}}
"""
        run = self.begin(flow % self.folder)
        self.wait_until(lambda: self.task(run, "make")["state"] == "succeeded")
        for blob in (self.data / "blobs").glob("t1/*/*"):
            blob.unlink()
        (self.folder / "open").touch()
        self.wait_state(run, "failed")
        task = self.task(run, "use")
        self.assertEqual(task["reason"], "artifact_missing")
        self.assertIn("artifacts.in.x:", task["message"])


def ignore_too_large() -> None:
    """What is too large fails, as on a full disk, and does not end the process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


class FullDisks(FilesTest):
    """No file may become larger than one that is sent."""

    def setUp(self) -> None:
        super().setUp()
        self.prepare = ignore_too_large

    def limited(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (8 * MIB, 8 * MIB))

    def begin_big(self) -> str:
        self.big(12)
        flow = """flowforge: 1
name: large
tasks:
  make:
    env: {PLACE: "%s"}
    run: ln "$PLACE/big" "$FF_ARTIFACTS/x"
    artifacts: {out: {x: }}
  use:
    needs: make
    run: 'true'
    artifacts: {in: {x: "${{ tasks.make.artifacts.x }}"}}
"""
        return self.begin(flow % self.folder)

    def test_a_server_without_room_fails_who_hands_on(self) -> None:
        self.lead()
        self.ready("a")
        self.limited(self.server.popen.pid)
        run = self.begin_big()
        self.wait_state(run, "failed")
        task = self.task(run, "make")
        self.assertEqual(task["reason"], "artifact_store_full")
        self.assert_nothing_is_left("a", run)

    def test_an_executor_without_room_fails_who_is_given_it(self) -> None:
        self.lead()
        a = self.ready("a")
        self.limited(a.popen.pid)
        run = self.begin_big()
        self.wait_state(run, "failed")
        task = self.task(run, "use")
        self.assertEqual(task["reason"], "start_failed")
        self.assertIn("File too large", task["message"])
        self.assert_nothing_is_left("a", run)


class InTheMiddle(FilesTest):
    """Somebody dies while a piece of many is on its way."""

    lease = "60s"

    def setUp(self) -> None:
        super().setUp()
        self.network = Network(self.executor_port)
        self.addCleanup(self.network.close)
        self.big(12)

    def executor_at(self, method: bytes, n: int) -> Process:
        """One that is held up with its n-th request of this kind."""
        self.lead()
        self.network.hold(method, n)
        a = self.ready("a", port=self.network.port)
        self.run_id = self.begin(FLOW.format(place=self.folder))
        self.assertTrue(self.network.held.wait(PATIENCE), "it sends and fetches")
        return a

    def ends_well(self) -> None:
        self.wait_state(self.run_id, "succeeded")
        self.assert_it_arrived(self.run_id)
        self.assertEqual((self.lines("made"), self.lines("used")), (["1"], ["1"]))
        self.assert_nothing_is_left("a", self.run_id)

    def test_an_executor_dies_while_it_sends(self) -> None:
        a = self.executor_at(PUT, 7)
        a.popen.kill()
        a.popen.wait()
        self.network.mend()
        self.ready("a", port=self.network.port)
        self.ends_well()

    def test_an_executor_dies_while_it_fetches(self) -> None:
        a = self.executor_at(GET, 7)
        a.popen.kill()
        a.popen.wait()
        self.network.mend()
        self.ready("a", port=self.network.port)
        self.ends_well()

    def test_a_server_dies_while_it_is_sent_to(self) -> None:
        self.executor_at(PUT, 7)
        self.server.popen.kill()
        self.server.popen.wait()
        self.network.mend()
        self.lead()
        self.ends_well()

    def test_a_server_dies_while_it_is_fetched_from(self) -> None:
        self.executor_at(GET, 7)
        self.server.popen.kill()
        self.server.popen.wait()
        self.network.mend()
        self.lead()
        self.ends_well()

    def test_both_die_while_it_fetches(self) -> None:
        """That it has not begun is known, though the server is told that it is held."""
        a = self.executor_at(GET, 7)
        self.server.popen.kill()
        self.server.popen.wait()
        self.network.hold(GET, 4)
        self.network.mend()
        self.lead()
        self.assertTrue(self.network.held.wait(PATIENCE), "it fetches again")
        a.popen.kill()
        a.popen.wait()
        self.network.mend()
        self.ready("a", port=self.network.port)
        self.ends_well()

    def test_a_cut_costs_no_more_than_what_was_on_its_way(self) -> None:
        self.network.keep_requests()
        self.executor_at(PUT, 7)
        self.refuse()
        self.network.hold(GET, 7)
        self.network.mend()
        self.assertTrue(self.network.held.wait(PATIENCE), "it fetches")
        self.refuse()
        self.network.mend()
        self.ends_well()
        self.assert_asked_twice_at_most_once(PUT)
        self.assert_asked_twice_at_most_once(GET)

    def refuse(self) -> None:
        self.network.refuse(6)
        self.assertTrue(self.network.refused.wait(PATIENCE), "it tries again")

    def assert_asked_twice_at_most_once(self, method: bytes) -> None:
        """Of pieces, but for first ones: a turn begins by asking what is there."""
        place = re.compile(rb"name=([0-9a-f]{64})&offset=([1-9][0-9]*)")
        asked = [r for r in self.network.requests or [] if r.startswith(method)]
        pieces = Counter(m.groups() for r in asked if (m := place.search(r)))
        again = sum(n - 1 for n in pieces.values())
        self.assertGreater(len(pieces), 12)
        self.assertLessEqual(again, 1, pieces)

    def test_one_that_fetches_is_cancelled(self) -> None:
        self.executor_at(GET, 7)
        self.call("cancel", self.run_id)
        self.network.mend()
        self.wait_state(self.run_id, "cancelled")
        self.assertEqual(self.lines("used"), [])
        self.assert_nothing_is_left("a", self.run_id)

    def test_one_that_fetches_is_cancelled_by_the_next_server(self) -> None:
        self.executor_at(GET, 7)
        self.server.popen.kill()
        self.server.popen.wait()
        self.network.hold(GET, 4)
        self.network.mend()
        self.lead()
        self.assertTrue(self.network.held.wait(PATIENCE), "it fetches again")
        self.call("cancel", self.run_id)
        self.network.mend()
        self.wait_state(self.run_id, "cancelled")
        self.assertEqual(self.lines("used"), [])
        self.assert_nothing_is_left("a", self.run_id)


class WhoMay(FilesTest):
    def test_files_are_for_who_holds_the_attempt(self) -> None:
        self.lead()
        self.ready("a")
        flow = """flowforge: 1
name: held
tasks:
  make:
    env: {PLACE: "%s"}
    run: |
      echo "$FF_ATTEMPT_ID" > "$PLACE/ran"
      while ! test -e "$PLACE/open"; do sleep 0.05; done
    artifacts: {out: {x: {path: x, optional: true}}}
"""
        flow = flow.replace("$FF_ATTEMPT_ID", "$FLOWFORGE_ATTEMPT_ID")
        run = self.begin(flow % self.folder)
        attempt = self.wait_lines(1)[0]
        who = {"protocol": 1, "id": "x", "name": "x", "version": "1", "attempts": []}
        said = self.say("POST", "register", body=who | {"places": 0})
        session = json.loads(said[1])["session"]
        for method in ("GET", "PUT"):
            asked = {"session": session, "attempt": attempt, "offset": 0}
            asked["name"] = "files.json"
            status, body = self.say(method, "file", asked)
            self.assertEqual(status, 404, body)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")

    def say(
        self, method: str, what: str, query: Any = None, body: Any = None
    ) -> tuple[int, bytes]:
        server = http.client.HTTPConnection(
            "127.0.0.1", self.executor_port, timeout=PATIENCE
        )
        self.addCleanup(server.close)
        headers = {
            "Authorization": "Bearer " + self.token.read_text().strip(),
            "Content-Type": "application/json",
        }
        path = f"/executor/v1/{what}?{urlencode(query or {})}"
        server.request(method, path, json.dumps(body) if body else None, headers)
        answer = server.getresponse()
        return answer.status, answer.read()


if __name__ == "__main__":
    unittest.main()
