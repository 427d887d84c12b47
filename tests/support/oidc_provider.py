"""A provider of OpenID Connect that others keep (oidc-provider for Node.js), for tests.

It is installed once into build/oidc-provider, as tests/support/oidc/package-lock.json
pins it. Without it the tests that need it fail.
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from auth_cli import b64
from cryptography.hazmat.primitives.asymmetric import ec

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
HOME = SOURCE / "build" / "oidc-provider"
HERE = Path(__file__).parent / "oidc"
CLIENT = "flowforge-cli"


def install() -> None:
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "oidc-provider.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (HOME / "ready").exists():
            return
        HOME.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, HOME)
        quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(["npm", "ci", *quiet], cwd=HOME, check=True)
        (HOME / "ready").touch()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def private_jwk(kid: str) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.private_numbers()
    point = numbers.public_numbers
    return {
        "kty": "EC",
        "crv": "P-256",
        "kid": kid,
        "alg": "ES256",
        "use": "sig",
        "x": b64(point.x.to_bytes(32, "big")),
        "y": b64(point.y.to_bytes(32, "big")),
        "d": b64(numbers.private_value.to_bytes(32, "big")),
    }


class Provider:
    """One that keeps its port when it is started again, perhaps with other keys."""

    def __init__(self, roles: tuple[str, ...] = ("operator",), **more: Any) -> None:
        install()
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.roles = list(roles)
        self.more = more
        self.keys = [private_jwk("first")]
        self.popen: subprocess.Popen[str] | None = None

    def start(self) -> None:
        asked = {
            "port": self.port,
            "issuer": self.issuer,
            "keys": {"keys": self.keys},
            "packages": str(HOME),
            "roles": self.roles,
            **self.more,
        }
        self.popen = subprocess.Popen(
            ["node", str(HERE / "provider.mjs"), json.dumps(asked)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        if not line:
            raise AssertionError("the provider ended at once")

    def kill(self) -> None:
        if self.popen:
            self.popen.kill()
            self.popen.communicate()
            self.popen = None
