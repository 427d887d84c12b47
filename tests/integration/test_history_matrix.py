#!/usr/bin/python3
"""The same file, the same history: each example on every store with every queue, asked
of servers, since nobody else sees what store-memory holds. Those with files beside
them, or with a server of their own, are run here, on every store that outlives it.
"""
# ctest: timeout=600

import dataclasses
import hashlib
import json
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any

from example_files import EXIT_CODES, Example, all_examples, differences
from example_files import Place as Local
from ff_cli import PATIENCE, PROGRAM, CliTest
from postgres import Postgres
from redis_server import Redis

STORES = ("store-sqlite", "store-postgres", "store-memory", "store-lmdb")
QUEUES = ("queue-memory", "queue-redis")


def can_be_asked_of_a_server(example: Example) -> bool:
    """It has no files beside it, and nobody that its tasks must be let to."""
    beside = {p.name for p in example.path.parent.iterdir() if p.suffix != ".yaml"}
    text = example.path.read_text()
    return not (beside or example.server or "uses: ./" in text)


# Each but those whose program this machine lacks, in one of both ways.
ALL = [e for e in all_examples() if not e.missing()]
EXAMPLES = [e for e in ALL if can_be_asked_of_a_server(e)]
LOCAL = [e for e in ALL if not can_be_asked_of_a_server(e)]


@dataclasses.dataclass
class Place:
    """A server with a data directory of its own."""

    name: str
    data: Path
    env: dict[str, str]


class Matrix(CliTest):
    postgres: Postgres
    redis: Redis

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.postgres = cls.enterClassContext(Postgres())
        cls.redis = cls.enterClassContext(Redis())

    def drivers(self, store: str, queue: str, of: str = "") -> dict[str, str]:
        """of: whose rows and messages are its own."""
        env = {"FLOWFORGE_ENGINE_STORE": store, "FLOWFORGE_ENGINE_QUEUE": queue}
        if store == "store-postgres":
            schema = f"{of}{queue}".replace("-", "_")
            env |= self.postgres.environment(schema=schema)
        if queue == "queue-redis":
            env |= self.redis.environment(prefix=f"{of}{store}")
        return env

    def one_history(self, name: str, histories: dict[str, str]) -> str:
        first = next(iter(histories.values()))
        self.assertGreater(first.count("\n"), 1)
        for where, history in histories.items():
            self.assertEqual(history, first, f"{name} on {where}")
        return first

    def tell(self, digests: list[str], n_places: int) -> None:
        seen = hashlib.sha256("".join(digests).encode()).hexdigest()
        print(f"{len(digests)} examples in {n_places} places: history {seen[:16]}")


class Served(Matrix):
    def setUp(self) -> None:
        super().setUp()
        self.outside = self.env
        self.places = [self.serve(s, q) for s in STORES for q in QUEUES]
        self.data = self.folder  # whoever is left there is ended

    def serve(self, store: str, queue: str) -> Place:
        name = f"{store} {queue}"
        env = self.outside | self.drivers(store, queue)
        place = Place(name, self.folder / name.replace(" ", "-"), env)
        self.use(place)
        self.start("server", "--listen", "127.0.0.1:0").wait_for("\n")
        return place

    def use(self, place: Place) -> None:
        self.data, self.env = place.data, place.env

    def ask(self, place: Place, *words: str, code: int = 0, text: str = "") -> str:
        """Of its server, as somebody elsewhere would."""
        done = subprocess.run(
            [PROGRAM, *words, "--server", f"unix://{place.data}/api.sock"],
            cwd=self.folder,
            env=self.outside,
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, code, f"{place.name}: {done.stderr}")
        self.assertNotIn("Sanitizer", done.stderr)
        return done.stdout

    def begin(self, place: Place, example: Example) -> str:
        """The id of the run, which goes on."""
        for name, value in example.secrets.items():
            self.ask(place, "secret", "set", name, text=value)
        for name in example.applied:
            self.ask(place, "apply", str(example.path.parent / name))
        given = [word for pair in example.inputs for word in ("-i", pair)]
        words = ("run", "-q", "--detach", str(example.path), *given)
        return self.ask(place, *words).strip()

    def end(self, place: Place, run: str) -> dict[str, Any]:
        """What it is in the end."""
        limit = time.monotonic() + PATIENCE
        while True:
            seen: dict[str, Any] = json.loads(self.ask(place, "get", run, "-o", "json"))
            if seen["state"] in EXIT_CODES:
                return seen
            self.assertLess(time.monotonic(), limit, f"{place.name}: {seen}")
            time.sleep(0.1)

    def test_each_example_has_one_history(self) -> None:
        self.assertEqual(len({place.name for place in self.places}), 8)
        self.assertGreaterEqual(len(EXAMPLES), 20)
        digests = []
        for example in EXAMPLES:
            name = example.path.stem
            runs = [(place, self.begin(place, example)) for place in self.places]
            histories = {}
            for place, run in runs:
                wrong = list(differences(example, self.end(place, run)))
                self.assertEqual(wrong, [], f"{name} on {place.name}")
                history = self.ask(place, "history", run, "--canonical")
                histories[place.name] = history
            digests.append(self.one_history(name, histories))
        self.tell(digests, len(self.places))


class WithFiles(Matrix):
    def history(self, example: Example, store: str, queue: str) -> str:
        where = f"{example.path.stem} on {store} {queue}"
        place = Local(example, self.folder / where.replace(" ", "-"))
        place.env = self.env | self.drivers(store, queue, f"{example.path.stem}_")
        with place.prepared():
            done = place.run()
        shown = json.loads(place.flowforge("get", "last", "-o", "json").stdout)
        self.assertEqual(list(differences(example, shown)), [], where + done.stderr)
        history = place.flowforge("history", "last", "--canonical")
        self.assertEqual(history.returncode, 0, history.stderr)
        # The server of an example takes any port.
        return re.sub(r"127\.0\.0\.1:\d+", "SERVER", history.stdout)

    def test_each_example_with_files_has_one_history(self) -> None:
        places = [(s, q) for s in STORES if s != "store-memory" for q in QUEUES]
        self.assertEqual(len(places), 6)
        self.assertGreaterEqual(len(LOCAL), 5)
        self.assertEqual(len(LOCAL) + len(EXAMPLES), len(ALL))
        digests = []
        for example in LOCAL:
            histories = {f"{s} {q}": self.history(example, s, q) for s, q in places}
            digests.append(self.one_history(example.path.stem, histories))
        self.tell(digests, len(places))


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
