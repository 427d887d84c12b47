"""What runs on a store, runs as it does on store-sqlite: the demo's workflow, the
history of runs, an owner killed in the middle, others that read meanwhile."""

import signal
from pathlib import Path

from ff_cli import SOURCE, CliTest, Result

FLOW = """\
flowforge: 1
name: gated
tasks:
  first:
    run: echo '"one"' > "$FF_OUT/word"
    outputs: {word: json}
  each:
    needs: [first]
    foreach: [1, 2, 3]
    env: {ITEM: "${{ item }}"}
    run: echo $((ITEM * 10)) > "$FF_OUT/ten"
    outputs: {ten: json}
  wait:
    needs: [first]
    run: cat gate; echo waited
  flaky:
    needs: [first]
    retry: {max_attempts: 3, delay: 0ms}
    run: '[ "$FF_ATTEMPT" -ge 2 ]'
  last:
    needs: [each, wait, flaky]
    env: {TENS: "${{ tasks.each.outputs.ten }}"}
    run: printf %s "$TENS" > "$FF_OUT/tens"
    outputs: {tens: json}
outputs: {tens: "${{ tasks.last.outputs.tens }}"}
"""


class LikeSqlite(CliTest):
    """For each test file of a store; used by the module's name, or its tests would run
    for this class too."""

    store: str

    def setUp(self) -> None:
        super().setUp()
        self.use(self.store)

    def use(self, store: str) -> None:
        self.data = self.folder / store
        self.env["FLOWFORGE_ENGINE_STORE"] = store

    def canonical(self) -> str:
        return self.call("history", "last", "--canonical").out

    def test_the_demo_has_the_results_and_the_history_of_store_sqlite(self) -> None:
        seen = []
        for store in ("store-sqlite", self.store):
            self.use(store)
            self.call("run", str(SOURCE / "examples/climate/climate.yaml"), "--quiet")
            run = self.call("get", "last", "-o", "json").json()
            self.assertEqual("succeeded", run["state"])
            report = {
                name: Path(value).read_bytes()
                for name, value in run["outputs"].items()
                if isinstance(value, str) and value.startswith(str(self.data))
            }
            self.assertIn("report", report)
            history = self.canonical().replace(str(self.data), "DATA")
            seen.append((history.replace(run["id"], "RUN"), report["table"]))
        self.assertGreater(seen[0][0].count("\n"), 20)
        self.assertEqual(seen[0], seen[1])
        self.assertFalse((self.data / "flowforge.db").exists())

    def run_gated(self, killed: bool) -> Result:
        gate = self.gate("gate")
        try:
            owner = self.start("run", self.file("flow.yaml", FLOW))
            owner.wait_for("wait started")
            self.look_from_another_process()
            if killed:
                owner.end(signal.SIGKILL)
                self.look_from_another_process()
                owner = self.start("resume")
            gate.open()
            return owner.end()
        finally:
            gate.path.unlink()

    def look_from_another_process(self) -> None:
        self.assertIn("gated", self.call("list").out)
        tasks = self.call("get", "last", "-o", "json").json()["tasks"]
        states = {t["task"]: t["state"] for t in tasks}
        self.assertEqual(("succeeded", "running"), (states["first"], states["wait"]))
        self.call("logs", "last")

    def test_an_owner_that_is_killed_changes_nothing_that_can_be_seen(self) -> None:
        seen = []
        for store, killed in (
            ("store-sqlite", False),
            (self.store, False),
            (self.store, True),
        ):
            self.use(store)
            done = self.run_gated(killed)
            self.assertEqual(0, done.code, done.err)
            run = self.call("get", "last", "-o", "json").json()
            self.assertEqual({"tens": [10, 20, 30]}, run["outputs"])
            self.assertIn("waited", self.call("logs", "last", "wait").out)
            seen.append(self.canonical())
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])
