#!/usr/bin/python3
"""HTTP/2 of the server, with clients of others: curl, python3-h2, nghttp and h2load."""

import json
import re
import shutil
import subprocess
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from ff_h2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    SETTINGS,
    Answer,
    Client,
    Raw,
    block,
    frame,
    head,
)
from ff_http import PATIENCE_S, Site

FILE = Path("/usr/bin/curl").resolve()


class Curl(unittest.TestCase):
    """The same by both protocols: a handler does not know which it is."""

    site: Site

    @classmethod
    def setUpClass(cls) -> None:
        cls.site = Site(tls=True)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.site.__exit__(None, None, None)

    def both(self, path: str, *args: str) -> bytes:
        """The answer, which is the same, with its status."""
        said = []
        for protocol, version in (("--http1.1", b"1.1"), ("--http2", b"2")):
            out = self.site.curl(
                protocol, "-w", "|%{http_code} %{http_version}", *args,
                f"{self.site.url}{path}",
            )  # fmt: skip
            body, _, rest = out.stdout.rpartition(b"|")
            status, spoken = rest.split(b" ")
            self.assertEqual(spoken, version, out.stderr)
            said.append(body + b"|" + status)
        self.assertEqual(said[0], said[1])
        return said[0]

    def test_requests_and_answers_are_the_same(self) -> None:
        cases: dict[str, tuple[str, tuple[str, ...], str]] = {
            "a query": ("/echo?q=a%20b", (), '"q":"a b"'),
            "a header": ("/echo", ("-H", "X-A: b"), '"x-a":"b"'),
            "cookies": ("/echo", ("-b", "a=1; b=2"), '"cookie":"a=1; b=2"'),
            "no such path": ("/nowhere", (), '"status":404'),
            "a wrong method": ("/echo", ("-X", "DELETE"), "|405"),
            "an unknown method": ("/echo", ("-X", "BREW"), "|501"),
            "a broken escape": ("/echo?q=%2", (), "|400"),
            "a small body": ("/echo", ("-d", "abc"), '"length":3'),
            "too much": ("/small", ("-d", "12345678901"), "|413"),
            "far too much": ("/small", ("--data-binary", f"@{FILE}"), "|413"),
            "a stranger": ("/guarded", ("-d", "abc"), "|401"),
            "a friend": (
                "/guarded",
                ("-d", "abc", "-H", "Authorization: Bearer good"),
                "abc|200",
            ),
            "one who is known later": ("/later", ("-d", "abc"), "abc|200"),
            "events": ("/events?n=2&size=3", (), "id: 1\nevent: tick\ndata: xxx\n"),
        }
        for name, (path, args, expected) in cases.items():
            with self.subTest(name):
                self.assertIn(expected, self.both(path, *args).decode())

    def test_bodies_of_any_size_arrive_whole(self) -> None:
        content = FILE.read_bytes()
        for path in ("/body", "/later"):
            said = self.both(path, "--data-binary", f"@{FILE}")
            self.assertEqual(said, content + b"|200")
        self.assertEqual(len(self.both("/big?n=20000000")), 20_000_004)
        self.assertGreater(len(self.both("/events?n=20000&size=500")), 10_000_000)

    def test_head_has_the_length_and_no_body(self) -> None:
        out = self.site.curl("--http2", "-I", f"{self.site.url}/big?n=8000")
        self.assertIn(b"HTTP/2 200", out.stdout)
        self.assertIn(b"content-length: 8000", out.stdout)


