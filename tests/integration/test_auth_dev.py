#!/usr/bin/python3
"""auth-dev lets in who brings its token, and nobody else."""

import os
import re
import stat
import sys
import tempfile
import unittest
from pathlib import Path

from auth_cli import DENIED, INVALID, OK, Driver

TOKEN = "a-token-of-ours-0123"


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "token"

    def open(self, **options: object) -> Driver:
        driver = Driver("auth-dev", "auth-dev", **options)
        self.addCleanup(driver.close)
        return driver

    def refused(self, why: str, **options: object) -> None:
        driver = self.open(**options)
        self.assertEqual(INVALID, driver.opened["code"])
        self.assertRegex(driver.opened["error"], why)

    def test_the_token_lets_in_and_nothing_else_does(self) -> None:
        driver = self.open(
            token=TOKEN, subject="ada", tenant="acme", roles="viewer,author"
        )
        answer = driver.verify(TOKEN)
        self.assertEqual(
            {
                "code": OK,
                "subject": "ada",
                "tenant": "acme",
                "roles": ["viewer", "author"],
                "expires_us": 0,
            },
            answer,
        )
        for other in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 100_000):
            answer = driver.verify(other)
            self.assertEqual(DENIED, answer["code"], other)
            self.assertNotIn(TOKEN[:8], answer["error"])

    def test_it_says_what_it_is_for(self) -> None:
        said = self.open(token=TOKEN).close()
        self.assertIn("for development on this machine only", said)
        self.assertNotIn(TOKEN, said)

    def test_a_token_is_made_where_there_is_none(self) -> None:
        self.open(token_path=self.file).close()
        made = self.file.read_text()
        self.assertRegex(made, re.compile(r"\Affdev_[0-9a-f]{64}\n\Z"))
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))
        self.assertEqual([self.file], list(self.file.parent.iterdir()))
        driver = self.open(token_path=self.file)
        self.assertEqual(OK, driver.verify(made.strip())["code"])
        self.assertEqual(made, self.file.read_text())

    def test_a_token_that_others_can_read_is_none(self) -> None:
        self.file.write_text(TOKEN)
        self.file.chmod(0o644)
        self.refused("chmod 600", token_path=self.file)
        self.file.chmod(0o600)
        link = self.file.with_name("link")
        link.symlink_to(self.file)
        self.refused("cannot be opened", token_path=link)
        self.assertEqual(OK, self.open(token_path=self.file).verify(TOKEN)["code"])

    def test_files_that_hold_no_token(self) -> None:
        for text, why in [
            ("", "fewer than 16 bytes"),
            ("short\n", "fewer than 16 bytes"),
            (TOKEN + "\n" + TOKEN, "one line"),
            ("x" * 257, "one line"),
        ]:
            self.file.write_text(text)
            self.file.chmod(0o600)
            self.refused(why, token_path=self.file)
        self.file.unlink()
        os.mkfifo(self.file, 0o600)
        self.refused("not a regular file", token_path=self.file)
        self.refused("cannot be made", token_path=self.file.parent / "none" / "token")

    def test_settings_that_are_wrong(self) -> None:
        self.refused("either token or token_path")
        self.refused("either token or token_path", token=TOKEN, token_path=self.file)
        self.refused("fewer than 16 bytes", token="short")
        self.refused("more than 256 bytes", token="x" * 257)
        self.refused("there is none", token=TOKEN, roles=",")
        self.refused("more than 16", token=TOKEN, roles="r," * 17)

    def test_names_are_names(self) -> None:
        """What is told of a principal goes into keys and logs."""
        for option in ("subject", "tenant", "roles"):
            names = ["a\tb", "x" * 257, "\x7f"]
            for bad in names if option == "roles" else ["", *names]:
                self.refused(f"^{option}: ", token=TOKEN, **{option: bad})
        self.refused("^subject: .* 1 to 256 bytes", token=TOKEN, subject="")
        good = {"subject": "Zoë 🦊", "tenant": "t" * 256, "roles": "ö"}
        answer = self.open(token=TOKEN, **good).verify(TOKEN)
        self.assertEqual(
            (good["subject"], good["tenant"], ["ö"]),
            (answer["subject"], answer["tenant"], answer["roles"]),
        )


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
