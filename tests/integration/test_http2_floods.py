#!/usr/bin/python3
"""HTTP/2 in bad hands: floods, bombs and malformed frames. Each ends the stream or the
connection that it came on, with its reason, and nothing else."""

import json
import unittest
from collections.abc import Callable
from pathlib import Path

from ff_h2 import (
    CALM,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PRIORITY,
    PROTOCOL_ERROR,
    RST,
    SETTINGS,
    WINDOW_UPDATE,
    Client,
    Raw,
    block,
    frame,
    head,
)
from ff_http import Site, read_all

WHOLE = END_HEADERS | END_STREAM
ECHO = block(head())
MANY = 20_000


def memory_kb(site: Site) -> int:
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def request(stream: int) -> bytes:
    return frame(HEADERS, WHOLE, stream, ECHO)


def reset_at_once(i: int) -> bytes:
    return request(2 * i + 1) + frame(RST, 0, 2 * i + 1, b"\0\0\0\x08")


def open_and_reset(i: int) -> bytes:
    stream = 2 * i + 1
    opened = frame(HEADERS, END_HEADERS, stream, block(head("POST", "/body")))
    return opened + frame(RST, 0, stream, b"\0\0\0\x08")


# By its name: the frames of one turn. All are legal one by one.
FLOODS: dict[str, Callable[[int], bytes]] = {
    "requests that are reset": reset_at_once,
    "bodies that are reset": open_and_reset,
    "pings": lambda _: frame(PING, 0, 0, b"12345678"),
    "pongs": lambda _: frame(PING, 1, 0, b"12345678"),
    "settings": lambda _: frame(SETTINGS, 0, 0),
    "changed settings": lambda i: frame(
        SETTINGS, 0, 0, b"\0\4" + (i % 1000).to_bytes(4, "big")
    ),
    "window updates": lambda _: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
    "priorities": lambda i: frame(PRIORITY, 0, 2 * i + 1, b"\0\0\0\0\x10"),
    "empty data": lambda i: (
        frame(HEADERS, END_HEADERS, 1, block(head("POST", "/body")))
        if i == 0
        else frame(DATA, 0, 1)
    ),
    "data in single bytes": lambda i: (
        frame(HEADERS, END_HEADERS, 1, block(head("POST", "/body")))
        if i == 0
        else frame(DATA, 0, 1, b"a")
    ),
}


class Floods(unittest.TestCase):
    def flood(self, turn: Callable[[int], bytes], site: Site) -> int | None:
        """Without reading, until the other side has had enough; why, or None."""
        with Raw(site) as raw:
            for i in range(0, MANY, 50):
                if not raw.send(b"".join(turn(j) for j in range(i, i + 50))):
                    return CALM  # closed while it was still sending
            return raw.goaway()

    def test_each_flood_ends_its_connection_and_no_other(self) -> None:
        for name, turn in FLOODS.items():
            with self.subTest(name), Site(h2c=1) as site, Client(site) as other:
                self.assertEqual(other.get().status, 200)
                self.assertEqual(self.flood(turn, site), CALM)
                self.assertEqual(other.get().status, 200)
                self.assertGreaterEqual(site.counts()["floods"], 1)

    def test_much_traffic_that_does_something_is_no_flood(self) -> None:
        """As many requests as the floods have frames, and their window updates."""
        with Site(h2c=1) as site, Client(site) as client:
            for _ in range(60):
                streams = [client.ask() for _ in range(50)]
                for stream in streams:
                    self.assertEqual(client.wait(stream).status, 200)
            self.assertEqual(site.counts()["requests"], 3000)


class Bombs(unittest.TestCase):
    def test_continuations_without_end_are_cut(self) -> None:
        """By their number: the deadline of the head is far away."""
        with Site(h2c=1, head_ms=600_000) as site, Raw(site) as raw:
            raw.send(frame(HEADERS, END_STREAM, 1, ECHO))
            for _ in range(100):
                if not raw.send(frame(CONTINUATION, 0, 1)):
                    break
            self.assertIn(raw.goaway(), (CALM, PROTOCOL_ERROR, None))
            site.wait_for("connections", 0)
            self.assertEqual(site.counts()["requests"], 0)

    def test_a_head_above_the_limit_is_answered_with_431(self) -> None:
        with Site(h2c=1) as site, Client(site) as client:
            for more in (
                [("x-a", "a" * 17_000)],
                [(f"x-{i}", "a" * 1000) for i in range(20)],
                [("x-a", "b")] * 101,
            ):
                self.assertEqual(client.get(more=more).status, 431)
            self.assertEqual(client.get(more=[("x-a", "b")] * 90).status, 200)

    def test_a_small_head_that_means_a_large_one_is_refused(self) -> None:
        """One entry of the dynamic table, named again and again by one byte."""
        with Site(h2c=1) as site, Raw(site) as raw:
            entry = b"\x40\x01x\x7f\xa0\x1d" + b"a" * (127 + 32 + (0x1D << 7))
            raw.send(frame(HEADERS, WHOLE, 1, block(head()) + entry + b"\xbe" * 12_000))
            self.assertIn(b"431", (raw.until(HEADERS, 1) or b"")[:5])
            raw.send(request(3))
            self.assertEqual((raw.until(HEADERS, 3) or b"")[:1], b"\x88")

    def test_a_cookie_in_many_pieces_is_put_together_once(self) -> None:
        """Each piece is one byte of the head. All requests await their bodies."""
        piece = b"\x40\x06cookie\x26" + b"a" * 38
        start = block(head("POST", "/body"))
        with Site(h2c=1) as site, Raw(site) as raw:
            before = memory_kb(site)
            for i in range(90):
                pieces = (piece if i == 0 else b"") + b"\xbe" * 200
                raw.send(frame(HEADERS, END_HEADERS, 2 * i + 1, start + pieces))
            site.wait_for("requests", 90)
            self.assertLess(memory_kb(site) - before, 60_000)
        with Site(h2c=1) as site, Client(site) as client:
            crumbs = [("cookie", f"c{i}={i}") for i in range(150)]
            answer = client.get(more=crumbs)
            self.assertEqual(
                json.loads(answer.body)["cookie"], "; ".join(c for _, c in crumbs)
            )

    def test_a_head_that_drips_is_given_up(self) -> None:
        with Site(h2c=1, head_ms=1500, linger_ms=100) as site:
            with Raw(site) as raw:
                raw.send(frame(HEADERS, WHOLE, 1, ECHO)[:20])
                self.assertEqual(raw.goaway(), CALM)
            with site.connect() as sock:
                sock.sendall(b"PRI * HTTP/2.0\r\n")
                read_all(sock)
            with site.connect() as sock:
                sock.sendall(b"P")
                self.assertEqual(read_all(sock), b"")


