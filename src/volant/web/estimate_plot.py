"""Estimated performance in the live plot: a dotted line with a band of its own, beside what was realised."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from volant.web.drawings import escaped
from volant.web.formats import interval, number

Json = dict[str, Any]
Place = Callable[[float], float]


def estimated_line(line: Json, x: Place, y: Place) -> str:
    """Of one champion; a window whose rows lie outside of what it saw is a hollow point."""
    known = [p for p in line["points"] if p.get("estimate") and math.isfinite(p["estimate"]["value"])]
    if not known:
        return ""
    path = " ".join(f"{x(p['place']):.1f},{y(p['estimate']['value']):.1f}" for p in known)
    points = "".join(_point(p, line, x, y) for p in known)
    return f'<g class="estimate">{_band(known, x, y)}<polyline points="{path}"/>{points}</g>'


def _band(known: Sequence[Json], x: Place, y: Place) -> str:
    whole = [p for p in known if p["estimate"]["low"] is not None and p["estimate"]["high"] is not None]
    upper = [f"{x(p['place']):.1f},{y(p['estimate']['high']):.1f}" for p in whole]
    lower = [f"{x(p['place']):.1f},{y(p['estimate']['low']):.1f}" for p in reversed(whole)]
    return f'<polygon points="{" ".join([*upper, *lower])}"/>' if len(whole) > 1 else ""


def _point(point: Json, line: Json, x: Place, y: Place) -> str:
    found = point["estimate"]
    title = f"v{line['version']} estimated without labels: {number(found['value'])} {interval(found['low'], found['high'])}"
    if found["doubt"]:
        title += f"; in doubt: too many rows lie outside of what it saw ({found['doubt']})"
    kind = "doubt" if found["doubt"] else "expected"
    place = f'cx="{x(point["place"]):.1f}" cy="{y(found["value"]):.1f}"'
    return f'<circle class="{kind}" {place} r="2.2"><title>{escaped(title)}</title></circle>'


def legend(view: Json, left: float, y: float) -> str:
    """What the two lines are; nothing where nothing is estimated."""
    if not any(point.get("estimate") for line in view["series"] for point in line["points"]):
        return ""
    realised = f'<g class="series">{_said(left, y, "with labels")}</g>'
    return f'<g class="legend">{realised}<g class="estimate">{_said(left + 120, y, "estimated without labels, 95 %")}</g></g>'


def _said(left: float, y: float, text: str) -> str:
    line = f'<line x1="{left}" x2="{left + 22}" y1="{y}" y2="{y}"/>'
    return f'{line}<text class="scale" x="{left + 28}" y="{y + 4}">{escaped(text)}</text>'
