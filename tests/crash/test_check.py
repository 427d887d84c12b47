#!/usr/bin/env python3
"""The checker can fail: a good folder is damaged in one way, and it must say which."""

import json
import os
import shutil
import sqlite3
import unittest
from pathlib import Path
from typing import Any

import check
import flows
import ledger
from place import Place

RETRIED = flows.flow(
    flows.task(
        "flaky",
        "[ $FF_ATTEMPT -ge 2 ]",
        "    retry: {max_attempts: 3, delay: 0ms, on: [failed, lost]}\n",
    ),
    flows.task(
        "large",
        "{ printf '\"'; head -c 100000 /dev/zero | tr '\\0' x; printf '\"'; }"
        ' > "$FF_OUT/text"\necho kept > "$FF_OUT/report.txt"\n'
        'echo handed > "$FF_ARTIFACTS/handed"',
        "    outputs: {text: json, report: {as: file, ending: txt}}\n"
        "    artifacts: {out: {handed: handed}}\n",
    ),
)


class Check(unittest.TestCase):
    place: Place
    run_id: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.place = Place()
        cls.addClassCleanup(cls.place.close)
        done = cls.place.submit(cls.place.write("flow.yaml", RETRIED))
        assert done.code == 0, done.err
        cls.run_id = done.run()

    def setUp(self) -> None:
        self.folder = self.place.dir / self.id()
        self.folder.mkdir()
        for name in ("runs", "blobs"):
            shutil.copytree(self.place.data / name, self.folder / "data" / name)
        for name in ("told", "ledger"):
            shutil.copy(self.place.dir / name, self.folder / name)
        source = sqlite3.connect(self.place.data / "flowforge.db")
        self.base = sqlite3.connect(self.folder / "data/flowforge.db")
        source.backup(self.base)
        source.close()
        self.addCleanup(self.base.close)

    # --- means ---

    def sql(self, statement: str, *values: Any) -> None:
        changed = self.base.execute(statement, values).rowcount
        self.base.commit()
        self.assertGreater(changed, 0, "the damage was none")

    def wrong(self, **how: bool) -> list[str]:
        return check.check(self.folder, **how)

    def finds(self, complaint: str) -> None:
        wrong = self.wrong()
        self.assertTrue(any(complaint in text for text in wrong), wrong or "no word")

    def events(self) -> list[tuple[int, list[dict[str, Any]]]]:
        rows = self.base.execute("SELECT seq, body FROM event ORDER BY seq")
        return [(seq, json.loads(body)) for seq, body in rows]

    def write_event(self, seq: int, events: list[dict[str, Any]]) -> None:
        body = json.dumps(events)
        self.sql("UPDATE event SET body = ? WHERE seq = ?", body, seq)

    def last_of(self, kind: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
        for seq, events in reversed(self.events()):
            for event in events:
                if event["type"] == kind:
                    return seq, events, event
        raise AssertionError(f"no {kind}")

    def add_line(self, text: str) -> None:
        with (self.folder / "ledger").open("a") as file:
            file.write(text + "\n")

    def drop_line(self, text: str) -> None:
        file = self.folder / "ledger"
        lines = file.read_text().splitlines()
        kept = [line for line in lines if text not in line]
        self.assertLess(len(kept), len(lines))
        file.write_text("\n".join(kept) + "\n")

    # --- nothing, and what clients were told ---

    def test_an_undamaged_folder_is_right(self) -> None:
        self.assertEqual(self.wrong(), [])

    def test_a_run_that_was_acknowledged_must_be_there(self) -> None:
        self.sql("DELETE FROM run")
        self.finds("was acknowledged and is gone")

    def test_rows_of_a_run_that_is_gone_are_found(self) -> None:
        ledger.tell(self.folder, "may_go", self.run_id)
        self.sql("DELETE FROM run")
        self.finds("rows in event of a run 1 that is gone")
        self.finds("rows in task of a run 1 that is gone")

    def test_a_run_that_may_go_may_go_whole(self) -> None:
        ledger.tell(self.folder, "may_go", self.run_id)
        for table in ("run", "task", "event", "log", "artifact"):
            self.sql(f"DELETE FROM {table}")
        self.assertEqual(self.wrong(), [])

    def test_a_cancel_that_was_acknowledged_must_have_an_effect(self) -> None:
        ledger.tell(self.folder, "cancel", self.run_id)
        self.finds("its cancel was acknowledged, and it is succeeded")

    # --- the history ---

    def test_an_event_that_is_missing_is_a_gap(self) -> None:
        self.sql("DELETE FROM event WHERE seq = 2")
        self.finds("the history has 3 where 2 is expected")

    def test_the_last_event_that_is_missing_is_a_missing_end(self) -> None:
        self.sql("DELETE FROM event WHERE seq = ?", self.events()[-1][0])
        self.finds("its history has 0 ends")

    def test_a_second_end_of_the_run_is_found(self) -> None:
        seq, events, event = self.last_of("run.finished")
        self.write_event(seq, [*events, event])
        self.finds("its history has 2 ends")
        self.finds("run.finished after the end of the run")

    def test_a_second_end_of_a_task_is_found(self) -> None:
        seq, events, event = self.last_of("task.finished")
        self.write_event(seq, [event, *events])
        self.finds("task.finished after its end")

    def test_an_attempt_that_is_left_out_is_found(self) -> None:
        seq, events, event = self.last_of("task.started")
        events[events.index(event)] = {**event, "attempt": event["attempt"] + 1}
        self.write_event(seq, events)
        self.finds("attempt 3 follows 1")

    def test_a_body_that_is_torn_is_found(self) -> None:
        self.sql("UPDATE event SET body = substr(body, 1, 20) WHERE seq = 2")
        self.finds("event 2 is no JSON")

    # --- rows against the history ---

    def test_a_row_that_says_something_else_is_found(self) -> None:
        for column, value in (("attempt", 3), ("exit_code", 7), ("state", "failed")):
            with self.subTest(column):
                (old,) = self.base.execute(
                    f"SELECT {column} FROM task WHERE task = 'flaky'"
                ).fetchone()
                change = f"UPDATE task SET {column} = ? WHERE task = 'flaky'"
                self.sql(change, value)
                self.finds(f"task flaky: {column} is {value}, by its history {old}")
                self.sql(change, old)

    def test_a_task_without_its_row_is_found(self) -> None:
        self.sql("DELETE FROM task WHERE task = 'flaky'")
        self.finds("task flaky item None has a history and no row")

    def test_a_run_that_says_something_else_is_found(self) -> None:
        self.sql("UPDATE run SET state = 'failed'")
        self.finds("it is failed (None), by its history succeeded (None)")

    def test_a_run_that_is_never_over_is_found(self) -> None:
        self.sql("UPDATE run SET state = 'running'")
        self.finds("it is running when all is over")

    def test_a_run_that_is_left_open_is_found(self) -> None:
        self.sql("INSERT INTO open_run VALUES (0, 1, 1, 1)")
        self.finds("it has a row in open_run")

    def test_a_request_that_nobody_answers_is_found(self) -> None:
        self.sql("INSERT INTO inbox VALUES (0, 1, 1, 1, 1, 'cancel', NULL, 0)")
        self.finds("the request 1 (cancel) was never answered")

    # --- outputs ---

    def stored(self, folder: str) -> Path:
        runs = self.folder / "data/runs" / self.run_id / folder
        return next(file for file in runs.rglob("*") if file.is_file())

    def test_a_large_output_that_was_altered_is_found(self) -> None:
        file = self.stored("values")
        data = bytearray(file.read_bytes())
        data[500] ^= 1
        file.chmod(0o600)
        file.write_bytes(data)
        self.finds("has other bytes")

    def test_a_large_output_that_was_cut_is_found(self) -> None:
        file = self.stored("values")
        file.chmod(0o600)
        os.truncate(file, 500)
        self.finds("has 500 bytes, not 100002")

    def test_a_large_value_of_a_run_that_is_missing_is_found(self) -> None:
        """By reference, as the row of a run inside another names it."""
        digest, size = "0" * 64, 100002
        kept = json.dumps(
            {"$values": {"n": {"$value_at": digest, "size": size, "run": self.run_id}}}
        )
        for column in ("inputs", "scope", "outputs"):
            with self.subTest(column):
                self.sql(f"UPDATE run SET {column} = ?", kept)
                what = "output" if column == "outputs" else column.removesuffix("s")
                self.finds(f"{what} n of the run: {digest} is missing")

    def test_a_kept_file_that_is_missing_is_found(self) -> None:
        self.stored("files").unlink()
        self.finds("output report of large: report.txt is missing")

    # --- artifacts and logs ---

    def blob(self) -> Path:
        return next((self.folder / "data/blobs/t1").glob("*/*"))

    def test_an_artifact_that_has_gone_is_found(self) -> None:
        self.blob().unlink()
        self.finds("of run 1 has gone")

    def test_an_artifact_that_was_altered_is_found(self) -> None:
        self.blob().chmod(0o600)
        self.blob().write_bytes(b"Handed\n")
        self.finds("of run 1 has other bytes")

    def test_an_artifact_that_was_cut_is_found(self) -> None:
        self.blob().chmod(0o600)
        os.truncate(self.blob(), 3)
        self.finds("of run 1 has another size")

    def test_an_artifact_that_no_row_keeps_is_found(self) -> None:
        self.sql("DELETE FROM artifact")
        self.finds("run 1 names artifact")

    def test_a_log_that_lacks_its_end_is_found(self) -> None:
        log = next((self.folder / "data/runs").glob("*/logs/flaky.2/*.log"))
        os.truncate(log, log.stat().st_size - 1)
        self.finds("the log of attempt 2 lacks its last line")

    # --- the rows beside ---

    def test_a_place_that_nobody_gave_back_is_found(self) -> None:
        self.sql("INSERT INTO slot VALUES (1, 'mutex:db', 1, 1, 1, 0, 1, 0)")
        self.finds("a place of mutex:db is held when all is over")

    def test_a_wait_that_nobody_ended_is_found(self) -> None:
        self.sql("INSERT INTO event_wait VALUES (1, 'paid', '', 1, 0, 1, 1)")
        self.finds("paid is waited for when all is over")

    def test_an_event_that_no_schedule_heard_is_found(self) -> None:
        self.sql(
            "INSERT INTO occurrence VALUES"
            " (1, 'x', 1, 'event', 'paid', NULL, NULL, 0, 0)"
        )
        self.finds("event paid was never heard")
        self.sql("UPDATE occurrence SET kind = 'workflow'")
        self.assertEqual(self.wrong(), [])

    def test_rows_of_a_run_that_is_gone_are_found_everywhere(self) -> None:
        self.sql("INSERT INTO signal VALUES (1, 7, 1, 1, 'paid', NULL, NULL, 0)")
        self.sql("INSERT INTO child_run VALUES (1, 8, 0, 1, 1, 9)")
        self.finds("rows in signal of a run 7 that is gone")
        self.finds("rows in child_run of a run 9 that is gone")
        self.finds("run 9 is inside 8, which is gone")

    def test_a_number_that_would_be_given_twice_is_found(self) -> None:
        self.sql("UPDATE counter SET next = 1 WHERE name = 'run'")
        self.finds("the next run would be 1, which there is")

    def add_time(self, state: str, run_id: str) -> None:
        self.sql(
            "INSERT INTO schedule_run VALUES (1, 'nightly.cron', ?, 1, ?, 'schedule', "
            "NULL, ?, NULL, NULL, NULL, 0)",
            len(run_id),
            state,
            run_id,
        )

    def test_a_time_that_was_started_has_its_run(self) -> None:
        self.add_time("started", self.run_id)
        self.sql("UPDATE run SET schedule = 'nightly.cron'")
        self.assertEqual(self.wrong(), [])
        self.add_time("started", "another")
        self.finds("has started a run that is not there")

    def test_a_run_that_no_time_has_started_is_found(self) -> None:
        self.sql("UPDATE run SET schedule = 'nightly.cron'")
        self.finds("is of a schedule that does not know it")

    def test_a_time_that_waits_for_ever_is_found(self) -> None:
        self.add_time("waiting", "")
        self.finds("still waits when all is over")

    # --- what tasks did ---

    def test_a_second_physical_start_is_found(self) -> None:
        self.add_line(f"start {self.run_id}/flaky 2")
        self.finds("attempt 2 began 2 times")

    def test_a_start_that_nobody_recorded_is_found(self) -> None:
        self.add_line(f"start {self.run_id}/flaky 3")
        self.finds("attempt 3 began and was never recorded")

    def test_a_success_of_what_never_ended_is_found(self) -> None:
        self.drop_line(f"end {self.run_id}/large 1")
        self.finds("large has succeeded and never came to its end")

    def test_work_that_was_done_and_is_done_again_is_found(self) -> None:
        self.add_line(f"end {self.run_id}/flaky 1")
        self.finds("attempt 1 came to its end and ran again")
        self.assertEqual(self.wrong(supervisor_died=True), [])

    def test_a_damaged_database_is_found(self) -> None:
        self.base.execute("PRAGMA writable_schema = ON")
        self.sql("DELETE FROM sqlite_schema WHERE name = 'run_id'")
        self.base.close()
        self.finds("the database is damaged")


if __name__ == "__main__":
    unittest.main(verbosity=2)
