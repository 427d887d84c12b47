#!/usr/bin/python3
"""api/openapi.yaml is what the program serves, and docs/api.md is true. FF_RENEW=1
writes the former instead of comparing it."""

import json
import os
import re
import subprocess
import unittest
from typing import Any

from ff_api import WORKFLOW, ApiTest
from ff_cli import PATIENCE, SOURCE

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/{}$_-]*")
WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def scalar(value: Any) -> str:
    plain = isinstance(value, str) and PLAIN.fullmatch(value)
    if plain and value.lower() not in WORDS:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def lines(value: Any) -> list[str]:
    """YAML in block style."""
    if isinstance(value, dict) and value:
        out = []
        for key, inner in value.items():
            below = lines(inner)
            if isinstance(inner, dict | list) and inner:
                out += [f"{scalar(key)}:"] + ["  " + line for line in below]
            else:
                out.append(f"{scalar(key)}: {below[0]}")
        return out
    if isinstance(value, list) and value:
        out = []
        for inner in value:
            first, *rest = lines(inner)
            out += [f"- {first}"] + ["  " + line for line in rest]
        return out
    return [scalar(value)]


HEAD = "# Made from core/rest/rest_routes.c: FF_RENEW=1 ctest -R test_api_document\n"


class Document(ApiTest):
    def test_the_file_is_what_is_served(self) -> None:
        self.serve()
        served = self.get("/openapi.json")
        self.stop()
        served["info"]["version"] = "1"
        text = HEAD + "\n".join(lines(served)) + "\n"
        path = SOURCE / "api/openapi.yaml"
        if os.environ.get("FF_RENEW"):
            path.write_text(text)
        self.assertEqual(path.read_text(), text)

    def test_the_examples_run(self) -> None:
        blocks = re.findall(
            r"^```sh\n(.*?)^```", (SOURCE / "docs/api.md").read_text(), re.M | re.S
        )
        self.assertGreater(len(blocks), 3)
        self.serve()
        self.file("etl.yaml", WORKFLOW)
        env = self.env | {
            "KEY": self.make_key("admin"),
            "SERVER": f"http://127.0.0.1:{self.port}",
            "DATA": str(self.data),
        }
        for block in blocks:
            done = subprocess.run(
                ["sh", "-ec", block.replace("curl ", "curl -sS --fail-with-body ")],
                env=env,
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            self.assertEqual(done.returncode, 0, block + done.stdout + done.stderr)
            json.loads(done.stdout)
        self.stop()

    def test_each_problem_is_in_the_manual_with_its_status(self) -> None:
        table = (SOURCE / "core/rest/problem.c").read_text()
        made = re.findall(r'\{(\d{3}), "([A-Z_]+)"', table)
        self.assertGreater(len(made), 10)
        told = re.findall(
            r"^\| `([A-Z_]+)` \| (\d{3}) \|", (SOURCE / "docs/api.md").read_text(), re.M
        )
        self.assertEqual([(code, status) for status, code in made], told)


if __name__ == "__main__":
    unittest.main()
