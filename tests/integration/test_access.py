#!/usr/bin/python3
"""Tenants, members, API keys and the audit log, through the program."""

import re
import signal
import sqlite3
import subprocess
import time
import unittest

from ff_cli import PATIENCE, SOURCE, CliTest, Result

CREDENTIAL = re.compile(r"^ffk_[0-9a-z]{8}_[0-9A-Za-z]{43}$")


class AccessTest(CliTest):
    def key(self, *args: str) -> str:
        made = self.call("key", "create", "ci", "--role", "author", *args)
        return made.out.strip()

    def check(self, credential: str, expect: int = 0) -> Result:
        done = subprocess.run(
            self.command("key", "check", "-o", "json"),
            input=credential + "\n",
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, expect, done.stderr)
        return Result(done.returncode, done.stdout, done.stderr)

    def names(self, *command: str) -> list[str]:
        rows = self.call(*command, "-o", "json").json()
        return [row.get("name") or row["subject"] for row in rows]

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            for statement in statements:
                db.execute(statement)


class Tenants(AccessTest):
    def test_two_tenants_see_nothing_of_each_other(self) -> None:
        for name in ("acme", "beta"):
            self.call("tenant", "create", name, "--title", name.upper())
            self.call("project", "create", "site", "--tenant", name)
        self.call("member", "set", "mia", "viewer", "--tenant", "acme")
        self.call(
            *("member", "set", "mia", "admin"),
            *("--tenant", "acme", "--project", "site"),
        )
        self.assertEqual(self.names("tenant", "list"), ["default", "acme", "beta"])
        self.assertEqual(
            self.names("project", "list", "--tenant", "beta"), ["default", "site"]
        )
        members = self.call("member", "list", "--tenant", "acme", "-o", "json").json()
        self.assertEqual(
            [(m["subject"], m["role"], m.get("project")) for m in members],
            [("mia", "viewer", None), ("mia", "admin", "site")],
        )
        key = self.key("--tenant", "acme", "--project", "site")
        for tenant in ("beta", "default"):
            for what in ("member", "key", "audit"):
                empty = self.call(what, "list", "--tenant", tenant, "-o", "json")
                expected = 1 if (what, tenant) == ("audit", "beta") else 0
                self.assertEqual(len(empty.json()), expected, (what, tenant))
        for tenant in ("beta", "default"):
            self.call("key", "revoke", key[4:12], "--tenant", tenant, expect=4)
        self.call("member", "remove", "mia", "--tenant", "beta", expect=4)
        self.call("project", "create", "site", "--tenant", "acme", expect=2)
        self.assertEqual(self.check(key).json()["tenant"], "acme")

    def test_who_works_alone_hears_of_no_tenant(self) -> None:
        self.call("member", "set", "mia", "admin")
        for what in ("member", "project", "key", "audit"):
            result = self.call(what, "list")
            self.assertNotIn("tenant", (result.out + result.err).lower())

    def test_what_is_wrong_is_said_with_a_remedy(self) -> None:
        for words, code, remedy in (
            (("project", "list", "--tenant", "gone"), 4, "tenant list"),
            (("key", "list", "--tenant", "No"), 4, "tenant list"),
            (("member", "set", "mia", "boss"), 2, "viewer, operator, author"),
            (("member", "set", "mia", "viewer", "--project", "x"), 4, "project create"),
            (("member", "set", "mia", "viewer", "--platform"), 2, "admin only"),
            (("member", "list", "--platform", "--tenant", "x"), 2, "leave out"),
            (("member", "set", "local:mia", "viewer"), 2, "users of this machine"),
            (("member", "set", "a\u202eb", "viewer"), 2, "direction"),
            (("tenant", "create", "x", "--title", "a\x1b[1m"), 2, "a title is"),
            (("member", "remove", "mia"), 4, "member list"),
            (("key", "create", "ci"), 2, "--role"),
            (("key", "create", "ci", "--role", "boss"), 2, "viewer"),
            (("key", "create", "ci", "--role", "viewer", "--expires", "1"), 2, "90d"),
            (("key", "create", "c i", "--role", "viewer"), 2, "use a-z"),
            (("key", "revoke", "aaaaaaaa"), 4, "key list"),
            (("key", "revoke", "ffk_aaaaaaaa"), 2, "behind ffk_"),
            (("tenant", "limit", "default", "max_cats", "1"), 2, "max_keys"),
            (("tenant", "limit", "default", "max_keys", "x"), 2, "usual"),
            (("tenant", "limit", "default", "max_keys", "99999"), 2, "10000"),
            (("tenant", "limit", "default", "max_cats", "1"), 2, "or max_running"),
            (("tenant", "limit", "default", "weight", "0"), 2, "from 1 to 1000"),
            (("project", "weight", "gone", "2"), 4, "project create"),
            (("project", "weight", "default", "2"), 2, "weighs 1"),
            (("project", "weight", "gone", "x"), 2, "usual"),
            (("tenant", "disable", "default"), 2, "cannot be disabled"),
            (("audit", "verify", "--seal", "1"), 2, "NUMBER:HASH"),
        ):
            with self.subTest(words=words):
                self.assertIn(remedy, self.call(*words, expect=code).err)

    def test_a_quota_is_kept_and_can_be_raised(self) -> None:
        self.call("tenant", "limit", "default", "max_keys", "1")
        self.key()
        refused = self.call("key", "create", "b", "--role", "viewer", expect=74)
        self.assertIn("1 of 1 already (max_keys)", refused.err)
        self.call("tenant", "limit", "default", "max_keys", "usual")
        self.key()

    def test_shares_of_the_slots_are_said_and_listed(self) -> None:
        self.call("tenant", "create", "acme")
        self.call("tenant", "limit", "acme", "weight", "3")
        self.call("tenant", "limit", "acme", "max_running", "0")
        self.call("project", "create", "site", "--tenant", "acme")
        self.call("project", "weight", "site", "2", "--tenant", "acme")
        tenants = self.call("tenant", "list", "-o", "json").json()
        self.assertEqual(
            [(t["name"], t["weight"], t["max_running"]) for t in tenants],
            [("default", 1, 1000000), ("acme", 3, 0)],
        )
        projects = self.call("project", "list", "--tenant", "acme", "-o", "json").json()
        self.assertEqual(
            [(p["name"], p.get("weight")) for p in projects],
            [("default", None), ("site", 2)],
        )
        self.call("project", "weight", "site", "usual", "--tenant", "acme")
        log = self.call("audit", "list", "--tenant", "acme", "-o", "json").json()
        self.assertEqual(
            [row["detail"] for row in log if row["action"] == "project.weight"],
            [{"weight": None}, {"weight": 2}],
        )

    def test_a_tenant_that_may_run_nothing_starts_what_it_has_when_it_may(self) -> None:
        flow = self.file(
            "one.yaml",
            "flowforge: 1\nname: one\ntasks:\n  a: {command: [/bin/true]}\n",
        )
        self.call("tenant", "limit", "default", "max_running", "0")
        run = self.start("run", flow)
        end = time.monotonic() + PATIENCE
        while "running" not in self.call("list").out:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual(self.call("history", "last").out.count("task."), 0)
        self.call("tenant", "limit", "default", "max_running", "usual")
        self.assertEqual(run.end().code, 0)


