#!/usr/bin/python3
"""flowforge fmt: what is printed, compared and written back."""

import subprocess
import unittest

from ff_cli import CliTest

ROUGH = """\
# licence
flowforge:   1
name: 'w'   # the name
tasks:
      a:
          run: echo hi
          max-parallel: 2
          foreach: [1,2]
"""
SMOOTH = """\
# licence
flowforge: 1
name: "w"  # the name
tasks:
  a:
    run: echo hi
    max_parallel: 2
    foreach: [1, 2]
"""


class Fmt(CliTest):
    def test_the_result_is_printed_and_the_file_left_alone(self) -> None:
        path = self.file("w.yaml", ROUGH)
        self.assertEqual(self.call("fmt", path).out, SMOOTH)
        self.assertEqual((self.folder / "w.yaml").read_text(), ROUGH)

    def test_check_names_only_what_would_change(self) -> None:
        self.file("rough.yaml", ROUGH)
        self.file("smooth.yaml", SMOOTH)
        result = self.call("fmt", "--check", "rough.yaml", "smooth.yaml", expect=3)
        self.assertEqual(result.out, "rough.yaml\n")
        self.assertEqual(self.call("fmt", "--check", "smooth.yaml").out, "")
        self.assertEqual(
            self.call("fmt", "-q", "--check", "rough.yaml", expect=3).out, ""
        )

    def test_a_diff_can_be_applied_by_patch(self) -> None:
        path = self.file("w.yaml", ROUGH)
        result = self.call("fmt", "--diff", path, expect=3)
        self.assertIn("\n-name: 'w'   # the name\n", result.out)
        self.assertIn('\n+name: "w"  # the name\n', result.out)
        subprocess.run(["patch", "-s", path], input=result.out, text=True, check=True)
        self.assertEqual((self.folder / "w.yaml").read_text(), SMOOTH)

    def test_writing_goes_through_links_and_keeps_the_rights(self) -> None:
        path = self.folder / "w.yaml"
        path.write_text(ROUGH)
        path.chmod(0o640)
        (self.folder / "link.yaml").symlink_to("w.yaml")
        self.assertEqual(self.call("fmt", "-w", "link.yaml").out, "link.yaml\n")
        self.assertEqual(path.read_text(), SMOOTH)
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)
        self.assertTrue((self.folder / "link.yaml").is_symlink())
        self.assertEqual(self.call("fmt", "-w", "link.yaml").out, "")

    def test_what_cannot_be_read_is_told_and_the_others_are_done(self) -> None:
        self.file("bad.yaml", "a: [\n")
        self.file("rough.yaml", ROUGH)
        result = self.call("fmt", "bad.yaml", "gone.yaml", "rough.yaml", expect=4)
        self.assertIn("bad.yaml:2:1: FF001", result.err)
        self.assertIn("there is no file gone.yaml", result.err)
        self.assertEqual(result.out, SMOOTH)

    def test_two_ways_at_once_are_refused(self) -> None:
        self.file("w.yaml", ROUGH)
        self.call("fmt", "--check", "--write", "w.yaml", expect=2)


if __name__ == "__main__":
    unittest.main()