def fields(*more: tuple[str, str]) -> bytes:
    return block([*head(), *more])


# A head, and what its stream is reset with. None: it is answered by 400.
MALFORMED: dict[str, tuple[bytes, int | None]] = {
    "a name with capitals": (fields(("X-A", "b")), PROTOCOL_ERROR),
    "a name with a space": (fields(("x a", "b")), PROTOCOL_ERROR),
    "a value with a line feed": (fields(("x-a", "a\nb: c")), PROTOCOL_ERROR),
    "a value with a NUL": (fields(("x-a", "a\0b")), PROTOCOL_ERROR),
    "an empty name": (fields(("", "b")), PROTOCOL_ERROR),
    "a header of the connection": (fields(("connection", "close")), PROTOCOL_ERROR),
    "transfer encoding": (
        fields(("transfer-encoding", "chunked")),
        PROTOCOL_ERROR,
    ),
    "two paths": (block([*head(), (":path", "/")]), PROTOCOL_ERROR),
    "a pseudo header behind others": (
        block([("x-a", "b"), *head()]),
        PROTOCOL_ERROR,
    ),
    "an unknown pseudo header": (block([*head(), (":x", "y")]), PROTOCOL_ERROR),
    "no method": (block(head()[1:]), PROTOCOL_ERROR),
    "an empty path": (block(head(path="")), PROTOCOL_ERROR),
    "two lengths": (
        fields(("content-length", "0"), ("content-length", "1")),
        PROTOCOL_ERROR,
    ),
    "a length without its body": (fields(("content-length", "3")), PROTOCOL_ERROR),
    "two tokens": (
        fields(("authorization", "Bearer a"), ("authorization", "Bearer b")),
        None,
    ),
    "another host": (fields(("host", "other.example")), None),
    "a target with a space": (block(head(path="/echo a")), PROTOCOL_ERROR),
}


class Malformed(unittest.TestCase):
    def test_each_malformed_head_ends_its_stream_and_no_other(self) -> None:
        with Site(h2c=1) as site:
            for name, (head_block, code) in MALFORMED.items():
                with self.subTest(name), Raw(site) as raw:
                    raw.send(frame(HEADERS, WHOLE, 1, head_block))
                    if code is not None:
                        self.assertEqual(raw.reset_of(1), code)
                    else:
                        # 400 has an entry of its own in the static table.
                        self.assertEqual((raw.until(HEADERS, 1) or b"")[:1], b"\x8c")
                    raw.send(request(3))
                    self.assertEqual((raw.until(HEADERS, 3) or b"")[:1], b"\x88")

    def test_frames_out_of_place_end_the_connection(self) -> None:
        cases = {
            "data of no stream": frame(DATA, 0, 0, b"a"),
            "data of an idle stream": frame(DATA, 0, 1, b"a"),
            "headers of no stream": frame(HEADERS, WHOLE, 0, ECHO),
            "an even stream": frame(HEADERS, WHOLE, 2, ECHO),
            "a push": frame(5, END_HEADERS, 1, b"\0\0\0\2" + ECHO),
            "a short ping": frame(PING, 0, 0, b"1"),
            "settings of a stream": frame(SETTINGS, 0, 1),
            "a window beyond all": frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
            "a broken table": frame(HEADERS, WHOLE, 1, b"\xff\xff\xff\xff\xff"),
            "a frame beyond the limit": frame(DATA, 0, 1, b"a" * 16_385),
            "headers within headers": frame(HEADERS, 0, 1, ECHO) + request(3),
        }
        with Site(h2c=1) as site:
            for name, sent in cases.items():
                with self.subTest(name), Raw(site) as raw:
                    raw.send(sent)
                    self.assertNotIn(raw.goaway(), (None, 0))

    def test_what_is_no_http2_is_closed(self) -> None:
        with Site(h2c=1) as site, site.connect() as sock:
            sock.sendall(b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
            read_all(sock)
            site.wait_for("connections", 0)


if __name__ == "__main__":
    unittest.main()
