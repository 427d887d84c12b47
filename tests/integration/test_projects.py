#!/usr/bin/python3
"""Runs, workflows and schedules belong to projects of a tenant: who has a role in one
sees, starts and steers those of that one, and those of others are not there for him."""
# ctest: timeout=300

import json
import sqlite3
import unittest
from typing import Any

from ff_api import ApiTest

WAITS = """flowforge: 1
name: waits
tasks:
  told: {wait_event: {name: paid}}
"""
OUTER = """flowforge: 1
name: outer
tasks:
  inner: {uses: workflow:waits}
"""
NAMES = """flowforge: 1
name: names
tasks:
  t:
    run: |
      printf %s "$FLOWFORGE_TENANT_ID/$FLOWFORGE_PROJECT_ID" > "$FF_OUT/names"
      curl -sf --unix-socket "${FLOWFORGE_API_ENDPOINT#unix://}" -o "$FF_OUT/said" \
        -H "Authorization: Bearer $FLOWFORGE_AUTH_TOKEN" http://task/api/v1/task
    outputs: {names: {}, said: {as: json}}
"""
TICK = """flowforge: 1
name: tick
triggers:
  cron: {id: year, expr: "0 0 1 1 *"}
tasks:
  t: {noop: true}
"""
HEARS = """flowforge: 1
name: hears
triggers:
  workflow: {name: tick}
tasks:
  t: {noop: true}
"""
HOOK = """flowforge: 1
name: hook
triggers:
  webhook: {path: paid, secret: paid}
tasks:
  t: {noop: true}
"""


