"""A server of core/http as a process, and raw bytes to and from it."""

import json
import os
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

BIN = Path(os.environ["FLOWFORGE_BIN"])
PATIENCE_S = 60


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and a certificate of its own for localhost; `name` is its subject."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


class Site:
    """The program ff-http-site with these options; TLS if `tls` is asked for."""

    def __init__(self, *, tls: bool = False, **options: object) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.dir = Path(self.folder.name)
        self.tls = tls
        if tls:
            self.certificate, self.key = make_certificate(self.dir, "site")
            options |= {"certificate": self.certificate, "key": self.key}
        self.process = subprocess.Popen(
            [BIN / "ff-http-site", *(f"{k}={v}" for k, v in options.items())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, rest = self._line().split(" ", 1)
        self.refusal = rest if word == "refused" else ""
        self.port = int(rest) if word == "port" else 0

    def __enter__(self) -> "Site":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.folder.cleanup()
        # A sanitizer speaks by the exit code.
        if code != (1 if self.refusal else 0) and kind is None:
            raise AssertionError(f"ff-http-site ended with {code}")

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, command: str) -> str:
        """The line that the program answers with."""
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._line()

    def counts(self) -> dict[str, int]:
        out: dict[str, int] = json.loads(self.tell("counts"))
        return out

    def wait_for(self, name: str, value: int) -> None:
        """Until a count is `value`; each question is a turn of the server's loop."""
        for _ in range(200_000):
            if self.counts()[name] == value:
                return
        raise AssertionError(f"{name} is {self.counts()[name]} and not {value}")

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Of a client who trusts the site's certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def connect(self, alpn: list[str] | None = None) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        if not self.tls:
            return plain
        context = self.context()
        if alpn:
            context.set_alpn_protocols(alpn)
        return context.wrap_socket(plain, server_hostname="localhost")

    def curl(self, *args: str) -> subprocess.CompletedProcess[bytes]:
        trust = ["--cacert", str(self.certificate)] if self.tls else []
        return subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "-m", str(PATIENCE_S), *trust, *args],
            capture_output=True,
            check=False,
        )


def read_all(sock: socket.socket) -> bytes:
    """Up to the end, or to a reset."""
    out = b""
    try:
        while chunk := sock.recv(65536):
            out += chunk
    except (ConnectionError, ssl.SSLError):
        pass
    return out


def status_of(answer: bytes) -> int:
    """Of an answer's first line; 0: there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
