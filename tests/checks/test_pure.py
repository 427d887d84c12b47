"""The engine and the flow reader reach no clock, and one that did would be seen."""

# ctest: timeout=600

import os
import shutil
import subprocess
import unittest
from unittest import mock

from planted import BUILD, PlantedTree

TABLE = "ff_room(base 0)\nff_room(engine 3 PURE ROOMS base)\n"
BASE = """#include <stdlib.h>
#include <time.h>
long base_now(void);
long base_twice(long n);
long base_now(void) { return (long)time(NULL); }
long base_twice(long n) { return 2 * n; }
"""


class Pure(PlantedTree):
    def setUp(self) -> None:
        super().setUp()
        self.plant("core/CMakeLists.txt", TABLE)
        self.build("base", BASE)

    def build(self, room: str, text: str) -> None:
        file = self.plant(f"core/{room}/{room}.c", text)
        compiler = shutil.which("gcc") or "cc"
        subprocess.run(
            [compiler, "-c", "-ffunction-sections", "-o", f"{room}.o", str(file)],
            check=True,
            cwd=self.root,
        )
        archive = str(self.root / f"core/libff_{room}.a")
        subprocess.run(["ar", "rc", archive, f"{room}.o"], check=True, cwd=self.root)

    def test_this_tree_is_pure(self) -> None:
        self.assert_passes("check-pure", BUILD)

    def test_a_pure_function_beside_an_impure_one_is_right(self) -> None:
        self.build(
            "engine", "long base_twice(long); long e(void) { return base_twice(1); }"
        )
        self.assert_passes("check-pure", self.root, self.root)

    def test_a_clock_is_caught(self) -> None:
        self.build("engine", "long time(long *); long e(void) { return time(0); }")
        self.assert_caught("engine reaches time", "check-pure", self.root, self.root)

    def test_a_clock_behind_a_lower_room_is_caught(self) -> None:
        self.build("engine", "long base_now(void); long e(void) { return base_now(); }")
        self.assert_caught("base_now", "check-pure", self.root, self.root)

    def test_a_clock_in_a_table_of_functions_is_caught(self) -> None:
        self.build(
            "engine", "long base_now(void); long (*const t[])(void) = {base_now};"
        )
        self.assert_caught("reaches time", "check-pure", self.root, self.root)

    def test_an_archive_that_is_missing_is_not_taken_for_an_impure_room(self) -> None:
        self.build("engine", "long base_twice(long); long (*p)(long) = base_twice;")
        (self.root / "core/libff_base.a").unlink()
        status, text = self.answer("check-pure", self.root, self.root)
        self.assertEqual(status, 2, text)
        self.assertIn("libff_base.a is missing: build it first", text)

    def replaced_while(self, pattern: str) -> tuple[int, str]:
        """libff_base.a is another file once an archive like `pattern` has been read."""
        self.build("engine", "long time(long *); long e(void) { return time(0); }")
        base = self.root / "core/libff_base.a"
        tmp = self.root / "new"
        tool = self.plant(
            "bin/readelf",
            f'#!/bin/sh\n{shutil.which("readelf")} "$@"\n'
            f"case $* in {pattern}) cp {base} {tmp} && mv {tmp} {base} ;; esac\n",
        )
        tool.chmod(0o755)
        path = f"{tool.parent}:{os.environ['PATH']}"
        with mock.patch.dict(os.environ, PATH=path):
            return self.answer("check-pure", self.root, self.root)

    def test_an_archive_that_is_replaced_meanwhile_is_told(self) -> None:
        for pattern in ("*base.a", "*engine.a"):
            status, text = self.replaced_while(pattern)
            self.assertEqual(status, 2, text)
            self.assertIn("libff_base.a is being replaced", text)
            self.assertNotIn("reaches", text)

    def test_random_files_threads_and_environment_are_caught(self) -> None:
        for name in ("getrandom", "open", "pthread_create", "getenv", "write", "rand"):
            self.build(
                "engine", f"int {name}(void); int e(void) {{ return {name}(); }}"
            )
            self.assert_caught(f"reaches {name}", "check-pure", self.root, self.root)


if __name__ == "__main__":
    unittest.main()
