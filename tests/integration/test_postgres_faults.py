#!/usr/bin/python3
"""What PostgreSQL itself does to whoever uses it: rows that somebody else has locked,
deadlocks, transactions that it refuses by the dozen, no connections, a full disk, and
an address behind which it is another server. Each time the engine says what is wrong,
waits, and goes on: every item has run once, and the run succeeds."""
# ctest: timeout=600

import contextlib
import os
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

from ff_cli import PATIENCE, CliTest, Process
from network import Network
from postgres import DATABASE, Postgres

N_ITEMS = 40
LOAD = f"""\
flowforge: 1
name: load
tasks:
  each:
    foreach: ${{{{ range({N_ITEMS}) }}}}
    max_parallel: 4
    env: {{ITEM: "${{{{ item }}}}"}}
    run: while [ -e wait ]; do sleep 0.02; done; echo "$ITEM" >> ledger
"""
ITEMS = sorted(str(i) for i in range(N_ITEMS))

# Two of three transactions that write tasks are refused, until there were so many.
STORM = """
CREATE SEQUENCE @storm;
CREATE FUNCTION @refuse() RETURNS trigger AS $$
DECLARE n bigint := nextval('@storm');
BEGIN
    IF n <= 60 AND n % 3 <> 0 THEN
        RAISE EXCEPTION 'not this time'
            USING ERRCODE = CASE n % 3 WHEN 1 THEN '40001' ELSE '40P01' END;
    END IF;
    RETURN NULL;
END $$ LANGUAGE plpgsql;
"""
AT_ONCE = """
CREATE TRIGGER storm AFTER INSERT OR UPDATE ON @task
    FOR EACH STATEMENT EXECUTE FUNCTION @refuse()
"""
AT_COMMIT = """
CREATE CONSTRAINT TRIGGER storm AFTER INSERT OR UPDATE ON @task
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION @refuse()
"""


