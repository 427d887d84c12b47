#!/usr/bin/python3
# ctest: timeout=300
"""Sessions: short credentials that somebody gets who shows a token or an API key. They
give what he may by now, and end with what he has lost."""

import calendar
import hashlib
import re
import sqlite3
import time
import unittest
from typing import Any

import jwt
from ff_api import ApiTest
from ff_cli import PATIENCE, Process

SECRET = "mC8v0Yz4Qw1nRk7TsXe2JbLhUa9GfPd5oI3"
FORM = re.compile(r"ffs_[0-9a-z]{8}_[0-9A-Za-z]{43}")


def token(sub: str = "ada", roles: str = "", lives: int = 300, **more: Any) -> str:
    now = int(time.time())
    said = {"iss": "flowforge", "aud": "flowforge", "sub": sub, "tenant": "default"}
    said |= {"roles": roles.split(), "iat": now, "exp": now + lives, **more}
    return str(jwt.encode(said, SECRET, algorithm="HS256"))


NEW_KEY = {"name": "ci", "role": "viewer"}


def new_key(days: int) -> dict[str, Any]:
    at = time.gmtime(time.time() + days * 86400)
    return NEW_KEY | {"expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", at)}


class Sessions(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.env |= {
            "FLOWFORGE_SERVER_AUTH": "auth-jwt",
            "FLOWFORGE_AUTH_JWT_SECRET": SECRET,
        }

    def serve(self, *args: str) -> Process:
        started = super().serve(*args)
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/default", often, 204)
        return started

    def session(self, key: str, status: int = 201, **body: Any) -> Any:
        return self.change("POST", "/sessions", body, status, key=key).json()

    def refused(self, credential: str, why: str) -> None:
        said = self.problem(
            self.ask("GET", "/me", key=credential), 401, "UNAUTHENTICATED"
        )
        self.assertIn(why, said["detail"])

    def rows(self) -> list[Any]:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            return db.execute("SELECT id, hash FROM session").fetchall()

    def test_a_session_is_who_asked_for_it_and_outlives_his_token(self) -> None:
        self.serve()
        short = token(roles="operator", lives=-45)  # within the leeway of a minute
        made = self.session(short)
        self.assertRegex(made["credential"], FORM)
        me = self.get("/me", made["credential"])
        self.assertEqual(
            ("ada", "session", "default", "operator", made["expires_at"]),
            (me["subject"], me["via"], me["tenant"], me["role"], me["expires_at"]),
        )
        end = time.monotonic() + PATIENCE
        while self.ask("GET", "/me", key=short).status == 200:
            self.assertLess(time.monotonic(), end)
        self.get("/runs", made["credential"])
        self.stop()
        self.serve()  # it is durable
        self.get("/runs", made["credential"])
        # Only a hash is kept, and nothing of it stands in the log.
        secret = made["credential"][13:]
        stored = [(made["id"], hashlib.sha256(secret.encode()).hexdigest())]
        self.assertEqual(stored, self.rows())
        self.stop()
        for file in self.data.iterdir():
            if file.is_file():
                self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def test_a_shorter_life_is_that_of_those_that_are_there_too(self) -> None:
        self.serve()
        made = self.session(token(), ttl_seconds=3600)["credential"]
        self.assertEqual(self.ask("GET", "/me", key=made).status, 200)
        self.stop()
        self.env["FLOWFORGE_AUTH_TOKEN_TTL"] = "1s"
        self.serve()
        end = time.monotonic() + PATIENCE
        while self.ask("GET", "/me", key=made).status == 200:
            self.assertLess(time.monotonic(), end)
        self.refused(made, "expired: `flowforge login`")
        self.stop()

    def test_it_lives_as_long_as_is_asked_and_allowed(self) -> None:
        self.env["FLOWFORGE_SERVER_SESSION_TTL"] = "10m"
        self.env["FLOWFORGE_AUTH_TOKEN_TTL"] = "20m"
        self.serve()

        def life(**body: Any) -> float:
            made = self.session(token(), **body)["expires_at"]
            at = time.strptime(made[:19], "%Y-%m-%dT%H:%M:%S")
            return round((calendar.timegm(at) - time.time()) / 60)

        self.assertEqual(10, life())
        self.assertEqual(20, life(ttl_seconds=1200))
        for bad in (1201, 0, -1, "1h"):
            self.problem(
                self.ask("POST", "/sessions", {"ttl_seconds": bad}, key=token()),
                400,
                "INVALID",
            )
        made = self.session(token(), ttl_seconds=1)["credential"]
        end = time.monotonic() + PATIENCE
        while self.ask("GET", "/me", key=made).status == 200:
            self.assertLess(time.monotonic(), end)
        self.refused(made, "expired: `flowforge login`")
        # The next ones take it with them.
        n = len(self.rows())
        self.session(token())
        self.assertEqual(n, len(self.rows()))
        self.stop()

    def test_a_session_makes_no_session_and_nobody_makes_one_of_nothing(self) -> None:
        self.serve()
        made = self.session(token(roles="admin"))["credential"]
        said = self.problem(self.ask("POST", "/sessions", {}, key=made), 403, "DENIED")
        self.assertIn("makes no other one", said["detail"])
        self.problem(self.ask("POST", "/sessions", {}), 403, "DENIED")
        self.assertEqual(1, len(self.rows()))
        self.refused(made[:-1] + ("a" if made[-1] != "a" else "b"), "not known")
        self.refused("ffs_" + "a" * 8 + "_" + "a" * 43, "not known")
        self.refused("ffs_letmein", "no session")
        self.stop()

    def test_what_the_subject_loses_is_lost_at_once(self) -> None:
        self.serve()
        self.change("PUT", "/members/ada", {"role": "author"}, 204)
        made = self.session(token(roles="viewer"))["credential"]
        self.assertEqual("author", self.get("/me", made)["role"])
        self.change("DELETE", "/members/ada", status=204)
        self.assertEqual("viewer", self.get("/me", made)["role"])
        # What he gets is got, too: roles are those of the moment.
        self.change("PUT", "/members/ada", {"role": "operator"}, 204)
        self.assertEqual("operator", self.get("/me", made)["role"])
        self.stop()

    def test_a_member_who_is_removed_may_nothing_any_more(self) -> None:
        self.serve()
        self.change("PUT", "/members/ada", {"role": "admin"}, 204)
        made = self.session(token())["credential"]
        self.get("/keys", made)
        self.change("DELETE", "/members/ada", status=204)
        for path in ("/keys", "/runs", "/audit"):
            self.problem(self.ask("GET", path, key=made), 403, "DENIED")
        self.stop()

    def test_a_tenant_that_is_disabled_ends_its_sessions(self) -> None:
        self.serve()
        self.change("POST", "/tenants", {"name": "acme"})
        made = self.session(token(roles="viewer", tenant="acme"))["credential"]
        self.assertEqual("acme", self.get("/me", made)["tenant"])
        self.change("PATCH", "/tenants/acme", {"disabled": True}, 204)
        self.refused(made, "disabled")
        self.change("PATCH", "/tenants/acme", {"disabled": False}, 204)
        self.get("/me", made)
        self.stop()

    def test_a_session_of_a_key_ends_with_the_key(self) -> None:
        self.serve()
        self.change("POST", "/projects", {"name": "site"})
        body = {"name": "ci", "role": "author", "project": "site"}
        key = self.change("POST", "/keys", body).json()
        made = self.session(key["credential"])["credential"]
        me = self.get("/me", made)
        self.assertEqual(
            (f"key:{key['id']}", "session", "none", "site", "author"),
            tuple(me[n] for n in ("subject", "via", "role", "project", "project_role")),
        )
        item = self.get("/sessions", made)["items"][0]
        self.assertEqual(key["id"], item["key"])
        self.change("DELETE", f"/keys/{key['id']}", status=204)
        self.refused(made, "revoked")
        self.stop()

    def test_a_session_of_a_key_does_not_outlive_it(self) -> None:
        self.serve()
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1800))
        body = {"name": "ci", "role": "viewer", "expires_at": soon}
        key = self.change("POST", "/keys", body).json()["credential"]
        made = self.session(key, ttl_seconds=7200)
        self.assertEqual(soon[:19], made["expires_at"][:19])
        self.stop()

    def no_key(self, key: str, body: Any, why: str) -> None:
        said = self.problem(self.ask("POST", "/keys", body, key=key), 400, "INVALID")
        self.assertIn(why, said["detail"])

    def test_a_key_of_who_is_known_for_a_while_has_an_end(self) -> None:
        self.serve()
        endless = self.make_key("admin", "--expires", "never")
        ada = token(roles="admin")
        sessions = [self.session(key)["credential"] for key in (ada, endless)]
        for key in (ada, *sessions):
            for body in (new_key(367), NEW_KEY | {"never_expires": True}):
                self.no_key(key, body, "366 days")
            for body in (new_key(365), NEW_KEY):
                made = self.change("POST", "/keys", body, key=key).json()
                row = self.get(f"/keys/{made['id']}")
                self.assertEqual(made["expires_at"], row["expires_at"])
        for body in (new_key(367), NEW_KEY | {"never_expires": True}):
            made = self.change("POST", "/keys", body, key=endless).json()
            self.assertEqual("never_expires" in body, "expires_at" not in made)
        self.stop()

    def test_what_a_key_makes_does_not_outlive_it(self) -> None:
        self.serve()
        maker = self.make_key("admin", "--expires", "30d")
        end = self.get("/keys")["items"][0]["expires_at"]
        for key in (maker, self.session(maker)["credential"]):
            for body in (new_key(31), NEW_KEY | {"never_expires": True}):
                self.no_key(key, body, f"which is at {end}")
            # What is not asked for is as much as there is.
            for body, until in (
                (NEW_KEY, end),
                (NEW_KEY | {"expires_at": end}, end),
                (new_key(29), new_key(29)["expires_at"]),
            ):
                made = self.change("POST", "/keys", body, key=key).json()
                self.assertEqual(made["expires_at"][:16], until[:16])
                self.assertLessEqual(made["expires_at"], end)
        self.stop()

    def test_own_ones_are_listed_and_ended(self) -> None:
        self.serve()
        mine = [self.session(token()) for _ in range(3)]
        other = self.session(token(sub="eve", roles="operator"))
        listed = self.pages("/sessions", 2, key=token())
        self.assertEqual({m["id"] for m in mine}, {s["id"] for s in listed})
        self.assertEqual({"ada"}, {s["subject"] for s in listed})
        self.assertNotIn("hash", str(listed))
        # By the session itself, as `flowforge logout` does.
        first = mine[0]["credential"]
        self.change("DELETE", f"/sessions/{mine[0]['id']}", status=204, key=first)
        self.refused(first, "was ended")
        # Another's is as if it were not there.
        for id in (other["id"], "zzzzzzzz", "x", other["credential"]):
            self.problem(
                self.ask("DELETE", f"/sessions/{id}", key=token()), 404, "NOT_FOUND"
            )
        self.problem(self.ask("GET", "/sessions?all=true", key=token()), 403, "DENIED")
        admin = self.make_key("admin")
        seen = self.pages("/sessions?all=true", 2, key=admin)
        self.assertEqual(3, len(seen))
        self.change("DELETE", f"/sessions/{other['id']}", status=204, key=admin)
        self.refused(other["credential"], "was ended")
        log = self.get("/audit", admin)["items"]
        told = [(e["who"], e["action"], e["object"]) for e in log]
        self.assertIn(("eve", "session.create", f"session/{other['id']}"), told)
        self.assertIn(("ada", "session.end", f"session/{mine[0]['id']}"), told)
        by = next(e for e in log if e["object"] == f"session/{other['id']}")
        self.assertEqual(f"key:{admin[4:12]}", by["who"])
        self.assertNotIn(other["credential"][13:], str(log))
        self.call("audit", "verify")
        self.stop()

    def test_nobody_has_more_than_a_hundred(self) -> None:
        self.serve()
        key = token()
        for _ in range(100):
            self.session(key)
        said = self.problem(
            self.ask("POST", "/sessions", {}, key=key), 409, "QUOTA_EXCEEDED"
        )
        self.assertIn("100 sessions", said["detail"])
        self.session(token(sub="eve"))
        self.stop()

    def test_a_repeat_makes_no_second_one(self) -> None:
        self.serve()
        first = self.ask("POST", "/sessions", {}, key=token(), Idempotency_Key="a")
        again = self.ask("POST", "/sessions", {}, key=token(), Idempotency_Key="a")
        self.assertEqual((201, 409), (first.status, again.status))
        self.assertEqual(1, len(self.rows()))
        self.stop()


class OfThisMachine(ApiTest):
    def test_what_came_of_a_token_for_this_machine_is_for_it_too(self) -> None:
        self.env["FLOWFORGE_SERVER_AUTH"] = "auth-dev"
        self.env["FLOWFORGE_AUTH_DEV_TOKEN"] = "d" * 32
        self.serve()
        for _ in range(2):  # found out, and remembered
            self.change("POST", "/sessions", {}, key="d" * 32)
        with sqlite3.connect(self.data / "flowforge.db") as db:
            said = db.execute("SELECT here_only FROM session").fetchall()
        self.assertEqual([(1,), (1,)], said)
        self.stop()


if __name__ == "__main__":
    unittest.main()
