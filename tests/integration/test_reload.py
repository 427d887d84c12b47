#!/usr/bin/python3
"""SIGHUP: what a server reads again, what stays until it is started anew, and that the
log says which is which."""

import http.client
import json
import secrets
import signal
import ssl
import unittest
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from ff_cli import PATIENCE
from ff_executor import ExecutorTest
from ff_http import make_certificate
from test_auth_jwt import jwk, token

AGAIN = "the settings were read again"
RESTART = "count after a restart: "


class ReloadTest(ExecutorTest):
    def settings(self, **sections: dict[str, Any]) -> None:
        """A file of settings; JSON is YAML."""
        self.file("config.yaml", json.dumps(sections))
        self.env["FLOWFORGE_CONFIG"] = str(self.folder / "config.yaml")

    def hangup(self, *said: str) -> str:
        """What stands in the log after it, once each of these does."""
        self.server.seen_err = ""
        self.server.popen.send_signal(signal.SIGHUP)
        for text in said:
            self.server.wait_for_err(text)
        return self.server.seen_err


class Settings(ReloadTest):
    def test_the_level_of_the_log_is_the_files_from_then_on(self) -> None:
        self.settings(engine={"log_level": "warn"})
        self.serve()
        self.settings(engine={"log_level": "info"})
        self.hangup("engine.log_level is info now", AGAIN)
        self.assertNotIn("is info now", self.hangup(AGAIN))
        self.settings(engine={"log_level": "error"})
        self.server.popen.send_signal(signal.SIGHUP)
        # Once that was taken this is; nothing else tells.
        self.get("/livez")
        self.settings(engine={"log_level": "loud"})
        said = self.hangup("the settings stay as they were: ")
        self.assertNotIn(AGAIN, said)
        self.assertRegex(said, r"config\.yaml:1:\d+: engine\.log_level")
        self.get("/livez")
        self.assertEqual(self.stop().code, 0)

    def test_what_needs_a_restart_is_named_for_as_long_as_it_does(self) -> None:
        first: dict[str, dict[str, Any]] = {
            "engine": {"log_level": "info"},
            "server": {"streams": 7},
        }
        self.settings(**first)
        self.serve()
        self.settings(
            engine={"log_level": "info", "slots": 3},
            server={"streams": 8, "http_port": 8080, "listen": "127.0.0.1:9"},
            auth={"jwt_secret": "not-to-be-told-to-anybody-4711"},
        )
        for _ in range(2):
            said = self.hangup(
                RESTART + "server.streams, engine.slots, auth.jwt_secret"
            )
            self.assertNotIn("4711", said)
            self.assertNotIn("http_port", said)  # the default, written down
            self.assertNotIn("server.listen", said)  # --listen wins
        self.settings(**first)
        said = self.hangup(AGAIN)
        # Whatever it has to say stands before what the next one says.
        self.assertNotIn(RESTART, said + self.hangup(AGAIN))
        self.assertEqual(self.stop().code, 0)

    def test_a_level_on_the_command_line_stays(self) -> None:
        self.settings(engine={"log_level": "warn"})
        self.serve("--verbose")
        self.settings(engine={"log_level": "error"})
        self.assertNotIn("engine.log_level is", self.hangup(AGAIN))
        self.hangup(AGAIN)
        self.assertEqual(self.stop().code, 0)


class Keys(ReloadTest):
    def publish(self, *keys: dict[str, Any]) -> None:
        new = self.folder / "new.json"
        new.write_text(json.dumps({"keys": keys}))
        new.rename(self.folder / "keys.json")

    def test_a_key_that_is_gone_lets_nobody_in_any_more(self) -> None:
        made = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        keys = [jwk("ES256", key, kid=f"k{n}") for n, key in enumerate(made)]
        tokens = [
            token(key=key, kid=f"k{n}", tenant="default") for n, key in enumerate(made)
        ]
        self.publish(*keys[:2])
        self.settings(
            engine={"log_level": "info"},
            auth={
                "jwks_file": str(self.folder / "keys.json"),
                "issuer": "flowforge",
                "audience": "flowforge",
            },
        )
        self.serve()
        for each in tokens[:2]:
            self.get("/me", key=each)
        self.publish(*keys[1:])
        self.get("/me", key=tokens[0])
        self.hangup("auth-jwt has read its keys again")
        self.get("/me", key=tokens[0], status=401)
        for each in tokens[1:]:
            self.get("/me", key=each)
        (self.folder / "keys.json").write_text("no keys")
        self.hangup("auth-jwt keeps keys that it has: ")
        for each in tokens[1:]:
            self.get("/me", key=each)
        self.assertEqual(self.stop().code, 0)

    def status_of(self, credential: str) -> int:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.executor_port, timeout=PATIENCE
        )
        headers = {"Authorization": f"Bearer {credential}"}
        connection.request("POST", "/executor/v1/pull", "{}", headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def test_executors_may_come_with_what_their_file_holds_now(self) -> None:
        old, new = self.token.read_text().strip(), secrets.token_hex(32)
        self.lead("--set", "engine.log_level=info")
        told = "the credential of executors was read again"
        self.assertNotEqual(self.status_of(old), 401)
        self.assertEqual(self.status_of(new), 401)
        self.token.write_text(f"{new}\n{old}\n")
        self.hangup(told)
        for each in (old, new):
            self.assertNotEqual(self.status_of(each), 401)
        self.token.write_text(f"{new}\n")
        self.hangup(told)
        self.assertEqual(self.status_of(old), 401)
        self.token.write_text("short")
        self.hangup("the credential of executors stays as it was: ")
        self.assertNotEqual(self.status_of(new), 401)
        self.assertEqual(self.stop().code, 0)


class Certificate(ReloadTest):
    cert: Path
    key: Path

    def certify(self) -> None:
        self.cert, self.key = make_certificate(self.folder, "server")

    def shown(self) -> str:
        return ssl.get_server_certificate(("127.0.0.1", self.port), timeout=PATIENCE)

    def test_whoever_connects_is_shown_the_one_that_was_renewed(self) -> None:
        self.certify()
        self.settings(engine={"log_level": "info"})
        self.serve("--tls-cert", str(self.cert), "--tls-key", str(self.key))
        first = self.shown()
        self.certify()
        self.assertEqual(self.shown(), first)
        self.hangup("the certificate was read again")
        second = self.shown()
        self.assertNotEqual(second, first)
        self.assertEqual(second.split(), self.cert.read_text().split())
        self.cert.write_text("nothing")
        self.hangup("the certificate stays as it was: ")
        self.assertEqual(self.shown(), second)
        self.assertEqual(self.stop().code, 0)


if __name__ == "__main__":
    unittest.main()
