#!/usr/bin/python3
"""Workflows by name: apply, versions, labels, runs of them, and what differs."""

import unittest

from ff_cli import CliTest

ETL = """flowforge: 1
name: etl
version: {version}
labels: {{team: data, tier: 1}}
inputs: {{day: string}}
tasks:
  load:
    env: {{DAY: "${{{{ inputs.day }}}}"}}
    run: echo {word} "$DAY" > "$FF_OUT/said"
    outputs: {{said: file}}
outputs: {{said: "${{{{ tasks.load.outputs.said }}}}"}}
"""


class Workflows(CliTest):
    def etl(self, version: str, word: str) -> str:
        return self.file("etl.yaml", ETL.format(version=version, word=word))

    def hashes(self) -> list[str]:
        versions = self.call("workflow", "versions", "etl", "-o", "json").json()
        return [v["hash"] for v in versions]

    def said(self) -> str:
        return self.call("get", "last", "-o", "json").json()["outputs"]["said"]

    def test_apply_numbers_what_is_new_only(self) -> None:
        first = self.call("apply", self.etl("1", "one"), "-o", "json").json()[0]
        again = self.call("workflow", "apply", "etl.yaml", "-o", "json").json()[0]
        other = self.call("apply", self.etl("2", "two"), "-o", "json").json()[0]
        back = self.call("apply", self.etl("1", "one"), "-o", "json").json()[0]
        self.assertEqual((first["number"], first["new"]), (1, True))
        self.assertEqual((again["number"], again["new"]), (1, False))
        self.assertEqual((other["number"], other["new"]), (2, True))
        self.assertEqual((back["number"], back["hash"]), (3, first["hash"]))
        listed = self.call("workflow", "list", "-o", "json").json()
        self.assertEqual([(w["workflow"], w["versions"]) for w in listed], [("etl", 3)])
        self.assertEqual(self.call("workflow", "get", "etl@2").out.count("two"), 1)

    def test_a_run_by_name_works_where_the_file_stood(self) -> None:
        self.call("apply", self.etl("1", "one"))
        self.call("apply", self.etl("2", "two"))
        oldest = self.hashes()[1]
        for word, said in (
            ("etl", "two x"),
            ("etl@1", "one x"),
            ("etl@latest", "two x"),
            ("workflow:etl@sha256:" + oldest[:8], "one x"),
        ):
            self.call("run", word, "-i", "day=x")
            self.assertEqual(self.said(), said, word)
        run = self.call("get", "last", "-o", "json").json()
        self.assertEqual(run["dir"], str(self.folder))
        self.assertEqual(run["hash"], oldest)

    def test_a_file_of_that_name_comes_first(self) -> None:
        self.call("apply", self.etl("1", "one"))
        self.file("etl", ETL.format(version="9", word="file"))
        self.call("run", "etl", "-i", "day=x")
        self.assertEqual(self.said(), "file x")
        self.call("run", "workflow:etl", "-i", "day=x")
        self.assertEqual(self.said(), "one x")

    def test_a_version_is_one_text_until_its_label_is_moved(self) -> None:
        self.call("apply", self.etl("1", "one"))
        refused = self.call("apply", self.etl("1", "two"), expect=3)
        self.assertIn("version 1 of etl is another text", refused.err)
        self.assertEqual(len(self.hashes()), 1)
        self.call("apply", self.etl("2", "two"))
        newest, oldest = self.hashes()
        self.call("workflow", "label", "etl", "prod", oldest[:6])
        moved = self.call("workflow", "label", "etl", "prod", "sha256:" + newest)
        self.assertIn(f"etl@prod was {oldest[:12]}", moved.err)
        self.call("run", "etl@prod", "-i", "day=x")
        self.assertEqual(self.said(), "two x")

    def test_a_mistake_in_one_file_applies_none(self) -> None:
        bad = self.file("bad.yaml", "flowforge: 1\nname: bad\n")
        result = self.call("apply", self.etl("1", "one"), bad, expect=3)
        self.assertIn("bad.yaml:1:1: FF011", result.err)
        self.assertEqual(self.call("workflow", "list", "-o", "json").json(), [])

    def test_words_that_mean_nothing_are_answered_with_what_there_is(self) -> None:
        self.call("apply", self.etl("1", "one"))
        for args, code, said in (
            (["run", "elt"], 4, "did you mean etl?"),
            (["run", "etl@3"], 4, "flowforge workflow versions etl"),
            (["run", "etl@sha256:abcdef"], 4, "no version of etl has a hash"),
            (["run", "etl@sha256:xy"], 2, "no beginning of a hash"),
            (["run", "etl@"], 2, "names no workflow"),
            (["run", "missing.yaml"], 4, "no file missing.yaml"),
            (["workflow", "label", "etl", "latest", "abcdef"], 2, "cannot be a label"),
            (["workflow", "label", "etl", "x", "abcdef"], 4, "no version of etl"),
            (["workflow", "delete", "elt"], 4, "did you mean etl?"),
            (["diff", "etl", "no/such"], 4, "no file, workflow or run"),
        ):
            self.assertIn(said, self.call(*args, expect=code).err)

    def test_a_deleted_name_is_gone_and_its_runs_are_not(self) -> None:
        self.call("apply", self.etl("1", "one"))
        self.call("run", "etl", "-i", "day=x")
        self.call("workflow", "delete", "etl")
        self.call("run", "etl", expect=4)
        self.assertEqual(self.said(), "one x")
        applied = self.call("apply", self.etl("1", "two"), "-o", "json").json()[0]
        self.assertEqual(applied["number"], 1)

    def test_runs_are_found_by_their_labels(self) -> None:
        etl = self.etl("1", "one")
        self.call("run", etl, "-i", "day=x")
        self.call("run", etl, "-i", "day=x", "-l", "team=ops", "--label", "who=me too")
        for filters, n in (
            (["-l", "team=data"], 1),
            (["-l", "team=ops", "-l", "who=me too"], 1),
            (["-l", "team"], 2),
            (["--label", "tier=1"], 2),
            (["-l", "team=ops", "-l", "who=you"], 0),
            (["-l", "nobody"], 0),
        ):
            listed = self.call("list", "-o", "json", *filters).json()["runs"]
            self.assertEqual(len(listed), n, filters)
        labels = self.call("get", "last", "-o", "json").json()["labels"]
        self.assertEqual(labels, {"team": "ops", "tier": "1", "who": "me too"})
        for wrong in ("team", "Team=x", "team=a\tb"):
            self.call("run", etl, "-i", "day=x", "-l", wrong, expect=2)

    def test_diff_tells_what_changed_in_meaning(self) -> None:
        self.call("apply", self.etl("1", "one"))
        self.call("run", "etl", "-i", "day=x")
        same = ETL.format(version="1", word="one").replace("outputs: {said: file}", "")
        same = same.replace(
            "  load:\n",
            "  # a remark\n  load:\n    outputs: "
            "{said: {from: file}}\n    grace: 10000ms\n",
        )
        self.call("diff", "etl", self.file("same.yaml", same), expect=0)
        other = ETL.format(version="2", word="two") + "finally: {x: {noop: true}}\n"
        result = self.call(
            "diff", "last", self.file("o.yaml", other), "-o", "json", expect=1
        )
        changes = {c["path"]: c["change"] for c in result.json()["changes"]}
        self.assertEqual(
            changes,
            {"version": "changed", "tasks.load.run": "changed", "finally": "added"},
        )
        self.assertFalse(result.json()["equal"])
        text = self.call("diff", "etl", "o.yaml", expect=1).out
        self.assertIn("\n~ version: 1 -> 2\n", text)
        self.assertIn('\n+ finally: {"x":{"noop":true}}\n', text)

    def test_diff_of_two_runs_tells_their_inputs(self) -> None:
        etl = self.etl("1", "one")
        ids = []
        for day in ("x", "y"):
            self.call("run", etl, "-i", f"day={day}")
            ids.append(self.call("get", "last", "-o", "json").json()["id"])
        out = self.call("diff", *ids, expect=1).out
        self.assertIn('~ run.inputs.day: "x" -> "y"', out)

    def test_handlers_in_another_order_differ(self) -> None:
        top = "flowforge: 1\nname: w\ntasks: {a: {noop: true}, b: {noop: true}}\n"
        one = self.file("one.yaml", top + "finally: {x: {noop: true}, y: {noop: true}}")
        two = self.file("two.yaml", top + "finally: {y: {noop: true}, x: {noop: true}}")
        out = self.call("diff", one, two, expect=1).out
        self.assertIn('~ finally: ["x","y"] -> ["y","x"]', out)


if __name__ == "__main__":
    unittest.main()
