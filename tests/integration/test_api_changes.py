#!/usr/bin/python3
"""The HTTP API: runs that are started and steered by it, and what else it changes."""

import concurrent.futures
import json
import os
import sqlite3
import subprocess
import unittest
from typing import Any

from ff_api import WORKFLOW, ApiTest
from ff_cli import PATIENCE

ASKS = """flowforge: 1
name: asks
inputs: {who: {type: string, default: nobody}}
tasks:
  ok:
    approve: {message: "may it?", inputs: {n: {type: integer}}}
  after: {needs: ok, run: "echo ${N}", env: {N: "${{ tasks.ok.outputs.n }}"}}
"""

FAILS = """flowforge: 1
name: fails
tasks:
  a: {run: "test -e flag"}
"""

WAITS = """flowforge: 1
name: waits
tasks:
  told: {wait_event: {name: paid}}
"""


class ChangeTest(ApiTest):
    def wait(self, run: str, *states: str, key: str | None = None) -> Any:
        """Until the run has come to one of these states."""
        while True:
            row = self.get(f"/runs/{run}", key)
            if row["state"] in states:
                return row
            self.assertIn(row["state"], ("pending", "running", "cancelling"))

    def wait_task(self, run: str, task: str, state: str) -> Any:
        while True:
            row = self.get(f"/runs/{run}/tasks/{task}")
            if row["state"] == state:
                return row

    def submit(self, source: str, **body: Any) -> str:
        made = self.change("POST", "/runs", {"source": source, **body})
        self.assertEqual(made.headers["location"], f"/api/v1/runs/{made.json()['id']}")
        id = made.json()["id"]
        assert isinstance(id, str)
        return id

    def actions(self, n: int) -> list[str]:
        """What the log says was done last, the oldest first."""
        items = self.get(f"/audit?limit={n}")["items"]
        return [item["action"] for item in reversed(items)]


