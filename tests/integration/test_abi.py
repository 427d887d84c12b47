#!/usr/bin/python3
"""The driver ABI stays what it was: today's headers against the frozen copy in
tests/abi, drivers compiled against that copy and against an older one, and what each
driver that we ship exports. The judges are shown wrong headers, too."""
# ctest: timeout=300

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
BIN = Path(os.environ.get("FLOWFORGE_BIN") or SOURCE / "build/bin")
LIB = Path(os.environ.get("FLOWFORGE_LIB") or SOURCE / "build/lib/flowforge")
ABI = SOURCE / "tests/abi"
FROZEN = ABI / "1.0-rc"
HEADERS = SOURCE / "sdk/driver/include"

sys.path.insert(0, str(ABI))
from layout import Abi, differences  # noqa: E402

# What abidiff's status tells: bits 0 and 1 are mistakes in its use.
ABIDIFF_FAILED = 3


def compile_witness(headers: Path, folder: Path) -> Path:
    out = Path(tempfile.mkdtemp(dir=folder)) / "witness.so"
    words = ["gcc", "-std=c11", "-g", "-O0", "-fPIC", "-shared", f"-I{headers}"]
    subprocess.run([*words, "-o", out, ABI / "witness.c"], check=True)
    return out


class HeaderTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="ff-abi-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def changed(self, headers: Path, file: str, old: str, new: str) -> Path:
        """A copy of the headers in which the text was replaced, once."""
        copy = Path(tempfile.mkdtemp(dir=self.folder)) / "include"
        shutil.copytree(headers, copy)
        path = copy / "flowforge" / file
        text = path.read_text()
        self.assertEqual(1, text.count(old), f"{file} has not one {old!r}")
        path.write_text(text.replace(old, new))
        return copy


