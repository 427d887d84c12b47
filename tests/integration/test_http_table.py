#!/usr/bin/env python3
"""What other servers let pass: each line of the table is refused or bounded, over plain
TCP and over TLS. The lines are those that libevent's own HTTP server failed when it was
tried for this place, and their neighbours."""
# ctest: timeout=300

import re
import socket
import threading
import time
import unittest

from ff_http import Site, read_all, status_of

HOST = b"Host: localhost\r\n"
POST = b"POST /echo HTTP/1.1\r\n" + HOST
CLOSE = b"Connection: close\r\n"
GET = b"GET /echo HTTP/1.1\r\n" + HOST

ANSWER = re.compile(rb"^HTTP/1\.1 \d", re.M)

# What is sent; the status of the only answer. 0: none, the connection ends.
TABLE: dict[str, tuple[bytes, int]] = {
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "two equal lengths": (
        POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        400,
    ),
    "a list of lengths": (POST + b"Content-Length: 1, 1\r\n\r\na", 400),
    "a length with a sign": (POST + b"Content-Length: +4\r\n\r\nabcd", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a length in hex": (POST + b"Content-Length: 0x4\r\n\r\nabcd", 400),
    "a length beyond 64 bits": (
        POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
        400,
    ),
    "length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks and length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400,
    ),
    "another encoding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "two encodings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a space before the colon": (b"GET /echo HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a NUL in a value": (GET + b"X-A: a\0b\r\n\r\n", 400),
    "a NUL in a name": (GET + b"X\0A: a\r\n\r\n", 400),
    "a bare line feed": (b"GET /echo HTTP/1.1\nHost: localhost\n\n", 400),
    "a bare carriage return": (GET + b"X-A: a\rb\r\n\r\n", 400),
    "a folded line": (GET + b"X-A: a\r\n b\r\n\r\n", 400),
    "a line without a colon": (GET + b"nonsense\r\n\r\n", 400),
    "no host": (b"GET /echo HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + HOST + b"\r\n", 400),
    "another host in the target": (
        b"GET http://other.example/echo HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        400,
    ),
    "a host in the target that begins so": (
        b"GET http://localhost.example/echo HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        400,
    ),
    "another scheme in the target": (
        b"GET hello://localhost/echo HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        400,
    ),
    "the same host in the target": (
        b"GET http://LOCALHOST/echo HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        200,
    ),
    "a path in the query of a target without one": (
        b"GET http://localhost?q=/echo HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        404,
    ),
    "a head of 20 KB": (GET + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "a thousand headers": (GET + b"X: a\r\n" * 1000 + b"\r\n", 431),
    "a target of 9 KB": (
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        414,
    ),
    "HTTP/0.9": (b"GET /echo\r\n\r\n", 400),
    "HTTP/2.0 in words": (b"GET /echo HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501),
    "an unknown method": (b"BREW /echo HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "TRACE": (b"TRACE /echo HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 405),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "a body beyond the route's": (
        b"POST /small HTTP/1.1\r\n" + HOST + b"Content-Length: 11\r\n\r\n12345678901",
        413,
    ),
    "chunks beyond the route's": (
        b"POST /small HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n",
        413,
    ),
    "a chunk size with a sign": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
        400,
    ),
    "a chunk size beyond 64 bits": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\na\r\n",
        400,
    ),
    "an unknown expectation": (
        POST + b"Expect: magic\r\nContent-Length: 1\r\n\r\na",
        417,
    ),
    "a wish to speak h2c": (
        GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABk\r\nConnection: close\r\n\r\n",
        200,
    ),
    "a chunk extension": (
        POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1;name=value\r\na\r\n0\r\n\r\n",
        200,
    ),
}

# These never end; the server must.
DRIPS: dict[str, tuple[bytes, bytes, int]] = {
    "a head by single lines": (GET, b"X-A: a\r\n", 408),
    "a body by single bytes": (POST + b"Content-Length: 60000000\r\n\r\n", b"a", 408),
}


class Table(unittest.TestCase):
    site: Site

    def check(self, tls: bool) -> None:
        with Site(tls=tls) as site:
            for name, (sent, status) in TABLE.items():
                with self.subTest(name), site.connect() as sock:
                    sock.sendall(sent)
                    answer = read_all(sock)
                    self.assertEqual(status_of(answer), status)
                    self.assertEqual(len(ANSWER.findall(answer)), 1)

    def test_each_line_is_answered_once_with_its_status(self) -> None:
        self.check(tls=False)

    def test_each_line_is_answered_so_over_tls(self) -> None:
        self.check(tls=True)


def drip(sock: socket.socket, bytes_: bytes, stop: threading.Event) -> None:
    """As fast as the server lets it be read, so never fewer than one a round."""
    try:
        while not stop.wait(0.005):
            sock.sendall(bytes_)
    except OSError:
        pass


class Drips(unittest.TestCase):
    def check(self, tls: bool, **options: object) -> None:
        for name, (head, more, status) in DRIPS.items():
            with (
                self.subTest(name),
                Site(tls=tls, linger_ms=100, **options) as site,
                site.connect() as sock,
            ):
                stop = threading.Event()
                sock.sendall(head)
                thread = threading.Thread(target=drip, args=(sock, more, stop))
                thread.start()
                try:
                    answer = read_all(sock)
                finally:
                    stop.set()
                    thread.join()
                # The reset of the connection may overtake the answer.
                self.assertIn(status_of(answer), (status, 0))

    def test_a_drip_ends_at_the_deadline_however_often_it_drips(self) -> None:
        self.check(False, head_ms=300, body_ms=300)

    def test_a_drip_over_tls_ends_at_the_deadline(self) -> None:
        self.check(True, head_ms=3000, body_ms=300)

    def test_a_body_below_the_least_rate_ends_before_its_deadline(self) -> None:
        with Site(rate=100_000, window_ms=100, linger_ms=100) as site:
            with site.connect() as sock:
                stop = threading.Event()
                sock.sendall(DRIPS["a body by single bytes"][0])
                thread = threading.Thread(target=drip, args=(sock, b"a", stop))
                thread.start()
                answer = read_all(sock)
                stop.set()
                thread.join()
            self.assertIn(status_of(answer), (408, 0))
            self.assertEqual(site.counts()["slow"], 1)

    def test_a_body_above_the_least_rate_is_taken(self) -> None:
        """Through some windows; only who stalls for a whole one could be dropped."""
        with Site(rate=1000, window_ms=1500) as site, site.connect() as sock:
            sock.sendall(
                b"POST /echo HTTP/1.1\r\n"
                + HOST
                + b"Connection: close\r\nContent-Length: 200000\r\n\r\n"
            )
            for _ in range(50):
                sock.sendall(b"a" * 4000)
                time.sleep(0.05)
            self.assertIn(b'"length":200000', read_all(sock))


class Readers(unittest.TestCase):
    def take_nothing(self, tls: bool) -> None:
        with (
            Site(tls=tls, rate=1_000_000, window_ms=100) as site,
            site.connect() as sock,
        ):
            sock.sendall(b"GET /big?n=32000000 HTTP/1.1\r\n" + HOST + b"\r\n")
            site.wait_for("slow", 1)
            site.wait_for("connections", 0)
            self.assertLess(len(read_all(sock)), 32_000_000)

    def test_who_takes_nothing_is_dropped_by_the_rate(self) -> None:
        self.take_nothing(tls=False)

    def test_who_takes_nothing_over_tls_is_dropped_by_the_rate(self) -> None:
        self.take_nothing(tls=True)

    def take_of_a_stream(self, tls: bool, stall_ms: int, ahead: int = 0) -> bytes:
        """What comes of 16 MB after a second in which nothing was taken."""
        with (
            Site(tls=tls, rate=1_000_000, window_ms=100, send_ms=100) as site,
            site.connect() as sock,
        ):
            ask = f"GET /events?n=16000&size=1000&stall={stall_ms}&ahead={ahead}"
            sock.sendall(ask.encode() + b" HTTP/1.1\r\n" + HOST)
            sock.sendall(b"Connection: close\r\n\r\n")
            if stall_ms < 1000:
                site.wait_for("gone", 1)
            else:
                time.sleep(1)
                self.assertEqual(site.counts()["connections"], 1)
            return read_all(sock)

    def test_the_reader_of_a_stream_may_pause(self) -> None:
        for tls in (False, True):
            with self.subTest(tls=tls):
                read = self.take_of_a_stream(tls, stall_ms=60_000)
                self.assertEqual(read.count(b"event: tick"), 16_000)

    def test_he_may_pause_when_the_stream_has_ended(self) -> None:
        """All of it is written at once, and most of it waits for him."""
        for tls in (False, True):
            with self.subTest(tls=tls):
                read = self.take_of_a_stream(tls, stall_ms=60_000, ahead=32_000_000)
                self.assertEqual(read.count(b"event: tick"), 16_000)

    def test_he_may_not_for_longer(self) -> None:
        for tls in (False, True):
            with self.subTest(tls=tls):
                read = self.take_of_a_stream(tls, stall_ms=200)
                self.assertLess(read.count(b"event: tick"), 16_000)

    def test_after_a_stream_answers_are_taken_fast_again(self) -> None:
        with (
            Site(rate=1_000_000, window_ms=100) as site,
            site.connect() as sock,
        ):
            sock.sendall(b"GET /events?n=1&size=1&stall=60000 HTTP/1.1\r\n")
            sock.sendall(HOST + b"\r\n")
            sock.sendall(b"GET /big?n=32000000 HTTP/1.1\r\n" + HOST + b"\r\n")
            site.wait_for("slow", 1)

    def test_who_takes_all_over_tls_gets_all(self) -> None:
        with Site(tls=True) as site:
            out = site.curl(f"{site.url}/big?n=20000000")
            self.assertEqual(len(out.stdout), 20_000_000)

    def test_pipelined_bodies_over_tls_do_not_stall_where_input_is_held(self) -> None:
        """More than is read ahead, sent at once and never again."""
        one = (
            b"POST /body HTTP/1.1\r\n"
            + HOST
            + b"Content-Length: 30000\r\n\r\n"
            + b"a" * 30_000
        )
        last = GET + b"Connection: close\r\n\r\n"
        with Site(tls=True) as site, site.connect() as sock:
            answers: list[bytes] = []
            thread = threading.Thread(target=lambda: answers.append(read_all(sock)))
            thread.start()
            sock.sendall(one * 40 + last)
            thread.join()
            self.assertEqual(answers[0].count(b"HTTP/1.1 200 OK"), 41)


class Caps(unittest.TestCase):
    def test_one_address_has_so_many_connections_and_no_more(self) -> None:
        with Site(per_address=3) as site:
            socks = [site.connect() for _ in range(3)]
            site.wait_for("connections", 3)
            with site.connect() as fourth:
                self.assertEqual(read_all(fourth), b"")
            self.assertEqual(site.counts()["refused"], 1)
            # The three are served, and who goes makes room.
            socks[0].sendall(GET + b"Connection: close\r\n\r\n")
            self.assertEqual(status_of(read_all(socks[0])), 200)
            site.wait_for("connections", 2)
            with site.connect() as again:
                again.sendall(GET + b"Connection: close\r\n\r\n")
                self.assertEqual(status_of(read_all(again)), 200)
            for sock in socks:
                sock.close()
            site.wait_for("connections", 0)

    def test_the_last_request_of_a_connection_ends_it(self) -> None:
        with Site(requests=3) as site, site.connect() as sock:
            sock.sendall((GET + b"\r\n") * 5)
            answer = read_all(sock)
            self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 3)
            self.assertEqual(answer.count(b"Connection: close"), 1)

    def test_loopback_is_guarded_also_where_other_addresses_are_allowed(self) -> None:
        cases = {
            "localhost": 200,
            "127.0.0.1:80": 200,
            "127.9.8.7": 200,
            "127.0.0.1.example": 421,
            "127.example:80": 421,
            "other.example": 421,
        }
        for address in ("127.0.0.1", "::ffff:127.0.0.1"):
            with Site(address=address, any_address=1) as site:
                if site.refusal:
                    self.skipTest(site.refusal)
                for host, status in cases.items():
                    with self.subTest(host), site.connect() as sock:
                        line = f"Host: {host}\r\n".encode()
                        sock.sendall(b"GET /echo HTTP/1.1\r\n" + line + CLOSE + b"\r\n")
                        self.assertEqual(status_of(read_all(sock)), status)

    def test_an_idle_connection_ends_after_its_time(self) -> None:
        with Site(idle_ms=50) as site, site.connect() as sock:
            sock.sendall(GET + b"\r\n")
            self.assertEqual(status_of(read_all(sock)), 200)

    def test_a_body_waits_until_its_sender_is_known(self) -> None:
        with Site() as site, site.connect() as sock:
            sock.sendall(
                b"POST /later HTTP/1.1\r\n"
                + HOST
                + b"Connection: close\r\nContent-Length: 300000\r\n\r\n"
                + b"a" * 300_000
            )
            answer = read_all(sock)
            self.assertEqual(status_of(answer), 200)
            self.assertEqual(len(answer.split(b"\r\n\r\n", 1)[1]), 300_000)

    def test_who_is_never_let_in_may_leave(self) -> None:
        with Site() as site:
            with site.connect() as sock:
                sock.sendall(
                    b"POST /later?for=ever HTTP/1.1\r\n"
                    + HOST
                    + b"Content-Length: 5\r\n\r\n"
                )
                site.wait_for("kept", 1)
            site.wait_for("connections", 0)
            self.assertEqual(site.tell("answer"), "answered 1")


if __name__ == "__main__":
    unittest.main()
