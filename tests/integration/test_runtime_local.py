#!/usr/bin/env python3
"""The supervisor of local tasks, spoken to in its own protocol (plugins/runtime-local/
protocol.h): versions, malformed requests, slow clients, failing system calls.

What the driver makes of it is tested in C, in tests/unit/runtime-local."""

# ctest: timeout=240
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["FLOWFORGE_LIB"]) / "flowforge-supervisor"
DEADLINE = 60.0

MAGIC = 0x31534646
HELLO, START, CANCEL, ADOPT, RELEASE, STATUS = 1, 2, 3, 4, 5, 6
DONE, EVENT, STATE = 16, 17, 18
EXITED, LOST, REFUSED = 2, 3, 4
OK, INVALID, BUSY, UNSUPPORTED = 0, 1, 4, 9
NONE = 0xFFFFFFFF


def text(value):
    if value is None:
        return struct.pack("=I", NONE)
    data = value.encode()
    return struct.pack("=I", len(data)) + data + b"\0"


def texts(values):
    return struct.pack("=I", len(values)) + b"".join(text(v) for v in values)


def frame(kind, seq, body=b""):
    return struct.pack("=IIQ", len(body), kind, seq) + body


def spec(attempt, argv, directory="/", logs=None, timeout_us=0):
    return (
        text(attempt)
        + text(directory)
        + text(logs)
        + struct.pack("=qqqqq", 0, timeout_us, 1000000, 0, 0)
        + texts(argv)
        + texts(["PATH=/usr/bin:/bin"])
        + struct.pack("=I", NONE)
    )


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, form):
        size = struct.calcsize("=" + form)
        values = struct.unpack("=" + form, self.data[:size])
        self.data = self.data[size:]
        return values if len(values) > 1 else values[0]

    def text(self):
        size = self.take("I")
        if size == NONE:
            return None
        value, self.data = self.data[:size], self.data[size + 1 :]
        return value.decode()