class Streams(unittest.TestCase):
    def test_a_hundred_streams_are_answered_out_of_order(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            kept = [client.ask(path="/kept") for _ in range(50)]
            echo = [client.ask() for _ in range(50)]
            for stream in echo:
                self.assertEqual(client.wait(stream).status, 200)
            site.wait_for("kept", 50)
            site.tell("answer")
            for stream in kept:
                self.assertEqual(client.wait(stream).body, b"kept")
            self.assertEqual(site.counts()["requests"], 100)

    def test_one_stream_too_many_is_refused_and_may_come_again(self) -> None:
        kept, echo = block(head(path="/kept")), block(head())
        whole = END_HEADERS | END_STREAM
        with Site(h2c=1) as site, Raw(site) as raw:
            for i in range(100):
                raw.send(frame(HEADERS, whole, 2 * i + 1, kept))
            site.wait_for("kept", 100)
            raw.send(frame(HEADERS, whole, 201, echo))
            self.assertEqual(raw.reset_of(201), REFUSED_STREAM)
            site.tell("answer")
            self.assertEqual(raw.until(DATA, 199), b"kept")
            raw.send(frame(HEADERS, whole, 203, echo))
            self.assertIn(b'"path":"/echo"', raw.until(DATA, 203) or b"")

    def test_who_knows_the_limit_and_exceeds_it_is_sent_away(self) -> None:
        kept = block(head(path="/kept"))
        with Site(h2c=1) as site, Raw(site) as raw:
            raw.until(SETTINGS)
            raw.send(frame(SETTINGS, ACK, 0))
            for i in range(101):
                raw.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, kept))
            self.assertEqual(raw.goaway(), PROTOCOL_ERROR)

    def test_who_resets_a_stream_is_gone_for_its_handler(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            kept = client.ask(path="/kept")
            events = client.ask(path="/events?n=1000000&size=1000")
            site.wait_for("kept", 1)
            client.pump(lambda: client.answers[events].body)
            for stream in (kept, events):
                client.h2.reset_stream(stream)
            client.flush()
            site.wait_for("gone", 1)
            self.assertEqual(site.tell("answer"), "answered 1")
            self.assertEqual(client.get().status, 200)

    def test_a_slow_reader_of_one_stream_does_not_stop_the_others(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            client.auto_credit = False
            slow = client.ask(path="/events?n=1000000&size=1000")
            client.pump(lambda: len(client.answers[slow].body) == 65535)
            client.h2.increment_flow_control_window(1_000_000)  # the connection's
            client.flush()
            self.assertEqual(client.get().status, 200)
            self.assertEqual(site.counts()["gone"], 0)

    def test_a_stream_that_owes_too_much_is_dropped_alone(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            flood = client.ask(path="/flood")
            self.assertEqual(client.wait(flood).reset, 8)
            self.assertEqual(client.get().status, 200)
            self.assertEqual(site.counts()["gone"], 1)

    def test_answers_beyond_the_windows_hold_back_further_requests(self) -> None:
        """Else a hundred large answers would be in memory for one who reads none."""
        with Site(h2c=1) as site, Client(site, window=0) as client:
            big = [client.ask(path="/big?n=1000000") for _ in range(20)]
            client.h2.ping(b"12345678")
            client.flush()
            client.read()
            # Each is begun when what is unsent is below the limit: one.
            self.assertEqual(site.counts()["requests"], 1)
            client.h2.update_settings({4: 10_000_000})
            client.h2.increment_flow_control_window(100_000_000)
            client.flush()
            for stream in big:
                self.assertEqual(len(client.wait(stream).body), 1_000_000)

    def test_one_who_keeps_its_window_closed_is_dropped(self) -> None:
        with Site(h2c=1, send_ms=100) as site, Client(site, window=0) as client:
            stream = client.ask(path="/big?n=1000")
            client.wait(stream)
            self.assertTrue(client.closed)
            self.assertEqual(site.counts()["slow"], 1)

    def test_the_reader_of_a_stream_may_keep_it_closed_for_longer(self) -> None:
        with Site(h2c=1, send_ms=100) as site, Client(site, window=0) as client:
            stream = client.ask(path="/events?n=1000&size=1000&stall=60000")
            time.sleep(1)
            self.assertEqual(site.counts()["gone"], 0)
            client.h2.update_settings({4: 10_000_000})
            client.flush()
            self.assertEqual(client.wait(stream).body.count(b"event: tick"), 1000)

    def test_he_may_when_the_stream_has_ended(self) -> None:
        with Site(h2c=1, send_ms=100) as site, Client(site, window=0) as client:
            ask = "/events?n=1000&size=1000&stall=60000&ahead=2000000"
            stream = client.ask(path=ask)
            time.sleep(1)
            self.assertEqual(site.counts()["slow"], 0)
            client.h2.update_settings({4: 10_000_000})
            client.flush()
            self.assertEqual(client.wait(stream).body.count(b"event: tick"), 1000)

    def test_he_may_not_for_ever_nor_with_another_answer_unread(self) -> None:
        for stall_ms, other in ((250, None), (60_000, "/big?n=1000")):
            with Site(h2c=1, send_ms=100) as site, Client(site, window=0) as client:
                stream = client.ask(path=f"/events?n=1000&size=1000&stall={stall_ms}")
                if other:
                    client.ask(path=other)
                client.wait(stream)
                self.assertTrue(client.closed)
                self.assertEqual(site.counts()["slow"], 1)

    def test_bodies_at_once_share_a_bounded_memory(self) -> None:
        """The routes take 64 MiB each: one is let in, others keep to a window."""
        with Site(h2c=1) as site, Client(site) as client:
            first = client.ask("POST", "/body", end=False)
            second = client.ask("POST", "/body", end=False)
            client.send(first, b"a" * 300_000, end=False)
            client.h2.send_data(second, b"b" * 16_000)
            client.flush()
            window = client.h2.local_flow_control_window
            client.h2.ping(b"12345678")
            client.flush()
            client.pump(lambda: window(second) < 65535)
            self.assertLessEqual(window(second), 65535 - 16_000)
            client.send(first, b"a" * 10)
            self.assertEqual(len(client.wait(first).body), 300_010)
            client.send(second, b"b" * 300_000)
            self.assertEqual(len(client.wait(second).body), 316_000)

    def test_a_body_that_is_expected_is_asked_for(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            stream = client.ask("POST", more=[("expect", "100-continue")], end=False)
            client.pump(lambda: client.answers[stream].interim)
            self.assertEqual(client.answers[stream].interim, ["100"])
            client.send(stream, b"abc")
            self.assertEqual(json.loads(client.wait(stream).body)["length"], 3)

    def test_a_body_that_does_not_come_is_given_up(self) -> None:
        with Site(h2c=1, body_ms=100, linger_ms=50) as site, Client(site) as client:
            stream = client.ask("POST", end=False)
            self.assertEqual(client.wait(stream).status, 408)
            client.pump(lambda: client.answers[stream].reset is not None)
            self.assertEqual(client.get().status, 200)


class Ends(unittest.TestCase):
    def test_stopping_serves_what_was_sent_and_says_goodbye(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            kept = client.ask(path="/kept")
            events = client.ask(path="/events?n=100000000&size=1000")
            site.wait_for("kept", 1)
            self.assertEqual(site.tell("stop"), "stopping")
            # It has not read of the end yet, and asks on.
            late = client.ask()
            endless = client.ask(path="/events?n=100000000&size=1000")
            self.assertEqual(client.wait(late).status, 200)
            self.assertEqual(client.wait(endless).status, 503)
            client.pump(lambda: len(client.goaways) == 2)
            self.assertEqual(client.goaways, [0, 0])
            self.assertFalse(client.answers[kept].ended)
            site.tell("answer")
            self.assertEqual(client.wait(kept).body, b"kept")
            client.wait(events)
            client.pump(lambda: client.closed)
            self.assertEqual(site.process.wait(PATIENCE_S), 0)

    def test_an_idle_connection_ends_after_its_time(self) -> None:
        with Site(h2c=1, idle_ms=50) as site, Client(site) as client:
            self.assertEqual(client.get().status, 200)
            client.pump(lambda: client.closed)
            self.assertEqual(client.goaways, [0, 0])

    def test_the_last_request_of_a_connection_ends_it(self) -> None:
        with Site(h2c=1, requests=3) as site, Client(site) as client:
            kept = client.ask(path="/kept")
            site.wait_for("kept", 1)
            for _ in range(2):
                self.assertEqual(client.get().status, 200)
            client.pump(lambda: len(client.goaways) == 2)
            client.ask()
            site.tell("answer")
            self.assertEqual(client.wait(kept).body, b"kept")
            client.pump(lambda: client.closed)
            self.assertEqual(client.goaways, [0, 0])
            self.assertEqual(site.counts()["requests"], 3)

    def test_who_does_not_hear_of_the_end_is_not_served_for_ever(self) -> None:
        """Nobody answers the ping here, and each frame came before the deadline."""
        whole = END_HEADERS | END_STREAM
        more: dict[str, Callable[[int], bytes]] = {
            "settings": lambda _: frame(SETTINGS, 0, 0),
            "requests": lambda i: frame(HEADERS, whole, 2 * i + 3, block(head())),
        }
        for name, drip in more.items():
            with (
                self.subTest(name),
                Site(h2c=1, idle_ms=50, linger_ms=200) as site,
                Raw(site) as raw,
            ):
                raw.send(frame(HEADERS, whole, 1, block(head())))
                self.assertIsNotNone(raw.until(GOAWAY))
                for i in range(500):
                    if not raw.send(drip(i)) or not site.counts()["connections"]:
                        break
                    time.sleep(0.02)
                self.assertEqual(site.counts()["connections"], 0)

    def test_at_the_cap_an_idle_one_makes_way(self) -> None:
        with Site(h2c=1, connections=1) as site, Client(site) as first:
            self.assertEqual(first.get().status, 200)
            with Client(site) as second:
                first.pump(lambda: first.closed)
                self.assertEqual(second.get().status, 200)

    def test_without_leave_nobody_speaks_it_in_plain(self) -> None:
        with Site() as site:
            out = site.curl("--http2-prior-knowledge", f"{site.url}/echo")
            self.assertNotEqual(out.returncode, 0)
        with Site(h2c=1) as site:
            out = site.curl("--http2-prior-knowledge", f"{site.url}/echo")
            self.assertIn(b'"path":"/echo"', out.stdout)
            for name in ("GET", "POST", "PUT", "PATCH", "OPTIONS"):
                out = site.curl("-X", name, "-o", "/dev/null", f"{site.url}/echo")
                self.assertEqual(out.returncode, 0)

    def test_other_hosts_are_refused_on_loopback(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(
                stream,
                [
                    (":method", "GET"),
                    (":path", "/echo"),
                    (":scheme", "http"),
                    (":authority", "evil.example"),
                ],
                end_stream=True,
            )
            client.answers[stream] = Answer()
            client.flush()
            self.assertEqual(client.wait(stream).status, 421)


class Load(unittest.TestCase):
    def run_tool(self, *args: str) -> str:
        if not shutil.which(args[0]):
            self.skipTest(f"there is no {args[0]}")
        out = subprocess.run(
            args, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return out.stdout + out.stderr

    def test_h2load_has_all_its_requests_answered(self) -> None:
        for tls in (False, True):
            with Site(tls=tls, h2c=1) as site:
                said = self.run_tool(
                    "h2load", "-n", "3000", "-c", "8", "-m", "64", f"{site.url}/echo"
                )
                self.assertRegex(said, r"3000 succeeded, 0 failed, 0 errored")

    def test_nghttp_gets_and_posts(self) -> None:
        with Site(tls=True) as site:
            said = self.run_tool(
                "nghttp", "-v", "-d", str(FILE), f"{site.url}/echo", "--no-verify-peer"
            )
            self.assertRegex(said, r":status: 200")
            self.assertTrue(re.search(rf'"length":{FILE.stat().st_size}\b', said), said)


if __name__ == "__main__":
    unittest.main()
