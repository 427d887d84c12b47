#!/usr/bin/python3
# ctest: timeout=300
"""Logging in by a provider of OpenID Connect: one that others keep, with a browser that
the test plays, and one of ours that lies."""

import base64
import hashlib
import http.server
import json
import re
import stat
import subprocess
import threading
import time
import unittest
import urllib.parse
from typing import Any

from ff_api import WORKFLOW, ApiTest
from ff_cli import PATIENCE, PROGRAM, Process, Result
from http_browser import Browser
from oidc_provider import CLIENT, Provider

URL = re.compile(r"^  (http\S+)$", re.M)


class Case(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.contexts = self.folder / ".config/flowforge/contexts.yaml"
        self.empty = self.folder / "empty"

    def trust(self, issuer: str) -> None:
        self.env |= {
            "FLOWFORGE_SERVER_AUTH": "auth-jwt",
            "FLOWFORGE_SERVER_OIDC_ISSUER": issuer,
            "FLOWFORGE_SERVER_OIDC_CLIENT_ID": CLIENT,
            "FLOWFORGE_AUTH_ISSUER": issuer,
            "FLOWFORGE_AUTH_ISSUER_DISCOVERY": "true",
            "FLOWFORGE_AUTH_AUDIENCE": CLIENT,
            "FLOWFORGE_AUTH_RELOAD_INTERVAL": "1s",
        }

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(
        self, *args: str, expect: int = 0, stdin: str = "", **env: str
    ) -> Result:
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

    def begin(self, *args: str, **env: str) -> tuple[Process, str]:
        """A login that waits, and the page that it has printed."""
        self.env.pop("BROWSER", None)
        popen = subprocess.Popen(
            [PROGRAM, "login", "--server", self.url(), *args],
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = Process(popen)
        self.processes.append(waiting)
        waiting.wait_for_err("\n  http")
        waiting.wait_for_err("\n\n")
        while not (found := URL.findall(waiting.seen_err + "\n")):
            waiting.wait_for_err(waiting.seen_err + "\n")
        return waiting, str(found[0])

    def ended(self, waiting: Process, expect: int = 0) -> str:
        done = waiting.end()
        self.assertEqual(expect, done.code, done.err)
        self.assertNotIn("Sanitizer", done.err)
        return done.err

    def credential(self) -> str:
        return self.client("token").out.strip()


class ByProvider(Case):
    def setUp(self) -> None:
        super().setUp()
        self.provider = Provider()
        self.provider.start()
        self.addCleanup(self.provider.kill)
        self.trust(self.provider.issuer)

    def log_in(self, user: str = "ada") -> None:
        waiting, url = self.begin("--oidc")
        page = Browser(user).log_in(url)
        self.assertIn("close this page", page)
        self.assertIn(f"knows you as {user}", self.ended(waiting))

    def test_by_a_browser_and_out_again(self) -> None:
        self.serve()
        ids = self.make_runs(1)
        self.log_in()
        self.assertEqual(0o600, stat.S_IMODE(self.contexts.stat().st_mode))
        session = self.credential()
        self.assertRegex(session, "^ffs_")
        self.assertEqual(
            ids[0], self.client("list", "-o", "json").json()["runs"][0]["id"]
        )
        me = self.get("/me", session)
        self.assertEqual(("ada", "operator"), (me["subject"], me["role"]))
        kept = self.client("context", "list", "-o", "json").json()[0]
        self.assertEqual(me["expires_at"], kept["expires"])
        self.assertNotIn("eyJ", self.contexts.read_text())  # the provider's token
        # What a session may not.
        said = self.client("token", "--ttl", "5m", expect=77).err
        self.assertIn("makes no other one", said)
        self.client("logout")
        self.problem(self.ask("GET", "/me", key=session), 401, "UNAUTHENTICATED")
        self.assertNotIn("ffs_", self.contexts.read_text())
        self.client("token", expect=4)
        self.client("logout", expect=4)
        self.stop()

    def test_the_program_that_browser_names_is_given_the_page(self) -> None:
        self.serve()
        opened = self.folder / "opened"
        program = self.folder / "browser"
        program.write_text(
            f'#!/bin/sh\necho "$#:$1" > {opened}.part\nmv {opened}.part {opened}\n'
        )
        program.chmod(0o755)
        waiting, url = self.begin("--oidc", BROWSER=f"{program}:other")
        end = time.monotonic() + PATIENCE
        while not opened.exists():
            self.assertLess(time.monotonic(), end)
        self.assertEqual(f"1:{url}\n", opened.read_text())
        Browser().log_in(url)
        self.ended(waiting)
        self.stop()

    def test_who_does_not_know_the_state_is_not_who_was_sent(self) -> None:
        self.serve()
        waiting, url = self.begin("--oidc")
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        back = asked["redirect_uri"][0]
        stranger = Browser()
        for query in (
            "code=x",
            "code=x&state=",
            f"code=x&state={'a' * 43}",
            "error=no",
        ):
            self.assertIn("does not belong", stranger.get(f"{back}?{query}")[0])
        self.assertIn("nothing here", stranger.get(back[: -len("/callback")] + "/")[0])
        wrong = f"code=x&state={asked['state'][0]}&iss=https://other.example"
        self.assertIn("does not belong", stranger.get(f"{back}?{wrong}")[0])
        Browser().log_in(url)
        self.ended(waiting)
        self.stop()

    def test_who_gives_up_at_the_provider_is_not_logged_in(self) -> None:
        self.serve()
        waiting, url = self.begin("--oidc")
        self.assertIn("not logged in", Browser().log_in(url, cancel=True))
        self.assertIn("access_denied", self.ended(waiting, 77))
        self.assertFalse(self.contexts.exists())
        self.stop()

    def test_by_a_browser_of_another_machine(self) -> None:
        self.serve()
        waiting, url = self.begin("--device")
        waiting.wait_for_err("or on this one")
        waiting.wait_for_err("user_code=")
        waiting.wait_for_err("\n\n")
        page = Browser("eve").log_in(URL.findall(waiting.seen_err)[-1])
        self.assertIn("knows you as eve", self.ended(waiting), page)
        self.assertEqual("eve", self.get("/me", self.credential())["subject"])
        self.assertTrue(url.endswith("/device"))
        self.stop()

    def test_a_session_that_is_over_says_what_to_do(self) -> None:
        self.serve()
        self.log_in()
        self.change("DELETE", f"/sessions/{self.credential()[4:12]}", status=204)
        self.assertIn("flowforge login", self.client("list", expect=77).err)
        self.stop()
        # Once this clock says so the server is not even asked.
        text = self.contexts.read_text()
        over = re.sub(r'expires: ".*"', 'expires: "2026-01-01T00:00:00Z"', text)
        self.assertNotEqual(text, over)
        self.contexts.write_text(over)
        said = self.client("list", expect=77).err
        self.assertIn("run `flowforge login --oidc`", said)
        self.assertIn("expired", self.client("context", "list").out)
        self.client("logout")

    def test_a_server_that_is_gone_keeps_nobody_logged_in(self) -> None:
        self.serve()
        self.log_in()
        self.stop()
        said = self.client("logout", expect=69).err
        self.assertIn("ends by itself", said)
        self.assertNotIn("ffs_", self.contexts.read_text())


class WithoutProvider(Case):
    def test_a_server_that_names_none(self) -> None:
        self.serve()
        said = self.client("login", "--oidc", "--server", self.url(), expect=4).err
        self.assertIn("server.oidc_issuer", said)
        self.stop()

    def test_a_session_for_a_script_is_made_with_a_key(self) -> None:
        self.serve()
        key = self.make_key("viewer")
        self.client("login", "--server", self.url(), stdin=key + "\n")
        made = self.client("token", "--ttl", "5m").out.strip()
        self.assertRegex(made, "^ffs_")
        me = self.get("/me", made)
        self.assertEqual(("session", f"key:{key[4:12]}"), (me["via"], me["subject"]))
        left = self.get("/sessions", key)["items"][0]
        self.assertEqual(left["expires_at"], me["expires_at"])
        self.assertEqual(key, self.credential())
        self.client("token", "--ttl", "soon", expect=2)
        self.client("token", "--ttl", "2d", expect=2)
        self.client("logout")
        self.assertNotIn("ffk_", self.contexts.read_text())
        self.get("/me", key)  # it is a program's, and goes on
        self.stop()

    def test_submit_is_run_that_does_not_wait(self) -> None:
        path = self.file("etl.yaml", WORKFLOW)
        id = self.call("submit", path, "-l", "by=test").out.strip()
        self.call("resume", id)
        run = self.call("get", id, "-o", "json").json()
        self.assertEqual(("succeeded", "test"), (run["state"], run["labels"]["by"]))
        self.call("submit", path, "--detach", expect=2)


class Liar(http.server.BaseHTTPRequestHandler):
    """A provider whose tokens are what the test says."""

    claims: dict[str, Any]
    forms: list[dict[str, list[str]]]
    change: dict[str, Any]

    def say(self, value: Any) -> None:
        raw = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        said = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize?tenant=a",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
        }
        self.say({**said, **self.change})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.forms.append(urllib.parse.parse_qs(raw))
        part = base64.urlsafe_b64encode(json.dumps(self.claims).encode()).rstrip(b"=")
        self.say({"id_token": f"e30.{part.decode()}.c2ln"})

    def log_message(self, *_: object) -> None:
        pass


class ByLiar(Case):
    def setUp(self) -> None:
        super().setUp()
        Liar.claims, Liar.forms, Liar.change = {}, [], {}
        liar = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        self.addCleanup(liar.server_close)
        self.addCleanup(liar.shutdown)
        self.issuer = f"http://127.0.0.1:{liar.server_address[1]}"
        self.trust(self.issuer)

    def come_back(self, url: str) -> dict[str, str]:
        split = urllib.parse.urlsplit(url)
        asked = {k: v[0] for k, v in urllib.parse.parse_qs(split.query).items()}
        back = f"{asked['redirect_uri']}?code=c%2B1&state={asked['state']}"
        Browser().get(back)
        return asked

    def test_tokens_that_are_not_for_this_login(self) -> None:
        self.serve()
        for change in (
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "another"},
            {"iss": "https://other.example"},
        ):
            waiting, url = self.begin("--oidc")
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
            nonce = query["nonce"][0]
            Liar.claims = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, **change}
            self.come_back(url)
            self.assertIn("not for this login", self.ended(waiting, 77))
        self.stop()

    def test_what_the_server_does_not_take_is_not_kept(self) -> None:
        self.serve()
        waiting, url = self.begin("--oidc")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        self.assertEqual(["a"], query["tenant"])
        nonce = query["nonce"][0]
        Liar.claims = {"iss": self.issuer, "aud": [CLIENT], "nonce": nonce}
        asked = self.come_back(url)
        self.ended(waiting, 77)
        self.assertFalse(self.contexts.exists())
        # PKCE, as RFC 7636 has it.
        form = {k: v[0] for k, v in Liar.forms[0].items()}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.assertEqual(
            ("S256", challenge),
            (asked["code_challenge_method"], asked["code_challenge"]),
        )
        self.assertEqual("c+1", form["code"])
        self.assertEqual(asked["redirect_uri"], form["redirect_uri"])
        self.stop()

    def test_documents_that_are_not_the_providers_own(self) -> None:
        self.serve()
        for change, code, why in (
            ({"issuer": "https://other.example"}, 77, "another issuer"),
            ({"token_endpoint": "http://192.0.2.1/token"}, 69, "no tokens"),
            ({"authorization_endpoint": "file:///etc/passwd"}, 69, "no page"),
        ):
            Liar.change = change
            said = self.client("login", "--oidc", "--server", self.url(), expect=code)
            self.assertIn(why, said.err)
        self.client("login", "--device", "--server", self.url(), expect=69)
        self.stop()


if __name__ == "__main__":
    unittest.main()
