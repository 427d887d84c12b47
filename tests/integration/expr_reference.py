"""The reference for expressions: CEL's C++ implementation and its conformance cases.

Both come from PyPI: the wheel cel-expr-python is cel-cpp with a Python face, and the
source package of cel-python carries the textproto files of cel-spec. They are installed
once into build/expr-venv, and the calling script is run again with that interpreter.
"""

import fcntl
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

WHEELS = ["cel-expr-python==0.1.3", "hatchling==1.27.0"]
CASES = "cel-python==0.5.0"
SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE", Path(__file__).resolve().parents[2]))
HOME = SOURCE / "build" / "expr-venv"


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")


def install() -> None:
    """Makes HOME, unless it is there. Debian splits venv off, so it may be missing."""
    if (
        subprocess.run(
            ["/usr/bin/python3", "-m", "ensurepip", "--version"], capture_output=True
        ).returncode
        != 0
    ):
        run("apt-get", "install", "-y", "python3-venv")
    run("/usr/bin/python3", "-m", "venv", "--clear", HOME)
    pip: list[str | Path] = [HOME / "bin/pip", "-q", "--disable-pip-version-check"]
    run(*pip, "install", *WHEELS)
    # pip reads a source package's metadata with its build backend, which is hatchling;
    # without isolation it does not install that a second time.
    run(
        *pip,
        "download",
        "--no-deps",
        "--no-build-isolation",
        "--no-binary",
        ":all:",
        "-d",
        HOME / "sdist",
        CASES,
    )
    for archive in (HOME / "sdist").glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                if member.name.endswith(".textproto") and member.isfile():
                    content = tar.extractfile(member)
                    assert content
                    (HOME / Path(member.name).name).write_bytes(content.read())
    (HOME / "ready").touch()


def enter() -> None:
    """Goes on in the interpreter that has the reference."""
    if sys.prefix == str(HOME):
        return
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "expr-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "ready").exists():
            install()
    python = str(HOME / "bin/python")
    os.execv(python, [python, *sys.argv])


class Failed:
    """What stands for an error in place of a value."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"error: {self.message}"


class TypeName(str):
    """A type as a value; ours are strings."""


class Reference:
    """Evaluates with cel-cpp, without its static type check, as ours does."""

    def __init__(self, names: list[str]) -> None:
        from cel_expr_python import cel  # type: ignore[import]
        from cel_expr_python.ext import ext_math, ext_strings  # type: ignore[import]

        self.cel = cel
        extensions = [ext_strings.ExtStrings(), ext_math.ExtMath()]
        variables = {name: cel.Type.DYN for name in names}
        self.env = cel.NewEnv(variables=variables, extensions=extensions)

    def plain(self, value: Any) -> Any:
        if isinstance(value, self.cel.Type):
            return TypeName(value.name())
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        if isinstance(value, dict):
            return {key: self.plain(item) for key, item in value.items()}
        return value

    def eval(self, text: str, variables: dict[str, Any]) -> Any:
        try:
            value = self.env.compile(text, disable_check=True).eval(data=variables)
        except Exception as error:  # the wheel raises plain RuntimeError and others
            return Failed(str(error).split("\n")[0])
        if value.type().name() == "*error*" or value.type() == self.cel.Type.ERROR:
            return Failed(str(value.value()))
        return self.plain(value.plain_value())
