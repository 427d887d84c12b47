#!/usr/bin/python3
"""A run that is followed at a server: each step as it happens and once, over the
server's death, by the same exit code as here, and without asking again and again."""
# ctest: timeout=300

import json
import signal
import unittest
from typing import Any

from ff_cli import Process, Result
from ff_metrics import MetricsTest
from test_cli_logs import FOLLOWED
from test_remote_live import free_port

FAILS = """flowforge: 1
name: fails
tasks:
  bad: {{run: 'read x < {gate}; exit 3'}}
"""
LONG = "flowforge: 1\nname: long\ntasks: {a: {sleep: 1h}}\n"
MANY = 70  # more than there are streams for at a time
AWAY = "does not tell what happens"


class RemoteRun(MetricsTest):
    maxDiff = None

    def setUp(self) -> None:
        super().setUp()
        self.listen = f"127.0.0.1:{free_port()}"
        self.begin()
        self.env["FLOWFORGE_TOKEN"] = self.make_key("author")
        self.env["FLOWFORGE_SERVER"] = f"http://{self.listen}"

    def begin(self, *args: str) -> None:
        # What the server itself is started with is no server to ask.
        asked = self.env.pop("FLOWFORGE_SERVER", None)
        self.serve("--listen", self.listen, *args)
        if asked:
            self.env["FLOWFORGE_SERVER"] = asked

    def die(self) -> None:
        self.assertEqual(self.server.end(signal.SIGKILL).code, -signal.SIGKILL)

    def ended(self, process: Process, code: int = 0) -> Result:
        result = process.end()
        self.assertEqual(result.code, code, result.err + result.out)
        self.assertNotIn("Sanitizer", result.err)
        return result

    def history(self, run: str) -> list[Any]:
        told = self.call("events", "--run", run, "-o", "json", "--context", "local")
        steps = told.lines()
        for event in steps:
            del event["seq"]
            if event["type"] != "run.created":
                del event["workflow"]
        return steps

    def n_requests(self) -> float:
        return self.scrape().total("flowforge_http_requests_total")

    # --- it comes back ---

    def test_each_step_comes_once_over_the_death_of_the_server(self) -> None:
        gate = self.gate("gate")
        path = self.file("f.yaml", FOLLOWED.format(gate=gate.path))
        run = self.start("run", path, "-o", "json")
        run.wait_for("task.started")
        self.die()
        self.begin()
        gate.open()
        run.wait_for('"task":"b"')
        self.die()
        self.begin()
        gate.open()
        told = [json.loads(line) for line in self.ended(run).out.splitlines()]
        result = told.pop()
        self.assertEqual(
            (result["type"], result["run"]["state"]), ("result", "succeeded")
        )
        self.assertEqual(told, self.history(result["run"]["id"]))

    def test_the_exit_code_is_that_of_the_run(self) -> None:
        gate = self.gate("gate")
        path = self.file("fails.yaml", FAILS.format(gate=gate.path))
        run = self.start("run", path)
        run.wait_for("bad started")
        self.die()
        self.begin()
        gate.open()
        self.assertIn("failed: fails", self.ended(run, 1).out)

    def test_who_waits_asks_nothing(self) -> None:
        gate = self.gate("gate")
        text = "flowforge: 1\nname: chain\ntasks:\n  t0: {run: 'read x < %s'}\n"
        for i in range(1, 30):
            text += f"  t{i}: {{needs: t{i - 1}, run: 'sleep 0.05'}}\n"
        text += "  last: {needs: t29, run: 'read x < %s'}\n"
        path = self.file("chain.yaml", text % (gate.path, gate.path))
        run = self.start("run", path)
        run.wait_for("t0 started")
        before = self.n_requests()
        gate.open()
        run.wait_for("last started")
        # What went before the stream may still have been under way.
        self.assertLessEqual(self.n_requests() - before, 3)
        gate.open()
        self.ended(run)

    def test_more_runs_than_streams(self) -> None:
        """Runs that end make room for others, which are read until then."""
        for _ in range(MANY):
            self.change("POST", "/runs", {"source": LONG})
        done = self.call("cancel", "--state", "running", "-w", "long", "--wait")
        self.assertEqual(done.out.count("cancelled: long"), MANY)

    def test_who_gets_no_stream_reads(self) -> None:
        """The server has no room for one: it is not away, and a cancel reaches it."""
        self.die()
        self.begin("--set", "server.streams_per_caller=0")
        run = self.start("run", self.file("long.yaml", LONG))
        run.wait_for("a waits")
        run.popen.send_signal(signal.SIGINT)
        self.assertNotIn(AWAY, self.ended(run, 5).err)

    # --- it is away ---

    def away(self) -> tuple[Process, str]:
        """A run whose server has gone, and that has said so; its id."""
        run = self.start("run", self.file("long.yaml", LONG), "-o", "json")
        run.wait_for("task.suspended")
        self.die()
        run.wait_for_err(AWAY)
        return run, str(json.loads(run.seen.splitlines()[0])["run"])

    def test_a_server_that_is_away_for_long_is_told_of(self) -> None:
        run, id_ = self.away()
        self.begin()
        run.wait_for_err("tells what happens again")
        self.call("cancel", id_)
        result = self.ended(run, 5)
        self.assertEqual(result.err.count(AWAY), 1)

    def test_a_cancel_reaches_the_server_when_it_is_back(self) -> None:
        run, id_ = self.away()
        run.popen.send_signal(signal.SIGINT)
        run.wait_for_err("cancelling")
        self.begin()
        told = [json.loads(line) for line in self.ended(run, 5).out.splitlines()]
        self.assertEqual(told.pop()["run"]["state"], "cancelled")
        self.assertEqual(told, self.history(id_))

    def test_who_has_no_patience_leaves_without_an_answer(self) -> None:
        run, id_ = self.away()
        for said in ("cancelling", "killing"):
            run.popen.send_signal(signal.SIGINT)
            run.wait_for_err(said)
        run.popen.send_signal(signal.SIGINT)
        self.assertIn(f"run {id_} stays open", self.ended(run, 130).err)

    def test_a_credential_that_is_revoked_ends_it(self) -> None:
        run = self.start("run", self.file("long.yaml", LONG))
        run.wait_for("a waits")
        key = self.env["FLOWFORGE_TOKEN"].split("_")[1]
        self.call("key", "revoke", key, "--context", "local")
        self.assertIn("may not see this any more", self.ended(run, 77).err)


if __name__ == "__main__":
    unittest.main()
