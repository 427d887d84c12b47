#!/usr/bin/python3
"""Secrets: stored encrypted, found by tasks, and nowhere else."""

import base64
import os
import pty
import sqlite3
import subprocess
import unittest

from ff_cli import PATIENCE, CliTest, Result

VALUE = "correct horse/battery+staple"


class SecretTest(CliTest):
    def secret(self, *args: str, value: bytes = b"", expect: int = 0) -> Result:
        done = subprocess.run(
            self.command("secret", *args),
            input=value,
            env=self.env,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assertEqual(result.code, expect, result.err)
        return result

    def rows(self) -> list[tuple[str, str, str]]:
        with sqlite3.connect(self.data / "flowforge.db") as db:
            query = "SELECT name, key_id, sealed FROM secret ORDER BY name"
            return list(db.execute(query))

    def key(self) -> str:
        return base64.b64encode(os.urandom(32)).decode()


class Commands(SecretTest):
    def test_a_secret_is_set_listed_and_deleted(self) -> None:
        self.assertIn("no secrets", self.secret("list").err)
        self.secret("set", "token", value=VALUE.encode() + b"\n")
        self.secret("set", "api_key", value=b"other")
        listed = self.secret("list", "-o", "json")
        self.assertEqual([s["name"] for s in listed.json()], ["api_key", "token"])
        self.assertNotIn(VALUE, listed.out + self.secret("list").out)
        self.secret("delete", "token")
        self.assertEqual([r[0] for r in self.rows()], ["api_key"])
        self.assertIn("secret set token", self.secret("delete", "token", expect=4).err)

    def test_the_value_stands_nowhere_on_disk(self) -> None:
        self.secret("set", "token", value=VALUE.encode())
        encoded = base64.b64encode(VALUE.encode())
        for path in self.data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                self.assertNotIn(VALUE.encode(), content, path)
                self.assertNotIn(encoded[:-4], content, path)
        self.assertEqual((self.data / "secret.keys").stat().st_mode & 0o777, 0o600)

    def test_a_value_is_never_an_argument(self) -> None:
        self.assertIn("too much", self.secret("set", "token", VALUE, expect=2).err)

    def test_values_and_names_that_cannot_be_secrets(self) -> None:
        cases = [
            ("token", b"abc", "at least 4 bytes"),
            ("token", b"", "at least 4 bytes"),
            ("token", b"ab\0cd", "zero bytes"),
            ("token", b"x" * 32769, "at most 32 KiB"),
            ("Token", b"abcdef", "a-z"),
            ("x" * 64, b"abcdef", "63 characters"),
        ]
        for name, value, why in cases:
            result = self.secret("set", name, value=value, expect=2)
            self.assertIn(why, result.err)
        self.secret("set", "token", value=b"x" * 32768 + b"\n")

    def test_setting_again_replaces_the_value_and_keeps_its_beginning(self) -> None:
        self.secret("set", "token", value=b"first")
        (before,) = self.secret("list", "-o", "json").json()
        self.secret("set", "token", value=b"second")
        (after,) = self.secret("list", "-o", "json").json()
        self.assertEqual(before["created_at"], after["created_at"])
        self.assertGreater(after["updated_at"], before["updated_at"])

    def test_on_a_terminal_it_asks_and_shows_nothing(self) -> None:
        ours, theirs = pty.openpty()
        popen = subprocess.Popen(
            self.command("secret", "set", "token"),
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=self.env,
        )
        seen = b""
        while b"value of token: " not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, b"typed by hand\n")
        self.assertEqual(popen.wait(PATIENCE), 0)
        os.close(theirs)
        with self.assertRaises(OSError):  # how a terminal ends
            while True:
                piece = os.read(ours, 1000)
                seen += piece
                if not piece:
                    raise OSError
        os.close(ours)
        self.assertNotIn(b"typed by hand", seen)
        self.assertEqual(len(self.rows()), 1)


class Rotation(SecretTest):
    def test_rotate_makes_a_new_key_and_forgets_the_old_one(self) -> None:
        self.secret("set", "one", value=b"first value")
        self.secret("set", "two", value=b"second value")
        before = self.rows()
        old = (self.data / "secret.keys").read_text()
        self.secret("rotate")
        after = self.rows()
        new = (self.data / "secret.keys").read_text()
        self.assertEqual(len(new.splitlines()), 1)
        self.assertNotEqual(old, new)
        self.assertEqual(len({row[1] for row in after}), 1)
        self.assertFalse({row[1] for row in before} & {row[1] for row in after})

    def test_rotation_that_was_cut_short_is_done_again(self) -> None:
        """Both keys in the file: what a kill between its two writes leaves."""
        self.secret("set", "one", value=b"first value")
        old = (self.data / "secret.keys").read_text()
        self.secret("rotate")
        new = (self.data / "secret.keys").read_text()
        (self.data / "secret.keys").write_text(self.key() + "\n" + new + old)
        self.secret("rotate")
        self.assertEqual(len((self.data / "secret.keys").read_text().splitlines()), 1)
        self.secret("rotate")

    def test_keys_of_the_setting_rotate_by_putting_a_new_one_in_front(self) -> None:
        old, new = self.key(), self.key()
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = old
        self.secret("set", "one", value=b"first value")
        self.assertFalse((self.data / "secret.keys").exists())
        before = self.rows()
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = new
        self.assertIn("is not there", self.secret("rotate", expect=77).err)
        self.assertEqual(before, self.rows())
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = f"{new},{old}"
        self.secret("rotate")
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = new
        self.secret("rotate")

    def test_the_key_is_not_shown_with_the_settings(self) -> None:
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = self.key()
        shown = self.call("config", "show")
        self.assertNotIn(self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"], shown.out)
        self.assertRegex(shown.out, r"auth\.encryption_key +\*\*\*")

    def test_a_key_that_is_none_is_named_with_the_remedy(self) -> None:
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = "change-me"
        result = self.secret("set", "one", value=b"first value", expect=2)
        self.assertIn("openssl rand -base64 32", result.err)
        self.assertNotIn("change-me", result.err)


if __name__ == "__main__":
    unittest.main()
