#!/usr/bin/python3
"""Each command and its remote twin: the same data directory, once by its owner's user
and once through the server, must give the same text, the same JSON and the same exit
code. A command that is neither here, nor of one machine only, fails the test."""
# ctest: timeout=600

import re
import subprocess
import unittest
from typing import Any

from ff_api import ApiTest
from ff_cli import PATIENCE, PROGRAM, SOURCE, Result

SHAPES = """flowforge: 1
name: shapes
labels: {team: data}
inputs: {n: {type: integer, default: 3}}
tasks:
  each: {foreach: [a, b, c], run: 'echo item $FF_TASK; echo oops >&2'}
  inner:
    needs: each
    tasks:
      one: {run: echo one}
      two: {needs: one, run: echo two}
  out: {needs: inner, run: 'printf 7 > "$FF_OUT/v"; echo é done', outputs: {v: json}}
"""
FAILS = """flowforge: 1
name: fails
tasks:
  good: {run: echo good}
  bad: {needs: good, run: 'echo no >&2; exit 3'}
  after: {needs: bad, run: echo never}
"""
MAKES = """flowforge: 1
name: makes
tasks:
  fetch:
    run: |
      echo '#!/bin/sh' > "$FF_ARTIFACTS/tool"; chmod +x "$FF_ARTIFACTS/tool"
      mkdir -p "$FF_ARTIFACTS/site/deep"; echo page > "$FF_ARTIFACTS/site/deep/a"
    artifacts: {out: {tool: tool, site: site}}
  parts:
    foreach: [a, b, c]
    run: echo $FF_TASK > "$FF_ARTIFACTS/part"
    artifacts: {out: {part: part}}
"""
CACHED = """flowforge: 1
name: {0}
tasks:
  each: {{foreach: [1, 2, 3], run: 'true', cache: {{key: "{0}-${{{{ item }}}}"}}}}
"""
WAITS = """flowforge: 1
name: waits
tasks:
  ask: {approve: {message: 'go on?'}}
  slow: {sleep: 1h}
  hold: {semaphores: [gpu], run: sleep 100}
  told: {wait_event: {name: ready}}
"""
TIMED = """flowforge: 1
name: timed
triggers:
  cron: {id: nightly, expr: '30 2 * * *'}
tasks: {a: {run: 'true'}}
"""

# Commands that only read: with {shapes}, {fails} and {waits} for ids of runs.
READS: dict[str, list[str]] = {
    "list": ["list", "list -s failed", "list -w shapes -n 1", "list -l team=data -a"],
    "get": [
        "get {shapes}",
        "get {shapes} --items",
        "get {shapes} each",
        "get {fails}",
        "get {waits}",
        "get last",
        "get {begin}",
        "get {shapes} none",
        "get 00000000",
        "get nonsense",
    ],
    "artifacts": [
        "artifacts {makes}",
        "artifacts {makes} parts",
        "artifacts {makes} parts.1",
        "artifacts {makes} none",
        "artifacts {makes} --get absent",
        "artifacts {makes} --get part",
        "artifacts {shapes}",
    ],
    "why": ["why {fails}", "why {waits}", "why {waits} hold", "why {fails} after"],
    "logs": [
        "logs {shapes}",
        "logs {shapes} -t",
        "logs {shapes} each.1",
        "logs {shapes} each --attempt 1",
        "logs {shapes} --stream stderr",
        "logs {shapes} out --raw",
        "logs {shapes} inner/two",
        "logs {shapes} none",
        "logs {fails} -f",
        "logs {waits}",
    ],
    "graph": ["graph {shapes}", "graph {fails} -f dot"],
    "history": ["history {shapes}", "history {shapes} --canonical"],
    "events": ["events --run {shapes}", "events --run {fails} -f", "events"],
    "top": ["top --once"],
    "diff": ["diff shapes@sha256:{hash} shapes"],
    "workflow list": ["workflow list"],
    "workflow get": ["workflow get shapes", "workflow get none"],
    "workflow versions": ["workflow versions shapes", "workflow versions none"],
    "schedule list": ["schedule list", "schedule list -w none"],
    "schedule get": ["schedule get timed", "schedule get none.x"],
    "limit list": ["limit list"],
    "executor list": ["executor list"],
    "secret list": ["secret list"],
    "cache list": ["cache list"],
    "tenant list": ["tenant list"],
    "project list": ["project list", "project list --tenant acme"],
    "member list": [
        "member list",
        "member list --tenant acme",
        "member list --platform",
    ],
    "key list": ["key list", "key list --tenant none"],
    "key check": ["key check < {key}", "key check < ffk_nonsense"],
    "audit list": ["audit list -n 5", "audit list --tenant acme"],
    "audit verify": ["audit verify --tenant acme"],
}

