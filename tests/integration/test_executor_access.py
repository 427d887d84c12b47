#!/usr/bin/python3
"""Who may be an executor, and whom an executor tells who it is: credentials, where they
are read, and the way between the two."""
# ctest: timeout=600

import http.client
import subprocess
import unittest

from ff_cli import PATIENCE
from ff_executor import ExecutorTest


class WhoMay(ExecutorTest):
    def test_another_credential_is_refused(self) -> None:
        self.lead()
        other = self.folder / "other.token"
        other.write_text("0123456789abcdef" * 4)
        other.chmod(0o600)
        done = self.executor("a", "--set", f"auth.executor_token_file={other}").end()
        self.assertEqual(done.code, 77, done.err)
        self.assertIn("does not take this executor's credential", done.err)

    def test_a_credential_that_is_weak_or_open_to_others_is_refused(self) -> None:
        token = self.folder / "bad.token"
        for text, mode, why in (
            ("short", 0o600, "can be guessed"),
            ("ab" * 32, 0o600, "can be guessed"),
            ("", 0o600, "is empty"),
            ("0123456789abcdef" * 4, 0o644, "can be read by others"),
        ):
            token.write_text(text)
            token.chmod(mode)
            said = f"auth.executor_token_file={token}"
            done = self.executor("a", "--set", said).end()
            self.assertEqual(done.code, 78, done.err)
            self.assertIn(why, done.err)
            server = self.call(
                *("server", "--listen", "127.0.0.1:0", "--set", said),
                *("--set", "engine.runtime=remote"),
                expect=None,
            )
            self.assertNotEqual(server.code, 0)
            self.assertIn(why, server.err)

    def test_every_route_wants_the_credential(self) -> None:
        self.lead()
        for method, path in (
            ("POST", "register"),
            ("POST", "pull"),
            ("POST", "tell"),
            ("POST", "leave"),
            ("PUT", "log"),
            ("PUT", "output"),
        ):
            refused: tuple[dict[str, str], ...] = (
                {},
                {"Authorization": "Bearer " + "x" * 64},
            )
            for sent in refused:
                asked = http.client.HTTPConnection("127.0.0.1", self.executor_port)
                asked.request(method, f"/executor/v1/{path}", "{}", sent)
                self.assertEqual(asked.getresponse().status, 401, path)
                asked.close()

    def test_a_second_credential_is_taken_while_it_changes(self) -> None:
        old = self.token.read_text()
        self.token.write_text("fedcba9876543210" * 4 + "\n" + old)
        self.lead()
        self.token.write_text(old)
        self.ready("a")

    def test_the_credential_can_be_read_from_standard_input(self) -> None:
        self.lead()
        with self.token.open() as file:
            a = self.executor(
                "a", "--set", "auth.executor_token_file=-", stdin=file.fileno()
            )
            a.wait_for_err("registered with")
        self.env["FLOWFORGE_AUTH_EXECUTOR_TOKEN_FILE"] = "-"
        with self.token.open() as file:
            b = self.executor("b", without_token=True, stdin=file.fileno())
            b.wait_for_err("registered with")

    def test_tasks_are_not_given_the_credential(self) -> None:
        self.lead()
        self.env["FLOWFORGE_AUTH_EXECUTOR_TOKEN_FILE"] = str(self.token)
        self.ready("a")
        run = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: env}}\n")
        self.wait_state(run, "succeeded")
        said = self.call("logs", run, "--raw").out
        self.assertNotIn("TOKEN_FILE", said)
        self.assertNotIn(self.token.read_text().strip(), said)

    def test_only_the_server_hands_out_work(self) -> None:
        path = self.file("w.yaml", "flowforge: 1\nname: n\ntasks: {a: {run: exit 0}}\n")
        done = self.call("run", path, "--set", "engine.runtime=remote", expect=None)
        self.assertNotEqual(done.code, 0)
        self.assertIn("`flowforge server` has to lead", done.err)

    def test_nothing_is_said_in_clear_to_other_machines(self) -> None:
        done = self.executor("a", "--set", "executor.servers=http://192.0.2.1:1").end()
        self.assertEqual(done.code, 78, done.err)
        self.assertIn("take https", done.err)
        server = self.call(
            *("server", "--listen", "127.0.0.1:0"),
            *("--set", "server.executor_listen=0.0.0.0:0"),
            expect=78,
        )
        self.assertIn("server.executor_listen", server.err)

    def test_over_tls_only_a_server_that_is_known_is_told_the_credential(self) -> None:
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-nodes"),
                *("-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2"),
                *("-subj", "/CN=localhost", "-keyout", str(key), "-out", str(cert)),
                *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            ],
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        self.lead("--tls-cert", str(cert), "--tls-key", str(key))
        server = f"executor.servers=https://127.0.0.1:{self.executor_port}"
        stranger = self.executor("stranger", "--set", server)
        stranger.wait_for_err("certificate")
        self.assertEqual(self.get("/system/executors")["executors"], [])
        self.ready("a", "--set", server, "--set", f"executor.ca={cert}")
        run = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: echo hello}}\n")
        self.wait_state(run, "succeeded")
        self.assertEqual(self.call("logs", run, "--raw").out, "hello\n")

    def test_the_next_server_is_asked_where_one_does_not_answer(self) -> None:
        self.lead()
        servers = f"http://127.0.0.1:1,http://127.0.0.1:{self.executor_port}"
        self.ready("a", "--set", f"executor.servers={servers}")

    def test_a_folder_is_of_one_executor(self) -> None:
        self.lead()
        self.ready("a")
        done = self.executor("a").end()
        self.assertEqual(done.code, 69, done.err)
        self.assertIn("another executor works in", done.err)


if __name__ == "__main__":
    unittest.main()
