#!/usr/bin/python3
"""What an idle live stream costs the server: opens N of them by the socket of the data
directory, half of them steps of the tenant and half of one run, and looks at the
server's memory before and after, and at the CPU time of some seconds in which nothing
happens; then how long one step takes to reach all of them.

    bench/streams.py [N]         (10,000; the program is $FLOWFORGE_BIN/flowforge)
"""

import http.client
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).parents[1]
BIN = Path(os.environ.get("FLOWFORGE_BIN") or SOURCE / "build/bin")
TICKS = os.sysconf("SC_CLK_TCK")
IDLE_S = 30  # two heartbeats of each
SLEEPS = "flowforge: 1\nname: sleeps\ntasks: {a: {run: sleep 1000}}\n"


def memory_kib(pid: int) -> int:
    """Of the process alone, shared pages by their share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
    assert found
    return int(found[1])


def cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS


def connect(path: str) -> socket.socket:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(path)
    return s


def submit(path: str) -> str:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect(path)
    connection.request(
        "POST",
        "/api/v1/runs",
        json.dumps({"source": SLEEPS}),
        {"Content-Type": "application/json"},
    )
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["id"])


def open_stream(path: str, what: str) -> socket.socket:
    s = connect(path)
    s.sendall(
        f"GET /api/v1{what} HTTP/1.1\r\nHost: localhost\r\n"
        "Accept: text/event-stream\r\n\r\n".encode()
    )
    return s


def drain(streams: list[socket.socket], wanted: bytes) -> None:
    """Reads until each of them has told this."""
    poll = select.epoll()
    seen = dict.fromkeys((s.fileno() for s in streams), b"")
    by_fd = {s.fileno(): s for s in streams}
    for fd in seen:
        poll.register(fd, select.EPOLLIN)
    left = len(streams)
    while left > 0:
        for fd, _ in poll.poll(60):
            seen[fd] = seen[fd][-200:] + by_fd[fd].recv(65536)
            if wanted in seen[fd]:
                poll.unregister(fd)
                left -= 1


def measure(path: str, pid: int, n: int) -> None:
    run = submit(path)
    warm = [open_stream(path, "/events") for _ in range(100)]
    drain(warm, b"\nid: ")
    before = memory_kib(pid)
    streams: list[socket.socket] = []
    while len(streams) < n:
        some = min(200, n - len(streams))
        new = [
            open_stream(path, f"/runs/{run}/history" if i % 2 else "/events")
            for i in range(some)
        ]
        drain(new, b"\nid: ")
        streams += new
    time.sleep(1)
    after = memory_kib(pid)
    print(
        f"{n} idle streams: {(after - before) * 1024 / n:,.0f} bytes each, "
        f"{after / 1024:,.1f} MiB in all"
    )
    used = cpu_s(pid)
    time.sleep(IDLE_S)
    print(f"CPU while idle: {(cpu_s(pid) - used) / IDLE_S:.2%} of one processor")
    began = time.monotonic()
    submit(path)
    drain(streams[::2], b"run.created")
    print(f"one step at {n // 2} of them: {(time.monotonic() - began) * 1000:,.0f} ms")


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="ff-streams-") as folder:
        data = Path(folder) / "data"
        many = str(n + 1000)
        env = os.environ | {
            "FLOWFORGE_SERVER_CONNECTIONS": many,
            "FLOWFORGE_SERVER_STREAMS": many,
            "FLOWFORGE_SERVER_STREAMS_PER_CALLER": many,
        }
        command = [str(BIN / "flowforge"), "server", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(
            [*command, "--data-dir", str(data)],
            stdout=subprocess.PIPE,
            env=env,
        ) as server:
            assert server.stdout
            server.stdout.readline()
            try:
                measure(str(data / "api.sock"), server.pid, n)
            finally:
                server.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
