"""Writes the report: one HTML file with its style and its pictures inside.

Reads the cities from standard input, the rest from the environment, and leaves the
page in $FF_OUT/report, which the engine keeps as a file.
"""

import html
import json
import os
import sys
from pathlib import Path

import charts
from flowforge import client

STYLE = Path(__file__).with_name("report.css")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The climate of {n_cities} cities</title>
<style>
{style}
</style>
</head>
<body>
<header>
<h1>The climate of {n_cities} cities</h1>
<p class="lead">{headline}</p>
</header>
<section class="tiles">{tiles}</section>
<section>
<h2>How warm each month is</h2>
<p>Mean temperature in °C, from the northernmost city to the southernmost.</p>
<div class="wide">{heat_map}</div>
</section>
<section class="pair">
<div>
<h2>How warm and how wet</h2>
<p>A dot is a city; its colour is the temperature, as above.</p>
{scatter}
</div>
<div>
<h2>What was odd in the files</h2>
<p>{note}</p>
<table><tbody>{oddities}</tbody></table>
</div>
</section>
<section>
<h2>Each city's year</h2>
<p class="legend"><span class="key warm">temperature, °C (left)</span>
<span class="key wet">precipitation, mm (right)</span>
<span class="key guess">estimated</span></p>
<div class="cards">{cards}</div>
</section>
<footer>
<p>The numbers are rounded from general knowledge, good for this example only.
Classes are those of Köppen and Geiger. The coordinates came at attempt
{places_attempts}, the first ones fail on purpose.</p>
<p>Run {run_id}. The same numbers as a table: <code>{table}</code></p>
</footer>
</body>
</html>
"""

TILES = [
    ("warmest", "warmest year", "°C"),
    ("coldest", "coldest year", "°C"),
    ("wettest", "most rain and snow", "mm"),
    ("driest", "least of it", "mm"),
    ("steadiest", "least change in a year", "°C"),
]

KINDS = {
    "A": "tropical",
    "B": "dry",
    "C": "temperate",
    "D": "continental",
    "E": "polar",
}


def tile(fact, caption, unit):
    value = f"{fact['value']:,}".replace("-", "−")
    return (
        f'<div class="tile"><div class="value">{value}<small> {unit}</small></div>'
        f"<div>{html.escape(fact['city'])}</div>"
        f'<div class="caption">{caption}</div></div>'
    )


def card(city):
    kind = KINDS[city["class"][0]]
    return (
        f'<figure class="card"><figcaption><strong>{html.escape(city["city"])}</strong>'
        f'<span title="{kind}">{city["class"]} · {kind}</span>'
        f"</figcaption>{charts.diagram(city)}"
        f'<p class="sums">{html.escape(city["country"])}, '
        f"{charts.latitude_text(city['latitude'])}: "
        f"{city['mean']:g} °C, {city['total']:,} mm</p></figure>"
    )


def oddity_rows(cities):
    rows = [
        f"<tr><th>{html.escape(city['city'])}</th>"
        f"<td>{html.escape('; '.join(city['oddities']))}</td></tr>"
        for city in cities
        if city["oddities"]
    ]
    return "".join(rows) or "<tr><td>nothing</td></tr>"


def main():
    cities = json.load(sys.stdin)
    facts = json.loads(os.environ["FACTS"])
    client.status("RUNNING", progress=20, message="drawing")
    page = PAGE.format(
        n_cities=len(cities),
        style=STYLE.read_text(encoding="utf-8"),
        headline=html.escape(os.environ["HEADLINE"]),
        tiles="".join(tile(facts[key], text, unit) for key, text, unit in TILES),
        heat_map=charts.heat_map(cities),
        scatter=charts.scatter(cities),
        note=html.escape(os.environ["NOTE"]),
        oddities=oddity_rows(cities),
        cards="".join(card(city) for city in cities),
        places_attempts=html.escape(os.environ["PLACES_ATTEMPTS"]),
        run_id=html.escape(os.environ.get("FF_RUN_ID", "-")),
        table=html.escape(os.environ["TABLE"]),
    )
    path = Path(os.environ["FF_OUT"]) / "report"
    path.write_text(page, encoding="utf-8")
    client.log("the report is written", bytes=path.stat().st_size)
    client.status("SUCCEEDED", progress=100)


if __name__ == "__main__":
    main()