# Commands that change something, each on a thing of its own: {x} is another name on
# either side, {run} a run that waits, {over} one that has failed, {done} one that
# succeeded.
CHANGES: dict[str, list[str]] = {
    "run": [
        "run fails.yaml",
        "run shapes -i n=4 -l by={x} --priority 2",
        "run shapes -d",
        "run shapes -i n=x",
        "run bad.yaml",
        "run none",
        "run shapes -i m=1",
    ],
    "submit": ["submit shapes", "submit shapes -i n=x", "submit none"],
    "cancel": ["cancel {run}", "cancel {run} --wait", "cancel {done}", "cancel none"],
    "retry": ["retry {over}", "retry {over} -d", "retry {done}"],
    "rerun": ["rerun {over} --from bad", "rerun {done} --new", "rerun {done}"],
    "resume": ["resume {over}", "resume {done}"],
    "pause": ["pause {run}", "pause {run} slow", "pause {run} none", "pause {done}"],
    "unpause": ["unpause {run}", "unpause --queue q{x}", "unpause {done}"],
    "approve": [
        "approve {run} ask -m fine",
        "approve {run} slow",
        "approve {done} ask",
    ],
    "reject": ["reject {run} ask -m no", "reject {run} none"],
    "signal": ["signal {run} ready", "signal {done} ready", "signal {run} 1bad"],
    "event": ["event other --data 1", "event unheard -k k --data {{}}"],
    "apply": ["apply {x}.yaml", "apply shapes.yaml", "apply bad.yaml"],
    "workflow apply": ["workflow apply {x}.yaml"],
    "workflow label": [
        "workflow label shapes {x} {hash}",
        "workflow label none a {hash}",
    ],
    "workflow delete": ["workflow delete {x}", "workflow delete none"],
    "schedule pause": [
        "schedule pause {x}t",
        "schedule pause {x}t",
        "schedule pause no",
    ],
    "schedule resume": ["schedule resume {x}t", "schedule resume {x}t.nightly"],
    "schedule pin": ["schedule pin {x}t", "schedule pin {x}t.nightly"],
    "schedule unpin": ["schedule unpin {x}t"],
    "schedule trigger": ["schedule trigger {x}t", "schedule trigger none"],
    "schedule backfill": [
        "schedule backfill {x}t --from 2026-01-01 --to 2026-01-03 --dry-run",
        "schedule backfill {x}t.nightly --from 2026-01-01 --to 2026-01-03",
        "schedule backfill {x}t --stop",
        "schedule backfill none --stop",
    ],
    "schedule delete": ["schedule delete {x}t", "schedule delete none"],
    "limit set": ["limit set {x} 2", "limit set {x} 1", "limit set 1bad 2"],
    "limit delete": ["limit delete {x}", "limit delete {x}"],
    "secret set": [
        "secret set {x} < value1",
        "secret set {x} < a",
        "secret set 1 < abcd",
    ],
    "secret delete": ["secret delete {x}", "secret delete {x}"],
    "tenant create": ["tenant create {x} --title Many", "tenant create {x}"],
    "tenant limit": ["tenant limit {x} max_keys 3", "tenant limit none max_keys 3"],
    "tenant disable": ["tenant disable {x}", "tenant disable default"],
    "tenant enable": ["tenant enable {x}"],
    "project create": ["project create {x}", "project create {x} --tenant acme"],
    "project weight": [
        "project weight {x} 3",
        "project weight {x} usual",
        "project weight {x} 0",
        "project weight none 2",
        "project weight default 2",
    ],
    "member set": ["member set {x} viewer", "member set {x} admin --tenant acme"],
    "member remove": ["member remove {x}", "member remove {x}"],
    "cache clear": [
        "cache clear {x}c none",
        "cache clear {x}c each.1",
        "cache clear {x}c",
        "cache clear {x}c",
    ],
    "key create": ["key create {x} --role viewer", "key create {x} --role no"],
    "key revoke": ["key revoke {made}", "key revoke none"],
}

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CHANGING = [
    (UUID, "ID"),
    # Before what has eight digits by chance, as an id of 36 letters may.
    (re.compile(r"ffk_[A-Za-z0-9_]+|API key [a-z0-9]{8}"), "KEY"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|m|h)\b"), "SPAN"),
    (re.compile(r"\"(took_us|duration_us|waited_us)\":\d+"), "SPAN"),
    (re.compile(r'"id":"[a-z0-9]{8}"'), "KEY"),
    (re.compile(r" \(in /.*/logs\)"), ""),
    (re.compile(r'"dir":"[^"]*",?'), ""),
    (re.compile(r"[0-9a-f]{12,64}"), "HASH"),
    (re.compile(r"http://127.0.0.1:\d+ answers \d+: "), ""),
    (re.compile(r": `flowforge tenant list` shows all"), ""),
    (re.compile(r" +"), " "),
    (re.compile(r"-+"), "-"),
]


