"""The engine and the flow reader reach no clock, and one that did would be seen."""

import shutil
import subprocess
import unittest

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

    def test_random_files_threads_and_environment_are_caught(self) -> None:
        for name in ("getrandom", "open", "pthread_create", "getenv", "write", "rand"):
            self.build(
                "engine", f"int {name}(void); int e(void) {{ return {name}(); }}"
            )
            self.assert_caught(f"reaches {name}", "check-pure", self.root, self.root)


if __name__ == "__main__":
    unittest.main()