class Client:
    def __init__(self, directory, greet=True):
        self.seq = 0
        self.events = {}
        self.buffer = b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(str(directory / "supervisor.sock"))
        self.pid = struct.unpack(
            "=3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        )[0]
        if greet:
            self.send(HELLO, struct.pack("=III", MAGIC, 1, 0))
            kind, _, body = self.receive()
            assert kind == HELLO, kind
            assert body.take("III")[:2] == (MAGIC, 1)
            assert body.take("i") == self.pid

    def close(self):
        self.socket.close()

    def send(self, kind, body=b""):
        self.seq += 1
        self.socket.sendall(frame(kind, self.seq, body))
        return self.seq

    def receive(self):
        """The next frame, or None at the end of the connection."""
        while True:
            if len(self.buffer) >= 16:
                size, kind, seq = struct.unpack("=IIQ", self.buffer[:16])
                if len(self.buffer) >= 16 + size:
                    body = Reader(self.buffer[16 : 16 + size])
                    self.buffer = self.buffer[16 + size :]
                    return kind, seq, body
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data

    def note(self, body):
        attempt = body.text()
        state, reason, code, sig = body.take("IIii")
        body.take("qq")
        chunks, kept, dropped = body.take("QQQ")
        self.events.setdefault(attempt, []).append(
            {
                "state": state,
                "reason": reason,
                "code": code,
                "signal": sig,
                "log": (chunks, kept, dropped),
                "message": body.text(),
            }
        )

    def ask(self, kind, body=b""):
        """Sends a request; (code, message) of its answer. STATE goes to .state."""
        seq = self.send(kind, body)
        while True:
            got, answer, data = self.receive()
            if got == EVENT:
                self.note(data)
            elif got == STATE:
                self.state = data.take("IIIIQQ")
            else:
                assert (got, answer) == (DONE, seq), (got, answer, seq)
                code, _ = data.take("ii")
                return code, data.text()

    def wait(self, attempt):
        while attempt not in self.events:
            kind, _, body = self.receive()
            assert kind == EVENT, kind
            self.note(body)
        return self.events[attempt][-1]


def is_gone(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return stat.rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class Supervisor(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="ff-supervisor-"))
        self.pids = []
        self.tracer = None

    def tearDown(self):
        if self.tracer:  # gone first: leaks are not looked for under strace
            self.tracer.terminate()
            self.tracer.wait(DEADLINE)
        for pid in self.pids:
            if not is_gone(pid):
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda pid=pid: is_gone(pid))
        log = self.path("supervisor.log")
        if log.exists():
            words = log.read_text()
            self.assertNotIn("Sanitizer", words)
            self.assertNotIn("runtime error", words)
        shutil.rmtree(self.directory)

    def path(self, name):
        return self.directory / name

    def launch(self, idle_us=60000000, greet=True):
        """Starts one, waits for its word and connects."""
        ready, ours = os.pipe()
        subprocess.run(
            [PROGRAM, "--dir", self.directory, "--idle-exit-us", str(idle_us)]
            + ["--ready-fd", str(ours)],
            pass_fds=[ours],
            check=True,
            timeout=DEADLINE,
        )
        os.close(ours)
        word = os.read(ready, 300)
        os.close(ready)
        self.assertEqual(word, b"R")
        client = Client(self.directory, greet)
        self.pids.append(client.pid)
        self.addCleanup(client.close)
        return client

    def inject(self, pid, what):
        """Makes a system call of the supervisor fail, by strace."""
        if not shutil.which("strace"):
            self.skipTest("there is no strace")
        self.tracer = subprocess.Popen(
            [
                "strace",
                "-qq",
                "-f",
                "-p",
                str(pid),
                "-e",
                what,
                "-o",
                self.path("trace"),
            ],
            stderr=subprocess.DEVNULL,
        )

        def traced():
            if self.tracer.poll() is not None:
                self.skipTest("strace may not attach here")
            status = Path(f"/proc/{pid}/status").read_text()
            return f"TracerPid:\t{self.tracer.pid}" in status

        wait_until(traced)

    def test_second_supervisor_leaves_the_first_alone(self):
        self.launch()
        ready, ours = os.pipe()
        subprocess.run(
            [PROGRAM, "--dir", self.directory, "--ready-fd", str(ours)],
            pass_fds=[ours],
            check=True,
            timeout=DEADLINE,
        )
        os.close(ours)
        self.assertEqual(os.read(ready, 10), b"B")
        os.close(ready)
        Client(self.directory).close()

    def test_missing_directory_is_told(self):
        ready, ours = os.pipe()
        subprocess.run(
            [PROGRAM, "--dir", "/no/such/place", "--ready-fd", str(ours)],
            pass_fds=[ours],
            check=False,
            timeout=DEADLINE,
        )
        os.close(ours)
        self.assertIn(b"/no/such/place: No such file or directory", os.read(ready, 300))
        os.close(ready)

    def test_supervisor_that_nobody_greets_ends(self):
        client = self.launch(idle_us=100000, greet=False)  # and it stays connected
        wait_until(lambda: is_gone(client.pid))
        self.assertFalse(self.path("supervisor.sock").exists())

    def test_other_major_is_refused_with_a_sentence(self):
        client = self.launch(greet=False)
        client.send(HELLO, struct.pack("=III", MAGIC, 2, 0))
        kind, seq, body = client.receive()
        self.assertEqual((kind, seq), (DONE, 0))
        self.assertEqual(body.take("ii")[0], UNSUPPORTED)
        self.assertIn("speaks protocol 1 and was asked for 2", body.text())
        self.assertIsNone(client.receive())

    def test_unknown_requests_are_answered(self):
        client = self.launch()
        self.assertEqual(client.ask(9)[0], UNSUPPORTED)
        self.assertEqual(client.ask(4711)[0], UNSUPPORTED)
        self.assertEqual(client.ask(STATUS)[0], OK)
        self.assertEqual(client.state[:3], (0, 0, 1))

    def test_malformed_requests_do_no_harm(self):
        client = self.launch()
        good = spec("a", ["true"])
        for kind in (START, CANCEL, ADOPT, RELEASE):
            for size in range(0, len(good) - 1, 3):
                self.assertNotEqual(client.ask(kind, good[:size]), None)
        for junk in (b"\xff" * 16, os.urandom(64), b"GET / HTTP/1.1\r\n\r\n"):
            other = Client(self.directory, greet=False)
            other.socket.sendall(junk)
            self.assertIsNone(other.receive())
            other.close()
        huge = Client(self.directory)
        huge.socket.sendall(struct.pack("=IIQ", 1 << 31, START, 1))
        self.assertIsNone(huge.receive())
        huge.close()
        self.assertEqual(client.ask(START, good)[0], OK)
        self.assertEqual(client.wait("a")["code"], 0)

    def test_nothing_comes_unasked(self):
        client = self.launch()
        self.assertEqual(client.ask(START, spec("a", ["false"]))[0], OK)
        client.wait("a")
        client.close()
        again = Client(self.directory)
        self.assertEqual(again.ask(STATUS)[0], OK)
        self.assertEqual(again.events, {})
        self.assertEqual(again.ask(ADOPT, texts(["a", "b"]))[0], OK)
        self.assertEqual(again.events["a"][0]["code"], 1)
        self.assertEqual(again.wait("b")["state"], LOST)
        again.close()

    def test_client_that_does_not_read_gets_everything_later(self):
        client = self.launch()
        names = [f"a{i}" for i in range(300)]
        for name in names:
            self.assertEqual(client.ask(START, spec(name, ["/" + "n" * 200]))[0], OK)
            self.assertEqual(client.wait(name)["state"], REFUSED)
        client.events = {}
        ask = frame(ADOPT, 0, texts(names)) * 300  # 90,000 events
        asking = threading.Thread(target=client.socket.sendall, args=[ask])
        asking.start()  # waits as soon as it asked for more than it takes
        other = Client(self.directory)
        self.assertEqual(other.ask(START, spec("b", ["true"]))[0], OK)
        self.assertEqual(other.wait("b")["code"], 0)
        other.close()
        self.assertTrue(asking.is_alive())
        answers = 0
        while answers < 300:
            kind, _, body = client.receive()
            if kind == EVENT:
                client.note(body)
            else:
                answers += 1
        asking.join()
        self.assertEqual(sum(len(e) for e in client.events.values()), 90000)

    def test_hundred_exits_share_flushes(self):
        client = self.launch()
        client.ask(STATUS)
        before = client.state[4]
        for i in range(100):
            client.send(START, spec(f"a{i}", ["true"]))
        for i in range(100):
            while f"a{i}" not in client.events:
                kind, _, body = client.receive()
                if kind == EVENT:
                    client.note(body)
        client.ask(STATUS)
        self.assertLess(client.state[4] - before, 100)
        self.assertEqual(client.state[5], 100)

    def test_what_was_told_is_known_to_the_next_one(self):
        client = self.launch()
        # The flush of its record never ends, and it is killed in it.
        self.inject(client.pid, "inject=fdatasync:delay_enter=60000000")
        client.ask(START, spec("a", ["sh", "-c", "exit 3"]))
        self.assertEqual(client.wait("a")["code"], 3)
        os.kill(client.pid, signal.SIGKILL)
        self.tracer.kill()
        wait_until(lambda: is_gone(client.pid))
        again = self.launch()
        self.assertEqual(again.ask(ADOPT, texts(["a"]))[0], OK)
        event = again.wait("a")
        self.assertEqual((event["state"], event["code"]), (EXITED, 3))

    def test_failed_flush_ends_it_and_its_tasks(self):
        client = self.launch()
        script = f"echo $$ >{self.path('pid')}; exec sleep 1000"
        self.assertEqual(client.ask(START, spec("long", ["sh", "-c", script]))[0], OK)
        pid_file = self.path("pid")
        wait_until(lambda: pid_file.exists() and pid_file.stat().st_size)
        task = int(pid_file.read_text())
        self.inject(client.pid, "inject=fdatasync:error=EIO:when=1")
        client.ask(START, spec("short", ["true"]))
        while client.receive():
            pass
        wait_until(lambda: is_gone(client.pid) and is_gone(task))
        log = self.path("supervisor.log").read_text()
        self.assertIn("cannot write exits.journal", log)
        again = self.launch()
        self.assertEqual(again.ask(ADOPT, texts(["long", "short"]))[0], OK)
        self.assertEqual(again.wait("long")["state"], LOST)
        self.assertIn(again.wait("short")["state"], (LOST, EXITED))

    def test_no_process_means_busy(self):
        client = self.launch()
        self.inject(client.pid, "inject=clone,clone3,vfork:error=EAGAIN:when=1..2")
        for _ in range(2):
            code, message = client.ask(START, spec("a", ["true"]))
            self.assertEqual(code, BUSY)
            self.assertIn("Resource temporarily unavailable", message)
        self.assertEqual(client.ask(START, spec("a", ["true"]))[0], OK)
        self.assertEqual(client.wait("a")["code"], 0)
        client.ask(STATUS)
        self.assertEqual(client.state[:2], (0, 1))

    def test_deep_trash_goes_away(self):
        client = self.launch()
        script = (
            "cd $FF_OUT; i=0; while [ $i -lt 200 ]; do mkdir d; cd d; i=$((i+1)); done"
        )
        self.assertEqual(client.ask(START, spec("a", ["sh", "-c", script]))[0], OK)
        self.assertEqual(client.wait("a")["code"], 0)
        self.assertEqual(client.ask(RELEASE, texts(["a"]))[0], OK)
        wait_until(lambda: not any(self.path("trash").iterdir()))
        self.assertFalse(any(self.path("attempts").iterdir()))


if __name__ == "__main__":
    if not PROGRAM.exists():
        print("there is no supervisor to test")
        sys.exit(77)
    unittest.main()
