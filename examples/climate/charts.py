"""Charts as SVG text, with nothing but the standard library. Colours are those of the
page's style sheet, so that the charts follow its light and dark form."""

import html

MONTHS = "JFMAMJJASOND"

# From cold to warm; the pale middle lies at 12 degrees.
RAMP = [
    (-8, (33, 88, 158)),
    (0, (105, 165, 209)),
    (6, (184, 214, 230)),
    (12, (245, 240, 228)),
    (18, (250, 204, 152)),
    (24, (235, 128, 88)),
    (30, (184, 40, 48)),
]


def ramp(value):
    """The colour of a temperature, and whether text on it should be light."""
    low = RAMP[0]
    for high in RAMP[1:]:
        if value < high[0]:
            break
        low = high
    if low is RAMP[-1]:
        rgb = low[1]
    else:
        high = RAMP[RAMP.index(low) + 1]
        share = min(1, max(0, (value - low[0]) / (high[0] - low[0])))
        rgb = tuple(round(a + (b - a) * share) for a, b in zip(low[1], high[1]))
    luminance = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    return "#%02x%02x%02x" % rgb, luminance < 140


def text(x, y, what, css="", anchor="start"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">'
        f"{html.escape(str(what))}</text>"
    )


def line(x1, y1, x2, y2, css):
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'
    )


def svg(width, height, parts, title):
    label = html.escape(title, quote=True)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        + "".join(parts)
        + "</svg>"
    )


def latitude_text(latitude):
    return f"{abs(latitude):.0f}° {'N' if latitude >= 0 else 'S'}"


# --- all cities and months as one picture ---


def heat_map(cities):
    left, top, cell, row, gap = 150, 26, 62, 34, 14
    width = left + 12 * cell + gap + cell
    height = top + row * len(cities)
    names = [*MONTHS, "year"]
    xs = [left + i * cell + (gap if i == 12 else 0) for i in range(13)]
    parts = [
        text(x + cell / 2, 16, name, "axis", "middle") for x, name in zip(xs, names)
    ]
    for k, city in enumerate(cities):
        y = top + k * row
        parts.append(text(left - 62, y + 22, city["city"], "label", "end"))
        parts.append(
            text(left - 12, y + 22, latitude_text(city["latitude"]), "axis", "end")
        )
        for x, value in zip(xs, [*city["temperature"], city["mean"]]):
            colour, dark = ramp(value)
            parts.append(
                f'<rect x="{x + 1}" y="{y + 1}" width="{cell - 2}" '
                f'height="{row - 2}" rx="3" fill="{colour}"/>'
            )
            css = "on-dark" if dark else "on-light"
            number = f"{value:.0f}".replace("-0", "0").replace("-", "−")
            parts.append(text(x + cell / 2, y + 22, number, css, "middle"))
    return svg(width, height, parts, "Mean temperature by city and month")


# --- how warm and how wet ---


def overlaps(a, b):
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def place_label(taken, x, y, name, edge):
    """To the right of its dot, or to the left where there is no room. `taken` are the
    boxes of dots and labels that are there already. Gives where and how to anchor."""
    length = 7 * len(name)
    box = (x + 12, y - 8, x + 12 + length, y + 8)
    fits = box[2] <= edge and not any(overlaps(box, other) for other in taken)
    if not fits:
        box = (x - 12 - length, y - 8, x - 12, y + 8)
    taken += [box, (x - 8, y - 8, x + 8, y + 8)]
    return (x + 12, "start") if fits else (x - 12, "end")


def scatter(cities):
    width, height, left, right, top, bottom = 520, 330, 52, 18, 16, 42
    x_max = 30
    y_max = max(500, -(-max(c["total"] for c in cities) // 500) * 500)

    def x_of(mean):
        return left + (width - left - right) * max(0, mean) / x_max

    def y_of(total):
        return height - bottom - (height - top - bottom) * total / y_max

    parts = []
    for value in range(0, y_max + 1, 500):
        parts.append(line(left, y_of(value), width - right, y_of(value), "grid"))
        parts.append(text(left - 8, y_of(value) + 4, f"{value:,}", "axis", "end"))
    for value in range(0, x_max + 1, 10):
        parts.append(line(x_of(value), top, x_of(value), height - bottom, "grid"))
        parts.append(text(x_of(value), height - bottom + 18, value, "axis", "middle"))
    parts.append(
        text(width - right, height - 6, "mean of the year, °C", "axis title", "end")
    )
    parts.append(text(left + 6, top + 12, "precipitation in a year, mm", "axis title"))
    taken = []
    for city in sorted(cities, key=lambda c: -c["total"]):
        x, y = x_of(city["mean"]), y_of(city["total"])
        colour, _ = ramp(city["mean"])
        hint = f"{city['city']}: {city['mean']} °C, {city['total']} mm"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{colour}" class="dot">'
            f"<title>{html.escape(hint)}</title></circle>"
        )
        beside, anchor = place_label(taken, x, y, city["city"], width - right)
        parts.append(text(beside, y + 4, city["city"], "label", anchor))
    return svg(width, height, parts, "Temperature and precipitation of the cities")


# --- one city's year ---


class Diagram:
    """A climate diagram: 10 degrees and 100 mm are one step of the same grid."""

    width, height, left, right, top, bottom = 340, 214, 34, 40, 16, 24
    cold, steps = -10, 4

    def __init__(self, city):
        self.city = city
        self.slot = (self.width - self.left - self.right) / 12

    def y_of(self, step):
        high = self.height - self.top - self.bottom
        return self.height - self.bottom - high * step / self.steps

    def y_temperature(self, value):
        return self.y_of((value - self.cold) / 10)

    def x_of(self, month):
        return self.left + self.slot * (month + 0.5)

    def grid(self):
        parts = []
        for step in range(self.steps + 1):
            y = self.y_of(step)
            value = self.cold + 10 * step
            css = "grid zero" if value == 0 else "grid"
            parts.append(line(self.left, y, self.width - self.right, y, css))
            parts.append(
                text(
                    self.left - 7,
                    y + 4,
                    str(value).replace("-", "−"),
                    "axis warm",
                    "end",
                )
            )
            parts.append(
                text(self.width - self.right + 7, y + 4, 100 * step, "axis wet")
            )
        for month, letter in enumerate(MONTHS):
            x = self.x_of(month)
            parts.append(text(x, self.height - 7, letter, "axis", "middle"))
        return parts

    def bars(self):
        parts = []
        bar = self.slot * 0.62
        for month, value in enumerate(self.city["precipitation"]):
            y = self.y_of(min(value / 100, self.steps))
            guessed = month in self.city["estimated"]
            what = f"{MONTHS[month]}: {value:g} mm" + (
                " (estimated)" if guessed else ""
            )
            parts.append(
                f'<rect x="{self.x_of(month) - bar / 2:.1f}" y="{y:.1f}" '
                f'width="{bar:.1f}" height="{self.y_of(0) - y:.1f}" rx="1.5" '
                f'class="{"bar guessed" if guessed else "bar"}">'
                f"<title>{what}</title></rect>"
            )
        return parts

    def curve(self):
        points = [
            (self.x_of(month), self.y_temperature(value))
            for month, value in enumerate(self.city["temperature"])
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts = [f'<polyline points="{path}" class="curve"/>']
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" class="knot"/>'
            for x, y in points
        ]
        return parts

    def draw(self):
        parts = self.grid() + self.bars() + self.curve()
        return svg(self.width, self.height, parts, f"The year in {self.city['city']}")


def diagram(city):
    return Diagram(city).draw()
