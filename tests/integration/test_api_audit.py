#!/usr/bin/python3
"""The audit log has one row of each change that the HTTP API makes: no change without
its row, and none with two."""

import unittest

from ff_changes import ChangesTest

CHANGES_NOTHING = {"validateWorkflow"}


class Audit(ChangesTest):
    def test_each_route_that_changes_something_leaves_one_row(self) -> None:
        for operation, method in self.set_up().items():
            with self.subTest(operation):
                change = self.of(operation)
                id = f"one-{operation}"
                done = self.do(method, change, X_Request_Id=id)
                self.assertIn(done.status, (200, 201, 202, 204), done.body)
                log = self.pages("/audit", 1000)
                log += self.pages("/audit?platform=true", 1000)
                rows = [row for row in log if row.get("request") == id]
                n = 0 if operation in CHANGES_NOTHING else 1
                self.assertEqual(len(rows), n, rows)
                for row in rows:
                    self.assertEqual(row["decision"], "allowed")
                    self.assertTrue(row["object"])
        self.stop()
        verdict = self.call("audit", "verify", "-o", "json").json()
        self.assertEqual(verdict["unsealed"], 0, verdict)


if __name__ == "__main__":
    unittest.main()
