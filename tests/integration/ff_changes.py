"""A request for each route of the HTTP API that changes something, such that it is
done: what it is about is made first, by other routes. By the operations of the served
document, so that one that is new is missed."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any

from ff_api import WORKFLOW, Answer, ApiTest

SECRET = "known to who may call"
GATE = """flowforge: 1
name: NAME
triggers:
  cron: {expr: "0 3 1 1 *", id: t}
  webhook: {path: NAME, verify: github, secret: hook}
tasks:
  ok: {approve: {message: "may it?"}}
  told: {wait_event: {name: paid}}
"""
CACHED = """flowforge: 1
name: NAME
tasks:
  kept: {run: 'true', cache: {key: NAME}}
"""
GATE_TASKS = {"ok", "told"}


@dataclass
class Change:
    """A request that will be carried out, and what its If-Match is about."""

    path: str
    body: Any = None
    thing: str = ""  # has the ETag; "": nothing has
    headers: dict[str, str] = field(default_factory=dict)
    key: str | None = None


class ChangesTest(ApiTest):
    n_made = 0

    def set_up(self) -> dict[str, str]:
        """A server. Returns the method of each operation that is no GET."""
        self.serve()
        self.key = self.make_key("admin")
        self.change("PUT", "/secrets/hook", {"value": SECRET}, 204)
        return {
            operation["operationId"]: method.upper()
            for methods in self.get("/openapi.json")["paths"].values()
            for method, operation in methods.items()
            if method != "get"
        }

    def do(self, method: str, change: Change, **more: str) -> Answer:
        return self.ask(
            *(method, change.path, change.body),
            key=change.key,
            **change.headers | more,
        )

    def of(self, operation: str) -> Change:
        word = re.sub("[A-Z]", lambda m: "_" + m.group().lower(), operation)
        made = getattr(self, f"of_{word}", None)
        self.assertIsNotNone(made, f"{operation} needs a request in ff_changes.py")
        assert made
        change = made()
        assert isinstance(change, Change)
        return change

    # --- what they are about ---

    def name(self) -> str:
        self.n_made += 1
        return f"n{self.n_made}"

    def workflow(self) -> str:
        name = self.name()
        source = GATE.replace("NAME", name)
        self.change("POST", "/workflows", {"source": source})
        return name

    def open_run(self) -> str:
        """It waits, for an approval and an event."""
        body = {"workflow": self.workflow()}
        run = self.change("POST", "/runs", body).json()["id"]
        assert isinstance(run, str)
        while True:
            tasks = self.get(f"/runs/{run}/tasks")["items"]
            if {t["task"] for t in tasks if t["state"] == "suspended"} == GATE_TASKS:
                return run

    def run_change(self, verb: str, body: Any = None) -> Change:
        run = self.open_run()
        return Change(f"/runs/{run}/{verb}", body, f"/runs/{run}")

    def ended_change(self, verb: str, body: Any = None) -> Change:
        run = self.make_runs(1)[0]
        return Change(f"/runs/{run}/{verb}", body, f"/runs/{run}")

    def task_change(self, verb: str) -> Change:
        task = f"/runs/{self.open_run()}/tasks/ok"
        return Change(f"{task}/{verb}", None, task)

    def schedule_change(self, verb: str = "", body: Any = None) -> Change:
        schedule = f"/schedules/{self.workflow()}.t"
        return Change(schedule + verb, body, schedule)

    def new_key(self) -> str:
        made = self.change("POST", "/keys", {"name": self.name(), "role": "viewer"})
        credential = made.json()["credential"]
        assert isinstance(credential, str)
        return credential

    # --- one for each operation ---

    def of_apply_workflow(self) -> Change:
        name = self.workflow()
        source = GATE.replace("NAME", name) + "  more: {noop: true}\n"
        return Change("/workflows", {"source": source}, f"/workflows/{name}")

    def of_validate_workflow(self) -> Change:
        return Change("/workflows/validate", {"source": WORKFLOW})

    def of_delete_workflow(self) -> Change:
        path = f"/workflows/{self.workflow()}"
        return Change(path, None, path)

    def of_label_workflow(self) -> Change:
        path = f"/workflows/{self.workflow()}"
        return Change(f"{path}/labels/good", {"hash": self.get(path)["hash"]}, path)

    def of_submit_run(self) -> Change:
        return Change("/runs", {"source": WORKFLOW})

    def of_cancel_run(self) -> Change:
        return self.run_change("cancel")

    def of_terminate_run(self) -> Change:
        return self.run_change("terminate")

    def of_pause_run(self) -> Change:
        return self.run_change("pause")

    def of_unpause_run(self) -> Change:
        return self.run_change("unpause")

    def of_retry_run(self) -> Change:
        return self.ended_change("retry", {"all": True})

    def of_rerun_run(self) -> Change:
        return self.ended_change("rerun")

    def of_signal_run(self) -> Change:
        return self.run_change("signal", {"name": "paid"})

    def of_approve_task(self) -> Change:
        return self.task_change("approve")

    def of_reject_task(self) -> Change:
        return self.task_change("reject")

    def of_send_event(self) -> Change:
        return Change("/events", {"name": "paid"})

    def of_delete_schedule(self) -> Change:
        return self.schedule_change()

    def of_pause_schedule(self) -> Change:
        return self.schedule_change("/pause")

    def of_resume_schedule(self) -> Change:
        made = self.schedule_change("/resume")
        self.change("POST", f"{made.thing}/pause", status=204)
        return made

    def of_pin_schedule(self) -> Change:
        return self.schedule_change("/pin")

    def of_unpin_schedule(self) -> Change:
        made = self.schedule_change("/unpin")
        self.change("POST", f"{made.thing}/pin", status=204)
        return made

    def of_trigger_schedule(self) -> Change:
        return self.schedule_change("/trigger")

    def of_create_backfill(self) -> Change:
        times = {"from": "2025-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
        return self.schedule_change("/backfills", times)

    def of_stop_backfills(self) -> Change:
        begun = self.of_create_backfill()  # its first run waits
        self.change("POST", begun.path, begun.body)
        return Change(f"{begun.path}/stop", None, begun.thing)

    def of_call_webhook(self) -> Change:
        body = json.dumps({"ref": "main"})
        sign = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={sign}",
        }
        path = f"/webhooks/default/{self.workflow()}"
        return Change(path, body, headers=headers)

    def of_set_limit(self) -> Change:
        return Change(f"/limits/{self.name()}", {"size": 3})

    def of_delete_limit(self) -> Change:
        made = self.of_set_limit()
        self.change("PUT", made.path, made.body, 204)
        return Change(made.path)

    def of_pause_queue(self) -> Change:
        return Change(f"/queues/{self.name()}/pause")

    def of_unpause_queue(self) -> Change:
        queue = f"/queues/{self.name()}"
        self.change("POST", f"{queue}/pause", status=204)
        return Change(f"{queue}/unpause")

    def of_clear_cache(self) -> Change:
        name = self.name()
        self.call("run", self.file("cached.yaml", CACHED.replace("NAME", name)))
        return Change(f"/cache?workflow={name}")

    def of_set_secret(self) -> Change:
        return Change(f"/secrets/{self.name()}", {"value": "not to be seen"})

    def of_delete_secret(self) -> Change:
        made = self.of_set_secret()
        self.change("PUT", made.path, made.body, 204)
        return Change(made.path)

    def of_create_tenant(self) -> Change:
        return Change("/tenants", {"name": self.name()})

    def of_change_tenant(self) -> Change:
        name = self.name()
        self.change("POST", "/tenants", {"name": name})
        return Change(f"/tenants/{name}", {"max_keys": 5}, f"/tenants/{name}")

    def of_create_project(self) -> Change:
        return Change("/projects", {"name": self.name()})

    def of_change_project(self) -> Change:
        made = self.of_create_project()
        self.change("POST", made.path, made.body, 201)
        name = (made.body or {})["name"]
        return Change(f"/projects/{name}", {"weight": 3})

    def of_set_member(self) -> Change:
        return Change(f"/members/{self.name()}", {"role": "viewer"})

    def of_remove_member(self) -> Change:
        made = self.of_set_member()
        self.change("PUT", made.path, made.body, 204)
        return Change(made.path)

    def of_create_key(self) -> Change:
        return Change("/keys", {"name": self.name(), "role": "viewer"})

    def of_revoke_key(self) -> Change:
        return Change(f"/keys/{self.new_key()[4:12]}")

    def of_create_session(self) -> Change:
        return Change("/sessions", {}, key=self.key)

    def of_end_session(self) -> Change:
        made = self.change("POST", "/sessions", {}, key=self.key).json()
        return Change(f"/sessions/{made['id']}", key=self.key)
