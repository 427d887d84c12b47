"""Reads the file of one city, says what is odd in it, and works out its year.

Files come as they come: with commas or semicolons, with points or commas in numbers,
in UTF-8 or Latin-1. What is odd goes to the log and into the report. With STRICT=true
it is a reason to fail instead (exit code 65, EX_DATAERR).
"""

import calendar
import csv
import os
import sys
import time
from pathlib import Path

from flowforge import client

MONTHS = list(calendar.month_abbr)[1:]
COLUMNS = {"temperature_c": (-60.0, 50.0), "precipitation_mm": (0.0, 3000.0)}


class BadFile(Exception):
    """What makes a file useless, as one sentence."""


def read_text(path, oddities):
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        oddities.append("not UTF-8: read as Latin-1")
        text = data.decode("latin-1")
    if "\r\n" in text:
        oddities.append("line ends of DOS")
    return text


def read_rows(text, oddities):
    """The name in the first comment, and the rows as dictionaries."""
    lines = text.splitlines()
    notes = [line[1:].strip() for line in lines if line.startswith("#")]
    table = [line for line in lines if line.strip() and not line.startswith("#")]
    if not table:
        raise BadFile("there is no table in it")
    names = [n.partition(":")[2].strip() for n in notes if n.startswith("city:")]
    if not names:
        raise BadFile("no comment says which city it is about")
    comma = ","
    if ";" in table[0]:
        oddities.append("separated by semicolons")
        comma = ";"
    return names[0], list(csv.DictReader(table, delimiter=comma))


def number(text, column, month, oddities):
    """None where there is no number."""
    text = (text or "").strip()
    if not text:
        return None
    if "," in text:
        oddities.append("decimal commas")
        text = text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        raise BadFile(f"{column} of {month} is no number: {text!r}") from None
    low, high = COLUMNS[column]
    if not low <= value <= high:
        raise BadFile(f"{column} of {month} cannot be {value:g}")
    return value


def read_series(rows, column, oddities):
    by_month = {(row.get("month") or "").strip(): row for row in rows}
    unknown = set(by_month) - set(MONTHS)
    if unknown or len(by_month) != len(rows):
        raise BadFile(f"months are wrong: {', '.join(map(str, by_month))}")
    if rows and column not in rows[0]:
        raise BadFile(f"there is no column {column}")
    return [
        number(by_month.get(month, {}).get(column), column, month, oddities)
        for month in MONTHS
    ]


def fill(series):
    """Gaps become the mean of the months beside them, around the turn of the year."""
    missing = [i for i, value in enumerate(series) if value is None]
    filled = list(series)
    for i in missing:
        around = [series[i - 1], series[(i + 1) % 12]]
        known = [value for value in around if value is not None]
        if not known:
            raise BadFile("more is missing than can be estimated")
        filled[i] = round(sum(known) / len(known), 1)
    return filled, missing


def climate_class(temp, rain, north):
    """The class of Koeppen and Geiger, with the limit of -3 degrees between C and D."""
    mean, total = sum(temp) / 12, sum(rain)
    april_to_september = range(3, 9)
    summer = [i for i in range(12) if (i in april_to_september) == north]
    winter = [i for i in range(12) if i not in summer]
    share = sum(rain[i] for i in summer) / total if total else 0.5
    dry_below = 20 * mean + (280 if share >= 0.7 else 140 if share >= 0.3 else 0)
    if max(temp) < 10:
        return "ET" if max(temp) > 0 else "EF"
    if total < dry_below:
        return ("BW" if total < dry_below / 2 else "BS") + ("h" if mean >= 18 else "k")
    if min(temp) >= 18:
        if min(rain) >= 60:
            return "Af"
        return "Am" if min(rain) >= 100 - total / 25 else "Aw"
    dry_summer = min(rain[i] for i in summer) < min(
        40.0, max(rain[i] for i in winter) / 3
    )
    dry_winter = min(rain[i] for i in winter) < max(rain[i] for i in summer) / 10
    second = "s" if dry_summer else "w" if dry_winter else "f"
    warm_months = sum(1 for t in temp if t >= 10)
    third = "a" if max(temp) >= 22 else "b" if warm_months >= 4 else "c"
    return ("C" if min(temp) > -3 else "D") + second + third


def summarise(path):
    oddities = []
    name, rows = read_rows(read_text(path, oddities), oddities)
    client.status("RUNNING", progress=30, message=f"{name}: {len(rows)} months")
    temp, temp_gaps = fill(read_series(rows, "temperature_c", oddities))
    rain, rain_gaps = fill(read_series(rows, "precipitation_mm", oddities))
    missing = [f"temperature of {MONTHS[i]}" for i in temp_gaps]
    missing += [f"precipitation of {MONTHS[i]}" for i in rain_gaps]
    oddities += [f"{what} is missing" for what in missing]
    return {
        "city": name,
        "temperature": temp,
        "precipitation": rain,
        "estimated": rain_gaps,
        "missing": missing,
        "oddities": list(dict.fromkeys(oddities)),
        "mean": round(sum(temp) / 12, 1),
        "total": round(sum(rain)),
        "range": round(max(temp) - min(temp), 1),
        # Which half of the year is summer is seen in the temperatures themselves.
        "class": climate_class(temp, rain, north=sum(temp[3:9]) >= sum(temp) / 2),
    }


def main():
    path = Path(os.environ["CITY_FILE"])
    client.log("reading", file=path.name)
    try:
        summary = summarise(path)
    except BadFile as why:
        client.log(f"{path.name}: {why}", level="error")
        print(f"{path.name}: {why}", file=sys.stderr)
        return 65
    for oddity in summary["oddities"]:
        client.log(f"{summary['city']}: {oddity}", level="warn")
    if summary["oddities"] and os.environ.get("STRICT") == "true":
        print(f"{path.name}: {'; '.join(summary['oddities'])}", file=sys.stderr)
        return 65
    for step in range(1, 5):
        time.sleep(float(os.environ.get("PACE", "0")) / 4)
        client.status("RUNNING", progress=30 + 15 * step)
    client.output("summary", dict(summary, id=os.environ["CITY"]))
    client.status("SUCCEEDED", progress=100)
    print(f"{summary['city']}: {summary['class']}, {summary['mean']} degrees")
    return 0


if __name__ == "__main__":
    sys.exit(main())
