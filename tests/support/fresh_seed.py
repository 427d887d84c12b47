"""The seed of tests that draw: others for each commit, and the same for one commit, so
that what is found comes again. FF_SEED chooses one."""

import os
import subprocess
import time
from pathlib import Path


def fresh_seed() -> int:
    given = os.environ.get("FF_SEED")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=7", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return int(done.stdout, 16)
    return time.time_ns() % 1_000_000_007
