#!/usr/bin/python3
"""Whether an executor is well, what is measured of it, and what it reads again."""

import http.client
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import unittest

from ff_cli import PATIENCE, SOURCE, Process
from ff_executor import ExecutorTest
from ff_metrics import OPEN, Page

ROW = re.compile(r"^\| `((?:flowforge|process)_\w+)` \| (\w+) \|(.*?)\| (.+) \|$", re.M)
GATED = """flowforge: 1
name: gated
tasks:
  a:
    env: {PLACE: "%s"}
    run: |
      echo ran >> "$PLACE/ran"
      while ! test -e "$PLACE/open"; do sleep 0.05; done
"""


class HealthTest(ExecutorTest):
    def well(self, name: str, *args: str, without_token: bool = False) -> Process:
        """An executor that can be asked, which has not to be registered yet."""
        listen = ("--set", "executor.metrics_listen=127.0.0.1:0")
        process = self.executor(name, *listen, *args, without_token=without_token)
        process.wait_for_err("/metrics\n")
        where = re.search(r"metrics on http://127\.0\.0\.1:(\d+)/", process.seen_err)
        assert where
        self.metrics_port = int(where[1])
        return process

    def fetch(self, path: str, accept: str = "") -> tuple[int, str]:
        asked = http.client.HTTPConnection(
            "127.0.0.1", self.metrics_port, timeout=PATIENCE
        )
        self.addCleanup(asked.close)
        asked.request("GET", path, headers={"Accept": accept} if accept else {})
        answer = asked.getresponse()
        return answer.status, answer.read().decode()

    def status(self, path: str) -> tuple[int, str]:
        status, text = self.fetch(path)
        return status, str(json.loads(text)["status"])

    def page(self) -> Page:
        return Page(self.fetch("/metrics")[1], is_open=False)


class Health(HealthTest):
    def test_it_is_ready_while_a_server_has_it(self) -> None:
        a = self.well("a")
        self.assertEqual(self.status("/livez"), (200, "ok"))
        self.assertEqual(self.status("/readyz"), (503, "no server"))
        self.lead()
        self.wait_until(lambda: self.status("/readyz") == (200, "ok"), "it is ready")
        run = self.begin(GATED % self.folder)
        self.wait_lines(1)
        self.server.popen.kill()
        self.server.popen.wait()
        gone = (503, "no server")
        self.wait_until(lambda: self.status("/readyz") == gone, "no server has it")
        self.assertEqual(self.status("/healthz"), (200, "ok"))
        self.lead()
        self.wait_until(lambda: self.status("/health") == (200, "ok"), "it is back")
        a.popen.send_signal(signal.SIGTERM)
        leaves = (503, "draining")
        self.wait_until(lambda: self.status("/readyz") == leaves, "it leaves")
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(a.end().code, 0)

    def test_nobody_can_ask_unless_it_was_said_where(self) -> None:
        self.lead()
        a = self.ready("a")
        self.assertNotIn("metrics", a.seen_err)

    def test_off_loopback_it_has_to_be_said_twice(self) -> None:
        listen = ("--set", "executor.metrics_listen=0.0.0.0:0")
        refused = self.executor("a", *listen).end()
        self.assertEqual(refused.code, 78)
        self.assertIn("executor.metrics_exposed", refused.err)
        wrong = self.executor("a", "--set", "executor.metrics_listen=here").end()
        self.assertEqual(wrong.code, 78)
        self.assertIn("is no address and port", wrong.err)
        b = self.executor("b", *listen, "--set", "executor.metrics_exposed=true")
        b.wait_for_err("metrics on http://0.0.0.0:")


class Metrics(HealthTest):
    def test_they_say_what_is_here(self) -> None:
        self.lead()
        a = self.well("a")
        a.wait_for_err("registered with")
        page = self.page()
        self.assertEqual(page.get("flowforge_hosted_session"), 1)
        self.assertEqual(page.get("flowforge_hosted_places"), 3)
        self.assertEqual(page.get("flowforge_hosted_starts_total"), 0)
        run = self.begin(GATED % self.folder)
        self.wait_lines(1)
        running = "flowforge_hosted_attempts"
        self.wait_until(lambda: self.page().get(running, state="running") == 1)
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.wait_until(lambda: self.page().total(running) == 0, "it is let go of")
        page = self.page()
        self.assertEqual(page.get("flowforge_hosted_starts_total"), 1)
        self.assertEqual(page.get("flowforge_hosted_ends_total"), 1)
        self.assertEqual(page.get("flowforge_hosted_sessions_total"), 1)
        self.assertGreater(page.get("process_resident_memory_bytes"), 0)

    def test_the_manual_names_all_of_them_and_nothing_else(self) -> None:
        self.well("a")
        rows = ROW.findall((SOURCE / "docs/executor.md").read_text())
        want = {
            name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
            for name, kind, labels, _ in rows
        }
        page = self.page()
        labels: dict[str, tuple[str, ...]] = {}
        for name, has in page.samples:
            labels[name] = tuple(key for key, _ in has)
        kinds = {
            name + ("_total" if kind == "counter" else ""): kind
            for name, kind in page.types.items()
        }
        self.assertEqual(want, {n: (kinds[n], has) for n, has in labels.items()})

    def test_their_grammar_is_that_of_both_formats(self) -> None:
        self.well("a")
        Page(self.fetch("/metrics", OPEN.split(";")[0])[1], is_open=True)
        promtool = os.environ.get("FF_PROMTOOL") or shutil.which("promtool")
        if not promtool:
            self.skipTest("there is no promtool (Debian's package prometheus)")
        checked = subprocess.run(
            [promtool, "check", "metrics"],
            input=self.fetch("/metrics")[1],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        said = (checked.returncode, checked.stdout, checked.stderr)
        self.assertEqual(said, (0, "", ""))


class Reload(HealthTest):
    def test_a_credential_is_changed_without_a_restart(self) -> None:
        own = self.folder / "own.token"
        own.write_text(self.token.read_text())
        own.chmod(0o600)
        self.lead()
        file = ("--set", f"auth.executor_token_file={own}")
        a = self.well("a", *file, without_token=True)
        a.wait_for_err("registered with")
        run = self.begin(GATED % self.folder)
        self.wait_lines(1)
        self.token.write_text(secrets.token_hex(32) + "\n")
        self.server.popen.send_signal(signal.SIGHUP)
        refused = (503, "no server")
        self.wait_until(lambda: self.status("/readyz") == refused, "it is refused")
        own.write_text(self.token.read_text())
        a.popen.send_signal(signal.SIGHUP)
        a.wait_for_err("the credential was read again")
        self.wait_until(lambda: self.status("/readyz") == (200, "ok"), "it is taken")
        (self.folder / "open").touch()
        self.wait_state(run, "succeeded")
        self.assertEqual(self.lines(), ["ran"])

    def test_what_is_no_credential_changes_nothing(self) -> None:
        self.lead()
        a = self.well("a")
        a.wait_for_err("registered with")
        self.token.chmod(0o644)
        a.popen.send_signal(signal.SIGHUP)
        a.wait_for_err("the credential stays as it was")
        run = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: exit 0}}\n")
        self.wait_state(run, "succeeded")


if __name__ == "__main__":
    unittest.main()
