#!/usr/bin/python3
# ctest: timeout=900
"""blob-s3 passes the conformance kit against moto, a server of S3 that others keep,
which checks each signature; and speaks TLS to nobody whom it cannot verify.

moto is installed once into build/moto-venv. Without it the test fails.
"""

import contextlib
import fcntl
import importlib
import logging
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

WHEELS = ["moto[server,s3,iam]==5.2.5"]
SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE", Path(__file__).resolve().parents[2]))
HOME = SOURCE / "build" / "moto-venv"
BUCKET = "blobs"
LIB = Path(os.environ["FLOWFORGE_LIB"])
PROGRAM = Path(os.environ["FLOWFORGE_BIN"]) / "flowforge"


def enter() -> None:
    """Goes on in the interpreter that has moto."""
    if sys.prefix == str(HOME):
        return
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "moto-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "ready").exists():
            make = ["/usr/bin/python3", "-m", "venv", "--clear", str(HOME)]
            subprocess.run(make, check=True)
            pip = [
                str(HOME / "bin/pip"),
                "-q",
                "--disable-pip-version-check",
                "install",
            ]
            subprocess.run([*pip, *WHEELS], check=True)
            (HOME / "ready").touch()
    python = str(HOME / "bin/python")
    os.execv(python, [python, *sys.argv])


class Tls:
    """Speaks TLS in front of a server that does not, by a certificate of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.ca = folder / "ca.pem"
        key = folder / "key.pem"
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        make += ["ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key)]
        make += ["-out", str(self.ca), "-days", "2", "-subj", "/CN=localhost"]
        make += ["-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(make, check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, key)
        self.behind = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = self.context.wrap_socket(plain, server_side=True)
            server = socket.create_connection(("127.0.0.1", self.behind))
            back = (server, client)
            threading.Thread(target=self.pump, args=back, daemon=True).start()
            self.pump(client, server)

    @staticmethod
    def pump(source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_WR)


class BlobS3(unittest.TestCase):
    server: Any
    port: int
    keys: dict[str, str]

    @classmethod
    def setUpClass(cls) -> None:
        # Four requests set up the user and the bucket; all after them must be signed.
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
        boto3 = importlib.import_module("boto3")
        models = importlib.import_module("moto.s3.models")
        server = importlib.import_module("moto.server")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        models.__dict__["S3_UPLOAD_PART_MIN_SIZE"] = 1024
        cls.server = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        cls.server.start()
        cls.port = cls.server.get_host_and_port()[1]
        common = {
            "endpoint_url": f"http://127.0.0.1:{cls.port}",
            "region_name": "us-east-1",
            "aws_access_key_id": "nobody",
            "aws_secret_access_key": "nothing",
        }
        iam = boto3.client("iam", **common)
        iam.create_user(UserName="ff")
        cls.keys = iam.create_access_key(UserName="ff")["AccessKey"]
        policy = (
            '{"Version": "2012-10-17", "Statement": '
            '[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
        )
        iam.put_user_policy(UserName="ff", PolicyName="p", PolicyDocument=policy)
        boto3.client("s3", **common).create_bucket(Bucket=BUCKET)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="ff-s3-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def check(self, expect: int = 0, only: tuple[str, ...] = (), **other: str) -> str:
        options = {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "bucket": BUCKET,
            "prefix": "{unique}/",
            "part_size": "100KiB",
            "access_key": self.keys["AccessKeyId"],
            "secret_key": self.keys["SecretAccessKey"],
            "tries": "2",
            **other,
        }
        call = [str(PROGRAM), "driver", "check", str(LIB / "blob-s3.so")]
        for key, value in options.items():
            if value:
                call += ["-o", f"{key}={value}"]
        for name in only:
            call += ["--only", name]
        # Requests take milliseconds, and some checks make hundreds.
        call += ["--deadline", "240"]
        done = subprocess.run(
            call, capture_output=True, text=True, check=False, cwd=self.folder
        )
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, expect, text)
        self.assertNotIn(self.keys["SecretAccessKey"], text)
        return text

    def check_file(self, keys: Path, expect: int) -> str:
        return self.check(
            expect=expect,
            only=("blob/errors/ping",),
            access_key="",
            secret_key="",
            credentials_file=str(keys),
            profile="ff",
        )

    def test_it_passes_the_kit(self) -> None:
        text = self.check()
        self.assertIn(", 0 failed", text)
        # What is skipped needs files of its own, or a blob that never stays young.
        skipped = [line for line in text.splitlines() if "# SKIP" in line]
        for line in skipped:
            self.assertRegex(line, "no option holds {dir}|lets the time of a young")
        self.assertLessEqual(len(skipped), 6)

    def test_other_keys_are_refused_and_not_shown(self) -> None:
        text = self.check(
            only=("blob/errors/ping",), expect=1, secret_key="another0secret"
        )
        self.assertIn("SignatureDoesNotMatch", text)
        self.assertNotIn("another0secret", text)
        text = self.check(only=("blob/errors/ping",), expect=1, bucket="not-there")
        self.assertIn("NoSuchBucket", text)

    def test_keys_may_stand_in_a_file(self) -> None:
        keys = self.folder / "credentials"
        keys.write_text(
            "[other]\naws_access_key_id = no\naws_secret_access_key = no\n"
            f"[ff]\n# ours\naws_access_key_id = {self.keys['AccessKeyId']}\n"
            f"aws_secret_access_key={self.keys['SecretAccessKey']}\n"
        )
        keys.chmod(0o644)
        text = self.check_file(keys, 1)
        self.assertIn("chmod 600", text)
        keys.chmod(0o600)
        self.check_file(keys, 0)

    def test_tls_is_for_whom_it_can_verify(self) -> None:
        tls = Tls(self.folder, self.port)
        there = f"https://localhost:{tls.port}"
        text = self.check(only=("blob/errors/ping",), expect=1, endpoint=there)
        self.assertIn("certificate", text)
        known = str(tls.ca)
        self.check(only=("blob/errors/ping",), endpoint=there, ca_file=known)
        other = f"https://127.0.0.1:{tls.port}"
        text = self.check(
            only=("blob/errors/ping",), expect=1, endpoint=other, ca_file=known
        )
        self.assertIn("certificate", text)


if __name__ == "__main__":
    enter()
    unittest.main()
