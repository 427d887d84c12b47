#!/usr/bin/python3
"""Spans of runs: what a collector is told is what happened, in the protocol's own
words, and is told in the end whatever the collector does meanwhile."""

import hashlib
import signal
import unittest

from ff_collector import Collector, Span, has_proto
from ff_metrics import MetricsTest, Page
from postgres import Postgres

WORK = """flowforge: 1
name: work
tasks:
  first: {run: 'echo "parent=${TRACEPARENT-}" > "$FF_OUT/said"', outputs: {said: {}}}
  twice: {run: 'test "$FF_ATTEMPT" = 2', retry: {max_attempts: 2, delay: 1ms}}
  each: {needs: [twice], foreach: [a, b], run: 'true'}
  nap: {needs: [each], sleep: 20ms}
  never: {if: "${{ false }}", run: 'true'}
  inside:
    needs: [nap]
    tasks:
      deep: {run: 'echo "${TRACEPARENT-}" > {PLACE}'}
"""
FAILS = """flowforge: 1
name: fails
tasks:
  good: {run: 'true'}
  bad: {needs: [good], run: 'test -e {PLACE}'}
"""


def span_id(attempt: str) -> str:
    return hashlib.sha256(attempt.encode()).hexdigest()[:16]


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def has_run(name: str, n: int = 1):  # type: ignore[no-untyped-def]
    return lambda spans: len(named(spans, name)) == n


