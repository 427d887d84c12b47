#!/usr/bin/env python3
"""bench/api.py - the HTTP API beside bare libevent, asked too much, and its first page.

Reads of a run's status and durable submits, by h2load. Libevent's own server, with an
answer of 400 bytes and nothing else to do (bench/limits/evhttp.c), takes turns with
ours: what counts is the median of the ratios. As other programs take processors from
whoever runs, the CPU time of a request is told as well. Then three times the peak is
asked for, by the clock: the share of good answers a second, where anything but 2xx, 429
and 503 is a failure. Last, the first page of a run of 100,000 tasks, and submits again
while their tasks start.

usage: bench/api.py [--build DIR] [--rounds N] [--seconds S] [--overload S] [--postgres]
                    [part ...]
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests/support"))
from postgres import Postgres  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 64
TIMES = 3
FIVE = "flowforge: 1\nname: five\ntasks:\n" + "".join(
    f"  t{n}: {{run: 'exit 0'}}\n" for n in range(5)
)
MANY = 100_000
BODY = 2048


def token(secret: str) -> str:
    """A JSON Web Token, HS256."""
    now = int(time.time())
    claims: dict[str, object] = {
        **{"iss": "bench", "aud": "bench", "sub": "ada", "tenant": "default"},
        **{"roles": ["operator", "author"], "iat": now, "exp": now + 3600},
    }

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = ".".join(
        part(json.dumps(x).encode()) for x in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{part(mac)}"


class Server:
    """`flowforge server` on a data directory of its own; its runs start no process."""

    def __init__(self, folder: Path, store: dict[str, str]) -> None:
        self.program = str(ROOT / "build/bin/flowforge")
        self.data = folder / "data"
        self.body = folder / "request.json"
        secret = secrets.token_urlsafe(48)
        self.env = {k: v for k, v in os.environ.items() if "FLOWFORGE" not in k}
        self.env |= store
        self.env |= {
            "FLOWFORGE_SERVER_AUTH": "auth-jwt",
            "FLOWFORGE_AUTH_JWT_SECRET": secret,
            "FLOWFORGE_AUTH_ISSUER": "bench",
            "FLOWFORGE_AUTH_AUDIENCE": "bench",
        }
        (folder / "five.yaml").write_text(FIVE)
        self.call("apply", str(folder / "five.yaml"))
        self.call("tenant", "limit", "default", "max_running", "0")
        words = ("key", "create", "k", "--role", "admin")
        self.key = self.call(*words).strip()
        self.jwt = token(secret)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "server", "--listen", "127.0.0.1:0", *self.where()],
            stdout=subprocess.PIPE,
            env=self.env,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().split()[-1] + "/api/v1"

    def lift(self, quota: str, to: int) -> None:
        """Whoever may come by the socket may set it; no key of the tenant may."""
        subprocess.run(
            [
                *("curl", "-sS", "--fail", "-X", "PATCH"),
                *("--unix-socket", str(self.data / "api.sock")),
                *("-H", "Content-Type: application/json"),
                *("-d", json.dumps({quota: to})),
                "http://localhost/api/v1/tenants/default",
            ],
            check=True,
        )

    def where(self) -> list[str]:
        return ["--data-dir", str(self.data)]

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [self.program, *words, *self.where()],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def ask(self, path: str, body: object = None, *more: str) -> bytes:
        words = ["curl", "-sS", "--fail", "-H", f"Authorization: Bearer {self.key}"]
        if body is not None:
            self.body.write_text(json.dumps(body))
            words += ["-H", "Content-Type: application/json"]
            words += ["--data-binary", f"@{self.body}"]
        done = subprocess.run(
            [*words, *more, self.url + path], capture_output=True, check=True
        )
        return done.stdout

    def submit(self, source: str) -> str:
        return str(json.loads(self.ask("/runs", {"source": source}))["id"])

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Limit:
    """bench/limits/evhttp."""

    def __init__(self, build: Path) -> None:
        self.process = subprocess.Popen(
            [str(build / "bench/limits/evhttp"), "400"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}/"

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


@dataclass
class Loaded:
    """What came of one load."""

    good_per_s: float
    cpu_us: float  # of the server, for each answer
    seen: Counter[str]  # answers by status

    def wrong(self) -> dict[str, int]:
        """Neither done nor refused as too much."""
        fine = ("2", "429", "503")
        return {s: n for s, n in self.seen.items() if not s.startswith(fine)}


def cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS


class Asked:
    """One request, many times, by h2load."""

    def __init__(
        self, folder: Path, pid: int, url: str, credential: str, body: str = ""
    ) -> None:
        self.log = folder / "answers"
        self.pid = pid
        self.url = url
        self.words = ["-H", f"authorization: Bearer {credential}"]
        if body:
            (folder / "body").write_text(body)
            self.words += ["-d", str(folder / "body")]
            self.words += ["-H", "content-type: application/json"]

    def load(self, seconds: float, *words: str) -> Loaded:
        self.log.unlink(missing_ok=True)
        before = cpu_s(self.pid)
        done = subprocess.run(
            [
                *("h2load", "-t", "1", "-D", f"{round(seconds * 1000)}ms"),
                *("--log-file", str(self.log)),
                *self.words,
                *words,
                self.url,
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
        used = cpu_s(self.pid) - before
        with self.log.open() as lines:
            seen = Counter(line.split("\t")[1] for line in lines)
        if not seen:
            raise SystemExit(done.stdout)
        good = sum(n for status, n in seen.items() if status.startswith("2"))
        return Loaded(good / seconds, used / seen.total() * 1e6, seen)

    def peak(self, seconds: float, *words: str) -> Loaded:
        return self.load(seconds, "-c", str(CONNECTIONS), "-m", "1", *words)

    def overload(self, seconds: float, per_s: float) -> Loaded:
        n = TIMES * CONNECTIONS
        rate = max(1, round(per_s * TIMES / n))
        return self.load(seconds, "-c", str(n), "-m", "32", "--rps", str(rate))


def load_of_machine() -> str:
    found = re.match(r"\S+", Path("/proc/loadavg").read_text())
    return found.group() if found else "?"


def compare(name: str, bare: Asked, ours: Asked, rounds: int, seconds: float) -> None:
    """By HTTP/1.1: libevent speaks nothing else."""
    rates, costs = [], []
    for _ in range(rounds):
        limit, got = bare.peak(seconds, "--h1"), ours.peak(seconds, "--h1")
        rates.append(got.good_per_s / limit.good_per_s)
        costs.append(limit.cpu_us / got.cpu_us)
        print(
            f"{name}: {got.good_per_s:,.0f}/s with {got.cpu_us:.0f} us of CPU each, "
            f"evhttp {limit.good_per_s:,.0f}/s with {limit.cpu_us:.0f} us: "
            f"{rates[-1]:.2f} {got.wrong() or ''} (load {load_of_machine()})",
            flush=True,
        )
    print(
        f"{name}: {statistics.median(rates):.2f} of evhttp "
        f"[{min(rates):.2f}..{max(rates):.2f}], "
        f"by CPU time {statistics.median(costs):.2f}"
    )


def overload(
    name: str, asked: Asked, rounds: int, peak_s: float, over_s: float
) -> None:
    """The peak before and after, as the machine may be another one by then."""
    shares: list[float] = []
    wrong: dict[str, int] = {}
    for _ in range(rounds):
        peak = asked.peak(peak_s)
        held = asked.overload(over_s, peak.good_per_s)
        later = asked.peak(peak_s)
        wrong |= peak.wrong() | held.wrong()
        shares.append(held.good_per_s * 2 / (peak.good_per_s + later.good_per_s))
        print(
            f"{name}: peak {peak.good_per_s:,.0f}/s; {over_s:g} s of {TIMES} times "
            f"that: {held.good_per_s:,.0f}/s good, {dict(held.seen)}; peak "
            f"{later.good_per_s:,.0f}/s: {shares[-1]:.2f} (load {load_of_machine()})",
            flush=True,
        )
    median = statistics.median(shares)
    print(f"{name}: {median:.2f} of the peak under overload; other answers: {wrong}")


def many(work: str) -> str:
    tasks = "".join(f"  t{n}: {{{work}}}\n" for n in range(MANY))
    return "flowforge: 1\nname: many\ntasks:\n" + tasks


def first_page(server: Server) -> None:
    over = server.submit(many("noop: true"))
    server.call("resume", over)  # to its end: each task has a row
    waits = server.submit(many("run: 'exit 0'"))
    show_page(server, f"/runs/{waits}/tasks", "that was just submitted, /tasks")
    server.end()
    server.start()  # it knows nothing of their files now
    for name, run in (("that is over", over), ("that waits", waits)):
        for path in ("/tasks", ""):
            show_page(server, f"/runs/{run}{path}", f"{name}{path and ', '}{path}")


def show_page(server: Server, path: str, name: str) -> None:
    times = []
    for _ in range(11):
        began = time.monotonic()
        page = server.ask(path)
        times.append((time.monotonic() - began) * 1000)
    print(
        f"run of {MANY:,} tasks {name}: {len(page):,} bytes; "
        f"first {times[0]:.0f} ms, then {statistics.median(times[1:]):.0f} ms "
        f"(with the start of curl; load {load_of_machine()})",
        flush=True,
    )


def padded_body() -> str:
    body = json.dumps({"source": FIVE})
    padding = BODY - len(body) - len("#") - len("\\n")
    return json.dumps({"source": FIVE + "#" + "x" * padding + "\n"})


@dataclass
class Place:
    folder: Path
    server: Server
    limit: Limit


def measure(parts: list[str], given: argparse.Namespace, p: Place) -> None:
    pid, key = p.server.process.pid, p.server.key
    status = f"{p.server.url}/runs/{p.server.submit(FIVE)}"
    body = padded_body()
    reads = Asked(p.folder, pid, status, key)
    submits = Asked(p.folder, pid, f"{p.server.url}/runs", key, body)
    times = (given.rounds, given.seconds)
    if "reads" in parts:
        bare = Asked(p.folder, p.limit.process.pid, p.limit.url, key)
        by_token = Asked(p.folder, pid, status, p.server.jwt)
        compare("reads with a JWT", bare, by_token, *times)
        compare("reads with an API key", bare, reads, *times)
    if "submits" in parts:
        bare = Asked(p.folder, p.limit.process.pid, p.limit.url, key, body)
        compare("submits, no task starts", bare, submits, *times)
    if "runs" in parts:
        bare = Asked(p.folder, p.limit.process.pid, p.limit.url, key, body)
        p.server.lift("max_running", 1000000)
        compare("submits, tasks start", bare, submits, *times)
        p.server.lift("max_running", 0)
    if "overload" in parts:
        overload("reads", reads, 3, 2 * given.seconds, given.overload)
        overload("submits", submits, 3, 2 * given.seconds, given.overload)
    if "page" in parts:
        first_page(p.server)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("parts", nargs="*", help="reads, submits, overload, page, runs")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--overload", type=float, default=60)
    parser.add_argument("--postgres", action="store_true", help="a server of its own")
    given = parser.parse_args()
    parts = given.parts or ["reads", "submits", "overload", "page", "runs"]
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ff-api-", dir=given.build.parent)
            )
        )
        store: dict[str, str] = {}
        if given.postgres:
            store = stack.enter_context(Postgres()).environment()
        server, limit = Server(folder, store), Limit(given.build)
        try:
            server.lift("max_requests_per_s", 1000000)
            server.lift("max_open_runs", 10000000)
            measure(parts, given, Place(folder, server, limit))
        finally:
            server.end()
            limit.end()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
