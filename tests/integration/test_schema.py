#!/usr/bin/python3
"""The JSON Schema of workflow files, judged by a validator that is not ours.

Every example is valid, and each key of the reference stands in one; and on many files
with random changes the schema and the reader agree as far as a schema can: what the
schema refuses the reader refuses, and what the reader refuses as unknown or
unsupported the schema refuses. FF_SEED repeats a run, FF_CASES sets its length. Without
a network and without the validator it is skipped.
"""

# ctest: timeout=300

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from example_keys import keys_without_example

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE", Path(__file__).parents[2]))
BIN = Path(os.environ.get("FLOWFORGE_BIN", SOURCE / "build/bin"))
FULL = BIN / "flowforge"
PROGRAM = FULL if FULL.exists() else BIN / "ff-flow-spec"
NEEDED = ["jsonschema==4.26.0", "PyYAML==6.0.3"]
SKIPPED = 77


def enter_venv() -> None:
    """Runs again in an environment that has the validator; made once."""
    venv = SOURCE / "build/venv-schema"
    python = venv / "bin/python"
    if Path(sys.prefix) == venv:
        return
    if not (venv / "done").exists():
        pip = [str(python), "-m", "pip", "-q", "--disable-pip-version-check", "install"]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
            subprocess.run([*pip, *NEEDED], check=True)
        except subprocess.CalledProcessError:
            print("schema: jsonschema cannot be installed here")
            sys.exit(SKIPPED)
        (venv / "done").touch()
    os.execv(python, [str(python), *sys.argv])


def core_schema_loader() -> Any:
    """PyYAML reads YAML 1.1; this one knows the scalars of YAML 1.2's core schema."""
    import yaml  # type: ignore[import]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str, Any] = {}

    for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+", list("-+0123456789")),
        (
            "float",
            r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
            list("-+.0123456789"),
        ),
    ):
        Loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first
        )
    return Loader


GOOD = """
flowforge: 1
name: good
description: yes
inputs:
  day: string
  n: {type: integer, default: 3, min: 1, max: 5}
  mode: {enum: [fast, slow], default: fast, pattern: '[a-z]+', required: false}
env: {A: x, V: 1.10, R: "${{ run.id }}"}
defaults: {retry: {delay: 1s}, timeout: 5m, env: {D: d}, grace: 0s, queue: slow}
timeout: 2h
parallelism: 4
tasks:
  extract:
    run: ./extract > "$FF_OUT/path"
    outputs: {path: {from: file}, items: json, log: stdout, r: {from: sdk}}
  work:
    needs: extract
    needs-all: true
    if: tasks.extract.status == 'succeeded'
    foreach: ${{ tasks.extract.outputs.items }}
    maxParallel: 8
    fail_fast: false
    env: {I: "${{ item }}"}
    stdin: {a: ["${{ item }}", 1]}
    working_dir: /tmp
    command: [echo, 1.10, true]
    priority: -3
    queue_timeout: PT10M
  load:
    needs: [work, extract]
    if: true
    script: {lang: python, file: a/b.py, interpreter: python3}
    retry: {max_attempts: 4, delay: 2s, max_delay: 1m30s, jitter: 0.5, factor: 2,
            backoff: linear, on: [failed, oom], exit_codes: [1, 75]}
    resources: {cpu: 500m, memory: 64MiB}
  each: {noop: true, foreach: [1, a], resources: {cpu: 0.5, memory: 1048576}}
  code: {script: {code: 'true'}}
on_failure: [{id: page, run: ./page}]
finally: {clean: {run: ./clean}}
outputs: {p: "${{ tasks.extract.outputs.path }}"}
"""

# Refused by both, whatever else changes.
BAD = (
    "flowforge: 1\nname: w\n",
    "flowforge: 2\nname: w\ntasks: {a: {run: x}}\n",
    "flowforge: 1\nname: w\ntasks: {}\n",
    "flowforge: 1\nname: w\ntasks: {a: {}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, noop: true}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, nope: 1}}\n",
    "flowforge: 1\nname: w\ntasks: {a-b: {run: x}}\n",
    "flowforge: 1\nname: w\ntasks: [{run: x}]\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: 'echo ${{ inputs.x }}'}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, timeout: 30}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, timeout: 30 s}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, needs: [b, b]}, b: {run: x}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, env: {FF_A: x}}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, outputs: {o: nope}}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, retry: {max_attempts: 0}}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {command: x}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {script: {code: x, file: y}}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {script: {file: ../y}}}\n",
    "flowforge: 1\nname: w\ntasks: {a: {run: x, approve: {}}}\n",
    "flowforge: 1\nname: w\ntriggers: {crn: []}\ntasks: {a: {run: x}}\n",
)

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3.5, 10**6, "", "x", "30s", "a b", "500m", "1GiB"),
    *("${{ 1 }}", "true", "fast", "stdout", "sh", "../x", "/x", "P1D", "ÄÖ"),
    *([], [1], ["a"], {}, {"a": "b"}, {"run": "x"}),
)
KEYS = (
    *("run", "noop", "needs", "env", "retry", "timeout", "type", "from", "id", "code"),
    *("maxParallel", "max_parallel", "zzz", "A-b", "FF_X", "1x", "approve", "cpu"),
    *("delay", "if", "foreach", "on", "default", "x" * 64),
)


