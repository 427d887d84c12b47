#!/usr/bin/python3
"""schemathesis holds the HTTP API against the document that it serves: requests that
the document allows and requests that it forbids, each route by itself and one after the
other, with all the checks that it has.

What may be asked for as a stream it asks for as a list: a stream does not end, and is
test_live.py's affair.

FF_SCHEMATHESIS=N takes N examples of each operation, FF_SEED other ones, FF_SHOW=1
shows what it says also when all is well.
"""
# ctest: timeout=600

import os
import subprocess
import unittest

from ff_api import WORKFLOW, ApiTest
from ff_cli import SOURCE

TOOL = SOURCE / ".venv-test/bin/schemathesis"
HERE = SOURCE / "tests/integration"
EXAMPLES = os.environ.get("FF_SCHEMATHESIS") or "1"
SEED = os.environ.get("FF_SEED") or "1"
TOKEN = "a-token-of-the-developer-of-32-bytes"

NIGHTLY = """flowforge: 1
name: nightly
triggers: {cron: {expr: "0 3 1 1 *", id: night}}
tasks: {a: {run: "true"}}
"""


class Schemathesis(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        if not TOOL.exists():
            self.skipTest("schemathesis is missing: scripts/setup --test installs it")
        # It revokes keys that it finds; this one it cannot.
        self.env["FLOWFORGE_SERVER_AUTH"] = "auth-dev"
        self.env["FLOWFORGE_AUTH_DEV_TOKEN"] = TOKEN
        self.serve()
        self.change("PATCH", "/tenants/default", {"max_requests_per_s": 100000}, 204)
        for name, text in (("etl", WORKFLOW), ("nightly", NIGHTLY)):
            self.call("apply", self.file(f"{name}.yaml", text))
        self.make_runs(1)

    def judge(self, credential: str, *args: str) -> None:
        url = f"http://127.0.0.1:{self.port}"
        done = subprocess.run(
            [
                *(str(TOOL), f"--config-file={HERE}/schemathesis.toml"),
                *("run", f"{url}/api/v1/openapi.json", "--url", url),
                *("--header", f"Authorization: Bearer {credential}"),
                # Instead of that one schemathesis_hooks.py has allowed_data_acceptance.
                *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                *("--seed", SEED, "--max-examples", EXAMPLES, *args),
            ],
            cwd=self.folder,
            env=self.env
            | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
            capture_output=True,
            text=True,
            timeout=590,
            check=False,
        )
        if os.environ.get("FF_SHOW"):
            print(done.stdout, done.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_a_tenant_has(self) -> None:
        self.judge(TOKEN, "--exclude-path-regex", "/tenants")
        self.assertEqual(self.get("/me", TOKEN)["role"], "admin")
        self.assertEqual(self.stop().code, 0)

    def test_what_an_installation_has(self) -> None:
        key = self.make_key("admin", "--platform")
        # Nobody can lift the rate of this key (docs/api.md), so it is kept to.
        self.judge(key, "--include-path-regex", "/tenants", "--rate-limit", "25/s")
        self.assertTrue(self.get("/me", key)["platform"])
        self.assertEqual(self.stop().code, 0)


if __name__ == "__main__":
    unittest.main()
