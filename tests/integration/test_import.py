#!/usr/bin/python3
"""flowforge import: every fixture of imports/ becomes the file beside it, a good
workflow; the simple ones are run. FF_ACCEPT=1 writes what it becomes now instead.
"""

import os
import unittest
from pathlib import Path
from typing import Any

from ff_cli import SOURCE, CliTest

FIXTURES = SOURCE / "tests/integration/imports"

# Keys that the format is getting: files with them are good once it has them.
COMING = {
    "tasks", "uses", "with", "http", "sleep", "approve", "wait_event",
    "wait_until", "transform", "concurrency", "mutex",
}  # fmt: skip

# What is printed by tasks of these, on any machine.
RUN: dict[str, list[str]] = {
    "argo/single.yaml": ["hello there"],
    "argo/dag.yaml": ["the word is one and one", "the word is 3 and 3"],
    "argo/parameters.yaml": ["calm: world"],
    "argo/steps.yaml": ["41", "n=41"],
    "argo/with_items.yaml": ["Bern has 1", "Oslo has 2", "a", "b", "2", "3", "4"],
    "argo/with_param.yaml": ["2", "4", "6"],
    "argo/when.yaml": [],
    "argo/outputs.yaml": ["there are 7 lines"],
    "argo/retry_exit.yaml": ["ended as succeeded"],
    "argo/artifacts.yaml": ["Bern 12", "no note"],
    "actions/simple.yaml": ["building", "testing", "done"],
    "actions/needs.yaml": ["at /tmp/a b first RUN"],
    "actions/matrix.yaml": ["linux with 3.11", "linux with 3.12", "mac with 3.12"],
    "actions/env.yaml": ["north 3 in north mine"],
    "actions/inputs.yaml": ["to test times 2"],
    "actions/always.yaml": ["succeeded succeeded"],
    "actions/bash.yaml": ["2", "/"],
    "actions/functions.yaml": ["[1]"],
    "dagu/simple.yaml": ["one", "two"],
    "dagu/graph.yaml": ["from /tmp/x and /tmp/x", "load"],
    "dagu/params_list.yaml": ["2026-11-30 north zone-of-north"],
    "dagu/handlers.yaml": ["only", "good", "end"],
    "dagu/script.yaml": ["1", "2"],
    "dagu/preconditions.yaml": ["careful", "pattern"],
    "dagu/json_output.yaml": ["5"],
    "conductor/fork.json": [],
}

# Conditions of other systems and what they are here.
ARGO_WHEN = {
    "{{tasks.a.outputs.result}} == yes": "tasks.a.outputs.result == 'yes'",
    "'{{tasks.a.outputs.result}}' == 'a b'": "tasks.a.outputs.result == 'a b'",
    "{{tasks.a.outputs.result}} >= 5": "int(tasks.a.outputs.result) >= 5",
    "{{tasks.a.status}} == Succeeded": "tasks.a.status == 'succeeded'",
    "!({{tasks.a.exitCode}} == 3)": "!(tasks.a.exit_code == 3)",
    "{{workflow.parameters.big-one}} != x": "inputs.big_one != 'x'",
    "true": "true",
}
ARGO_DEPENDS: dict[str, str | list[str]] = {
    "a": ["a"],
    "a && b": ["a", "b"],
    "a.Succeeded && (b.Failed || b.Skipped)": "a.succeeded && (b.failed || b.skipped)",
    "!a.Errored": "!a.failed",
}
ACTIONS_IF = {
    "needs.a.result == 'failure'": "tasks.a.status == 'failed'",
    "${{ needs.a.outputs.x-y == 'it''s' }}": "tasks.a.outputs.x_y == 'it\\'s'",
    "contains(inputs.l, 'x') && !inputs.no": "inputs.l.contains('x') && !inputs.no",
    "endsWith(inputs.a, toJSON(inputs.b))": "inputs.a.endsWith(to_json(inputs.b))",
    "inputs.n > 3 || false": "inputs.n > 3 || false",
}


def fixtures() -> list[Path]:
    return sorted(
        f
        for f in FIXTURES.glob("*/*")
        if f.suffix in (".yaml", ".json") and ".flow" not in f.suffixes
    )


def expected(path: Path) -> Path:
    return path.with_suffix(".flow.yaml")


