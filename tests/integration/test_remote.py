#!/usr/bin/python3
"""The command line as a client: which server is meant, with whose credential, and that
what is shown is what the server has."""
# ctest: timeout=300

import contextlib
import http.server
import json
import socket
import stat
import subprocess
import threading
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE, PROGRAM, Result


class Remote(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.contexts = self.folder / ".config/flowforge/contexts.yaml"
        self.empty = self.folder / "empty"

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(
        self, *args: str, expect: int = 0, stdin: str = "", **env: Any
    ) -> Result:
        """A call that sees no data directory of the server's."""
        done = subprocess.run(
            [PROGRAM, *args, "--data-dir", str(self.empty)],
            cwd=self.folder,
            env={**self.env, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, expect, done.stderr + done.stdout)
        self.assertNotIn("Sanitizer", done.stderr)
        return Result(done.returncode, done.stdout, done.stderr)

    def login(self, role: str = "viewer") -> str:
        key = self.make_key(role)
        self.client("login", "--server", self.url(), stdin=key + "\n")
        return key

    def test_runs_of_a_server_are_listed_and_shown(self) -> None:
        self.serve()
        ids = self.make_runs(3)
        key = self.login()
        self.assertEqual(stat.S_IMODE(self.contexts.stat().st_mode), 0o600)
        listed = self.client("list", "-o", "json").json()
        self.assertEqual({r["id"] for r in listed["runs"]}, set(ids))
        self.assertIsNone(listed["next"])
        table = self.client("list").out
        for one in ids:
            self.assertIn(one, table)
        run = self.client("get", ids[0], "-o", "json").json()
        here = self.call("get", ids[0], "--context", "local", "-o", "json").json()
        for name in ("id", "workflow", "state", "hash", "labels", "created_at"):
            self.assertEqual(run[name], here[name])
        self.assertEqual(
            [(t["task"], t["state"]) for t in run["tasks"]],
            [(t["task"], t["state"]) for t in here["tasks"]],
        )
        text = self.client("get", ids[0]).out
        self.assertIn(ids[0], text)
        self.assertIn("load", text)
        self.assertEqual(self.client("token").out.strip(), key)
        self.assertFalse(self.empty.exists(), "a client makes no data directory")
        self.stop()

    def test_a_login_changes_its_own_context_alone(self) -> None:
        self.serve()
        key = self.make_key("operator")
        self.login()
        again = subprocess.Popen(
            [PROGRAM, "login", "--data-dir", str(self.empty)],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(again.kill)
        # It has read the file once it waits for the credential.
        while not self.waits_for_input(again.pid):
            self.assertIsNone(again.poll())
        self.client("context", "set", "other", "--server", "https://other.example")
        told = again.communicate(key + "\n", timeout=PATIENCE)[1]
        self.assertEqual(again.returncode, 0, told)
        listed = self.client("context", "list", "-o", "json").json()
        self.assertEqual({c["context"] for c in listed}, {"default", "other"})
        self.assertEqual(self.client("token").out.strip(), key)
        self.assertEqual(stat.S_IMODE(self.contexts.stat().st_mode), 0o600)
        self.stop()

    @staticmethod
    def waits_for_input(pid: int) -> bool:
        """Is it in a read of its standard input?"""
        words = Path(f"/proc/{pid}/syscall").read_text().split()
        return words[0] == "0" and words[1] == "0x0"

    def test_pages_and_filters(self) -> None:
        self.serve()
        ids = self.make_runs(3)
        self.login()
        first = self.client("list", "-n", "2", "-o", "json").json()
        self.assertEqual(len(first["runs"]), 2)
        rest = self.client("list", "--after", first["next"], "-o", "json").json()
        self.assertEqual(
            {r["id"] for r in first["runs"] + rest["runs"]},
            set(ids),
        )
        self.assertIn("more: flowforge list", self.client("list", "-n", "2").err)
        none = self.client("list", "-s", "failed", "-o", "json").json()
        self.assertEqual(none["runs"], [])
        labelled = self.client("list", "-l", "team=data", "-o", "json").json()
        self.assertEqual(len(labelled["runs"]), 3)
        refused = self.client("list", "--after", "nonsense", expect=2)
        self.assertIn("is no run", refused.err)
        self.stop()

    def test_runs_are_found_by_last_and_by_their_beginning(self) -> None:
        self.serve()
        (run,) = self.make_runs(1)
        self.login()
        self.assertEqual(self.client("get", "last", "-o", "json").json()["id"], run)
        self.assertEqual(self.client("get", run[:13], "-o", "json").json()["id"], run)
        self.client("get", "00000000", expect=4)
        self.client("get", run[:-1] + "x", expect=2)
        one = self.client("get", run, "load", "-o", "json").json()
        self.assertEqual([t["task"] for t in one["tasks"]], ["load"])
        self.client("get", run, "none", expect=4)
        self.stop()

    def test_which_server_is_meant(self) -> None:
        self.serve()
        self.make_runs(1)
        key = self.make_key("viewer")
        url = self.url()
        # Nothing is said: this machine.
        self.assertEqual(self.client("list", "-o", "json").json()["runs"], [])
        by_flag = self.client(
            "list", "--server", url, "-o", "json", FLOWFORGE_TOKEN=key
        ).json()
        self.assertEqual(len(by_flag["runs"]), 1)
        env: dict[str, Any] = {"FLOWFORGE_TOKEN": key, "FLOWFORGE_SERVER": url}
        by_variable = self.client("list", "-o", "json", **env)
        self.assertEqual(len(by_variable.json()["runs"]), 1)
        self.assertEqual(by_variable.err, "")
        here = self.client("list", "--context", "local", "-o", "json", **env)
        self.assertEqual(here.json()["runs"], [])
        self.client("context", "set", "a", "--server", url)
        self.client("list", "--context", "a", FLOWFORGE_TOKEN=key)
        self.client("list", FLOWFORGE_TOKEN=key, FLOWFORGE_CONTEXT="a")
        self.client("list", "--context", "a", expect=77)
        self.client("list", "--context", "b", expect=4)
        self.client("list", "--context", "a", "--server", url, expect=2)
        place = f"unix:{self.data}/api.sock"
        self.assertEqual(
            len(self.client("list", "--server", place, "-o", "json").json()["runs"]),
            1,
        )
        self.stop()

    def test_contexts_are_kept_used_and_deleted(self) -> None:
        self.client("context", "set", "a", "--server", "https://a.example")
        self.client("context", "set", "b", "--server", "https://b.example:8443")
        self.client("context", "use", "b")
        listed = self.client("context", "list", "-o", "json").json()
        self.assertEqual(
            [(k["context"], k["server"], k["current"], k["token"]) for k in listed],
            [
                ("a", "https://a.example", False, False),
                ("b", "https://b.example:8443", True, False),
            ],
        )
        self.assertRegex(self.client("context", "list").out, r"\* +b +https://b")
        refused = self.client("doctor", expect=2)
        self.assertIn("add --context local", refused.err)
        self.file("w.yaml", "flowforge: 1\nname: w\ntasks: {a: {run: 'true'}}\n")
        self.client("validate", "w.yaml")
        self.client("backup", "x", expect=2)
        self.client("run", "w.yaml", "--context", "local")
        self.client("context", "use", "local")
        self.assertRegex(self.client("context", "list").out, r"\* +local +this machine")
        self.client("context", "use", "b")
        self.client("context", "delete", "b")
        self.client("list")
        self.client("context", "delete", "b", expect=4)
        self.client("context", "use", "b", expect=4)
        self.client("token", expect=4)

    def test_a_credential_is_tried_and_never_shown_or_sent_elsewhere(self) -> None:
        self.serve()
        key = self.make_key("viewer")
        wrong = self.client(
            "login", "--server", self.url(), expect=77, stdin="ffk_nonsense\n"
        )
        self.assertIn("401", wrong.err)
        self.assertFalse(self.contexts.exists())
        self.client("login", "--server", self.url(), expect=2)
        self.client("login", "--server", self.url(), expect=2, stdin="a b\n")
        self.client("login", expect=2, stdin="x\n")
        done = self.client("login", "--server", self.url(), stdin=key + "\n")
        self.assertNotIn(key, done.out + done.err)
        listed = self.client("context", "list", "-o", "json")
        self.assertNotIn(key, listed.out)
        self.assertNotIn(key, self.client("context", "list").out)
        # Another server under the same name is not shown the credential.
        self.client("context", "set", "default", "--server", "https://other.example")
        self.assertNotIn(key, self.contexts.read_text())
        self.stop()

    def test_a_proxy_does_not_hear_what_is_said_to_this_machine(self) -> None:
        self.serve()
        self.login()
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            proxy.settimeout(0)
            name = f"http://127.0.0.1:{proxy.getsockname()[1]}"
            self.client("list", http_proxy=name, ALL_PROXY=name)
            with self.assertRaises(BlockingIOError):
                proxy.accept()
        self.stop()

    def test_a_row_that_lacks_something_is_refused(self) -> None:
        """As a server of another version may give it."""
        row: dict[str, Any] = {"tenant": 1, "run": 1, "id": "x"}
        with self.other(lambda _: {"rows": [row], "more": False}) as url:
            for words in ("list", "get last", "top --once", "workflow list"):
                with self.subTest(words=words):
                    refused = self.client(*words.split(), "--server", url, expect=69)
                    self.assertIn("cannot read", refused.err)

    @contextlib.contextmanager
    def other(self, answer: Callable[[str], Any], status: int = 200) -> Iterator[str]:
        """The address of a server that is none of ours."""

        class Other(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = answer(self.path)
                body = given if isinstance(given, bytes) else json.dumps(given).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()

    def test_what_is_no_answer_of_ours_has_one_exit_code(self) -> None:
        page = b"<html>hello</html>"
        answers: list[Any] = [page, b"", b"[1]", {"rows": [1]}]
        for given in answers:

            def answer(_: str, given: Any = given) -> Any:
                return given

            with self.other(answer) as url:
                said = self.client("list", "--server", url, expect=69)
                self.assertTrue(said.err)
        for status in (302, 418, 500):
            with self.other(lambda _: page, status) as url:
                self.client("list", "--server", url, expect=69)

    def test_a_list_that_goes_in_circles_ends(self) -> None:
        row = {"shard": 0, "tenant": 1, "run": 1, "version": 1}
        run: dict[str, Any] = {
            **{"tenant": 1, "run": 7, "version": 1, "project": 1, "workflow": "w"},
            **{"id": "01a205c2-1330-7317-bfe0-2e8d3144798f", "hash": "0" * 64},
            **{"kind": "dag", "state": "failed", "inputs": "{}", "cancel": "no"},
            **{"created_at": 1},
        }
        attempt = {"task": "a", "attempt": 1}

        def answer(path: str) -> Any:
            if "/rows/run" in path:
                return {"rows": [run], "more": True}
            if "/rows/" in path:
                return {"rows": [row] if "open_run" in path else [], "more": True}
            return {"items": [attempt], "next": "again"}

        with self.other(answer) as url:
            for words in ("list", "logs last"):
                with self.subTest(words=words):
                    said = self.client(*words.split(), "--server", url, expect=69)
                    self.assertIn("again and again", said.err)

    def test_nothing_that_a_server_says_steers_a_terminal(self) -> None:
        steers = "\x1b[2J\u009b31m"
        run: dict[str, Any] = {
            **{"tenant": 1, "run": 7, "version": 1, "project": 1},
            **{"id": "01a205c2-1330-7317-bfe0-2e8d3144798f", "hash": "0" * 64},
            **{"workflow": f"w{steers}", "schedule": f"s{steers}"},
            **{"kind": "dag", "state": "failed", "inputs": "{}", "cancel": "no"},
            **{"created_at": 1, "reason": f"r{steers}", "message": f"m{steers}"},
        }
        me = {"subject": f"mia{steers}", "role": "viewer"}

        def answer(path: str) -> Any:
            if path.endswith("/me"):
                return me
            return {"rows": [run] if "/rows/run" in path else [], "more": False}

        with self.other(answer) as url:
            here = ("--server", url)
            for words in ("list", "list -o json"):
                said = self.client(*words.split(), *here)
                for text in ("\x1b", "\\u001b", "\u009b"):
                    self.assertNotIn(text, said.out + said.err)
            checked = self.client(
                "key", "check", *here, stdin=f"ffk_{'a' * 8}_{'b' * 43}"
            )
            self.assertEqual(checked.out, "mia?[2J?31m: viewer of ?\n")

    def test_what_would_be_overheard_or_is_no_server_is_refused(self) -> None:
        for server, sentence in (
            ("ftp://x", "https://HOST:PORT"),
            ("flow.example", "https://HOST:PORT"),
            ("https://", "without user"),
            ("https://u:p@x", "without user"),
            ("http://127.0.0.1.evil.example", "others would hear"),
            ("http://flow.example", "others would hear"),
            ("unix:relative", "comes a path"),
        ):
            with self.subTest(server=server):
                refused = self.client(
                    "list", "--server", server, expect=2, FLOWFORGE_TOKEN="x"
                )
                self.assertIn(sentence, refused.err)
        nobody = self.client("list", "--server", "http://127.0.0.1:1", expect=69)
        self.assertIn("cannot be asked", nobody.err)
        for name in ("local", "", "a/b", "x" * 64):
            self.client("context", "set", name, "--server", "https://x", expect=2)
        self.client("context", "set", "a", expect=2)

    def test_a_file_that_others_may_read_or_that_is_broken_is_refused(self) -> None:
        self.client("context", "set", "a", "--server", "https://a.example")
        self.contexts.chmod(0o644)
        self.assertIn("chmod 600", self.client("list", expect=77).err)
        self.contexts.chmod(0o600)
        for text in (
            "[]",
            "current: a",
            "contexts: {a: {}}",
            "contexts: {a: {server: x, colour: red}}",
            "contexts: {a: 1}",
            "contexts: {local: {server: x}}",
            "other: 1",
            "{",
        ):
            with self.subTest(text=text):
                self.contexts.write_text(text)
                self.assertIn("contexts.yaml", self.client("list", expect=2).err)
        self.contexts.write_text("")
        self.client("list")

    def certificate(self) -> tuple[Path, Path]:
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-nodes"),
                *("-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(key), "-out", str(cert)),
            ],
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        return cert, key

    def test_a_certificate_is_checked_and_one_of_ones_own_can_be_named(self) -> None:
        cert, key = self.certificate()
        self.serve("--tls-cert", str(cert), "--tls-key", str(key))
        token = self.make_key("viewer")
        url = f"https://127.0.0.1:{self.port}"
        asked: dict[str, Any] = {"stdin": token + "\n"}
        refused = self.client("login", "--server", url, expect=69, **asked)
        self.assertIn("certificate", refused.err)
        self.client("login", "--server", url, "--ca", "cert.pem", **asked)
        self.client("list")
        listed = self.client("context", "list", "-o", "json").json()
        self.assertEqual(listed[0]["ca"], str(cert.resolve()))
        self.client("login", "--server", url, "--ca", "none.pem", expect=4, **asked)
        self.stop()

    def wait_for_state(self, run: str, state: str) -> None:
        while self.client("get", run, "-o", "json").json()["state"] != state:
            pass

    def test_runs_are_started_and_cancelled(self) -> None:
        self.serve()
        self.login("author")
        path = self.file(
            "w.yaml",
            "flowforge: 1\nname: w\ninputs: {n: {type: integer}}\n"
            "tasks: {a: {run: 'true'}}\n",
        )
        run = self.client("run", path, "-d", "-i", "n=7", "-l", "team=x").out.strip()
        self.wait_for_state(run, "succeeded")
        shown = self.client("get", run, "-o", "json").json()
        self.assertEqual((shown["inputs"], shown["labels"]), ({"n": 7}, {"team": "x"}))
        self.call("apply", path, "--context", "local")
        again = self.client("run", "w", "-d", "-i", "n=8", "-o", "json").json()["run"]
        self.wait_for_state(again, "succeeded")
        self.assertIn("n", self.client("run", path, "-d", "-i", "n=x", expect=3).err)
        followed = self.client("run", path, "-i", "n=1")
        self.assertIn("succeeded: w", followed.out)
        self.client("run", path, "-d", "--dir", "/", expect=2)
        self.client("run", "none", "-d", expect=4)
        bad = self.file("bad.yaml", "flowforge: 1\nname: w\ntasks: {a: {runn: x}}\n")
        self.assertIn("bad.yaml:", self.client("run", bad, "-d", expect=3).err)
        long = self.file(
            "long.yaml", "flowforge: 1\nname: l\ntasks: {a: {sleep: 1h}}\n"
        )
        run = self.client("run", long, "-d").out.strip()
        done = self.client("cancel", "last", "-o", "json").json()
        self.assertEqual(done, {"run": run, "cancelling": True})
        self.wait_for_state(run, "cancelled")
        run = self.client("run", long, "-d").out.strip()
        self.client("cancel", run[:13], "--kill")
        self.wait_for_state(run, "cancelled")
        run = self.client("run", long, "-d").out.strip()
        self.client("cancel", "--state", "running", "-w", "l", "--wait")
        self.wait_for_state(run, "cancelled")
        self.client("cancel", expect=2)
        self.assertEqual(self.stop().code, 0)

    def test_a_viewer_starts_nothing(self) -> None:
        self.serve()
        self.login()
        path = self.file("w.yaml", "flowforge: 1\nname: w\ntasks: {a: {run: x}}\n")
        self.assertIn("403", self.client("run", path, "-d", expect=77).err)
        self.stop()


if __name__ == "__main__":
    unittest.main()
