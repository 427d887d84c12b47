"""Start tickets: exchanged once, for a token that all processes of an attempt have."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List, Tuple

from flowforge._settings import read_settings
from flowforge._ticket import NONCE_NAME, shared_nonce

from .fake import API, TaskTest

TICKET = "fft1.1.2.3.1.99.abc"
SAYS = "from flowforge import client\nclient.output('a', 1)\n"


class Tickets(TaskTest):
    def setUp(self) -> None:
        super().setUp()
        self.api.ticket = TICKET
        self.api.good_token = "fresh-1"

    def say(self, code: str = SAYS, **more: str) -> "subprocess.CompletedProcess[str]":
        more.setdefault("FLOWFORGE_AUTH_TOKEN", TICKET)
        return self.run_task(code, FLOWFORGE_ATTEMPT_ID="r/t/1", **more)

    def asked(self) -> List[Tuple[str, str]]:
        return [(p, t) for (p, _), t in zip(self.api.requests, self.api.tokens)]

    def test_a_ticket_is_shown_for_nothing_but_a_token(self) -> None:
        self.say()
        self.assertEqual(self.api.outputs, [("a", 1)])
        shown = {path for path, token in self.asked() if token == TICKET}
        self.assertEqual(shown, {f"{API}/start"})
        self.assertEqual(self.api.starts[0]["attempt_id"], "r/t/1")
        self.assertGreaterEqual(len(self.api.starts[0]["nonce"]), 22)

    def test_a_lost_answer_is_asked_for_by_the_same_nonce(self) -> None:
        self.api.faults = ["lose", "lose"]
        self.say()
        self.assertEqual(self.api.outputs, [("a", 1)])
        nonces = {start["nonce"] for start in self.api.starts}
        self.assertEqual((len(self.api.starts), len(nonces)), (3, 1))

    def test_processes_of_an_attempt_share_it(self) -> None:
        code = (
            "import subprocess, sys\n"
            f"code = {SAYS!r}\n"
            "many = [subprocess.Popen([sys.executable, '-c', code])"
            " for _ in range(4)]\n"
            "assert not any(p.wait() for p in many)\n"
        )
        self.say(code + SAYS)
        self.assertEqual(self.api.outputs, 5 * [("a", 1)])
        self.assertEqual(len({start["nonce"] for start in self.api.starts}), 1)
        mode = (self.out / NONCE_NAME).stat().st_mode
        self.assertEqual(mode & 0o777, 0o600)

    def test_who_comes_second_stops_and_says_so(self) -> None:
        self.api.nonce = "of somebody else"
        done = self.say()
        self.assertIn("the start ticket was used by somebody else", done.stderr)
        self.assertEqual(self.api.outputs, [])
        self.assertEqual(len(self.api.starts), 1)

    def test_a_token_that_has_expired_is_asked_for_again(self) -> None:
        code = SAYS + "input()\nclient.output('b', 2)\n"
        given = {"FLOWFORGE_AUTH_TOKEN": TICKET, "FLOWFORGE_ATTEMPT_ID": "r/t/1"}
        with self.task(code, **given) as process:
            self.api.wait(lambda: bool(self.api.outputs))
            self.api.good_token = "fresh-2"
            _, said = process.communicate("\n", timeout=60)
        self.assertEqual((self.api.outputs, said), ([("a", 1), ("b", 2)], ""))

    def test_what_stands_in_the_file_was_exchanged_already(self) -> None:
        path = Path(self.folder) / "token"
        path.write_text("fresh-1\n")
        self.say(FLOWFORGE_AUTH_TOKEN_FILE=str(path))
        self.assertEqual(self.api.outputs, [("a", 1)])
        self.assertEqual(self.api.starts, [])

    def test_without_a_file_the_ticket_counts(self) -> None:
        said = {
            "FLOWFORGE_AUTH_TOKEN": TICKET,
            "FLOWFORGE_AUTH_TOKEN_FILE": f"{self.folder}/none",
        }
        self.assertEqual(read_settings(said).token, TICKET)


class Nonces(unittest.TestCase):
    def test_the_first_one_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            code = "import sys\nfrom flowforge._ticket import shared_nonce\n"
            code += "print(shared_nonce(sys.argv[1]))\n"
            many = [
                subprocess.Popen(
                    [sys.executable, "-c", code, folder],
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=Path(__file__).resolve().parents[1],
                )
                for _ in range(8)
            ]
            said = {process.communicate()[0] for process in many}
            self.assertEqual(said, {shared_nonce(folder) + "\n"})
            self.assertEqual([p.name for p in Path(folder).iterdir()], [NONCE_NAME])

    def test_without_a_folder_there_is_one_of_each_process(self) -> None:
        self.assertNotEqual(shared_nonce(""), shared_nonce(""))
        self.assertNotEqual(shared_nonce("/nowhere"), shared_nonce("/nowhere"))


if __name__ == "__main__":
    unittest.main()
