"""What happens to calls while the server misbehaves or is not there."""

from __future__ import annotations

import threading
import unittest

from .fake import API, TaskTest
from .test_calls import SEED


class Misbehaving(TaskTest):
    def test_every_kind_of_fault_is_survived(self) -> None:
        code = (
            "from flowforge import client\n"
            "for i in range(30):\n"
            "    client.log(f'line {i}')\n"
            "    client.output('o', i)\n"
        )
        kinds = ["drop", 500, None, "lose", 503, None, "close", 429, None, None]
        self.api.faults = kinds * 4
        done = self.run_task(code)
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.api.texts, [f"line {i}" for i in range(30)])
        values = [value for _, value in self.api.outputs]
        self.assertEqual(sorted(set(values)), list(range(30)))
        self.assertEqual(values, sorted(values))
        self.assertEqual(self.spooled(), [])

    def test_a_batch_whose_answer_was_lost_is_repeated_under_its_number(self) -> None:
        self.api.faults = ["lose"]
        self.run_task("from flowforge import client\nclient.log('a')\n")
        self.assertEqual(self.api.texts, ["a"])
        self.assertEqual(self.api.n_repeated, 1)

    def test_a_refused_call_is_told_once_and_not_repeated(self) -> None:
        self.api.fault_of = {f"{API}/outputs": 413}
        code = (
            "from flowforge import client\nfor i in range(3): client.output('a', i)\n"
        )
        done = self.run_task(code)
        self.assertEqual(len(self.api.requests), 3)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("was refused with status 413: told to answer 413", done.stderr)
        self.assertEqual(self.spooled(), [])

    def test_an_idle_connection_that_was_closed_is_opened_again(self) -> None:
        code = (
            "from flowforge import client\n"
            "client.output('a', 1)\n"
            "print('ready', flush=True)\n"
            "input()\n"
            "client.output('a', 2)\n"
        )
        with self.task(code) as process:
            assert process.stdout
            process.stdout.readline()
            self.api.stop()
            self.api.start()
            process.communicate("\n", timeout=30)
            self.assertEqual(process.returncode, 0)
        self.assertEqual([value for _, value in self.api.outputs], [1, 2])
        self.assertEqual(self.spooled(), [])


BRIEFLY = "0.3"  # seconds to wait at the end for a server that will not come


