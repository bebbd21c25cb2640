"""Small drawings as inline SVG. Sizes are attributes and colours classes: the content policy permits no inline styles.

Every drawing says what it shows in ``aria-label`` and ``<title>``; a drawing of nothing is an empty text.
"""

import math
from collections.abc import Sequence
from typing import Any

from volant.web.formats import interval, number, signed

WIDEST_BAR = 16


def escaped(text: str) -> str:
    """The text as it may stand inside SVG."""
    from markupsafe import escape

    return str(escape(text))


def svg(kind: str, width: int, height: int, label: str, body: str) -> Any:
    """A drawing of shapes that are SVG already; ``kind`` is its class."""
    from markupsafe import Markup

    name = escaped(label)
    head = f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{name}">'
    return Markup(f"{head}<title>{name}</title>{body}</svg>")  # noqa: S704 - every text inside was escaped above


def sparkline(values: Sequence[float | None], label: str, *, width: int = 132, height: int = 28) -> Any:
    """A line over equal steps; gaps where a value is missing."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    reach = (high - low) or 1.0
    step = (width - 6) / (len(values) - 1)
    points = [
        (3 + place * step, height - 4 - (height - 8) * ((value - low) / reach if math.isfinite(reach) else 0.5))
        for place, value in enumerate(values)
        if value is not None and math.isfinite(value)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    area = f"{points[0][0]:.1f},{height - 1} {line} {points[-1][0]:.1f},{height - 1}"
    dot = f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.2"/>'
    return svg("spark", width, height, label, f'<polygon points="{area}"/><polyline points="{line}"/>{dot}')


def bars(counts: Sequence[int], label: str, *, width: int = 150, height: int = 34) -> Any:
    """A histogram without axes."""
    most = max(counts, default=0)
    if most <= 0:
        return ""
    step = min(width / len(counts), WIDEST_BAR)
    width = round(step * len(counts))
    body = "".join(
        f'<rect x="{place * step:.2f}" y="{height - tall:.2f}" width="{max(step - 1, 0.6):.2f}" height="{tall:.2f}"/>'
        for place, count in enumerate(counts)
        if (tall := (height - 1) * max(count, 0) / most)
    )
    axis = f'<line x1="0" x2="{width}" y1="{height - 0.5}" y2="{height - 0.5}"/>'
    return svg("bars", width, height, label, body + axis)


def share_bar(share: float, label: str, *, width: int = 96, height: int = 6) -> Any:
    """How much of a whole."""
    part = width * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    body = f'<rect class="whole" width="{width}" height="{height}" rx="3"/><rect width="{part:.1f}" height="{height}" rx="3"/>'
    return svg("share", width, height, label, body)


def gauge(share: float, kind: str, label: str, *, width: int = 280, height: int = 24) -> Any:
    """Evidence between none (left) and a decision (the post at the right end), with quarters marked."""
    long, middle = width - 10, height / 2
    part = long * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    ticks = "".join(
        f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{middle - 4}" y2="{middle + 4}"/>' for x in (long / 4, long / 2, 3 * long / 4)
    )
    track = f'<rect class="whole" y="{middle - 4}" width="{long}" height="8" rx="4"/>{ticks}'
    filled = f'<rect y="{middle - 4}" width="{max(part, 0.0):.1f}" height="8" rx="4"/>' if part else ""
    post = f'<line class="post" x1="{long}" x2="{long}" y1="2" y2="{height - 2}"/>'
    here = f'<circle cx="{min(max(part, 5), long):.1f}" cy="{middle}" r="5"/>'
    return svg(f"gauge {kind}", width, height, label, track + filled + post + here)


def span_bar(start: float, length: float, kind: str, label: str, *, width: int = 220, height: int = 10) -> Any:
    """A stretch of a whole, from ``start`` for ``length`` (both shares of it): one line of a waterfall."""
    x, wide = width * start, max(width * length, 1.5)
    return svg(
        f"span {kind}",
        width,
        height,
        label,
        f'<rect x="{min(x, width - 1.5):.1f}" width="{min(wide, width):.1f}" height="{height}" rx="2"/>',
    )


def forest_reach(effects: Sequence[dict[str, float | None]]) -> float:
    """Half the width of an axis that holds all estimates and most whiskers: one wild interval must not flatten the rest."""
    centres = [abs(e[name] or 0.0) for e in effects for name in ("value", "allowed")]
    ends = sorted(abs(bound) for e in effects for name in ("low", "high") if (bound := e[name]) is not None)
    usual = ends[(3 * len(ends)) // 4] if ends else 0.0
    reach = max([*centres, usual], default=0.0) * 1.12
    return reach if math.isfinite(reach) and reach > 0 else 1.0


def whisker(effect: dict[str, float | None], reach: float, kind: str, label: str, *, width: int = 260, height: int = 26) -> Any:
    """An estimate with its interval around zero, left is better; the tick is what is allowed. Ends beyond ``reach`` are arrows."""
    middle, y = width / 2, height / 2

    def place(value: float) -> float:
        return middle + (middle - 8) * min(max(value / reach, -1.0), 1.0)

    value = effect["value"]
    if value is None:
        return ""
    low, high, allowed = effect["low"], effect["high"], effect["allowed"]
    body = f'<line class="zero" x1="{middle}" x2="{middle}" y1="0" y2="{height}"/>'
    if allowed:
        edge = place(allowed)
        body += f'<line class="allowed" x1="{edge:.1f}" x2="{edge:.1f}" y1="4" y2="{height - 4}"/>'
    start, end = place(value if low is None else low), place(value if high is None else high)
    body += f'<line class="reach" x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}"/>'
    body += _end(start, y, -1, beyond=low is not None and low < -reach, open_=low is None)
    body += _end(end, y, 1, beyond=high is not None and high > reach, open_=high is None)
    body += f'<circle cx="{place(value):.1f}" cy="{y}" r="4.2"/>'
    return svg(f"whisker {kind}", width, height, label, body)


def _end(x: float, y: float, side: int, *, beyond: bool, open_: bool) -> str:
    if open_:
        return ""
    if beyond:
        return f'<polygon points="{x + 6 * side:.1f},{y} {x:.1f},{y - 4} {x:.1f},{y + 4}"/>'
    return f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 4}" y2="{y + 4}"/>'


def effect_label(metric: str, difference: float | None, low: float | None, high: float | None) -> str:
    """What a whisker says, in words."""
    bounds = interval(low, high)
    return f"{metric}: difference {signed(difference)}" + (f", interval {bounds}" if bounds else "")


def histogram_label(name: str, edges: Sequence[float]) -> str:
    """What a histogram spans, in words."""
    return f"{name}: {number(float(edges[0]))} to {number(float(edges[-1]))}" if edges else name
