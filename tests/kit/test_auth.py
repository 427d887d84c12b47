#!/usr/bin/python3
"""The auth drivers that we ship, and the one that others begin with, pass the kit; and
each of its checks for auth drivers has a driver that fails it."""

import unittest

from kit_run import BROKEN, LIB, OPTIONS, check
from test_broken import FILES, breaks

# What a driver need not have: no keys to refresh, no tokens that a kit could make.
OPTIONAL = {
    "auth-jwt": {"auth/admit/known", "auth/deny/known"},
    "auth-dev": {"auth/use/refresh", "auth/use/ready", "auth/parallel/refresh"},
    "auth-sample": {
        *("auth/use/refresh", "auth/use/ready", "auth/parallel/refresh"),
        "auth/deny/known",
    },
}
TOKENS = (
    *("auth/token/", "auth/claims/", "auth/forged/", "auth/rotation/"),
    "auth/discovery/",
)


class Ours(unittest.TestCase):
    def passes(self, name: str, path: str, options: list[str]) -> None:
        report = check(path, *options)
        self.assertEqual([], report.names("failed"), report.out)
        self.assertEqual(0, report.code, report.out + report.err)
        skipped = set(report.names("skipped"))
        if name != "auth-jwt":
            skipped = {n for n in skipped if not n.startswith(TOKENS)}
        self.assertEqual(OPTIONAL[name], skipped, report.out)
        self.assertGreater(len(report.names("passed")), 15)

    def test_auth_jwt_passes_the_kit(self) -> None:
        self.passes("auth-jwt", str(LIB / "auth-jwt.so"), OPTIONS["auth-jwt"])

    def test_auth_dev_passes_the_kit(self) -> None:
        self.passes("auth-dev", str(LIB / "auth-dev.so"), OPTIONS["auth-dev"])

    def test_the_template_of_the_sdk_passes_the_kit(self) -> None:
        options = ["-o", "token=a-token-of-ours-01", "--accept", "a-token-of-ours-01"]
        self.passes("auth-sample", str(BROKEN / "template-auth-sample.so"), options)


class Complete(unittest.TestCase):
    def test_every_check_has_a_driver_that_fails_it(self) -> None:
        report = check(LIB / "auth-dev.so", *OPTIONS["auth-dev"])
        broken = {name for file in FILES for name in breaks(file)}
        self.assertGreater(len(report.verdicts), 40)
        self.assertEqual(set(), set(report.verdicts) - broken)


if __name__ == "__main__":
    unittest.main()
