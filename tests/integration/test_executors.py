#!/usr/bin/python3
"""Tasks run by executors, which come and go: who gets what, what is kept of it, and
what becomes of it when either side dies, is cut off, or leaves.
"""
# ctest: timeout=600

import contextlib
import hashlib
import http.client
import json
import os
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import time
import unittest
import urllib.request
from pathlib import Path

from ff_cli import PATIENCE
from ff_executor import ExecutorTest
from network import Network

# Says where it runs, waits for its gate, and says that it goes on.
GATED = """flowforge: 1
name: gated
tasks:
  only:
    env: {{PLACE: "{place}"}}
    run: |
      echo "$FF_ATTEMPT $PWD $$" >> "$PLACE/ran"
      echo before
      while ! test -e "$PLACE/open"; do sleep 0.05; done
      echo after
      echo "$FF_ATTEMPT" >> "$PLACE/ended"
      echo 42 > "$FF_OUT/answer"
    outputs: {{answer: file}}
"""

MANY = """flowforge: 1
name: many
tasks:
  one:
    foreach: {items}
    env: {{PLACE: "{place}"}}
    run: |
      mkdir -p "$PLACE/now"
      : > "$PLACE/now/$FF_INDEX"
      ls "$PLACE/now" | wc -l >> "$PLACE/counts"
      echo "$PWD" >> "$PLACE/ran"
      {wait}
      rm "$PLACE/now/$FF_INDEX"
"""
UNTIL_OPEN = 'while ! test -e "$PLACE/open"; do sleep 0.05; done'


class WhoGetsWhat(ExecutorTest):
    def many(self, n: int, wait: str) -> str:
        text = MANY.format(items=list(range(n)), place=self.folder, wait=wait)
        return self.begin(text)

    def share_of(self, name: str) -> int:
        place = str(self.place(name))
        return sum(line.startswith(place) for line in self.lines())

    def test_two_executors_share_by_the_places_that_are_free(self) -> None:
        self.lead()
        self.ready("a", places=4)
        self.ready("b", places=4)
        run = self.many(4, UNTIL_OPEN)
        self.wait_lines(4)
        self.assertEqual((self.share_of("a"), self.share_of("b")), (2, 2))
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")

    def test_who_has_more_places_gets_more(self) -> None:
        self.lead()
        self.ready("a", places=2)
        self.ready("b", places=6)
        run = self.many(8, UNTIL_OPEN)
        self.wait_lines(8)
        self.assertEqual((self.share_of("a"), self.share_of("b")), (2, 6))
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")

    def test_no_more_run_at_once_than_there_are_places(self) -> None:
        self.lead()
        self.ready("a", places=3)
        run = self.many(20, "sleep 0.1")
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 20)
        self.assertLessEqual(max(int(n) for n in self.lines("counts")), 3)

    def test_what_waits_runs_when_an_executor_comes(self) -> None:
        self.lead()
        run = self.many(2, "")
        time.sleep(0.3)
        self.assertEqual(self.lines(), [])
        self.ready("a")
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 2)


class WhoIsThere(ExecutorTest):
    def test_who_is_there_is_listed(self) -> None:
        self.lead()
        self.assertEqual(self.get("/system/executors"), {"executors": [], "waiting": 0})
        a = self.ready("a", places=1)
        self.ready("b", places=2)
        run = self.begin(
            MANY.format(items=[1, 2, 3, 4], place=self.folder, wait=UNTIL_OPEN)
        )
        self.wait_lines(3)
        self.wait_until(lambda: self.get("/system/executors")["waiting"] == 1)
        said = self.call("executor", "list", "-o", "json").json()
        self.assertEqual(said["waiting"], 1)
        self.assertEqual(
            [(e["name"], e["places"], e["attempts"]) for e in said["executors"]],
            [("a", 1, 1), ("b", 2, 2)],
        )
        self.assertNotIn(True, [e["draining"] for e in said["executors"]])
        shown = self.call("executor", "list").out.splitlines()
        self.assertEqual(shown[1].split()[:3], ["a", "1/1", "works"])
        self.assertEqual(shown[-1], "1 attempt waits for a place")
        a.popen.send_signal(signal.SIGTERM)
        self.wait_until(
            lambda: self.get("/system/executors")["executors"][0]["draining"]
        )
        self.assertIn("leaves", self.call("executor", "list").out)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(a.end().code, 0)
        self.wait_until(lambda: len(self.get("/system/executors")["executors"]) == 1)

    def test_without_a_server_nobody_is_there(self) -> None:
        said = self.call("executor", "list", expect=69)
        self.assertIn("no `flowforge server` leads here", said.err)

    def test_they_are_measured(self) -> None:
        self.lead("--metrics-listen", "127.0.0.1:0")
        where = self.metrics()

        def page() -> str:
            with urllib.request.urlopen(where, timeout=PATIENCE) as answer:
                return str(answer.read().decode())

        a = self.ready("a", places=2)
        self.assertIn("\nflowforge_executors 1\n", page())
        self.assertIn("\nflowforge_executor_places 2\n", page())
        run = self.begin(GATED.format(place=self.folder))
        self.wait_lines(1)
        self.assertIn("\nflowforge_executor_attempts 1\n", page())
        self.kill_host(a, "a")
        gone = "\nflowforge_executors_gone_total 1\n"
        self.wait_until(lambda: gone in page(), "it is gone")
        self.assertIn("\nflowforge_executor_attempts_lost_total 1\n", page())
        none = "\nflowforge_slots 0\n"
        self.wait_until(lambda: none in page(), "its next attempt waits")
        self.call("cancel", run)
        self.wait_state(run, "cancelled")


