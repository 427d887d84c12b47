"""Heartbeats, cancellation, signals, forks: what a task's process goes through."""

from __future__ import annotations

import signal
import unittest

from .fake import TaskTest


class Heartbeats(TaskTest):
    def test_they_come_by_themselves_at_the_interval_the_server_says(self) -> None:
        self.api.interval = 0.05
        code = "from flowforge import client\nclient.heartbeat()\ninput()\n"
        with self.task(code):
            self.api.wait(lambda: self.api.n_beats >= 5)

    def test_one_can_be_asked_for(self) -> None:
        code = (
            "from flowforge import client\n"
            "assert client.heartbeat() is False\n"
            "assert client.heartbeat() is False\n"
        )
        self.run_task(code)
        self.assertEqual(self.api.n_beats, 2)

    def test_a_renewed_token_is_used_from_then_on(self) -> None:
        self.api.good_token = "first-token"
        self.api.next_token = "second-token"
        code = (
            "from flowforge import client\n"
            "client.output('a', 1)\n"
            "client.heartbeat()\n"
            "client.output('a', 2)\n"
        )
        self.run_task(code)
        self.assertEqual([value for _, value in self.api.outputs], [1, 2])
        self.assertEqual(
            self.api.tokens, ["first-token", "first-token", "second-token"]
        )

    def test_a_program_may_give_all_of_them_itself(self) -> None:
        self.api.interval = 0.01
        code = (
            "import time\n"
            "from flowforge import client\n"
            "client.heartbeat(auto=False)\n"
            "for i in range(20):\n"
            "    client.status('RUNNING')\n"
            "    time.sleep(0.02)\n"
            "print('done', flush=True)\n"
            "input()\n"
            "client.heartbeat(auto=True)\n"
            "input()\n"
        )
        with self.task(code) as process:
            assert process.stdin and process.stdout
            process.stdout.readline()
            self.assertEqual(self.api.n_beats, 1)
            process.stdin.write("\n")
            process.stdin.flush()
            self.api.wait(lambda: self.api.n_beats >= 4)

    def test_asking_while_the_server_is_away_returns(self) -> None:
        self.api.stop()
        code = "from flowforge import client\nassert client.heartbeat() is False\n"
        self.run_task(code)


class Cancel(TaskTest):
    def test_a_heartbeat_brings_the_wish_to_stop(self) -> None:
        self.api.interval = 0.02
        code = (
            "import threading\n"
            "from flowforge import client\n"
            "told = threading.Event()\n"
            "calls = []\n"
            "@client.on_cancel\n"
            "def stop():\n"
            "    calls.append(threading.current_thread().name)\n"
            "    told.set()\n"
            "assert not client.cancelled()\n"
            "client.heartbeat()\n"
            "print('ready', flush=True)\n"
            "assert told.wait(30)\n"
            "assert client.cancelled()\n"
            "for i in range(3): client.heartbeat()\n"
            "assert calls == ['flowforge-cancel'], calls\n"
            "late = threading.Event()\n"
            "client.on_cancel(late.set)\n"
            "assert late.wait(30)\n"
        )
        with self.task(code) as process:
            assert process.stdout
            process.stdout.readline()
            self.api.cancel = True
            _, err = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 0, err)

    def test_the_answer_to_a_status_brings_it_too(self) -> None:
        self.api.cancel = True
        code = (
            "from flowforge import client\n"
            "client.status('RUNNING')\n"
            "assert client.cancelled()\n"
        )
        self.run_task(code)

    def test_sigterm_is_the_same_wish_and_callbacks_run_once(self) -> None:
        code = (
            "import os, signal, threading\n"
            "from flowforge import client\n"
            "told = threading.Semaphore(0)\n"
            "client.on_cancel(told.release)\n"
            "client.log('last words')\n"
            "for i in range(3): os.kill(os.getpid(), signal.SIGTERM)\n"
            "assert told.acquire(timeout=30)\n"
            "assert client.cancelled()\n"
            "client.heartbeat()\n"
            "assert not told.acquire(blocking=False)\n"
            "client.log('cleaned up')\n"
        )
        self.run_task(code)
        self.assertEqual(self.api.texts, ["last words", "cleaned up"])

    def test_a_callback_that_fails_does_not_stop_the_others(self) -> None:
        code = (
            "import os, signal, threading\n"
            "from flowforge import client\n"
            "told = threading.Event()\n"
            "client.on_cancel(lambda: 1 / 0)\n"
            "client.on_cancel(told.set)\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n"
            "assert told.wait(30)\n"
        )
        self.assertIn("ZeroDivisionError", self.run_task(code).stderr)

    def test_who_does_not_ask_is_ended_by_sigterm_as_ever(self) -> None:
        code = (
            "import os, signal\n"
            "from flowforge import client\n"
            "client.status('RUNNING')\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n"
        )
        self.run_task(code, status=-signal.SIGTERM)

    def test_the_program_s_own_handler_is_called_too(self) -> None:
        code = (
            "import os, signal\n"
            "from flowforge import client\n"
            "seen = []\n"
            "signal.signal(signal.SIGTERM, lambda *a: seen.append(a[0]))\n"
            "client.cancelled()\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n"
            "assert seen == [signal.SIGTERM]\n"
            "assert client.cancelled()\n"
        )
        self.run_task(code)

    def test_outside_sigterm_works_the_same(self) -> None:
        code = (
            "import os, signal, threading\n"
            "from flowforge import client\n"
            "told = threading.Event()\n"
            "client.on_cancel(told.set)\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n"
            "assert told.wait(30)\n"
        )
        self.run_task(code, FLOWFORGE_API_ENDPOINT=None)


