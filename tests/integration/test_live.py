#!/usr/bin/python3
"""What happens, as it happens: server-sent events and WebSockets of the HTTP API."""

# ctest: timeout=300

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import jwt
import websockets
from ff_api import ApiTest
from ff_cli import PATIENCE, SOURCE
from ff_stream import Stream

MANY = """flowforge: 1
name: many
tasks:
  a: {run: "true"}
  b: {needs: a, run: "true"}
  c: {needs: b, run: "true"}
"""


class Live(ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.flow = self.file("many.yaml", MANY)

    def stream(self, path: str, **more: Any) -> Stream:
        s = Stream(self, path, **more)
        self.assertEqual(s.status, 200, s.answer.read() if s.status != 200 else "")
        self.assertEqual(s.type, "text/event-stream")
        return s

    def submit(self) -> str:
        body = {"source": MANY}
        return str(self.change("POST", "/runs", body).json()["id"])

    def all_steps(self) -> list[Any]:
        """By pages of the list."""
        items: list[Any] = []
        cursor = None
        while True:
            where = "/events?limit=7" + (f"&cursor={cursor}" if cursor else "")
            page = self.get(where)
            if not page["items"]:
                return items
            items += page["items"]
            cursor = page["next"]

    @staticmethod
    def key_of(step: Any) -> tuple[str, int]:
        return (step["run"], step["seq"])


class Tenant(Live):
    def test_every_step_of_a_run_comes_once_and_in_order(self) -> None:
        self.serve()
        s = self.stream("/events")
        s.ready()
        run = self.submit()
        seen = s.until("run.finished")
        self.assertEqual([e["seq"] for e in seen], list(range(1, len(seen) + 1)))
        self.assertEqual({e["run"] for e in seen}, {run})
        self.assertEqual({e["workflow"] for e in seen}, {"many"})
        self.assertEqual(seen[0]["events"][0]["type"], "run.created")
        self.assertEqual(seen[-1]["cursor"], s.last)
        self.assertEqual(self.all_steps(), seen)
        stored = self.get(f"/runs/{run}/history")["items"]
        self.assertEqual([e["events"] for e in seen], [one["events"] for one in stored])

    def test_it_goes_on_behind_any_step(self) -> None:
        self.serve()
        self.make_runs(2)
        steps = self.all_steps()
        self.assertGreater(len(steps), 6)
        for i, step in enumerate(steps[:-1]):
            s = self.stream("/events", last=step["cursor"])
            self.assertEqual(s.take(len(steps) - i - 1), steps[i + 1 :])
            s.close()
        s = self.stream("/events?cursor=" + steps[0]["cursor"])
        self.assertEqual(s.take(1), steps[1:2])

    def test_what_another_process_wrote_is_told_in_front_of_what_followed(self) -> None:
        """It submits without leading, and opens a run again."""
        bad = self.file(
            "bad.yaml", "flowforge: 1\nname: bad\ntasks: {a: {run: exit 1}}"
        )
        self.serve()
        s = self.stream("/events")
        s.ready()
        self.call("run", bad, expect=1)
        s.until("run.finished")
        run = self.get("/runs")["items"][0]["id"]
        self.call("retry", run, expect=None)
        seen = s.until("run.finished")
        self.assertIn("run.reset", [one["type"] for e in seen for one in e["events"]])
        steps = self.all_steps()
        self.assertEqual([e["seq"] for e in steps], list(range(1, len(steps) + 1)))
        for i, step in enumerate(steps[:-1]):
            resumed = self.stream("/events", last=step["cursor"])
            self.assertEqual(resumed.take(len(steps) - i - 1), steps[i + 1 :])
            resumed.close()

    def test_filters(self) -> None:
        self.serve()
        s = self.stream("/events?kind=run.finished&workflow=many")
        s.ready()
        self.make_runs(1)  # of another workflow
        run = self.submit()
        (one,) = s.take(1)
        self.assertEqual(one["run"], run)
        self.assertIn("run.finished", [e["type"] for e in one["events"]])
        only = self.get(f"/events?run={run}")["items"]
        self.assertEqual({e["run"] for e in only}, {run})

    def test_curl_reads_it(self) -> None:
        self.serve()
        with subprocess.Popen(
            [
                *("curl", "-sN", "--unix-socket", str(self.data / "api.sock")),
                *("-H", "Accept: text/event-stream"),
                "http://localhost/api/v1/events",
            ],
            stdout=subprocess.PIPE,
            text=True,
        ) as curl:
            assert curl.stdout
            self.assertEqual(curl.stdout.readline(), "retry: 2000\n")
            self.assertRegex(curl.stdout.readline(), r"^id: \S+\n$")
            self.assertEqual(curl.stdout.readline(), "\n")
            self.submit()
            self.assertRegex(curl.stdout.readline(), r"^id: \S+\n$")
            data = curl.stdout.readline()
            self.assertIn('"run.created"', data)
            curl.terminate()

    def test_a_cursor_of_something_else_is_refused(self) -> None:
        self.serve()
        self.make_runs(1)
        run = self.get("/runs")["items"][0]["id"]
        step = self.all_steps()[0]
        for path, last in (
            ("/events", "x"),
            (f"/runs/{run}/history", step["cursor"]),
        ):
            s = Stream(self, path, last=last)
            self.assertEqual(s.status, 400)
            self.assertEqual(json.loads(s.answer.read())["code"], "INVALID")

    def test_what_nobody_was_given_is_no_cursor(self) -> None:
        """Nor is one of which any character was changed."""
        self.serve()
        self.make_runs(1)
        good = self.all_steps()[0]["cursor"]
        changed = [
            good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :]
            for i in range(len(good) - 1)  # of the last one some bits mean nothing
        ]
        for last in (*changed, good[:-4], good + good, "=" * 8, "a" * 7000, "\xff\xfe"):
            s = Stream(self, "/events", last=last)
            self.assertEqual(s.status, 400, last)
            s.close()
        for path in (f"/runs/{'0' * 5000}/history", "/runs/%00/history"):
            self.assertIn(Stream(self, path).status, (400, 404))
        self.assertEqual(self.stream("/events", last=good).status, 200)

    def test_by_http2_it_is_the_same(self) -> None:
        self.serve()
        command = [
            *("curl", "-sN", "-m", "60", "--http2-prior-knowledge"),
            *("-H", f"Authorization: Bearer {self.make_key('viewer')}"),
            *("-H", "Accept: text/event-stream", "-w", "%{http_version}"),
            f"http://127.0.0.1:{self.port}/api/v1/events?kind=run.finished",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
            assert curl.stdout
            self.assertEqual(curl.stdout.readline(), "retry: 2000\n")
            self.assertRegex(curl.stdout.readline(), r"^id: \S+\n$")
            self.submit()
            for line in curl.stdout:
                if line.startswith("data:"):
                    break
            self.assertIn('"run.finished"', line)
            self.server.popen.send_signal(signal.SIGTERM)
            self.assertEqual(
                curl.stdout.read(),
                '\nevent: end\ndata: {"reason":"stopping"}\n\n2',
            )
        self.assertEqual(self.server.end().code, 0)


class Restart(Live):
    def test_no_gap_and_no_double_over_kill_9(self) -> None:
        """A reader that comes back each time, while runs go on and the server dies."""
        self.serve()
        s = self.stream("/events")
        s.ready()
        seen: list[Any] = []
        runs = [self.submit() for _ in range(4)]
        last = s.last
        for round_ in range(3):
            source = s.events()
            for _ in range(6 + round_):
                seen.append(next(source))
            last = s.last or last
            self.server.end(signal.SIGKILL)
            seen += source  # what was on its way
            last = s.last or last
            self.serve()
            runs += [self.submit() for _ in range(2)]
            s = self.stream("/events", last=last)
        open_runs = set(runs)
        open_runs -= {
            e["run"]
            for e in seen
            if "run.finished" in [one["type"] for one in e["events"]]
        }
        for event in s.events():
            seen.append(event)
            if "run.finished" in [one["type"] for one in event["events"]]:
                open_runs.discard(event["run"])
                if not open_runs:
                    break
        keys = [self.key_of(e) for e in seen]
        self.assertEqual(len(keys), len(set(keys)), "doubles")
        for run in runs:
            stored = self.get(f"/runs/{run}/history?limit=1000")["items"]
            self.assertEqual(
                [seq for one, seq in keys if one == run],
                [step["seq"] for step in stored],
            )
        self.assertEqual([self.key_of(e) for e in self.all_steps()], keys)

    def test_it_ends_when_the_server_stops(self) -> None:
        self.serve()
        s = self.stream("/events")
        s.ready()
        self.server.popen.send_signal(signal.SIGTERM)
        self.assertEqual(s.take(1), [])
        self.assertEqual(s.ended, {"reason": "stopping"})
        self.assertEqual(self.server.end().code, 0)


class Run(Live):
    def test_a_run_is_told_from_its_beginning_to_its_end(self) -> None:
        self.serve()
        run = self.submit()
        s = self.stream(f"/runs/{run}/history")
        seen = list(s.events())
        self.assertEqual(s.ended, {"reason": "over"})
        stored = self.get(f"/runs/{run}/history")["items"]
        for event in seen:
            del event["cursor"]
        self.assertEqual(seen, stored)
        again = self.stream(f"/runs/{run}/history", last=s.last)
        self.assertEqual(list(again.events()), [])
        self.assertEqual(again.ended, {"reason": "over"})

    def test_many_runs_at_the_same_time(self) -> None:
        """More than are read for at a time: none is forgotten."""
        self.serve()
        runs = [self.submit() for _ in range(40)]
        streams = [self.stream(f"/runs/{run}/history") for run in runs]
        for run, s in zip(runs, streams, strict=True):
            seqs = [event["seq"] for event in s.events()]
            self.assertEqual(s.ended, {"reason": "over"})
            stored = self.get(f"/runs/{run}/history?limit=1000")["items"]
            self.assertEqual(seqs, [step["seq"] for step in stored])

    def test_one_that_is_not_there(self) -> None:
        self.serve()
        s = Stream(self, "/runs/01a20429-1a38-7a3b-8b6d-b3f5b55c22f6/history")
        self.assertEqual(s.status, 404)


class Logs(Live):
    def test_what_a_task_writes_comes_as_it_is_written(self) -> None:
        gate = self.gate("gate")
        flow = (
            "flowforge: 1\nname: talks\ntasks:\n"
            "  wait: {run: 'true'}\n"
            "  say: {needs: wait, retry: {max_attempts: 2, delay: 0s},"
            f' run: "echo first; read x < {self.folder}/gate; echo second; exit 1"}}\n'
        )
        self.serve()
        made = self.change("POST", "/runs", {"source": flow})
        run = made.json()["id"]
        s = self.stream(f"/runs/{run}/tasks/say/logs")
        source = s.events()
        first = next(source)
        self.assertEqual((first["text"], first["attempt"]), ("first", 1))
        gate.open()
        self.assertEqual(next(source)["text"], "second")
        rest = self.stream(f"/runs/{run}/tasks/say/logs", last=first["cursor"])
        gate.open()
        self.assertEqual(
            [(e["attempt"], e["text"]) for e in source], [(2, "first"), (2, "second")]
        )
        self.assertEqual(s.ended, {"reason": "over"})
        self.assertEqual(
            [(e["attempt"], e["text"]) for e in rest.events()],
            [(1, "second"), (2, "first"), (2, "second")],
        )
        one = self.stream(f"/runs/{run}/tasks/say/logs?attempt=1")
        self.assertEqual([e["text"] for e in one.events()], ["first", "second"])

    def test_a_long_line_of_the_sdk_comes_in_pieces(self) -> None:
        flow = (
            "flowforge: 1\nname: long\ntasks:\n"
            "  say:\n"
            f"    env: {{PYTHONPATH: {SOURCE / 'sdk/python'}}}\n"
            "    run: |\n"
            '      python3 -c "from flowforge import client as c;'
            " c.log('é' * 300000); c.log('end'); c.flush(30)\"\n"
        )
        self.serve()
        run = self.change("POST", "/runs", {"source": flow}).json()["id"]
        s = self.stream(f"/runs/{run}/tasks/say/logs?source=sdk")
        seen = list(s.events())
        self.assertEqual(s.ended, {"reason": "over"})
        self.assertTrue(all(len(e["text"].encode()) <= 16384 for e in seen))
        self.assertEqual("".join(e["text"] for e in seen), "é" * 300000 + "end")
        self.assertIn(False, [e["whole"] for e in seen])
        again = self.stream(f"/runs/{run}/tasks/say/logs?source=sdk", last=s.last)
        self.assertEqual(list(again.events()), [])

    def test_what_is_no_record_is_passed_over(self) -> None:
        """A task may write to the file of its log, as it may to any of its user's."""
        flow = (
            "flowforge: 1\nname: liar\ntasks:\n"
            '  say: {run: "echo first; read x < '
            f'{self.folder}/gate; echo last"}}\n'
        )
        gate = self.gate("gate")
        self.serve()
        run = self.change("POST", "/runs", {"source": flow}).json()["id"]
        s = self.stream(f"/runs/{run}/tasks/say/logs")
        source = s.events()
        self.assertEqual(next(source)["text"], "first")
        (log,) = (self.data / "runs" / run / "logs/say.1").glob("*.log")
        with log.open("ab") as file:
            file.write(b"no record\n" + b"\x01 stdout F " + b"\x01" * 5_000_000 + b"\n")
        gate.open()
        self.assertEqual([e["text"] for e in source], ["last"])
        self.assertEqual(s.ended, {"reason": "over"})


class WhoMay(Live):
    def test_another_tenant_sees_nothing_of_it(self) -> None:
        self.serve()
        self.call("tenant", "create", "other")
        ours = self.make_key("viewer")
        theirs = self.call(
            *("key", "create", "k", "--role", "viewer", "--tenant", "other")
        ).out.strip()
        s = self.stream("/events", key=theirs)
        s.ready()
        mine = self.stream("/events", key=ours)
        mine.ready()
        run = self.submit()
        seen = mine.until("run.finished")
        self.assertEqual({e["run"] for e in seen}, {run})
        for path in (f"/runs/{run}/history", f"/runs/{run}/tasks/a/logs"):
            self.assertEqual(Stream(self, path, key=theirs).status, 404)
        self.assertEqual(
            Stream(self, "/events", key=theirs, last=seen[0]["cursor"]).status, 400
        )
        self.server.popen.send_signal(signal.SIGTERM)
        self.assertEqual(s.take(1), [])
        self.assertEqual(s.ended, {"reason": "stopping"})

    def test_a_key_that_is_revoked_ends_its_streams(self) -> None:
        self.serve()
        key = self.make_key("viewer")
        other = self.make_key("operator")
        s = self.stream("/events", key=key)
        s.ready()
        stays = self.stream("/events", key=other)
        stays.ready()
        (made,) = (k for k in self.get("/keys")["items"] if k["name"] == "k-viewer")
        self.change("DELETE", f"/keys/{made['id']}", status=204)
        self.assertEqual(s.take(1), [])
        self.assertEqual(s.ended, {"reason": "denied"})
        self.submit()
        stays.until("run.finished")

    def test_a_key_that_another_process_revokes_ends_them_soon(self) -> None:
        self.serve()
        key = self.make_key("viewer")
        s = self.stream("/events", key=key)
        s.ready()
        (made,) = self.get("/keys")["items"]
        began = time.monotonic()
        self.call("key", "revoke", made["id"])
        self.assertEqual(s.take(1), [])
        self.assertEqual(s.ended, {"reason": "denied"})
        self.assertLess(time.monotonic() - began, PATIENCE / 2)

    def test_who_loses_his_role_in_a_project_is_told_no_more_of_its_runs(self) -> None:
        """What he follows in another one goes on."""
        secret = "mC8v0Yz4Qw1nRk7TsXe2JbLhUa9GfPd5oI3"
        self.env |= {
            "FLOWFORGE_SERVER_AUTH": "auth-jwt",
            "FLOWFORGE_AUTH_JWT_SECRET": secret,
        }
        self.serve()
        now = int(time.time())
        said = {"iss": "flowforge", "aud": "flowforge", "sub": "ada"}
        said |= {"tenant": "default", "roles": [], "iat": now, "exp": now + 600}
        token = str(jwt.encode(said, secret, algorithm="HS256"))
        waits = "flowforge: 1\nname: w\ntasks: {a: {wait_event: {name: go}}}\n"
        runs = {}
        for project in ("site", "shop"):
            self.change("POST", "/projects", {"name": project})
            role = f"/members/ada?project={project}"
            self.change("PUT", role, {"role": "viewer"}, 204)
            body = {"source": waits, "project": project}
            runs[project] = self.change("POST", "/runs", body).json()["id"]
        lost = [
            self.stream(f"/runs/{runs['shop']}/history", key=token),
            self.stream(f"/runs/{runs['shop']}/tasks/a/logs", key=token),
        ]
        kept = self.stream(f"/runs/{runs['site']}/history", key=token)
        everything = self.stream("/events", key=token)
        for s in (*lost, kept, everything):
            s.ready()
        self.change("DELETE", "/members/ada?project=shop", status=204)
        for s in lost:
            list(s.events())
            self.assertEqual(s.ended, {"reason": "denied"})
        for run in (runs["shop"], runs["site"]):
            self.change("POST", f"/runs/{run}/cancel", None, 202)
        list(kept.events())
        self.assertEqual(kept.ended, {"reason": "over"})
        # The first run that ends for him is the other one, which was ended later.
        self.assertEqual(everything.until("run.finished")[-1]["run"], runs["site"])
        self.assertEqual(self.stop().code, 0)

    def test_nobody_has_more_streams_than_he_may(self) -> None:
        with mock.patch.dict(
            self.env,
            {
                "FLOWFORGE_SERVER_STREAMS": "3",
                "FLOWFORGE_SERVER_STREAMS_PER_CALLER": "2",
            },
        ):
            self.serve()
        key = self.make_key("viewer")
        for _ in range(2):
            self.stream("/events", key=key).ready()
        s = Stream(self, "/events", key=key)
        self.assertEqual(s.status, 429)
        self.assertEqual(json.loads(s.answer.read())["code"], "RATE_LIMITED")
        held = self.stream("/events")
        held.ready()
        self.assertEqual(Stream(self, "/events").status, 503)
        held.close()

    def test_none_at_all_may_be_had(self) -> None:
        with mock.patch.dict(self.env, {"FLOWFORGE_SERVER_STREAMS_PER_CALLER": "0"}):
            self.serve()
        self.assertEqual(Stream(self, "/events").status, 429)
        self.assertEqual(
            Stream(self, "/events", key=self.make_key("viewer")).status, 429
        )
        self.assertEqual(self.stop().code, 0)

    def test_a_reader_that_stops_reading_misses_nothing(self) -> None:
        self.serve()
        slow = self.stream("/events")
        slow.ready()
        fast = self.stream("/events")
        fast.ready()
        note = "x" * 60000
        flow = MANY.replace("tasks:", "inputs:\n  note: {type: string}\ntasks:")
        body = {"source": flow, "inputs": {"note": note}}
        runs = [self.change("POST", "/runs", body).json()["id"] for _ in range(40)]
        done: set[str] = set()
        n = 0
        for event in fast.events():
            n += 1
            if "run.finished" in [one["type"] for one in event["events"]]:
                done.add(event["run"])
            if len(done) == len(runs):
                break
        self.assertEqual(len({self.key_of(e) for e in slow.take(n)}), n)


class WebSocket(Live):
    def run_async(self, what: Any) -> Any:
        return asyncio.run(asyncio.wait_for(what, PATIENCE))

    def url(self, path: str = "/events") -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1{path}"

    def test_the_same_steps_as_frames(self) -> None:
        self.serve()
        key = self.make_key("viewer")

        async def read(cursor: str | None) -> list[Any]:
            seen = []
            path = "/events" + (f"?cursor={cursor}" if cursor else "")
            async with websockets.connect(
                self.url(path), extra_headers={"Authorization": f"Bearer {key}"}
            ) as ws:
                seen.append(json.loads(await ws.recv()))
                if not cursor:
                    await asyncio.to_thread(self.submit)
                await ws.send("nobody reads this")
                while True:
                    seen.append(json.loads(await ws.recv()))
                    kinds = [one["type"] for one in seen[-1]["events"]]
                    if "run.finished" in kinds:
                        return seen

        hello, *seen = self.run_async(read(None))
        self.assertEqual(list(hello), ["cursor"])
        self.assertEqual(seen, self.all_steps())
        for i in range(len(seen) - 1):
            again = self.run_async(read(seen[i]["cursor"]))
            self.assertEqual(again[1:], seen[i + 1 :])

    def test_a_browser_gives_its_token_as_a_protocol(self) -> None:
        self.serve()
        key = self.make_key("viewer")

        async def connect(*protocols: str, origin: str | None = None) -> str | None:
            async with websockets.connect(
                self.url(), subprotocols=list(protocols), origin=origin
            ) as ws:
                await ws.recv()
                return ws.subprotocol

        told = self.run_async(connect("flowforge.events.v1", f"flowforge.bearer.{key}"))
        self.assertEqual(told, "flowforge.events.v1")
        for protocols, origin, status in (
            (("flowforge.events.v1",), None, 401),
            (("flowforge.events.v1", "flowforge.bearer.no"), None, 401),
            ((f"flowforge.bearer.{key}",), "http://elsewhere.example", 403),
        ):
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                self.run_async(connect(*protocols, origin=origin))
            self.assertEqual(refused.exception.status_code, status)

    def test_it_is_closed_with_a_code(self) -> None:
        self.serve()
        key = self.make_key("viewer")

        async def closed() -> int:
            async with websockets.connect(
                self.url(), extra_headers={"Authorization": f"Bearer {key}"}
            ) as ws:
                await ws.recv()
                (made,) = await asyncio.to_thread(lambda: self.get("/keys")["items"])
                await asyncio.to_thread(
                    lambda: self.change("DELETE", f"/keys/{made['id']}", status=204)
                )
                with contextlib.suppress(websockets.ConnectionClosed):
                    await ws.recv()
                return int(ws.close_code or 0)

        self.assertEqual(self.run_async(closed()), 1008)


class Descriptors(Live):
    def limits_of(self, pid: int) -> list[str]:
        """Soft and hard."""
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("Max open files"))
        return line.split()[3:5]

    def test_the_server_has_as_many_as_it_may_and_tasks_what_it_began_with(
        self,
    ) -> None:
        flow = "flowforge: 1\nname: limit\ntasks: {a: {run: ulimit -Sn; ulimit -Hn}}\n"
        self.server = self.start(
            *("server", "--listen", "127.0.0.1:0"),
            under=("prlimit", "--nofile=300:900"),
        )
        self.server.wait_for("\n")
        pid = self.server.popen.pid
        self.assertEqual(self.limits_of(pid), ["900", "900"])
        run = self.change("POST", "/runs", {"source": flow}).json()["id"]
        s = self.stream(f"/runs/{run}/tasks/a/logs")
        self.assertEqual([e["text"] for e in s.events()], ["300", "900"])


class Idle(Live):
    def test_many_that_are_idle_cost_little(self) -> None:
        """Memory of the server for 300 of them; bench/streams.py has more."""
        with mock.patch.dict(self.env, {"FLOWFORGE_SERVER_STREAMS_PER_CALLER": "400"}):
            self.serve()
        opened = []
        for _ in range(300):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.addCleanup(s.close)
            s.connect(str(self.data / "api.sock"))
            s.sendall(
                b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                b"Accept: text/event-stream\r\n\r\n"
            )
            opened.append(s)
        for s in opened:
            seen = b""
            while b"\nid: " not in seen or not seen.endswith(b"\n\r\n"):
                piece = s.recv(4096)
                self.assertTrue(piece, seen)
                seen += piece
        self.submit()
        for s in opened:
            s.settimeout(PATIENCE)
            self.assertIn(b"run.created", s.recv(65536))


if __name__ == "__main__":
    unittest.main()
