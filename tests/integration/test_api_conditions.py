#!/usr/bin/python3
"""If-Match: what has changed meanwhile is not changed again, by any route; and one that
cannot know whether it has says so, instead of doing it."""

import concurrent.futures
import unittest

from ff_api import Answer
from ff_changes import Change, ChangesTest

WRONG = '"bogus"'
TRIES = 50  # a run goes on by itself


class Conditions(ChangesTest):
    def right(self, method: str, change: Change) -> Answer:
        for _ in range(TRIES):
            seen = self.ask("GET", change.thing).headers["etag"]
            answer = self.do(method, change, If_Match=seen)
            if answer.status != 412:
                break
        return answer

    def test_each_route_judges_it_or_refuses_it(self) -> None:
        n_judged = 0
        for operation, method in self.set_up().items():
            with self.subTest(operation):
                change = self.of(operation)
                wrong = self.do(method, change, If_Match=WRONG)
                if change.thing:
                    self.problem(wrong, 412, "PRECONDITION_FAILED")
                    done = self.right(method, change)
                else:
                    said = self.problem(wrong, 400, "INVALID")
                    self.assertIn("If-Match", said["detail"])
                    any_one = self.do(method, change, If_Match="*")
                    self.problem(any_one, 400, "INVALID")
                    done = self.do(method, change)
                self.assertIn(done.status, (200, 201, 202, 204), done.body)
                n_judged += bool(change.thing)
        self.assertGreater(n_judged, 15)
        self.stop()

    def test_any_of_a_list_will_do_and_what_is_there_at_all(self) -> None:
        self.set_up()
        etags = []
        for form in ("*", '"a,b", %s', '%s,"b"', '"a" ,\t%s , "b"'):
            change = self.of("deleteSchedule")
            seen = self.ask("GET", change.thing).headers["etag"]
            etags.append(seen)
            done = self.do("DELETE", change, If_Match=form.replace("%s", seen))
            self.assertEqual(done.status, 204, done.body)
        change = self.of("deleteSchedule")
        for form in ("W/%s", '"a, %s"', "%sx", "%s%s", '"', ""):
            wrong = form.replace("%s", etags[0])
            answer = self.do("DELETE", change, If_Match=wrong)
            self.problem(answer, 412, "PRECONDITION_FAILED")
        self.problem(self.do("DELETE", change, If_None_Match="*"), 400, "INVALID")
        self.get(change.thing)
        self.stop()

    def test_of_what_is_not_there_yet_there_is_no_version(self) -> None:
        self.set_up()
        change = self.of("applyWorkflow")
        self.change("DELETE", change.thing, status=204)
        for form in ("*", WRONG):
            answer = self.do("POST", change, If_Match=form)
            self.problem(answer, 412, "PRECONDITION_FAILED")
        self.assertEqual(self.do("POST", change).status, 201)
        # What is as it should be is left so, and that stands in no log.
        before = self.get("/audit?limit=1")["items"]
        seen = self.ask("GET", change.thing).headers["etag"]
        again = self.do("POST", change, If_Match=seen, Idempotency_Key="k")
        self.assertEqual(again.status, 200)
        self.assertEqual(self.get("/audit?limit=1")["items"], before)
        self.stop()

    def test_of_many_who_have_seen_the_same_one_is_first(self) -> None:
        self.set_up()
        for operation, method in (("pauseSchedule", "POST"), ("changeTenant", "PATCH")):
            change = self.of(operation)
            seen = self.ask("GET", change.thing).headers["etag"]
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                begun = [
                    pool.submit(self.do, method, change, If_Match=seen)
                    for _ in range(16)
                ]
                done = sorted(one.result().status for one in begun)
            self.assertEqual(done, [204] + 15 * [412], operation)
        change = self.of("applyWorkflow")
        seen = self.ask("GET", change.thing).headers["etag"]

        def apply(n: int) -> int:
            body = {"source": change.body["source"] + f"  t{n}: {{noop: true}}\n"}
            return self.ask("POST", "/workflows", body, If_Match=seen).status

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            done = sorted(pool.map(apply, range(16)))
        self.assertEqual(done, [201] + 15 * [412])
        self.stop()


if __name__ == "__main__":
    unittest.main()