class Import(CliTest):
    def load(self, system: str, path: str) -> Any:
        return self.call("import", system, path, "-o", "json").json()

    def told(self, path: Path) -> str:
        """The report as comments, and the workflow."""
        made = self.load(path.parent.name, str(path))
        text = "".join(
            f"# {r['grade']}, line {r['line']}: {r['what']}"
            + (f": {r['why']}" if r["why"] else "")
            + "\n"
            for r in made["remarks"]
        )
        return text + str(made["workflow"])

    def test_each_fixture_becomes_what_stands_beside_it(self) -> None:
        count: dict[str, int] = {}
        for path in fixtures():
            with self.subTest(path=path.name):
                told = self.told(path)
                if os.environ.get("FF_ACCEPT"):
                    expected(path).write_text(told)
                self.assertEqual(told, expected(path).read_text())
                count[path.parent.name] = count.get(path.parent.name, 0) + 1
        self.assertEqual(set(count), {"argo", "actions", "dagu", "conductor"})
        self.assertTrue(all(n >= 12 for n in count.values()), count)

    def test_what_is_made_is_good_and_in_canonical_form(self) -> None:
        coming = []
        for path in fixtures():
            made = expected(path)
            with self.subTest(path=path.name):
                result = self.call("validate", "-o", "json", str(made), expect=None)
                problems = [  # what it uses is imported by itself
                    p for p in result.json()[0]["problems"] if p["code"] != "FF071"
                ]
                later = {p["at"] for p in problems if p["code"] in ("FF010", "FF016")}
                self.assertLessEqual(later, COMING, problems)
                if later:
                    coming.append(f"{path.parent.name}/{path.name}: {sorted(later)}")
                    continue
                self.assertEqual(problems, [])
                self.assertEqual(self.call("fmt", "--diff", str(made)).out, "")
        print("\nnot accepted by this version yet:", *coming, sep="\n  ")

    def test_the_simple_ones_run(self) -> None:
        for name, wanted in RUN.items():
            with self.subTest(name=name):
                made = expected(FIXTURES / name)
                self.call("run", "-q", str(made))
                run = self.call("list", "-o", "json").json()["runs"][0]
                logs = self.call("logs", "last", "-o", "json").lines()
                text = "".join(line.get("text", "") + "\n" for line in logs)
                for words in wanted:
                    words = words.replace("RUN", run["id"])
                    self.assertIn(words + "\n", text)

    def argo(self, **keys: str) -> Any:
        task = ", ".join(f'{key}: "{value}"' for key, value in keys.items())
        return self.task(
            "argo",
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\n"
            "spec:\n  entrypoint: m\n  arguments: {parameters: [{name: big-one}]}\n"
            "  templates:\n    - name: m\n      dag:\n        tasks:\n"
            "          - {name: a, template: t}\n          - {name: b, template: t}\n"
            f"          - {{name: c, template: t, {task}}}\n"
            "    - {name: t, script: {command: [sh], source: 'true'}}\n",
        )

    def task(self, system: str, text: str) -> Any:
        """Task c of what is made, by the shape of a run that never starts."""
        made = self.load(system, self.file("theirs.yaml", text))["workflow"]
        lines = made.split("\n  c:\n")[1].splitlines()
        found: dict[str, str] = {}
        for line in lines:
            key, _, value = line.strip().partition(": ")
            found.setdefault(key, value)
        return found

    def test_conditions_of_argo(self) -> None:
        for theirs, ours in ARGO_WHEN.items():
            with self.subTest(theirs=theirs):
                self.assertEqual(self.argo(when=theirs)["if"].strip('"'), ours)

    def test_dependencies_of_argo(self) -> None:
        for theirs, ours in ARGO_DEPENDS.items():
            with self.subTest(theirs=theirs):
                needs = self.argo(depends=theirs)["needs"].strip('"')
                text = ours if isinstance(ours, str) else f"[{', '.join(ours)}]"
                self.assertEqual(needs, text)

    def test_conditions_of_actions(self) -> None:
        for theirs, ours in ACTIONS_IF.items():
            with self.subTest(theirs=theirs):
                text = (
                    "on: workflow_dispatch\njobs:\n"
                    "  a: {runs-on: x, steps: [{run: x}]}\n"
                    f"  c:\n    needs: a\n    runs-on: x\n    if: {theirs}\n"
                    "    steps: [{run: x}]\n"
                )
                made = self.task("actions", text)["if"]
                if made.startswith('"'):
                    made = made.strip('"').replace("\\\\", "\\")
                self.assertEqual(made, ours)

    def test_references_stay_one_word_in_any_quotes(self) -> None:
        steps = "echo a=${{ inputs.v }} \"b=${{ inputs.v }}\" 'c=${{ inputs.v }} $x'"
        self.file(
            "theirs.yaml",
            "on: {workflow_dispatch: {inputs: {v: {type: string}}}}\njobs:\n  t:\n"
            f"    runs-on: x\n    steps:\n      - run: |\n          {steps}\n",
        )
        self.call("import", "actions", "theirs.yaml", "--to", "ours.yaml")
        evil = "1 $(id) 2; '\" `x`"
        self.call("run", "-q", "ours.yaml", "-i", f"v={evil}")
        logs = self.call("logs", "last", "--raw").out
        self.assertEqual(logs, f"a={evil} b={evil} c={evil} $x\n")

    def test_of_a_switch_only_the_case_that_is_taken_runs(self) -> None:
        body = "{status: 200, headers: {}, encoding: json, body: {kind: digital}}"
        self.file("mocks.yaml", f"tasks: {{kind: {{outputs: {body}}}}}\n")
        made = expected(FIXTURES / "conductor/cases.json")
        run = self.call("sim", str(made), "-m", "mocks.yaml", "-o", "json").json()
        states = {name: task["state"] for name, task in run["tasks"].items()}
        self.assertEqual(states["mail"], "succeeded")
        self.assertEqual([states[t] for t in ("pack", "ship", "tell")], ["skipped"] * 3)
        self.assertEqual(states["wait"], "succeeded")

    def test_no_value_takes_the_place_of_a_variable_that_the_shell_needs(self) -> None:
        for name in ("path", "home", "ifs", "ld_preload"):
            self.file(
                "theirs.yaml",
                f"on: {{workflow_dispatch: {{inputs: {{{name}: {{type: string}}}}}}}}\n"
                "jobs:\n  t:\n    runs-on: x\n    steps:\n"
                f"      - run: printf '%s\\n' ${{{{ inputs.{name} }}}}\n",
            )
            self.call("import", "actions", "theirs.yaml", "--to", "ours.yaml")
            self.call("run", "-q", "ours.yaml", "-i", f"{name}=a b")
            self.assertEqual(self.call("logs", "last", "--raw").out, "a b\n")

    def test_an_artifact_that_stands_in_the_file_is_made_before_it_is_used(
        self,
    ) -> None:
        self.file(
            "theirs.yaml",
            "kind: Workflow\nmetadata: {name: w}\nspec:\n  entrypoint: m\n"
            "  arguments: {parameters: [{name: who, value: you}]}\n  templates:\n"
            "    - name: m\n      steps:\n        - - {name: first, template: say}\n"
            "        - - name: second\n            template: say\n"
            "            withItems: [1, 2]\n"
            "            arguments: {artifacts: [{name: text, raw: {data: two}}]}\n"
            "    - name: say\n      inputs:\n        artifacts:\n"
            "          - name: text\n            path: /data/a text\n"
            "            raw: {data: 'to $(id) {{workflow.parameters.who}}'}\n"
            "      container: {command: [cat, '-n', '/data/a text']}\n",
        )
        self.call("import", "argo", "theirs.yaml", "--to", "ours.yaml")
        self.call("run", "-q", "ours.yaml", "-i", "who='me'")
        logs = self.call("logs", "last", "--raw").out
        self.assertEqual(
            sorted(logs.replace("\t", " ").split("     1 ")),
            ["", "to $(id) 'me'", "two", "two"],
        )

    def test_the_report_is_told_on_standard_error(self) -> None:
        path = FIXTURES / "argo/refused.yaml"
        result = self.call("import", "argo", str(path))
        self.assertIn("refused.yaml:7: refused madeUp: ", result.err)
        self.assertRegex(
            result.err, r"\nimported \d+, approximated \d+, refused \d+\n$"
        )
        self.assertTrue(result.out.startswith("flowforge: 1\n"))

    def test_every_key_of_theirs_is_accounted_for(self) -> None:
        """A key that nobody knows is refused wherever it stands in a task."""
        for path in fixtures():
            if path.suffix != ".yaml" or path.parent.name == "dagu":
                continue
            marked = path.read_text().replace("runs-on: ", "newKey: 1, runs-on: ")
            if "newKey" not in marked or "{" not in marked:
                continue
            copy = self.file("marked.yaml", marked)
            result = self.call(
                "import", path.parent.name, copy, "-o", "json", expect=None
            )
            if result.code == 0:
                self.assertIn("newKey", result.out)

    def test_what_is_no_workflow_of_theirs_is_refused(self) -> None:
        self.file("list.yaml", "- 1\n")
        self.file("bad.yaml", "a: [\n")
        self.file("other.yaml", "kind: Pod\n")
        for system in ("argo", "actions", "dagu", "conductor"):
            for name in ("list.yaml", "bad.yaml", "other.yaml"):
                result = self.call("import", system, name, expect=3)
                self.assertIn(name, result.err)
                self.assertEqual(result.out, "")
        self.assertIn(
            "did you mean argo?", self.call("import", "arg", "x", expect=2).err
        )
        self.call("import", "argo", "gone.yaml", expect=4)


if __name__ == "__main__":
    unittest.main()