class Starting(ChangeTest):
    def test_a_run_of_a_file_and_of_a_name(self) -> None:
        self.serve()
        run = self.wait(self.submit(WORKFLOW, labels={"by": "test"}), "succeeded")
        self.assertEqual(run["labels"], {"team": "data", "by": "test"})
        first = self.change(
            *("POST", "/workflows", ASKS), Content_Type="application/yaml"
        )
        self.assertEqual(first.json()["number"], 1)
        self.assertEqual(first.headers["location"], "/api/v1/workflows/asks")
        again = self.change("POST", "/workflows", {"source": ASKS}, 200)
        self.assertEqual(first.json()["new"], True)
        self.assertEqual(again.json(), first.json() | {"new": False})
        self.assertEqual(self.actions(2), ["run.submit", "workflow.apply"])
        made = self.change(
            "POST", "/runs", {"workflow": "asks", "inputs": {"who": "mia"}}
        ).json()
        self.assertEqual(made["hash"], first.json()["hash"])
        self.assertEqual(self.get(f"/runs/{made['id']}")["inputs"], {"who": "mia"})
        self.stop()

    def test_who_runs_what_others_wrote_brings_no_file_of_his_own(self) -> None:
        self.serve()
        self.change("POST", "/workflows", {"source": WORKFLOW})
        operator, author = self.make_key("operator"), self.make_key("author")
        mine = {"source": WORKFLOW}
        refused = self.ask("POST", "/runs", mine, key=operator)
        self.assertIn("author", self.problem(refused, 403, "DENIED")["detail"])
        last = self.get("/audit?limit=1")["items"][0]
        self.assertEqual((last["action"], last["decision"]), ("submitRun", "denied"))
        self.change("POST", "/runs", {"workflow": "etl"}, key=operator)
        self.change("POST", "/runs", mine, key=author)
        self.stop()

    def test_what_cannot_run_is_told_with_its_places(self) -> None:
        self.serve()
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({}, []),
            ({"workflow": "a", "source": "b"}, []),
            ({"source": "flowforge: 1\nname: x\n"}, ["FF011"]),
            ({"source": ASKS, "inputs": {"who": 1, "no": 2}}, ["FF042", "FF040"]),
            ({"source": WORKFLOW, "labels": {"-": "a", "b": 1}}, []),
            ({"source": WORKFLOW, "priority": 101}, []),
            ({"source": WORKFLOW + "  u: {uses: ./other.yaml}\n"}, ["FF073"]),
            ({"source": WORKFLOW + "  u: {uses: 'workflow:other'}\n"}, ["FF071"]),
        ]
        for body, places in cases:
            said = self.problem(self.ask("POST", "/runs", body), 400, "INVALID")
            codes = [e["code"] for e in said.get("errors", []) if "code" in e]
            self.assertEqual(sorted(codes), sorted(places), body)
        missing = self.ask("POST", "/runs", {"workflow": "none"})
        self.problem(missing, 404, "NOT_FOUND")
        self.assertEqual(self.get("/runs")["items"], [])
        self.stop()

    def test_one_key_makes_one_run_however_many_ask_at_once(self) -> None:
        self.serve()
        body = {"source": WORKFLOW}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(
                pool.map(
                    lambda _: self.ask("POST", "/runs", body, Idempotency_Key="x"),
                    range(48),
                )
            )
        self.assertEqual({a.status for a in answers}, {201})
        self.assertEqual(len({a.body for a in answers}), 1)
        self.assertEqual(sum("idempotency-replayed" in a.headers for a in answers), 47)
        self.assertEqual(len(self.get("/runs")["items"]), 1)
        # It holds over a restart, and the log has one row of it.
        self.stop()
        self.serve()
        late = self.change("POST", "/runs", body, Idempotency_Key="x")
        self.assertEqual(late.body, answers[0].body)
        self.assertEqual(len(self.get("/runs")["items"]), 1)
        done = [e["action"] for e in self.get("/audit")["items"]]
        self.assertEqual(done, ["run.submit"])
        self.stop()
        verdict = self.call("audit", "verify", "-o", "json").json()
        self.assertEqual(verdict["unsealed"], 0, verdict)

    def test_many_submits_at_once_are_all_there(self) -> None:
        self.serve()
        self.change("POST", "/workflows", {"source": WORKFLOW})
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(
                pool.map(
                    lambda _: self.ask("POST", "/runs", {"workflow": "etl"}), range(64)
                )
            )
        self.assertEqual({a.status for a in answers}, {201})
        ids = {a.json()["id"] for a in answers}
        self.assertEqual(len(ids), 64)
        self.assertEqual({r["id"] for r in self.pages("/runs", 20)}, ids)
        for id in ids:
            self.wait(id, "succeeded")
        self.stop()

    def test_a_tenant_runs_its_own_and_nothing_of_others(self) -> None:
        self.serve()
        self.change("POST", "/tenants", {"name": "acme"})
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/acme", often, 204)
        key = self.make_key("author", "--tenant", "acme")
        self.change("POST", "/workflows", {"source": WORKFLOW})
        other = self.ask("POST", "/runs", {"workflow": "etl"}, key=key)
        self.problem(other, 404, "NOT_FOUND")
        self.change("POST", "/workflows", {"source": WORKFLOW}, key=key)
        made = self.change("POST", "/runs", {"workflow": "etl"}, key=key).json()
        self.wait(made["id"], "succeeded", key=key)
        self.problem(self.ask("GET", f"/runs/{made['id']}"), 404, "NOT_FOUND")
        self.assertEqual(self.get("/runs")["items"], [])
        self.change("DELETE", "/workflows/etl", status=204, key=key)
        self.get("/workflows/etl")
        self.stop()

    def test_a_run_begins_anew_and_what_failed_goes_on(self) -> None:
        self.serve()
        run = self.submit(FAILS)
        self.wait(run, "failed")
        (self.data / "work/1/flag").touch()
        self.change("POST", f"/runs/{run}/retry", {}, 202)
        self.wait(run, "succeeded")
        self.problem(self.ask("POST", f"/runs/{run}/retry", {}), 409, "CONFLICT")
        again = self.change("POST", f"/runs/{run}/rerun", {}).json()["id"]
        self.assertNotEqual(again, run)
        self.wait(again, "succeeded")
        self.change("POST", f"/runs/{run}/retry", {"task": "a"}, 202)
        self.wait(run, "succeeded")
        missing = self.ask("POST", f"/runs/{run}/retry", {"task": "none"})
        self.problem(missing, 404, "NOT_FOUND")
        self.stop()