class Away(TaskTest):
    def test_a_server_that_never_comes_costs_the_flush_and_nothing_else(self) -> None:
        self.api.stop()
        done = self.run_task(SEED, FLOWFORGE_FLUSH_TIMEOUT=BRIEFLY)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("was away at the end", done.stderr)
        self.assertIn(".flowforge-spool.jsonl", done.stderr)
        kept = self.spooled()
        self.assertEqual(
            [k["kind"] for k in kept], ["status", "output", "status", "log"]
        )
        self.assertEqual(kept[1]["name"], "result")
        self.assertEqual(kept[1]["value"], {"status": "ok"})
        self.assertEqual((kept[0]["status"], kept[0]["progress"]), ("RUNNING", 10))
        self.assertEqual(kept[3]["seq"], 1)
        self.assertEqual([line["text"] for line in kept[3]["lines"]], ["Starting task"])
        self.assertEqual(len({k["source"] for k in kept}), 1)

    def test_outputs_are_in_the_file_before_the_call_returns(self) -> None:
        self.api.stop()
        code = (
            "import os, signal\n"
            "from flowforge import client\n"
            "client.output('a', 1)\n"
            "client.output('a', 2)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        self.run_task(code, status=-9)
        self.assertEqual([k["value"] for k in self.spooled()], [1, 2])

    def test_a_server_that_returns_gets_everything_and_the_file_goes(self) -> None:
        code = (
            "from flowforge import client\n"
            "client.output('a', 1)\n"
            "print('ready', flush=True)\n"
            "input()\n"
            "for i in range(100):\n"
            "    client.log(f'line {i}')\n"
            "    client.output('a', i)\n"
            "print('said', flush=True)\n"
            "input()\n"
            "client.output('a', 'last')\n"
        )
        with self.task(code) as process:
            assert process.stdin and process.stdout
            process.stdout.readline()
            self.api.stop()
            print(file=process.stdin, flush=True)
            process.stdout.readline()
            self.assertEqual(len(self.spooled()), 100)
            self.api.start()
            self.api.wait(lambda: len(self.api.outputs) == 101)
            process.communicate("\n", timeout=30)
            self.assertEqual(process.returncode, 0)
        values = [value for _, value in self.api.outputs]
        self.assertEqual(values, [1, *range(100), "last"])
        self.assertEqual(self.api.texts, [f"line {i}" for i in range(100)])
        self.assertEqual(self.spooled(), [])

    def test_without_an_output_directory_the_loss_is_counted(self) -> None:
        self.api.stop()
        done = self.run_task(SEED, FF_OUT=None, FLOWFORGE_FLUSH_TIMEOUT=BRIEFLY)
        self.assertIn("lost: 3 outputs or states, 1 log lines", done.stderr)

    def test_a_full_disk_is_told_too(self) -> None:
        self.api.stop()
        done = self.run_task(
            SEED, FF_OUT="/proc/nowhere", FLOWFORGE_FLUSH_TIMEOUT=BRIEFLY
        )
        self.assertIn("lost: 3 outputs or states, 1 log lines", done.stderr)

    def test_more_log_than_memory_goes_to_the_file_and_order_stays(self) -> None:
        code = (
            "from flowforge import client\n"
            "client.log('first')\n"
            "client.flush()\n"
            "print('ready', flush=True)\n"
            "input()\n"
            "for i in range(20000):\n"
            "    client.log(f'{i:06d}' + 'x' * 994)\n"
            "print('said', flush=True)\n"
            "input()\n"
        )
        with self.task(code) as process:
            assert process.stdin and process.stdout
            process.stdout.readline()
            self.api.stop()
            print(file=process.stdin, flush=True)
            process.stdout.readline()
            self.api.start()
            self.api.wait(lambda: self.api.texts[-1:] == ["019999" + "x" * 994])
            process.communicate("\n", timeout=60)
            self.assertEqual(process.returncode, 0)
        sent = [t[:6] for t in self.api.texts]
        in_file = [line["text"][:6] for k in self.spooled() for line in k["lines"]]
        self.assertEqual(sent[0], "first")
        self.assertNotIn("warn", {line["level"] for line in self.api.lines})
        self.assertEqual(in_file, sorted(in_file))
        self.assertEqual(sent[1:], sorted(sent[1:]))
        both = sorted([*sent[1:], *in_file])
        self.assertEqual(both, [f"{i:06d}" for i in range(20000)])
        self.assertGreater(len(in_file), 0)

    def test_processes_share_the_file_and_remove_only_their_own(self) -> None:
        self.api.stop()
        other = "from flowforge import client\nclient.output('a', 'other')\n"
        self.run_task(other, FLOWFORGE_FLUSH_TIMEOUT=BRIEFLY)
        code = (
            "from flowforge import client\n"
            "client.output('a', 'own')\n"
            "print('ready', flush=True)\n"
            "input()\n"
        )
        with self.task(code) as process:
            assert process.stdin and process.stdout
            process.stdout.readline()
            self.assertEqual([k["value"] for k in self.spooled()], ["other", "own"])
            self.api.start()
            self.api.wait(lambda: self.api.outputs == [("a", "own")])
            process.communicate("\n", timeout=30)
        self.assertEqual([k["value"] for k in self.spooled()], ["other"])


class Refused(TaskTest):
    def test_a_token_that_is_not_accepted_leaves_everything_in_the_file(self) -> None:
        self.api.good_token = "another"
        done = self.run_task(SEED)
        self.assertIn("the token is not accepted: the token has expired", done.stderr)
        self.assertEqual(len(self.api.requests), 1)
        kinds = [k["kind"] for k in self.spooled()]
        self.assertEqual(sorted(kinds), ["log", "output", "status", "status"])

    def test_a_token_file_is_read_again_when_its_token_has_expired(self) -> None:
        path = self.out / "token"
        path.write_text("old")
        code = (
            "from flowforge import client\n"
            "client.output('a', 1)\n"
            "open(__import__('os').environ['FLOWFORGE_AUTH_TOKEN_FILE'], 'w')"
            ".write('new')\n"
            "input()\n"
            "client.output('a', 2)\n"
        )
        more = {"FLOWFORGE_AUTH_TOKEN": None, "FLOWFORGE_AUTH_TOKEN_FILE": str(path)}
        with self.task(code, **more) as process:
            self.api.wait(lambda: len(self.api.outputs) == 1)
            self.api.good_token = "new"
            process.communicate("\n", timeout=30)
            self.assertEqual(process.returncode, 0)
        self.assertEqual([value for _, value in self.api.outputs], [1, 2])

    def test_no_token_at_all_is_told_and_nothing_is_asked(self) -> None:
        done = self.run_task(SEED, FLOWFORGE_AUTH_TOKEN=None)
        self.assertIn("FLOWFORGE_AUTH_TOKEN is not set", done.stderr)
        self.assertEqual(self.api.requests, [])
        self.assertEqual(len(self.spooled()), 4)

    def test_a_fenced_attempt_is_told_to_stop_and_leaves_nothing(self) -> None:
        self.api.fault_of = {f"{API}/status": 403}
        code = (
            "import threading\n"
            "from flowforge import client\n"
            "told = threading.Event()\n"
            "client.on_cancel(told.set)\n"
            "client.status('RUNNING')\n"
            "assert told.wait(30)\n"
            "assert client.cancelled()\n"
            "client.output('a', 1)\n"
            "client.log('b')\n"
        )
        done = self.run_task(code)
        self.assertIn("no longer the current one", done.stderr)
        self.assertEqual(self.api.outputs, [])
        self.assertEqual(self.spooled(), [])

    def test_a_wrong_endpoint_is_told_once(self) -> None:
        for path in ("status", "outputs", "logs", "heartbeat"):
            self.api.fault_of[f"{API}/{path}"] = 404
        done = self.run_task(SEED)
        self.assertIn("there is no task API at the endpoint", done.stderr)
        self.assertEqual(len(self.spooled()), 4)


class Slow(TaskTest):
    def test_the_program_waits_for_room_while_lines_go_out(self) -> None:
        """12 MB through a queue of 8 MB: nothing is lost, nothing needs the file."""
        code = (
            "from flowforge import client\n"
            "for i in range(12000):\n"
            "    client.log(f'{i:06d}' + 'x' * 994)\n"
        )
        self.run_task(code)
        expected = [f"{i:06d}" for i in range(12000)]
        self.assertEqual([t[:6] for t in self.api.texts], expected)
        self.assertEqual(self.spooled(), [])

    def test_a_server_that_never_answers_is_given_up(self) -> None:
        held = threading.Event()
        take = self.api.take

        def hang(*what: object) -> object:
            held.wait(60)
            return take(*what)  # type: ignore[arg-type]

        self.api.take = hang  # type: ignore[assignment,method-assign]
        self.addCleanup(held.set)
        code = "from flowforge import client\nclient.output('a', 1)\n"
        done = self.run_task(code, FLOWFORGE_FLUSH_TIMEOUT=BRIEFLY)
        self.assertIn("was away at the end", done.stderr)
        self.assertEqual([k["value"] for k in self.spooled()], [1])


if __name__ == "__main__":
    unittest.main()
