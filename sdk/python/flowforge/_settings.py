"""What the environment of a task says."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from ._ticket import is_ticket

FLUSH_TIMEOUT = 5.0
FLUSH_TIMEOUT_MAX = 300.0
SPOOL_NAME = ".flowforge-spool.jsonl"


class Endpoint(NamedTuple):
    """Where a server listens: a unix socket, or a host and a port."""

    url: str
    unix_path: str
    host: str
    port: int
    tls: bool
    prefix: str  # of every path, without a slash at its end


class Settings(NamedTuple):
    api: Optional[Endpoint]  # None: outside FlowForge
    logs: Optional[Endpoint]
    token: str  # or a start ticket
    token_file: str
    attempt_id: str
    out_dir: str  # "": there is none
    flush_timeout: float  # seconds, at the end of the process

    @property
    def spool_path(self) -> str:
        return str(Path(self.out_dir) / SPOOL_NAME) if self.out_dir else ""


def parse_endpoint(url: str) -> Optional[Endpoint]:
    """None where the text is no endpoint."""
    if url.startswith("unix://"):
        path = url[len("unix://") :]
        return Endpoint(url, path, "localhost", 0, False, "") if path else None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    tls = parts.scheme == "https"
    default = 443 if tls else 80
    prefix = parts.path.rstrip("/")
    return Endpoint(url, "", parts.hostname, port or default, tls, prefix)


def read_token(path: str) -> str:
    """The token in a file; "" where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return FLUSH_TIMEOUT
    return seconds if 0 <= seconds <= FLUSH_TIMEOUT_MAX else FLUSH_TIMEOUT


def read_settings(environ: Mapping[str, str]) -> Settings:
    api = parse_endpoint(environ.get("FLOWFORGE_API_ENDPOINT", ""))
    logs = parse_endpoint(environ.get("FLOWFORGE_LOG_ENDPOINT", ""))
    token_file = environ.get("FLOWFORGE_AUTH_TOKEN_FILE", "")
    token = environ.get("FLOWFORGE_AUTH_TOKEN", "").strip()
    if token_file and (not token or is_ticket(token)):
        token = read_token(token_file) or token
    return Settings(
        api=api,
        logs=logs or api,
        token=token,
        token_file=token_file,
        attempt_id=environ.get("FLOWFORGE_ATTEMPT_ID", ""),
        out_dir=environ.get("FF_OUT", ""),
        flush_timeout=_seconds(environ.get("FLOWFORGE_FLUSH_TIMEOUT", "")),
    )
