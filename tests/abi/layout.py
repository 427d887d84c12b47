"""What the driver ABI is made of, read from a library's debug information by abidw, and
which differences between two versions break a driver.

abidiff's own suppressions are too kind to be the only judge: with "members may be added
at the end" version 2.2 lets members change places as well. Here a struct that may
grow must begin with what it was.
"""

import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

Members = list[tuple[str, int, str]]  # name, offset in bits, type

# Structs that say their size, and the tables; all others stand in arrays.
GROWING = {
    "ff_driver",
    "ff_host",
    "ff_next",
    "ff_record",
    "ff_schema",
    "ff_query",
    "ff_run_spec",
    "ff_run_event",
    "ff_principal",
    "ff_store_ops",
    "ff_store_info",
    "ff_store_part",
    "ff_span",
    "ff_queue_ops",
    "ff_runtime_ops",
    "ff_auth_ops",
    "ff_blob_info",
    "ff_blob_ops",
}


class Abi:
    """Structs, enums and functions of one library, types spelled out."""

    def __init__(self, library: Path) -> None:
        done = subprocess.run(
            ["abidw", "--no-show-locs", "--no-corpus-path", str(library)],
            capture_output=True,
            text=True,
            check=True,
        )
        root = ElementTree.fromstring(done.stdout)
        self.by_id = {e.attrib["id"]: e for e in root.iter() if "id" in e.attrib}
        self.structs: dict[str, Members] = {}
        self.sizes: dict[str, int] = {}
        self.enums: dict[str, dict[str, int]] = {}
        for e in root.iter("class-decl"):
            self.add_struct(e)
        for e in root.iter("enum-decl"):
            self.enums[e.attrib["name"]] = {
                v.attrib["name"]: int(v.attrib["value"]) for v in e.iter("enumerator")
            }
        self.functions = {
            e.attrib["name"]: self.call(e) for e in root.iter("function-decl")
        }

    def add_struct(self, e: ElementTree.Element) -> None:
        if "size-in-bits" not in e.attrib:
            return  # opaque to both sides
        self.sizes[e.attrib["name"]] = int(e.attrib["size-in-bits"])
        self.structs[e.attrib["name"]] = self.members(e)

    def members(self, e: ElementTree.Element) -> Members:
        found = []
        for member in e.findall("data-member"):
            var = member.find("var-decl")
            assert var is not None
            offset = int(member.attrib.get("layout-offset-in-bits", 0))
            found.append(
                (var.attrib["name"], offset, self.spell(var.attrib["type-id"]))
            )
        return found

    def call(self, e: ElementTree.Element) -> str:
        """A function's type; three dots are a parameter without one."""
        given = [
            self.spell(p.attrib["type-id"]) if "type-id" in p.attrib else "..."
            for p in e.findall("parameter")
        ]
        back = e.find("return")
        assert back is not None
        return f"{self.spell(back.attrib['type-id'])}({', '.join(given)})"

    def spell(self, type_id: str) -> str:
        """A type in words, down to structs and enums, which are told by name."""
        e = self.by_id[type_id]
        below = e.attrib.get("type-id", "")
        if e.tag == "pointer-type-def":
            return f"pointer to {self.spell(below)}"
        if e.tag == "qualified-type-def":
            words = [w for w in ("const", "volatile", "restrict") if w in e.attrib]
            return f"{' '.join(words)} {self.spell(below)}"
        if e.tag == "typedef-decl":
            return self.spell(below)
        if e.tag == "array-type-def":
            bounds = [s.attrib["length"] for s in e.iter("subrange")]
            return f"array {bounds} of {self.spell(below)}"
        if e.tag == "function-type":
            return f"function {self.call(e)}"
        if e.tag == "union-decl":
            size = e.attrib["size-in-bits"]
            return f"union of {size} bits {sorted(self.members(e))}"
        return e.attrib["name"]


def struct_differences(old: Abi, new: Abi, name: str) -> list[str]:
    before, after = old.structs[name], new.structs.get(name)
    if after is None:
        return [f"struct {name} is gone"]
    wrong = [
        f"struct {name}: was {was}, is {now}"
        for was, now in zip(before, after, strict=False)
        if was != now
    ]
    if len(after) < len(before):
        wrong.append(f"struct {name} has lost {before[len(after) :]}")
    if name not in GROWING and old.sizes[name] != new.sizes[name]:
        wrong.append(f"struct {name} may not grow, and does")
    return wrong


def differences(old: Abi, new: Abi) -> list[str]:
    """What a driver compiled against the old one trips over in the new one."""
    wrong = [w for name in old.structs for w in struct_differences(old, new, name)]
    for name, values in old.enums.items():
        now = new.enums.get(name, {})
        wrong += [
            f"enum {name}: {word} was {value}, is {now.get(word)}"
            for word, value in values.items()
            if now.get(word) != value
        ]
    wrong += [
        f"{name} was {what}, is {new.functions.get(name)}"
        for name, what in old.functions.items()
        if new.functions.get(name) != what
    ]
    return wrong