@unittest.skipUnless(
    has_proto(), "opentelemetry-proto is missing: scripts/setup --test"
)
class Traces(MetricsTest):
    def setUp(self) -> None:
        super().setUp()
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.env["FLOWFORGE_TRACES_ENDPOINT"] = self.collector.url

    def tearDown(self) -> None:
        self.assertEqual(self.collector.wrong, [])
        super().tearDown()

    def run_file(self, text: str, *args: str, expect: int = 0) -> str:
        place = self.folder / "place"
        self.call(
            "run",
            self.file("w.yaml", text.replace("{PLACE}", str(place))),
            *args,
            expect=expect,
        )
        run: str = self.get("/runs?limit=1")["items"][0]["id"]
        return run

    def test_a_run_is_one_trace_with_its_attempts_inside(self) -> None:
        self.env["FLOWFORGE_TRACES_HEADERS"] = "x-team=data%20science,x-key=k"
        self.serve()
        run = self.run_file(WORK)
        spans = self.collector.wait_for(has_run("work"))
        (whole,) = named(spans, "work")
        self.assertEqual(len({span.id for span in spans}), len(spans))
        self.assertEqual({span.trace for span in spans}, {run.replace("-", "")})
        self.assertIsNone(whole.parent)
        self.assertEqual(whole.has["flowforge.run.id"], run)
        self.assertEqual(whole.has["flowforge.tenant"], "default")
        self.assertEqual(whole.has["flowforge.state"], "succeeded")
        for span in spans:
            self.assertGreaterEqual(span.begun, whole.begun, span.said)
            self.assertLessEqual(span.ended, whole.ended, span.said)
        (first,) = named(spans, "first")
        self.assertEqual(
            (first.parent, first.id), (whole.id, span_id(f"{run}/first/1"))
        )
        self.assertEqual(
            [
                (
                    t.failed,
                    t.has["flowforge.attempt"],
                    t.has["flowforge.exit_code"],
                    t.parent,
                )
                for t in named(spans, "twice")
            ],
            [(True, 1, 1, whole.id), (False, 2, 0, whole.id)],
        )
        (items,) = [e for e in named(spans, "each") if "flowforge.item" not in e.has]
        self.assertEqual(items.parent, whole.id)
        self.assertEqual(
            sorted(
                (e.has["flowforge.item"], e.parent, e.id)
                for e in named(spans, "each")
                if e is not items
            ),
            [(i, items.id, span_id(f"{run}/each.{i}/1")) for i in (0, 1)],
        )
        (nap,) = named(spans, "nap")
        self.assertGreaterEqual(nap.ended - nap.begun, 20_000_000)
        self.assertEqual(named(spans, "never"), [])
        self.assertEqual(whole.resource["service.name"], "flowforge")
        path, headers, _ = self.collector.asked[0]
        self.assertEqual(path, "/v1/traces")
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual((headers["x-team"], headers["x-key"]), ("data science", "k"))
        self.assertEqual(self.stop().code, 0)

    def test_tasks_know_their_span_also_within_runs_inside_runs(self) -> None:
        self.serve()
        run = self.run_file(WORK)
        spans = self.collector.wait_for(has_run("work"))
        trace = run.replace("-", "")
        said = self.get(f"/runs/{run}/tasks/first")["outputs"]["said"].strip()
        self.assertEqual(said, f"parent=00-{trace}-{span_id(f'{run}/first/1')}-01")
        (deep,) = named(spans, "deep")
        within = (self.folder / "place").read_text().strip()
        self.assertEqual(within, f"00-{trace}-{deep.id}-01")
        # deep is in the run that the task inside is, and that is in the task's span.
        by_id = {span.id: span for span in spans}
        inner = by_id[deep.parent or ""]
        task = by_id[inner.parent or ""]
        self.assertEqual(task.id, span_id(f"{run}/inside/1"))
        self.assertEqual((task.name, inner.name), ("inside", "inside"))

    def test_without_a_collector_tasks_get_no_trace(self) -> None:
        del self.env["FLOWFORGE_TRACES_ENDPOINT"]
        self.serve()
        run = self.run_file(WORK)
        said = self.get(f"/runs/{run}/tasks/first")["outputs"]["said"].strip()
        self.assertEqual(said, "parent=")
        self.assertEqual(self.collector.asked, [])

    def test_what_the_collector_does_not_take_is_told_again(self) -> None:
        self.collector.answers = [
            (503, {"Retry-After": "1"}, b""),
            (429, {}, b"not now"),
        ]
        self.env["FLOWFORGE_ENGINE_LOG_LEVEL"] = "info"
        server = self.serve()
        self.run_file(WORK)
        spans = self.collector.wait_for(has_run("work"))
        self.assertEqual(len({span.id for span in spans}), len(spans))
        bodies = [body for _, _, body in self.collector.asked[:3]]
        self.assertEqual(bodies[0], bodies[1])
        server.wait_for_err(
            "the collector takes no spans, and is asked again: it answered 503"
        )
        server.wait_for_err("the collector answers again")

    def test_one_that_is_not_there_is_waited_for(self) -> None:
        port = self.collector.server_address[1]
        self.collector.close()
        server = self.serve()
        self.run_file(FAILS, expect=1)
        server.wait_for_err("the collector takes no spans")
        self.assertEqual(
            self.scrape().get("flowforge_trace_spans_total", result="sent"), 0
        )
        self.collector = Collector(int(port))
        self.addCleanup(self.collector.close)
        (whole,) = named(self.collector.wait_for(has_run("fails")), "fails")
        self.assertTrue(whole.failed)

    def test_what_it_refuses_is_counted_and_not_told_again(self) -> None:
        self.collector.answers = [
            (400, {}, b"what is this?"),
            (
                200,
                {},
                b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "old"}}',
            ),
        ]
        server = self.serve()
        self.run_file(FAILS, expect=1)
        server.wait_for_err(
            "the collector refused 3 spans: it answered 400: what is this?"
        )
        self.run_file(FAILS, expect=1)
        server.wait_for_err("all but 2 spans: old")
        self.run_file(FAILS, expect=1)

        def counted(page: Page) -> bool:
            return page.get("flowforge_trace_spans_total", result="sent") == 4

        page = self.scrape_until(counted)
        self.assertEqual(page.get("flowforge_trace_spans_total", result="rejected"), 5)
        self.assertEqual(page.get("flowforge_trace_runs_waiting"), 0)
        self.assertEqual(page.get("flowforge_trace_runs_passed_over_total"), 0)
        self.assertEqual(len(self.collector.asked), 3)

    def test_who_asked_is_linked(self) -> None:
        caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        self.serve()
        body = {"source": FAILS.replace("{PLACE}", "/"), "inputs": {}}
        run = self.change("POST", "/runs", body, traceparent=caller).json()["id"]
        (whole,) = named(self.collector.wait_for(has_run("fails")), "fails")
        self.assertEqual(whole.trace, run.replace("-", ""))
        self.assertEqual(
            whole.said["links"],
            [{"traceId": caller[3:35], "spanId": caller[36:52]}],
        )

    def test_a_run_that_is_opened_again_tells_what_is_new(self) -> None:
        self.serve()
        run = self.run_file(FAILS, expect=1)
        before = self.collector.wait_for(has_run("fails"))
        (self.folder / "place").touch()
        self.call("retry", run)
        spans = self.collector.wait_for(has_run("fails", 2))
        new = spans[len(before) :]
        self.assertEqual(sorted(span.name for span in new), ["bad", "fails"])
        self.assertEqual(len({span.id for span in spans}), len(spans))
        self.assertEqual({span.trace for span in spans}, {run.replace("-", "")})
        self.assertEqual([span.failed for span in named(spans, "fails")], [True, False])
        self.assertGreaterEqual(
            named(new, "fails")[0].begun, named(before, "fails")[0].ended
        )

    def test_many_spans_are_several_requests(self) -> None:
        self.serve()
        items = list(range(1300))
        self.run_file(
            "flowforge: 1\nname: many\ntasks:\n"
            f"  each: {{foreach: {items}, transform: {{n: 1}}}}\n"
        )
        spans = self.collector.wait_for(has_run("many"))
        self.assertEqual(len(spans), 1302)
        self.assertEqual(len({span.id for span in spans}), 1302)
        self.assertEqual(len(self.collector.asked), 3)

    def test_a_server_that_leaves_tells_what_it_has(self) -> None:
        self.collector.answers = [(503, {"Retry-After": str(2**63 - 1)}, b"")]
        server = self.serve()
        self.run_file(FAILS, expect=1)
        server.wait_for_err("the collector takes no spans")
        self.assertEqual(self.server.end(signal.SIGTERM).code, 0)
        self.assertEqual(len(named(self.collector.spans, "fails")), 1)

    def test_a_server_that_leaves_waits_for_no_collector_that_hangs(self) -> None:
        self.env["FLOWFORGE_TRACES_TIMEOUT"] = "60s"
        self.collector.speaks.clear()
        self.serve()
        self.run_file(FAILS, expect=1)
        self.collector.wait_for_requests(1)
        done = self.server.end(signal.SIGTERM)
        self.assertEqual(done.code, 0)
        self.assertIn("what came of 1 runs or more was not told", done.err)

    def test_what_makes_no_sense_in_an_answer_is_as_nothing(self) -> None:
        def partial(n: str) -> bytes:
            return b'{"partialSuccess": {"rejectedSpans": "%s"}}' % n.encode()

        answers = (partial("-7"), partial("9" * 18), b"[" * 100_000, b"\xff\x00{")
        self.collector.answers = [(200, {}, answer) for answer in answers]
        self.serve()
        for _ in answers:
            self.run_file(FAILS, expect=1)
        self.collector.wait_for(has_run("fails", 4))

        def counted(page: Page) -> bool:
            return page.get("flowforge_trace_runs_waiting") == 0

        page = self.scrape_until(counted)
        self.assertEqual(page.get("flowforge_trace_spans_total", result="sent"), 12)
        self.assertEqual(page.get("flowforge_trace_spans_total", result="rejected"), 0)
        self.assertEqual(self.stop().code, 0)

    def test_what_is_on_its_way_waits(self) -> None:
        self.collector.speaks.clear()
        self.serve()
        self.run_file(FAILS, expect=1)
        self.collector.wait_for_requests(1)
        self.assertEqual(self.scrape().get("flowforge_trace_runs_waiting"), 1)
        self.collector.speaks.set()
        self.scrape_until(lambda page: page.get("flowforge_trace_runs_waiting") == 0)

    def test_a_store_that_goes_away_hides_no_run(self) -> None:
        with Postgres() as postgres:
            self.env |= postgres.environment()
            self.collector.speaks.clear()
            server = self.serve()
            for _ in range(2):  # the first is on its way, the other one waits
                self.run_file(FAILS, expect=1)
            self.scrape_until(
                lambda page: page.get("flowforge_trace_runs_waiting") == 2
            )
            postgres.stop()
            self.collector.speaks.set()
            server.wait_for_err("the store cannot be read, and is asked again")
            postgres.start()
            self.collector.wait_for(has_run("fails", 2))
            self.assertEqual(self.stop().code, 0)

    def test_a_caller_that_is_none_spoils_no_request(self) -> None:
        caller = "00-0af76519-6cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        self.serve()
        body = {"source": FAILS.replace("{PLACE}", "/"), "inputs": {}}
        self.change("POST", "/runs", body, traceparent=caller)
        (whole,) = named(self.collector.wait_for(has_run("fails")), "fails")
        self.assertNotIn("links", whole.said)

    def test_variables_of_opentelemetry_in_another_form_stop_no_server(self) -> None:
        self.env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317",
            "OTEL_RESOURCE_ATTRIBUTES": "no pair",
            "OTEL_EXPORTER_OTLP_HEADERS": "key=hidden%0D%0Aother: 1",
        }
        done = self.call("config", "show")
        for key in ("endpoint", "resource_attributes", "headers"):
            self.assertIn(f"traces.{key} is not set by a variable OTEL_", done.err)
        self.assertNotIn("hidden", done.out + done.err)
        self.serve()
        self.run_file(FAILS, expect=1)
        self.collector.wait_for(has_run("fails"))
        del self.env["FLOWFORGE_TRACES_ENDPOINT"]
        self.assertEqual(self.stop().code, 0)
        self.serve()
        self.assertEqual(self.stop().code, 0)

    def test_a_url_may_have_a_query(self) -> None:
        for end, path in (
            ("?a=/b", "/v1/traces?a=/b"),
            ("/?a=b", "/v1/traces?a=b"),
            ("/in?a=b", "/in?a=b"),
        ):
            with self.subTest(end):
                n = len(self.collector.asked)
                self.env["FLOWFORGE_TRACES_ENDPOINT"] = self.collector.url + end
                self.serve()
                self.run_file(FAILS, expect=1)
                self.collector.wait_for_requests(n + 1)
                self.assertEqual(self.collector.asked[n][0], path)
                self.assertEqual(self.stop().code, 0)

    def test_the_variables_of_opentelemetry_count(self) -> None:
        del self.env["FLOWFORGE_TRACES_ENDPOINT"]
        self.env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url + "/",
            "OTEL_SERVICE_NAME": "flows-of-data",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test%2C1,team=a",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=hidden-key",
        }
        shown = self.call("config", "show").out
        self.assertIn(f"{self.collector.url}/v1/traces", shown)
        self.assertNotIn("hidden-key", shown)
        self.serve()
        self.run_file(FAILS, expect=1)
        (whole,) = named(self.collector.wait_for(has_run("fails")), "fails")
        self.assertEqual(
            {key: whole.resource[key] for key in ("service.name", "team")},
            {"service.name": "flows-of-data", "team": "a"},
        )
        self.assertEqual(whole.resource["deployment.environment.name"], "test,1")
        self.assertEqual(self.collector.asked[0][0], "/v1/traces")

    def test_wrong_settings_are_told_at_the_start(self) -> None:
        for name, value, told in (
            ("ENDPOINT", "collector:4317", "traces.endpoint: "),
            ("ENDPOINT", "http://me:hidden@collector", "without a user"),
            ("HEADERS", "no pair", "traces.headers: write key=value"),
            ("HEADERS", "a=1%0D%0Ab: 2", "traces.headers: write key=value"),
            ("HEADERS", "a b=1", "traces.headers: write key=value"),
            ("RESOURCE_ATTRIBUTES", "a=%zz", "traces.resource_attributes: write"),
        ):
            with self.subTest(name):
                variable = f"FLOWFORGE_TRACES_{name}"
                before = self.env.get(variable)
                self.env[variable] = value
                done = self.call("server", "--listen", "127.0.0.1:0", expect=78)
                self.assertIn(told, done.err)
                self.assertNotIn("hidden", done.err)
                del self.env[variable]
                if before:
                    self.env[variable] = before


if __name__ == "__main__":
    unittest.main()
