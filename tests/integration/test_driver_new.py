#!/usr/bin/python3
"""`flowforge driver new`: the beginnings of drivers of all four kinds build against the
installed headers, pass the conformance kit, carry a run, and say what is left to do."""
# ctest: timeout=300

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from ff_cli import BIN, SOURCE, CliTest

BUILD = Path(os.environ.get("FLOWFORGE_BUILD") or SOURCE / "build/release")
LIB = Path(os.environ.get("FLOWFORGE_LIB") or SOURCE / "build/lib/flowforge")

FLOW = """flowforge: 1
name: trial
tasks:
  a:
    run: 'echo to stdout; echo to stderr >&2; printf 7 > "$FF_OUT/n"'
    outputs: {n: {from: file}}
  b:
    needs: [a]
    env: {N: "${{ tasks.a.outputs.n }}"}
    run: 'echo "n is $N"'
  c: {needs: [b], run: 'exit 3'}
"""


class DriverNew(CliTest):
    said: str  # by `driver new`

    def setUp(self) -> None:
        super().setUp()
        self.prefix = self.folder / "ff"
        install = ["cmake", "--install", str(BUILD), "--component", "sdk"]
        subprocess.run(
            [*install, "--prefix", str(self.prefix)], check=True, capture_output=True
        )

    def shell(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=self.folder, capture_output=True, text=True, env=self.env
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def make(self, kind: str, name: str = "my-own") -> Path:
        """A new driver, built as its author would: without a warning."""
        out = self.call("driver", "new", kind, name).out
        folder = f"{kind}-{name}"
        self.assertIn(f"cmake -S {folder} -B {folder}/build", out)
        self.said = out
        flags = "-O2 -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion"
        self.shell(
            *("cmake", "-S", folder, "-B", f"{folder}/build"),
            *(f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_C_FLAGS={flags}"),
        )
        self.shell("cmake", "--build", f"{folder}/build")
        text = "".join(p.read_text() for p in (self.folder / folder).glob("*.*"))
        self.assertIn("TODO", text)
        self.assertNotIn("sample", text.lower())
        return self.folder / folder / "build" / f"{folder}.so"

    def check(self, so: Path, *options: str) -> None:
        """The kit has against it what it says itself, in brackets, and nothing else.
        With these options: those that the author is told to begin with."""
        words = ("flowforge driver check", str(so.relative_to(self.folder)), *options)
        self.assertIn(f"  {' '.join(words)}\n", self.said)
        done = self.call("driver", "check", str(so), *options, expect=None)
        sources = so.parent.parent.glob("*.c")
        admitted = [
            pattern
            for source in sources
            for pattern in re.findall(r"\[(\w+/[\w/-]+)\]", source.read_text())
        ]
        failed = re.findall(r"^not ok \d+ - (\S+)", done.out, re.M)
        self.assertGreater(len(re.findall(r"^ok \d+ - ", done.out, re.M)), 5)
        for name in failed:
            self.assertTrue(name.startswith(tuple(admitted)), done.out + done.err)
        for start in admitted:
            self.assertTrue(any(f.startswith(start) for f in failed), f"{start}: done")

    def run_with(self, kind: str, so: Path, *settings: str) -> None:
        """A run that fails in its last task, as it should, with this driver."""
        drivers = self.folder / "drivers"
        drivers.mkdir()
        for file in LIB.iterdir():
            shutil.copy2(file, drivers)
        shutil.copy2(so, drivers)
        flow = self.file("flow.yaml", FLOW)
        words = [f"engine.driver_dir={drivers}", f"engine.{kind}={so.stem}", *settings]
        set_them = [word for w in words for word in ("--set", w)]
        out = self.call("run", flow, *set_them, expect=1).out
        for part in ("a succeeded", "b succeeded", "c failed", "exit code 3"):
            self.assertIn(part, out)
        logs = "".join(p.read_text() for p in sorted(self.data.rglob("*.log")))
        self.assertRegex(logs, r"stdout F n is 7\n")
        self.assertRegex(logs, r"stderr F to stderr\n")

    def test_a_store(self) -> None:
        so = self.make("store")
        self.check(so, "-o", "name={unique}")
        self.run_with("store", so)

    def test_a_queue(self) -> None:
        so = self.make("queue")
        self.check(so)
        self.run_with("queue", so)

    def test_a_runtime(self) -> None:
        so = self.make("runtime")
        self.check(so, "-o", "dir={dir}/attempts")
        self.run_with("runtime", so, f"runtime-my-own.dir={self.folder}/attempts")

    def test_an_auth_driver(self) -> None:
        so = self.make("auth")
        credential = "0123456789abcdef"
        self.check(so, "-o", f"token={credential}", "--accept", credential)
        shown = self.call("driver", "show", str(so)).out
        self.assertIn("section:  auth-my-own", shown)
        self.assertRegex(shown, r"token +text, secret +required")

    def test_the_name_stands_where_it_belongs(self) -> None:
        self.call("driver", "new", "queue", "nats-2", "--dir", "elsewhere")
        names = {p.name for p in (self.folder / "elsewhere").iterdir()}
        self.assertIn("queue_nats_2.c", names)
        text = (self.folder / "elsewhere/queue_nats_2.c").read_text()
        self.assertIn('.name = "nats-2"', text)
        self.assertIn("FLOWFORGE_QUEUE_NATS_2_", text)

    def test_what_is_there_is_not_overwritten(self) -> None:
        self.call("driver", "new", "auth", "x")
        before = (self.folder / "auth-x/auth_x.c").read_text()
        done = self.call("driver", "new", "auth", "x", expect=2)
        self.assertIn("auth-x is there already", done.err)
        self.assertEqual(before, (self.folder / "auth-x/auth_x.c").read_text())

    def test_wrong_kinds_and_names_are_refused(self) -> None:
        for words, sentence in (
            (("stor", "x"), "did you mean store?"),
            (("store", "My_Own"), "small letters, digits and dashes"),
            (("store", "../x"), "small letters, digits and dashes"),
            (("store", "a" * 41), "at most 40"),
        ):
            done = self.call("driver", "new", *words, expect=2)
            self.assertIn(sentence, done.err)

    def test_the_installed_templates_are_found(self) -> None:
        """Without the source tree, from an installed program."""
        bin_dir = self.prefix / "bin"
        bin_dir.mkdir(exist_ok=True)
        shutil.copy2(BIN / "flowforge", bin_dir)
        (self.prefix / "lib/flowforge").mkdir(parents=True, exist_ok=True)
        program = str(bin_dir / "flowforge")
        self.shell(program, "driver", "new", "store", "far")
        self.assertTrue((self.folder / "store-far/store_far.c").is_file())
        shutil.rmtree(self.prefix / "share/flowforge")
        done = subprocess.run(
            [program, "driver", "new", "store", "gone"],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
        )
        self.assertEqual(4, done.returncode)
        self.assertIn("templates are not installed", done.stderr)


if __name__ == "__main__":
    unittest.main()