class Witness(HeaderTest):
    """Today's headers, and some wrong ones, beside the frozen copy."""

    common: "tempfile.TemporaryDirectory[str]"
    old: Path
    old_abi: Abi

    @classmethod
    def setUpClass(cls) -> None:
        cls.common = tempfile.TemporaryDirectory(prefix="ff-abi-")
        cls.old = compile_witness(FROZEN, Path(cls.common.name))
        cls.old_abi = Abi(cls.old)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.common.cleanup()

    def told(self, headers: Path) -> tuple[int, list[str], str]:
        """What abidiff and our own comparison say."""
        new = compile_witness(headers, self.folder)
        rules = ABI / "growing.suppr"
        done = subprocess.run(
            ["abidiff", "--suppressions", rules, self.old, new],
            capture_output=True,
            text=True,
        )
        self.assertFalse(done.returncode & ABIDIFF_FAILED, done.stdout + done.stderr)
        return done.returncode, differences(self.old_abi, Abi(new)), done.stdout

    def passes(self, headers: Path) -> None:
        code, wrong, out = self.told(headers)
        self.assertEqual([], wrong)
        self.assertEqual(0, code, out)

    def fails(self, file: str, old: str, new: str, sentence: str) -> int:
        """Ours must say so; abidiff's verdict is given back."""
        code, wrong, _ = self.told(self.changed(FROZEN, file, old, new))
        self.assertIn(sentence, "\n".join(wrong))
        return code

    def test_todays_headers_break_no_driver(self) -> None:
        self.passes(HEADERS)

    def test_every_type_of_the_headers_is_looked_at(self) -> None:
        text = "".join(p.read_text() for p in (HEADERS / "flowforge").glob("*.h"))
        seen = Abi(compile_witness(HEADERS, self.folder))
        structs = set(re.findall(r"^struct (\w+) \{", text, re.M))
        enums = set(re.findall(r"^enum (\w+) \{", text, re.M))
        self.assertGreater(len(structs), 15)
        self.assertEqual(set(), structs - set(seen.structs))
        self.assertEqual(set(), enums - set(seen.enums))
        witness = (ABI / "witness.c").read_text()
        for name in re.findall(r"^typedef .*?\b(\w+)\(", text, re.M):
            self.assertIn(name, witness)

    def test_the_frozen_copy_has_all_headers(self) -> None:
        frozen = {p.name for p in (FROZEN / "flowforge").glob("*.h")}
        self.assertEqual(frozen, {p.name for p in (HEADERS / "flowforge").glob("*.h")})

    def test_a_function_or_field_at_the_end_passes(self) -> None:
        for file, end, more in (
            (
                "auth.h",
                "(*ready)(void *auth, struct ff_err *err);",
                "int (*x)(void);",
            ),
            ("host.h", "    const struct ff_next *next;", "int64_t x;"),
            ("driver.h", "    uint64_t adds;", "const char *x;"),
            ("runtime.h", "    uint64_t log_dropped;", "int64_t x;"),
        ):
            copy = self.changed(FROZEN, file, end, f"{end} {more}")
            self.passes(copy)

    def test_a_new_error_code_passes(self) -> None:
        self.passes(
            self.changed(FROZEN, "base.h", "FF_FATAL = 14", "FF_FATAL = 14, FF_X")
        )

    def test_a_function_in_between_fails(self) -> None:
        slot = "    int (*ping)(void *store, struct ff_err *err);"
        code = self.fails(
            "store.h", slot, f"    int (*x)(void);\n{slot}", "was ('ping', 384"
        )
        self.assertNotEqual(0, code)

    def test_two_functions_swapped_fail(self) -> None:
        text = (FROZEN / "flowforge/queue.h").read_text()
        match = re.search(r"    void \(\*ack\).*?;\n", text)
        assert match
        # To abidiff this is a table that grew at its end, too.
        self.fails(
            "queue.h",
            text[match.start() : text.index("    /* Deliver messages of")],
            text[match.end() : text.index("    /* Deliver messages of")] + match[0],
            "struct ff_queue_ops: was ('ack'",
        )

    def test_a_function_gone_fails(self) -> None:
        ending = "(*ready)(void *auth, struct ff_err *err);"
        self.fails("auth.h", f"    int {ending}", "", "struct ff_auth_ops has lost")

    def test_a_field_moved_to_the_end_fails(self) -> None:
        # Here abidiff sees an end that grew.
        text = (FROZEN / "flowforge/auth.h").read_text()
        start = text.index("    const char *subject;")
        fields = text[start : text.index("};", start)]
        moved = fields.replace("    const char *subject;\n", "")
        moved += "    const char *subject;\n"
        self.fails("auth.h", fields, moved, "struct ff_principal: was ('subject'")

    def test_a_changed_type_fails(self) -> None:
        for file, old, new in (
            ("auth.h", "    int64_t expires_us;", "    uint64_t expires_us;"),
            ("base.h", "    int32_t sys;", "    int64_t sys;"),
            ("store.h", "(*now)(void *store, int64_t *", "(*now)(void *store, void *"),
            ("runtime.h", "int ff_bytes_fn(void *", "void ff_bytes_fn(void *"),
        ):
            copy = self.changed(FROZEN, file, old, new)
            self.assertNotEqual([], self.told(copy)[1], f"{file}: {new}")

    def test_a_changed_number_fails(self) -> None:
        code = self.fails("base.h", "FF_FULL = 13", "FF_FULL = 15", "FF_FULL was 13")
        self.assertNotEqual(0, code)
        self.fails(
            "store.h", "INT64_C(-1)", "INT64_C(-2)", "WITNESS_ANY_VERSION was -1"
        )
        self.fails("driver.h", "0x31524446", "0x32524446", "WITNESS_MAGIC was ")

    def test_what_stands_in_arrays_may_not_grow(self) -> None:
        for file, old in (
            ("store.h", "    size_t len;\n"),
            ("queue.h", "    int64_t not_before_us;"),
            ("base.h", "    char msg[248];"),
        ):
            copy = self.changed(FROZEN, file, old, f"{old} int64_t x;\n")
            self.assertNotEqual([], self.told(copy)[1], file)


# Fields and functions that were not there when the oldest drivers were written.
YOUNG = (
    ("host.h", r"\n    /\* To a filter.*?\*next;"),
    ("driver.h", r"\n    uint32_t flags;\s+/\* enum ff_driver_flags.*?(?=\};)"),
    ("store.h", r"    /\* Optional\. Write a consistent copy.*?(?=\};)"),
    ("runtime.h", r"    /\* Optional, worker thread\. Calls fn.*?(?=\};)"),
    ("auth.h", r"    /\* Optional: fetch keys.*?(?=\};)"),
)


