#!/usr/bin/python3
"""Who may be an executor, and whom an executor tells who it is: credentials, where they
are read, and the way between the two; and what its tasks find of what it was given."""
# ctest: timeout=600

import http.client
import os
import re
import secrets
import subprocess
import unittest
from pathlib import Path

from ff_cli import PATIENCE, Process
from ff_executor import EXECUTOR, ExecutorTest

NOBODY = 65534
ROOT = os.geteuid() == 0

# What stands in an environment that servers and executors share.
OF_SERVERS = (
    "FLOWFORGE_DATABASE_PASSWORD",
    "FLOWFORGE_REDIS_PASSWORD",
    "FLOWFORGE_AUTH_JWT_SECRET",
    "FLOWFORGE_AUTH_JWT_SECRET_PREVIOUS",
    "FLOWFORGE_AUTH_ENCRYPTION_KEY",
    "FLOWFORGE_S3_SECRET_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
)

# Looks for words, given backwards, in all that it may read of the processes given, or
# of all that there are: environment, arguments, descriptors, memory, the files named.
HUNT = r"""flowforge: 1
name: hunt
tasks:
  a:
    env: {WORDS: "<words>", PIDS: "<pids>"}
    script:
      lang: python
      code: |
        import os, re
        words = [w[::-1].encode() for w in os.environ["WORDS"].split()]
        pids = os.environ["PIDS"].split() or filter(str.isdigit, os.listdir("/proc"))

        def look(where, data):
            print("read", where)
            for n, word in enumerate(words):
                if word in data:
                    print("FOUND", n, where)

        def files(pid):
            yield from (f"/proc/{pid}/{name}" for name in ("environ", "cmdline"))
            try:
                yield from (e.path for e in os.scandir(f"/proc/{pid}/fd"))
                with open(f"/proc/{pid}/cmdline") as line:
                    for word in line.read().split(chr(0)):
                        yield word.rpartition("=")[2]
            except OSError:
                pass

        def parts(pid):
            with open(f"/proc/{pid}/maps") as maps:
                ranges = re.findall(r"^(\w+)-(\w+) rw", maps.read(), re.M)
            for begin, end in ((int(b, 16), int(e, 16)) for b, e in ranges):
                if end - begin < 1 << 28:
                    yield begin, end - begin

        for pid in pids:
            if int(pid) == os.getpid():
                continue
            for path in files(pid):
                try:
                    if os.path.isfile(path):
                        with open(path, "rb") as file:
                            look(path, file.read(1 << 22))
                except OSError:
                    pass
            try:
                with open(f"/proc/{pid}/mem", "rb", 0) as memory:
                    for begin, size in parts(pid):
                        memory.seek(begin)
                        look(f"/proc/{pid}/mem", memory.read(size))
            except OSError:
                pass
"""


def is_sanitized() -> bool:
    """Such a program has copied its environment before it begins."""
    return re.search(rb"__[at]san_init", Path(EXECUTOR).read_bytes()) is not None


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


class Hunted(ExecutorTest):
    """An executor that was given what is for servers, and a task that looks for it."""

    uid = NOBODY if ROOT else os.getuid()

    def setUp(self) -> None:
        super().setUp()
        self.words = [secrets.token_hex(16) for _ in OF_SERVERS]
        self.folder.chmod(0o711)

    def become(self) -> None:
        if ROOT and self.uid:
            os.setgroups([])
            os.setgid(self.uid)
            os.setuid(self.uid)

    def shared(self) -> dict[str, str]:
        """The environment, with what is for servers."""
        return self.env | dict(zip(OF_SERVERS, self.words, strict=True))

    def host(self, *args: str, env: dict[str, str]) -> Process:
        """It reads the credential where it cannot open it again."""
        place = self.place("a")
        place.mkdir(mode=0o700, exist_ok=True)
        os.chown(place, self.uid, -1)
        kept, self.env, self.prepare = self.env, env, self.become
        said = ("--set", "auth.executor_token_file=-", *args)
        with self.token.open() as file:
            process = self.executor("a", *said, without_token=True, stdin=file.fileno())
        self.env, self.prepare = kept, None
        return process

    def hunt(self, words: list[str], *pids: int) -> list[str]:
        """What a task of the executor has read."""
        backwards = " ".join(word[::-1] for word in words)
        text = HUNT.replace("<words>", backwards)
        run = self.begin(text.replace("<pids>", " ".join(map(str, pids))))
        self.wait_state(run, "succeeded")
        return self.call("logs", run, "--raw").out.splitlines()

    def bystander(self) -> int:
        """A process of the same user that shows what it was given."""
        popen = subprocess.Popen(
            ["sleep", "1000"], env=self.shared(), preexec_fn=self.become
        )
        self.addCleanup(popen.wait)
        self.addCleanup(popen.kill)
        return popen.pid

    def found(self, lines: list[str]) -> set[str]:
        return {line for line in lines if line.startswith("FOUND")}


