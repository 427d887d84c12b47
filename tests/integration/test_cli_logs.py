#!/usr/bin/python3
"""What tasks wrote comes back: merged, filtered, exact, and while it is written."""

import json
import os
import signal
import subprocess
import unittest

from ff_cli import CliTest, Gate

CHATTY = """flowforge: 1
name: chatty
tasks:
  talk:
    run: 'echo out; echo err >&2; printf "no end"'
  many:
    needs: [talk]
    foreach: ${{ [0, 1, 2] }}
    run: 'echo item "$N_ITEM"'
    env: {N_ITEM: "${{ index }}"}
"""
FLAKY = """flowforge: 1
name: flaky
tasks:
  t:
    run: 'echo attempt "$FF_ATTEMPT"; test "$FF_ATTEMPT" = 2'
    retry: {max_attempts: 3, delay: 1ms}
"""
BYTES = """flowforge: 1
name: bytes
tasks:
  t: {run: 'cat bytes'}
"""
SDK = """flowforge: 1
name: sdk
tasks:
  t:
    run: |
      echo before
      python3 -c 'from flowforge import client
      client.log("from the sdk")
      client.flush(30)'
"""
FOLLOWED = """flowforge: 1
name: followed
tasks:
  a: {{run: 'echo a1; read x < {gate}; echo a2'}}
  b: {{needs: [a], run: 'echo b1; read x < {gate}; echo b2'}}
"""
INSIDE = """flowforge: 1
name: inside
tasks:
  own: {{run: echo outer}}
  each:
    needs: [own]
    foreach: [0, 1]
    tasks:
      a:
        env: {{I: "${{{{ item }}}}"}}
        run: 'echo first "$I"; read x < {folder}/gate."$I"; echo second "$I"'
      deep: {{needs: [a], tasks: {{b: {{run: echo bottom}}}}}}
  twice:
    needs: [own]
    retry: {{max_attempts: 2, delay: 1ms}}
    tasks:
      c: {{run: 'echo try; mkdir {folder}/once 2>/dev/null && exit 1; true'}}
  used: {{needs: [each], uses: ./child.yaml}}
"""
CHILD = """flowforge: 1
name: child
tasks: {leaf: {run: echo used}}
"""
INSIDE_LINES = [
    "each.0/a | first 0",
    "each.0/a | second 0",
    "each.0/deep/b | bottom",
    "each.1/a | first 1",
    "each.1/a | second 1",
    "each.1/deep/b | bottom",
    "own | outer",
    "twice#2/c | try",
    "twice/c | try",
    "used/leaf | used",
]


