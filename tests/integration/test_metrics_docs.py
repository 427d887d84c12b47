#!/usr/bin/python3
"""docs/metrics.md names all that a server shows and nothing else, and so do the
dashboard and the alerts that come with it."""

import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path
from typing import Any

from ff_cli import PATIENCE, SOURCE
from ff_metrics import SUFFIXES, MetricsTest, Page

DOCUMENT = SOURCE / "docs/metrics.md"
RULES = SOURCE / "deploy/prometheus/flowforge.rules.yml"
DASHBOARD = SOURCE / "deploy/grafana/flowforge.json"
WORD = re.compile(r"\b(?:flowforge|process)_\w+")
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|(.*?)\| (.+) \|$", re.M)


def described() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Type and labels by name, of the document's table."""
    rows = ROW.findall(DOCUMENT.read_text())
    return {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _ in rows
    }


def samples_of(page: Page) -> set[str]:
    """Names that a query may have."""
    return {
        family + end for family, kind in page.types.items() for end in SUFFIXES[kind]
    }


def expressions(value: Any) -> list[str]:
    """All queries of a dashboard."""
    if isinstance(value, list):
        return [found for item in value for found in expressions(item)]
    if not isinstance(value, dict):
        return []
    found = [value[k] for k in ("expr", "query") if isinstance(value.get(k), str)]
    return found + [e for item in value.values() for e in expressions(item)]


class Described(MetricsTest):
    page: Page

    def setUp(self) -> None:
        super().setUp()
        self.serve()
        self.make_runs(1)
        self.get("/runs")
        self.page = self.scrape_until(
            lambda p: p.total("flowforge_runs_ended_total") == 1
        )
        self.assertEqual(self.stop().code, 0)

    def test_the_document_names_all_with_type_and_labels(self) -> None:
        rows = described()
        shown = {
            family + ("_total" if kind == "counter" else ""): kind
            for family, kind in self.page.types.items()
        }
        self.assertGreater(len(shown), 40)
        self.assertEqual({name: kind for name, (kind, _) in rows.items()}, shown)
        for name, labels in self.page.samples:
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            names = tuple(label for label, _ in labels if label != "le")
            self.assertEqual(rows[name if name in rows else family][1], names, name)
        self.assertEqual(set(self.page.helps), set(self.page.types))

    def test_dashboard_and_alerts_ask_for_what_there_is(self) -> None:
        there = samples_of(self.page)
        rules = RULES.read_text()
        queries = expressions(json.loads(DASHBOARD.read_text()))
        self.assertGreater(len(queries), 40)
        alerts = set(WORD.findall(re.sub(r"#.*", "", rules)))
        self.assertGreater(len(alerts), 8)
        self.assertLessEqual(alerts, there)
        # `label_values` asks for a metric, too; `flowforge` alone is none.
        shown = {word for query in queries for word in WORD.findall(query)}
        self.assertLessEqual(shown, there)
        families = {re.sub(r"_(bucket|sum|count|total)$", "", word) for word in shown}
        missing = set(self.page.types) - families
        self.assertLessEqual(missing, NOT_SHOWN, "not on the dashboard")


# What a picture over time says nothing of, or another one says already.
NOT_SHOWN = {
    "flowforge_http_connections_accepted",
    "flowforge_lease_seconds",
    "flowforge_shard_epoch",
    "process_virtual_memory_bytes",
}


class Promtool(unittest.TestCase):
    def test_rules_are_right_and_do_what_their_tests_say(self) -> None:
        promtool = os.environ.get("FF_PROMTOOL") or shutil.which("promtool")
        if not promtool:
            self.skipTest("there is no promtool (Debian's package prometheus)")
        for args in (
            ("check", "rules", RULES.name),
            ("test", "rules", "flowforge.test.yml"),
        ):
            done = subprocess.run(
                [promtool, *args],
                cwd=RULES.parent,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Panels(unittest.TestCase):
    def test_they_have_numbers_of_their_own_and_do_not_overlap(self) -> None:
        panels = json.loads(Path(DASHBOARD).read_text())["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken.add((x, y))


if __name__ == "__main__":
    unittest.main()