class Projects(ApiTest):
    def set_up(self) -> None:
        self.serve()
        for name in ("site", "shop"):
            self.change("POST", "/projects", {"name": name})
        self.change("POST", "/workflows", {"source": WAITS})
        self.author = self.make_key("author", "--project", "site")
        self.viewer = self.make_key("viewer", "--project", "site")
        self.shop = self.make_key("admin", "--project", "shop")

    def submit(self, key: str | None = None, **more: Any) -> str:
        body = {"source": WAITS, **more}
        made = self.change("POST", "/runs", body, key=key).json()["id"]
        assert isinstance(made, str)
        return made

    def listed(self, key: str | None = None, query: str = "") -> list[tuple[str, str]]:
        items = self.get(f"/runs?order=oldest{query}", key)["items"]
        return [(i["id"], i["project"]) for i in items]

    def test_runs_are_made_in_projects_and_listed_by_them(self) -> None:
        self.set_up()
        usual = self.submit()
        named = self.submit(project="site")
        own = self.submit(self.author)
        shops = self.submit(self.shop, project="shop")
        everything = [
            (usual, "default"),
            (named, "site"),
            (own, "site"),
            (shops, "shop"),
        ]
        self.assertEqual(self.listed(), everything)
        self.assertEqual(self.listed(query="&project=site"), everything[1:3])
        self.assertEqual(self.listed(self.viewer), everything[1:3])
        self.assertEqual(self.listed(self.viewer, "&project=site"), everything[1:3])
        self.assertEqual(self.listed(self.shop), everything[3:])
        self.assertEqual(self.get(f"/runs/{own}", self.viewer)["project"], "site")
        for key in (None, self.author):
            for name in ("none", "shop" if key else "x"):
                body = {"source": WAITS, "project": name}
                answer = self.ask("POST", "/runs", body, key=key)
                self.problem(answer, 404, "NOT_FOUND")
                answer = self.ask("GET", f"/runs?project={name}", key=key)
                self.problem(answer, 404, "NOT_FOUND")
        # By name, too; one again stays in its project, and so does what a run starts.
        operator = self.make_key("operator", "--project", "shop")
        made = self.change("POST", "/runs", {"workflow": "waits"}, key=operator).json()
        self.assertEqual(self.get(f"/runs/{made['id']}")["project"], "shop")
        again = self.change("POST", f"/runs/{own}/rerun", {}, key=self.author).json()
        self.assertEqual(self.get(f"/runs/{again['id']}")["project"], "site")
        outer = {"source": OUTER, "project": "site"}
        self.change("POST", "/runs", outer)
        inside: list[str] = []
        while not inside:
            items = self.get("/runs?inside=true&workflow=waits&project=site")["items"]
            known = {named, own, again["id"]}
            inside = [i["id"] for i in items if i["id"] not in known]
        self.get(f"/runs/{inside[0]}", self.viewer)
        self.stop()

    def test_a_role_holds_in_its_project_and_nowhere_else(self) -> None:
        self.set_up()
        mine, theirs = self.submit(self.author), self.submit(project="shop")
        parts = ("", "/tasks", "/tasks/told", "/history", "/logs", "/artifacts")
        for part in parts:
            self.assertEqual(
                self.ask("GET", f"/runs/{mine}{part}", key=self.viewer).status,
                200,
                part,
            )
            for run, key in ((theirs, self.viewer), (mine, self.shop)):
                answer = self.ask("GET", f"/runs/{run}{part}", key=key)
                self.problem(answer, 404, "NOT_FOUND")
        for act in ("cancel", "terminate", "pause", "rerun", "retry"):
            refused = self.ask("POST", f"/runs/{mine}/{act}", key=self.viewer)
            self.problem(refused, 403, "DENIED")
            refused = self.ask("POST", f"/runs/{theirs}/{act}", key=self.author)
            self.problem(refused, 404, "NOT_FOUND")
        body = {"source": WAITS, "project": "site"}
        self.problem(self.ask("POST", "/runs", body, key=self.viewer), 403, "DENIED")
        # Of the project default only who has a role in it sees anything.
        for path in ("/workflows", "/schedules"):
            self.assertEqual(self.get(path, self.author)["items"], [])
        for path in ("/secrets", "/limits", "/queues"):
            self.problem(self.ask("GET", path, key=self.author), 403, "DENIED")
        self.change("POST", f"/runs/{mine}/pause", {}, 202, key=self.author)
        self.change("POST", f"/runs/{mine}/cancel", None, 202, key=self.author)
        steps = self.get("/events", self.viewer)["items"]
        self.assertEqual({s["run"] for s in steps}, {mine})
        audit = self.get("/audit?limit=1")["items"][0]
        self.assertEqual((audit["action"], audit["project"]), ("run.cancel", "site"))
        # A role in the whole tenant holds in each, and beside one of a project the
        # greater counts.
        everybody = self.make_key("viewer")
        self.assertEqual(len(self.listed(everybody)), 2)
        refused = self.ask("POST", f"/runs/{theirs}/cancel", key=everybody)
        self.problem(refused, 403, "DENIED")
        self.stop()

    def told(self, run: str, key: str | None) -> tuple[str, Any]:
        """What the run's task found in its environment, and what the API told it."""
        while self.get(f"/runs/{run}", key)["state"] != "succeeded":
            pass
        outputs = self.get(f"/runs/{run}/tasks/t", key)["outputs"]
        return outputs["names"], outputs["said"]

    def test_tasks_are_told_whose_they_are(self) -> None:
        self.set_up()
        self.change("POST", "/tenants", {"name": "acme"})
        self.call("project", "create", "lab", "--tenant", "acme")
        usual = self.make_key("author")
        acme = self.make_key("admin", "--tenant", "acme")
        for tenant in ("default", "acme"):
            often = {"max_requests_per_s": 100000}
            self.change("PATCH", f"/tenants/{tenant}", often, 204)
        lab = self.make_key("author", "--tenant", "acme", "--project", "lab")
        for key, tenant, project in (
            (usual, "default", "default"),
            (self.author, "default", "site"),
            (acme, "acme", "default"),
            (lab, "acme", "lab"),
        ):
            with self.subTest(tenant=tenant, project=project):
                run = self.submit(key, source=NAMES)
                names, said = self.told(run, key)
                self.assertEqual(names, f"{tenant}/{project}")
                self.assertEqual(
                    (said["tenant_id"], said["project_id"]), (tenant, project)
                )
        self.stop()

    def test_rows_of_runs_are_shown_to_their_project(self) -> None:
        self.set_up()
        mine, theirs = self.submit(self.author), self.submit(project="shop")
        numbers = {r["id"]: r["run"] for r in self.get("/rows/run")["rows"]}
        self.assertEqual(
            [r["id"] for r in self.get("/rows/run", self.viewer)["rows"]], [mine]
        )
        for record in ("task", "event"):
            for run, sees in ((mine, True), (theirs, False)):
                equal = json.dumps([1, numbers[run]], separators=(",", ":"))
                path = f"/rows/{record}?equal={equal}"
                while not self.get(path)["rows"]:
                    pass
                self.assertEqual(bool(self.get(path, self.viewer)["rows"]), sees)
            self.assertEqual(self.get(f"/rows/{record}", self.viewer)["rows"], [])
        self.problem(self.ask("GET", "/rows/workflow", key=self.viewer), 403, "DENIED")
        self.stop()

    def test_the_command_line_names_projects(self) -> None:
        self.set_up()
        path = self.file("w.yaml", WAITS)
        there = ("--server", f"http://127.0.0.1:{self.port}")
        env = self.env | {"FLOWFORGE_TOKEN": self.make_key("author")}

        def ids(*args: str) -> set[str]:
            listed = self.call("list", "-o", "json", *args).json()["runs"]
            return {run["id"] for run in listed}

        def begun(*args: str) -> str:
            return str(self.call("run", path, "-d", *args).out).strip()

        runs = {begun("--project", "site"), begun("--project", "default")}
        self.assertEqual(len(ids()), 2)
        self.assertEqual(len(ids("--project", "site")), 1)
        self.call("run", path, "-d", "--project", "none", expect=4)
        self.call("list", "--project", "none", expect=4)
        self.env = env
        runs.add(begun("--project", "shop", *there))
        for project in ("site", "shop", "default"):
            (run,) = ids("--project", project, *there)
            self.assertIn(run, runs)
            self.assertEqual(self.get(f"/runs/{run}")["project"], project)
        self.call("run", path, "-d", "--project", "none", *there, expect=4)
        self.call("list", "--project", "none", *there, expect=4)
        # A context may say it once for all; who names one means that one.
        self.call("context", "set", "it", *there, "--project", "site")
        self.call("context", "use", "it")
        for args, project in (
            ((), "site"),
            (("--project", "shop"), "shop"),
        ):
            self.assertEqual(self.get(f"/runs/{begun(*args)}")["project"], project)
        self.call("context", "set", "it", "--project", "")
        self.assertEqual(self.get(f"/runs/{begun()}")["project"], "default")
        self.stop()

    def text_of(self, run: str, key: str | None) -> list[str]:
        """The texts that the command line would find for a run."""
        hashed = self.get(f"/runs/{run}")["hash"]
        equal = json.dumps([1, hashed], separators=(",", ":"))
        rows = self.get(f"/rows/workflow?equal={equal}", key)["rows"]
        return [row["source"] for row in rows]

    # --- workflows and schedules ---

    def two_projects(self) -> None:
        """`tick` of site, with a schedule, and `waits` of default; two authors."""
        self.set_up()
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/default", often, 204)
        self.operator = self.make_key("operator", "--project", "site")
        made = self.change("POST", "/workflows", {"source": TICK}, key=self.author)
        self.assertEqual(made.headers["location"], "/api/v1/workflows/tick")

    def names(self, path: str, key: str | None = None) -> list[tuple[str, str]]:
        return [(i["name"], i["project"]) for i in self.get(path, key)["items"]]

    def test_workflows_and_schedules_are_their_projects(self) -> None:
        self.two_projects()
        tick, waits = ("tick", "site"), ("waits", "default")
        self.assertEqual(self.names("/workflows"), [tick, waits])
        self.assertEqual(self.names("/workflows?project=site"), [tick])
        for key in (self.author, self.viewer, self.operator):
            self.assertEqual(self.names("/workflows", key), [tick])
            self.assertEqual(self.names("/schedules", key), [("tick.year", "site")])
            self.assertEqual(self.get("/workflows/tick", key)["project"], "site")
            self.get("/workflows/tick/versions", key)
            self.get("/schedules/tick.year", key)
            self.get("/schedules/tick.year/backfills", key)
            for path in ("/workflows", "/schedules"):
                answer = self.ask("GET", f"{path}?project=shop", key=key)
                self.problem(answer, 404, "NOT_FOUND")
        self.assertEqual(self.names("/workflows", self.shop), [])
        self.assertEqual(self.names("/schedules", self.shop), [])
        # One page after the other, passing over what is not his.
        self.assertEqual(self.pages("/workflows", 1, self.shop), [])
        usual = self.make_key("author", "--project", "default")
        self.assertEqual(self.names("/workflows", usual), [waits])
        # The same text elsewhere is not the same workflow: nobody takes a name over.
        tries: list[tuple[dict[str, str], str | None]] = [
            ({"source": TICK}, self.shop),
            ({"source": TICK, "project": "shop"}, None),
            ({"source": TICK, "project": "default"}, None),
        ]
        for body, asks in tries:
            answer = self.ask("POST", "/workflows", body, key=asks)
            self.problem(answer, 409, "CONFLICT")
        again = {"source": TICK + "# more\n"}
        self.change("POST", "/workflows", again)
        self.change("POST", "/workflows", {"source": TICK, "project": "site"})
        self.assertEqual(self.get("/workflows/tick")["number"], 3)
        self.assertEqual(self.names("/schedules"), [("tick.year", "site")])
        # Neither is one made where its author has no role, or none to make any.
        for project, status in (("shop", 404), ("default", 404)):
            body = {"source": OUTER, "project": project}
            answer = self.ask("POST", "/workflows", body, key=self.author)
            self.assertEqual(answer.status, status)
        self.problem(
            self.ask("POST", "/workflows", {"source": OUTER}, key=self.operator),
            403,
            "DENIED",
        )
        # What was forgotten is free for everybody.
        self.change("DELETE", "/workflows/tick", None, 204, key=self.author)
        self.change("POST", "/workflows", {"source": TICK}, key=self.shop)
        self.assertEqual(self.names("/workflows", self.author), [])
        self.assertEqual(self.names("/schedules", self.shop), [("tick.year", "shop")])
        self.stop()

    def test_what_is_anothers_is_answered_as_what_is_not_there(self) -> None:
        self.two_projects()
        label = {"hash": self.get("/workflows/tick")["hash"]}
        times = {"from": "2023-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}
        asked: list[tuple[str, str, Any]] = [
            ("GET", "/workflows/{}", None),
            ("GET", "/workflows/{}/versions", None),
            ("PUT", "/workflows/{}/labels/good", label),
            ("DELETE", "/workflows/{}", None),
            ("GET", "/schedules/{}.year", None),
            ("POST", "/schedules/{}.year/pause", None),
            ("POST", "/schedules/{}.year/resume", None),
            ("POST", "/schedules/{}.year/pin", None),
            ("POST", "/schedules/{}.year/unpin", None),
            ("POST", "/schedules/{}.year/trigger", None),
            ("GET", "/schedules/{}.year/backfills", None),
            ("POST", "/schedules/{}.year/backfills", times),
            ("POST", "/schedules/{}.year/backfills/stop", None),
            ("DELETE", "/schedules/{}.year", None),
        ]
        for method, path, body in asked:
            with self.subTest(asked=f"{method} {path}"):
                theirs, none = (
                    self.problem(
                        self.ask(method, path.format(name), body, key=self.shop),
                        404,
                        "NOT_FOUND",
                    )
                    for name in ("tick", "tock")
                )
                same = theirs["detail"].replace("tick", "tock")
                self.assertEqual(same, none["detail"])
                if method != "GET":
                    refused = self.ask(
                        method, path.format("tick"), body, key=self.viewer
                    )
                    self.problem(refused, 403, "DENIED")
        for body in (
            {"workflow": "tick"},
            {"source": OUTER.replace("waits", "tick")},
        ):
            answer = self.ask("POST", "/runs", body, key=self.shop)
            self.assertIn(answer.status, (400, 404), answer.body)
            said = answer.json()["detail"]
            other = json.loads(json.dumps(body).replace("tick", "tock"))
            none = self.ask("POST", "/runs", other, key=self.shop).json()["detail"]
            self.assertEqual(said.replace("tick", "tock"), none)
        # Nobody is led to a name that he may not see.
        near = {"source": OUTER.replace("waits", "tic")}
        said = self.ask("POST", "/runs", near, key=self.shop).json()["detail"]
        self.assertNotIn("tick", said)
        said = self.ask("POST", "/runs", near, key=self.author).json()["detail"]
        self.assertIn("tick", said)
        for record in ("workflow_version", "schedule", "workflow_label", "backfill"):
            self.assertEqual(self.get(f"/rows/{record}", self.shop)["rows"], [])
        self.stop()

    def test_runs_of_a_schedule_belong_where_it_does(self) -> None:
        self.two_projects()
        run = self.change("POST", "/schedules/tick.year/trigger", key=self.operator)
        runs = {run.json()["id"]}
        times = {"from": "2023-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}
        self.change("POST", "/schedules/tick.year/backfills", times, key=self.operator)
        while len(listed := self.listed(self.viewer)) < 3:
            pass
        runs |= {run for run, _ in listed}
        # By its name it runs where it belongs, too, unless it is said where.
        runs.add(self.change("POST", "/runs", {"workflow": "tick"}).json()["id"])
        self.assertEqual({p for r, p in self.listed() if r in runs}, {"site"})
        self.assertEqual(len(runs), 4)
        for project in ("default", "shop"):
            body = {"workflow": "tick", "project": project}
            made = self.change("POST", "/runs", body).json()["id"]
            self.assertEqual(self.get(f"/runs/{made}")["project"], project)
        rows = self.get("/rows/schedule_run", self.viewer)["rows"]
        self.assertGreaterEqual(len(rows), 3)
        self.assertEqual(self.get("/rows/schedule_run", self.shop)["rows"], [])
        audit = [(e["action"], e.get("project")) for e in self.get("/audit")["items"]]
        for action in ("workflow.apply", "schedule.trigger", "schedule.backfill"):
            self.assertIn((action, "site"), audit)
        self.stop()

    def test_what_was_stored_before_is_of_the_default_project(self) -> None:
        self.serve()
        self.change("POST", "/workflows", {"source": TICK})
        self.stop()
        with sqlite3.connect(self.data / "flowforge.db") as db:
            for table in ("workflow_version", "schedule", "occurrence"):
                db.execute(f"alter table {table} drop column project")
            db.execute("alter table shard drop column mixed")
            db.execute("drop table executor")
            db.execute("pragma user_version = 2")
        self.serve()
        usual = self.make_key("author", "--project", "default")
        self.assertEqual(self.names("/workflows", usual), [("tick", "default")])
        self.assertEqual(self.names("/schedules", usual), [("tick.year", "default")])
        made = self.change("POST", "/schedules/tick.year/trigger", key=usual).json()
        self.assertEqual(self.get(f"/runs/{made['id']}", usual)["project"], "default")
        again = {"source": TICK + "# more\n"}
        self.change("POST", "/workflows", again, key=usual)
        self.assertEqual(self.names("/workflows"), [("tick", "default")])
        self.stop()

    def test_ends_and_calls_are_heard_in_their_project(self) -> None:
        self.two_projects()
        for name, key in (("sites", self.author), ("shops", self.shop)):
            source = HEARS.replace("hears", name)
            self.change("POST", "/workflows", {"source": source}, key=key)
        self.change("POST", "/workflows", {"source": HEARS})
        self.change("POST", "/runs", {"workflow": "tick"}, key=self.operator)
        while len(self.get("/runs?workflow=sites")["items"]) < 1:
            pass
        while len(self.get("/runs?workflow=hears")["items"]) < 1:
            pass
        # All three were told, or not, in one commit.
        self.assertEqual(self.get("/runs?workflow=shops")["items"], [])
        # A path is one project's.
        called = HOOK.replace("hook\n", "one\n")
        self.change("POST", "/workflows", {"source": called}, key=self.author)
        other = {"source": HOOK.replace("hook\n", "two\n")}
        for asks in (self.shop, None):
            answer = self.ask("POST", "/workflows", other, key=asks)
            self.problem(answer, 409, "CONFLICT")
        self.change("POST", "/workflows", other, key=self.author)
        self.stop()

    def test_the_command_line_applies_to_projects(self) -> None:
        self.set_up()
        path = self.file("tick.yaml", TICK)
        there = ("--server", f"http://127.0.0.1:{self.port}")
        self.call("apply", path, "--project", "site")
        self.call("apply", path)
        self.call("apply", path, "--project", "shop", expect=3)
        self.call("apply", path, "--project", "none", expect=4)
        listed = self.call("workflow", "list", "-o", "json").json()
        known = {w["workflow"]: w["project"] for w in listed}
        self.assertEqual(known, {"tick": "site", "waits": "default"})
        here = [
            self.call(*command, *more).out
            for command in (("workflow", "list"), ("schedule", "list"))
            for more in ((), ("--project", "site"), ("--project", "shop"))
        ]
        self.assertIn("PROJECT", here[0])
        run = self.call("run", "tick", "-d").out.strip()
        self.assertEqual(self.get(f"/runs/{run}")["project"], "site")
        self.env |= {"FLOWFORGE_TOKEN": self.author}
        self.call("apply", self.file("outer.yaml", HEARS), *there)
        self.assertEqual(self.get("/workflows/hears")["project"], "site")
        self.call("workflow", "delete", "hears", *there)
        self.env |= {"FLOWFORGE_TOKEN": self.make_key("viewer")}
        self.assertEqual(
            here,
            [
                self.call(*command, *more, *there).out
                for command in (("workflow", "list"), ("schedule", "list"))
                for more in ((), ("--project", "site"), ("--project", "shop"))
            ],
        )
        self.stop()

    def test_the_text_of_a_run_is_shown_to_who_sees_the_run(self) -> None:
        self.set_up()
        mine = self.submit(self.author, source=NAMES)
        theirs = self.submit(project="shop", source=OUTER)
        usual = self.make_key("viewer", "--project", "default")
        everybody = self.make_key("viewer")
        for key, sees in (
            (self.viewer, [NAMES]),
            (self.shop, [OUTER]),
            (usual, []),
            (everybody, [NAMES, OUTER]),
        ):
            shown = self.text_of(mine, key) + self.text_of(theirs, key)
            self.assertEqual(shown, sees)
        # It was applied to the project default, and so is a run without another.
        applied = self.submit(source=WAITS)
        self.assertEqual(self.text_of(applied, usual), [WAITS])
        self.stop()

    def test_what_is_passed_over_is_not_named(self) -> None:
        self.set_up()
        mine, theirs = self.submit(self.author), self.submit(project="shop")
        self.change("POST", f"/runs/{mine}/cancel", None, 202)
        self.change("POST", f"/runs/{theirs}/cancel", None, 202)
        for run in (mine, theirs):
            while self.get(f"/runs/{run}")["state"] != "cancelled":
                pass
        self.stop()
        with sqlite3.connect(self.data / "flowforge.db") as db:
            names = [row[1] for row in db.execute("pragma table_info(run)")]
            values = [{"run": "n", "id": "id || n"}.get(name, name) for name in names]
            db.execute(
                "with recursive c(n) as (select 1000000 union all select n + 1 from c "
                f"where n < 1021000) insert into run ({', '.join(names)}) "
                f"select {', '.join(values)} from run, c where id = ?",
                (theirs,),
            )
        self.serve()
        first = self.get("/rows/run?descending=true", self.viewer)
        self.assertEqual((first["rows"], first["more"]), ([], True))
        self.assertIsInstance(first["after"], str)
        for hidden in ("1001", "[", theirs):
            self.assertNotIn(hidden, first["after"])
        query = f"/rows/run?descending=true&cursor={first['after']}"
        second = self.get(query, self.viewer)
        self.assertEqual([r["id"] for r in second["rows"]], [mine])
        for wrong in (query.replace("descending=true&", ""), query[:-1] + "?"):
            self.problem(self.ask("GET", wrong, key=self.viewer), 400, "INVALID")
        self.stop()


if __name__ == "__main__":
    unittest.main()
