#!/usr/bin/python3
"""The HTTP API: files and folders that tasks have handed on."""

import hashlib
import io
import os
import socket
import tarfile
import time
import unittest
from pathlib import Path
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE

MAKES = """flowforge: 1
name: makes
tasks:
  fetch:
    run: |
      head -c SIZE /dev/zero > $FF_ARTIFACTS/zeros
      mkdir -p $FF_ARTIFACTS/site/css
      echo '<script>' > $FF_ARTIFACTS/site/index.html
      echo red > $FF_ARTIFACTS/site/css/all.css
    artifacts: {out: {model: zeros, site: site}}
    outputs: {n: {from: stdout}}
  parts:
    foreach: [1, 2, 3]
    run: echo $N > $FF_ARTIFACTS/part
    env: {N: "${{ item }}"}
    artifacts: {out: {part: part}}
"""


class Artifacts(ApiTest):
    def make(self, size: int, key: str | None = None) -> str:
        text = MAKES.replace("SIZE", str(size))
        run = self.change("POST", "/runs", {"source": text}, key=key).json()["id"]
        while (row := self.get(f"/runs/{run}", key))["state"] != "succeeded":
            self.assertIn(row["state"], ("pending", "running"))
        return str(run)

    def test_they_are_listed_and_brought(self) -> None:
        self.serve()
        run = self.make(300_000)
        place = f"/runs/{run}/artifacts"
        for limit in (1, 2, 100):
            items = self.pages(place, limit)
            self.assertEqual(
                [(i["task"], i.get("item"), i["name"], i["type"]) for i in items],
                [
                    ("fetch", None, "model", "file"),
                    ("fetch", None, "site", "folder"),
                    ("parts", 0, "part", "file"),
                    ("parts", 1, "part", "file"),
                    ("parts", 2, "part", "file"),
                ],
            )
        self.assertEqual(self.pages(f"{place}?task=parts", 2), items[2:])
        model = f"/runs/{run}/tasks/fetch/artifacts/model"
        answer = self.ask("GET", model)
        self.assertEqual((answer.status, answer.body), (200, b"\0" * 300_000))
        self.assertEqual(
            answer.headers["etag"], f'"{hashlib.sha256(answer.body).hexdigest()}"'
        )
        self.assertEqual(
            answer.headers["content-disposition"], 'attachment; filename="model"'
        )
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        self.assertEqual(answer.headers["content-type"], "application/octet-stream")
        known = self.ask("GET", model, If_None_Match=answer.headers["etag"])
        self.assertEqual((known.status, known.body), (304, b""))
        head = self.ask("HEAD", model)
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["etag"], answer.headers["etag"])
        # Both say how long it is, so that what breaks off is not taken for whole.
        for one in (answer, head):
            self.assertEqual(one.headers["content-length"], "300000")
            self.assertNotIn("transfer-encoding", one.headers)
        site = self.ask("GET", f"/runs/{run}/tasks/fetch/artifacts/site")
        self.assertEqual(site.headers["content-type"], "application/x-tar")
        self.assertIn('"site.tar"', site.headers["content-disposition"])
        with tarfile.open(fileobj=io.BytesIO(site.body)) as tar:
            page = tar.extractfile("index.html")
            assert page
            self.assertEqual(page.read(), b"<script>\n")
        part = self.ask("GET", f"/runs/{run}/tasks/parts.1/artifacts/part")
        self.assertEqual(part.body, b"2\n")
        self.stop()

    def test_the_command_line_brings_them_from_a_server(self) -> None:
        self.serve()
        run = self.make(300_000)
        there = ("--server", f"unix://{self.data / 'api.sock'}")
        listed = self.call("artifacts", run, "-o", "json", *there).json()
        self.assertEqual(
            [(a["task"], a["name"]) for a in listed][2:],
            [("parts.0", "part"), ("parts.1", "part"), ("parts.2", "part")],
        )
        self.call("artifacts", run, "--get", "model", *there)
        self.assertEqual((self.folder / "model").read_bytes(), b"\0" * 300_000)
        again = self.call("artifacts", run, "--get", "model", *there, expect=None)
        self.assertEqual(again.code, 2, again.err)
        self.assertIn("is there already", again.err)
        to = ("--to", str(self.folder / "web"))
        self.call("artifacts", run, "--get", "site", *to, *there)
        self.assertEqual((self.folder / "web/index.html").read_text(), "<script>\n")
        self.call("artifacts", run, "parts.1", "--get", "part", *there)
        self.assertEqual((self.folder / "part").read_text(), "2\n")
        self.assertEqual(
            sorted(x.name for x in self.folder.glob(".artifact*")), [], "scratch"
        )
        self.stop()

    def test_what_is_not_there_or_not_the_callers_is_missing(self) -> None:
        self.serve()
        run = self.make(1)
        for path in ("fetch/artifacts/n", "fetch/artifacts/x", "none/artifacts/model"):
            answer = self.ask("GET", f"/runs/{run}/tasks/{path}")
            self.problem(answer, 404, "NOT_FOUND")
        self.change("POST", "/tenants", {"name": "acme"})
        key = self.make_key("admin", "--tenant", "acme")
        model = f"/runs/{run}/tasks/fetch/artifacts/model"
        for path in (model, f"/runs/{run}/artifacts"):
            self.problem(self.ask("GET", path, key=key), 404, "NOT_FOUND")
        # What was lost, or changed on the disk, is no part of an answer.
        etag = self.ask("GET", model).headers["etag"].strip('"')
        (blob,) = (p for p in self.data.rglob(f"*{etag[4:]}*") if p.is_file())
        blob.chmod(0o600)
        blob.write_bytes(b"X")
        self.problem(self.ask("GET", model), 500, "INTERNAL")
        blob.unlink()
        self.problem(self.ask("GET", model), 500, "INTERNAL")
        self.stop()

    def test_who_waits_for_blobs_holds_up_nobody_else(self) -> None:
        self.serve()
        run = self.make(1000)
        model = f"/runs/{run}/tasks/fetch/artifacts/model"
        etag = self.ask("GET", model).headers["etag"].strip('"')
        (blob,) = (p for p in self.data.rglob(f"*{etag[4:]}*") if p.is_file())
        content = blob.read_bytes()
        blob.unlink()
        os.mkfifo(blob)  # whoever opens it waits
        waiting = [self.slow("/api/v1" + model) for _ in range(12)]
        for _ in range(20):
            self.assertEqual(self.ask("GET", "/runs").status, 200)
        end = os.open(blob, os.O_RDWR)  # now they are in it, and wait for its end
        blob.unlink()
        blob.write_bytes(content)
        os.close(end)
        heads = [sock.recv(12) for sock in waiting]
        self.assertIn(b"HTTP/1.1 200", heads)
        for sock in waiting:
            sock.close()
        self.stop()

    def slow(self, path: str) -> socket.socket:
        """A reader who has asked and reads nothing yet."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.data / "api.sock"))
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return sock

    def resident(self) -> int:
        status = Path(f"/proc/{self.server.popen.pid}/status").read_text()
        lines = status.splitlines()
        return next(int(n.split()[1]) for n in lines if n.startswith("VmRSS"))

    def test_a_slow_reader_holds_little_and_the_17th_waits(self) -> None:
        self.serve()
        run = self.make(8_000_000)
        self.change("POST", "/tenants", {"name": "acme"})
        often = {"max_requests_per_s": 100000}
        self.change("PATCH", "/tenants/acme", often, 204)
        key = self.make_key("admin", "--tenant", "acme")
        other = self.make(5, key)
        path = f"/api/v1/runs/{run}/tasks/fetch/artifacts/model"
        self.assertEqual(len(self.ask("GET", path).body), 8_000_000)
        before = self.resident()
        readers = []
        for _ in range(16):
            readers.append(self.slow(path))
            self.assertTrue(readers[-1].recv(15).startswith(b"HTTP/1.1 200"))
        self.problem(self.ask("GET", path), 503, "UNAVAILABLE")
        # That is a tenant's own matter.
        theirs = f"/runs/{other}/tasks/fetch/artifacts/model"
        self.assertEqual(self.ask("GET", theirs, key=key).body, b"\0" * 5)
        self.assertLess(self.resident() - before, 64_000)  # KiB, for 128 MB of answers
        self.assertEqual(self.get("/me")["role"], "admin")
        for reader in readers:
            reader.close()
        end = time.monotonic() + PATIENCE
        answer: Any = None
        while not answer or answer.status == 503:
            self.assertLess(time.monotonic(), end)
            answer = self.ask("GET", path)
        self.assertEqual(len(answer.body), 8_000_000)
        self.stop()


if __name__ == "__main__":
    unittest.main()
