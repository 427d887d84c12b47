#!/usr/bin/python3
# ctest: timeout=600
"""queue-redis passes the conformance kit against a server of its own, with its scripts
thrown away all the time as well; and says what is wrong with servers and settings.
"""

import contextlib
import os
import socket
import subprocess
import threading
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

from redis_sentinel import MASTER, Sentinel
from redis_server import Redis, free_port

LIB = Path(os.environ["FLOWFORGE_LIB"])
PROGRAM = Path(os.environ["FLOWFORGE_BIN"]) / "flowforge"
PUBLISH = ("queue/publish/same-id",)


@contextlib.contextmanager
def meanwhile(do: Callable[[], object], every_s: float) -> Iterator[list[int]]:
    """Does it again and again beside the block; gives how often it was done."""
    over = threading.Event()
    n_done = [0]

    def loop() -> None:
        while not over.wait(every_s):
            do()
            n_done[0] += 1

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield n_done
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def watched(server: Redis) -> Iterator[list[str]]:
    """A list that has, after the block, all commands of it as MONITOR tells them."""
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(60)
        link.connect(str(server.socket))
        stream = link.makefile("rwb")
        stream.write(b"MONITOR\r\n")
        stream.flush()
        assert stream.readline() == b"+OK\r\n"
        yield lines
        server.call("ECHO", "watched enough")
        for line in stream:
            if b'"watched enough"' in line:
                break
            lines.append(line.decode())


def scripts(lines: list[str]) -> list[list[str]]:
    """Of each call of a script the commands that it called."""
    calls: list[list[str]] = []
    for line in lines:
        who, command = line.split("] ", 1)
        word = command.split('"')[1]
        if who.endswith(" lua"):
            calls[-1].append(word)
        elif word == "EVALSHA":
            calls.append([])
        elif calls:
            calls.append([word])
    return calls