class WhatIsKept(ExecutorTest):
    def test_a_long_log_arrives_whole_and_in_order(self) -> None:
        """More than one chunk, and with the other stream between its lines."""
        self.lead()
        self.ready("a")
        text = """flowforge: 1
name: long
tasks:
  only:
    script:
      lang: python
      code: |
        import sys
        for i in range(1500):
            print(i, chr(97 + i % 26) * 8000)
            if i % 300 == 0:
                sys.stdout.flush()
                print("mark", i, file=sys.stderr)
"""
        run = self.begin(text)
        self.wait_state(run, "succeeded")
        want = "".join(f"{i} {chr(97 + i % 26) * 8000}\n" for i in range(1500))
        got = self.call("logs", run, "only", "--raw", "--stream", "stdout").out
        self.assertEqual(
            hashlib.sha256(got.encode()).hexdigest(),
            hashlib.sha256(want.encode()).hexdigest(),
        )
        chunks = sorted((self.data / "runs").glob("*/logs/*/*.log"))
        self.assertGreater(len(chunks), 1)

    def test_a_log_is_there_while_the_task_runs(self) -> None:
        self.lead()
        self.ready("a")
        run = self.begin(GATED.format(place=self.folder))
        self.wait_until(
            lambda: "before" in self.call("logs", run, expect=None).out, "its log"
        )
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.call("logs", run, "--raw").out, "before\nafter\n")

    def test_outputs_and_standard_input_are_any_bytes(self) -> None:
        self.lead()
        self.ready("a")
        text = """flowforge: 1
name: bytes
tasks:
  make:
    run: |
      head -c 3000000 /dev/zero | tr '\\0' '\\377' > "$FF_OUT/big"
      : > "$FF_OUT/empty"
      printf '{"a": [1, 2]}' > "$FF_OUT/data"
    outputs:
      big: {as: file}
      empty: {as: file}
      data: json
  use:
    needs: make
    env:
      BIG: "${{ tasks.make.outputs.big.path }}"
      DATA: "${{ tasks.make.outputs.data.a[1] }}"
    stdin: "given ${{ tasks.make.outputs.data.a[0] }}"
    run: |
      cat; echo " $DATA"; wc -c < "$BIG"
"""
        run = self.begin(text)
        self.wait_state(run, "succeeded")
        got = self.call("logs", run, "use", "--raw").out
        self.assertEqual(got.split(), ["given", "1", "2", "3000000"])

    def test_tasks_speak_to_the_api_through_their_executor(self) -> None:
        self.lead()
        self.ready("a")
        text = """flowforge: 1
name: speaks
tasks:
  only:
    env: {PLACE: "%s"}
    script:
      lang: python
      code: |
        import os, time
        from flowforge import client
        client.log("from the sdk")
        client.output("answer", 42)
        client.status("RUNNING", progress=50)
        while not os.path.exists(os.environ["PLACE"] + "/open"):
            time.sleep(0.05)
    outputs: {answer: sdk}
  after:
    needs: only
    env: {GOT: "${{ tasks.only.outputs.answer }}"}
    run: echo "got $GOT"
"""
        run = self.begin(text % self.folder)
        self.wait_until(
            lambda: "from the sdk" in self.call("logs", run, expect=None).out,
            "the line of the SDK while the task runs",
        )
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.call("logs", run, "after", "--raw").out, "got 42\n")

    def test_secrets_are_masked_before_they_leave_the_host(self) -> None:
        self.lead()
        self.ready("a")
        subprocess.run(
            self.command("secret", "set", "word"),
            input=b"correct-horse",
            env=self.env,
            check=True,
            timeout=PATIENCE,
        )
        text = """flowforge: 1
name: hidden
tasks:
  only:
    env: {WORD: "${{ secrets.word }}"}
    run: echo "it is $WORD"
"""
        run = self.begin(text)
        self.wait_state(run, "succeeded")
        self.assertEqual(self.call("logs", run, "--raw").out, "it is ***\n")
        left = [
            p for p in self.folder.rglob("*") if p.is_file() and "data" not in p.parts
        ]
        for path in left:
            self.assertNotIn(b"correct-horse", path.read_bytes(), path)

    def test_nothing_of_a_run_stays_at_the_executor(self) -> None:
        self.lead()
        self.ready("a")
        run = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: echo hello}}\n")
        self.wait_state(run, "succeeded")
        self.wait_until(
            lambda: not list((self.place("a") / "attempts").iterdir()), "it is empty"
        )
        self.wait_until(
            lambda: not list((self.data / "executors").iterdir()), "it is empty"
        )