class Keys(AccessTest):
    def test_a_key_is_shown_once_and_stored_nowhere(self) -> None:
        key = self.key()
        self.assertRegex(key, CREDENTIAL)
        self.assertNotEqual(key, self.key())
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(key[13:].encode(), path.read_bytes(), path)
        shown = "".join(
            self.call(*words).out
            for words in (
                ("key", "list"),
                ("key", "list", "-o", "json"),
                ("audit", "list"),
            )
        )
        self.assertIn(key[4:12], shown)
        self.assertNotIn(key[13:], shown)
        self.assertNotIn("hash", shown)

    def test_a_key_says_whose_it_is(self) -> None:
        key = self.key()
        self.assertEqual(
            self.check(key).json(),
            {
                "subject": "key:" + key[4:12],
                "tenant": "default",
                "project": None,
                "role": "author",
                "platform": False,
            },
        )
        platform = self.call("key", "create", "p", "--role", "admin", "--platform")
        self.assertEqual(self.check(platform.out.strip()).json()["platform"], True)
        self.call("project", "create", "site")
        for project in ("site", "default"):
            told = self.check(self.key("--project", project)).json()
            self.assertEqual((told["project"], told["role"]), (project, "author"))

    def test_a_key_ends_when_it_is_revoked_or_its_time_is_over(self) -> None:
        revoked, brief, forever = (
            self.key(),
            self.key("--expires", "1ms"),
            self.key("--expires", "never"),
        )
        self.call("key", "revoke", revoked[4:12])
        self.call("key", "revoke", revoked[4:12])
        self.assertIn("is revoked", self.check(revoked, expect=77).err)
        self.assertIn("has expired", self.check(brief, expect=77).err)
        self.check(forever)
        states = {
            row["id"]: ("revoked_at" in row, "expires_at" in row)
            for row in self.call("key", "list", "-o", "json").json()
        }
        self.assertEqual(states[revoked[4:12]], (True, True))
        self.assertEqual(states[forever[4:12]], (False, False))
        text = self.call("key", "list").out
        for word in ("revoked", "expired", "valid"):
            self.assertIn(word, text)

    def test_a_key_of_a_disabled_tenant_is_not_let_in(self) -> None:
        self.call("tenant", "create", "acme")
        key = self.key("--tenant", "acme")
        self.call("tenant", "disable", "acme")
        self.assertIn("is disabled", self.check(key, expect=77).err)
        refused = self.call(
            *("key", "create", "b", "--role", "viewer", "--tenant", "acme"), expect=77
        )
        self.assertIn("tenant enable acme", refused.err)
        self.call("tenant", "enable", "acme")
        self.check(key)

    def test_what_is_no_key_is_refused_and_not_repeated(self) -> None:
        key = self.key()
        other = key[:-1] + ("a" if key[-1] != "a" else "b")
        self.assertIn("is not known", self.check(other, expect=77).err)
        for text in ("", "password1", key + "x", "x" * 5000):
            refused = self.check(text, expect=77).err
            self.assertIn("no API key", refused)
            self.assertNotIn("password1", refused)


