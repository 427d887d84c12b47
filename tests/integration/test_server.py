#!/usr/bin/python3
"""flowforge server: where it listens, how it leaves, and who it lets in."""

import concurrent.futures
import http.client
import json
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import time
import unittest
from typing import Any

from ff_api import ApiTest
from ff_cli import BIN, PATIENCE
from ff_http import read_all

DEV_TOKEN = "0123456789abcdef0123456789abcdef"


def own_address() -> str | None:
    """One of this machine that is not on loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        host = str(s.getsockname()[0])
    return None if host.startswith("127.") else host


class Listening(ApiTest):
    def test_it_prints_where_and_answers_curl_by_every_protocol(self) -> None:
        self.serve()
        url = f"http://127.0.0.1:{self.port}/livez"
        for how, version in (
            ("--http1.1", "1.1"),
            ("--http2-prior-knowledge", "2"),
        ):
            done = subprocess.run(
                ["curl", "-sS", how, "-w", "\n%{http_version} %{http_code}", url],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
            body, _, told = done.stdout.rpartition("\n")
            self.assertEqual(json.loads(body), {"status": "ok"})
            self.assertEqual(told, f"{version} 200")
        self.assertEqual(self.stop().code, 0)

    def test_tls_speaks_both_protocols_and_nothing_in_clear(self) -> None:
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
        self.serve("--tls-cert", str(cert), "--tls-key", str(key))
        self.assertIn("https://127.0.0.1:", self.server.seen)
        for how, version in (("--http1.1", "1.1"), ("--http2", "2")):
            done = subprocess.run(
                [
                    *("curl", "-sS", how, "--cacert", str(cert)),
                    *("-w", "%{http_version}", "-o", "/dev/null"),
                    f"https://127.0.0.1:{self.port}/livez",
                ],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
            self.assertEqual(done.stdout, version)
        clear = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with self.assertRaises((http.client.HTTPException, OSError)):
            clear.request("GET", "/livez")
            clear.getresponse()
        self.server.popen.send_signal(signal.SIGHUP)
        context = ssl.create_default_context(cafile=str(cert))
        again = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=PATIENCE, context=context
        )
        again.request("GET", "/livez")
        self.assertEqual(again.getresponse().status, 200)
        again.close()
        self.assertEqual(self.stop().code, 0)

    def test_a_hangup_without_a_certificate_ends_nothing(self) -> None:
        self.serve()
        self.server.popen.send_signal(signal.SIGHUP)
        # It has taken the one before when it takes a later one.
        self.server.popen.send_signal(signal.SIGWINCH)
        for _ in range(3):
            self.get("/livez")
        self.assertEqual(self.stop().code, 0)

    def test_its_program_alone_says_who_explains_it_and_serves_nothing(self) -> None:
        """Whoever looks at what it is does not find a server that has begun."""
        for word in ("--help", "--version", "word", "--lisen=127.0.0.1:0"):
            done = subprocess.run(
                [BIN / "flowforge-server", "--data-dir", str(self.data), word],
                env=self.env,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertFalse(self.data.exists())

    def test_where_something_was_made_it_is_read(self) -> None:
        self.serve()
        asked: list[tuple[str, Any]] = [
            ("/keys", {"name": "ci", "role": "viewer"}),
            ("/tenants", {"name": "acme"}),
        ]
        for path, body in asked:
            made = self.change("POST", path, body)
            read = self.get(made.headers["location"])
            self.assertEqual(read["name"], body["name"])
            self.assertNotIn("credential", read)
        self.problem(self.ask("GET", "/keys/zzzzzzzz"), 404, "NOT_FOUND")
        self.problem(self.ask("GET", "/system?x=1"), 400, "INVALID")
        self.assertEqual(self.ask("GET", "/livez?x=1").status, 200)
        refused = self.ask("DELETE", "/livez")
        self.assertEqual((refused.status, refused.headers["allow"]), (405, "GET, HEAD"))
        self.stop()

    def test_off_loopback_it_refuses_to_be_overheard(self) -> None:
        for listen in ("0.0.0.0:0", "[::]:0"):
            refused = self.call("server", "--listen", listen, expect=78)
            self.assertIn("--tls-cert", refused.err)
        half = self.call("server", "--tls-key", "x.pem", expect=78)
        self.assertIn("belong together", half.err)
        none = self.call("server", "--listen", "nowhere", expect=78)
        self.assertIn("127.0.0.1:8080", none.err)
        self.serve("--listen", "0.0.0.0:0", "--dev")
        self.get("/livez", key="x")
        self.stop()

    def test_who_comes_second_is_told_who_leads(self) -> None:
        self.serve()
        second = self.call("server", "--listen", "127.0.0.1:0", expect=69)
        self.assertIn("another process leads", second.err)
        self.stop()

    def test_a_place_that_is_taken_is_named(self) -> None:
        self.serve()
        first, self.data = self.data, self.folder / "other"
        taken = f"127.0.0.1:{self.port}"
        refused = self.call("server", "--listen", taken, expect=69)
        self.assertIn(taken, refused.err)
        self.data = first
        self.stop()

    def test_it_leads_runs_and_what_was_begun_is_answered_when_it_leaves(self) -> None:
        self.serve()
        self.assertEqual(len(self.make_runs(1)), 1)
        ready = self.get("/readyz")
        self.assertEqual(ready["checks"], {"store": "ok", "leads": True})
        slow = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        slow.putrequest("POST", "/api/v1/workflows/validate")
        slow.putheader("Authorization", f"Bearer {self.make_key('viewer')}")
        slow.putheader("Content-Type", "application/yaml")
        slow.putheader("Content-Length", "9")
        slow.putheader("Expect", "100-continue")
        slow.endheaders()
        # The head was taken: the server asks for the body.
        self.assertIn(b"100 Continue", slow.sock.recv(4096))
        self.server.popen.send_signal(signal.SIGTERM)
        slow.send(b"tasks: []")
        got = slow.getresponse()
        self.assertEqual(got.status, 200)
        self.assertFalse(json.loads(got.read())["valid"])
        slow.close()
        self.assertEqual(self.server.end().code, 0)

    def test_kept_settings_count(self) -> None:
        self.env["FLOWFORGE_SERVER_LISTEN"] = "127.0.0.1:0"
        self.server = self.start("server")
        self.server.wait_for("\n")
        self.assertRegex(self.server.seen, r"^listening on http://127\.0\.0\.1:\d+\n$")
        self.stop()


class Callers(ApiTest):
    def test_who_does_not_say_who_he_is_learns_nothing(self) -> None:
        self.serve()
        self.make_key("viewer")
        wrong = f"ffk_{'0' * 8}_{'0' * 43}"
        for path in ("/runs", "/me", "/tenants", "/runs/x/tasks"):
            headers: tuple[dict[str, str], ...] = (
                {},
                {"Authorization": "Basic eDp5"},
                {"Authorization": "Bearer "},
                {"Authorization": f"Bearer {wrong}"},
                {"Authorization": "Bearer ffk_short"},
                {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
            )
            for header in headers:
                answer = self.ask("GET", path, key="", **header)
                self.problem(answer, 401, "UNAUTHENTICATED")
                self.assertEqual(answer.headers["www-authenticate"], "Bearer")
        for method, path in (("GET", "/nothing"), ("DELETE", "/runs")):
            self.assertIn(self.ask(method, path, key="").status, (404, 405))
        self.stop()

    def test_a_body_is_not_read_of_somebody_unknown(self) -> None:
        self.serve()
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        c.putrequest("POST", "/api/v1/workflows/validate")
        c.putheader("Content-Length", "4000000")
        c.putheader("Content-Type", "application/yaml")
        c.endheaders()
        self.assertEqual(c.getresponse().status, 401)
        c.close()
        self.stop()

    def test_the_local_user_administers_and_a_key_has_its_role(self) -> None:
        self.serve()
        me = self.get("/me")
        self.assertEqual(
            (me["via"], me["tenant"], me["platform"]), ("local", "default", True)
        )
        for role, n in (("viewer", 1), ("operator", 3), ("author", 5), ("admin", 7)):
            me = self.get("/me", self.make_key(role))
            self.assertEqual(
                (me["via"], me["role"], me["platform"]), ("key", role, False)
            )
            self.assertEqual(len(me["permissions"]), n)
        self.stop()

    def test_a_revoked_key_ends_at_once_and_a_disabled_tenant_with_it(self) -> None:
        self.serve()
        self.change("POST", "/tenants", {"name": "acme"})
        made = self.change(
            "POST", "/keys?tenant=acme", {"name": "ci", "role": "viewer"}
        ).json()
        key = made["credential"]
        self.assertRegex(key, r"^ffk_[0-9a-z]{8}_[0-9A-Za-z]{43}$")
        self.assertEqual(self.get("/me", key)["tenant"], "acme")
        self.change("PATCH", "/tenants/acme", {"disabled": True}, 204)
        self.problem(self.ask("GET", "/me", key=key), 401, "UNAUTHENTICATED")
        self.change("PATCH", "/tenants/acme", {"disabled": False}, 204)
        self.get("/me", key)
        self.change("DELETE", f"/keys/{made['id']}?tenant=acme", status=204)
        said = self.problem(self.ask("GET", "/me", key=key), 401, "UNAUTHENTICATED")
        self.assertIn("revoked", said["detail"])
        self.stop()

    def test_a_key_confined_to_another_project_may_nothing_in_the_default_one(
        self,
    ) -> None:
        self.serve()
        self.change("POST", "/projects", {"name": "site"})
        body = {"name": "ci", "role": "admin", "project": "site"}
        key = self.change("POST", "/keys", body).json()["credential"]
        me = self.get("/me", key)
        self.assertEqual((me["role"], me["project"]), ("none", "site"))
        (run,) = self.make_runs(1)
        self.assertEqual(self.get("/runs", key)["items"], [])
        self.problem(self.ask("GET", f"/runs/{run}", key=key), 404, "NOT_FOUND")
        self.assertEqual(self.get("/workflows", key)["items"], [])
        self.problem(self.ask("GET", "/members", key=key), 403, "DENIED")
        self.stop()

    def test_a_token_of_the_auth_driver_is_taken_on_loopback(self) -> None:
        self.env["FLOWFORGE_SERVER_AUTH"] = "auth-dev"
        self.env["FLOWFORGE_AUTH_DEV_TOKEN"] = DEV_TOKEN
        self.serve()
        me = self.get("/me", DEV_TOKEN)
        self.assertEqual((me["via"], me["tenant"]), ("token", "default"))
        self.problem(self.ask("GET", "/me", key="x" * 32), 401, "UNAUTHENTICATED")
        self.get("/me", self.make_key("viewer"))
        self.stop()
        # Nobody is called as those are who come without a token.
        self.env["FLOWFORGE_AUTH_DEV_SUBJECT"] = "local:root"
        self.serve()
        self.problem(self.ask("GET", "/me", key=DEV_TOKEN), 401, "UNAUTHENTICATED")
        self.stop()

    def test_such_a_token_is_taken_from_nowhere_else_after_that(self) -> None:
        own = own_address()
        if own is None:
            self.skipTest("this machine has no address off loopback")
        self.env["FLOWFORGE_SERVER_AUTH"] = "auth-dev"
        self.env["FLOWFORGE_AUTH_DEV_TOKEN"] = DEV_TOKEN
        self.serve("--listen", "0.0.0.0:0", "--dev")
        for host, status in ((own, 401), ("127.0.0.1", 200), (own, 401)):
            c = http.client.HTTPConnection(host, self.port, timeout=PATIENCE)
            c.request(
                "GET", "/api/v1/me", None, {"Authorization": f"Bearer {DEV_TOKEN}"}
            )
            self.assertEqual(c.getresponse().status, status)
            c.close()
        self.stop()

    def test_a_key_that_is_revoked_while_it_is_looked_at_ends_too(self) -> None:
        struck = self.folder / "struck"
        self.env["FF_FAILPOINT"] = "rest.who.known:delay=3000"
        self.env["FF_FAILPOINT_HIT"] = str(struck)
        self.serve()
        made = self.change("POST", "/keys", {"name": "ci", "role": "viewer"}).json()
        key = made["credential"]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            first = pool.submit(self.ask, "GET", "/me", key=key)
            while not struck.exists():
                self.assertIsNone(self.server.popen.poll())
            self.change("DELETE", f"/keys/{made['id']}", status=204)
            self.assertFalse(first.done())
        self.assertEqual(first.result().status, 200)
        self.problem(self.ask("GET", "/me", key=key), 401, "UNAUTHENTICATED")
        self.stop()

    def test_who_is_known_is_not_taken_for_somebody_who_guesses(self) -> None:
        self.serve()
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/default", often, 204)
        keys = [
            self.change("POST", "/keys", {"name": f"k{n}", "role": "viewer"}).json()
            for n in range(90)
        ]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(self.ask, "GET", "/me", key=key["credential"])
                for key in keys + keys
            ]
        self.assertEqual({a.result().status for a in asked}, {200})
        # Who does guess is told to wait; who is known goes on meanwhile.
        head = "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n"
        guesses = [f"Authorization: Bearer ffk_guess_{n}\r\n\r\n" for n in range(400)]
        last = f"{head}Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as guesser:
            guesser.sendall("".join(head + g for g in guesses).encode() + last.encode())
            said = read_all(guesser)
        self.assertGreaterEqual(said.count(b"HTTP/1.1 401"), 50)
        self.assertGreater(said.count(b"HTTP/1.1 429"), 0)
        self.get("/me", keys[0]["credential"])
        self.stop()

    def test_who_asks_too_often_is_told_when_to_come_again(self) -> None:
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 3}, 204)
        key = self.make_key("viewer")
        for _ in range(100):
            answer = self.ask("GET", "/me", key=key)
            if answer.status == 429:
                break
            self.assertEqual(answer.headers["ratelimit-limit"], "3")
        self.problem(answer, 429, "RATE_LIMITED")
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertEqual(answer.headers["ratelimit-remaining"], "0")
        self.get("/me")  # the local user is not limited
        self.stop()


JSON = "application/json"


class Words(ApiTest):
    """What every answer says, and what requests may say."""

    def test_requests_have_ids_and_traces(self) -> None:
        self.serve()
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        mine = self.ask("GET", "/me", X_Request_Id="abc-1", traceparent=trace)
        self.assertEqual(mine.headers["x-request-id"], "abc-1")
        self.assertEqual(mine.headers["traceparent"], trace)
        for bad in ("a b", "x" * 65, '"', "é".encode().decode("latin-1")):
            other = self.ask("GET", "/me", X_Request_Id=bad, traceparent=trace[:-1])
            self.assertTrue(
                re.fullmatch(r"[0-9a-f-]{36}", other.headers["x-request-id"])
            )
            self.assertNotIn("traceparent", other.headers)
        self.stop()

    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        self.serve()
        body = {"name": 1, "role": "king", "colour": "red", "expires_at": "soon"}
        said = self.problem(self.ask("POST", "/keys?x=1", body), 400, "INVALID")
        told = {e.get("pointer") or e["parameter"] for e in said["errors"]}
        self.assertEqual(told, {"/name", "/role", "/colour", "/expires_at", "x"})
        missing = self.problem(self.ask("POST", "/keys", {}), 400, "INVALID")
        self.assertEqual({e["pointer"] for e in missing["errors"]}, {"/name", "/role"})
        twice = self.problem(
            self.ask("GET", "/runs?state=failed&state=failed&limit=0&order=up"),
            400,
            "INVALID",
        )
        self.assertEqual(
            {e["parameter"] for e in twice["errors"]}, {"state", "limit", "order"}
        )
        for raw in ("[]", "1", "{", '{"name":"a","name":"b"}', '{"name":"\\ud800"}'):
            answer = self.ask("POST", "/tenants", raw, Content_Type="application/json")
            self.problem(answer, 400, "INVALID")
        odd = self.problem(self.ask("POST", "/tenants", {"a/~b": 1}), 400, "INVALID")
        self.assertIn("/a~1~0b", {e["pointer"] for e in odd["errors"]})
        many = {f"f{i}": 1 for i in range(5000)}
        said = self.problem(self.ask("POST", "/tenants", many), 400, "INVALID")
        self.assertEqual(len(said["errors"]), 100)
        self.problem(
            self.ask(
                "POST",
                "/tenants",
                "name=a",
                Content_Type="application/x-www-form-urlencoded",
            ),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        )
        self.stop()

    def test_a_whole_number_may_be_written_with_a_point(self) -> None:
        self.serve()
        self.change("PUT", "/limits/gpu", '{"size": 3.0}', 204, Content_Type=JSON)
        self.assertEqual(self.get("/limits")["items"][0]["size"], 3)
        for size in ("3.5", "1e300", "9007199254740994.0"):
            body = f'{{"size": {size}}}'
            answer = self.ask("PUT", "/limits/gpu", body, Content_Type=JSON)
            self.problem(answer, 400, "INVALID")
        self.stop()

    def test_a_name_that_is_taken_is_a_conflict(self) -> None:
        self.serve()
        for path in ("/tenants", "/projects"):
            self.change("POST", path, {"name": "acme"})
            answer = self.ask("POST", path, {"name": "acme"})
            self.problem(answer, 409, "CONFLICT")
            self.problem(self.ask("POST", path, {"name": "A"}), 400, "INVALID")
        self.stop()

    def test_the_same_key_takes_effect_once(self) -> None:
        self.serve()
        first = self.change("POST", "/tenants", {"name": "acme"}, Idempotency_Key="k")
        again = self.change("POST", "/tenants", {"name": "acme"}, Idempotency_Key="k")
        self.assertEqual(first.body, again.body)
        self.assertEqual(first.headers["location"], "/api/v1/tenants/acme")
        self.assertEqual(again.headers["location"], "/api/v1/tenants/acme")
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertNotIn("idempotency-replayed", first.headers)
        other = self.ask("POST", "/tenants", {"name": "beta"}, Idempotency_Key="k")
        self.problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
        # Another caller's key is another one.
        admin = self.make_key("admin")
        self.change("POST", "/projects", {"name": "p"}, key=admin, Idempotency_Key="k")
        # A credential is not kept for those who ask again.
        body = {"name": "ci", "role": "viewer"}
        self.change("POST", "/keys", body, Idempotency_Key="one")
        self.problem(
            self.ask("POST", "/keys", body, Idempotency_Key="one"), 409, "CONFLICT"
        )
        self.assertEqual([k["name"] for k in self.get("/keys")["items"]].count("ci"), 1)
        for bad in ("", "x" * 129, "a b", "é".encode().decode("latin-1")):
            answer = self.ask("POST", "/tenants", {"name": "x"}, Idempotency_Key=bad)
            self.problem(answer, 400, "INVALID")
        self.stop()

    def test_what_has_changed_meanwhile_is_not_changed_again(self) -> None:
        self.serve()
        self.change("POST", "/tenants", {"name": "acme"})
        seen = self.ask("GET", "/tenants/acme").headers["etag"]
        for method in ("GET", "HEAD"):
            same = self.ask(method, "/tenants/acme", If_None_Match=seen)
            self.assertEqual(same.status, 304)
        self.change("PATCH", "/tenants/acme", {"max_keys": 5}, 204, If_Match=seen)
        late = self.ask("PATCH", "/tenants/acme", {"max_keys": 6}, If_Match=seen)
        self.problem(late, 412, "PRECONDITION_FAILED")
        self.assertEqual(self.get("/tenants/acme")["max_keys"], 5)
        self.stop()

    def test_what_is_done_and_what_is_denied_stands_in_a_whole_log(self) -> None:
        self.serve()
        viewer = self.make_key("viewer")
        self.problem(
            self.ask("PUT", "/members/mia", {"role": "admin"}, key=viewer),
            403,
            "DENIED",
        )
        self.change("PUT", "/members/mia", {"role": "viewer"}, 204, X_Request_Id="r-1")
        log = self.get("/audit")["items"]
        self.assertEqual(
            [(e["action"], e["decision"]) for e in log[:2]],
            [("member.set", "allowed"), ("setMember", "denied")],
        )
        self.assertEqual(log[0]["request"], "r-1")
        self.assertEqual(log[1]["object"], "/api/v1/members/mia")
        self.assertIn("127.0.0.1:", log[1]["origin"])
        self.stop()
        verdict = self.call("audit", "verify", "-o", "json").json()
        self.assertEqual(verdict["unsealed"], 0, verdict)

    def test_what_is_denied_brings_no_secret_into_the_log(self) -> None:
        self.serve()
        viewer = self.make_key("viewer")
        for path in (viewer, "x" * 4000):
            refused = self.ask("DELETE", f"/keys/{path}", key=viewer)
            self.problem(refused, 403, "DENIED")
        long, key = (e["object"] for e in self.get("/audit?limit=2")["items"])
        self.assertEqual(key, "/api/v1/keys/" + viewer[:12])
        self.assertLess(len(long), 400)
        self.stop()

    def test_nobody_fills_the_log_by_what_he_may_not(self) -> None:
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 100000}, 204)
        header = {"Authorization": f"Bearer {self.make_key('viewer')}"}
        begin = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        for _ in range(300):
            c.request("GET", "/api/v1/audit", None, header)
            answer = c.getresponse()
            answer.read()
            self.assertEqual(answer.status, 403)
        c.close()
        most = 10 * (time.monotonic() - begin) + 11
        # The others are told of by their number, at the end too.
        self.stop()
        rows = self.call("audit", "list", "--limit", "1000", "-o", "json").json()
        denied = [e for e in rows if e["decision"] == "denied"]
        more = [e for e in denied if e["action"] == "denied.more"]
        counted = sum(e["detail"]["count"] for e in more)
        self.assertLess(len(denied), most + len(more))
        self.assertLessEqual(len(more), 2 + time.monotonic() - begin)
        self.assertEqual(len(denied) - len(more) + counted, 300)
        self.assertEqual({e["who"] for e in more}, {denied[-1]["who"]})
        self.call("audit", "verify")

    def test_what_fails_within_is_told_to_the_log_only(self) -> None:
        self.serve()
        with sqlite3.connect(self.data / "flowforge.db") as db:
            db.execute("ALTER TABLE api_key RENAME TO gone")
        answer = self.ask("GET", "/me", key=f"ffk_{'0' * 8}_{'0' * 43}")
        self.assertGreaterEqual(answer.status, 500)
        self.assertNotIn("api_key", answer.body.decode())
        ended = self.stop()
        self.assertIn("no such table", ended.err)
        self.assertIn(answer.headers["x-request-id"], ended.err)


if __name__ == "__main__":
    unittest.main()