class KitTest(unittest.TestCase):
    def check(
        self,
        options: dict[str, str],
        only: tuple[str, ...] = PUBLISH,
        expect: int = 1,
        secret: str = "",
        stdin: int = subprocess.DEVNULL,
    ) -> str:
        call = [str(PROGRAM), "driver", "check", str(LIB / "queue-redis.so")]
        for key, value in {"prefix": "{unique}", **options}.items():
            call += ["-o", f"{key}={value}"]
        for name in only:
            call += ["--only", name]
        done = subprocess.run(
            call,
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        text = done.stdout + done.stderr
        self.assertEqual(expect, done.returncode, text)
        if secret:
            self.assertNotIn(secret, text)
        return text


class QueueRedis(KitTest):
    server: Redis

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = cls.enterClassContext(Redis())

    # --- the contract ---

    def test_it_passes_the_kit(self) -> None:
        text = self.check(self.server.options(), only=(), expect=0)
        self.assertRegex(text, r"# (\d+) of \1 passed, 0 failed, 0 skipped")

    def test_scripts_that_the_server_forgets_are_said_again(self) -> None:
        flush = lambda: self.server.call("SCRIPT", "FLUSH")  # noqa: E731
        with meanwhile(flush, 0.002) as n_flushed:
            self.check(
                self.server.by_address(),
                only=("queue/random/*", "queue/ack/*", "queue/unsubscribe/*"),
                expect=0,
            )
        self.assertGreater(n_flushed[0], 10)

    def test_a_message_is_two_round_trips_and_its_ack_one(self) -> None:
        """It is published; who is told of it asks, and is answered. After the ack there
        is only the end of the subscription. Of two messages it is the second: the first
        may come while the subscriber does."""
        with watched(self.server) as lines:
            self.check(self.server.options(), ("queue/publish/same-id",), 0)
        calls = scripts(lines)
        second = [i for i, words in enumerate(calls) if "RPUSH" in words][1]
        marks = ["RPUSH", "LPOP", "HDEL", "HKEYS"]
        self.assertEqual(
            [[m for m in marks if m in words] for words in calls[second : second + 4]],
            [[m] for m in marks],
        )

    def test_what_it_leaves_behind_is_forgotten_some_day(self) -> None:
        self.check(self.server.options(prefix="left"), ("queue/publish/batch",), 0)
        keys = self.server.call("KEYS", "left:*").split()
        self.assertTrue(keys)
        for key in keys:
            self.assertGreater(int(self.server.call("PTTL", key)), 0, key)

    # --- who we are ---

    def test_a_password_is_given(self) -> None:
        with Redis(password="hunter-7") as server:
            self.check(server.by_address(), expect=0, secret="hunter-7")
            none = server.by_address()
            del none["password"]
            self.assertIn("wants a password", self.check(none))
            text = self.check(server.by_address(password="wrong-7"), secret="wrong-7")
            self.assertIn("refuses the user or the password", text)
            file = server.folder / "mine"
            file.write_text("hunter-7\n")
            file.chmod(0o600)
            self.check({**none, "password_file": str(file)}, expect=0)

    def test_a_user_needs_the_rights_that_the_manual_names(self) -> None:
        rights = "reset on >pw-12 ~ff:* &ff@* +@read +@write +@scripting +@pubsub"
        self.server.call("ACL", "SETUSER", "ff", *rights.split(), "+@connection")
        mine = {"user": "ff", "password": "pw-12", "prefix": "ff:{unique}"}
        self.server.call("ACL", "SETUSER", "ff", "&*", "+info", "+time")
        self.check(self.server.options(**mine), expect=0)
        self.server.call("ACL", "SETUSER", "ff", "-info")
        self.check(self.server.options(**mine), expect=0)
        self.server.call("ACL", "SETUSER", "ff", "-@write")
        text = self.check(self.server.options(**mine))
        self.assertIn("lacks a right", text)
        text = self.check(self.server.options(user="ff"))
        self.assertIn("a user needs a password", text)

    def test_a_server_without_passwords_does_not_show_ours(self) -> None:
        with Redis(rename_command="AUTH ") as server:
            # Short, since the server's words are cut short where they are repeated.
            text = self.check(server.by_address(password="pw-1"), secret="pw-1")
        self.assertIn("does not take AUTH", text)

    def test_keys_stand_in_the_database_that_was_asked_for(self) -> None:
        options = self.server.options(db="3", prefix="three")
        self.check(options, ("queue/publish/batch",), expect=0)
        self.assertNotIn("three", self.server.call("KEYS", "three*"))
        self.assertIn("db3:", self.server.call("INFO", "keyspace"))
        text = self.check(self.server.options(db="99"))
        self.assertIn("no such redis.db", text)

    # --- which server ---

    def test_of_several_addresses_the_primary_is_used(self) -> None:
        replica_of = f"127.0.0.1 {self.server.port}"
        with Redis(replicaof=replica_of) as replica:
            text = self.check(replica.by_address(command_timeout="1s"))
            self.assertIn("read-only replica", text)
            rights = "on >pw ~* &* +@all -info"
            replica.call("ACL", "SETUSER", "asks-not", *rights.split())
            text = self.check(
                replica.options(user="asks-not", password="pw", command_timeout="1s")
            )
            self.assertIn("name the primary", text)
            several = f"127.0.0.1:{free_port()}, {replica.socket}, {self.server.socket}"
            self.check({"addresses": several}, expect=0)

    def test_a_server_that_is_not_there_is_named(self) -> None:
        for address, why in (
            (f"127.0.0.1:{free_port()}", "Connection refused"),
            ("/nowhere/redis.sock", "No such file"),
            ("nowhere.invalid:6379", "no such host"),
        ):
            text = self.check(
                {"addresses": address, "command_timeout": "1s", "insecure": "true"}
            )
            self.assertIn(f"Redis at {address}", text)
            self.assertIn(why, text)

    def test_a_server_that_says_nothing_is_given_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            text = self.check(
                {
                    "addresses": f"127.0.0.1:{port}",
                    "connect_timeout": "300ms",
                    "command_timeout": "1s",
                }
            )
        self.assertIn("connect_timeout", text)

    def test_what_speaks_something_else_is_told(self) -> None:
        for answer in (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"$-7\r\n",
            b"*999999999\r\n",
            b"+OK\r\n" * 99 + b"garbage\r\n",
            b"*1\r\n" * 1000,
            b"",
        ):
            with self.subTest(answer=answer[:20]), answering(answer) as port:
                text = self.check(
                    {"addresses": f"127.0.0.1:{port}", "command_timeout": "500ms"}
                )
                self.assertIn("Redis at 127.0.0.1", text)

    def test_a_reply_that_never_ends_is_given_up(self) -> None:
        for item in (b"x" * 999_994, b"$999994\r\n" + b"x" * 999_994 + b"\r\n"):
            answer = (b"*99\r\n" if item[:1] == b"$" else b"+") + item * 40
            with self.subTest(item=item[:8]), answering(answer) as port:
                text = self.check(
                    {
                        "addresses": f"127.0.0.1:{port}",
                        "connect_timeout": "4s",
                        "command_timeout": "4s",
                    }
                )
            self.assertIn("longer than any should be", text)

    def test_settings_that_cannot_be_are_refused(self) -> None:
        for options, why in (
            ({"addresses": "a:b"}, "is no address"),
            ({"addresses": "redis:99999"}, "is no address"),
            ({"addresses": "redis,,other"}, "is no address"),
            ({"host": ""}, "host and addresses are empty"),
            ({"prefix": ""}, "prefix has 1 to"),
            ({"tls_cert": "x"}, "tls_cert and tls_key are set together"),
            ({"host": "redis.invalid", "tls": "off"}, "insecure: true"),
        ):
            with self.subTest(options=options):
                self.assertIn(why, self.check(options))

    # --- when it is full ---

    def test_a_full_server_is_told_so(self) -> None:
        with Redis() as server:
            server.call("SET", "ballast", b"x" * 4_000_000)
            server.call("CONFIG", "SET", "maxmemory", "3mb")
            text = self.check(server.options())
            self.assertIn("its memory is full (maxmemory)", text)
            server.call("DEL", "ballast")
            self.check(server.options(), expect=0)

    def test_a_topic_has_room_for_so_many_messages(self) -> None:
        text = self.check(
            self.server.options(max_messages="10"), ("queue/publish/batch",)
        )
        self.assertIn("redis.max_messages", text)

    def test_keys_of_somebody_else_are_not_touched(self) -> None:
        self.server.call("SET", "theirs:ready:t", "a string")
        text = self.check(self.server.options(prefix="theirs"))
        self.assertIn("choose another prefix", text)
        self.assertEqual("a string", self.server.call("GET", "theirs:ready:t"))


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that says this to everybody, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = listener.accept()
                with link:
                    link.settimeout(60)
                    with contextlib.suppress(OSError):
                        link.sendall(answer)
                        link.settimeout(0.2)
                        while link.recv(4096):
                            pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


class QueueRedisTls(KitTest):
    """With a certificate for `localhost`, from an authority of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = cls.enterClassContext(Redis())
        cls.folder = cls.server.folder
        cls.port = free_port()
        openssl(
            cls.folder,
            *("req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj"),
            *("/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:far"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        )
        for name, value in (
            ("tls-cert-file", "cert.pem"),
            ("tls-key-file", "key.pem"),
            ("tls-ca-cert-file", "cert.pem"),
        ):
            cls.server.settings[name] = str(cls.folder / value)
        cls.server.settings["tls-port"] = str(cls.port)
        cls.server.settings["tls-auth-clients"] = "optional"
        cls.server.restart()

    server: Redis
    folder: Path
    port: int

    def tls(self, **others: str) -> dict[str, str]:
        return {
            "addresses": f"localhost:{self.port}",
            "tls": "on",
            "tls_ca_cert": str(self.folder / "cert.pem"),
            **others,
        }

    def test_it_passes_the_kit_through_tls(self) -> None:
        text = self.check(self.tls(), only=(), expect=0)
        self.assertRegex(text, r"0 failed, 0 skipped")

    def test_sentinels_are_asked_through_tls(self) -> None:
        port = free_port()
        tls = {
            name: value
            for name, value in self.server.settings.items()
            if name.startswith("tls-") and name != "tls-port"
        }
        watched = {MASTER: f"127.0.0.1 {self.port}"}
        with Sentinel(watched, 9, **{**tls, "tls-port": str(port)}):
            mine = self.tls(addresses=f"127.0.0.1:{port}", sentinel_master=MASTER)
            self.assertIn("the certificate is refused", self.check(mine))
            self.check({**mine, "tls_server_name": "localhost"}, expect=0)

    def test_a_certificate_must_be_trusted_and_of_that_name(self) -> None:
        self.check(self.tls(tls_server_name="far"), expect=0)
        text = self.check(self.tls(tls_server_name="near"))
        self.assertIn("the certificate is refused", text)
        untrusted = self.tls()
        del untrusted["tls_ca_cert"]
        self.assertIn("the certificate is refused", self.check(untrusted))
        text = self.check(self.tls(addresses=f"127.0.0.1:{self.port}"))
        self.assertIn("the certificate is refused", text)

    def test_our_own_certificate_is_shown(self) -> None:
        self.server.call("CONFIG", "SET", "tls-auth-clients", "yes")
        try:
            own = {
                "tls_cert": str(self.folder / "cert.pem"),
                "tls_key": str(self.folder / "key.pem"),
            }
            self.check(self.tls(**own), expect=0)
            self.check(self.tls(command_timeout="1s"), expect=1)
        finally:
            self.server.call("CONFIG", "SET", "tls-auth-clients", "optional")

    def test_a_key_with_a_password_is_refused_and_nobody_asked(self) -> None:
        key = self.folder / "locked.pem"
        how = ("-aes128", "-passout", "pass:locked")
        openssl(self.folder, "ec", "-in", "key.pem", "-out", str(key), *how)
        own = self.tls(tls_cert=str(self.folder / "cert.pem"), tls_key=str(key))
        terminal, ours = os.openpty()
        try:
            text = self.check(own, stdin=ours)
        finally:
            os.close(ours)
            os.close(terminal)
        self.assertIn(str(key), text)

    def test_files_that_are_not_there_are_named(self) -> None:
        text = self.check(self.tls(tls_ca_cert="/nowhere/ca.pem"))
        self.assertIn("/nowhere/ca.pem", text)

    def test_tls_to_a_server_without_it_fails(self) -> None:
        text = self.check(
            self.tls(
                addresses=f"localhost:{self.server.port}",
                connect_timeout="500ms",
                command_timeout="1s",
            )
        )
        self.assertIn("Redis at localhost", text)


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    unittest.main()
