#!/usr/bin/env python3
"""TLS of the server: what is offered, what is refused, what changes without a restart.
The clients are OpenSSL's own program, Python's ssl and curl."""

import shutil
import socket
import ssl
import subprocess
import unittest

from ff_http import PATIENCE_S, Site, make_certificate, read_all, status_of

GET = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def s_client(site: Site, *args: str) -> str:
    """What `openssl s_client` says of a handshake with these options."""
    out = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{site.port}", "-brief"),
            *("-CAfile", str(site.certificate), "-verify_return_error", *args),
        ],
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return out.stdout + out.stderr


class Tls(unittest.TestCase):
    site: Site

    @classmethod
    def setUpClass(cls) -> None:
        cls.site = Site(tls=True)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.site.__exit__(None, None, None)

    def test_the_protocols_are_1_2_and_1_3(self) -> None:
        for option, said in (
            ("-tls1_3", "Protocol version: TLSv1.3"),
            ("-tls1_2", "Protocol version: TLSv1.2"),
        ):
            with self.subTest(option):
                self.assertIn(said, s_client(self.site, option))
        for option in ("-tls1_1", "-tls1"):
            with self.subTest(option):
                old = s_client(self.site, option, "-cipher", "ALL:@SECLEVEL=0")
                self.assertNotIn("CONNECTION ESTABLISHED", old)

    def test_suites_without_forward_secrecy_or_without_aead_are_refused(self) -> None:
        for suite in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "NULL"):
            with self.subTest(suite):
                said = s_client(self.site, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
                self.assertNotIn("CONNECTION ESTABLISHED", said)
        said = s_client(
            self.site, "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"
        )
        self.assertIn("Ciphersuite: ECDHE-ECDSA-CHACHA20-POLY1305", said)

    def test_http_1_1_is_chosen_by_alpn_and_nonsense_is_refused(self) -> None:
        with self.site.connect(["http/1.1"]) as sock:
            assert isinstance(sock, ssl.SSLSocket)
            self.assertEqual(sock.selected_alpn_protocol(), "http/1.1")
        with self.assertRaises(ssl.SSLError):
            self.site.connect(["gopher"]).close()
        with self.site.connect() as sock:
            sock.sendall(GET)
            self.assertEqual(status_of(read_all(sock)), 200)

    def test_a_client_without_tls_is_dropped(self) -> None:
        with socket.create_connection(("127.0.0.1", self.site.port), PATIENCE_S) as s:
            s.sendall(GET)
            self.assertEqual(status_of(read_all(s)), 0)

    def test_renegotiation_is_refused(self) -> None:
        out = subprocess.run(
            [
                *("openssl", "s_client", "-connect", f"127.0.0.1:{self.site.port}"),
                *("-tls1_2", "-CAfile", str(self.site.certificate)),
            ],
            input="R\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.assertIn("RENEGOTIATING", out.stdout + out.stderr)
        self.assertIn("no renegotiation", out.stdout + out.stderr)

    def test_the_end_of_an_answer_is_told_and_not_cut(self) -> None:
        """A close_notify: else a cut could not be told from the end."""
        context = self.site.context()
        plain = socket.create_connection(("127.0.0.1", self.site.port), PATIENCE_S)
        with context.wrap_socket(
            plain, server_hostname="localhost", suppress_ragged_eofs=False
        ) as sock:
            sock.sendall(GET)
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
            self.assertEqual(status_of(answer), 200)

    def test_curl_speaks_to_it(self) -> None:
        for protocol in ("--http1.1", "--http1.0"):
            out = self.site.curl(protocol, f"{self.site.url}/echo?q=a%20b")
            self.assertIn(b'"q":"a b"', out.stdout, out.stderr)


class Files(unittest.TestCase):
    def test_a_new_certificate_is_served_and_old_connections_go_on(self) -> None:
        with Site(tls=True) as site:
            old = site.connect()
            assert isinstance(old, ssl.SSLSocket)
            first = old.getpeercert(binary_form=True)
            certificate, key = make_certificate(site.dir, "other")
            shutil.move(certificate, site.certificate)
            shutil.move(key, site.key)
            self.assertEqual(site.tell("reload"), "reloaded")
            with site.connect() as fresh:
                assert isinstance(fresh, ssl.SSLSocket)
                self.assertNotEqual(fresh.getpeercert(binary_form=True), first)
                fresh.sendall(GET)
                self.assertEqual(status_of(read_all(fresh)), 200)
            old.sendall(GET)
            self.assertEqual(status_of(read_all(old)), 200)
            old.close()

    def test_a_bad_certificate_is_refused_and_the_old_one_stays(self) -> None:
        with Site(tls=True) as site:
            _, key = make_certificate(site.dir, "other")
            good = site.key.read_text()
            cases = {
                key.read_text(): "(key values mismatch)",
                "nonsense": "is not a file with the private key of the certificate",
            }
            for text, why in cases.items():
                site.key.write_text(text)
                said = site.tell("reload")
                self.assertIn("refused", said)
                self.assertIn(str(site.key), said)
                self.assertIn(why, said)
            site.key.write_text(good)
            site.certificate.rename(site.dir / "away")
            self.assertIn("certificate and its chain", site.tell("reload"))
            (site.dir / "away").rename(site.certificate)
            with site.connect() as sock:
                sock.sendall(GET)
                self.assertEqual(status_of(read_all(sock)), 200)

    def test_a_key_with_a_password_is_refused_and_nobody_is_asked(self) -> None:
        with Site(tls=True) as site:
            subprocess.run(
                [
                    *("openssl", "pkey", "-in", str(site.key), "-aes256"),
                    *("-passout", "pass:x", "-out", str(site.dir / "locked.key")),
                ],
                check=True,
                capture_output=True,
            )
            with Site(certificate=site.certificate, key=site.dir / "locked.key") as bad:
                self.assertIn("private key", bad.refusal)

    def test_a_certificate_without_a_key_is_refused(self) -> None:
        with Site(certificate="/nowhere/site.pem") as site:
            self.assertIn("needs the file of its key", site.refusal)


class Ends(unittest.TestCase):
    def test_a_handshake_that_does_not_come_is_given_up(self) -> None:
        with Site(tls=True, head_ms=200) as site:
            with socket.create_connection(("127.0.0.1", site.port), PATIENCE_S) as s:
                self.assertEqual(read_all(s), b"")
            site.wait_for("connections", 0)

    def test_stopping_ends_a_handshake_and_idle_connections(self) -> None:
        with Site(tls=True) as site:
            half = socket.create_connection(("127.0.0.1", site.port), PATIENCE_S)
            idle = site.connect()
            idle.sendall(GET.replace(b"Connection: close\r\n", b""))
            answer = b""
            while not answer.endswith(b"}"):
                answer += idle.recv(65536)
            self.assertEqual(status_of(answer), 200)
            site.wait_for("connections", 2)
            self.assertEqual(site.tell("stop"), "stopping")
            self.assertEqual(read_all(half), b"")
            self.assertEqual(read_all(idle), b"")
            half.close()
            idle.close()
            self.assertEqual(site.process.wait(PATIENCE_S), 0)


if __name__ == "__main__":
    unittest.main()
