#!/usr/bin/python3
"""What is another tenant's is not there. Each route of the document that names
something, in its path, its query or its body, is asked for what a foreign tenant has
and for what nobody has: status, headers and words are the same, and so is what the
store is asked and how many rows it finds, which clocks could tell from outside. A route
or a field that this test does not know makes it fail."""

import re
import unittest
import urllib.parse
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ff_api import WORKFLOW, Answer, ApiTest

NOBODY = "01890000-0000-7000-8000-000000000000"
NIGHTLY = """flowforge: 1
name: nightly
triggers:
  cron: {expr: "0 3 1 1 *", id: night}
  webhook: {path: hook, verify: github, secret: token}
tasks: {a: {run: "true"}}
"""

# Parts of paths: what another tenant has, and what nobody has. Of runs: set_up.
NAMES = {
    "keys/{id}": ("", "zzzzzzzz"),
    "sessions/{id}": ("", "zzzzzzzz"),
    "runs/{id}": ("", NOBODY),
    "tasks/{task}": ("fetch", "fetch"),
    "attempts/{attempt}": ("1", "1"),
    "artifacts/{artifact}": ("model", "model"),
    "workflows/{workflow}": ("etl", "none"),
    "labels/{label}": ("stable", "stable"),
    "members/{subject}": ("mia", "nobody"),
    "tenants/{name}": ("default", "nothing"),
    "projects/{name}": ("site", "absent"),
    "schedules/{schedule}": ("nightly.night", "none.night"),
    "limits/{limit}": ("gpu", "none"),
    "queues/{queue}": ("slow", "none"),
    "secrets/{secret}": ("token", "none"),
    "webhooks/{tenant}": ("default", "nothing"),
    "{tenant}/{path}": ("hook", "none"),
    "rows/{record}": ("counter", "none"),
}
# They make something of that name in the caller's own tenant.
MAKES = {"setMember", "setLimit", "setSecret", "pauseQueue"}

# Fields of queries and bodies that name something. Of runs: set_up.
REFERENCES = {
    "run": ("", NOBODY),
    "workflow": ("etl", "none"),
    "schedule": ("nightly.night", "none.night"),
    "project": ("site", "nothing"),
    "tenant": ("default", "nothing"),
    "task": ("load", "none"),
    "from": ("load", "none"),
}
# Others that are texts: what is said, and not what is meant.
TEXTS = {
    *("source", "label", "cursor", "comment", "value", "title", "name", "key"),
    *("hash",),  # of a version of the workflow in the path
    # of rows: always of the caller's tenant
    *("index", "equal", "at_least", "below", "after"),
}
# What a body must have beside the field that is tried.
BODIES: dict[str, dict[str, Any]] = {
    "applyWorkflow": {"source": "flowforge: 1\nname: new\ntasks: {t: {noop: true}}\n"},
    "changeTenant": {"disabled": True},
    "changeProject": {"weight": 2},
    "labelWorkflow": {"hash": "0123456789"},
    "createBackfill": {"from": "2025-01-01T00:00:00Z", "to": "2025-02-01T00:00:00Z"},
    "signalRun": {"name": "paid"},
    "sendEvent": {"name": "paid"},
    "createKey": {"name": "ci", "role": "viewer"},
    "setMember": {"role": "viewer"},
}
TRIES = 30  # whoever leads asks the store of its own accord, too
VARIES = ("date", "x-request-id", "ratelimit-remaining", "ratelimit-reset")


@dataclass(frozen=True)
class Asked:
    """A route with one name, which is another's or nobody's."""

    id: str
    method: str
    path: str
    body: dict[str, Any] | None
    names: tuple[str, ...]
    in_path: bool = False