class PostgresFaults(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.schema = f"s{self.id().rsplit('.', 1)[1]}"[:40]

    def use(self, server: Postgres, **others: str) -> None:
        self.env |= server.environment(schema=self.schema, **others)
        self.server = server

    def at(self, text: str) -> str:
        return text.replace("@", f'"{self.schema}".')

    def sql(self, text: str) -> str:
        return self.server.sql(self.at(text))

    def make_tables(self) -> None:
        self.call("list")

    def begin(self) -> Process:
        return self.start("run", self.file("load.yaml", LOAD))

    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return sorted(path.read_text().splitlines()) if path.exists() else []

    def wait_for_lines(self, n: int) -> None:
        end = time.monotonic() + PATIENCE
        while len(self.ledger()) < n:
            self.assertLess(time.monotonic(), end, f"{len(self.ledger())} of {n} lines")
            time.sleep(0.005)

    def judge(self, owner: Process) -> str:
        """It ends well, and nothing ran twice; what it said of its trouble."""
        done = owner.end()
        self.assertEqual(0, done.code, done.err)
        self.assertEqual(ITEMS, self.ledger())
        shown = self.call("get", "last", "-o", "json").json()
        self.assertEqual("succeeded", shown["state"])
        return done.err


class Refused(PostgresFaults):
    shared: Postgres

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.shared = cls.enterClassContext(Postgres())

    def setUp(self) -> None:
        super().setUp()
        self.use(self.shared)

    # --- locks ---

    def test_rows_that_somebody_locks_are_waited_for(self) -> None:
        """For longer than the driver waits for a lock, and than a lease."""
        owner = self.begin()
        self.wait_for_lines(5)
        with self.server.holding(self.at("SELECT 1 FROM @task FOR UPDATE")):
            owner.wait_for_err("is over before a commit was possible")
            self.assertLess(len(self.ledger()), N_ITEMS)
        self.assertIn("holds a lock", self.judge(owner))

    def test_a_table_that_somebody_locks_is_waited_for(self) -> None:
        owner = self.begin()
        self.wait_for_lines(5)
        with self.server.holding(self.at("LOCK TABLE @task")):
            owner.wait_for_err("holds a lock")
        self.judge(owner)

    def test_deadlocks_with_somebody_else_are_lost_and_tried_again(self) -> None:
        self.make_tables()
        self.server.set("deadlock_timeout", "'20ms'")
        n_before = self.n_deadlocks()
        with self.meanwhile(self.get_in_the_way):
            owner = self.begin()
            self.wait_for_lines(N_ITEMS)
        self.judge(owner)
        self.assertGreater(self.n_deadlocks(), n_before)

    def get_in_the_way(self) -> None:
        """In the other order than a commit. Who waits for longest is not who finds it
        out: nobody is as patient as we are here."""
        with contextlib.suppress(AssertionError):
            self.sql(
                "BEGIN; SET LOCAL deadlock_timeout = '10s';"
                " SELECT 1 FROM @task FOR UPDATE; SELECT pg_sleep(0.02);"
                " SELECT 1 FROM @shard FOR UPDATE; COMMIT"
            )

    def n_deadlocks(self) -> int:
        return int(
            self.sql(
                "SELECT deadlocks FROM pg_stat_database"
                " WHERE datname = current_database()"
            )
        )

    @contextlib.contextmanager
    def meanwhile(self, do: Callable[[], None]) -> Iterator[None]:
        over = threading.Event()

        def loop() -> None:
            while not over.is_set():
                do()

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    # --- transactions that are refused ---

    def test_a_storm_of_refused_statements_passes(self) -> None:
        self.pass_storm(AT_ONCE)

    def test_a_storm_of_refused_commits_passes(self) -> None:
        self.pass_storm(AT_COMMIT)

    def pass_storm(self, trigger: str) -> None:
        self.make_tables()
        self.sql(STORM + trigger)
        owner = self.begin()
        self.judge(owner)
        self.assertGreater(int(self.sql("SELECT last_value FROM @storm")), 60)


class Connections(PostgresFaults):
    """Three of them are for who administers it, five for all others."""

    def setUp(self) -> None:
        super().setUp()
        small = Postgres(settings="max_connections = 8")
        self.use(self.enterContext(small), user="plain")
        self.sql(
            f"CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE {DATABASE} TO plain"
        )

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Whatever is free is somebody's, for as long as the block."""
        over = threading.Event()
        hogs: list[subprocess.Popen[bytes]] = []
        words = [str(self.server.bin / "psql"), "-X", "-q", "-U", "plain"]
        words += ["-h", str(self.server.folder), "-p", str(self.server.port)]

        def take() -> None:
            while not over.wait(0.02):
                for hog in [hog for hog in hogs if hog.poll() is not None]:
                    hog.communicate()
                    hogs.remove(hog)
                if len(hogs) < 6:
                    hogs.append(
                        subprocess.Popen(
                            [*words, DATABASE],
                            stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL,
                        )
                    )

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            for hog in hogs:
                hog.communicate()

    def test_who_gets_no_connection_says_so_and_tries_again(self) -> None:
        owner = self.begin()
        self.wait_for_lines(5)
        wait = self.folder / "wait"
        wait.touch()
        with self.taken():
            end = time.monotonic() + PATIENCE
            while self.server.backends():
                self.assertLess(time.monotonic(), end)
                self.server.cut_connections()
                time.sleep(0.1)
            wait.unlink()
            owner.wait_for_err("remaining connection slots are reserved")
            n = len(self.ledger())
            time.sleep(2)
            # What was under way has ended, and nothing began.
            self.assertLessEqual(len(self.ledger()), n + 4)
        self.judge(owner)

    def test_who_asks_while_there_is_none_is_told_so(self) -> None:
        self.make_tables()
        self.env["FLOWFORGE_DATABASE_RECONNECT_TIMEOUT"] = "1s"
        with self.taken():
            self.server.wait_until(
                "SELECT 1 FROM pg_stat_activity WHERE usename = 'plain'"
                " HAVING count(*) = 5"
            )
            done = self.call("list", expect=None)
        self.assertNotEqual(0, done.code)
        self.assertIn("remaining connection slots are reserved", done.err)
        self.call("list")


class Disk(PostgresFaults):
    def small_disk(self) -> Path:
        """A file system of its own, or the test is skipped."""
        place = Path(tempfile.mkdtemp(prefix="ff-disk-"))
        self.addCleanup(place.rmdir)
        mount = ["mount", "-t", "tmpfs", "-o", "size=120m,mode=755", "tmpfs"]
        done = subprocess.run([*mount, str(place)], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"a file system cannot be mounted: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=True)
        return place

    def test_a_disk_that_was_full_is_gone_on_from(self) -> None:
        """The server itself may give up: where it cannot write its log, it must."""
        place = self.small_disk()
        with Postgres(place=place) as server:
            self.use(server)
            owner = self.begin()
            self.wait_for_lines(5)
            wait = self.folder / "wait"
            wait.touch()
            ballast = place / "ballast"
            self.fill(ballast)
            self.grow()
            wait.unlink()
            owner.wait_for_err("PostgreSQL at")
            ballast.unlink()
            self.see_it_up()
            self.judge(owner)

    @staticmethod
    def fill(ballast: Path) -> None:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        assert not os.statvfs(ballast).f_bavail

    def grow(self) -> None:
        """Until the disk is needed: by the table, or by the log of what is written."""
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(AssertionError):
            self.sql("CREATE TABLE @rest (t text)")
            while time.monotonic() < end:
                self.sql(
                    "INSERT INTO @rest SELECT repeat('x', 900)"
                    " FROM generate_series(1, 4000)"
                )

    def see_it_up(self) -> None:
        """By itself, or started anew."""
        assert self.server.popen
        end = time.monotonic() + PATIENCE
        while not self.server.is_ready():
            self.assertLess(time.monotonic(), end, self.server.said())
            if self.server.popen.poll() is not None:
                self.server.stop()
                self.server.start()
            time.sleep(0.05)


class Address(PostgresFaults):
    @staticmethod
    def standby(primary: Postgres) -> Postgres:
        """It tells who comes."""
        return Postgres(standby_of=primary, settings="log_connections = on")

    def test_an_address_that_becomes_the_standbys_is_followed(self) -> None:
        """First it takes no writes; the old primary lives on, and whatever it was asked
        and no standby has was not done."""
        with Postgres() as primary, self.standby(primary) as standby:
            primary.set("synchronous_standby_names", "'*'")
            network = Network(primary.port)
            self.addCleanup(network.close)
            self.use(
                primary,
                host="127.0.0.1",
                port=str(network.port),
                password=primary.password,
            )
            owner = self.begin()
            self.wait_for_lines(10)
            network.behind = standby.port
            network.lose()
            end = time.monotonic() + PATIENCE
            while "application_name=flowforge" not in standby.said():
                self.assertLess(time.monotonic(), end, "nobody asked the standby")
                time.sleep(0.01)
            n = len(self.ledger())
            standby.promote()
            self.server = standby
            self.judge(owner)
            self.assertLess(n, N_ITEMS)
            # Who had it before was not asked any more.
            behind = primary.sql(f'SELECT count(*) FROM "{self.schema}".open_run')
            self.assertEqual("1", behind)


if __name__ == "__main__":
    unittest.main()
