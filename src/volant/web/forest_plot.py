"""A gate's comparisons as one forest plot: a row for each metric or slice, its interval against what is allowed and against zero.

Drawn twice, wide and narrow, of which the style sheet shows one. A verdict is a shape as well as a colour, and every number is text.
"""

from typing import Any

from volant.web.drawings import escaped, forest_reach, svg
from volant.web.formats import number, percent

Json = dict[str, Any]
MOST_ROWS = 40
WIDE, NARROW = 1056, 340
_ROW, _TALL, _LINE, _HEAD = 26, 58, 16, 24
_NAMES, _FROM, _TO = 250, 264, 564
_PER_SIGN = 7.4  # pixels of the style sheet's 12 px
_WORDS = {"pass": "holds", "fail": "fails", "open": "undecided"}


def forest_plot(report: Json) -> Any:
    """Both drawings. Empty where nothing was compared with the champion, or with a baseline where there is none."""
    rows = _rows(report)
    if not rows:
        return ""
    reach = forest_reach([row["effect"] for row in rows if row["effect"]["value"] is not None])
    failing = sum(row["tone"] == "fail" for row in rows)
    label = f"{len(rows)} comparisons, {failing} failing; left of zero is better"
    wide = _wide(rows, reach)
    narrow, tall = _narrow(rows, reach)
    return svg("forest wide-only", WIDE, _HEAD + _ROW * len(rows) + 4, label, wide) + svg("forest narrow-only", NARROW, tall, label, narrow)


def _rows(report: Json) -> list[Json]:
    """Comparisons with the champion and its slices; with a baseline only where there is no champion, whose whiskers it would flatten."""
    champion = [check for check in report["checks"] if check["kind"] in {"champion", "slices"} and not check["skipped"]]
    shown = champion or [check for check in report["checks"] if check["kind"] == "baseline"]
    return [row for row in shown if row["effect"]["value"] is not None or row["is_slice"]][:MOST_ROWS]


def _wide(rows: list[Json], reach: float) -> str:
    body = _axis(_FROM, _TO, reach, _HEAD + _ROW * len(rows))
    for place, row in enumerate(rows):
        middle = _HEAD + _ROW * place + _ROW / 2
        name = _cut(_name(row), int(_NAMES / _PER_SIGN))
        body += f'<g class="tone-{row["tone"]}"><title>{escaped(row["sentence"])}</title>'
        body += f'<text x="{_NAMES}" y="{middle + 4:.1f}" text-anchor="end">{escaped(name)}</text>'
        body += _interval(row, reach, (_FROM, _TO), middle)
        figures = ", ".join(filter(None, (_figures(row), _needs(row))))
        body += f'<text class="figure" x="{_TO + 20}" y="{middle + 4:.1f}">{escaped(figures)}</text></g>'
    return body


def _narrow(rows: list[Json], reach: float) -> tuple[str, int]:
    """The name above its interval and the numbers below, so that nothing is smaller than on a wide page; and how tall it became."""
    body, top, most = "", _HEAD, int(NARROW / _PER_SIGN)
    for row in rows:
        body += f'<g class="tone-{row["tone"]}"><title>{escaped(row["sentence"])}</title>'
        body += f'<text x="2" y="{top + 14}">{escaped(_cut(_name(row), most))}</text>'
        body += f'<line class="zero" x1="{NARROW / 2}" x2="{NARROW / 2}" y1="{top + 17}" y2="{top + 35}"/>'
        body += _interval(row, reach, (6, NARROW - 6), top + 26)
        lines = [_figures(row), *([_needs(row)] if _needs(row) else [])]
        for line in lines:
            body += f'<text class="figure" x="2" y="{top + 46}">{escaped(_cut(line, most))}</text>'
            top += _LINE
        body += "</g>"
        top += _TALL - _LINE
    return _axis(6, NARROW - 6, reach, _HEAD) + body, top + 4


def _axis(start: float, end: float, reach: float, foot: float) -> str:
    """Zero, and what the ends stand for."""
    middle = (start + end) / 2
    texts = ((start, "start", f"{percent(reach)} better"), (middle, "middle", "0"), (end, "end", f"{percent(reach)} worse"))
    words = "".join(f'<text class="scale" x="{x:.1f}" y="14" text-anchor="{anchor}">{escaped(text)}</text>' for x, anchor, text in texts)
    return f'{words}<line class="zero" x1="{middle}" x2="{middle}" y1="{_HEAD - 4}" y2="{foot}"/>'


def _interval(row: Json, reach: float, ends: tuple[float, float], y: float) -> str:
    """The interval with its estimate, and the margin as a dashed tick; ends beyond the axis are arrows."""
    effect, (start, end) = row["effect"], ends
    value = effect["value"]
    if value is None:
        return ""

    def place(amount: float) -> float:
        return (start + end) / 2 + (end - start) / 2 * min(max(amount / reach, -1.0), 1.0)

    low, high = effect["low"], effect["high"]
    body = ""
    if effect["allowed"]:
        x = place(effect["allowed"])
        body += f'<line class="allowed" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9:.1f}" y2="{y + 9:.1f}"/>'
    if low is not None and high is not None:
        body += f'<line class="reach" x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        body += _tip(place(low), y, -1, beyond=low < -reach) + _tip(place(high), y, 1, beyond=high > reach)
    return body + _mark(place(value), y, row["tone"])


def _tip(x: float, y: float, side: int, *, beyond: bool) -> str:
    if beyond:
        return f'<polygon points="{x:.1f},{y:.1f} {x - 6 * side:.1f},{y - 4:.1f} {x - 6 * side:.1f},{y + 4:.1f}"/>'
    return f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 4:.1f}" y2="{y + 4:.1f}"/>'


def _mark(x: float, y: float, tone: str) -> str:
    """A disc holds, a diamond fails, a ring is undecided."""
    if tone == "fail":
        return f'<polygon points="{x:.1f},{y - 6:.1f} {x + 6:.1f},{y:.1f} {x:.1f},{y + 6:.1f} {x - 6:.1f},{y:.1f}"/>'
    kind = "" if tone == "pass" else ' class="ring"'
    return f'<circle{kind} cx="{x:.1f}" cy="{y:.1f}" r="4.6"/>'


def _name(row: Json) -> str:
    """A slice by itself: which model it is compared with is said once, by the row of the whole."""
    if not row["is_slice"]:
        return str(row["title"])
    metric = str(row["title"]).partition(" where ")[0]
    return f"{metric}, {row['slice_column']} = {row['slice_value']}"


def _figures(row: Json) -> str:
    """``holds: -2.1 % [-3.4, -0.8]``: the difference as a share of the other's metric."""
    effect, word = row["effect"], _WORDS[row["tone"]]
    if effect["value"] is None:
        return word
    bounds = "" if effect["low"] is None or effect["high"] is None else f" [{_share(effect['low'])}, {_share(effect['high'])}]"
    return f"{word}: {_share(effect['value'])} %{bounds}"


def _needs(row: Json) -> str:
    """How many labels an undecided row needs."""
    if row["tone"] != "open":
        return ""
    needed = row["labels_needed"]
    return "too few labels" if needed is None else f"needs {number(needed)} more labels"


def _share(value: float) -> str:
    return f"{100 * value:+.3g}".replace("-", "\u2212")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
