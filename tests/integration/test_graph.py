#!/usr/bin/python3
"""flowforge graph: what it draws is what is expected, and what its own JSON says."""

import os
import re
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from ff_cli import SOURCE, CliTest

FOLDER = SOURCE / "tests/integration/graph"
SVG = "{http://www.w3.org/2000/svg}"

# What stands in each golden file was read and compared with the workflow by a person.
# FF_UPDATE=1 writes them anew.


class Drawing:
    """Names by id, the group of each, edges by names: of Mermaid or of DOT."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.edges: set[tuple[str, str]] = set()

    def path(self, node: str) -> str:
        group = self.groups.get(node)
        return f"{self.path(group)}/{self.names[node]}" if group else self.names[node]

    def declare(self, node: str, name: str, inside: list[str]) -> None:
        if node in self.names:
            raise ValueError(f"{node} is declared twice")
        self.names[node] = name
        if inside:
            self.groups[node] = inside[-1]

    def connect(self, one: str, other: str) -> None:
        self.edges.add((self.path(one), self.path(other)))


def parse_mermaid(text: str) -> Drawing:
    drawing = Drawing()
    inside: list[str] = []
    lines = text.splitlines()
    if lines[0] != "flowchart LR":
        raise ValueError(f"no flowchart: {lines[0]}")
    for line in lines[1:]:
        line = line.strip()
        if found := re.fullmatch(r'(n\d+)\["(\w+)"\]', line):
            drawing.declare(found[1], found[2], inside)
        elif found := re.fullmatch(r'subgraph (n\d+)\["(\w+)"\]', line):
            drawing.declare(found[1], found[2], inside)
            inside.append(found[1])
        elif line == "end":
            inside.pop()
        elif found := re.fullmatch(r"(n\d+) --> (n\d+)", line):
            drawing.connect(found[1], found[2])
        elif found := re.fullmatch(r"style (n\d+) fill:#[0-9a-f]{6},color:#000", line):
            drawing.path(found[1])
        else:
            raise ValueError(f"not Mermaid as it is written here: {line}")
    if inside:
        raise ValueError("a subgraph has no end")
    return drawing


def parse_dot(text: str) -> Drawing:
    """An edge of a group goes to a node in it, and names the group beside."""
    drawing = Drawing()
    inside: list[str] = []
    lines = [line.strip() for line in text.splitlines()]
    if not re.fullmatch(r'digraph "[\w-]+" \{', lines[0]) or lines[-1] != "}":
        raise ValueError("no digraph")
    for line in lines[3:-1]:
        if found := re.fullmatch(r'(n\d+) \[label="(\w+)".*\];', line):
            drawing.declare(found[1], found[2], inside)
        elif found := re.fullmatch(r"subgraph cluster_(n\d+) \{", line):
            inside.append(found[1])
        elif found := re.fullmatch(r'label="(\w+)";', line):
            drawing.declare(inside[-1], found[1], inside[:-1])
        elif line == "}":
            inside.pop()
        elif found := re.fullmatch(
            r"(n\d+) -> (n\d+)(?: \[(?:ltail=cluster_(n\d+))?(?:, )?"
            r"(?:lhead=cluster_(n\d+))?\])?;",
            line,
        ):
            drawing.connect(found[3] or found[1], found[4] or found[2])
        elif not line.startswith("style="):
            raise ValueError(f"not DOT as it is written here: {line}")
    return drawing


class Box:
    def __init__(self, rect: ET.Element) -> None:
        self.x, self.y, self.w, self.h = (
            int(rect.attrib[key]) for key in ("x", "y", "width", "height")
        )

    def holds(self, other: "Box") -> bool:
        return (
            self.x < other.x
            and self.y < other.y
            and other.x + other.w < self.x + self.w
            and other.y + other.h < self.y + self.h
        )

    def meets(self, other: "Box") -> bool:
        return (
            self.x < other.x + other.w
            and other.x < self.x + self.w
            and self.y < other.y + other.h
            and other.y < self.y + self.h
        )


def boxes_of(text: str) -> dict[str, Box]:
    boxes = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        title, rect = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        assert title is not None and title.text and rect is not None
        boxes[title.text.split(" ")[0]] = Box(rect)
    return boxes


class Graph(CliTest):
    def graph(self, *args: str) -> str:
        return self.call("graph", *args).out

    def json(self, word: str) -> Any:
        return self.call("graph", word, "-o", "json").json()

    def same(self, name: str, text: str) -> None:
        path = FOLDER / name
        if os.environ.get("FF_UPDATE"):
            path.write_text(text)
        self.assertEqual(text, path.read_text())

    def check(self, word: str) -> None:
        """All formats tell of the same nodes and edges, and the picture has room."""
        told = self.json(word)
        paths = {node["id"] for node in told["nodes"]}
        edges = {(edge["from"], edge["to"]) for edge in told["edges"]}
        for parse, form in ((parse_mermaid, "mermaid"), (parse_dot, "dot")):
            drawing = parse(self.graph(word, "--format", form))
            self.assertEqual({drawing.path(node) for node in drawing.names}, paths)
            self.assertEqual(drawing.edges, edges)
        boxes = boxes_of(self.graph(word, "-f", "svg"))
        self.assertEqual(set(boxes), paths)
        for one in paths:
            for other in paths - {one}:
                if other.startswith(f"{one}/"):
                    self.assertTrue(boxes[one].holds(boxes[other]), (one, other))
                elif not one.startswith(f"{other}/"):
                    self.assertFalse(boxes[one].meets(boxes[other]), (one, other))
        tree = self.graph(word)
        for path in paths:
            self.assertEqual(len(re.findall(rf"─ {path} \(", tree)), 1, path)

    def test_a_workflow_is_drawn_as_it_was(self) -> None:
        word = str(FOLDER / "etl.yaml")
        for form in ("tree", "mermaid", "dot", "svg"):
            self.same(f"etl.{form}", self.graph(word, "--format", form))
        self.check(word)

    def test_all_examples_can_be_drawn(self) -> None:
        files = sorted(Path(SOURCE / "examples").glob("*/*.yaml"))
        drawn = 0
        for file in files:
            good = self.call("validate", str(file), expect=None).code == 0
            if good and not file.name.endswith(".test.yaml"):
                self.check(str(file))
                drawn += 1
        self.assertGreater(drawn, 10)

    def test_a_run_has_its_states_and_colours(self) -> None:
        self.call("run", str(FOLDER / "etl.yaml"))
        states = {n["id"]: n.get("state") for n in self.json("last")["nodes"]}
        self.assertEqual(states["load"], "succeeded")
        self.assertIsNone(states["page"])
        self.assertIn("load (run) succeeded", self.graph("last"))
        self.assertIn("#a5d6a7", self.graph("last", "-f", "svg"))
        self.assertIn("style n0 fill:#a5d6a7", self.graph("last", "-f", "mermaid"))
        self.check("last")

    def test_what_cannot_be_drawn_is_refused(self) -> None:
        self.file("bad.yaml", "flowforge: 1\nname: x\ntasks: {a: {rum: x}}\n")
        self.assertIn("no key rum", self.call("graph", "bad.yaml", expect=3).err)
        self.call("graph", "nothing-there", expect=None)
        many = "".join(f"  t{i}: {{run: x}}\n" for i in range(2001))
        self.file("many.yaml", f"flowforge: 1\nname: x\ntasks:\n{many}")
        self.assertIn("too many", self.call("graph", "many.yaml", expect=2).err)
        self.assertEqual(len(self.json("many.yaml")["nodes"]), 2001)

    def test_the_checks_can_fail(self) -> None:
        good = self.graph(str(FOLDER / "etl.yaml"), "-f", "mermaid")
        for old, new in (
            ("  end\n", ""),
            ("n0 -->", "n99 -->"),
            ('n1["check"]', 'n1["check]'),
            ('n1["check"]', 'n0["check"]'),
            ("flowchart", "graph"),
        ):
            with self.assertRaises((ValueError, KeyError)):
                parse_mermaid(good.replace(old, new, 1))


if __name__ == "__main__":
    unittest.main()