def containers(node: Any) -> list[Any]:
    found = []
    if isinstance(node, (dict, list)) and node:
        found.append(node)
        for child in node.values() if isinstance(node, dict) else node:
            found += containers(child)
    return found


def change(rng: random.Random, document: Any) -> None:
    """One change in some map or list."""
    node = rng.choice(containers(document))
    value = json.loads(json.dumps(rng.choice(VALUES)))
    if isinstance(node, list):
        node[rng.randrange(len(node))] = value
        return
    key = rng.choice(list(node))
    kind = rng.randrange(4)
    if kind == 0:
        node[key] = value
    elif kind == 1:
        node[rng.choice(KEYS)] = value
    elif kind == 2:
        node[rng.choice(KEYS)] = node.pop(key)
    else:
        del node[key]


# Of the folder of a file and of the machine, not of its text.
AROUND = {"FF037", "FF091"}


def codes_of(files: list[Path]) -> dict[str, set[str]]:
    """The codes of the reader's problems, by file; none for a good one."""
    result = subprocess.run(
        [PROGRAM, "validate", *files], capture_output=True, text=True, check=False
    )
    assert result.returncode in (0, 1, 2, 3, 4, 65), result
    found: dict[str, set[str]] = {str(f): set() for f in files}
    for text in (result.stdout + result.stderr).splitlines():
        match = re.match(r"(.*?\.(?:yaml|json)):\d+:\d+: .*?\b(FF\d{3})\b", text)
        if match and match.group(2) not in AROUND:
            found[match.group(1)].add(match.group(2))
    return found


def example_paths() -> list[Path]:
    return [
        path
        for path in sorted((SOURCE / "examples").rglob("*.y*ml"))
        if ".test." not in path.name  # what tests a workflow, see flowforge test
    ]


def check_keys(loader: Any) -> int:
    import yaml

    reference = SOURCE / "docs/workflow-reference.md"
    documents = [yaml.load(p.read_text(), loader) for p in example_paths()]
    missing = keys_without_example(reference, documents)
    for key in missing:
        print(f"examples/ has no file with this key of the reference: {key}")
    without = [d for d in documents if d["name"] != "http"]
    assert "http: url" in keys_without_example(reference, without)
    return len(missing)


def check_files(validator: Any, loader: Any, folder: Path) -> int:
    import yaml

    examples = example_paths()
    good = folder / "good.yaml"
    good.write_text(GOOD)
    wrong = 0
    for file, codes in codes_of([good, *examples]).items():
        try:
            document = yaml.load(Path(file).read_text(), loader)
            errors = [e.message for e in validator.iter_errors(document)]
        except yaml.YAMLError as error:
            errors = [str(error)]
        if codes or errors:
            print(f"{file} should be good: {sorted(codes)} {errors[:3]}")
            wrong += 1
    for i, text in enumerate(BAD):
        bad = folder / f"bad{i}.yaml"
        bad.write_text(text)
        codes = codes_of([bad])[str(bad)]
        if not codes or validator.is_valid(yaml.load(text, loader)):
            print(f"should be refused by both, the reader says {codes}:\n{text}")
            wrong += 1
    print(f"schema: {len(examples)} examples, {len(BAD)} wrong files")
    return wrong


# What a schema refuses whenever the reader does.
SHARED = {"FF010", "FF016", "FF018"}


def check_changes(validator: Any, loader: Any, folder: Path) -> int:
    import yaml

    seed = int(os.environ.get("FF_SEED", "20260807"))
    n_cases = int(os.environ.get("FF_CASES", "600"))
    rng = random.Random(seed)
    files: list[Path] = []
    valid: list[bool] = []
    for i in range(n_cases):
        document = yaml.load(GOOD, loader)
        for _ in range(rng.randint(1, 2)):
            change(rng, document)
        files.append(folder / f"{i}.json")
        files[-1].write_text(json.dumps(document, ensure_ascii=False))
        valid.append(validator.is_valid(document))
    wrong = 0
    for (file, codes), schema_says in zip(codes_of(files).items(), valid, strict=True):
        if (not schema_says and not codes) or (schema_says and codes & SHARED):
            print(f"FF_SEED={seed}: schema {schema_says}, reader {sorted(codes)}:")
            print(Path(file).read_text())
            wrong += 1
    print(f"schema: {n_cases} changed files, {sum(valid)} valid, FF_SEED={seed}")
    return wrong


def main() -> int:
    enter_venv()
    import jsonschema  # type: ignore[import]

    text = subprocess.run(
        [PROGRAM, "schema"], capture_output=True, text=True, check=True
    ).stdout
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    loader = core_schema_loader()
    with tempfile.TemporaryDirectory() as name:
        wrong = check_keys(loader)
        wrong += check_files(validator, loader, Path(name))
        wrong += check_changes(validator, loader, Path(name))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
