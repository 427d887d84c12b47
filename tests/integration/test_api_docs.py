#!/usr/bin/python3
"""The manuals of task API and SDK name all that exists, and their code compiles."""

import ast
import json
import os
import re
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("FLOWFORGE_SOURCE") or Path(__file__).parents[2])
API = (SOURCE / "docs/task-api.md").read_text()
SDK = (SOURCE / "docs/python-sdk.md").read_text()
CLIENT = (SOURCE / "sdk/python/flowforge/client.py").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


class TaskApi(unittest.TestCase):
    def test_every_route_is_described_and_no_other(self) -> None:
        table = (SOURCE / "core/api/task_api.c").read_text()
        routes = re.findall(r'\{"([A-Z]+)", "(/api/v1/task[^"]*)"', table)
        self.assertGreater(len(routes), 4)
        described = re.findall(r"^### ([A-Z]+) (/\S+)$", API, re.M)
        self.assertEqual(sorted(described), sorted(routes))

    def test_examples_are_json(self) -> None:
        examples = blocks(API, "json")
        self.assertGreater(len(examples), 5)
        for example in examples:
            decoder = json.JSONDecoder()
            while example := example.strip():
                _, end = decoder.raw_decode(example)
                example = example[end:]


class PythonSdk(unittest.TestCase):
    def functions(self) -> dict[str, ast.FunctionDef]:
        (names,) = re.findall(r"__all__ = (\[.*?\])", CLIENT, re.S)
        found = {
            node.name: node
            for node in ast.parse(CLIENT).body
            if isinstance(node, ast.FunctionDef)
        }
        return {name: found[name] for name in ast.literal_eval(names)}

    def test_every_function_is_described_with_its_parameters(self) -> None:
        described = dict(re.findall(r"^### client\.(\w+)\((.*)\)$", SDK, re.M))
        functions = self.functions()
        self.assertEqual(set(described), set(functions))
        for name, node in functions.items():
            words = re.findall(r"(\w+)(?:=|,|$)", described[name])
            for arg in node.args.args:
                self.assertIn(arg.arg, words, name)

    def test_every_variable_that_is_read_is_described(self) -> None:
        package = SOURCE / "sdk/python/flowforge"
        text = "".join(file.read_text() for file in package.glob("*.py"))
        for variable in set(re.findall(r'"((?:FLOWFORGE|FF)_[A-Z_]+)"', text)):
            self.assertIn(f"| `{variable}` |", SDK)

    def test_examples_compile(self) -> None:
        examples = blocks(SDK, "python")
        self.assertGreater(len(examples), 3)
        for example in examples:
            compile(example, "docs/python-sdk.md", "exec")


if __name__ == "__main__":
    unittest.main()
