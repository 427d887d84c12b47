#!/usr/bin/python3
# ctest: timeout=300
"""auth-jwt with the keys that an issuer publishes: those of a provider that others
keep, which is killed and changes its keys; and an issuer of ours that lies, stalls and
talks without end."""

import contextlib
import http.server
import json
import ssl
import subprocess
import threading
import time
import unittest
from collections.abc import Callable
from typing import Any

import jwt
from auth_cli import DENIED, INVALID, OK, UNAVAILABLE, Driver
from cryptography.hazmat.primitives.asymmetric import ec
from ff_api import ApiTest
from ff_cli import PATIENCE
from oidc_provider import Provider, free_port, private_jwk
from test_auth_jwt import KEYS, jwk, token

DOCUMENT = "/.well-known/openid-configuration"
Page = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the pages of its server; others are not there."""

    server: "Server"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        with contextlib.suppress(OSError):
            page = self.server.pages.get(self.path)
            if page:
                page(self)
            else:
                self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass

    def say(self, raw: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    pages: dict[str, Page]
    asked: list[str]


class Issuer:
    """One whose every page the test chooses."""

    def __init__(self, tls: ssl.SSLContext | None = None, path: str = "") -> None:
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.pages = {}
        self.server.asked = []
        port = self.server.server_address[1]
        self.base = f"http://127.0.0.1:{port}"
        if tls:
            self.base = f"https://localhost:{port}"
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = self.base + path
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.document()
        self.keys(jwk("ES256"))

    def page(self, path: str, value: Any) -> None:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.server.pages[path] = lambda handler: handler.say(raw)

    def document(self, where: str = DOCUMENT, **more: Any) -> None:
        said = {"issuer": self.url, "jwks_uri": f"{self.base}/keys", **more}
        self.page(where, {k: v for k, v in said.items() if v is not None})

    def keys(self, *keys: Any) -> None:
        self.page("/keys", {"keys": list(keys)})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Case(unittest.TestCase):
    def issuer(self, *args: Any, **more: Any) -> Issuer:
        made = Issuer(*args, **more)
        self.addCleanup(made.close)
        return made

    def open(self, issuer: str, **options: object) -> Driver:
        options.setdefault("issuer_interval", "1h")
        options.setdefault("reload_interval", "1h")
        driver = Driver(
            "auth-jwt", "auth", issuer=issuer, issuer_discovery="true", **options
        )
        self.addCleanup(driver.close)
        return driver

    def opened(self, issuer: str, **options: object) -> Driver:
        driver = self.open(issuer, **options)
        self.assertEqual({"code": OK}, driver.opened)
        return driver

    def judged(self, driver: Driver, made: str) -> dict[str, Any]:
        """The answer once the issuer is not being asked any more."""
        end = time.monotonic() + PATIENCE
        while (answer := driver.verify(made))["code"] == UNAVAILABLE:
            self.assertLess(time.monotonic(), end)
        return answer

    def unknown(self, issuer: Issuer, why: str) -> None:
        """The issuer's keys are not taken, the log says why, and a token of it is
        neither good nor bad."""
        driver = self.opened(issuer.url)
        answer = driver.refresh()
        self.assertRegex(answer.get("error", ""), why)
        self.assertEqual(
            UNAVAILABLE, driver.verify(token(iss=issuer.url))["code"], answer
        )
        self.assertRegex(driver.close(), why)


class Published(Case):
    def test_a_token_is_verified_by_the_keys_that_the_issuer_publishes(self) -> None:
        issuer = self.issuer()
        driver = self.opened(issuer.url)
        self.assertEqual("ada", driver.verify(token(iss=issuer.url))["subject"])
        other = driver.verify(token(iss="https://other.example"))
        self.assertEqual((DENIED, True), (other["code"], "issuer" in other["error"]))
        self.assertEqual([DOCUMENT, "/keys"], issuer.server.asked)

    def test_the_other_well_known_place_is_asked_where_the_first_has_nothing(
        self,
    ) -> None:
        issuer = self.issuer(path="/realms/a")
        issuer.server.pages.clear()
        issuer.document("/.well-known/oauth-authorization-server/realms/a")
        issuer.keys(jwk("ES256"))
        driver = self.opened(issuer.url)
        self.assertEqual(OK, driver.verify(token(iss=issuer.url))["code"])
        self.assertEqual(f"/realms/a{DOCUMENT}", issuer.server.asked[0])

    def test_a_key_that_was_added_or_removed_is_so_after_refresh(self) -> None:
        issuer = self.issuer()
        driver = self.opened(issuer.url)
        fresh = ec.generate_private_key(ec.SECP256R1())
        new = token(key=fresh, kid="new", iss=issuer.url)
        issuer.keys(jwk("ES256", fresh, kid="new"))
        self.assertEqual(OK, driver.refresh()["code"])
        self.assertEqual(OK, driver.verify(new)["code"])
        self.assertEqual(DENIED, self.judged(driver, token(iss=issuer.url))["code"])

    def test_an_unknown_key_has_the_issuer_asked_but_not_again_soon(self) -> None:
        issuer = self.issuer()
        driver = self.opened(issuer.url)
        fresh = ec.generate_private_key(ec.SECP256R1())
        issuer.keys(jwk("ES256"), jwk("ES256", fresh, kid="new"))
        new = token(key=fresh, kid="new", iss=issuer.url)
        self.assertEqual(OK, self.judged(driver, new)["code"])
        asked = len(issuer.server.asked)
        for kid in ("a", "b", "c"):
            made = token(kid=kid, iss=issuer.url)
            self.assertEqual(DENIED, driver.verify(made)["code"])
        self.assertEqual(asked, len(issuer.server.asked))

    def test_the_issuer_is_asked_again_each_interval(self) -> None:
        issuer = self.issuer()
        driver = self.opened(issuer.url, issuer_interval="1s")
        issuer.keys()
        made = token(iss=issuer.url)
        end = time.monotonic() + PATIENCE
        while driver.verify(made)["code"] == OK:
            self.assertLess(time.monotonic(), end)
        self.assertEqual(DENIED, self.judged(driver, made)["code"])

    def test_keys_of_files_are_good_beside_those_of_the_issuer(self) -> None:
        secret = "mC8v0Yz4Qw1nRk7TsXe2JbLhUa9GfPd5oI3"
        issuer = self.issuer()
        issuer.document(issuer="https://other.example")
        driver = self.opened(issuer.url, jwt_secret=secret)
        good = token("HS256", iss=issuer.url)
        self.assertEqual(OK, driver.verify(good)["code"])
        issuer.document()
        self.assertEqual(OK, driver.refresh()["code"])
        for made in (good, token(iss=issuer.url)):
            self.assertEqual(OK, driver.verify(made)["code"])


class Refused(Case):
    def test_documents_that_are_not_the_issuers_own(self) -> None:
        for why, change in (
            ("of another issuer", {"issuer": "https://other.example"}),
            ("of another issuer", {"issuer": None}),
            ("of another issuer", {"issuer": "{url}/"}),
            ("no jwks_uri that may be asked", {"jwks_uri": None}),
            ("no jwks_uri that may be asked", {"jwks_uri": "file:///etc/passwd"}),
            ("no jwks_uri that may be asked", {"jwks_uri": "http://192.0.2.1/keys"}),
            ("no jwks_uri that may be asked", {"jwks_uri": "https://a@b.example/k"}),
        ):
            issuer = self.issuer()
            said = {k: v and v.replace("{url}", issuer.url) for k, v in change.items()}
            issuer.document(**said)
            self.unknown(issuer, why)
            self.assertNotIn("/keys", issuer.server.asked)

    def test_answers_that_are_no_document_and_no_key_set(self) -> None:
        huge = b'{"keys": [' + b" " * (1024 * 1024) + b"]}"
        private = private_jwk("x")
        for path, raw, why in (
            (DOCUMENT, b"<html>", "is not JSON"),
            (DOCUMENT, b"{}\0", "is no text"),
            (DOCUMENT, huge, "larger than 1 MiB"),
            ("/keys", huge, "larger than 1 MiB"),
            ("/keys", b"{", "is not JSON"),
            ("/keys", b"{}", "no JSON Web Key Set"),
            ("/keys", {"keys": [private]}, "private key"),
            ("/keys", {"keys": [{"kty": "oct", "k": "AAAA"}]}, "shared secret"),
        ):
            issuer = self.issuer()
            issuer.page(path, raw)
            self.unknown(issuer, why)

    def test_redirects_are_not_followed(self) -> None:
        issuer, elsewhere = self.issuer(), self.issuer()

        def lead(handler: Handler) -> None:
            handler.send_response(302)
            handler.send_header("Location", f"{elsewhere.base}/keys")
            handler.end_headers()

        issuer.server.pages["/keys"] = lead
        self.unknown(issuer, "HTTP 302")
        self.assertEqual([], elsewhere.server.asked)

    def test_a_body_that_trickles_holds_nobody_up(self) -> None:
        issuer = self.issuer()
        leave = threading.Event()
        self.addCleanup(leave.set)

        def trickle(handler: Handler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while not leave.wait(0.2):
                handler.wfile.write(b" ")

        issuer.server.pages["/keys"] = trickle
        driver = self.opened(issuer.url)
        began = time.monotonic()
        answer = driver.verify(token(iss=issuer.url))
        self.assertEqual(UNAVAILABLE, answer["code"])
        self.assertLess(time.monotonic() - began, 5)
        driver.close()  # in the middle of it

    def test_names_of_issuers_that_are_not_asked(self) -> None:
        for name in (
            "flowforge",
            "http://idp.example",
            "http://127.0.0.1.example",
            "http://localhost@idp.example",
            "https://me@idp.example",
            "https://",
            "https://idp.example/?a=b",
            "https://idp.example/#a",
            "ftp://idp.example",
        ):
            answer = self.open(name).opened
            self.assertEqual(INVALID, answer["code"], name)
            self.assertIn("must be a URL", answer["error"])

    def test_an_issuer_is_known_by_a_certificate(self) -> None:
        folder = subprocess.run(
            ["mktemp", "-d"], capture_output=True, text=True, check=True
        ).stdout.strip()
        self.addCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
        make += " -nodes -keyout key.pem -out ca.pem -days 2 -subj /CN=localhost"
        make += " -addext subjectAltName=DNS:localhost"
        subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/ca.pem", f"{folder}/key.pem")
        issuer = self.issuer(context)
        self.unknown(issuer, "[Cc]ertificate|SSL peer")
        self.assertEqual([], issuer.server.asked)
        driver = self.opened(issuer.url, issuer_ca_file=f"{folder}/ca.pem")
        self.assertEqual(OK, driver.verify(token(iss=issuer.url))["code"])
        issuer.document(jwks_uri=issuer.base.replace("https", "http") + "/keys")
        self.assertIn("may be asked", driver.refresh()["error"])


class Down(Case):
    def test_keys_outlive_their_issuer(self) -> None:
        issuer = self.issuer()
        driver = self.opened(issuer.url)
        issuer.close()
        self.assertEqual(UNAVAILABLE, driver.refresh()["code"])
        self.assertEqual(OK, driver.verify(token(iss=issuer.url))["code"])
        bad = token(key=KEYS["ES384"], name="ES384", iss=issuer.url)
        self.assertEqual(DENIED, self.judged(driver, bad)["code"])

    def test_an_issuer_that_is_down_at_first_is_asked_until_it_answers(self) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        driver = self.opened(url)
        self.assertEqual(UNAVAILABLE, driver.verify(token(iss=url))["code"])
        self.assertEqual(DENIED, driver.verify("no token")["code"])
        self.assertRegex(driver.close(), "[Cc]ouldn't connect|refused")


class RealProvider(ApiTest):
    """The server, and a provider that others keep."""

    def setUp(self) -> None:
        super().setUp()
        self.provider = Provider()
        self.addCleanup(self.provider.kill)
        self.env |= {
            "FLOWFORGE_SERVER_AUTH": "auth-jwt",
            "FLOWFORGE_AUTH_ISSUER": self.provider.issuer,
            "FLOWFORGE_AUTH_ISSUER_DISCOVERY": "true",
            "FLOWFORGE_AUTH_RELOAD_INTERVAL": "1s",
        }

    def token_of(self, n: int) -> str:
        """Signed by a key of the provider: its n-th."""
        private = jwt.PyJWK(self.provider.keys[n]).key
        kid = self.provider.keys[n]["kid"]
        return token(key=private, kid=kid, iss=self.provider.issuer, tenant="default")

    def until(self, status: int, made: str) -> None:
        end = time.monotonic() + PATIENCE
        while (got := self.ask("GET", "/me", key=made).status) != status:
            self.assertIn(got, (401, 503))
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)  # refused credentials of one address have a limit

    def auth_check(self) -> str:
        said = self.ask("GET", "/readyz")
        self.assertEqual(200, said.status)
        word: str = said.json()["checks"]["auth"]
        return word

    def test_the_server_starts_before_its_provider_and_outlives_it(self) -> None:
        self.serve()
        made = self.token_of(0)
        answer = self.ask("GET", "/me", key=made)
        self.problem(answer, 503, "UNAVAILABLE")
        self.assertIn("retry-after", answer.headers)
        self.assertEqual("waiting", self.auth_check())
        self.get("/me", self.make_key("viewer"))
        self.provider.start()
        self.until(200, made)
        self.assertEqual("ok", self.auth_check())
        self.provider.kill()
        self.until(200, made)
        # It comes back with another key in front of the old one.
        self.provider.keys.insert(0, private_jwk("second"))
        self.provider.start()
        self.until(200, self.token_of(0))
        self.until(200, self.token_of(1))
        self.stop()


if __name__ == "__main__":
    unittest.main()
