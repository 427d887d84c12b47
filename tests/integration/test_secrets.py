#!/usr/bin/python3
"""Secrets: stored encrypted, found by tasks, and nowhere else."""

import base64
import hashlib
import os
import pty
import signal
import sqlite3
import subprocess
import unittest
import urllib.parse

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

    def test_so_many_secrets_are_kept_and_no_more(self) -> None:
        self.secret("set", "token", value=VALUE.encode())
        with sqlite3.connect(self.data / "flowforge.db") as db:
            cursor = db.execute("SELECT * FROM secret")
            names = [column[0] for column in cursor.description]
            row = dict(zip(names, cursor.fetchone(), strict=True))
            marks = ", ".join("?" * len(names))
            db.executemany(
                f"INSERT INTO secret VALUES ({marks})",
                [list({**row, "name": f"s{i}"}.values()) for i in range(9999)],
            )
        refused = self.secret("set", "new", value=VALUE.encode(), expect=74)
        self.assertIn("there are 10000 secrets", refused.err)
        self.assertIn("flowforge secret delete", refused.err)
        self.secret("set", "token", value=b"another value")
        self.secret("delete", "s1")
        self.secret("set", "new", value=VALUE.encode())

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

    def test_a_rotation_that_cannot_be_done_leaves_no_key(self) -> None:
        self.secret("set", "one", value=b"the first value")
        lost = (self.data / "secret.keys").read_text()
        (self.data / "secret.keys").unlink()
        self.secret("set", "two", value=b"the second value")
        kept = (self.data / "secret.keys").read_text()
        self.assertIn("is not there", self.secret("rotate", expect=77).err)
        self.assertEqual((self.data / "secret.keys").read_text(), kept)
        (self.data / "secret.keys").write_text(kept + lost)
        self.secret("rotate")
        self.assertEqual(len((self.data / "secret.keys").read_text().split()), 1)

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


FLOW = """flowforge: 1
name: secret
tasks:
  use:
    env: {TOKEN: "${{ secrets.token }}", PLAIN: shown}
    stdin: ${{ secrets.token }}
    run: |
      test "$(cat)" = "$TOKEN"
      printf '%s' "$TOKEN" | sha256sum | cut -d' ' -f1 > "$FF_OUT/sum"
      echo "as it is: $TOKEN!"
      echo "twice: $TOKEN$TOKEN"
      echo "in base64: $(printf %s "$TOKEN" | base64)"
      echo "in basic: $(printf 'user:%s' "$TOKEN" | base64 -w0)"
      python3 -c 'import json,os,urllib.parse as u
      t = os.environ["TOKEN"]
      print(json.dumps(t), u.quote(t, safe=""), flush=True)'
      printf %.12s "$TOKEN"; sleep 0.2; printf '%s\\n' "${TOKEN#????????????}"
      echo "to stderr $TOKEN" >&2
      echo "$PLAIN" "$TOKEN" > "$FF_OUT/text"
      printf '{"a": [{"%s": "x%sy"}]}' "$TOKEN" "$TOKEN" > "$FF_OUT/value"
      echo "$TOKEN"
    outputs:
      sum: file
      text: file
      value: json
      all: {from: stdout}
outputs:
  sum: ${{ tasks.use.outputs.sum }}
  text: ${{ tasks.use.outputs.text }}
  value: ${{ tasks.use.outputs.value }}
"""
FORMS = [
    VALUE.encode(),
    base64.b64encode(VALUE.encode()).rstrip(b"="),
    base64.b64encode(b"user:" + VALUE.encode())[8:-4],
    urllib.parse.quote(VALUE, safe="").encode(),
]