class Audit(AccessTest):
    def setUp(self) -> None:
        super().setUp()
        for name in ("ann", "bob", "eve", "mia"):
            self.call("member", "set", name, "viewer")

    def verify(self, *args: str, expect: int = 0) -> dict[str, object]:
        result = self.call("audit", "verify", "-o", "json", *args, expect=expect)
        verdict: dict[str, object] = result.json()
        return verdict

    def test_the_log_tells_who_did_what(self) -> None:
        rows = self.call("audit", "list", "-o", "json").json()
        self.assertEqual([row["no"] for row in rows], [4, 3, 2, 1])
        row = rows[-1]
        self.assertEqual(row["detail"], {"role": "viewer", "was": "none"})
        self.assertEqual(
            (row["action"], row["object"], row["decision"], row["via"]),
            ("member.set", "member/ann", "allowed", "local"),
        )
        self.assertTrue(row["who"].startswith("local:"))
        page = self.call(
            "audit", "list", "-o", "json", "--before", "3", "--limit", "1"
        ).json()
        self.assertEqual([row["no"] for row in page], [2])

    def test_a_log_that_nobody_changed_is_whole(self) -> None:
        verdict = self.verify()
        self.assertEqual(
            (verdict["verdict"], verdict["rows"], verdict["unsealed"]), ("whole", 4, 0)
        )
        seal = str(verdict["seal"])
        self.assertEqual(self.verify("--seal", seal), verdict)
        self.key()
        self.assertEqual(self.verify("--seal", seal)["rows"], 5)
        wrong = "4:" + "0" * 64
        self.assertEqual(self.verify("--seal", wrong, expect=1)["verdict"], "cut")

    def fault_of(self, *statements: str) -> tuple[object, object]:
        self.sql(*statements)
        verdict = self.verify(expect=1)
        text = self.call("audit", "verify", expect=1)
        self.assertIn(str(verdict["sentence"]), text.err)
        return verdict["verdict"], verdict["no"]

    def test_who_changes_the_log_is_found_out(self) -> None:
        columns = (
            "tenant, version, at, who, via, origin, request, project, action, object,"
            " decision, detail"
        )
        copy = f"INSERT INTO audit (no, {columns}) SELECT %d, {columns} FROM audit"
        move = "UPDATE audit SET no = %d WHERE no = %d"
        cases: list[tuple[str, int, list[str]]] = [
            ("edited", 2, ["UPDATE audit SET who = 'local:eve' WHERE no = 2"]),
            ("edited", 3, ["UPDATE audit SET decision = 'denied' WHERE no = 3"]),
            ("deleted", 3, ["DELETE FROM audit WHERE no = 3"]),
            ("deleted", 4, ["DELETE FROM audit WHERE no = 4"]),
            (
                "edited",
                3,
                [
                    "UPDATE audit SET who = 'local:eve' WHERE no = 3",
                    "INSERT INTO audit_open (tenant, no, version) VALUES (1, 3, 1)",
                ],
            ),
            ("inserted", 9, [copy % 9 + " WHERE no = 1"]),
            ("inserted", 2**63 - 1, [copy % (2**63 - 1) + " WHERE no = 1"]),
            ("reordered", 2, [move % (99, 2), move % (2, 3), move % (3, 99)]),
            ("seal_missing", 2, ["DELETE FROM audit_seal WHERE no = 2"]),
            ("seal_changed", 2, ["UPDATE audit_seal SET at = at + 1 WHERE no = 2"]),
        ]
        with sqlite3.connect(self.data / "flowforge.db") as db:
            kept = "\n".join(db.iterdump())
        for fault, no, statements in cases:
            with self.subTest(fault=fault, no=no):
                self.assertEqual(self.fault_of(*statements), (fault, no))
            self.restore(kept)
        self.assertEqual(self.verify()["verdict"], "whole")

    def restore(self, dump: str) -> None:
        """Puts the rows of the log back as they were."""
        with sqlite3.connect(self.data / "flowforge.db") as db:
            for table in ("audit", "audit_open", "audit_seal"):
                db.execute(f"DELETE FROM {table}")
                for line in dump.splitlines():
                    if line.startswith(f'INSERT INTO "{table}" '):
                        db.execute(line)

    def test_a_log_that_is_cut_off_lacks_the_seal_that_was_kept(self) -> None:
        seal = str(self.verify()["seal"])
        self.sql(
            "DELETE FROM audit WHERE no = 4", "DELETE FROM audit_seal WHERE no = 4"
        )
        self.assertEqual(self.verify()["verdict"], "whole")
        self.assertEqual(self.verify("--seal", seal, expect=1)["verdict"], "cut")

    def test_who_writes_at_once_leaves_one_chain(self) -> None:
        writers = [
            subprocess.Popen(
                self.command("member", "set", f"m{i}", "viewer", "-q"),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for i in range(8)
        ]
        for writer in writers:
            err = writer.communicate(timeout=PATIENCE)[1]
            self.assertEqual((writer.returncode, err), (0, b""))
        verdict = self.verify()
        self.assertEqual(
            (verdict["verdict"], verdict["rows"], verdict["unsealed"]),
            ("whole", 12, 0),
        )

    def test_rows_whose_writer_died_before_sealing_are_sealed_later(self) -> None:
        self.env["FF_FAILPOINT"] = "access.commit.seal:kill"
        self.call("member", "set", "zoe", "viewer", expect=-9)
        del self.env["FF_FAILPOINT"]
        self.assertEqual(self.verify()["unsealed"], 1)
        self.call("member", "set", "zed", "viewer")
        verdict = self.verify()
        self.assertEqual((verdict["rows"], verdict["unsealed"]), (6, 0))

    def test_who_stays_as_the_owner_seals_what_others_left(self) -> None:
        self.env["FF_FAILPOINT"] = "access.commit.seal:kill"
        self.call("member", "set", "zoe", "viewer", expect=-9)
        del self.env["FF_FAILPOINT"]
        self.assertEqual(self.verify()["unsealed"], 1)
        engine = self.start("engine", "--stay")
        deadline = time.monotonic() + PATIENCE
        while self.verify()["unsealed"] != 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(self.verify()["seals"], 5)
        engine.end(signal.SIGTERM)


class Manual(unittest.TestCase):
    def test_the_table_of_roles_is_that_of_the_program(self) -> None:
        manual = (SOURCE / "docs/access.md").read_text()
        table = manual.split("\n## Roles\n")[1].split("\n- ")[0]
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in table.splitlines()
            if line.startswith("| ")
        ]
        names = rows[0][1:]
        told = {
            row[0]: [n for n, cell in zip(names, row[1:], strict=True) if cell == "x"]
            for row in rows[2:]
        }
        golden = (SOURCE / "tests/unit/access/roles.golden").read_text()
        known: dict[str, list[str]] = {}
        for line in golden.splitlines():
            match = re.match(r"(\w+)( of a tenant)? +its tenant +([a-z_ ]*)\|", line)
            if match:
                known[match[1]] = match[3].split()
        for name in ("none", "local"):
            known.pop(name)
        self.assertEqual(told, known)


if __name__ == "__main__":
    unittest.main()
