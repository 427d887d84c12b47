#!/usr/bin/python3
"""Tasks with http: against a server of the test, which the settings allow."""
# ctest: timeout=300

import http.server
import json
import socket
import ssl
import subprocess
import threading
import unittest
from typing import Any

from ff_cli import PATIENCE, CliTest


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]] = []

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = self.path.partition("?")[0]
        Handler.seen.append(
            {
                "method": self.command,
                "path": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": body.decode(),
            }
        )
        if path == "/json":
            text = json.dumps({"got": body.decode(), "n": [1, 2]}).encode()
            self.answer(200, text, Content_Type="application/json; charset=utf-8")
        elif path == "/text":
            self.answer(200, "grüße".encode(), Content_Type="text/plain", X_A="1")
        elif path == "/bytes":
            self.answer(200, b"\xff\x00\x01", Content_Type="image/png")
        elif path == "/large":
            self.answer(200, b"x" * 5000)
        elif path.startswith("/status/"):
            self.answer(int(path[8:]), b"sorry")
        elif path.startswith("/to/"):
            self.answer(302, b"", Location=path[3:])
        elif path == "/away":
            port = self.server.other_port  # type: ignore[attr-defined]
            self.answer(307, b"", Location=f"http://127.0.0.1:{port}/text")
        elif path == "/metadata":
            self.answer(302, b"", Location="http://169.254.169.254/latest")
        elif path == "/file":
            self.answer(302, b"", Location="file:///etc/passwd")
        elif path == "/user":
            port = self.server.server_port  # type: ignore[attr-defined]
            self.answer(302, b"", Location=f"http://a:b@127.0.0.1:{port}/text")
        elif path == "/heads":
            self.answer(200, b"", X_Long="x" * 66000)
        elif path == "/reason":
            self.wfile.write(
                b"HTTP/1.1 100 Go: on\r\nX-Early: 1\r\n\r\n"
                b"HTTP/1.1 200 Fine: here\r\nContent-Length: 0\r\n\r\n"
            )
        elif path == "/around":
            self.answer(302, b"", Location="/around")

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = any


