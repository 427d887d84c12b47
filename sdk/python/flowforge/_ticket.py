"""Start tickets: where others could read the environment of a task, it holds no token
but a ticket, which is exchanged for one once. Who exchanges it names a nonce, and gets
a token again for the same: so a lost answer costs nothing, and the processes of one
attempt share what only they know."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

NONCE_NAME = ".flowforge-nonce"


def is_ticket(token: str) -> bool:
    return token.startswith("fft1.")


def shared_nonce(folder: str) -> str:
    """That of all processes with this folder, $FF_OUT; "": of this one alone."""
    own = secrets.token_urlsafe(32)
    if not folder:
        return own
    path = Path(folder) / NONCE_NAME
    try:
        if not path.exists():
            _offer(path, own)
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return own


def _offer(path: Path, own: str) -> None:
    """It is there whole, or not at all; the first one stays."""
    fd, name = tempfile.mkstemp(dir=str(path.parent), prefix=path.name)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(own)
        with contextlib.suppress(FileExistsError):
            os.link(name, str(path))
    finally:
        Path(name).unlink()