class Stopping(ExecutorTest):
    def test_a_task_that_runs_is_cancelled(self) -> None:
        self.lead()
        self.ready("a")
        run = self.begin(GATED.format(place=self.folder))
        pid = int(self.wait_lines(1)[0].split()[2])
        self.call("cancel", run)
        self.wait_state(run, "cancelled")
        self.wait_until(lambda: not Path(f"/proc/{pid}").exists(), "it has ended")
        self.assertEqual(self.lines("ended"), [])

    def test_a_task_that_waits_for_an_executor_is_cancelled_at_once(self) -> None:
        self.lead()
        run = self.begin(GATED.format(place=self.folder))
        self.wait_until(lambda: self.state_of(run) == "running")
        self.call("cancel", run)
        self.wait_state(run, "cancelled")
        self.ready("a")
        other = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: exit 0}}\n")
        self.wait_state(other, "succeeded")
        self.assertEqual(self.lines(), [])

    def test_a_timeout_counts_where_the_task_runs(self) -> None:
        self.lead()
        self.ready("a")
        text = "flowforge: 1\nname: t\ntasks: {a: {run: sleep 60, timeout: 300ms}}\n"
        run = self.begin(text)
        self.wait_state(run, "failed")
        self.assertIn("timeout", self.call("history", run).out)

    def test_who_is_told_to_leave_ends_what_it_has_and_takes_no_more(self) -> None:
        self.lead()
        a = self.ready("a")
        first = self.begin(GATED.format(place=self.folder))
        self.wait_lines(1)
        a.popen.send_signal(signal.SIGTERM)
        a.wait_for_err("come to their end here")
        second = self.begin(
            GATED.format(place=self.folder).replace("name: gated", "name: other")
        )
        time.sleep(0.5)
        self.assertEqual(len(self.lines()), 1)
        self.assertIsNone(a.popen.poll())
        (self.folder / "open").touch()
        self.wait_state(first, "succeeded")
        self.assertEqual(a.end().code, 0)
        self.ready("b")
        self.wait_state(second, "succeeded")
        self.assertIn(str(self.place("b")), self.lines()[1])

    def test_who_leaves_between_two_tasks_takes_none_along(self) -> None:
        """The next start may be on its way while it says that nothing is left."""
        self.lead()
        text = MANY.format(items=list(range(60)), place=self.folder, wait="")
        text = text.replace('echo "$PWD"', 'echo "$FF_INDEX $FF_ATTEMPT"')
        run = self.begin(text)
        for i in range(8):
            a = self.ready("a", places=1)
            self.wait_lines(5 * i + 1)
            self.assertEqual(a.end(signal.SIGTERM).code, 0)
            self.assertEqual(list((self.place("a") / "attempts").iterdir()), [])
        self.ready("a")
        self.wait_state(run, "succeeded")
        self.assertEqual({line.split()[1] for line in self.lines()}, {"1"})
        self.assertEqual(len(self.lines()), 60)