class OldDrivers(HeaderTest):
    """Drivers compiled against headers of then are loaded and used by today's core."""

    def older(self) -> Path:
        copy = self.folder / "older"
        shutil.copytree(FROZEN, copy)
        for file, young in YOUNG:
            path = copy / "flowforge" / file
            text, n = re.subn(young, "", path.read_text(), flags=re.S)
            self.assertEqual(1, n, f"{file}: {young}")
            path.write_text(text)
        return copy

    def compile(self, headers: Path, name: str, sources: list[Path]) -> Path:
        drivers = self.folder / "drivers"
        drivers.mkdir(exist_ok=True)
        out = drivers / f"{name}.so"
        script = SOURCE / "sdk/driver/driver.map"
        words = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-pthread"]
        names = ['-DFLOWFORGE_VERSION="0.0"', '-DDRIVER_VERSION="0.0"']
        subprocess.run(
            ["cc", *words, *names, f"-I{headers}", "-Wl,-z,defs"]
            + [f"-Wl,--version-script={script}", "-o", str(out), *map(str, sources)],
            check=True,
        )
        out.chmod(0o644)
        return out

    def run_flow(self, *settings: str) -> None:
        flow = self.folder / "flow.yaml"
        flow.write_text("flowforge: 1\nname: old\ntasks:\n  a: {run: 'true'}\n")
        words = [word for s in settings for word in ("--set", s)]
        env = {k: v for k, v in os.environ.items() if not k.startswith("FLOWFORGE")}
        done = subprocess.run(
            [
                BIN / "flowforge",
                "run",
                flow,
                *words,
                "--data-dir",
                self.folder / "data",
            ],
            capture_output=True,
            text=True,
            env={**env, "HOME": str(self.folder)},
            timeout=100,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("run succeeded", done.stdout)

    def source_of_then(self, headers: Path, name: str) -> Path:
        """A driver of now without the functions that these headers do not know."""
        copy = self.folder / "source" / name
        shutil.copytree(SOURCE / "plugins" / name, copy)
        if "(*info)" not in (headers / "flowforge/store.h").read_text():
            for file in copy.glob("*.c"):
                file.write_text(re.sub(r"\n    \.info = \w+,", "", file.read_text()))
        return copy

    def use(self, headers: Path, *, filters: bool) -> None:
        """A run on a store and a queue of then, with or without a filter of then."""
        for name in ("store-memory", "queue-memory"):
            folder = self.source_of_then(headers, name)
            self.compile(headers, name, sorted(folder.glob("*.c")))
        sample = SOURCE / "sdk/driver/templates/auth/auth_sample.c"
        so = self.compile(headers, "auth-sample", [sample])
        self.assertIn(
            "name:     sample",
            subprocess.run(
                [BIN / "flowforge", "driver", "show", so],
                capture_output=True,
                text=True,
                check=True,
            ).stdout,
        )
        for file in (*LIB.glob("runtime-local.so"), LIB / "flowforge-supervisor"):
            shutil.copy2(file, self.folder / "drivers")
        chain = []
        if filters:
            common = sorted((SOURCE / "plugins/common/filter").glob("*.c"))
            source = SOURCE / "plugins/store-trace/store_trace.c"
            self.compile(headers, "store-trace", [source, *common])
            chain.append("engine.store_filters=store-trace")
        self.run_flow(
            f"engine.driver_dir={self.folder}/drivers",
            "engine.store=store-memory",
            *chain,
        )

    def test_drivers_of_the_frozen_headers_are_used(self) -> None:
        self.use(FROZEN, filters=True)

    def test_drivers_with_smaller_tables_are_used(self) -> None:
        self.use(self.older(), filters=False)


class Symbols(unittest.TestCase):
    def names(self, so: Path, which: str) -> list[str]:
        done = subprocess.run(
            ["nm", "-D", which, so], capture_output=True, text=True, check=True
        )
        return [line.split()[-1] for line in done.stdout.splitlines()]

    def test_each_driver_exports_one_symbol_and_takes_none_of_ours(self) -> None:
        drivers = sorted(LIB.glob("*.so"))
        self.assertGreater(len(drivers), 5)
        for so in drivers:
            self.assertEqual(["ff_driver_entry"], self.names(so, "--defined-only"), so)
            ours = [
                n for n in self.names(so, "--undefined-only") if n.startswith("ff_")
            ]
            self.assertEqual([], ours, so)

    def test_a_second_symbol_is_noticed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            so = Path(folder) / "two.so"
            code = "int ff_x(void); int ff_driver_entry(void) { return ff_x(); }"
            words = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(so)]
            subprocess.run(words, input=code, text=True, check=True)
            self.assertIn("ff_x", self.names(so, "--undefined-only"))


if __name__ == "__main__":
    unittest.main()