def normal(text: str, *names: str) -> str:
    for name in names:
        text = text.replace(name, "NAME")
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text


class Twins(ApiTest):
    maxDiff = None

    def setUp(self) -> None:
        super().setUp()
        self.env |= {"USER": "tester", "TZ": "UTC"}
        self.empty = self.folder / "empty"
        for name, text in (
            ("shapes", SHAPES),
            ("fails", FAILS),
            ("makes", MAKES),
            ("waits", WAITS),
        ):
            self.file(f"{name}.yaml", text)
        self.file("bad.yaml", "flowforge: 1\nname: b\ntasks: {a: {runn: x}}\n")
        self.file("timed.yaml", TIMED)

    def once(self, line: str, *more: str, here: bool) -> Result:
        words, _, stdin = line.partition(" < ")
        args = [*words.split(), *more]
        env = dict(self.env)
        if here:
            args += ["--context", "local", "--data-dir", str(self.data)]
        else:
            args += ["--server", f"http://127.0.0.1:{self.port}"]
            args += ["--data-dir", str(self.empty)]
            other = words.startswith("tenant ") or "--tenant" in args
            other = other or "--platform" in args
            env["FLOWFORGE_TOKEN"] = self.platform if other else self.admin
        done = subprocess.run(
            [PROGRAM, *args],
            cwd=self.folder,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertNotIn("Sanitizer", done.stderr)
        return Result(done.returncode, done.stdout, done.stderr)

    def make(self, workflow: str) -> str:
        """A run that is over, or waits."""
        run = str(self.call("run", f"{workflow}.yaml", "-d").out).strip()
        while True:
            got = self.call("get", run, "-o", "json").json()
            tasks = {t["task"]: t["state"] for t in got["tasks"]}
            ready = workflow == "waits" and all(
                tasks.get(t) == "suspended" for t in ("ask", "slow", "told")
            )
            if ready or got["state"] in ("succeeded", "failed"):
                return run

    def begin(self) -> dict[str, Any]:
        self.serve()
        self.call("tenant", "create", "acme")
        self.call("member", "set", "ada", "author")
        self.call("member", "set", "bob", "viewer", "--tenant", "acme")
        self.call("limit", "set", "gpu", "1")
        self.once("secret set token < value", here=True)
        self.call("apply", "shapes.yaml", "timed.yaml", "fails.yaml")
        self.admin = self.make_key("admin")
        self.platform = self.make_key("admin", "--platform")
        runs = ("shapes", "fails", "makes", "waits")
        names: dict[str, Any] = {n: self.make(n) for n in runs}
        versions = self.call("workflow", "versions", "shapes", "-o", "json").json()
        names["hash"] = versions[0]["hash"]
        names["begin"] = names["fails"][:23]
        names["key"] = self.admin
        return names

    # --- both ways ---

    def compare(self, line: str, here: Result, there: Result, *names: str) -> None:
        said = [normal(r.out, *names) for r in (here, there)]
        refused = [normal(r.err, *names) for r in (here, there)]
        # A server refuses in its own words.
        if re.search(r"answers \d+: ", there.err):
            refused = ["", ""]
        # How soon who follows looks first decides what of it was before.
        if line.startswith(("retry", "rerun", "resume", "cancel", "run shapes")):
            events = re.compile(r'^(TIME |\{"at").*\n', re.M)
            said = [events.sub("", text) for text in said]
        with self.subTest(line=line):
            self.assertEqual(
                (said[0], refused[0], here.code), (said[1], refused[1], there.code)
            )

    def test_what_reads_shows_the_same(self) -> None:
        names = self.begin()
        for lines in READS.values():
            for line in lines:
                asked = line.format(**names)
                for more in ((), ("-o", "json")):
                    here = self.once(asked, *more, here=True)
                    there = self.once(asked, *more, here=False)
                    self.compare(f"{line} {more}", here, there)
        self.assertFalse(self.empty.exists(), "a client makes no data directory")
        self.stop()

    def change(self, line: str, names: dict[str, Any], side: str) -> Result:
        """On a thing of its own on either side."""
        here = side == "left"
        names = dict(names, x=side)
        for word, workflow in (("run", "waits"), ("over", "fails"), ("done", "shapes")):
            if "{" + word + "}" in line:
                names[word] = self.make(workflow)
        if "{made}" in line:
            made = self.call("key", "create", side, "--role", "viewer", "-o", "json")
            names["made"] = made.json()["id"]
        return self.once(line.format(**names), here=here)

    def test_what_changes_something_says_the_same(self) -> None:
        names = self.begin()
        for side in ("left", "right"):
            text = "flowforge: 1\nname: {0}\ntasks: {{a: {{run: 'true'}}}}\n"
            self.file(f"{side}.yaml", text.format(side))
            self.file(f"{side}t.yaml", TIMED.replace("timed", side + "t"))
            self.call("apply", f"{side}t.yaml")
            self.file(f"{side}c.yaml", CACHED.format(f"{side}c"))
            self.call("run", f"{side}c.yaml")
            self.call("pause", "--queue", f"q{side}")
        for lines in CHANGES.values():
            for line in lines:
                here = self.change(line, names, "left")
                there = self.change(line, names, "right")
                self.compare(line, here, there, "left", "right")
        self.stop()

    def test_what_changes_something_says_the_same_as_json(self) -> None:
        names = self.begin()
        lines = [
            *("limit set {x} 3", "limit delete {x}", "run fails.yaml", "run shapes -d"),
            *("cancel {run}", "pause {run}", "signal {run} ready", "event other"),
            *("approve {run} ask", "retry {over}", "apply shapes.yaml"),
            *("schedule pause timed", "key create {x} --role viewer"),
        ]
        for line in lines:
            here = self.change(line + " -o json", names, "left")
            self.call("schedule", "resume", "timed")
            there = self.change(line + " -o json", names, "right")
            self.compare(line, here, there, "left", "right")
        self.stop()

    # --- which there are ---

    @staticmethod
    def table(name: str) -> list[str]:
        source = (SOURCE / "core/cli/cli_where.c").read_text()
        text = source.partition(name)[2].partition("};")[0]
        return re.findall(r'"((?:[^"\\]|\\.)*)"', text)

    def test_each_command_is_asked_of_a_server_or_says_why_not(self) -> None:
        names = {c["name"] for c in self.call("help", "-o", "json").json()["commands"]}
        local = set(self.table("local[] = {"))
        refused = dict(zip(*[iter(self.table("refused[] = {"))] * 2, strict=True))
        docs = (SOURCE / "docs/cli.md").read_text()
        for name in names:
            with self.subTest(command=name):
                ways = (
                    (name.split()[0] in local)
                    + (name in refused)
                    + (name in READS or name in CHANGES)
                )
                self.assertEqual(ways, 1, "twins, or one machine only, or refused")
        for name, why in refused.items():
            with self.subTest(refused=name):
                self.assertIn(name, names)
                self.assertIn(f"| `{name}` | {why} |", docs)
                words = {"backup": "x"}
                args = f"{name} {words.get(name, '')}".split()
                said = self.call(*args, "--server", "http://127.0.0.1:1", expect=2)
                self.assertIn(why, said.err)

    # --- who may ---

    def test_roles_hold_and_secrets_stay(self) -> None:
        names = self.begin()
        run = names["waits"]
        for role in ("viewer", "operator"):
            self.platform = self.admin = self.make_key(role)
            self.assertEqual(self.once("list", here=False).code, 0)
            self.assertEqual(self.once("limit set x 1", here=False).code, 77)
            for line in ("tenant list", "member list", "key list", "audit list"):
                self.assertEqual(self.once(line, here=False).code, 77, line)
            seen = 77 if role == "viewer" else 0
            self.assertEqual(self.once("secret list", here=False).code, seen)
            self.assertEqual(self.once(f"cancel {run}", here=False).code, seen)
        # Rows of others, of nobody, or with what nobody may read are not given.
        key = self.make_key("admin", "--tenant", "acme")
        for record in ("run", "task", "event", "workflow", "schedule", "secret"):
            for more in ("", "?equal=%5B1%5D", "?limit=5&descending=true"):
                got = self.get(f"/rows/{record}{more}", key)
                self.assertEqual(got["rows"], [], record)
        self.assertEqual(self.get("/rows/api_key", key)["rows"][0].get("hash"), None)
        # Where things are on the server is for who administers it.
        viewer = self.make_key("viewer")
        for record, column in (
            ("run", "dir"),
            ("workflow_version", "dir"),
            ("schedule", "dir"),
        ):
            for shown, to in ((True, self.make_key("admin")), (False, viewer)):
                rows = self.get(f"/rows/{record}", to)["rows"]
                self.assertTrue(rows, record)
                self.assertEqual(any(column in row for row in rows), shown, record)
        self.get("/rows/cache", viewer, 403)
        mine = self.make_key("admin", "--project", "default")
        (secret,) = self.get("/rows/secret", mine)["rows"]
        self.assertNotIn("sealed", secret)
        for record in ("counter", "shard", "inbox", "idempotency", "none"):
            self.get(f"/rows/{record}", mine, 404)
        self.get("/rows/tenant", mine, 403)
        self.get("/rows/member?tenant=acme", mine, 404)
        self.get("/rows/member?tenant=none", mine, 404)
        self.get("/rows/member?platform=true", mine, 403)
        for wrong in ("index=x", "equal=1", "equal=%5B1,2,3,4%5D", "after=%5B%5D"):
            self.get(f"/rows/run?{wrong}", mine, 400)
        self.stop()

    def test_a_tenant_of_ones_own_is_what_its_key_shows(self) -> None:
        self.begin()
        self.admin = self.make_key("admin", "--tenant", "acme")
        self.assertEqual(self.once("list -o json", here=False).json()["runs"], [])
        done = self.once("run fails.yaml -o json", here=False)
        self.assertEqual(done.code, 1)
        (run,) = self.once("list -o json", here=False).json()["runs"]
        self.assertEqual(self.once("get last", here=False).code, 0)
        self.assertIn("no", self.once(f"logs {run['id']}", here=False).out)
        self.assertEqual(
            self.once("member list -o json", here=False).json()[0]["subject"], "bob"
        )
        self.assertEqual(self.call("get", run["id"], expect=4).code, 4)
        self.stop()


if __name__ == "__main__":
    unittest.main()