class HttpTest(CliTest):
    def setUp(self) -> None:
        super().setUp()
        Handler.seen = []
        self.port = self.serve()
        self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = f"127.0.0.1:{self.port}"

    def serve(self, other_port: int = 0, context: ssl.SSLContext | None = None) -> int:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.other_port = other_port  # type: ignore[attr-defined]
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return int(server.server_port)

    def ask(self, expect: int = 0, **request: Any) -> Any:
        """Runs one request; its outputs, or the task's row where it fails."""
        port = request.pop("port", self.port)
        request.setdefault("allow_private", True)
        request.setdefault("url", f"http://127.0.0.1:{port}{request.pop('path', '/')}")
        flow = {
            "flowforge": 1,
            "name": "ask",
            "tasks": {"ask": {"http": request}},
            "outputs": {
                k: "${{ tasks.ask.outputs." + k + " }}"
                for k in ("status", "headers", "body", "encoding")
            },
        }
        self.file("ask.yaml", json.dumps(flow))
        self.call("run", "ask.yaml", expect=expect)
        run = self.call("get", "last", "-o", "json").json()
        return run["outputs"] if expect == 0 else run["tasks"][0]

    def test_an_answer_becomes_outputs(self) -> None:
        got = self.ask(path="/text")
        self.assertEqual(got["status"], 200)
        self.assertEqual(got["body"], "grüße")
        self.assertEqual(got["encoding"], "text")
        self.assertEqual(got["headers"]["x-a"], "1")
        got = self.ask(path="/bytes")
        self.assertEqual((got["body"], got["encoding"]), ("/wAB", "base64"))

    def test_what_is_sent(self) -> None:
        got = self.ask(
            path="/json?old=1",
            method="POST",
            headers={"X-One": "a: b"},
            query={"q": "ä &=?", "n": 5},
            json={"a": [1, None]},
        )
        self.assertEqual(got["encoding"], "json")
        self.assertEqual(got["body"], {"got": '{"a":[1,null]}', "n": [1, 2]})
        (seen,) = Handler.seen
        self.assertEqual(seen["method"], "POST")
        self.assertEqual(seen["path"], "/json?old=1&q=%c3%a4%20%26%3d%3f&n=5")
        self.assertEqual(seen["headers"]["x-one"], "a: b")
        self.assertEqual(seen["headers"]["content-type"], "application/json")
        self.ask(path="/json", method="PUT", body="${{ 'x' + string(1) }}")
        self.assertEqual(Handler.seen[1]["body"], "x1")
        self.assertIn("text/plain", Handler.seen[1]["headers"]["content-type"])
        self.ask(path="/text", method="HEAD")
        self.assertEqual(Handler.seen[2]["method"], "HEAD")

    def test_a_status_that_was_not_expected_fails(self) -> None:
        task = self.ask(path="/status/503", expect=1)
        self.assertEqual(task["exit_code"], 1)
        self.assertIn("status 503 was not expected", task["message"])

    def test_expected_statuses_succeed(self) -> None:
        self.file(
            "e.yaml",
            "flowforge: 1\nname: e\ntasks: {a: {http: {url: 'http://127.0.0.1:"
            f"{self.port}/status/404', expect: [404, 410], allow_private: true}}}}}}\n",
        )
        self.call("run", "e.yaml")

    def test_private_addresses_need_both_the_task_and_the_setting(self) -> None:
        task = self.ask(path="/text", allow_private=False, expect=1)
        self.assertEqual(task["exit_code"], 2)
        self.assertIn("needs allow_private", task["message"])
        del self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"]
        task = self.ask(path="/text", expect=1)
        self.assertEqual(task["exit_code"], 2)
        self.assertIn("engine.http_allow does not name", task["message"])
        self.assertEqual(Handler.seen, [])

    def test_names_and_other_spellings_lead_nowhere_either(self) -> None:
        self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = "127.0.0.1:1"
        for host in ("localhost", "0177.0.0.1", "2130706433", "[::ffff:127.0.0.1]"):
            task = self.ask(url=f"http://{host}:{self.port}/text", expect=1)
            self.assertIn(task["exit_code"], (2, 3), host)
        self.assertEqual(Handler.seen, [])

    def test_redirects_are_followed_and_looked_at(self) -> None:
        self.assertEqual(self.ask(path="/to/to/text")["body"], "grüße")
        task = self.ask(path="/metadata", expect=1)
        self.assertEqual(task["exit_code"], 2)
        self.assertIn("metadata", task["message"])
        self.assertEqual(self.ask(path="/file", expect=1)["exit_code"], 2)
        task = self.ask(path="/user", expect=1)
        self.assertEqual(task["exit_code"], 2)
        self.assertIn("a name or a password", task["message"])
        self.assertEqual(self.ask(path="/around", expect=1)["exit_code"], 4)
        task = self.ask(path="/to/text", follow_redirects=0, expect=1)
        self.assertIn("status 302", task["message"])

    def test_another_host_is_not_handed_what_was_meant_for_the_first(self) -> None:
        first = self.serve(other_port=self.port)
        self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = "127.0.0.0/8"
        subprocess.run(
            self.command("secret", "set", "token"),
            input=b"a secret value",
            env=self.env,
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        self.ask(
            port=first,
            path="/away",
            method="POST",
            body="for the first",
            headers={
                "X-Key": "${{ secrets.token }}",
                "Authorization": "Basic eDp5",
                "X-Plain": "p",
            },
        )
        at_first, at_other = Handler.seen
        self.assertEqual(at_first["headers"]["x-key"], "a secret value")
        self.assertEqual(at_first["body"], "for the first")
        self.assertEqual(at_other["headers"]["x-plain"], "p")
        self.assertNotIn("x-key", at_other["headers"])
        self.assertNotIn("authorization", at_other["headers"])
        self.assertEqual(at_other["body"], "")

    def test_limits(self) -> None:
        task = self.ask(path="/large", max_bytes=4999, expect=1)
        self.assertEqual(task["exit_code"], 4)
        self.assertEqual(len(self.ask(path="/large", max_bytes=5000)["body"]), 5000)

        task = self.ask(path="/heads", expect=1)
        self.assertEqual(task["exit_code"], 4)
        self.assertIn("headers are larger than 65536", task["message"])

    def test_words_behind_a_status_are_no_header(self) -> None:
        headers = self.ask(path="/reason")["headers"]
        self.assertEqual(headers, {"content-length": "0"})

    def test_no_answer(self) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            free = s.getsockname()[1]
        self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = "127.0.0.1"
        task = self.ask(url=f"http://127.0.0.1:{free}/", expect=1)
        self.assertEqual(task["exit_code"], 3)

    def test_a_certificate_that_nobody_vouches_for_is_refused(self) -> None:
        key, cert = self.folder / "k.pem", self.folder / "c.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(cert)],
            check=True,
            capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        port = self.serve(context=context)
        self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = "127.0.0.1"
        task = self.ask(url=f"https://127.0.0.1:{port}/text", expect=1)
        self.assertEqual(task["exit_code"], 3)
        self.assertIn("certificate", task["message"])
        self.assertEqual(Handler.seen, [])

    def test_a_header_cannot_become_two(self) -> None:
        task = self.ask(path="/text", headers={"X": "a\r\nY: b"}, expect=1)
        self.assertEqual(task["exit_code"], 2)
        self.assertIn("one line", task["message"])
        self.assertEqual(Handler.seen, [])

    def test_a_setting_that_names_no_network_is_told(self) -> None:
        self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = "127.0.0.1/33"
        task = self.ask(path="/text", expect=1)
        self.assertIn("engine.http_allow: 127.0.0.1/33", task["message"])

    def test_a_proxy_of_the_environment_is_not_used(self) -> None:
        self.env["FLOWFORGE_ENGINE_PASS_ENV"] = "http_proxy"
        self.env["http_proxy"] = "http://127.0.0.1:1"
        self.assertEqual(self.ask(path="/text")["status"], 200)


if __name__ == "__main__":
    unittest.main()
