#!/usr/bin/python3
"""GET /metrics: its formats, and that what it says is what happened."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
import unittest
from pathlib import Path

from ff_api import WORKFLOW
from ff_cli import PATIENCE
from ff_metrics import OPEN, TEXT, MetricsTest, Page

CHAIN = """flowforge: 1
name: chain
tasks:
  a: {run: 'true'}
  b: {needs: a, run: 'true'}
"""
FAILS = """flowforge: 1
name: fails
tasks:
  wrong: {run: exit 3, retry: {max_attempts: 2}}
  never: {needs: wrong, run: echo never}
"""
ITEMS = """flowforge: 1
name: items
tasks:
  each: {foreach: [1, 2, 3], run: echo one}
  rest: {needs: each, noop: true}
"""
WAITS = """flowforge: 1
name: waits
tasks:
  first: {run: cat gate}
  second: {run: echo second}
  third: {run: echo third}
"""


def ended(page: Page, n: int) -> bool:
    return page.total("flowforge_runs_ended_total") == n


class Formats(MetricsTest):
    def test_each_format_for_who_asks_for_it(self) -> None:
        self.serve()
        for accept, kind in (
            (None, TEXT),
            ("*/*", TEXT),
            ("application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5", OPEN),
        ):
            self.assertEqual(self.fetch(accept)[1], kind)
        text, open_ = self.scrape(), self.scrape("application/openmetrics-text")
        self.assertEqual(text.types, open_.types)
        self.assertEqual(text.helps, open_.helps)
        self.assertEqual(set(text.samples), set(open_.samples))
        self.assertEqual(self.stop().code, 0)

    def test_other_paths_and_methods_are_none(self) -> None:
        self.serve()
        self.assertEqual(self.fetch(path="/")[0], 404)
        self.assertEqual(self.fetch(path="/api/v1/runs")[0], 404)
        self.assertEqual(self.ask("GET", "/metrics", key="x").status, 404)
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.metrics_port, timeout=PATIENCE
        )
        connection.request("POST", "/metrics")
        self.assertEqual(connection.getresponse().status, 405)
        connection.close()
        self.assertEqual(self.stop().code, 0)

    def test_promtool_finds_nothing(self) -> None:
        promtool = os.environ.get("FF_PROMTOOL") or shutil.which("promtool")
        if not promtool:
            self.skipTest("there is no promtool (Debian's package prometheus)")
        self.serve()
        self.make_runs(1)
        self.call("run", self.file("fails.yaml", FAILS), expect=1)
        checked = subprocess.run(
            [promtool, "check", "metrics"],
            input=self.fetch()[2],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(
            (checked.returncode, checked.stdout, checked.stderr), (0, "", "")
        )


class Places(MetricsTest):
    def test_nobody_is_shown_any_unless_it_was_asked_for(self) -> None:
        self.server = self.start("server", "--listen", "127.0.0.1:0")
        self.server.wait_for("\n")
        self.assertNotIn("metrics", self.server.seen)
        self.assertEqual(self.stop().code, 0)

    def test_with_json_it_prints_both_places(self) -> None:
        self.env["FLOWFORGE_SERVER_METRICS_LISTEN"] = "127.0.0.1:0"
        self.server = self.start("server", "--listen", "127.0.0.1:0", "-o", "json")
        self.server.wait_for("\n")
        said = json.loads(self.server.seen)
        self.assertEqual(set(said), {"url", "metrics"})
        port = said["metrics"].removesuffix("/metrics").rpartition(":")[2]
        self.metrics_port = int(port)
        self.assertEqual(self.scrape().get("flowforge_leader"), 1)
        self.assertEqual(self.scrape().get("flowforge_led_ratio"), 1)
        self.assertEqual(self.stop().code, 0)

    def test_the_configuration_says_where_and_the_flag_wins(self) -> None:
        self.env["FLOWFORGE_SERVER_METRICS_LISTEN"] = "127.0.0.1:1"
        self.serve()
        self.assertNotEqual(self.metrics_port, 1)
        self.assertEqual(self.stop().code, 0)

    def test_off_loopback_only_where_that_was_said(self) -> None:
        args = ("server", "--listen", "127.0.0.1:0", "--metrics-listen", "0.0.0.0:0")
        refused = self.call(*args, expect=78)
        self.assertIn("server.metrics_exposed", refused.err)
        self.server = self.start(*args, "--set", "server.metrics_exposed=true")
        self.server.wait_for("/metrics\n")
        self.assertIn("metrics on http://0.0.0.0:", self.server.seen)
        self.assertEqual(self.stop().code, 0)

    def test_a_port_that_is_taken_ends_it(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            refused = self.call(
                *("server", "--listen", "127.0.0.1:0", "--metrics-listen", place),
                expect=69,
            )
        self.assertIn(place, refused.err)


class Counts(MetricsTest):
    def test_runs_tasks_and_attempts(self) -> None:
        self.serve()
        self.make_runs(3)
        fails = self.file("fails.yaml", FAILS)
        for _ in range(2):
            self.call("run", fails, expect=1)
        self.call("run", self.file("items.yaml", ITEMS))
        page = self.scrape_until(lambda p: ended(p, 6))
        get = page.get
        self.assertEqual(get("flowforge_runs_started_total"), 6)
        self.assertEqual(get("flowforge_runs_open"), 0)
        for state, n in (("succeeded", 4), ("failed", 2), ("cancelled", 0)):
            self.assertEqual(get("flowforge_runs_ended_total", state=state), n)
            self.assertEqual(
                get("flowforge_run_duration_seconds_count", state=state), n
            )
        for workflow, state, n in (
            ("etl", "succeeded", 3),
            ("fails", "failed", 2),
            ("items", "succeeded", 1),
        ):
            name = "flowforge_workflow_runs_ended_total"
            self.assertEqual(get(name, workflow=workflow, state=state), n)
        for kind, state, n in (
            ("task", "succeeded", 3 * 2 + 2),
            ("task", "failed", 2),
            ("task", "skipped", 2),
            ("item", "succeeded", 3),
            ("item", "failed", 0),
        ):
            name = "flowforge_tasks_ended_total"
            self.assertEqual(get(name, kind=kind, state=state), n, (kind, state))
        self.assertEqual(get("flowforge_tasks_retried_total", reason="exit_code"), 2)
        attempts = 3 * 2 + 2 * 2 + 3
        self.assertEqual(get("flowforge_attempts_started_total"), attempts)
        name = "flowforge_attempts_ended_total"
        self.assertEqual(get(name, outcome="failed"), 2 * 2)
        self.assertEqual(get(name, outcome="succeeded"), attempts - 4)
        name = "flowforge_attempt_duration_seconds_count"
        self.assertEqual(page.total(name), attempts)
        self.assertEqual(get("flowforge_scheduling_delay_seconds_count"), attempts)
        self.assertGreater(get("flowforge_commits_total", code="ok"), 0)
        self.assertGreater(get("flowforge_batches_total", code="ok"), attempts)
        self.assertEqual(
            get("flowforge_commit_changes_count"),
            get("flowforge_commits_total", code="ok"),
        )
        self.assertEqual(self.stop().code, 0)

    def test_after_a_restart_it_counts_anew_and_what_was_open_goes_on(self) -> None:
        gate = self.gate("gate")
        self.serve()
        before = self.scrape()
        run = self.call("run", self.file("waits.yaml", WAITS), "--detach").out.strip()
        self.scrape_until(
            lambda p: (
                p.get("flowforge_tasks_ended_total", kind="task", state="succeeded")
                == 2
            )
        )
        self.assertEqual(self.stop().code, 0)
        self.serve()
        after = self.scrape_until(lambda p: p.get("flowforge_runs_open") == 1)
        self.assertEqual(
            after.get("flowforge_shard_epoch"), before.get("flowforge_shard_epoch") + 1
        )
        self.assertEqual(after.get("flowforge_leader"), 1)
        self.assertEqual(after.get("flowforge_runs_started_total"), 0)
        self.assertEqual(after.total("flowforge_tasks_ended_total"), 0)
        gate.open()
        page = self.scrape_until(lambda p: ended(p, 1))
        self.assertEqual(page.get("flowforge_attempts_started_total"), 0)
        self.assertEqual(
            page.get("flowforge_attempts_ended_total", outcome="succeeded"), 1
        )
        self.assertEqual(page.total("flowforge_tasks_ended_total"), 1)
        self.assertEqual(self.get(f"/runs/{run}")["state"], "succeeded")
        self.assertEqual(self.stop().code, 0)

    def test_a_run_that_is_tried_again_ends_twice(self) -> None:
        self.serve()
        path = self.file("fails.yaml", FAILS)
        self.call("run", path, expect=1)
        (run,) = self.get("/runs?limit=9")["items"]
        self.call("retry", run["id"], expect=1)
        page = self.scrape_until(lambda p: ended(p, 2))
        self.assertEqual(page.get("flowforge_runs_started_total"), 1)
        self.assertEqual(page.get("flowforge_attempts_started_total"), 4)
        self.assertEqual(self.stop().code, 0)

    def test_what_a_run_takes_over_from_another_one_ended_there(self) -> None:
        self.serve()
        run = self.change("POST", "/runs", {"source": CHAIN}).json()["id"]
        self.scrape_until(lambda p: ended(p, 1))
        self.change("POST", f"/runs/{run}/rerun", {"from": "b"})
        page = self.scrape_until(lambda p: ended(p, 2))
        name = "flowforge_tasks_ended_total"
        self.assertEqual(page.get(name, kind="task", state="succeeded"), 3)
        self.assertEqual(page.get("flowforge_attempts_started_total"), 3)
        self.assertEqual(self.stop().code, 0)

    def test_requests_of_tasks_stand_by_themselves(self) -> None:
        self.serve()
        asks = (
            "curl -sf --unix-socket ${FLOWFORGE_API_ENDPOINT#unix://} "
            '-H "Authorization: Bearer wrong" http://task/api/v1/task'
        )
        good = asks.replace("wrong", "$FLOWFORGE_AUTH_TOKEN")
        source = (
            "flowforge: 1\nname: asks\ntasks:\n  t:\n    run: |\n"
            f"      {good} && {good} && ! {asks}\n"
        )
        self.change("POST", "/runs", {"source": source})
        page = self.scrape_until(lambda p: ended(p, 1))
        self.assertEqual(page.get("flowforge_runs_ended_total", state="succeeded"), 1)
        name = "flowforge_task_requests_total"
        route = {"route": "/api/v1/task", "method": "GET"}
        self.assertEqual(page.get(name, **route, status="2xx"), 2)
        self.assertEqual(page.get(name, **route, status="4xx"), 1)
        name = "flowforge_task_request_duration_seconds_count"
        self.assertEqual(page.get(name, **route), 3)
        self.assertEqual(
            page.get("flowforge_http_requests_total", route="/api/v1/task"), 0
        )
        self.assertEqual(self.stop().code, 0)

    def test_requests_by_route_and_who_was_refused(self) -> None:
        self.serve()
        key = self.make_key("viewer")
        for _ in range(5):
            self.get("/runs", key)
        for _ in range(3):
            self.ask("GET", "/runs/no-such-run", key=key)
        self.assertEqual(self.ask("GET", "/runs", key="wrong").status, 401)
        self.assertEqual(self.ask("GET", "/nowhere/at/all", key=key).status, 404)
        page = self.scrape()
        name = "flowforge_http_requests_total"
        runs = {"route": "/api/v1/runs", "method": "GET"}
        self.assertEqual(page.get(name, **runs, status="2xx"), 5)
        self.assertEqual(page.get(name, **runs, status="4xx"), 1)
        self.assertEqual(
            page.get(name, route="/api/v1/runs/{id}", method="GET", status="4xx"), 3
        )
        self.assertEqual(page.get(name, route="none", method="none", status="4xx"), 1)
        name = "flowforge_http_request_duration_seconds_count"
        self.assertEqual(page.get(name, **runs), 6)
        # Those that scrape are not among them.
        self.assertEqual(page.total("flowforge_http_requests_total"), 10)
        self.assertGreaterEqual(
            page.get("flowforge_http_connections_accepted_total"), 10
        )
        self.assertEqual(self.stop().code, 0)

    def test_who_asked_too_often_is_not_who_has_too_many_runs(self) -> None:
        self.serve()
        key = self.make_key("operator")
        name = "flowforge_http_limited_total"
        self.change("POST", "/workflows", {"source": CHAIN})
        self.change("PATCH", "/tenants/default", {"max_open_runs": 0}, 204)
        for _ in range(3):
            answer = self.ask("POST", "/runs", {"workflow": "chain"}, key)
            self.problem(answer, 429, "TOO_MANY_OPEN_RUNS")
        page = self.scrape()
        self.assertEqual(page.get(name, reason="open_runs"), 3)
        self.assertEqual(page.get(name, reason="rate"), 0)
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 1}, 204)
        asked = [self.ask("GET", "/me", key=key).status for _ in range(100)]
        page = self.scrape()
        self.assertGreater(asked.count(429), 0)
        self.assertEqual(page.get(name, reason="rate"), asked.count(429))
        self.assertEqual(page.get(name, reason="open_runs"), 3)
        self.assertEqual(self.stop().code, 0)


class Standing(MetricsTest):
    def test_what_waits_for_a_slot_by_tenant(self) -> None:
        gate = self.gate("gate")
        self.serve("--set", "engine.slots=1")
        self.call("tenant", "create", "acme")
        self.call("run", self.file("waits.yaml", WAITS), "--detach")
        page = self.scrape_until(
            lambda p: p.get("flowforge_queue_depth", tenant="default") == 2
        )
        self.assertEqual(page.get("flowforge_slots"), 1)
        self.assertEqual(page.get("flowforge_slots_free"), 0)
        self.assertEqual(page.get("flowforge_slots_used", tenant="default"), 1)
        self.assertEqual(page.get("flowforge_runs_open"), 1)
        author = self.make_key("author", "--tenant", "acme")
        body = {"source": WORKFLOW}
        self.change("POST", "/runs", body, key=author)
        page = self.scrape_until(
            lambda p: p.get("flowforge_queue_depth", tenant="acme") == 1
        )
        self.assertEqual(page.get("flowforge_slots_used", tenant="acme"), 0)
        name = "flowforge_queue_oldest_seconds"
        oldest = page.get(name, tenant="default")
        self.assertGreater(oldest, page.get(name, tenant="acme"))
        later = self.scrape_until(
            lambda p: p.get(name, tenant="default") > oldest + 0.05
        )
        self.assertEqual(later.get("flowforge_queue_depth", tenant="default"), 2)
        gate.open()
        page = self.scrape_until(lambda p: ended(p, 2))
        for tenant in ("default", "acme"):
            for name in ("queue_depth", "queue_oldest_seconds", "slots_used"):
                self.assertEqual(page.get("flowforge_" + name, tenant=tenant), 0)
                self.assertIn(
                    ("flowforge_" + name, (("tenant", tenant),)), page.samples
                )
        self.assertEqual(self.stop().code, 0)

    def test_the_process_and_its_build(self) -> None:
        began = time.time()
        self.serve()
        page = self.scrape()
        version = self.get("/system")["version"]
        self.assertEqual(page.get("flowforge_build_info", version=version), 1)
        self.assertAlmostEqual(page.get("process_start_time_seconds"), began, delta=30)
        shown = Path(f"/proc/{self.server.popen.pid}/fd")
        fds = page.get("process_open_fds")
        if os.access(shown, os.R_OK):  # by root alone
            self.assertLess(abs(fds - len(list(shown.iterdir()))), 10)
        self.assertGreater(fds, 3)
        self.assertGreater(page.get("process_max_fds"), fds)
        self.assertGreater(page.get("process_resident_memory_bytes"), 1 << 20)
        self.assertGreater(page.get("process_cpu_seconds_total"), 0)
        self.assertEqual(page.get("flowforge_store_up"), 1)
        self.assertEqual(page.get("flowforge_readers"), 4)
        self.assertEqual(self.stop().code, 0)


class Triggers(MetricsTest):
    def test_times_of_schedules_and_calls_of_webhooks(self) -> None:
        flow = (
            "flowforge: 1\nname: hooked\ntriggers:\n"
            "  interval: {every: 1s}\n"
            "  webhook: {path: push, verify: token, secret: hook_key}\n"
            "tasks:\n  a: {noop: true}\n"
        )
        self.serve()
        secret = "x" * 40
        self.change("PUT", "/secrets/hook_key", {"value": secret}, 204)
        self.change("POST", "/workflows", {"source": flow})
        for token, status in ((secret, 202), ("y" * 40, 404)):
            answer = self.ask("POST", "/webhooks/default/push", {"n": 1}, key=token)
            self.assertEqual(answer.status, status, answer.body)
        name = "flowforge_schedule_times_total"
        page = self.scrape_until(
            lambda p: p.get(name, cause="time", state="started") >= 2
        )
        self.assertEqual(page.get(name, cause="webhook", state="started"), 1)
        n = page.get(name, cause="time", state="started")
        self.assertEqual(page.get("flowforge_schedule_delay_seconds_count"), n)
        name = "flowforge_webhook_calls_total"
        self.assertEqual(page.get(name, result="accepted"), 1)
        self.assertEqual(page.get(name, result="refused"), 1)
        self.assertEqual(self.stop().code, 0)


if __name__ == "__main__":
    unittest.main()
