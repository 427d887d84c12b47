"""The texts of metrics, read as their formats say, and a server that shows them."""

import http.client
import re
import time
from collections.abc import Callable

from ff_api import ApiTest
from ff_cli import PATIENCE, Process

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (-?\d+(?:\.\d+)?)")
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


class Page:
    """What one scrape said. Anything that the format forbids raises."""

    def __init__(self, text: str, is_open: bool) -> None:
        self.types: dict[str, str] = {}  # by the name of the family, without _total
        self.helps: dict[str, str] = {}
        self.samples: Samples = {}
        self.is_open = is_open
        lines = text.split("\n")
        if lines.pop() != "":
            raise ValueError("the last line has no end")
        if is_open and lines.pop() != "# EOF":
            raise ValueError("no # EOF")
        self.family = ""
        for line in lines:
            self.read_line(line)
        self.check_histograms()

    def read_line(self, line: str) -> None:
        head = re.fullmatch(rf"# (HELP|TYPE|UNIT) ({NAME}) (.+)", line)
        if head:
            self.read_head(*head.groups())
            return
        sample = SAMPLE.fullmatch(line)
        if not sample:
            raise ValueError(f"no sample: {line!r}")
        name = sample[1]
        kind = self.types[self.family]
        if name not in [self.family + end for end in SUFFIXES[kind]]:
            raise ValueError(f"{name} stands below {self.family}")
        labels = tuple((m[0], m[1]) for m in re.findall(LABEL, sample[2] or ""))
        if len(dict(labels)) != len(labels) or (name, labels) in self.samples:
            raise ValueError(f"twice: {line!r}")
        self.samples[name, labels] = float(sample[7])

    def read_head(self, word: str, name: str, rest: str) -> None:
        if word == "HELP":
            self.family = name if self.is_open else name.removesuffix("_total")
            if self.family in self.helps:
                raise ValueError(f"{name} comes twice")
            self.helps[self.family] = rest
        elif word == "TYPE":
            full = self.family
            if rest == "counter" and not self.is_open:
                full += "_total"
            if name != full:
                raise ValueError(f"{name} below {self.family}")
            self.types[self.family] = rest
        elif not self.is_open or not name.endswith("_" + rest):
            raise ValueError(f"unit {rest} of {name}")

    def check_histograms(self) -> None:
        """Buckets rise, and the last one counts all."""
        buckets: dict[tuple[str, Labels], list[tuple[str, float]]] = {}
        for (name, labels), value in self.samples.items():
            if not name.endswith("_bucket"):
                continue
            *others, (last, bound) = labels
            if last != "le" or (bound != "+Inf" and "." not in bound):
                raise ValueError(f"bound {bound} of {name}")
            key = (name.removesuffix("_bucket"), tuple(others))
            buckets.setdefault(key, []).append((bound, value))
        for (name, labels), found in buckets.items():
            bounds = [float(bound) for bound, _ in found]
            counts = [count for _, count in found]
            if bounds != sorted(bounds) or counts != sorted(counts):
                raise ValueError(f"buckets of {name} do not rise")
            if bounds[-1] != float("inf"):
                raise ValueError(f"{name} has no last bucket")
            if counts[-1] != self.samples[name + "_count", labels]:
                raise ValueError(f"{name} counts two things")

    def get(self, name: str, **labels: str) -> float:
        """The one sample of that name and those labels; 0 where there is none."""
        return self.samples.get((name, tuple(labels.items())), 0)

    def total(self, name: str, **labels: str) -> float:
        """The sum of all that have these labels, and maybe others."""
        wanted = set(labels.items())
        return sum(
            value
            for (found, has), value in self.samples.items()
            if found == name and wanted <= set(has)
        )


class MetricsTest(ApiTest):
    """Its server shows metrics on `metrics_port`."""

    metrics_port: int

    def serve(self, *args: str) -> Process:
        if "--listen" not in args:
            args = ("--listen", "127.0.0.1:0", *args)
        self.server = self.start("server", "--metrics-listen", "127.0.0.1:0", *args)
        self.server.wait_for("/metrics\n")
        api, metrics = self.server.seen.splitlines()
        self.port = int(api.rpartition(":")[2])
        self.metrics_port = int(
            metrics.removesuffix("/metrics").rpartition(":")[2],
        )
        return self.server

    def fetch(
        self, accept: str | None = None, path: str = "/metrics"
    ) -> tuple[int, str, str]:
        """Status, type and text."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.metrics_port, timeout=PATIENCE
        )
        connection.request("GET", path, headers={"Accept": accept} if accept else {})
        got = connection.getresponse()
        text = got.read().decode()
        connection.close()
        return got.status, got.getheader("content-type") or "", text

    def scrape(self, accept: str | None = None) -> Page:
        status, kind, text = self.fetch(accept)
        self.assertEqual(status, 200, text)
        self.assertIn(kind, (TEXT, OPEN))
        return Page(text, kind == OPEN)

    def scrape_until(self, true_of: Callable[[Page], bool]) -> Page:
        """What a run did is counted in the turn in which it is durable, which may come
        a moment before or after the one in which somebody is told."""
        end = time.monotonic() + PATIENCE
        while not true_of(page := self.scrape()):
            self.assertLess(time.monotonic(), end, page.samples)
            time.sleep(0.02)
        return page