class Foreign(ApiTest):
    def set_up(self) -> None:
        """All that the default tenant has, and an administrator of another one."""
        self.trace = self.folder / "calls"
        self.serve(
            *("--set", "engine.store_filters=store-trace"),
            *("--set", f"store-trace.file={self.trace}"),
        )
        self.run_id = self.make_runs(1)[0]
        self.call("apply", self.file("etl.yaml", WORKFLOW))
        self.call("apply", self.file("nightly.yaml", NIGHTLY))
        key = self.make_key("viewer")
        self.key_id = key[4:12]
        made = self.change("POST", "/sessions", {}, key=key).json()
        self.session_id, self.session = made["id"], made["credential"]
        self.change("PUT", "/members/mia", {"role": "viewer"}, 204)
        self.change("POST", "/projects", {"name": "site"})
        self.change("PUT", "/limits/gpu", {"size": 3}, 204)
        self.change("PUT", "/secrets/token", {"value": "not to be seen"}, 204)
        self.change("POST", "/queues/slow/pause", status=204)
        self.change("POST", "/tenants", {"name": "acme"})
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/acme", often, 204)
        self.key = self.make_key("admin", "--tenant", "acme")
        self.get("/me", self.key)

    # --- what is asked ---

    def part(self, path: str, name: str, foreign: bool) -> str:
        """What stands for {name} in a path."""
        known = re.search(r"[^/]*/\{%s\}" % name, path)
        assert known
        self.assertIn(known.group(), NAMES, f"{path} needs a line in this test")
        theirs, nobodys = NAMES[known.group()]
        if not theirs:
            theirs = {"runs/": self.run_id, "sessions/": self.session_id}.get(
                path.split("{")[0].removeprefix("/api/v1/"), self.key_id
            )
        return theirs if foreign else nobodys

    def by_path(self, path: str, method: str, operation: Any) -> tuple[Asked, Asked]:
        out = []
        for foreign in (True, False):
            names = re.findall(r"\{([^}]*)\}", path)
            values = [self.part(path, name, foreign) for name in names]
            place = path
            for name, value in zip(names, values, strict=True):
                place = place.replace("{%s}" % name, value)
            body = BODIES.get(operation["operationId"], {})
            given = dict(body) if "requestBody" in operation else None
            id = operation["operationId"]
            out.append(Asked(id, method, place, given, (*values,), in_path=True))
        return out[0], out[1]

    def mine(self, path: str) -> str:
        """The same route about what is not there: its fields are looked at first."""
        for name in re.findall(r"\{([^}]*)\}", path):
            path = path.replace("{%s}" % name, self.part(path, name, foreign=False))
        return path

    def by_query(self, path: str, method: str, operation: Any, field: str) -> Any:
        body = BODIES.get(operation["operationId"], {})
        given = dict(body) if "requestBody" in operation else None
        for value in REFERENCES[field]:
            value = value or self.run_id
            place = f"{self.mine(path)}?{field}={value}"
            yield Asked(operation["operationId"], method, place, given, (value,))

    def by_body(self, path: str, method: str, operation: Any, field: str) -> Any:
        for value in REFERENCES[field]:
            body = BODIES.get(operation["operationId"], {}) | {field: value}
            place = self.mine(path)
            yield Asked(operation["operationId"], method, place, body, (value,))

    def names_something(self, where: str, name: str, schema: Any) -> bool:
        if schema.get("type") != "string" or "enum" in schema or "format" in schema:
            return False
        self.assertTrue(
            name in REFERENCES or name in TEXTS, f"{where}: is {name} of somebody?"
        )
        return name in REFERENCES

    def all_asked(self, document: Any) -> Any:
        """Pairs: what a foreign tenant has, and what nobody has."""
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                id = operation["operationId"]
                if "{" in path and id not in MAKES:
                    yield self.by_path(path, method, operation)
                for p in operation["parameters"]:
                    if p["in"] == "query" and self.names_something(
                        id, p["name"], p["schema"]
                    ):
                        yield tuple(self.by_query(path, method, operation, p["name"]))
                content = operation.get("requestBody", {}).get("content", {})
                body = content.get("application/json", {}).get("schema", {})
                for name, schema in body.get("properties", {}).items():
                    if self.names_something(id, name, schema):
                        yield tuple(self.by_body(path, method, operation, name))

    # --- what is answered ---

    def neutral(self, answer: Answer, names: tuple[str, ...]) -> tuple[int, str]:
        text = answer.body.decode()
        for name in names:
            for form in (urllib.parse.quote(name), name):
                text = re.sub(rf"\b{re.escape(form)}\b", "ID", text)
        text = re.sub(r'"request_id":"[^"]*"', "", text)
        said = {k: v for k, v in answer.headers.items() if k not in VARIES}
        said["content-length"] = ""  # the names differ in length
        return answer.status, f"{sorted(said.items())}\n{text}"

    def try_one(self, asked: Asked) -> tuple[tuple[int, str], Counter[str]]:
        """What it is answered, and what the store is asked for it."""
        before = self.trace.stat().st_size
        answer = self.ask(asked.method.upper(), asked.path, asked.body, key=self.key)
        with self.trace.open() as file:
            file.seek(before)
            # A webhook's secret has to be read by whoever calls it without.
            words = 2 if asked.id == "callWebhook" else 3
            calls = Counter(" ".join(line.split()[:words]) for line in file)
        return self.neutral(answer, asked.names), calls

    def compare(self, foreign: Asked, missing: Asked) -> None:
        where = f"{foreign.id} {foreign.path} {foreign.body}"
        for again in reversed(range(TRIES)):
            theirs, nobodys = self.try_one(foreign), self.try_one(missing)
            self.assertEqual(theirs[0], nobodys[0], where)
            if foreign.in_path:
                self.assertIn(theirs[0][0], (403, 404), where)
            if theirs[1] == nobodys[1]:
                return
            if not again:
                self.assertEqual(theirs[1], nobodys[1], where)

    def test_what_is_foreign_is_told_from_what_is_missing_by_nothing(self) -> None:
        self.set_up()
        n = 0
        for foreign, missing in self.all_asked(self.get("/openapi.json")):
            with self.subTest(id=foreign.id, path=foreign.path, body=foreign.body):
                self.compare(foreign, missing)
            n += 1
        self.assertGreater(n, 40)
        # And it is all still there.
        self.get(f"/runs/{self.run_id}")
        self.get("/workflows/etl")
        self.assertEqual([m["subject"] for m in self.get("/members")["items"]], ["mia"])
        self.assertNotIn("revoked_at", self.get("/keys")["items"][0])
        self.get("/me", self.session)
        self.assertNotIn("paused_at", self.get("/schedules/nightly.night"))
        self.assertEqual(self.get("/limits")["items"][0]["size"], 3)
        self.assertEqual(len(self.get("/secrets")["items"]), 1)
        self.assertEqual(len(self.get("/queues")["items"]), 1)
        self.assertEqual(len(self.get("/runs")["items"]), 1)
        self.assertEqual(self.stop().code, 0)

    def test_lists_hold_nothing_of_another_tenant(self) -> None:
        self.serve()
        self.make_runs(2)
        self.call("apply", self.file("etl.yaml", WORKFLOW))
        self.change("POST", "/tenants", {"name": "acme"})
        key = self.make_key("admin", "--tenant", "acme")
        for path in ("/runs", "/workflows", "/members", "/schedules", "/secrets"):
            self.assertEqual(self.get(path, key)["items"], [], path)
        self.assertEqual(
            [k["name"] for k in self.get("/keys", key)["items"]], ["k-admin"]
        )
        self.assertEqual(
            {e["object"] for e in self.get("/audit", key)["items"]},
            {"key/" + key[4:12]},
        )
        for path in ("/tenants", "/tenants/acme"):
            self.problem(self.ask("GET", path, key=key), 403, "DENIED")
        self.stop()


if __name__ == "__main__":
    unittest.main()