class WhatDies(ExecutorTest):
    def gated(self) -> str:
        return self.begin(GATED.format(place=self.folder))

    def test_the_task_of_a_host_that_failed_starts_elsewhere_once(self) -> None:
        self.lead()
        a = self.ready("a", places=1)
        run = self.gated()
        self.wait_lines(1)
        self.ready("b")
        began = time.monotonic()
        self.kill_host(a, "a")
        self.wait_lines(2)
        self.assertGreater(time.monotonic() - began, 2.5, "its lease counts")
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        attempts = [line.split()[:2] for line in self.lines()]
        self.assertEqual([n for n, _ in attempts], ["1", "2"])
        self.assertIn(str(self.place("b")), attempts[1][1])
        self.assertEqual(self.lines("ended"), ["2"])
        self.assertIn("lost", self.call("history", run).out)

    def test_an_executor_that_is_killed_takes_its_task_over_again(self) -> None:
        self.lead()
        a = self.ready("a")
        run = self.gated()
        self.wait_lines(1)
        a.popen.kill()
        a.popen.wait()
        self.ready("a")
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 1)
        self.assertEqual(self.call("logs", run, "--raw").out, "before\nafter\n")

    def test_what_ended_while_the_executor_was_dead_is_told(self) -> None:
        self.lead()
        a = self.ready("a")
        run = self.gated()
        self.wait_lines(1)
        a.popen.kill()
        a.popen.wait()
        (self.folder / "open").touch()
        self.wait_lines(1, "ended")
        self.ready("a")
        self.wait_state(run, "succeeded")
        self.assertEqual(self.lines("ended"), ["1"])

    def test_what_was_written_while_the_executor_was_dead_is_sent(self) -> None:
        """At once: the task may write nothing more for long."""
        self.lead()
        a = self.ready("a")
        text = GATED.format(place=self.folder).replace(
            "echo after",
            'echo meanwhile; echo >> "$PLACE/wrote"\n'
            '      while ! test -e "$PLACE/end"; do sleep 0.05; done',
        )
        run = self.begin(text)
        self.wait_lines(1)
        a.popen.kill()
        a.popen.wait()
        (self.folder / "open").touch()
        self.wait_lines(1, "wrote")
        self.ready("a")
        self.wait_until(lambda: "meanwhile" in self.call("logs", run).out, "its log")
        self.assertEqual(self.lines("ended"), [])
        (self.folder / "end").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.call("logs", run, "--raw").out, "before\nmeanwhile\n")

    def test_tasks_go_on_while_the_server_is_dead(self) -> None:
        server = self.lead()
        self.ready("a")
        run = self.gated()
        other = self.begin(
            GATED.format(place=self.folder).replace("name: gated", "name: other")
        )
        self.wait_lines(2)
        server.popen.kill()
        server.popen.wait()
        (self.folder / "open").touch()
        self.wait_lines(2, "ended")
        self.lead()
        for one in (run, other):
            self.wait_state(one, "succeeded")
            self.assertEqual(self.call("logs", one, "--raw").out, "before\nafter\n")
        self.assertEqual([line.split()[0] for line in self.lines()], ["1", "1"])

    def test_a_server_that_comes_back_goes_on_with_what_runs(self) -> None:
        server = self.lead()
        self.ready("a")
        run = self.gated()
        self.wait_lines(1)
        for _ in range(2):
            server.popen.kill()
            server.popen.wait()
            server = self.lead()
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 1)

    def test_a_server_that_stood_still_loses_nobody_who_spoke_meanwhile(self) -> None:
        server = self.lead()
        self.ready("a")
        run = self.gated()
        self.wait_lines(1)
        server.popen.send_signal(signal.SIGSTOP)
        time.sleep(6)
        server.popen.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 1)
        self.assertEqual(self.get("/system/executors")["executors"][0]["name"], "a")

    def state_of_task(self, run: str) -> str:
        return str(self.get(f"/runs/{run}/tasks/only")["state"])

    def test_a_server_leaves_at_once_though_starts_wait(self) -> None:
        """For an executor whose places count, and which does not ask."""
        self.lease = "60s"
        server = self.lead()
        a = self.ready("a")
        a.popen.send_signal(signal.SIGSTOP)
        run = self.gated()
        self.wait_until(lambda: self.state_of_task(run) == "running")
        began = time.monotonic()
        done = server.end(signal.SIGTERM)
        self.assertLess(time.monotonic() - began, 4.5)
        self.assertNotIn("leaving without it", done.err)
        self.kill_host(a, "a")
        self.lease = "4s"
        self.lead()
        self.ready("a")
        self.wait_lines(1)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 1)

    def test_what_has_no_place_stays_queued_for_who_leads_next(self) -> None:
        """Nobody has to find out that it never began."""
        self.lease = "60s"
        server = self.lead()
        self.ready("a", places=1)
        items = list(range(5))
        text = MANY.format(items=items, place=self.folder, wait=UNTIL_OPEN)
        run = self.begin(text.replace('echo "$PWD"', 'echo "$FF_ATTEMPT"'))
        self.wait_lines(1)
        for signo in (signal.SIGKILL, signal.SIGTERM):
            server.end(signo)
            server = self.lead()
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.lines(), ["1"] * len(items))

    def test_what_never_came_to_an_executor_is_lost_once_all_are_back(self) -> None:
        """No lease is waited for: who may hold it is known, and has spoken."""
        self.lease = "300s"
        server = self.lead()
        a = self.ready("a")
        self.ready("b", places=1)
        a.popen.send_signal(signal.SIGSTOP)
        items = list(range(3))
        text = MANY.format(items=items, place=self.folder, wait=UNTIL_OPEN)
        run = self.begin(text.replace('echo "$PWD"', 'echo "$FF_INDEX $FF_ATTEMPT"'))
        self.wait_lines(1)
        started = "two are meant for the one that takes none"
        self.wait_until(
            lambda: self.call("history", run).out.count("task.started") == 3, started
        )
        server.popen.kill()
        server.popen.wait()
        self.kill_host(a, "a")
        self.lead()
        time.sleep(1)
        self.assertEqual(len(self.lines()), 1)
        self.ready("a")
        self.wait_lines(3)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(
            sorted(line.split()[1] for line in self.lines()), ["1", "2", "2"]
        )

    def test_one_that_the_store_does_not_know_is_waited_for_too(self) -> None:
        """As after an upgrade from where nobody was kept."""
        self.lease = "60s"
        server = self.lead()
        a = self.ready("a")
        run = self.gated()
        self.wait_lines(1)
        a.popen.send_signal(signal.SIGSTOP)
        server.popen.kill()
        server.popen.wait()
        with contextlib.closing(sqlite3.connect(self.data / "flowforge.db")) as store:
            self.assertEqual(store.execute("DELETE FROM executor").rowcount, 1)
            store.commit()
        self.lead()
        time.sleep(1)
        a.popen.send_signal(signal.SIGCONT)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 1)

    def test_one_that_has_died_is_given_nothing_though_its_lease_lasts(self) -> None:
        self.lease = "300s"
        self.lead()
        a = self.ready("a", places=9)
        self.ready("b", places=2)
        self.kill_host(a, "a")
        run = self.begin(MANY.format(items=[1, 2, 3], place=self.folder, wait=""))
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 3)

    def test_nor_do_its_places_count(self) -> None:
        """What is more than the others have room for stays queued."""
        self.lease = "300s"
        self.lead("--metrics-listen", "127.0.0.1:0")
        waits = self.ask_for_work(places=9)
        assert waits.sock
        waits.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        waits.close()
        self.ready("b", places=2)
        run = self.begin(MANY.format(items=[1], place=self.folder, wait=""))
        self.wait_state(run, "succeeded")
        with urllib.request.urlopen(self.metrics(), timeout=PATIENCE) as page:
            self.assertIn("\nflowforge_slots 2\n", page.read().decode())

    def ask_for_work(self, places: int) -> http.client.HTTPConnection:
        """By hand. Of two requests for work the older one is refused as soon as the
        other one waits."""
        asks = [
            http.client.HTTPConnection(
                "127.0.0.1", self.executor_port, timeout=PATIENCE
            )
            for _ in range(2)
        ]
        who = {"protocol": 1, "id": "x", "name": "x", "version": "1", "attempts": []}
        self.say(asks[0], "register", who | {"places": places})
        session = json.loads(asks[0].getresponse().read())["session"]
        for number, ask in enumerate(asks):
            said = {"session": session, "request": number + 1, "credit": places}
            self.say(ask, "pull", said)
        answered, _, _ = select.select([ask.sock for ask in asks], [], [], PATIENCE)
        older = 0 if answered == [asks[0].sock] else 1
        self.assertEqual(asks[older].getresponse().status, 409)
        self.addCleanup(asks[older].close)
        return asks[1 - older]

    def say(
        self, to: http.client.HTTPConnection, what: str, said: dict[str, object]
    ) -> None:
        headers = {
            "Authorization": "Bearer " + self.token.read_text().strip(),
            "Content-Type": "application/json",
        }
        to.request("POST", f"/executor/v1/{what}", json.dumps(said), headers)

    def supervisor_of(self, name: str) -> int:
        """Its command is the program alone, without our words."""
        found = []
        for pid in self.pids_of(name):
            if "supervisor" in Path(f"/proc/{pid}/exe").readlink().name:
                found.append(pid)
        self.assertEqual(len(found), 1)
        return found[0]

    def test_a_start_of_a_process_that_has_died_never_comes_late(self) -> None:
        """The supervisor was slow, and hears of it and of the next process at once."""
        self.lease = "60s"
        self.lead()
        a = self.ready("a")
        first = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: exit 0}}\n")
        self.wait_state(first, "succeeded")
        supervisor = self.supervisor_of("a")
        os.kill(supervisor, signal.SIGSTOP)
        run = self.gated()
        places = self.place("a") / "attempts"
        self.wait_until(lambda: list(places.glob("*/id")), "its place")
        time.sleep(0.3)
        a.popen.kill()
        a.popen.wait()
        a = self.executor("a")
        time.sleep(0.5)
        os.kill(supervisor, signal.SIGCONT)
        a.wait_for_err("registered with")
        self.wait_lines(1)
        time.sleep(0.3)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual([line.split()[0] for line in self.lines()], ["1"])

    def test_what_no_executor_brings_back_is_lost_after_a_lease(self) -> None:
        server = self.lead()
        a = self.ready("a")
        run = self.gated()
        self.wait_lines(1)
        server.popen.kill()
        server.popen.wait()
        self.kill_host(a, "a")
        self.lead()
        self.ready("b")
        self.wait_lines(2)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.lines("ended"), ["2"])

    def test_starts_and_deaths_at_any_moment_run_nothing_twice(self) -> None:
        """The executor is killed again and again while it takes and ends tasks."""
        self.lead()
        text = MANY.format(items=list(range(40)), place=self.folder, wait="sleep 0.05")
        text = text.replace('echo "$PWD"', 'echo "$FF_INDEX $FF_ATTEMPT"')
        run = self.begin(text)
        a = self.ready("a", places=4)
        for i in range(6):
            self.wait_lines(3 + 5 * i)
            a.popen.kill()
            a.popen.wait()
            a = self.ready("a", places=4)
        self.wait_state(run, "succeeded")
        ran = self.lines()
        self.assertEqual(len(ran), len(set(ran)), "no attempt ran twice")
        self.assertEqual(len({line.split()[0] for line in ran}), 40)


