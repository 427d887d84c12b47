#!/usr/bin/python3
"""Whole runs with filters in front of store, queue and runtime: faults that the
contracts allow change nothing in how a run ends, and filters are found by name."""
# ctest: timeout=240

import json
import re
import unittest

from ff_cli import CliTest, Result

FLOW = """flowforge: 1
name: work
tasks:
  begin:
    run: 'echo begin; echo 3 > "$FF_OUT/n"'
    outputs: {n: {from: file}}
  each:
    needs: [begin]
    foreach: [1, 2, 3, 4, 5, 6, 7, 8]
    env: {ITEM: "${{ item }}"}
    run: 'echo "item $ITEM" >> "$MARKS"'
  end:
    needs: [each]
    env: {N: "${{ tasks.begin.outputs.n }}"}
    run: 'echo "n is $N"; echo end >> "$MARKS"'
"""

LOST = """flowforge: 1
name: lost
tasks:
  each:
    foreach: ${{ range(30) }}
    retry: {max_attempts: 40, delay: 0s}
    env: {ITEM: "${{ item }}"}
    run: 'echo "$ITEM" >> "$MARKS"'
"""


def settings(**values: str) -> list[str]:
    """engine__store_filters="store-fault" as words of the command line."""
    words = []
    for name, value in values.items():
        section, _, key = name.partition("__")
        words += ["--set", f"{section.replace('_', '-')}.{key}={value}"]
    return words


# The first three commits are those of whoever submits, who is told of a failure.
STORE_FAULTS = settings(
    engine__store_filters="store-trace,store-fault",
    store_fault__seed="11",
    store_fault__skip="3",
    store_fault__rate="500",
)