class Steering(ChangeTest):
    def test_a_run_is_cancelled_or_terminated_once(self) -> None:
        self.serve()
        for word in ("cancel", "terminate"):
            run = self.submit(WAITS)
            self.wait_task(run, "told", "suspended")
            answer = self.change("POST", f"/runs/{run}/{word}", status=202)
            self.assertEqual(answer.json(), {"id": run})
            self.wait(run, "cancelled")
            late = self.ask("POST", f"/runs/{run}/{word}")
            self.assertIn(
                "cancelled already", self.problem(late, 409, "CONFLICT")["detail"]
            )
        self.assertEqual(
            self.actions(4),
            ["run.submit", "run.cancel", "run.submit", "run.terminate"],
        )
        self.stop()

    def test_a_run_is_paused_and_goes_on(self) -> None:
        self.serve()
        run = self.submit(WAITS + "  b: {needs: told, run: 'true'}\n")
        self.wait_task(run, "told", "suspended")
        self.change("POST", f"/runs/{run}/pause", {"task": "b"}, 202)
        self.problem(
            self.ask("POST", f"/runs/{run}/pause", {"task": "x"}), 404, "NOT_FOUND"
        )
        while "paused" not in self.get(f"/runs/{run}"):
            pass
        self.change("POST", f"/runs/{run}/signal", {"name": "paid"}, 202)
        self.wait_task(run, "told", "succeeded")
        self.assertEqual(self.get(f"/runs/{run}/tasks/b")["state"], "queued")
        self.change("POST", f"/runs/{run}/unpause", {"task": "b"}, 202)
        self.wait(run, "succeeded")
        self.stop()

    def test_an_event_is_told_to_all_who_wait(self) -> None:
        self.serve()
        runs = [self.submit(WAITS) for _ in range(3)]
        for run in runs:
            self.wait_task(run, "told", "suspended")
        told = self.change("POST", "/events", {"name": "paid", "data": [1]}, 200)
        self.assertEqual(told.json(), {"schedules": 0, "runs": 3, "tasks": 3})
        for run in runs:
            self.wait(run, "succeeded")
        self.stop()

    def test_an_approval_is_given_once_with_what_it_asks_for(self) -> None:
        self.serve()
        operator = self.make_key("operator")
        run = self.submit(ASKS)
        self.wait_task(run, "ok", "suspended")
        place = f"/runs/{run}/tasks/ok"
        said = self.problem(
            self.ask("POST", f"{place}/approve", {"inputs": {"n": "x"}}),
            *(400, "INVALID"),
        )
        self.assertEqual(said["errors"][0]["code"], "FF042")
        wrong = self.ask("POST", f"/runs/{run}/tasks/after/approve", {})
        self.problem(wrong, 409, "CONFLICT")
        self.change(
            *("POST", f"{place}/approve", {"inputs": {"n": 3}, "comment": "go"}, 202),
            key=operator,
        )
        self.wait(run, "succeeded")
        outputs = self.get(place)["outputs"]
        self.assertEqual(outputs["n"], 3)
        self.assertEqual(outputs["approved_by"], f"key:{operator[4:12]}")
        refused = self.submit(ASKS)
        self.wait_task(refused, "ok", "suspended")
        self.change("POST", f"/runs/{refused}/tasks/ok/reject", {"comment": "no"}, 202)
        self.wait(refused, "failed")
        self.stop()