class Runs(SecretTest):
    def run_it(self, text: str = FLOW, expect: int = 0) -> Result:
        self.file("secret.yaml", text)
        return self.call("run", "secret.yaml", "-o", "json", expect=expect)

    def assert_nowhere(self, *others: str) -> None:
        for path in [p for p in self.data.rglob("*") if p.is_file()]:
            content = path.read_bytes()
            for form in FORMS:
                self.assertNotIn(form, content, path)
        for text in others:
            for form in FORMS:
                self.assertNotIn(form.decode(), text)

    def test_a_task_has_it_and_nobody_else_sees_it(self) -> None:
        self.secret("set", "token", value=VALUE.encode())
        ran = self.run_it()
        got = self.call("get", "last", "-o", "json")
        logs = self.call("logs", "last")
        history = self.call("history", "last", "-o", "json")
        self.assert_nowhere(ran.out, ran.err, got.out, logs.out, history.out)
        outputs = got.json()["outputs"]
        self.assertEqual(outputs["text"], "shown ***")
        self.assertEqual(outputs["value"], {"a": [{"***": "x***y"}]})
        self.assertEqual(outputs["sum"], hashlib.sha256(VALUE.encode()).hexdigest())
        for line in ("as it is: ***!", "twice: ******", "to stderr ***"):
            self.assertIn(line, logs.out)
        self.assertRegex(logs.out, r"(?m)\*\*\*$")

    def test_messages_about_what_a_task_left_are_masked(self) -> None:
        """Names of files and what a parser stumbles over are the task's, too."""
        self.secret("set", "word", value=b"hunterandgatherer")
        self.file(
            "said.yaml",
            "flowforge: 1\nname: said\nenv: {W: '${{ secrets.word }}'}\ntasks:\n"
            "  link:\n    run: mkdir $FF_ARTIFACTS/d; ln -s x $FF_ARTIFACTS/d/$W\n"
            "    artifacts: {out: {d: }}\n"
            "  bare: {run: 'echo \"[1, $W]\" > $FF_OUT/o', outputs: {o: json}}\n"
            "  name: {run: 'echo \"{$W: 1}\" > $FF_OUT/o', outputs: {o: json}}\n",
        )
        ran = self.call("run", "said.yaml", "-o", "json", expect=1)
        got = self.call("get", "last")
        self.assertIn("artifact d: *** is a link", got.out)
        self.assertIn("output o is not JSON", got.out)
        history = self.call("history", "last", "-o", "json").out
        for text in (ran.out, ran.err, got.out, history):
            self.assertNotIn("hunter", text)
        for path in [p for p in self.data.rglob("*") if p.is_file()]:
            self.assertNotIn(b"hunter", path.read_bytes(), path)

    def test_a_secret_that_is_not_set_fails_the_attempt_with_the_remedy(self) -> None:
        self.run_it(expect=1)
        got = self.call("get", "last", "use", "-o", "json").out
        self.assertIn("secret_missing", got)
        self.assertIn("flowforge secret set token", got)

    def test_a_wrong_key_fails_the_attempt(self) -> None:
        self.secret("set", "token", value=VALUE.encode())
        self.env["FLOWFORGE_AUTH_ENCRYPTION_KEY"] = self.key()
        self.run_it(expect=1)
        got = self.call("get", "last", "use", "-o", "json").out
        self.assertIn("secret_unreadable", got)

    def test_an_attempt_that_is_taken_over_is_masked_as_before(self) -> None:
        """The owner is killed while the task runs; another one takes its outputs."""
        self.secret("set", "token", value=VALUE.encode())
        gate = self.gate("gate")
        self.file(
            "wait.yaml",
            "flowforge: 1\nname: wait\ntasks:\n  use:\n"
            "    env: {TOKEN: '${{ secrets.token }}', GATE: '" + str(gate.path) + "'}\n"
            "    run: |\n      echo before $TOKEN\n      read x < $GATE\n"
            "      echo after $TOKEN\n      echo text $TOKEN > $FF_OUT/o\n"
            "    outputs: {o: file}\n",
        )
        first = self.start("run", "wait.yaml")
        first.wait_for("use started")
        gate_fd = os.open(gate.path, os.O_WRONLY)
        first.end(signal.SIGKILL)
        second = self.start("resume")
        os.write(gate_fd, b"go\n")
        os.close(gate_fd)
        self.assertEqual(second.end().code, 0)
        got = self.call("get", "last", "use", "-o", "json")
        logs = self.call("logs", "last").out
        self.assertIn("text ***", got.out)
        self.assertIn("before ***", logs)
        self.assertIn("after ***", logs)
        self.assert_nowhere(got.out, logs)

    def test_what_the_sdk_says_is_masked_too(self) -> None:
        self.secret("set", "token", value=VALUE.encode())
        self.file(
            "sdk.yaml",
            "flowforge: 1\nname: sdk\ntasks:\n  use:\n"
            "    env: {TOKEN: '${{ secrets.token }}'}\n"
            "    script:\n      lang: python\n      code: |\n"
            "        import os\n        from flowforge import client\n"
            "        t = os.environ['TOKEN']\n"
            "        client.log('said ' + t)\n"
            "        client.output('o', {'t': [t]})\n"
            "    outputs: {o: sdk}\n",
        )
        self.call("run", "sdk.yaml")
        got = self.call("get", "last", "use", "-o", "json").out
        logs = self.call("logs", "last").out
        self.assertIn("said ***", logs)
        self.assert_nowhere(got, logs)


if __name__ == "__main__":
    unittest.main()
