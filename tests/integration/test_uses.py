#!/usr/bin/python3
"""Workflows as tasks of others: what is pinned, what is refused, how deep they go."""

import os
import signal
import unittest

from ff_cli import CliTest

ONE = """flowforge: 1
name: one
inputs: {{n: integer, word: {{default: hi}}}}
tasks:
  a:
    env: {{W: "{word} ${{{{ inputs.n }}}} ${{{{ inputs.word }}}}"}}
    run: printf %s "$W" > "$FF_OUT/o"
    outputs: {{o: file}}
outputs: {{o: "${{{{ tasks.a.outputs.o }}}}"}}
"""

FACT = """flowforge: 1
name: fact
inputs: {n: integer}
tasks:
  rest:
    if: inputs.n > 1
    uses: ./fact.yaml
    with: {n: "${{ inputs.n - 1 }}"}
  me:
    needs: [rest]
    transform: {v: "${{ inputs.n * or_value(tasks.rest.outputs.v, 1) }}"}
outputs: {v: "${{ tasks.me.outputs.v }}"}
"""

TOP = "flowforge: 1\nname: top\ntasks:\n"


class Uses(CliTest):
    def one(self, word: str) -> str:
        return self.file("one.yaml", ONE.format(word=word))

    def outputs(self) -> object:
        return self.call("get", "last", "-o", "json").json()["outputs"]

    def test_a_run_keeps_the_text_it_was_submitted_with(self) -> None:
        os.mkfifo(self.folder / "gate")
        self.call("apply", self.one("old"))
        top = self.file(
            "top.yaml",
            TOP + f"  wait: {{run: read x < {self.folder}/gate}}\n"
            "  one: {needs: [wait], uses: workflow:one, with: {n: 1}}\n"
            "outputs: {o: '${{ tasks.one.outputs.o }}'}\n",
        )
        process = self.start("run", top)
        fd = os.open(self.folder / "gate", os.O_WRONLY)
        self.call("apply", self.one("new"))
        process.end(signal.SIGKILL)
        os.write(fd, b"go\n")
        os.close(fd)
        self.call("resume")
        self.assertEqual(self.outputs(), {"o": "old 1 hi"})
        self.call("workflow", "delete", "one")
        self.call("run", top, expect=4)

    def test_labels_hashes_and_files_are_used(self) -> None:
        first = self.call("apply", self.one("a"), "-o", "json").json()[0]["hash"]
        self.call("apply", self.one("b"))
        self.call("workflow", "label", "one", "prod", first[:8])
        self.one("c")
        top = self.file(
            "top.yaml",
            TOP + "  p: {uses: workflow:one@prod, with: {n: 1}}\n"
            f"  q: {{uses: 'workflow:one@sha256:{first[:10]}', with: {{n: 2}}}}\n"
            "  r: {uses: workflow:one, with: {n: 3}}\n"
            "  s: {uses: ./one.yaml, with: {n: 4, word: x}}\n"
            "outputs:\n"
            + "".join(f"  {t}: '${{{{ tasks.{t}.outputs.o }}}}'\n" for t in "pqrs"),
        )
        self.call("run", top)
        self.assertEqual(
            self.outputs(), {"p": "a 1 hi", "q": "a 2 hi", "r": "b 3 hi", "s": "c 4 x"}
        )

    def test_what_does_not_fit_is_told_before_anything_starts(self) -> None:
        self.call("apply", self.one("a"))
        for task, code, said in (
            (
                "{uses: workflow:ones}",
                4,
                "there is no workflow ones; did you mean one?",
            ),
            ("{uses: workflow:one}", 3, "one needs the input n"),
            ("{uses: workflow:one, with: {n: 1, m: 2}}", 3, "one has no input m"),
            ("{uses: ./none.yaml}", 4, "./none.yaml beside it: No such file"),
            ("{uses: ./top.yaml, with: {n: 1}}", 3, "top has no input n"),
        ):
            top = self.file("top.yaml", TOP + f"  t: {task}\n")
            err = self.call("run", top, expect=code).err
            self.assertIn(said, err)
            self.assertRegex(err, r"(?m)/top.yaml:4:\d+: FF07[14]: ")
        top = self.file(
            "top.yaml",
            TOP + "  t: {uses: workflow:one, with: {n: 1}}\n"
            "outputs: {o: '${{ tasks.t.outputs.z }}'}\n",
        )
        self.assertIn("has no output z", self.call("run", top, expect=3).err)
        self.file("bad.yaml", "flowforge: 1\nname: bad\n")
        top = self.file("top.yaml", TOP + "  t: {uses: ./bad.yaml}\n")
        self.assertIn("./bad.yaml:1:1: FF011", self.call("run", top, expect=3).err)
        self.assertEqual(self.call("list", "-o", "json").json()["runs"], [])

    def test_all_that_does_not_fit_is_told_at_once(self) -> None:
        self.one("a")
        self.file("inner.yaml", TOP + "  i: {uses: ./one.yaml}\n")
        top = self.file(
            "top.yaml",
            TOP + "  p: {uses: ./one.yaml, with: {n: x, m: 2}}\n"
            "  q: {uses: ./none.yaml}\n"
            "  r: {tasks: {s: {uses: ./inner.yaml}}}\n"
            "  t: {uses: workflow:none}\n",
        )
        said = [
            "top.yaml:4:35: FF074: one: input n must be of type integer",
            "top.yaml:4:41: FF074: one has no input m",
            "top.yaml:5:3: FF071: task q: ./none.yaml beside it: No such file",
            "top.yaml:6:15: FF072: task s: ./inner.yaml:4:3: FF074: task i: one needs",
            "top.yaml:7:3: FF071: task t: there is no workflow none",
        ]
        ran = self.call("run", top, expect=4).err.splitlines()
        for line, begins in zip(ran, said, strict=True):
            self.assertIn(begins, line)
        shown = self.call("validate", top, "inner.yaml", expect=3).out.splitlines()
        inner = "inner.yaml:4:3: FF074: task i: one needs the input n"
        for line, begins in zip(shown, [*said[:4], inner], strict=True):
            self.assertIn(begins, line)
        problems = self.call("validate", top, "-o", "json", expect=3).json()
        self.assertEqual(problems[0]["problems"][2]["code"], "FF071")

    def test_a_workflow_may_use_itself_but_not_for_ever(self) -> None:
        fact = self.file("fact.yaml", FACT)
        self.call("run", fact, "-i", "n=12")
        self.assertEqual(self.outputs(), {"v": 479001600})
        self.call("run", fact, "-i", "n=18", expect=1)
        history = self.call("history", "last", "--canonical").out
        self.assertEqual(history.count('"reason":"depth"'), 1)

    def test_applied_workflows_use_no_files(self) -> None:
        self.call("apply", self.file("fact.yaml", FACT))
        err = self.call("run", "workflow:fact", "-i", "n=2", expect=3).err
        self.assertIn("can be used only by a file that is run itself", err)


if __name__ == "__main__":
    unittest.main()
