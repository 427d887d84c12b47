#!/usr/bin/python3
"""Webhooks: calls from outside that start runs, by curl as senders make them."""

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import time
import unittest
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE

SECRET = "It's a Secret to Everybody"
HOOK = """flowforge: 1
name: NAME
triggers:
  webhook: {path: push, secret: SECRET, verify: VERIFYMORE}
tasks:
  a: {run: 'true'}
outputs: {event: "${{ event }}"}
"""


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhook(ApiTest):
    def apply(
        self,
        name: str = "build",
        secret: str = "hook_key",
        verify: str = "github",
        more: str = "",
        key: str | None = None,
    ) -> None:
        text = HOOK.replace("NAME", name).replace("SECRET", secret)
        text = text.replace("VERIFY", verify).replace("MORE", more)
        answer = self.ask("POST", "/workflows", {"source": text}, key=key)
        self.assertEqual(answer.status, 201, answer.body)

    def set_secret(
        self, name: str = "hook_key", value: str = SECRET, key: str | None = None
    ) -> None:
        self.change("PUT", f"/secrets/{name}", {"value": value}, 204, key=key)

    def curl(
        self, body: bytes, *headers: str, where: str = "default/push", how: str = ""
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, answer and its headers."""
        args = [a for header in headers for a in ("-H", header)]
        done = subprocess.run(
            [
                *("curl", "-sS", "--noproxy", "*", "-m", "20", "-i"),
                *([how] if how else []),
                *(*args, "--data-binary", "@-"),
                f"http://127.0.0.1:{self.port}/api/v1/webhooks/{where}",
            ],
            input=body,
            capture_output=True,
            check=True,
        )
        head, _, said = done.stdout.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        named = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), json.loads(said), named

    def deliver(
        self, value: Any, *headers: str, where: str = "default/push"
    ) -> tuple[int, Any, dict[str, str]]:
        """As GitHub does it."""
        body = json.dumps(value).encode()
        return self.curl(
            body,
            "Content-Type: application/json",
            f"X-Hub-Signature-256: {sign(body)}",
            *headers,
            where=where,
        )

    def runs(self, n: int, key: str | None = None) -> list[Any]:
        """That many runs, when all have ended; there are no more."""
        end = time.monotonic() + PATIENCE
        while True:
            items = self.get("/runs", key)["items"]
            self.assertLessEqual(len(items), n)
            if len(items) == n and all(i["state"] == "succeeded" for i in items):
                break
            self.assertLess(time.monotonic(), end, items)
        return [self.get(f"/runs/{i['id']}", key) for i in items]

    def event(self, run: Any) -> Any:
        return run["outputs"]["event"]


class Delivering(Webhook):
    def test_a_delivery_of_github_starts_one_run_however_often_it_comes(self) -> None:
        self.serve()
        self.apply()
        self.set_secret()
        named = ("X-GitHub-Delivery: 72d3162e", "X-GitHub-Event: push")
        first = self.deliver({"ref": "main"}, *named, "Cookie: session=1")
        self.assertEqual(first[:2], (202, {"schedules": 1}))
        (run,) = self.runs(1)
        self.assertEqual(run["schedule"], "build.webhook")
        event = self.event(run)
        self.assertEqual(event["body"], {"ref": "main"})
        self.assertEqual(event["encoding"], "json")
        self.assertEqual(event["headers"]["x-github-event"], "push")
        for kept_back in ("cookie", "x-hub-signature-256", "host"):
            self.assertNotIn(kept_back, event["headers"])
        again = self.deliver({"ref": "main"}, *named)
        self.assertEqual(again[:2], (202, {"schedules": 1}))
        self.assertEqual(again[2]["idempotency-replayed"], "true")
        other = self.deliver({"ref": "other"}, *named)
        self.assertEqual(other[0], 422)
        self.deliver({"ref": "main"}, "X-GitHub-Delivery: another")
        self.runs(2)
        done = self.get("/audit?limit=10")["items"]
        calls = [e for e in done if e["action"] == "webhook.call"]
        self.assertEqual(len(calls), 2)
        self.assertEqual(calls[0]["who"], "webhook:push")
        self.assertEqual(calls[0]["via"], "webhook")
        self.stop()

    def test_json_forms_texts_and_bytes_are_told_as_what_they_are(self) -> None:
        self.serve()
        self.apply(verify="token")
        self.set_secret()
        token = f"Authorization: Bearer {SECRET}"
        form = "Content-Type: application/x-www-form-urlencoded"
        text = "Content-Type: text/plain"
        fields = {"a": "1", "b": ["x y\n", "\u00e9"], "c": ""}
        cases: list[tuple[bytes, str, Any, str]] = [
            (b"[1]", "Content-Type: application/cloudevents+json", [1], "json"),
            (b"a=1&b=x+y%0A&b=%C3%A9&c", form, fields, "form"),
            ("h\u00e9\nllo".encode(), text, "h\u00e9\nllo", "text"),
            (b"\x00\xff", "Content-Type: application/pdf", "AP8=", "base64"),
            (b"", text, None, "json"),
        ]
        for body, kind, told, encoding in cases:
            status, said, _ = self.curl(body, kind, token, where="default/push?x=1&x=2")
            self.assertEqual((status, said), (202, {"schedules": 1}))
            run = self.runs(1 + cases.index((body, kind, told, encoding)))[0]
            self.assertEqual(self.event(run)["body"], told)
            self.assertEqual(self.event(run)["encoding"], encoding)
            self.assertEqual(self.event(run)["query"], {"x": "1"})
        for body, kind in ((b"{", "Content-Type: application/json"), (b"%zz", form)):
            self.assertEqual(self.curl(body, kind, token)[0], 400)
        gitlab = self.curl(b"{}", f"X-Gitlab-Token: {SECRET}")
        self.assertEqual(gitlab[0], 202)
        large = self.curl(b" " * (256 * 1024 + 1), token)
        self.assertEqual(large[0], 413)
        self.runs(len(cases) + 1)
        self.stop()

    def test_conditions_pauses_and_debounce_hold(self) -> None:
        self.serve()
        self.apply(more=", if: event.body.n > 2, debounce: 1s")
        self.set_secret()
        for n in (1, 3, 4):
            self.assertEqual(self.deliver({"n": n})[0], 202)
        (run,) = self.runs(1)
        self.assertEqual(self.event(run)["body"], {"n": 4})
        self.change("POST", "/schedules/build.webhook/pause", status=204)
        self.assertEqual(self.deliver({"n": 5})[:2], (202, {"schedules": 0}))
        self.runs(1)
        self.stop()


class Refusing(Webhook):
    def standard(self, body: bytes, at: int, id: str, key: bytes) -> list[str]:
        signed = b"%s.%d.%s" % (id.encode(), at, body)
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        return [
            f"Webhook-Id: {id}",
            f"Webhook-Timestamp: {at}",
            f"Webhook-Signature: v1,AAAA v1,{base64.b64encode(digest).decode()}",
        ]

    def test_a_signature_with_a_time_counts_for_five_minutes(self) -> None:
        self.serve()
        self.apply(verify="standard")
        key = bytes(range(32))
        self.set_secret(value="whsec_" + base64.b64encode(key).decode())
        now = int(time.time())
        body = b'{"n":1}'
        kind = "Content-Type: application/json"
        for at, id, wanted in (
            (now - 3600, "old", 404),
            (now + 3600, "early", 404),
            (now, "good", 202),
            (now - 200, "late", 202),
        ):
            headers = self.standard(body, at, id, key)
            self.assertEqual(self.curl(body, kind, *headers)[0], wanted, id)
        # What was overheard is worth nothing: not again, nor for another delivery.
        heard = self.standard(body, now, "good", key)
        self.assertIn("idempotency-replayed", self.curl(body, kind, *heard)[2])
        heard[0] = "Webhook-Id: other"
        self.assertEqual(self.curl(body, kind, *heard)[0], 404)
        self.assertEqual(
            self.curl(body, kind, *self.standard(body, now, "x", b""))[0], 404
        )
        self.runs(2)
        # Nor with a secret that is none.
        self.set_secret(value="whsec_!!!!")
        forged = self.standard(body, now, "forged", b"")
        self.assertEqual(self.curl(body, kind, *forged)[0], 404)
        self.runs(2)
        self.stop()

    def test_what_is_wrong_is_told_from_what_is_not_there_by_nothing(self) -> None:
        self.serve()
        self.apply()
        self.apply("keyless", "never_set")
        self.set_secret()
        self.change("POST", "/tenants", {"name": "acme"})
        self.change("POST", "/tenants", {"name": "gone"})
        self.change("PATCH", "/tenants/gone", {"disabled": True}, 204)
        body = b"{}"
        good = f"X-Hub-Signature-256: {sign(body)}"
        wrong = f"X-Hub-Signature-256: {sign(body, 'guess')}"
        seen = set()
        cases: list[tuple[str, list[str]]] = [
            ("default/push", [wrong]),
            ("default/push", []),
            ("default/push", ["X-Hub-Signature-256: sha256="]),
            ("default/push", [f"Authorization: Bearer {SECRET}"]),
            ("default/other", [good]),
            ("acme/push", [good]),
            ("gone/push", [good]),
            ("nobody/push", [good]),
            ("No-Tenant/push", [good]),
        ]
        for where, headers in cases:
            status, said, named = self.curl(body, *headers, where=where)
            self.assertEqual(status, 404, (where, headers))
            self.assertEqual(said.pop("instance"), f"/api/v1/webhooks/{where}")
            self.assertEqual(said.pop("request_id"), named.pop("x-request-id"))
            for name in ("date", "content-length"):
                named.pop(name, None)
            kept = {k: v for k, v in named.items() if not k.startswith("ratelimit")}
            seen.add(json.dumps([said, kept], sort_keys=True))
        self.assertEqual(len(seen), 1, seen)
        self.assertEqual(self.get("/runs")["items"], [])
        self.assertEqual(self.curl(body, good)[0], 202)
        self.runs(1)
        done = self.stop()
        self.assertIn("its signature is not right", done.err)
        self.assertNotIn(SECRET, done.err)

    def test_any_path_costs_the_same(self) -> None:
        """What the store is asked for a call that is refused, which takes its time."""
        trace = self.folder / "calls"
        self.serve(
            *("--set", "engine.store_filters=store-trace"),
            *("--set", f"store-trace.file={trace}"),
        )
        self.set_secret("one", "the secret of one")
        self.set_secret("two", "the secret of two")
        self.apply("first", "one")
        self.apply("second", "two")
        other = HOOK.replace("path: push", "path: pull").replace("NAME", "third")
        other = other.replace("SECRET", "one").replace("VERIFYMORE", "github")
        self.change("POST", "/workflows", {"source": other})
        self.curl(b"{}", where="default/push")
        asked = {}
        for path in ("push", "pull", "none"):
            seen = []
            for _ in range(7):  # whoever leads asks the store of its own accord, too
                before = trace.stat().st_size
                self.assertEqual(self.curl(b"{}", where=f"default/{path}")[0], 404)
                calls = trace.read_text()[before:].splitlines()
                seen.append(sum("scan" in line and "secret" in line for line in calls))
            asked[path] = max(seen, key=seen.count)
        self.assertEqual(asked, {"push": 2, "pull": 2, "none": 2})
        self.stop()

    def test_a_secret_that_cannot_be_read_just_now_is_asked_for_later(self) -> None:
        self.serve()
        self.apply()
        self.set_secret()
        keys = self.data / "secret.keys"
        away = self.data / "secret.away"
        keys.rename(away)
        keys.mkdir(mode=0o700)  # it cannot be read
        status, said, named = self.deliver({})
        self.assertEqual((status, said["code"]), (503, "UNAVAILABLE"))
        self.assertIn("retry-after", named)
        # Nor does that tell which paths there are.
        self.assertEqual(self.deliver({}, where="default/none")[0], 503)
        keys.rmdir()
        away.rename(keys)
        self.assertEqual(self.deliver({})[0], 202)
        self.runs(1)
        self.stop()

    def test_each_tenant_has_its_own_paths_and_secrets(self) -> None:
        self.serve()
        self.change("POST", "/tenants", {"name": "acme"})
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/acme", often, 204)
        key = self.make_key("author", "--tenant", "acme")
        self.apply()
        self.set_secret()
        self.apply(key=key)
        self.set_secret(value="of acme", key=key)
        self.assertEqual(self.deliver({}, where="acme/push")[0], 404)
        body = b"{}"
        own = f"X-Hub-Signature-256: {sign(body, 'of acme')}"
        self.assertEqual(self.curl(body, own, where="acme/push")[0], 202)
        self.assertEqual(self.curl(body, own)[0], 404)
        self.runs(1, key)
        self.assertEqual(self.get("/runs")["items"], [])
        self.stop()

    def test_two_workflows_of_a_path_are_called_by_who_knows_their_secrets(
        self,
    ) -> None:
        self.serve()
        self.apply("one", "key_one")
        self.apply("two", "key_two")
        self.apply("three", "key_two")
        self.set_secret("key_one", "first secret")
        self.set_secret("key_two", "second secret")
        body = b"{}"
        for secret, n in (("first secret", 1), ("second secret", 2)):
            said = self.curl(body, f"X-Hub-Signature-256: {sign(body, secret)}")
            self.assertEqual(said[:2], (202, {"schedules": n}))
        names = sorted(run["workflow"] for run in self.runs(3))
        self.assertEqual(names, ["one", "three", "two"])
        self.stop()

    def test_callers_of_one_path_name_their_deliveries_each_for_himself(self) -> None:
        self.serve()
        self.apply("one", "key_one")
        self.apply("two", "key_two")
        self.set_secret("key_one", "first secret")
        self.set_secret("key_two", "second secret")
        for secret, body in (("first secret", b"1"), ("second secret", b"2")):
            for replayed in (False, True):
                status, said, named = self.curl(
                    body,
                    f"X-Hub-Signature-256: {sign(body, secret)}",
                    "X-GitHub-Delivery: 1",
                )
                self.assertEqual((status, said), (202, {"schedules": 1}))
                self.assertEqual("idempotency-replayed" in named, replayed)
        self.runs(2)
        self.stop()

    def test_wrong_calls_do_not_fill_the_log_whatever_tenants_they_name(self) -> None:
        self.serve()
        started = time.monotonic()
        for n in range(20):
            self.assertEqual(self.curl(b"{}", where=f"nobody{n}/push")[0], 404)
        took_s = time.monotonic() - started
        n_told = self.stop().err.count("a call of webhook")
        self.assertGreaterEqual(n_told, 1)
        self.assertLessEqual(n_told, 1 + took_s)

    def test_a_tenant_takes_so_many_calls_a_second(self) -> None:
        self.serve()
        self.apply()
        self.set_secret()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 1}, 204)
        # A wrong call takes nothing of it.
        self.assertEqual(self.curl(b"{}", "X-Hub-Signature-256: sha256=0")[0], 404)
        started = time.monotonic()
        answers = [self.deliver({"n": n}) for n in range(3)]
        took_s = time.monotonic() - started
        taken = [a[0] for a in answers].count(202)
        self.assertGreaterEqual(taken, 1)
        self.assertLessEqual(taken, 1 + took_s)
        if taken < 3:
            refused = next(a for a in answers if a[0] != 202)
            self.assertEqual(refused[0], 429)
            self.assertIn("retry-after", refused[2])
        self.stop()


class Dying(Webhook):
    def die(self, strike: int, named: str) -> bool:
        """A call of a server that is killed behind its n-th commit. True: nobody was
        there to answer it."""
        self.env["FF_FAILPOINT"] = f"store.commit.after:kill:{strike}"
        server = self.start("server", "--listen", "127.0.0.1:0")
        del self.env["FF_FAILPOINT"]
        try:
            server.wait_for("\n")
        except AssertionError:
            return False  # it has not come so far
        self.port = int(server.seen.strip().rpartition(":")[2])
        try:
            self.deliver({}, named)
        except subprocess.CalledProcessError:
            return True
        finally:
            server.end(signal.SIGKILL)
        return False

    def test_a_server_killed_before_it_answers_has_started_one_run(self) -> None:
        self.serve()
        self.apply()
        self.set_secret()
        self.stop()
        # Which of its commits is the one of the call is found by trying.
        for strike in range(1, 20):
            named = f"X-GitHub-Delivery: {strike}"
            died = self.die(strike, named)
            self.serve()
            status, said, headers = self.deliver({}, named)
            self.assertEqual((status, said), (202, {"schedules": 1}))
            self.runs(strike)
            self.stop()
            if died and "idempotency-replayed" in headers:
                return
        self.fail("no commit was durable whose call had no answer")


if __name__ == "__main__":
    unittest.main()
