#!/usr/bin/python3
"""WebSockets of the server: the handshake, messages, ends; with python3-websockets as a
client, and frames by hand for what that would not send."""

import asyncio
import contextlib
import os
import socket
import struct
import time
import unittest

import websockets
from ff_http import PATIENCE_S, Site, read_all, status_of
from websockets.client import WebSocketClientProtocol

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of that key, by the RFC
TEXT, BINARY, CLOSE, PING, PONG, CONTINUED = 1, 2, 8, 9, 10, 0


def handshake(path: str = "/ws", **changed: str | None) -> bytes:
    """Header fields by their names with _ for -; None leaves one out."""
    fields: dict[str, str | None] = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    }
    fields |= {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"GET {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode()


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    mask: bool = True,
    rsv: int = 0,
) -> bytes:
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
    if not mask:
        return head + payload
    key = os.urandom(4)
    long_key = key * (len(payload) // 4 + 1)
    masked = bytes(a ^ b for a, b in zip(payload, long_key, strict=False))
    return head + key + masked


class Raw:
    """A socket behind its handshake."""

    def __init__(self, site: Site, path: str = "/ws", **changed: str | None) -> None:
        self.sock = site.connect()
        self.sock.sendall(handshake(path, **changed))
        self.pending = b""
        while b"\r\n\r\n" not in self.pending:
            if not (data := self.sock.recv(65536)):
                break
            self.pending += data
        self.head, _, self.pending = self.pending.partition(b"\r\n\r\n")

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.sock.sendall(data)

    def _fill(self, n: int) -> bool:
        while len(self.pending) < n:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return False
            if not data:
                return False
            self.pending += data
        return True

    def _take(self, n: int) -> bytes:
        out, self.pending = self.pending[:n], self.pending[n:]
        return out

    def next(self) -> tuple[int, bytes] | None:
        """Opcode and payload; None at the end."""
        if not self._fill(2):
            return None
        first, size = self._take(2)
        assert not size & 0x80, "a server masks nothing"
        if size > 125:
            n = 2 if size == 126 else 8
            if not self._fill(n):
                return None
            size = int.from_bytes(self._take(n), "big")
        if not self._fill(size):
            return None
        return first & 15, self._take(size)

    def end_code(self) -> int | None:
        """Of the close that comes next, whatever comes before; None: none comes."""
        while got := self.next():
            if got[0] == CLOSE:
                return int.from_bytes(got[1][:2], "big")
        return None


class Handshake(unittest.TestCase):
    site: Site

    @classmethod
    def setUpClass(cls) -> None:
        cls.site = Site(any_host=1)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.site.__exit__(None, None, None)

    def test_the_answer_is_that_of_the_rfc(self) -> None:
        with Raw(self.site) as raw:
            self.assertTrue(raw.head.startswith(b"HTTP/1.1 101 "))
            self.assertIn(f"Sec-WebSocket-Accept: {ACCEPT}".encode(), raw.head)
            self.assertNotIn(b"Sec-WebSocket-Extensions", raw.head)
            self.assertNotIn(b"Content-Length", raw.head)

    def test_what_is_no_handshake_is_told_so(self) -> None:
        cases: dict[str, tuple[dict[str, str | None], int]] = {
            "no upgrade": ({"Upgrade": None}, 426),
            "another upgrade": ({"Upgrade": "h2c"}, 426),
            "no connection": ({"Connection": "keep-alive"}, 426),
            "no version": ({"Sec_WebSocket_Version": None}, 426),
            "an old version": ({"Sec_WebSocket_Version": "8"}, 426),
            "no key": ({"Sec_WebSocket_Key": None}, 400),
            "a short key": ({"Sec_WebSocket_Key": "AAAA"}, 400),
            "a key that is no base64": ({"Sec_WebSocket_Key": "*" * 24}, 400),
            "a foreign page": ({"Origin": "https://evil.example"}, 403),
            "a page of a longer name": (
                {"Origin": "https://friend.example.evil.example"},
                403,
            ),
            "a page without a name": ({"Origin": "null"}, 403),
            "an empty origin": ({"Origin": ""}, 403),
        }
        for name, (changed, status) in cases.items():
            with self.subTest(name), self.site.connect() as sock:
                changed["Connection"] = changed.get("Connection", "Upgrade, close")
                sock.sendall(handshake(**changed))
                answer = read_all(sock) if name != "no connection" else sock.recv(9999)
                self.assertEqual(status_of(answer), status)
        with self.site.connect() as sock:
            sock.sendall(
                handshake(Sec_WebSocket_Version="8", Connection="upgrade, close")
            )
            self.assertIn(b"Sec-WebSocket-Version: 13", read_all(sock))

    def test_pages_of_its_own_and_of_friends_may(self) -> None:
        for origin in (
            "http://localhost",
            "https://localhost",
            "https://friend.example",
            "HTTPS://Friend.Example",
        ):
            with self.subTest(origin), Raw(self.site, Origin=origin) as raw:
                self.assertTrue(raw.head.startswith(b"HTTP/1.1 101 "))

    def test_over_tls_its_own_pages_are_those_of_https(self) -> None:
        with Site(tls=True) as site:
            with Raw(site, Origin="https://localhost") as raw:
                self.assertTrue(raw.head.startswith(b"HTTP/1.1 101 "))
            with Raw(site, Origin="http://localhost") as raw:
                self.assertEqual(status_of(raw.head), 403)

    def test_the_server_chooses_among_protocols(self) -> None:
        for offered, chosen in (("good, better", b"better"), ("good", b"good")):
            with Raw(self.site, Sec_WebSocket_Protocol=offered) as raw:
                self.assertIn(b"Sec-WebSocket-Protocol: " + chosen, raw.head)
                self.assertEqual(raw.next(), (TEXT, chosen))
        with Raw(self.site, Sec_WebSocket_Protocol="bad") as raw:
            self.assertNotIn(b"Sec-WebSocket-Protocol", raw.head)

    def test_http2_has_none(self) -> None:
        with Site(tls=True) as site:
            out = site.curl("--http2", "-w", "%{http_code}", f"{site.url}/ws")
            self.assertTrue(out.stdout.endswith(b"400"), out.stdout)


class Frames(unittest.TestCase):
    """What RFC 6455 says of each; the codes are those of its section 7.4."""

    def test_wrong_frames_end_the_connection_with_their_code(self) -> None:
        cases = {
            "not masked": (frame(TEXT, b"a", mask=False), 1002),
            "a reserved bit": (frame(TEXT, b"a", rsv=4), 1002),
            "a reserved opcode": (frame(3, b"a"), 1002),
            "a reserved control opcode": (frame(11, b"a"), 1002),
            "a ping in pieces": (frame(PING, b"a", fin=False), 1002),
            "a large ping": (frame(PING, b"a" * 126), 1002),
            "a continuation of nothing": (frame(CONTINUED, b"a"), 1002),
            "a message within another": (
                frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
                1002,
            ),
            "text that is no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
            "text that ends within a character": (frame(TEXT, b"\xe2\x82"), 1007),
            "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
            "text broken across pieces": (
                frame(TEXT, b"\xe2", fin=False) + frame(CONTINUED, b"a"),
                1007,
            ),
            "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
            "a close with a code of nobody": (frame(CLOSE, b"\x03\xec"), 1002),
            "a close whose reason is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
            "a message that is too large": (frame(BINARY, b"a" * 1001), 1009),
            "pieces that are too large together": (
                frame(BINARY, b"a" * 600, fin=False) + frame(CONTINUED, b"a" * 600),
                1009,
            ),
            "a length that nothing has": (
                bytes([0x82, 0xFF]) + b"\x7f" + b"\xff" * 7 + b"abcd" + b"a",
                1009,
            ),
            "a length with its first bit": (
                bytes([0x82, 0xFF]) + b"\xff" * 8 + b"abcd",
                1002,
            ),
        }
        with Site() as site:
            for name, (sent, code) in cases.items():
                with self.subTest(name), Raw(site, "/ws?max=1000") as raw:
                    raw.send(sent)
                    self.assertEqual(raw.end_code(), code)
            site.wait_for("connections", 0)
            self.assertEqual(site.counts()["gone"], len(cases))

    def test_right_frames_come_back_as_messages(self) -> None:
        euro = "€".encode()
        cases = {
            "text": (frame(TEXT, "aä€😀".encode()), (TEXT, "aä€😀".encode())),
            "nothing": (frame(TEXT), (TEXT, b"")),
            "a character in pieces": (
                frame(TEXT, euro[:1], fin=False)
                + frame(CONTINUED, euro[1:2], fin=False)
                + frame(CONTINUED, euro[2:]),
                (TEXT, euro),
            ),
            "a ping within a message": (
                frame(BINARY, b"a", fin=False) + frame(PING, b"x")
                + frame(CONTINUED, b"b"),
                (PONG, b"x"),
            ),
            "a pong that nobody asked for": (
                frame(PONG, b"x") + frame(TEXT, b"a"),
                (TEXT, b"a"),
            ),
        }  # fmt: skip
        with Site() as site:
            for name, (sent, expected) in cases.items():
                with self.subTest(name), Raw(site) as raw:
                    raw.send(sent)
                    self.assertEqual(raw.next(), expected)

    def test_a_frame_may_arrive_byte_by_byte(self) -> None:
        with Site() as site, Raw(site) as raw:
            raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in frame(TEXT, b"a" * 200) + frame(PING, b"x"):
                raw.send(bytes([byte]))
            # A pong may overtake a message.
            self.assertEqual(
                {raw.next(), raw.next()}, {(TEXT, b"a" * 200), (PONG, b"x")}
            )

    def test_empty_pieces_without_end_cost_nothing(self) -> None:
        with Site() as site, Raw(site) as raw:
            raw.send(frame(TEXT, b"a", fin=False))
            raw.send(frame(CONTINUED, fin=False) * 100_000)
            raw.send(frame(CONTINUED, b"b"))
            self.assertEqual(raw.next(), (TEXT, b"ab"))


class Ends(unittest.TestCase):
    def test_the_peer_s_code_reaches_the_handler(self) -> None:
        for sent, code in ((b"\x0f\xa0bye", 4000), (b"\x03\xe8", 1000), (b"", 1005)):
            with Site() as site:
                with Raw(site) as raw:
                    raw.send(frame(CLOSE, sent))
                    got = raw.next()
                    assert got
                    self.assertEqual(got[0], CLOSE)
                    self.assertEqual(read_all(raw.sock), b"")
                    site.wait_for("connections", 0)
                self.assertEqual(site.counts()["code"], code)

    def test_the_handler_learns_that_a_message_was_too_large(self) -> None:
        for sent in (
            frame(BINARY, b"a" * 1001),
            frame(BINARY, b"a" * 600, fin=False) + frame(CONTINUED, b"a" * 600),
        ):
            with Site() as site:
                with Raw(site, "/ws?max=1000") as raw:
                    raw.send(sent)
                    self.assertEqual(raw.end_code(), 1009)
                site.wait_for("gone", 1)
                self.assertEqual(site.counts()["code"], 1009)

    def test_none_is_opened_once_the_server_stops(self) -> None:
        """Half of the handshake was there before; the site ends in 10 s else."""
        asked = handshake()
        with Site() as site, site.connect() as sock:
            sock.sendall(asked[:-2])
            site.wait_for("connections", 1)
            for _ in range(3):
                site.counts()
            self.assertEqual(site.tell("stop"), "stopping")
            sock.sendall(asked[-2:])
            self.assertEqual(status_of(read_all(sock)), 503)

    def test_who_leaves_without_a_word_is_gone(self) -> None:
        with Site() as site:
            Raw(site).sock.close()
            site.wait_for("gone", 1)
            self.assertEqual(site.counts()["code"], 1006)

    def test_the_handler_may_close_and_is_not_told(self) -> None:
        with Site() as site, Raw(site) as raw:
            raw.send(frame(TEXT, b"leave") + frame(TEXT, b"more"))
            got = raw.next()
            self.assertEqual(got, (CLOSE, b"\x03\xf0as you say"))
            raw.send(frame(CLOSE, b"\x03\xf0"))
            self.assertIsNone(raw.next())
            site.wait_for("connections", 0)
            self.assertEqual(site.counts()["gone"], 0)

    def test_who_does_not_answer_a_close_is_cut_off(self) -> None:
        with Site(linger_ms=50) as site, Raw(site) as raw:
            raw.send(frame(TEXT, b"leave"))
            self.assertEqual(raw.end_code(), 1008)
            self.assertEqual(read_all(raw.sock), b"")

    def test_who_is_silent_is_asked_and_then_dropped(self) -> None:
        with Site() as site, Raw(site, "/ws?ping=50") as raw:
            self.assertEqual(raw.next(), (PING, b""))
            self.assertIsNone(raw.next())
            site.wait_for("gone", 1)

    def test_who_answers_pings_is_kept(self) -> None:
        with Site() as site, Raw(site, "/ws?ping=1000") as raw:
            for _ in range(3):
                self.assertEqual(raw.next(), (PING, b""))
                raw.send(frame(PONG))
            self.assertEqual(site.counts()["gone"], 0)

    def test_who_reads_nothing_is_dropped_at_its_limit(self) -> None:
        with Site() as site, Raw(site, "/ws?max=100000") as raw:
            raw.send(frame(TEXT, b"flood"))
            site.wait_for("gone", 1)
            self.assertEqual(site.counts()["code"], 1006)
            site.wait_for("connections", 0)

    def test_who_reads_nothing_for_a_while_may_be_told_so(self) -> None:
        for stall, kept in ((60_000, True), (200, False)):
            with (
                Site(rate=1_000_000, window_ms=100, send_ms=100) as site,
                Raw(site, f"/ws?max=20000000&ping=60000&stall={stall}") as raw,
            ):
                raw.send(frame(BINARY, b"a" * 16_000_000))
                if not kept:
                    site.wait_for("gone", 1)
                    continue
                time.sleep(1)
                self.assertEqual(site.counts()["gone"], 0)
                got = raw.next()
                assert got
                self.assertEqual(len(got[1]), 16_000_000)

    def test_who_floods_with_pings_and_reads_nothing_is_held_back(self) -> None:
        """Its pongs fill what it may owe, and then it is not read any more."""
        with Site() as site, Raw(site) as raw:
            pings = frame(PING, b"a" * 100) * 1000
            raw.sock.settimeout(1)
            with self.assertRaises(TimeoutError):
                for _ in range(400):
                    raw.sock.sendall(pings)
            with Raw(site) as other:
                other.send(frame(TEXT, b"a"))
                self.assertEqual(other.next(), (TEXT, b"a"))

    def test_stopping_says_so_and_waits_for_no_one(self) -> None:
        with Site(linger_ms=50) as site, Raw(site) as polite, Raw(site) as rude:
            self.assertEqual(site.tell("stop"), "stopping")
            self.assertEqual(polite.end_code(), 1001)
            polite.send(frame(CLOSE, b"\x03\xe9"))
            self.assertEqual(rude.end_code(), 1001)
            self.assertEqual(read_all(rude.sock), b"")
            self.assertEqual(site.process.wait(PATIENCE_S), 0)


class Client(unittest.IsolatedAsyncioTestCase):
    """By somebody else's client, which checks all that it is sent."""

    def open(self, site: Site, path: str = "/ws?max=20000000") -> websockets.connect:
        return websockets.connect(
            f"{'wss' if site.tls else 'ws'}://localhost:{site.port}{path}",
            ssl=site.context() if site.tls else None,
            compression=None,
            max_size=None,
            ping_interval=None,
            open_timeout=PATIENCE_S,
            close_timeout=PATIENCE_S,
        )

    async def asyncSetUp(self) -> None:
        # A loaded machine is no news.
        asyncio.get_running_loop().slow_callback_duration = PATIENCE_S

    async def exchange(self, socket_: WebSocketClientProtocol) -> None:
        for message in (
            "a",
            "ä" * 1000,
            b"",
            os.urandom(70_000),
            os.urandom(3_000_000),
        ):
            await socket_.send(message)
            self.assertEqual(await socket_.recv(), message)
        pieces = ["a" * 1000, "b" * 70_000, ""]
        await socket_.send(pieces)
        self.assertEqual(await socket_.recv(), "".join(pieces))
        await asyncio.wait_for(await socket_.ping(b"hello"), PATIENCE_S)

    async def test_messages_of_all_sizes_both_ways(self) -> None:
        for tls in (False, True):
            with self.subTest(tls=tls), Site(tls=tls) as site:
                async with self.open(site) as socket_:
                    await self.exchange(socket_)
                self.assertEqual(socket_.close_code, 1000)
                site.wait_for("gone", 1)
                self.assertEqual(site.counts()["code"], 1000)

    async def test_two_hundred_at_once_with_mixed_ends(self) -> None:
        async def one(site: Site, i: int) -> None:
            socket_ = await self.open(site)
            for _ in range(3):
                await socket_.send(f"hello {i}")
                self.assertEqual(await socket_.recv(), f"hello {i}")
            if i % 3 == 0:
                socket_.transport.abort()
            else:
                await socket_.close(4000 + i)

        with Site(tls=True) as site:
            for begin in range(0, 200, 50):
                await asyncio.gather(*(one(site, begin + i) for i in range(50)))
            site.wait_for("connections", 0)
            self.assertEqual(site.counts()["gone"], 200)


if __name__ == "__main__":
    unittest.main()
