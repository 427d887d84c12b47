#!/usr/bin/python3
"""The engine on store-postgres: what runs there, runs as it does on store-sqlite, also
when an owner is killed, when the server crashes and comes back, and when a connection
is cut at any step of any commit.
"""
# ctest: timeout=600

import os
import signal
import sys
import time
import unittest

import ff_stores
from cutting_proxy import CuttingProxy
from ff_cli import PATIENCE, SOURCE
from postgres import Postgres

LEDGER = """\
flowforge: 1
name: ledger
tasks:
  first:
    run: echo first >> ledger
  each:
    needs: [first]
    foreach: [1, 2]
    env: {ITEM: "${{ item }}"}
    run: echo "each $ITEM" >> ledger
  last:
    needs: [each]
    run: echo last >> ledger
"""
LINES = ["each 1", "each 2", "first", "last"]

LOAD = """\
flowforge: 1
name: load
tasks:
  each:
    foreach: ${{ range(60) }}
    max_parallel: 4
    env: {ITEM: "${{ item }}"}
    run: echo "$ITEM" >> ledger
"""


MANY = """\
flowforge: 1
name: many
tasks:
  each:
    foreach: ${{ range(300) }}
    max_parallel: 1
    command: ["true"]
"""


class StorePostgres(ff_stores.LikeSqlite):
    store = "store-postgres"
    server: Postgres

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Postgres())

    def setUp(self) -> None:
        self.schema = f"s{self.id().rsplit('.', 1)[1]}"[:40]
        super().setUp()

    def use(self, store: str, **others: str) -> None:
        super().use(store)
        options = {"schema": self.schema, **others}
        for key, value in self.server.options(**options).items():
            self.env[f"FLOWFORGE_DATABASE_{key.upper()}"] = value

    def state(self) -> str:
        return str(self.call("get", "last", "-o", "json").json()["state"])

    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return sorted(path.read_text().splitlines()) if path.exists() else []

    # --- the same as elsewhere ---

    def test_the_demo_has_the_results_and_the_history_of_store_sqlite(self) -> None:
        super().test_the_demo_has_the_results_and_the_history_of_store_sqlite()
        count = f"SELECT count(*) FROM \"{self.schema}\".run WHERE state = 'succeeded'"
        self.assertEqual("1", self.server.sql(count))

    def n_runs(self) -> int:
        return len(self.call("list", "-o", "json").json()["runs"])

    def run_and_kill(self, flow: str, point: str, number: int) -> bool:
        """Killed there, and taken up again, or begun again if it was not stored. False:
        it ended before that."""
        (self.folder / "ledger").unlink(missing_ok=True)
        before = self.n_runs()
        self.env["FF_FAILPOINT"] = f"postgres.{point}:kill:{number}"
        first = self.call("run", flow, "--quiet", expect=None)
        del self.env["FF_FAILPOINT"]
        self.assertIn(first.code, (0, -signal.SIGKILL), first.err)
        if self.n_runs() == before:
            self.call("run", flow, "--quiet")
        else:
            self.call("resume", "--quiet")
        self.assertEqual("succeeded", self.state())
        return first.code != 0

    def test_an_owner_that_dies_at_any_commit_is_followed_without_a_trace(self) -> None:
        flow = self.file("ledger.yaml", LEDGER)
        self.env["FF_FAILPOINT"] = "postgres.setup.before:kill"
        self.call("run", flow, "--quiet", expect=-signal.SIGKILL)
        self.env["FF_FAILPOINT"] = "postgres.setup.after:kill"
        self.call("run", flow, "--quiet", expect=-signal.SIGKILL)
        del self.env["FF_FAILPOINT"]
        self.call("run", flow, "--quiet")
        history = self.canonical()
        n_killed = 0
        for point in ("commit.before", "commit.after"):
            number = 1
            while self.run_and_kill(flow, point, number):
                with self.subTest(point=point, number=number):
                    self.assertEqual(LINES, self.ledger())
                    self.assertEqual(history, self.canonical())
                number += 1
                n_killed += 1
        self.assertGreater(n_killed, 8)

    def test_no_row_is_written_for_ever(self) -> None:
        """Its versions that an old snapshot keeps would be in the way of each write."""
        self.call("run", self.file("ledger.yaml", LEDGER), "--quiet")
        self.server.sql(
            f'CREATE TABLE "{self.schema}"._seen (token text, n bigint);'
            f' CREATE FUNCTION "{self.schema}"._note() RETURNS trigger AS $$ BEGIN'
            f' INSERT INTO "{self.schema}"._seen VALUES (NEW.token, NEW.n);'
            " RETURN NULL; END $$ LANGUAGE plpgsql;"
            f' CREATE TRIGGER note AFTER INSERT OR UPDATE ON "{self.schema}"._session'
            f' FOR EACH ROW EXECUTE FUNCTION "{self.schema}"._note()'
        )
        self.call("run", self.file("many.yaml", MANY), "--quiet")
        seen = f'SELECT token, count(*) AS n, max(n) AS last FROM "{self.schema}"._seen'
        longest, last = self.server.sql(
            f"SELECT max(n), max(last) FROM ({seen} GROUP BY token) AS x"
        ).split("|")
        self.assertGreater(int(last), 256)
        self.assertLessEqual(int(longest), 256)
        left = f'SELECT count(*) FROM "{self.schema}"._session'
        self.assertEqual("0", self.server.sql(left))

    # --- the server comes and goes ---

    def wait_for_lines(self, n: int) -> None:
        end = time.monotonic() + PATIENCE
        while len(self.ledger()) < n:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.ledger())} lines, and not {n}")
            time.sleep(0.005)

    def test_a_server_that_crashes_under_load_loses_nothing(self) -> None:
        owner = self.start("run", self.file("load.yaml", LOAD), "--quiet")
        for n, end in ((5, self.server.crash), (20, self.server.quit)):
            self.wait_for_lines(n)
            end()
            self.server.start()
        self.wait_for_lines(40)
        self.assertGreater(self.server.cut_connections(), 0)
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual("succeeded", self.state())
        self.assertEqual(sorted(str(i) for i in range(60)), self.ledger())

    def wait_for_the_gate(self) -> None:
        """Only what the gate holds goes on, and no commit: a server process that is
        stopped inside one keeps its locks, which nobody can take from it."""
        end = time.monotonic() + PATIENCE
        wanted = {"each": "succeeded", "flaky": "succeeded", "wait": "running"}
        seen: dict[str, str] = {}
        while any(seen.get(task) != state for task, state in wanted.items()):
            self.assertLess(time.monotonic(), end, f"{seen}")
            shown = self.call("get", "last", "-o", "json", expect=None)
            if shown.code == 0:
                seen = {t["task"]: t["state"] for t in shown.json()["tasks"]}
        self.server.wait_until(
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE application_name = 'flowforge' AND state <> 'idle')"
        )

    def test_a_server_process_that_hangs_is_given_up(self) -> None:
        self.env["FLOWFORGE_DATABASE_STATEMENT_TIMEOUT"] = "1s"
        gate = self.gate("gate")
        owner = self.start("run", self.file("flow.yaml", ff_stores.FLOW))
        self.wait_for_the_gate()
        stopped = self.server.backends()
        self.assertGreater(len(stopped), 0)
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            gate.open()
            done = owner.end()
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual(0, done.code, done.err)
        self.assertIn("does not answer in time", done.err)
        self.assertEqual("succeeded", self.state())

    def test_a_standby_that_takes_over_goes_on_with_the_run(self) -> None:
        with Postgres() as primary, Postgres(standby_of=primary) as standby:
            # What is acknowledged is on both: nothing may be lost.
            primary.set("synchronous_standby_names", "'*'")
            hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
            self.env["FLOWFORGE_DATABASE_HOST"] = hosts
            self.env["FLOWFORGE_DATABASE_PASSWORD"] = primary.password
            owner = self.start("run", self.file("load.yaml", LOAD))
            self.wait_for_lines(20)
            primary.crash()
            standby.promote()
            done = owner.end()
            self.assertEqual(0, done.code, done.err)
            self.assertEqual(sorted(str(i) for i in range(60)), self.ledger())
            self.assertEqual("succeeded", self.state())

    def test_a_commit_that_no_standby_has_is_not_taken_for_done(self) -> None:
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        with Postgres() as primary, Postgres(standby_of=primary) as standby:
            primary.set("synchronous_standby_names", "'*'")
            self.env["FLOWFORGE_DATABASE_HOST"] = str(primary.folder)
            self.env["FLOWFORGE_DATABASE_PORT"] = str(primary.port)
            one_by_one = LOAD.replace("max_parallel: 4", "max_parallel: 1")
            owner = self.start("run", self.file("load.yaml", one_by_one))
            self.wait_for_lines(3)
            standby.stop()
            primary.wait_until(waits)
            n = len(self.ledger())
            # Longer than the driver asks by itself, and some.
            end = time.monotonic() + 5
            n_cut = 0
            while time.monotonic() < end:
                primary.wait_until(waits)
                # One that waits may just be going, cut a moment ago.
                n_cut += primary.cut_connections()
            self.assertGreater(n_cut, 0)
            # One task was under way.
            self.assertLessEqual(len(self.ledger()), n + 1)
            standby.start()
            done = owner.end()
            self.assertEqual(0, done.code, done.err)
            self.assertEqual(sorted(str(i) for i in range(60)), self.ledger())
            self.assertEqual("succeeded", self.state())

    def test_a_user_may_have_no_right_to_make_tables(self) -> None:
        hello = str(SOURCE / "examples/hello/hello.yaml")
        self.call("run", hello)
        self.server.sql(
            "CREATE ROLE worker LOGIN;"
            f' GRANT USAGE ON SCHEMA "{self.schema}" TO worker;'
            " GRANT SELECT, INSERT, UPDATE, DELETE"
            f' ON ALL TABLES IN SCHEMA "{self.schema}" TO worker'
        )
        self.env["FLOWFORGE_DATABASE_USER"] = "worker"
        self.call("run", self.file("ledger.yaml", LEDGER))
        self.assertEqual(LINES, self.ledger())
        # Retention deletes, and locks a table while it does.
        self.call("run", hello, "--set", "engine.keep_runs=1")
        self.assertEqual(1, len(self.call("list", "-o", "json").json()["runs"]))

    def test_what_asks_while_the_server_is_down_is_told_so(self) -> None:
        self.call("run", str(SOURCE / "examples/hello/hello.yaml"))
        self.server.stop()
        try:
            done = self.call("list", expect=None)
        finally:
            self.server.start()
        self.assertNotEqual(0, done.code)
        self.assertIn("PostgreSQL", done.err)
        self.assertNotIn(self.server.password, done.err)
        self.assertIn("hello", self.call("list").out)

    # --- a connection is cut at each step ---

    def test_a_connection_cut_at_any_step_of_a_commit_changes_nothing(self) -> None:
        flow = self.file("ledger.yaml", LEDGER)
        with CuttingProxy(self.server.port) as proxy:
            self.use(
                "store-postgres",
                host="127.0.0.1",
                port=str(proxy.port),
                password=self.server.password,
            )
            self.call("run", flow, "--quiet")
            history = self.canonical()
            (self.folder / "ledger").unlink()
            proxy.count("COMMIT")
            self.call("run", flow, "--quiet")
            n_commits = proxy.n_seen
            self.assertGreater(n_commits, 4)
            (self.n_cuts, self.said) = (0, "")
            for text in ("BEGIN", "COMMIT"):
                for number in range(1, n_commits + 1):
                    for after in (False, True):
                        self.run_and_cut(proxy, flow, history, (text, number, after))
        # The last steps may be some that another run does not come to.
        self.assertGreater(self.n_cuts, n_commits * 3)
        # What nobody answered was found out, either way.
        self.assertIn("which was done", self.said)
        self.assertIn("which was not done", self.said)
        self.assertNotIn("in doubt", self.said)

    n_cuts: int
    said: str

    def run_and_cut(
        self, proxy: CuttingProxy, flow: str, history: str, cut: tuple[str, int, bool]
    ) -> None:
        text, number, after = cut
        (self.folder / "ledger").unlink(missing_ok=True)
        with self.subTest(text=text, number=number, after=after):
            proxy.arm(text, number, after=after)
            done = self.call("run", flow, expect=None)
            self.said += done.err
            self.n_cuts += proxy.n_cuts
            proxy.count("COMMIT")
            self.assertEqual(0, done.code, done.err)
            self.assertEqual(LINES, self.ledger())
            self.assertEqual(history, self.canonical())


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
