"""Sets the cities side by side, from north to south: $FF_OUT/cities, facts, headline
and table. Reads the list of summaries from standard input."""

import csv
import json
import os
import sys
from pathlib import Path

from flowforge import client

COLUMNS = ["city", "country", "latitude", "class", "mean", "range", "total"]


def place_all(summaries, places):
    cities = []
    for summary in summaries:
        place = places.get(summary["id"])
        if place is None:
            client.log(f"nobody knows where {summary['city']} is", level="warn")
            place = {"country": "", "latitude": 0.0, "longitude": 0.0}
        cities.append({**summary, **place})
    return sorted(cities, key=lambda city: -city["latitude"])


def best(cities, key, sign):
    city = max(cities, key=lambda c: sign * c[key])
    return {"city": city["city"], "value": city[key]}


def find_facts(cities):
    return {
        "n_cities": len(cities),
        "warmest": best(cities, "mean", 1),
        "coldest": best(cities, "mean", -1),
        "wettest": best(cities, "total", 1),
        "driest": best(cities, "total", -1),
        "widest": best(cities, "range", 1),
        "steadiest": best(cities, "range", -1),
    }


def headline_of(facts):
    ratio = facts["wettest"]["value"] / max(1, facts["driest"]["value"])
    return (
        f"{facts['wettest']['city']} gets {ratio:.0f} times the rain of "
        f"{facts['driest']['city']}, and {facts['widest']['city']} swings by "
        f"{facts['widest']['value']:.0f} degrees between winter and summer."
    )


def write_table(cities, path):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        table.writeheader()
        table.writerows(cities)


def main():
    out = Path(os.environ["FF_OUT"])
    places = json.loads(os.environ["PLACES"])
    cities = place_all(json.load(sys.stdin), places)
    facts = find_facts(cities)
    (out / "cities").write_text(json.dumps(cities), encoding="utf-8")
    (out / "facts").write_text(json.dumps(facts), encoding="utf-8")
    (out / "headline").write_text(headline_of(facts) + "\n", encoding="utf-8")
    write_table(cities, out / "table")
    print(headline_of(facts))


if __name__ == "__main__":
    main()
