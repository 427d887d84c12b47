#!/usr/bin/python3
"""Runs the Python SDK's own tests."""
# ctest: timeout=600

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])


def main() -> int:
    command = [sys.executable, "-m", "unittest", "discover", "-t", ".", "-s", "tests"]
    return subprocess.run(command, cwd=SOURCE / "sdk/python").returncode


if __name__ == "__main__":
    sys.exit(main())
