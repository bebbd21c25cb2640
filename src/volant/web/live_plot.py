"""The live performance as one inline SVG: a point for each window, a line and a reference for each champion."""

import math
from typing import Any

from volant.web.drawings import escaped, svg
from volant.web.estimate_plot import estimated_line, legend
from volant.web.formats import interval, moment, number, percent

WIDTH, HEIGHT = 1020, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 26, 30
_LARGEST = 1e300  # what may still be added and subtracted
Json = dict[str, Any]


class _Axes:
    """Places of windows and values on the drawing."""

    def __init__(self, view: Json) -> None:
        self.count: int = max(view["windows"], 1)
        self.low, self.high = _reach(view)

    def x(self, place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / self.count

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share, 0.0), 1.0)


def live_plot(view: Json) -> Any:
    """An empty text where no window has a value yet, known or estimated."""
    if not any(point["value"] is not None or point.get("estimate") for line in view["series"] for point in line["points"]):
        return ""
    axes = _Axes(view)
    body = (
        _scale(axes)
        + _times(view)
        + legend(view, WIDTH / 2 - 170, HEIGHT - 14)
        + "".join(_series(line, axes) for line in view["series"])
        + _markers(view, axes)
    )
    return svg("live", WIDTH, HEIGHT, f"{view['metric']} of {view['windows']} windows, oldest first", body)


def _reach(view: Json) -> tuple[float, float]:
    """From the smallest to the largest value; of intervals as much as fits without flattening the values."""
    points = [point for line in view["series"] for point in line["points"]]
    references = [line["reference"]["value"] for line in view["series"] if line["reference"] and line["reference"]["value"] is not None]
    estimates = [point.get("estimate") for point in points if point.get("estimate")]
    expected = [estimate["value"] for estimate in estimates]
    values = [v for v in (*(point["value"] for point in points), *expected, *references) if v is not None and math.isfinite(v)]
    low, high = max(min(values), -_LARGEST), min(max(values), _LARGEST)
    room = max(high - low, abs(high) * 0.1, 1e-12)
    bounds = [
        v for point in (*points, *estimates) for v in (point["low"], point["high"]) if v is not None and low - room <= v <= high + room
    ]
    low, high = min([low, *bounds]), max([high, *bounds])
    edge = (high - low or abs(high) or 1.0) * 0.06
    return low - edge, high + edge


def _scale(axes: _Axes) -> str:
    lines = []
    for value in round_values(axes.low, axes.high):
        y = axes.y(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="scale" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escaped(number(value))}</text>')
    return "".join(lines)


def round_values(low: float, high: float) -> list[float]:
    """Two to six multiples of 1, 2 or 5 times a power of ten from ``low`` to ``high``, which is larger."""
    wanted = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(wanted))
    step = power * next(size for size in (1, 2, 5, 10) if size * power >= wanted * (1 - 1e-9))
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _times(view: Json) -> str:
    """When the first and the last window ended."""
    points = [point for line in view["series"] for point in line["points"]]
    found = [(points[0], "start", LEFT), (points[-1], "end", WIDTH - RIGHT)][: min(len(points), 2)]
    return "".join(
        f'<text class="scale" x="{x}" y="{HEIGHT - 10}" text-anchor="{anchor}">{escaped(moment(_ended(point))[:16])}</text>'
        for point, anchor, x in found
    )


def _ended(point: Json) -> int:
    """When what the window is about ended, or when it was answered."""
    at: int = point["to_at"] if point["happened_at"] is None else point["happened_at"]
    return at


def _series(line: Json, axes: _Axes) -> str:
    known = [point for point in line["points"] if point["value"] is not None and math.isfinite(point["value"])]
    path = " ".join(f"{axes.x(p['place']):.1f},{axes.y(p['value']):.1f}" for p in known if p["waits"] is None)
    return (
        estimated_line(line, axes.x, axes.y)
        + _reference(line, axes)
        + (f'<polyline points="{path}"/>' if path else "")
        + "".join(_point(p, line, axes) for p in known)
    )


def _reference(line: Json, axes: _Axes) -> str:
    reference = line["reference"]
    if not reference or reference["value"] is None:
        return ""
    y, first, last = axes.y(reference["value"]), line["points"][0]["place"], line["points"][-1]["place"]
    title = f"v{line['version']} on its holdout: {number(reference['value'])} {interval(reference['low'], reference['high'])}"
    start, end = axes.x(first - 0.5), axes.x(last + 0.5)
    return f'<line class="reference" x1="{start:.1f}" x2="{end:.1f}" y1="{y:.1f}" y2="{y:.1f}"><title>{escaped(title)}</title></line>'


def _point(point: Json, line: Json, axes: _Axes) -> str:
    x, y = axes.x(point["place"]), axes.y(point["value"])
    waits = point["waits"] is not None
    title = f"v{line['version']}, until {moment(_ended(point))}: {number(point['value'])} {interval(point['low'], point['high'])}"
    title += f", {percent(point['coverage'])} of {number(point['rows'])} rows labelled" + (f"; {point['waits']}" if waits else "")
    ends = [axes.y(point[name]) if point[name] is not None else y for name in ("low", "high")]
    bar = f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{ends[0]:.1f}" y2="{ends[1]:.1f}"/>'
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>'
    return f'<g class="{"waits" if waits else "known"}"><title>{escaped(title)}</title>{bar}{dot}</g>'


def _markers(view: Json, axes: _Axes) -> str:
    found, last = [], -1e9
    for marker in view["markers"]:
        x = axes.x(marker["place"] - 0.5)
        kind = escaped(marker["kind"])
        label = f"v{marker['version']}" if marker["kind"] == "promotion" else ""
        text = ""
        if label and x - last > 30:
            text, last = f'<text x="{x + 3:.1f}" y="{TOP - 12}">{escaped(label)}</text>', x
        found.append(
            f'<g class="marker {kind}"><title>{escaped(marker["text"])}</title>'
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 10}" y2="{HEIGHT - BOTTOM}"/>{text}</g>'
        )
    return "".join(found)
