#!/usr/bin/python3
"""Scripts for bash, zsh and fish complete in the shells themselves; manual pages hold
what --help says, and the linter of mandoc has nothing against them."""
# ctest: timeout=300

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from ff_cli import BIN, CliTest

BUILD = os.environ.get("FLOWFORGE_BUILD", "")


def rendered(page: Path) -> str:
    """As plain text, lines joined, without what mandoc underlines by."""
    text = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=200", str(page)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return " ".join(re.sub(".\b", "", text).split())


class Shells(CliTest):
    shell = ""

    def setUp(self) -> None:
        super().setUp()
        if self.shell and not shutil.which(self.shell):
            self.skipTest(f"there is no {self.shell}")
        (self.folder / "some dir").mkdir()
        self.file("flow.yaml", "")

    def script(self) -> Path:
        path = self.folder / f"script.{self.shell}"
        path.write_text(self.call("completion", self.shell).out)
        return path

    def run_shell(self, *args: str) -> list[str]:
        done = subprocess.run(
            args,
            cwd=self.folder,
            env={**self.env, "PATH": f"{BIN}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def complete(self, *words: str) -> list[str]:
        """What may stand in the place of the last of these words."""
        raise NotImplementedError

    def check_all(self) -> None:
        table = self.call("help", "-o", "json").json()
        named = [c["name"] for c in table["commands"] if not c["hidden"]]
        first = {name.split()[0] for name in named}
        self.assertEqual(set(self.complete("")), first)
        drivers = {n.split()[1] for n in named if n.startswith("driver ")}
        self.assertEqual(set(self.complete("driver", "")), drivers)
        self.assertEqual(self.complete("schedu"), ["schedule"])
        found = self.complete("list", "--")
        for command in table["commands"]:
            if command["name"] == "list":
                for option in command["options"]:
                    self.assertIn("--" + option["name"], found)
        self.assertIn("--data-dir", found)
        self.assertNotIn("--detach", found)
        self.check_values()

    def check_values(self) -> None:
        self.assertEqual(self.complete("list", "--state", "ru"), ["running"])
        self.assertEqual(self.complete("list", "-s", "ru"), ["running"])
        self.assertEqual(self.complete("-o", ""), ["json", "text"])
        # A value is no command: what follows it is.
        self.assertEqual(self.complete("-o", "json", "schedu"), ["schedule"])
        self.assertEqual(self.complete("run", "fl"), ["flow.yaml"])
        self.assertEqual(self.complete("completion", "z"), ["zsh"])


class Bash(Shells):
    shell = "bash"

    def complete(self, *words: str) -> list[str]:
        quoted = " ".join(f"'{w}'" for w in words)
        return sorted(
            self.run_shell(
                "bash",
                "--norc",
                "-c",
                f"source {self.script()}; COMP_WORDS=(flowforge {quoted});"
                f"COMP_CWORD={len(words)}; _flowforge;"
                '(( ${#COMPREPLY[@]} == 0 )) || printf "%s\\n" "${COMPREPLY[@]}"',
            )
        )

    def test_bash_completes_what_the_table_says(self) -> None:
        self.check_all()
        self.assertEqual(self.complete("--data-dir", "so"), ["some dir"])
        # As bash splits --state=ru.
        self.assertEqual(self.complete("list", "--state", "=", "ru"), ["running"])
        self.assertIn("failed", self.complete("list", "--state", "="))
        self.assertEqual(self.complete("get", ""), [])

    def test_bash_calls_it_for_flowforge(self) -> None:
        shown = self.run_shell(
            "bash", "--norc", "-c", f"source {self.script()}; complete -p flowforge"
        )
        self.assertEqual(shown, ["complete -F _flowforge flowforge"])


class Zsh(Shells):
    shell = "zsh"
    # What would draw a menu prints what it was given instead.
    STUBS = (
        'compdef() { compdef_args="$*" };'
        "_describe() { local a=${@[-1]}; local l; for l in ${(P)a}; do "
        'print -r -- "${l%%:*}"; done };'
        "_files() { [[ $1 == -/ ]] && print -rl -- *(/N) || print -rl -- *(N) };"
        "_message() { };"
        'compadd() { shift; print -rl -- "$@" };'
    )

    def complete(self, *words: str) -> list[str]:
        quoted = " ".join(f"'{w}'" for w in words)
        lines = self.run_shell(
            "zsh",
            "-f",
            "-c",
            f"{self.STUBS} source {self.script()};"
            f"words=(flowforge {quoted}); CURRENT={len(words) + 1}; _flowforge",
        )
        return sorted(line for line in lines if line.startswith(words[-1]))

    def test_zsh_completes_what_the_table_says(self) -> None:
        self.check_all()
        self.assertEqual(self.complete("--data-dir", "so"), ["some dir"])

    def test_zsh_loads_it_from_its_path(self) -> None:
        shutil.copy(self.script(), self.folder / "_flowforge")
        lines = self.run_shell(
            "zsh",
            "-f",
            "-c",
            f"{self.STUBS} fpath=({self.folder}); autoload -Uz _flowforge;"
            "words=(flowforge li); CURRENT=2; _flowforge",
        )
        self.assertIn("list", lines)


class Fish(Shells):
    shell = "fish"

    def complete(self, *words: str) -> list[str]:
        typed = " ".join(["flowforge", *words])
        lines = self.run_shell(
            "fish", "-N", "-c", f'source {self.script()}; complete -C "{typed}"'
        )
        return sorted({line.split("\t")[0] for line in lines})

    def test_fish_completes_what_the_table_says(self) -> None:
        self.check_all()
        self.assertEqual(self.complete("--data-dir", "so"), ["some dir/"])


class Pages(CliTest):
    def setUp(self) -> None:
        super().setUp()
        if not shutil.which("mandoc"):
            self.skipTest("there is no mandoc")
        self.call("man", "pages")
        self.pages = self.folder / "pages"

    def test_each_command_has_a_page_with_its_options(self) -> None:
        table = self.call("help", "-o", "json").json()
        wanted = [c for c in table["commands"] if not c["hidden"]]
        names = {f"flowforge-{c['name'].replace(' ', '-')}.1" for c in wanted}
        found = {p.name for p in self.pages.iterdir()}
        self.assertEqual(found, names | {"flowforge.1"})
        overview = rendered(self.pages / "flowforge.1")
        for command in wanted:
            self.assertIn(command["name"], overview)
            self.assertIn(" ".join(command["summary"].split()), overview)
        for code in table["exit_codes"]:
            self.assertIn(code["meaning"], overview)
        for command in wanted[::8]:
            self.check_page(command)

    def check_page(self, command: dict[str, Any]) -> None:
        name = command["name"].replace(" ", "-")
        text = rendered(self.pages / f"flowforge-{name}.1")
        self.assertIn(command["summary"], text)
        for option in command["options"]:
            self.assertIn("--" + option["name"], text)
            self.assertIn(" ".join(option["help"].split()), text)

    def test_the_linter_has_nothing_against_them(self) -> None:
        done = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", *map(str, self.pages.iterdir())],
            capture_output=True,
            text=True,
        )
        # A page has no date: it would differ between two builds of one commit.
        wrong = [li for li in done.stdout.splitlines() if "missing date" not in li]
        self.assertEqual(wrong, [])

    def test_a_folder_that_cannot_be_made_is_named(self) -> None:
        result = self.call("man", "/proc/none/here", expect=74)
        self.assertIn("/proc/none/here", result.err)
        self.assertIn("bash, zsh or fish", self.call("completion", "ksh", expect=2).err)


class Installed(unittest.TestCase):
    @unittest.skipUnless(BUILD, "no build directory is named")
    def test_make_install_puts_pages_and_scripts_where_they_are_looked_for(
        self,
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="ff-manual-") as folder:
            subprocess.run(
                [
                    *("cmake", "--install", BUILD, "--component", "manual"),
                    *("--prefix", folder),
                ],
                check=True,
                capture_output=True,
            )
            share = Path(folder) / "share"
            self.assertIn("FLOWFORGE", (share / "man/man1/flowforge.1").read_text())
            self.assertTrue((share / "man/man1/flowforge-driver-list.1").is_file())
            for path, word in (
                ("bash-completion/completions/flowforge", "complete -F"),
                ("zsh/site-functions/_flowforge", "#compdef flowforge"),
                ("fish/vendor_completions.d/flowforge.fish", "complete -c flowforge"),
            ):
                self.assertIn(word, (share / path).read_text())


if __name__ == "__main__":
    unittest.main()