class Filters(CliTest):
    def setUp(self) -> None:
        super().setUp()
        self.file("work.yaml", FLOW)
        self.marks = self.folder / "marks"
        self.env["MARKS"] = str(self.marks)
        self.env["FLOWFORGE_ENGINE_PASS_ENV"] = "MARKS"

    def end_right(self, *words: str) -> Result:
        """Runs it to its end: every task has succeeded, and each item has run."""
        done = self.call("run", "work.yaml", *words)
        self.assertIn("run succeeded", done.out)
        marks = self.marks.read_text().split("\n")[:-1]
        wanted = sorted([f"item {i}" for i in range(1, 9)] + ["end"])
        self.assertEqual(wanted, sorted(marks))
        return done

    def trace(self) -> list[dict[str, str]]:
        lines = (self.folder / "trace").read_text().splitlines()
        return [dict(w.split("=", 1) for w in line.split(" ")[:6]) for line in lines]

    def on_faulty_store(self, code: str, *words: str) -> None:
        """The run ends right, and the code was told for a commit at least twice."""
        self.marks.unlink(missing_ok=True)
        trace = self.folder / "trace"
        trace.unlink(missing_ok=True)
        self.end_right(*STORE_FAULTS, *settings(store_trace__file=str(trace)), *words)
        codes = [call["code"] for call in self.trace() if call["call"] == "commit"]
        self.assertGreater(codes.count(code), 1, codes)

    def test_a_run_whose_commits_are_refused_ends_right(self) -> None:
        for code in ("busy", "unavailable", "full"):
            self.on_faulty_store(code, *settings(store_fault__code=code))

    def test_a_run_whose_commits_are_in_doubt_ends_right(self) -> None:
        for when in ("before", "after"):
            self.on_faulty_store(
                "in_doubt",
                *settings(store_fault__code="in_doubt", store_fault__when=when),
            )

    def test_a_run_whose_messages_are_lost_doubled_and_late_ends_right(self) -> None:
        done = self.end_right(
            *settings(
                engine__log_level="info",
                engine__queue_filters="queue-fault",
                queue_fault__loss="300",
                queue_fault__duplication="800",
                queue_fault__reordering="300",
                queue_fault__seed="5",
            )
        )
        for word in ("lost", "doubled", "put off"):
            told = re.findall(rf"(\d+) (?:messages )?{word}", done.err)
            self.assertGreater(sum(map(int, told)), 0, done.err)

    def test_a_run_on_a_bad_store_and_a_bad_queue_ends_right(self) -> None:
        self.on_faulty_store(
            "unavailable",
            *settings(
                engine__queue_filters="queue-fault",
                queue_fault__loss="150",
                queue_fault__duplication="300",
                queue_fault__seed="9",
            ),
        )
        last = self.call("get", "last", "-o", "json").json()
        self.assertEqual("succeeded", last["state"])

    def test_attempts_that_are_lost_are_made_again(self) -> None:
        # Whom it hits follows from the run's id, which is another one each time: of so
        # many that half are lost, some are, and no one 40 times.
        self.file("lost.yaml", LOST)
        faults = settings(
            engine__runtime_filters="runtime-fault",
            runtime_fault__lose="500",
            runtime_fault__late="300",
            runtime_fault__delay="20ms",
            runtime_fault__unavailable="200",
            runtime_fault__seed="2",
        )
        self.assertIn("run succeeded", self.call("run", "lost.yaml", *faults).out)
        marks = self.marks.read_text().split()
        self.assertEqual({str(i) for i in range(30)}, set(marks))
        self.assertGreater(len(marks), 30)

    def test_attempts_that_are_always_lost_fail_the_run(self) -> None:
        faults = settings(
            engine__runtime_filters="runtime-fault", runtime_fault__lose="1000"
        )
        out = self.call("run", "work.yaml", *faults, expect=1).out
        self.assertIn("its end was lost, as runtime-fault was asked for", out)

    def test_an_attempt_that_is_refused_fails_with_the_reason(self) -> None:
        refuse = settings(
            engine__runtime_filters="runtime-fault", runtime_fault__refuse="1000"
        )
        out = self.call("run", "work.yaml", *refuse, expect=1).out
        self.assertIn("it was refused, as runtime-fault was asked for", out)
        self.assertFalse(self.marks.exists())

    def test_after_a_failed_flush_the_engine_stops_and_another_goes_on(self) -> None:
        fatal = settings(
            engine__store_filters="store-fault",
            store_fault__code="fatal",
            store_fault__skip="6",
            store_fault__nth="1",
        )
        done = self.call("run", "work.yaml", *fatal, expect=None)
        self.assertNotEqual(0, done.code)
        self.call("resume")
        last = self.call("get", "last", "-o", "json").json()
        self.assertEqual("succeeded", last["state"])

    def test_metrics_of_a_run_are_written(self) -> None:
        file = self.folder / "store.prom"
        self.end_right(
            *settings(
                engine__store_filters="store-metrics", store_metrics__file=str(file)
            )
        )
        text = file.read_text()
        self.assertIn('flowforge_store_calls_total{store="store-sqlite"', text)
        self.assertEqual(0o644, file.stat().st_mode & 0o777)

    def test_a_list_in_the_file_of_the_configuration_names_the_filters(self) -> None:
        config = self.file(
            "config.yaml",
            "engine:\n  store_filters: [store-trace, store-delay]\n"
            f"store-trace:\n  file: {self.folder}/trace\n  calls: [commit]\n"
            "store-delay:\n  delay: 2ms\n",
        )
        self.end_right("--config", config)
        calls = self.trace()
        self.assertEqual({"commit"}, {call["call"] for call in calls})
        self.assertTrue(all(int(call["took_us"]) >= 2000 for call in calls))
        shown = self.call("config", "show", "--config", config).out
        self.assertRegex(shown, r"engine.store_filters +store-trace,store-delay")
        self.assertRegex(shown, r"store-delay.delay +2ms")

    def test_filters_are_shown_as_what_they_are(self) -> None:
        listed = json.loads(self.call("driver", "list", "-o", "json").out)
        filters = {d["name"] for d in listed if d.get("filter")}
        self.assertEqual(
            filters,
            {
                *(f"store-{n}" for n in ("delay", "fault", "metrics", "trace")),
                "queue-fault",
                "runtime-fault",
            },
        )
        self.assertIn(
            "kind:     store filter", self.call("driver", "show", "store-fault").out
        )

    def test_what_cannot_be_chained_is_refused_with_a_remedy(self) -> None:
        for setting, sentence in (
            ("engine.store_filters=store-memory", "store-memory is no filter"),
            ("engine.store_filters=queue-fault", "one of kind store is needed"),
            ("engine.store=store-fault", "name it in engine.store_filters"),
            ("engine.store_filters=store-falt", "did you mean store-fault?"),
        ):
            done = self.call("run", "work.yaml", "--set", setting, expect=None)
            self.assertNotEqual(0, done.code)
            self.assertIn(sentence, done.err)


if __name__ == "__main__":
    unittest.main()