class WhatTasksFind(Hunted):
    """The executor is somebody who may not read what the tests of root may."""

    def test_tasks_of_its_user_find_nothing_that_is_for_servers(self) -> None:
        self.lead()
        executor = self.host(env=self.shared())
        executor.wait_for_err("registered with")
        for name in OF_SERVERS[:6]:
            self.assertIn(name, executor.seen_err)
        for word in self.words:
            self.assertNotIn(word, executor.seen_err)
        words = [*self.words, self.token.read_text().strip()]
        lines = self.hunt(words)
        self.assertEqual(self.found(lines), set())
        supervisors = self.pids_of("a")
        self.assertTrue(any(f"read /proc/{p}/environ" in lines for p in supervisors))
        # It would have found them.
        other = self.bystander()
        self.assertEqual(
            {line for line in self.found(self.hunt(words)) if "environ" in line},
            {f"FOUND {n} /proc/{other}/environ" for n in range(len(OF_SERVERS))},
        )

    def test_who_shares_the_machine_cannot_open_its_memory(self) -> None:
        self.lead()
        executor = self.host(env=self.env)
        executor.wait_for_err("registered with")
        for name in ("environ", "mem", "fd"):
            done = subprocess.run(
                ["ls", "-lnd", f"/proc/{executor.popen.pid}/{name}"],
                capture_output=True,
                text=True,
                check=True,
            )
            self.assertEqual(done.stdout.split()[2:4], ["0", "0"], name)

    def test_what_is_passed_to_tasks_stays(self) -> None:
        self.lead()
        env = self.shared() | {"KEPT_ONE": "1", "TZ": "UTC"}
        executor = self.host("--set", "executor.pass_env=KEPT_*,PGPASSWORD", env=env)
        executor.wait_for_err("registered with")
        run = self.begin("flowforge: 1\nname: n\ntasks: {a: {run: env}}\n")
        self.wait_state(run, "succeeded")
        said = self.call("logs", run, "--raw").out.splitlines()
        kept = {"KEPT_ONE=1", "TZ=UTC", f"PGPASSWORD={self.words[-1]}"}
        self.assertLessEqual(kept, set(said))
        self.assertEqual([s for s in said if self.words[0] in s], [])

    def refused(self, *args: str, env: dict[str, str] | None = None) -> str:
        done = self.host(*args, env=env or self.env).end()
        self.assertEqual(done.code, 78, done.err)
        return done.err

    def test_a_file_with_a_secret_of_servers_is_refused(self) -> None:
        shown = [
            self.call("driver", "show", name, "-o", "json").json()
            for name in ("store-postgres", "queue-redis", "blob-s3", "auth-jwt")
        ]
        names = {
            (of["section"], option["name"])
            for of in shown
            for option in of["options"]
            if option["secret"]
        }
        names |= {("auth", "encryption_key"), ("traces", "headers")}
        self.assertGreater(len(names), 7)
        for section, name in sorted(names):
            value = "x://user:word@host/" if name == "url" else "word-of-servers"
            path = self.file("shared.yaml", f"{section}:\n  {name}: {value}\n")
            said = self.refused("--config", path)
            self.assertRegex(
                said, rf"shared\.yaml:2:\d+: {section}\.{name} is a secret"
            )
            self.assertIn("Give executors a file of their own", said)
            self.assertNotIn("word-of-servers", said)
            said = self.refused("--set", f"{section}.{name}={value}")
            self.assertIn(f"command line: {section}.{name}", said)

    def test_a_file_that_names_a_secret_is_refused_where_that_can_be_read(self) -> None:
        self.lead()
        secret = Path(self.file("jwt.secret", secrets.token_hex(32)))
        path = self.file("shared.yaml", f"auth:\n  jwt_secret_file: {secret}\n")
        env = self.env | {"FLOWFORGE_AUTH_JWT_SECRET_FILE": str(secret)}
        os.chown(secret, self.uid, -1)
        secret.chmod(0o400)
        said = self.refused("--config", path)
        self.assertRegex(said, r"shared\.yaml:2:\d+: auth\.jwt_secret_file")
        self.assertIn(str(secret), said)
        said = self.refused(env=env)
        self.assertIn(f"FLOWFORGE_AUTH_JWT_SECRET_FILE: {secret}", said)
        os.chown(secret, os.geteuid(), -1)
        secret.chmod(0)
        executor = self.host("--config", path, env=env)
        executor.wait_for_err("registered with")


@unittest.skipUnless(ROOT, "tasks of root are root's")
class WhatRootsTasksFind(Hunted):
    """They may look into the executor, and there is nothing to be seen."""

    uid = 0

    def test_the_executor_has_forgotten_what_is_for_servers(self) -> None:
        self.lead()
        executor = self.host(env=self.shared())
        executor.wait_for_err("registered with")
        self.hunt(self.words)  # so there is a supervisor
        pid, other = executor.popen.pid, self.bystander()
        lines = self.hunt(self.words, pid, other, *self.pids_of("a"))
        for what in ("environ", "cmdline", "mem"):
            self.assertIn(f"read /proc/{pid}/{what}", lines)
        found = {line.rpartition(" ")[2] for line in self.found(lines)}
        if is_sanitized():
            found.discard(f"/proc/{pid}/mem")
        self.assertEqual(found, {f"/proc/{other}/environ", f"/proc/{other}/mem"})


if __name__ == "__main__":
    unittest.main()