class Forks(TaskTest):
    def test_parent_and_child_speak_for_themselves(self) -> None:
        code = (
            "import os, sys\n"
            "from flowforge import client\n"
            "client.log('before')\n"
            "client.output('a', 1)\n"
            "pid = os.fork()\n"
            "who = 'parent' if pid else 'child'\n"
            "for i in range(200):\n"
            "    client.log(f'{who} {i}')\n"
            "client.output(who, i)\n"
            "if pid:\n"
            "    sys.exit(os.waitpid(pid, 0)[1])\n"
        )
        self.run_task(code)
        self.assertEqual(self.api.texts.count("before"), 1)
        for who in ("parent", "child"):
            own = [t for t in self.api.texts if t.startswith(who)]
            self.assertEqual(own, [f"{who} {i}" for i in range(200)])
        self.assertEqual(len(self.api.outputs), 3)
        self.assertEqual(self.api.n_repeated, 0)

    def test_a_fork_amid_busy_threads_does_not_hang(self) -> None:
        code = (
            "import os, sys, threading\n"
            "from flowforge import client\n"
            "stop = threading.Event()\n"
            "def work():\n"
            "    while not stop.is_set():\n"
            "        client.log('x' * 100)\n"
            "ts = [threading.Thread(target=work) for i in range(4)]\n"
            "[t.start() for t in ts]\n"
            "for i in range(10):\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        client.output('child', i)\n"
            "        client.flush()\n"
            "        os._exit(0)\n"
            "    assert os.waitpid(pid, 0)[1] == 0\n"
            "stop.set()\n"
            "[t.join() for t in ts]\n"
        )
        self.run_task(code)
        self.assertEqual(self.api.outputs, [("child", i) for i in range(10)])

    def test_multiprocessing_children_send_their_last_lines(self) -> None:
        code = (
            "import multiprocessing\n"
            "from flowforge import client\n"
            "def work(k):\n"
            "    for i in range(50):\n"
            "        client.log(f'{k} {i}')\n"
            "if __name__ == '__main__':\n"
            "    client.log('start')\n"
            "    context = multiprocessing.get_context('fork')\n"
            "    ps = [context.Process(target=work, args=(k,)) for k in range(4)]\n"
            "    [p.start() for p in ps]\n"
            "    [p.join() for p in ps]\n"
        )
        self.run_task(code)
        self.assertEqual(len(self.api.lines), 201)

    def test_the_first_use_in_a_multiprocessing_child_is_flushed_too(self) -> None:
        code = (
            "import multiprocessing\n"
            "from flowforge import client\n"
            "def work():\n"
            "    for i in range(500):\n"
            "        client.log(f'{i}')\n"
            "context = multiprocessing.get_context('fork')\n"
            "p = context.Process(target=work)\n"
            "p.start()\n"
            "p.join()\n"
        )
        self.run_task(code)
        self.assertEqual(len(self.api.lines), 500)


class Ends(TaskTest):
    def test_lines_before_an_exception_arrive(self) -> None:
        code = "from flowforge import client\nclient.log('a')\n1 / 0\n"
        self.run_task(code, status=1)
        self.assertEqual(self.api.texts, ["a"])

    def test_calls_in_functions_of_atexit_arrive(self) -> None:
        code = (
            "import atexit\n"
            "from flowforge import client\n"
            "def early():\n"
            "    client.log('after the client closed')\n"
            "    client.output('z', 1)\n"
            "atexit.register(early)\n"
            "client.log('a')\n"
            "atexit.register(client.log, 'while it was open')\n"
        )
        done = self.run_task(code)
        self.assertEqual(done.stderr, "")
        self.assertEqual(
            self.api.texts, ["a", "while it was open", "after the client closed"]
        )
        self.assertEqual(self.api.outputs, [("z", 1)])

    def test_flush_waits_until_all_is_sent(self) -> None:
        code = (
            "import os\n"
            "from flowforge import client\n"
            "for i in range(5000): client.log(f'{i}')\n"
            "assert client.flush(30)\n"
            "os._exit(0)\n"
        )
        self.run_task(code)
        self.assertEqual(len(self.api.lines), 5000)

    def test_flush_says_when_it_cannot(self) -> None:
        self.api.stop()
        code = (
            "from flowforge import client\n"
            "client.log('a')\n"
            "assert client.flush(30) is False\n"
        )
        self.run_task(code, FLOWFORGE_FLUSH_TIMEOUT="0.1")


if __name__ == "__main__":
    unittest.main()
