#!/usr/bin/python3
"""Many clients at once, each doing all that the API offers, while runs are led:
nothing is lost, nobody is told of a failure within. Under ThreadSanitizer it looks for
races."""
# ctest: timeout=300

import concurrent.futures
import unittest

from ff_api import WORKFLOW, Answer, ApiTest

CLIENTS = 8
ROUNDS = 4
FLOW = WORKFLOW.replace("echo ", "exit 0; echo ")


class Load(ApiTest):
    def must(self, answer: Answer, *statuses: int) -> Answer:
        self.assertIn(answer.status, statuses, answer.body)
        return answer

    def submit(self, name: str, key: str) -> str:
        once = {"Idempotency_Key": name}
        first = self.must(
            self.ask("POST", "/runs", {"workflow": "etl"}, key=key, **once), 201
        )
        again = self.ask("POST", "/runs", {"workflow": "etl"}, key=key, **once)
        self.assertEqual(first.body, again.body)
        run: str = first.json()["id"]
        return run

    def read(self, run: str, key: str) -> None:
        for path in ("", "/tasks", "/tasks/fetch", "/tasks/fetch/logs", "/history"):
            # A task that has not begun has no logs.
            self.must(self.ask("GET", f"/runs/{run}{path}", key=key), 200, 404)
        for path in ("/runs?limit=3", "/workflows/etl", "/audit?limit=5", "/keys"):
            self.must(self.ask("GET", path, key=key), 200)
        self.must(self.ask("GET", "/readyz"), 200)

    def change(self, name: str, key: str) -> None:
        put = self.ask("PUT", f"/secrets/{name}", {"value": "secret"}, key=key)
        self.must(put, 204)
        made = self.ask("POST", "/keys", {"name": name, "role": "viewer"}, key=key)
        other = self.must(made, 201).json()
        self.must(self.ask("GET", "/me", key=other["credential"]), 200)
        self.must(self.ask("DELETE", f"/keys/{other['id']}", key=key), 204)
        self.must(self.ask("GET", "/me", key=other["credential"]), 401)
        self.must(self.ask("DELETE", f"/secrets/{name}", key=key), 204)

    def client(self, n: int, key: str) -> list[str]:
        runs = []
        for i in range(ROUNDS):
            name = f"c{n}_{i}"
            runs.append(self.submit(name, key))
            self.read(runs[-1], key)
            self.change(name, key)
            cancel = self.ask("POST", f"/runs/{runs[-1]}/cancel", key=key)
            self.must(cancel, 202, 409)  # it may be over
        return runs

    def test_many_clients_at_once(self) -> None:
        self.serve()
        quota = {"max_requests_per_s": 100000}
        self.must(self.ask("PATCH", "/tenants/default", quota), 204)
        self.call("apply", self.file("etl.yaml", FLOW))
        key = self.make_key("admin")
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(self.client, n, key) for n in range(CLIENTS)]
            runs = [run for client in clients for run in client.result()]
        self.assertEqual(len(set(runs)), CLIENTS * ROUNDS)
        there = {run["id"] for run in self.get("/runs?limit=1000")["items"]}
        self.assertEqual(there, set(runs))
        done = self.stop()
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("Sanitizer", done.err)


if __name__ == "__main__":
    unittest.main()
