#!/usr/bin/python3
# ctest: timeout=600
"""store-postgres passes the conformance kit against a server of its own, whose
collation is not the order of bytes; and refuses servers and settings that it should.
"""

import concurrent.futures
import contextlib
import os
import re
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

from cutting_proxy import CuttingProxy
from pg_requests import Commit, PgRequests
from postgres import Postgres

LIB = Path(os.environ["FLOWFORGE_LIB"])
PROGRAM = Path(os.environ["FLOWFORGE_BIN"]) / "flowforge"
PING = ("store/errors/close",)
# What is not asked of it: it says FF_ONE_AT_A_TIME, keeps no files of its own, and
# leaves backups to PostgreSQL's own tools.
SKIPPED = 7


class StorePostgres(unittest.TestCase):
    server: Postgres

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = cls.enterClassContext(Postgres())

    def check(
        self, options: dict[str, str], only: tuple[str, ...] = PING, expect: int = 1
    ) -> str:
        call = [str(PROGRAM), "driver", "check", str(LIB / "store-postgres.so")]
        for key, value in {"schema": "{unique}", **options}.items():
            call += ["-o", f"{key}={value}"]
        for name in only:
            call += ["--only", name]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        self.assertEqual(expect, done.returncode, text)
        self.assertNotIn(self.server.password, text)
        return text

    @contextlib.contextmanager
    def with_setting(self, name: str, value: str) -> Iterator[None]:
        self.server.set(name, value)
        self.server.restart()
        try:
            yield
        finally:
            self.server.sql(f"ALTER SYSTEM RESET {name}")
            self.server.restart()

    def test_it_passes_the_kit(self) -> None:
        text = self.check(self.server.options(), only=(), expect=0)
        self.assertRegex(text, rf", 0 failed, {SKIPPED} skipped")
        n_passed = re.search(r"# (\d+) of (\d+) passed", text)
        assert n_passed
        self.assertGreater(int(n_passed[1]), 80)

    def test_it_connects_by_address_and_password(self) -> None:
        self.check(self.server.by_address(), only=("store/values/*",), expect=0)
        text = self.check(self.server.by_address() | {"password": "wrong"})
        self.assertIn("password authentication failed", text)
        text = self.check(self.server.by_address(database="nothing"))
        self.assertIn("does not exist", text)

    def test_a_password_may_stand_in_a_file(self) -> None:
        file = self.server.folder / "mine"
        file.write_text(self.server.password + "\n")
        file.chmod(0o600)
        options = self.server.by_address(password_file=str(file))
        del options["password"]
        self.check(options, expect=0)
        file.write_text("another\n")
        self.assertIn("password authentication failed", self.check(options))

    def test_of_several_hosts_the_one_that_is_there_is_used(self) -> None:
        options = self.server.by_address(
            host=f"127.0.0.1:1,127.0.0.1:{self.server.port}"
        )
        self.check(options, expect=0)

    def test_a_server_that_may_lose_commits_is_refused(self) -> None:
        careful = self.server.options(unsafe_durability="false")
        self.assertIn("fsync is off", self.check(careful))
        with self.with_setting("fsync", "on"):
            self.check(careful, expect=0)
            self.server.sql("ALTER ROLE flowforge SET synchronous_commit = off")
            self.assertIn("synchronous_commit is off", self.check(careful))
            self.server.sql("ALTER ROLE flowforge RESET synchronous_commit")

    def test_a_server_that_takes_no_writes_is_refused(self) -> None:
        with self.with_setting("default_transaction_read_only", "on"):
            self.assertIn("takes no writes", self.check(self.server.options()))

    def test_a_standby_is_refused_and_passed_over(self) -> None:
        with Postgres(standby_of=self.server) as standby:
            self.assertIn("it is a standby", self.check(standby.options()))
            both = f"127.0.0.1:{standby.port},127.0.0.1:{self.server.port}"
            self.check(self.server.by_address(host=both), expect=0)

    def test_a_database_of_another_encoding_is_refused(self) -> None:
        self.server.sql(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
            " TEMPLATE template0"
        )
        text = self.check(self.server.options(database="latin"))
        self.assertIn("not of UTF-8", text)

    def test_who_could_read_along_is_thought_of(self) -> None:
        # Not one of the names of this machine, and still not far.
        away = {"host": "127.0.0.2", "port": "1", "ssl_mode": "disable"}
        text = self.check(away)
        self.assertIn("insecure: true", text)
        self.assertIn("Connection refused", self.check(away | {"insecure": "true"}))
        demanding = self.server.by_address(ssl_mode="require")
        self.assertIn("SSL", self.check(demanding))

    def test_tls_is_for_whom_it_can_verify(self) -> None:
        folder = self.server.folder
        (key, certificate) = (folder / "server.key", folder / "server.crt")
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        make += ["ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key)]
        make += ["-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"]
        make += ["-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(make, check=True, capture_output=True)
        for file in (key, certificate):
            file.chmod(0o600)
            self.server.own(file)
        self.server.set("ssl_key_file", f"'{key}'")
        self.server.set("ssl_cert_file", f"'{certificate}'")
        known = self.folder / "ca.pem"
        known.write_bytes(certificate.read_bytes())
        with self.with_setting("ssl", "on"):
            required = self.server.by_address(ssl_mode="require")
            self.check(required, expect=0)
            strict = required | {"ssl_mode": "verify-full", "host": "localhost"}
            self.assertIn("root certificate", self.check(strict))
            strict["ssl_root_cert"] = str(known)
            self.check(strict, expect=0)
            self.assertIn("does not match", self.check(strict | {"host": "127.0.0.1"}))

    def test_who_makes_the_tables_is_waited_for(self) -> None:
        waits = "FROM pg_stat_activity WHERE wait_event = 'advisory'"
        lock = "SELECT pg_advisory_xact_lock(1179012183, hashtext('late'))"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            with self.server.holding(lock):
                check = pool.submit(
                    self.check,
                    self.server.options(schema="late"),
                    only=("store/guards/put-any",),
                    expect=0,
                )
                # Longer than for any other lock.
                self.server.wait_until(
                    f"SELECT 1 {waits} AND clock_timestamp() > query_start + '5.5s'"
                )
            check.result()

    def test_a_watch_waits_for_a_commit_that_does_not_know_of_it(self) -> None:
        options = self.server.options(schema="watched")
        watch = ("store/watch/other-process",)
        self.check(options, only=watch, expect=0)
        held = "LOCK TABLE watched.kit_pair IN ROW EXCLUSIVE MODE"
        with self.server.holding(f"{held}; SELECT FROM watched._watch"):
            text = self.check(options, only=watch)
        self.assertIn("began before the watch, and does not end", text)
        # Who only reads is in nobody's way.
        only_reads = "SELECT FROM watched.kit_pair; SELECT FROM watched._watch"
        with self.server.holding(only_reads):
            self.check(options, only=watch, expect=0)

    def test_a_server_that_does_not_let_us_listen_is_given_up(self) -> None:
        with CuttingProxy(self.server.port) as proxy:
            options = self.server.by_address(
                port=str(proxy.port), schema="deaf", statement_timeout="1s"
            )
            proxy.arm('LISTEN "flowforge_deaf"', 1, hold=True)
            text = self.check(options, only=("store/watch/other-process",))
            self.assertIn("it cannot listen", text)

    def test_a_commit_is_two_round_trips_however_many_rows_it_has(self) -> None:
        """One does all of it, one says COMMIT: as many messages for thousands of rows
        as for one."""
        one = min(self.commits_of("store/guards/put-absent"))
        many = max(self.commits_of("store/atomic/large"))
        self.assertGreater(many.n_bytes, 100 * one.n_bytes)
        self.assertEqual(many.n_executed, one.n_executed)

    def commits_of(self, check: str) -> list[Commit]:
        with PgRequests(self.server.port) as proxy:
            options = self.server.by_address(port=str(proxy.port))
            self.check(options, only=(check,), expect=0)
            commits = proxy.commits()
        self.assertLessEqual({c.then for c in commits}, {"COMMIT", "ROLLBACK"})
        return [c for c in commits if c.then == "COMMIT"]

    def test_the_tables_of_somebody_else_are_left_alone(self) -> None:
        self.server.sql("CREATE SCHEMA theirs; CREATE TABLE theirs.kit_pair (k int)")
        text = self.check(
            self.server.options(schema="theirs"), only=("store/guards/put-any",)
        )
        self.assertIn("belongs to another program", text)
        self.assertEqual("", self.server.sql("SELECT * FROM theirs.kit_pair"))

    def test_names_are_quoted(self) -> None:
        self.check(
            self.server.options(schema='odd "name"; --{unique}'),
            only=("store/setup/*", "store/guards/*", "store/watch/*"),
            expect=0,
        )

    def test_a_user_without_the_right_to_make_tables_is_told_so(self) -> None:
        self.server.sql("CREATE ROLE guest LOGIN")
        text = self.check(
            self.server.options(user="guest"), only=("store/guards/put-any",)
        )
        self.assertIn("the user lacks a right", text)

    def test_a_user_that_may_not_end_its_own_sessions_is_told_so(self) -> None:
        self.server.sql(
            "CREATE ROLE boss; CREATE ROLE clerk LOGIN IN ROLE boss;"
            " GRANT CREATE ON DATABASE flowforge TO boss;"
            " ALTER ROLE clerk SET role = boss"
        )
        clerk = self.server.options(user="clerk")
        self.assertIn("may not end its own sessions", self.check(clerk))
        self.server.sql("ALTER ROLE clerk RESET role")
        self.check(clerk, expect=0)


if __name__ == "__main__":
    unittest.main()
