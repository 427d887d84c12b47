#!/usr/bin/python3
"""What tasks on the host of who leads find of what that was given: they are processes
of its user."""

import os
import re
import secrets
import subprocess
import unittest

from ff_api import ApiTest

NOBODY = 65534
ROOT = os.geteuid() == 0

# Names each process whose environment it may read and has the word.
HUNT = """flowforge: 1
name: hunt
tasks:
  a: {run: "grep -alF $(echo <word> | rev) /proc/[0-9]*/environ 2> /dev/null || true"}
"""


class Privacy(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.word = secrets.token_hex(16)
        self.open = dict(self.env)
        self.given = self.env | {"PGPASSWORD": self.word}
        self.folder.chmod(0o711)
        self.data.mkdir(mode=0o700, exist_ok=True)
        if ROOT:
            os.chown(self.data, NOBODY, NOBODY)

    def become(self) -> None:
        if ROOT:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    def hunt(self) -> list[str]:
        """What a task finds that such a user starts."""
        path = self.file("hunt.yaml", HUNT.replace("<word>", self.word[::-1]))
        ended = self.start("run", path, preexec_fn=self.become).end()
        self.assertEqual(ended.code, 0, ended.err)
        self.env = self.open
        (run,) = re.findall(r"^logs: flowforge logs (\S+)", ended.out, re.M)
        logs = self.start("logs", run, "--raw", preexec_fn=self.become).end()
        return logs.out.split()

    def bystander(self) -> str:
        """A process that shows what it was given."""
        popen = subprocess.Popen(
            ["sleep", "1000"], env=self.given, preexec_fn=self.become
        )
        self.addCleanup(popen.wait)
        self.addCleanup(popen.kill)
        return f"/proc/{popen.pid}/environ"

    def test_tasks_of_a_server_find_nothing_in_its_environment(self) -> None:
        other = self.bystander()
        self.env = self.given
        server = self.start("server", "--listen", "127.0.0.1:0", preexec_fn=self.become)
        server.wait_for("\n")
        self.env = self.open
        self.assertEqual(self.hunt(), [other])

    def test_nor_do_those_of_a_command_that_leads(self) -> None:
        other = self.bystander()
        self.env = self.given
        self.assertEqual(self.hunt(), [other])


if __name__ == "__main__":
    unittest.main()
