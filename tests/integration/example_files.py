"""The workflow files under examples/ and what they say of themselves, in comments:

# expect: succeeded                  the state of the run
# expect-output: name={"a": 1}       one of its outputs
# expect-task: a=skipped b=absent    states of tasks; absent: it has none
# expect-input: name=value           an input that the run is started with
# expect-secret: name=value          a secret that is set before
# expect-server: server.py name      a program beside the file that prints its port: it
#                                    may be asked, and the input is its address
# expect-apply: other.yaml           a file beside it that is applied before
# expect-program: name               a program without which it cannot be run
"""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
BIN = Path(os.environ.get("FLOWFORGE_BIN") or SOURCE / "build/bin")
EXIT_CODES = {"succeeded": 0, "failed": 1, "cancelled": 5}


@dataclasses.dataclass
class Example:
    path: Path
    state: str = ""
    outputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    tasks: dict[str, str] = dataclasses.field(default_factory=dict)
    inputs: list[str] = dataclasses.field(default_factory=list)
    secrets: dict[str, str] = dataclasses.field(default_factory=dict)
    server: str = ""
    applied: list[str] = dataclasses.field(default_factory=list)
    programs: list[str] = dataclasses.field(default_factory=list)

    def read_line(self, line: str) -> None:
        key, _, rest = line.removeprefix("#").strip().partition(": ")
        if key == "expect":
            assert not self.state, f"{self.path}: two states are expected"
            self.state = rest.strip()
        elif key == "expect-output":
            name, _, value = rest.partition("=")
            self.outputs[name] = json.loads(value)
        elif key == "expect-task":
            for pair in rest.split():
                task, _, state = pair.partition("=")
                self.tasks[task] = state
        elif key == "expect-input":
            self.inputs.append(rest.strip())
        elif key == "expect-secret":
            name, _, value = rest.partition("=")
            self.secrets[name] = value
        elif key == "expect-server":
            self.server = rest.strip()
        elif key == "expect-apply":
            self.applied.append(rest.strip())
        elif key == "expect-program":
            self.programs.append(rest.strip())
        else:
            assert not key.startswith("expect"), f"{self.path}: unknown: {line}"

    def missing(self) -> list[str]:
        """The programs that it wants and that are not installed here."""
        return [name for name in self.programs if not shutil.which(name)]


def read_example(path: Path) -> Example:
    example = Example(path)
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            example.read_line(line)
    return example


def all_examples() -> list[Example]:
    paths = sorted(SOURCE.glob("examples/**/*.yaml"))
    return [read_example(p) for p in paths if not p.name.endswith(".test.yaml")]


def flowforge(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return Place(Example(data_dir), data_dir).flowforge(*words)


class Place:
    """A data directory with what an example needs around it."""

    def __init__(self, example: Example, folder: Path) -> None:
        self.example = example
        self.folder = folder
        self.env = dict(os.environ)
        self.inputs = list(example.inputs)

    def flowforge(
        self, *words: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        command = [BIN / "flowforge", "--config", "/dev/null"]
        return subprocess.run(
            [*map(str, command), "--data-dir", str(self.folder), *words],
            input=stdin,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
        )

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        for name, value in self.example.secrets.items():
            done = self.flowforge("secret", "set", name, stdin=value)
            assert done.returncode == 0, done.stderr
        for name in self.example.applied:
            done = self.flowforge("apply", str(self.example.path.parent / name))
            assert done.returncode == 0, done.stderr
        if not self.example.server:
            yield
            return
        program, name = self.example.server.split()
        path = self.example.path.parent / program
        with subprocess.Popen(
            [sys.executable, path, "0"], stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout
                address = f"127.0.0.1:{int(server.stdout.readline())}"
                self.env["FLOWFORGE_ENGINE_HTTP_ALLOW"] = address
                self.inputs.append(f"{name}=http://{address}")
                yield
            finally:
                server.kill()

    def run(self) -> subprocess.CompletedProcess[str]:
        inputs = [word for text in self.inputs for word in ("--input", text)]
        return self.flowforge("run", "-q", str(self.example.path), *inputs)


def check(example: Example) -> list[str]:
    """Runs it; what was not as expected, one sentence each."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(example, Path(folder))
        with place.prepared():
            done = place.run()
        shown = place.flowforge("get", "last", "-o", "json")
        if shown.returncode != 0:
            return [f"there is no run: {done.stderr}{shown.stderr}"]
        logs = place.flowforge("logs", "last").stdout
    run = json.loads(shown.stdout)
    wrong = list(differences(example, run))
    if done.returncode != EXIT_CODES[run["state"]]:
        wrong.append(f"exit code {done.returncode} for a run that {run['state']}")
    found = [name for name, value in example.secrets.items() if value in logs]
    wrong += [f"the secret {name} is in the logs" for name in found]
    return [*wrong, logs[-2000:]] if wrong else []


def differences(example: Example, run: dict[str, Any]) -> Iterator[str]:
    if run["state"] != example.state:
        yield f"it {run['state']}: {run.get('message')}"
    for name, value in example.outputs.items():
        got = (run.get("outputs") or {}).get(name, "nothing")
        if got != value:
            yield f"output {name} is {got!r}, not {value!r}"
    states = {task["task"]: task["state"] for task in run["tasks"]}
    for name, state in example.tasks.items():
        if states.get(name, "absent") != state:
            yield f"task {name}: {states.get(name, 'absent')}, not {state}"