class Logs(ChangeTest):
    def test_what_a_task_writes_is_read_by_pages_while_it_writes(self) -> None:
        self.serve()
        place_of_tasks = self.data / "work" / "1"
        place_of_tasks.mkdir(parents=True)
        gate = self.gate(str(place_of_tasks / "gate"))
        text = (
            "flowforge: 1\nname: loud\ntasks:\n  a:\n    run: |\n"
            "      i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done\n"
            "      printf 'bad \\377 byte\\n' >&2\n"
            "      cat gate\n      echo the end\n"
        )
        run = self.submit(text)
        place = f"/runs/{run}/tasks/a/logs"
        seen: list[str] = []
        cursor = ""
        opened = False
        while True:
            page = self.get(f"{place}?limit=7{cursor}")
            self.assertLessEqual(len(page["items"]), 7)
            seen += [r["text"] for r in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
            if len(seen) == 51 and not opened:
                gate.open()
                opened = True
        self.assertEqual(seen[-1], "the end")
        self.assertEqual(
            sorted(seen),
            sorted(
                [f"line {i}" for i in range(50)]
                + ["bad \ufffd byte", "go"]
                + ["the end"]
            ),
        )
        self.wait(run, "succeeded")
        again = self.pages(place, 1000)
        self.assertEqual([r["text"] for r in again], seen)
        self.assertEqual({r["stream"] for r in again}, {"stdout", "stderr"})
        self.assertEqual(self.pages(f"{place}?source=sdk", 5), [])
        # What is no file is not waited for.
        os.mkfifo(next(self.data.rglob("000001.log")).parent / "sdk.log")
        self.assertEqual(self.pages(f"{place}?source=sdk", 5), [])
        self.problem(self.ask("GET", f"{place}?attempt=2"), 404, "NOT_FOUND")
        self.stop()


class Keeping(ChangeTest):
    def test_labels_limits_queues_and_secrets(self) -> None:
        self.serve()
        hash = self.change("POST", "/workflows", {"source": WORKFLOW}).json()["hash"]
        label = "/workflows/etl/labels/prod"
        self.change("PUT", label, {"hash": hash[:12]}, 204)
        self.assertEqual(self.get("/workflows/etl@prod")["hash"], hash)
        self.problem(self.ask("PUT", label, {"hash": "0" * 64}), 404, "NOT_FOUND")
        self.change("DELETE", "/workflows/etl", status=204)
        self.problem(self.ask("DELETE", "/workflows/etl"), 404, "NOT_FOUND")

        self.change("PUT", "/limits/gpu", {"size": 2}, 204)
        limits = self.pages("/limits", 1)
        self.assertEqual([(r["name"], r["size"]) for r in limits], [("gpu", 2)])
        self.change("DELETE", "/limits/gpu", status=204)
        self.problem(self.ask("DELETE", "/limits/gpu"), 404, "NOT_FOUND")

        self.change("POST", "/queues/slow/pause", status=204)
        self.assertEqual([q["name"] for q in self.pages("/queues", 1)], ["slow"])
        self.change("POST", "/queues/slow/unpause", status=204)
        self.problem(self.ask("POST", "/queues/slow/unpause"), 404, "NOT_FOUND")

        for name in ("beta", "alpha", "alphabet"):
            value = {"value": f"hidden-{name}"}
            self.change("PUT", f"/secrets/{name}", value, 204)
        names = [s["name"] for s in self.pages("/secrets", 1)]
        self.assertEqual(names, ["alpha", "alphabet", "beta"])
        self.change("DELETE", "/secrets/beta", status=204)
        self.problem(self.ask("DELETE", "/secrets/beta"), 404, "NOT_FOUND")
        self.assertEqual(
            self.actions(4),
            ["secret.set", "secret.set", "secret.set", "secret.delete"],
        )
        self.stop()
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"hidden-", path.read_bytes(), path)

    def test_a_secret_and_its_row_of_the_log_are_one_commit(self) -> None:
        self.serve()
        self.change("PUT", "/secrets/kept", {"value": "before"}, 204)
        sealed = "select sealed from secret where name='kept'"
        with sqlite3.connect(self.data / "flowforge.db") as db:
            before = db.execute(sealed).fetchall()
            # The log takes no such row: then nothing is set.
            db.execute(
                "create trigger refuses before insert on audit "
                "when new.action = 'secret.set' begin select raise(abort, 'no'); end"
            )
        for name in ("kept", "fresh"):
            answer = self.ask("PUT", f"/secrets/{name}", {"value": "after"})
            self.assertGreaterEqual(answer.status, 400, answer.body)
        with sqlite3.connect(self.data / "flowforge.db") as db:
            self.assertEqual(db.execute(sealed).fetchall(), before)
            db.execute("drop trigger refuses")
        self.assertEqual([s["name"] for s in self.get("/secrets")["items"]], ["kept"])
        self.stop()

    def test_secrets_that_are_set_while_keys_change_can_be_read(self) -> None:
        self.serve()
        text = (
            "flowforge: 1\nname: shows\ntasks:\n  a:\n"
            "    run: 'test \"${#S}\" = 20'\n    env: {S: '${{ secrets.NAME }}'}\n"
        )
        names = [f"s{i}" for i in range(12)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            put = [
                pool.submit(
                    self.change,
                    "PUT",
                    f"/secrets/{n}",
                    {"value": n.rjust(20, "x")},
                    204,
                )
                for n in names
            ]
            for _ in range(4):
                self.call("secret", "rotate")
            for done in put:
                done.result()
        for name in names:
            run = self.submit(text.replace("NAME", name))
            self.wait(run, "succeeded")
        self.stop()

    def test_schedules(self) -> None:
        self.serve()
        text = (
            "flowforge: 1\nname: nightly\n"
            'triggers: {cron: {expr: "0 3 * * *", id: night}}\n'
            "tasks: {a: {run: 'true'}}\n"
        )
        self.change("POST", "/workflows", {"source": text})
        schedule = self.get("/schedules")["items"][0]
        self.assertEqual(schedule["name"], "nightly.night")
        place = "/schedules/nightly.night"
        self.assertNotIn("paused_at", self.get(place))
        self.change("POST", f"{place}/pause", status=204)
        self.assertIn("paused_at", self.get(place))
        self.change("POST", f"{place}/resume", status=204)
        run = self.change("POST", f"{place}/trigger").json()["id"]
        self.assertEqual(self.wait(run, "succeeded")["schedule"], "nightly.night")
        for word in ("nightly", "nightly.x", "."):
            answer = self.ask("POST", f"/schedules/{word}/pause")
            self.problem(answer, 404, "NOT_FOUND")
        self.change("DELETE", place, status=204)
        self.problem(self.ask("GET", place), 404, "NOT_FOUND")
        self.stop()

    def test_curl_submits_and_reads(self) -> None:
        self.serve()
        path = self.file("etl.yaml", WORKFLOW)
        key = self.make_key("author")
        url = f"http://127.0.0.1:{self.port}/api/v1"
        for how in ("--http1.1", "--http2-prior-knowledge"):
            call = ["curl", "-sS", how, "-H", f"Authorization: Bearer {key}"]
            for args in (
                [
                    *("-H", "Content-Type: application/yaml"),
                    *("--data-binary", f"@{path}", f"{url}/workflows"),
                ],
                [
                    *("-H", "Content-Type: application/json"),
                    *("-d", '{"workflow": "etl"}', f"{url}/runs"),
                ],
            ):
                done = subprocess.run(
                    [*call, *args],
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                    check=True,
                )
                self.assertIn("hash", json.loads(done.stdout), done.stdout)
        self.assertEqual(len(self.get("/runs")["items"]), 2)
        self.stop()


if __name__ == "__main__":
    unittest.main()
