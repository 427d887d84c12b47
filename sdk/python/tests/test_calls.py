"""What each call sends while all is well."""

from __future__ import annotations

import ast
import json
import sys
import unittest
from pathlib import Path

from flowforge._settings import parse_endpoint, read_settings

from .fake import API, PACKAGE, FakeApi, TaskTest

SEED = """
from flowforge import client

client.log("Starting task")
client.status("RUNNING", progress=10)

# Do work...

client.output("result", {"status": "ok"})
client.status("SUCCEEDED")
"""


class Calls(TaskTest):
    def test_the_documented_example_runs_as_it_is_printed(self) -> None:
        done = self.run_task(SEED)
        self.assertEqual(done.stdout + done.stderr, "")
        self.assertEqual(self.api.texts, ["Starting task"])
        self.assertEqual(self.api.outputs, [("result", {"status": "ok"})])
        self.assertEqual(
            self.api.statuses,
            [{"status": "RUNNING", "progress": 10}, {"status": "SUCCEEDED"}],
        )
        self.assertEqual(set(self.api.tokens), {"first-token"})
        self.assertEqual(self.spooled(), [])

    def test_an_output_is_there_when_the_call_returns(self) -> None:
        code = (
            "import os, signal\n"
            "from flowforge import client\n"
            "client.output('a', [1, 2.5, None, True, '\\u00e4', {'b': []}])\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        self.run_task(code, status=-9)
        self.assertEqual(
            self.api.outputs, [("a", [1, 2.5, None, True, "\u00e4", {"b": []}])]
        )

    def test_100000_lines_keep_their_order_in_few_batches(self) -> None:
        code = (
            "from flowforge import client\n"
            "for i in range(100000):\n"
            "    client.log(f'line {i}')\n"
        )
        self.run_task(code)
        self.assertEqual(self.api.texts, [f"line {i}" for i in range(100000)])
        self.assertLess(len(self.api.requests), 1000)

    def test_threads_keep_the_order_of_each(self) -> None:
        code = (
            "import threading\n"
            "from flowforge import client\n"
            "def work(k):\n"
            "    for i in range(500):\n"
            "        client.log(f'{k} {i}')\n"
            "        if i % 100 == 0:\n"
            "            client.output(f'o{k}', i)\n"
            "ts = [threading.Thread(target=work, args=(k,)) for k in range(8)]\n"
            "[t.start() for t in ts]\n"
            "[t.join() for t in ts]\n"
        )
        self.run_task(code)
        self.assertEqual(len(self.api.lines), 4000)
        for k in range(8):
            own = [t for t in self.api.texts if t.startswith(f"{k} ")]
            self.assertEqual(own, [f"{k} {i}" for i in range(500)])
            values = [v for name, v in self.api.outputs if name == f"o{k}"]
            self.assertEqual(values, [0, 100, 200, 300, 400])

    def test_a_lone_line_does_not_wait_for_company(self) -> None:
        code = "from flowforge import client\nclient.log('a')\ninput()\n"
        with self.task(code):
            self.api.wait(lambda: self.api.texts == ["a"])

    def test_lines_have_level_fields_and_time(self) -> None:
        code = (
            "from flowforge import client\n"
            "client.log('read', level='WARNING', n=3, file='a b', ok=True, s='x')\n"
            "client.log(ValueError('no'), 'error')\n"
            "client.log('one\\ntwo\\r\\nthree\\0\\ud800')\n"
            "client.log('')\n"
            "client.log('y' * 40000)\n"
        )
        self.run_task(code)
        lines = self.api.lines
        self.assertEqual(lines[0]["level"], "warn")
        self.assertEqual(lines[0]["text"], 'read n=3 file="a b" ok=True s=x')
        self.assertEqual((lines[1]["level"], lines[1]["text"]), ("error", "no"))
        texts = ["one", "two", "three\ufffd?", "", "y" * 32768, "y" * 7232]
        self.assertEqual(self.api.texts[2:], texts)
        pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"
        for line in lines:
            self.assertRegex(line["time"], pattern)

    def test_logs_go_to_an_endpoint_of_their_own_where_one_is_named(self) -> None:
        folder = Path(self.folder) / "logs"
        folder.mkdir()
        logs = FakeApi(str(folder))
        logs.start()
        self.addCleanup(logs.stop)
        self.run_task(SEED, FLOWFORGE_LOG_ENDPOINT=logs.url)
        self.assertEqual(logs.texts, ["Starting task"])
        self.assertEqual({path for path, _ in logs.requests}, {f"{API}/logs"})
        self.assertEqual(len(self.api.statuses), 2)
        self.assertEqual(self.api.lines, [])

    def test_socket_paths_beyond_107_bytes_work(self) -> None:
        folder = Path(self.folder) / ("d" * 100)
        folder.mkdir()
        near = FakeApi(self.folder)
        near.path = str(Path(self.folder) / "near.sock")
        near.start()
        self.addCleanup(near.stop)
        (folder / "api.sock").symlink_to(near.path)
        self.run_task(SEED, FLOWFORGE_API_ENDPOINT=f"unix://{folder}/api.sock")
        self.assertEqual(len(near.statuses), 2)

    def test_the_token_may_come_from_a_file(self) -> None:
        path = Path(self.folder) / "token"
        path.write_text("from-file\n")
        self.run_task(
            SEED, FLOWFORGE_AUTH_TOKEN=None, FLOWFORGE_AUTH_TOKEN_FILE=str(path)
        )
        self.assertEqual(set(self.api.tokens), {"from-file"})


MISTAKES = [
    # call, error, what its text says
    ("client.output('A', 1)", ValueError, "is not of the form"),
    ("client.output('a-b', 1)", ValueError, "is not of the form"),
    ("client.output('1a', 1)", ValueError, "is not of the form"),
    ("client.output('', 1)", ValueError, "is not of the form"),
    ("client.output('a' * 64, 1)", ValueError, "is not of the form"),
    ("client.output('a\\n', 1)", ValueError, "is not of the form"),
    ("client.output(3, 1)", ValueError, "is not of the form"),
    ("client.output('x', {1, 2})", TypeError, "'x': Object of type set is not JSON"),
    ("client.output('x', float('nan'))", ValueError, "not JSON compliant"),
    ("client.output('x', 2 ** 63)", ValueError, "64 bits"),
    ("client.output('x', [-(10 ** 5000)])", ValueError, "output 'x'"),
    ("client.output('x', 'a\\0b')", ValueError, "NUL"),
    ("client.output('x', {'a\\0b': 1})", ValueError, "NUL"),
    ("client.output('x', chr(0xd800))", ValueError, "surrogates"),
    ("client.output('x', 'x' * 1048575)", ValueError, "$FF_OUT/x instead"),
    ("client.output('x', nested(101))", ValueError, "deeper than"),
    ("client.output('x', nested(100000))", ValueError, "output 'x'"),
    ("client.status('')", ValueError, "is not a word"),
    ("client.status('A B')", ValueError, "is not a word"),
    ("client.status(None)", ValueError, "is not a word"),
    ("client.status('A', progress=101)", ValueError, "between 0 and 100"),
    ("client.status('A', progress=float('nan'))", ValueError, "between 0 and 100"),
    ("client.status('A', progress='1')", TypeError, "not a number"),
    ("client.log('a', level='loud')", ValueError, "is none of"),
    ("client.on_cancel(3)", TypeError, "cannot be called"),
]


class Settings(unittest.TestCase):
    def test_the_time_to_flush_is_five_seconds_unless_told(self) -> None:
        for text, seconds in (("", 5.0), ("0.5", 0.5), ("x", 5.0), ("-1", 5.0)):
            settings = read_settings({"FLOWFORGE_FLUSH_TIMEOUT": text})
            self.assertEqual(settings.flush_timeout, seconds)

    def test_endpoints_are_a_socket_or_a_url(self) -> None:
        for url, expected in (
            ("unix:///run/a.sock", ("/run/a.sock", "localhost", 0, False, "")),
            ("http://127.0.0.1:8080", ("", "127.0.0.1", 8080, False, "")),
            ("https://ff.example/base/", ("", "ff.example", 443, True, "/base")),
            ("http://[::1]:80", ("", "::1", 80, False, "")),
        ):
            endpoint = parse_endpoint(url)
            assert endpoint is not None
            self.assertEqual(endpoint[1:], expected)
        for url in ("", "unix://", "redis://a:1", "http://", "http://a:b", "a"):
            self.assertIsNone(parse_endpoint(url), url)


class Mistakes(TaskTest):
    """Wrong use raises where it is; nothing of it is sent."""

    def test_wrong_calls_raise(self) -> None:
        code = (
            "import json, sys\n"
            "from flowforge import client\n"
            "def nested(n):\n"
            "    value = []\n"
            "    for i in range(n): value = [value]\n"
            "    return value\n"
            "for call in json.load(sys.stdin):\n"
            "    try:\n"
            "        eval(call)\n"
            "        print('nothing raised')\n"
            "    except Exception as e:\n"
            "        print(ascii(f'{type(e).__name__}: {e}'))\n"
        )
        calls = json.dumps([call for call, _, _ in MISTAKES])
        done = self.run_command([sys.executable, "-c", code], stdin=calls)
        for line, (call, error, says) in zip(done.stdout.splitlines(), MISTAKES):
            said = ast.literal_eval(line)
            wanted = f"{error.__name__}: "
            self.assertTrue(said.startswith(wanted), f"{call}: {said}")
            self.assertIn(says, said, call)
        self.assertEqual(self.api.requests, [])

    def test_what_is_just_allowed_is_sent(self) -> None:
        code = (
            "from flowforge import client\n"
            "value = []\n"
            "for i in range(99): value = [value]\n"
            "client.output('a' * 63, [2 ** 63 - 1, -(2 ** 63), value])\n"
            "client.output('_', 'x' * 1048574)\n"
            "client.status('a' * 32, 100.0, '\u00e4' * 3000)\n"
        )
        self.run_task(code)
        self.assertEqual(self.api.outputs[0][1][:2], [2**63 - 1, -(2**63)])
        self.assertEqual(len(self.api.outputs[1][1]), 1048574)
        self.assertEqual(self.api.statuses[0]["message"], "\u00e4" * 2048)


class Outside(TaskTest):
    def test_import_opens_and_starts_nothing(self) -> None:
        code = (
            "import sys, threading, os, signal, atexit\n"
            "before = (threading.active_count(), os.listdir('/proc/self/fd'),\n"
            "          signal.getsignal(signal.SIGTERM), atexit._ncallbacks())\n"
            "from flowforge import client\n"
            "assert before == (threading.active_count(),\n"
            "    os.listdir('/proc/self/fd'), signal.getsignal(signal.SIGTERM),\n"
            "    atexit._ncallbacks())\n"
        )
        self.run_task(code)

    def test_without_its_environment_everything_prints(self) -> None:
        code = SEED + "client.log('two', 'warn')\nprint(client.cancelled())\n"
        code += "client.heartbeat()\nclient.flush()\n"
        code += "client.status('FAILED', 2.5, 'why')\n"
        done = self.run_task(code, FLOWFORGE_API_ENDPOINT=None)
        self.assertEqual(
            done.stderr.splitlines(),
            [
                "Starting task",
                "status RUNNING 10%",
                'output result = {"status": "ok"}',
                "status SUCCEEDED",
                "warn: two",
                "status FAILED 2.5%: why",
            ],
        )
        self.assertEqual(done.stdout, "False\n")
        self.assertEqual(self.api.requests, [])

    def test_an_endpoint_that_is_none_is_told_and_everything_prints(self) -> None:
        for url in ("redis://x:1", "unix://", "http://a:b", "nonsense"):
            done = self.run_task(SEED, FLOWFORGE_API_ENDPOINT=url)
            self.assertIn(f"FLOWFORGE_API_ENDPOINT={url} is no endpoint", done.stderr)
            self.assertIn("Starting task", done.stderr)

    def test_a_closed_stderr_breaks_nothing(self) -> None:
        code = "import sys\nsys.stderr.close()\n" + SEED
        self.run_task(code, FLOWFORGE_API_ENDPOINT=None)
        self.run_task("import sys\nsys.stderr = None\n" + SEED)


class CommandLine(TaskTest):
    def flowforge(self, *words: str, status: int = 0, stdin: str = "") -> str:
        command = [sys.executable, "-m", "flowforge", *words]
        return self.run_command(command, status, stdin).stderr

    def test_shell_tasks_speak_through_the_module(self) -> None:
        self.flowforge("log", "half way", "--level", "warn")
        self.flowforge("log", "-", stdin="one\ntwo\n")
        self.flowforge("status", "running", "--progress", "50", "--message", "m")
        self.flowforge("output", "rows", "1200")
        self.flowforge("output", "name", "plain text")
        self.flowforge("output", "number", "12", "--text")
        self.flowforge("output", "report", "-", stdin='{"a": [1]}\n')
        self.flowforge("heartbeat")
        self.assertEqual(self.api.n_beats, 1)
        self.assertEqual(self.api.texts, ["half way", "one", "two"])
        self.assertEqual(
            self.api.statuses, [{"status": "RUNNING", "progress": 50.0, "message": "m"}]
        )
        self.assertEqual(
            self.api.outputs,
            [
                ("rows", 1200),
                ("name", "plain text"),
                ("number", "12"),
                ("report", {"a": [1]}),
            ],
        )

    def test_each_process_numbers_its_own_batches(self) -> None:
        for i in range(3):
            self.flowforge("log", f"line {i}")
        self.assertEqual(self.api.texts, ["line 0", "line 1", "line 2"])
        self.assertEqual(self.api.n_repeated, 0)

    def test_wrong_use_is_status_2(self) -> None:
        self.assertIn(
            "is not of the form", self.flowforge("output", "A", "1", status=2)
        )
        self.assertIn(
            "is none of", self.flowforge("log", "a", "--level", "x", status=2)
        )
        self.assertIn("usage:", self.flowforge(status=2))

    def test_the_package_needs_nothing_but_itself(self) -> None:
        code = (
            "import sys\n"
            "before = set(sys.modules)\n"
            "import flowforge, flowforge.__main__, flowforge._sender\n"
            "own = {m.split('.')[0] for m in set(sys.modules) - before}\n"
            "foreign = own - set(sys.stdlib_module_names) - {'flowforge'}\n"
            "assert not foreign, foreign\n"
        )
        if sys.version_info >= (3, 10):
            self.run_command([sys.executable, "-S", "-c", code])
        self.assertTrue((PACKAGE / "flowforge/py.typed").exists())


if __name__ == "__main__":
    unittest.main()