class WhatIsCutOff(ExecutorTest):
    def setUp(self) -> None:
        super().setUp()
        self.network = Network(self.executor_port)
        self.addCleanup(self.network.close)

    def test_a_cut_shorter_than_the_lease_costs_nothing(self) -> None:
        self.lead()
        self.ready("a", port=self.network.port)
        run = self.begin(GATED.format(place=self.folder))
        self.wait_lines(1)
        self.network.cut()
        (self.folder / "open").touch()
        self.wait_lines(1, "ended")
        self.network.mend()
        self.wait_state(run, "succeeded")
        self.assertEqual(len(self.lines()), 1)
        self.assertEqual(self.call("logs", run, "--raw").out, "before\nafter\n")

    def test_who_was_cut_off_for_longer_ends_what_was_given_up(self) -> None:
        self.lead()
        self.ready("a", port=self.network.port)
        run = self.begin(GATED.format(place=self.folder))
        pid = int(self.wait_lines(1)[0].split()[2])
        self.ready("b")
        self.network.cut()
        self.wait_lines(2)
        os.kill(pid, 0)  # it does not know
        self.network.mend()
        self.wait_until(lambda: not Path(f"/proc/{pid}").exists(), "it is ended")
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.lines("ended"), ["2"])
        self.wait_until(
            lambda: not list((self.place("a") / "attempts").iterdir()), "it is empty"
        )


if __name__ == "__main__":
    unittest.main()