class Logs(CliTest):
    def test_lines_of_all_tasks_with_their_names_in_the_order_of_time(self) -> None:
        self.call("run", "-q", self.file("c.yaml", CHATTY))
        lines = self.call("logs", "last").out.splitlines()
        self.assertEqual(
            sorted(lines[:3]), ["talk | err", "talk | no end", "talk | out"]
        )
        self.assertEqual(sorted(lines[3:]), [f"many.{i} | item {i}" for i in range(3)])

    def test_one_task_one_item_one_stream(self) -> None:
        self.call("run", "-q", self.file("c.yaml", CHATTY))
        self.assertEqual(self.call("logs", "last", "many.1").out, "item 1\n")
        err = self.call("logs", "last", "talk", "--stream", "stderr").out
        self.assertEqual(err, "err\n")
        self.call("logs", "last", "nosuch", expect=4)
        self.call("logs", "last", "many.x", expect=2)
        self.assertIn("nothing", self.call("logs", "last", "many.9").err)

    def test_as_json(self) -> None:
        self.call("run", "-q", self.file("c.yaml", CHATTY))
        lines = self.call("logs", "last", "-o", "json").lines()
        self.assertEqual({li["task"] for li in lines}, {"talk", "many"})
        talk = {li["text"]: li for li in lines if li["task"] == "talk"}
        self.assertEqual(talk["err"]["stream"], "stderr")
        self.assertTrue(talk["no end"]["partial"])
        times = [li["time"] for li in lines]
        self.assertEqual(times, sorted(times))

    def test_timestamps(self) -> None:
        self.call("run", "-q", self.file("c.yaml", CHATTY))
        for line in self.call("logs", "last", "-t").out.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \w")

    def test_raw_gives_the_bytes_that_were_written(self) -> None:
        rng = os.urandom(1)[0]
        data = (
            b"".join(bytes([(i * i + rng) % 256]) * (i % 7) for i in range(20000))
            + b"\n\n"
            + b"x" * 100000
            + b"\nlast without end"
        )
        (self.folder / "bytes").write_bytes(data)
        self.call("run", "-q", self.file("b.yaml", BYTES))
        done = subprocess.run(
            self.command("logs", "last", "t", "--raw", "--stream", "stdout"),
            env=self.env,
            capture_output=True,
            check=True,
        )
        self.assertEqual(done.stdout, data)

    def test_attempts(self) -> None:
        self.call("run", "-q", self.file("f.yaml", FLAKY))
        self.assertIn("attempt 1\n", self.call("logs", "last", "t").out)
        self.assertIn("attempt 2\n", self.call("logs", "last", "t").out)
        for option, text in (
            ("1", "attempt 1\n"),
            ("2", "attempt 2\n"),
            ("0", "attempt 2\n"),
        ):
            out = self.call("logs", "last", "t", "--attempt", option).out
            self.assertEqual(out, text)

    def test_lines_of_the_sdk(self) -> None:
        self.env["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
        self.call("run", "-q", self.file("s.yaml", SDK))
        out = self.call("logs", "last", "t").out
        self.assertIn("before\n", out)
        self.assertIn("from the sdk\n", out)
        sdk = self.call("logs", "last", "t", "--stream", "sdk").out
        self.assertEqual(sdk, "from the sdk\n")

    def followed(self, *args: str):
        gate = self.gate("gate")
        path = self.file("followed.yaml", FOLLOWED.format(gate=gate.path))
        run = self.start("run", path)
        run.wait_for("a started")
        return run, self.start("logs", "last", "-f", *args), gate

    def test_follow_prints_what_comes_and_ends_with_the_run(self) -> None:
        run, logs, gate = self.followed()
        logs.wait_for("a | a1")
        gate.open()
        logs.wait_for("b | b1")
        self.assertIn("a | a2", logs.seen)
        gate.open()
        self.assertEqual(run.end().code, 0)
        result = logs.end()
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.out, "a | a1\na | a2\nb | b1\nb | b2\n")

    def test_follow_of_a_task_ends_with_the_task(self) -> None:
        run, logs, gate = self.followed("a")
        logs.wait_for("a1")
        gate.open()
        self.assertEqual(logs.end().out, "a1\na2\n")
        self.assertIsNone(run.popen.poll())

    def test_follow_of_a_task_that_has_not_begun(self) -> None:
        run, logs, gate = self.followed("b", "-o", "json")
        gate.open()
        logs.wait_for("b1")
        gate.open()
        texts = [json.loads(li)["text"] for li in logs.end().out.splitlines()]
        self.assertEqual(texts, ["b1", "b2"])
        self.assertEqual(run.end().code, 0)

    def test_follow_outlives_the_owner(self) -> None:
        run, logs, gate = self.followed()
        logs.wait_for("a | a1")
        run.end(signal.SIGKILL)
        again = self.start("resume", "last")
        gate.open()
        logs.wait_for("b | b1")
        gate.open()
        self.assertEqual(again.end().code, 0)
        self.assertEqual(logs.end().out, "a | a1\na | a2\nb | b1\nb | b2\n")

    def inside(self) -> tuple[str, Gate, Gate]:
        self.file("child.yaml", CHILD)
        path = self.file("inside.yaml", INSIDE.format(folder=self.folder))
        return path, self.gate("gate.0"), self.gate("gate.1")

    def test_follow_of_a_run_follows_those_inside(self) -> None:
        path, zero, one = self.inside()
        run = self.start("run", path)
        run.wait_for("started")
        logs = self.start("logs", "last", "-f")
        logs.wait_for("each.0/a | first 0")
        logs.wait_for("each.1/a | first 1")
        logs.wait_for("twice#2/c | try")
        zero.open()
        logs.wait_for("each.0/a | second 0")
        logs.wait_for("each.0/deep/b | bottom")
        one.open()
        self.assertEqual(run.end().code, 0)
        result = logs.end()
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(sorted(result.out.splitlines()), INSIDE_LINES)
        self.assertEqual(
            sorted(self.call("logs", "last").out.splitlines()), INSIDE_LINES
        )

    def test_who_comes_later_is_told_what_was_before_once(self) -> None:
        path, zero, one = self.inside()
        run = self.start("run", path)
        zero.open()
        # Whoever opens this gate has been inside both.
        with one.path.open("w", encoding="ascii") as held:
            logs = self.start("logs", "last", "-f")
            logs.wait_for("each.1/a | first 1")
            logs.wait_for("each.0/deep/b | bottom")
            self.assertNotIn("second 1", logs.seen)
            held.write("go\n")
        self.assertEqual(run.end().code, 0)
        result = logs.end()
        self.assertEqual(sorted(result.out.splitlines()), INSIDE_LINES)
        self.assertEqual(
            self.call("logs", "last", "-f").out, self.call("logs", "last").out
        )

    def test_following_inside_outlives_the_owner(self) -> None:
        path, zero, one = self.inside()
        run = self.start("run", path)
        run.wait_for("started")
        logs = self.start("logs", "last", "-f")
        logs.wait_for("each.0/a | first 0")
        logs.wait_for("each.1/a | first 1")
        run.end(signal.SIGKILL)
        again = self.start("resume", "last")
        zero.open()
        one.open()
        self.assertEqual(again.end().code, 0)
        self.assertEqual(sorted(logs.end().out.splitlines()), INSIDE_LINES)

    def test_follow_of_one_run_inside(self) -> None:
        path, zero, one = self.inside()
        run = self.start("run", path)
        zero.open()
        with one.path.open("w", encoding="ascii") as held:
            logs = self.start("logs", "last", "each.1/", "-f")
            logs.wait_for("a | first 1")
            held.write("go\n")
        self.assertEqual(run.end().code, 0)
        lines = ["a | first 1", "a | second 1", "deep/b | bottom"]
        self.assertEqual(logs.end().out.splitlines(), lines)

    def test_follow_of_a_final_run_is_no_different(self) -> None:
        self.call("run", "-q", self.file("c.yaml", CHATTY))
        self.assertEqual(
            self.call("logs", "last", "-f").out, self.call("logs", "last").out
        )


if __name__ == "__main__":
    unittest.main()
