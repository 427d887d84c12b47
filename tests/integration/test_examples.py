#!/usr/bin/python3
"""Runs every workflow file under examples/ and compares with what it says of itself."""
# ctest: timeout=600

import sys
import unittest

from example_files import SOURCE, Example, all_examples, check, differences


def files_of_examples() -> set[str]:
    return {str(path) for path in (SOURCE / "examples").rglob("*")}


class Examples(unittest.TestCase):
    def test_each_example_does_what_its_comments_say(self) -> None:
        for example in all_examples():
            with self.subTest(example=str(example.path.relative_to(SOURCE))):
                self.assertEqual([], check(example))

    def test_each_example_says_what_is_expected(self) -> None:
        for example in all_examples():
            with self.subTest(example=example.path.name):
                self.assertIn(example.state, ("succeeded", "failed"))
                self.assertTrue(example.outputs or example.tasks)

    def test_there_are_examples_and_the_list_of_them_is_complete(self) -> None:
        listed = (SOURCE / "examples/README.md").read_text()
        for example in all_examples():
            name = str(example.path.relative_to(SOURCE / "examples"))
            self.assertIn(f"]({name})", listed)
        self.assertGreaterEqual(len(all_examples()), 10)

    def test_running_them_leaves_nothing_in_the_tree(self) -> None:
        before = files_of_examples()
        for example in all_examples():
            if example.path.stem in ("climate", "ci"):
                check(example)
        self.assertEqual(before, files_of_examples())

    def test_a_wrong_expectation_is_noticed(self) -> None:
        example = Example(SOURCE, "failed", {"a": 1}, {"b": "skipped"})
        run = {"state": "succeeded", "outputs": {"a": 2}, "tasks": []}
        self.assertEqual(3, len(list(differences(example, run))))


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
