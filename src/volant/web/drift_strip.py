"""Drift as inline SVG: a heat strip of columns over windows, and a column before and after on one axis."""

from typing import Any

from volant.web.drawings import escaped, svg
from volant.web.formats import moment, number, percent

Json = dict[str, Any]
MOST_COLUMNS = 30
WIDTH, LABELS, ROW, TOP, BOTTOM = 1020, 170, 20, 6, 24
_LEVELS = (0.0, 1.0, 3.0)  # lower ends of the interval, in tolerances, above which a cell is darker
_PLOT, _HEIGHT, _FOOT = 480, 130, 20
_LONGEST = 24


def drift_strip(view: Json) -> Any:
    """A row for each column, those that moved first, and a cell for each window, oldest first. Empty without a window."""
    strip, columns = view["strip"], [c for c in view["columns"] if c["left_out"] is None or c["drifting"]][:MOST_COLUMNS]
    if not strip or not columns:
        return ""
    height = TOP + ROW * len(columns) + BOTTOM
    step = (WIDTH - LABELS) / len(strip)
    body = "".join(_row(column, place, strip, step) for place, column in enumerate(columns)) + _times(strip, height)
    moved = ", ".join(view["drifting"]) or "none"
    return svg("heat", WIDTH, height, f"Drift of {len(columns)} columns over {len(strip)} windows; moved now: {moved}", body)


def _row(column: Json, place: int, strip: list[Json], step: float) -> str:
    y = TOP + ROW * place
    name = _cut(column["name"])
    label = f'<text x="{LABELS - 8}" y="{y + 14}" text-anchor="end"{_moved(column["drifting"])}>{escaped(name)}</text>'
    return label + "".join(_cell(window, column, LABELS + step * number_, y, step) for number_, window in enumerate(strip))


def _moved(drifting: bool) -> str:
    return ' class="moved"' if drifting else ""


def _cell(window: Json, column: Json, x: float, y: int, step: float) -> str:
    """A window of a column: how many tolerances the effect surely is, and whether it is an alarm."""
    found = window["columns"].get(column["column"])
    size = f'x="{x:.1f}" y="{y}" width="{max(step - 1, 0.8):.1f}" height="{ROW - 2}"'
    when = f"until {moment(window['to_us'])}, {number(window['rows'])} rows"
    named = column["name"]
    if found is None:
        return f'<rect class="unknown" {size}><title>{escaped(f"{named} {when}: not compared")}</title></rect>'
    level = sum(found["low"] > share * column["tolerance"] for share in _LEVELS)
    what = "missing values" if found["aspect"] == "missing" else "effect"
    text = f"{named} {when}: {what} {number(found['effect'])} [{number(found['low'])}, {number(found['high'])}]"
    text += ", moved" if found["drifted"] else ""
    kind = "alarm" if found["drifted"] else f"level{level}"
    return f'<rect class="{kind}" {size}><title>{escaped(text)}</title></rect>'


def _times(strip: list[Json], height: int) -> str:
    ends = [(strip[0], "start", LABELS), (strip[-1], "end", WIDTH - 1)][: min(len(strip), 2)]
    return "".join(
        f'<text class="scale" x="{x}" y="{height - 8}" text-anchor="{anchor}">{escaped(moment(window["to_us"])[:16])}</text>'
        for window, anchor, x in ends
    )


def drift_overlay(column: Json) -> Any:
    """The reference as bars with the windows' outline over them, on one axis. Empty where there is nothing to draw."""
    bars = column["bars"]
    most = max((max(bar["before"], bar["after"]) for bar in bars), default=0.0)
    if most <= 0:
        return ""
    step = _PLOT / len(bars)
    body = "".join(_pair(bar, place * step, step, most) for place, bar in enumerate(bars))
    foot = _HEIGHT - _FOOT
    axis = f'<line x1="0" x2="{_PLOT}" y1="{foot + 0.5}" y2="{foot + 0.5}"/>'
    return svg("overlay", _PLOT, _HEIGHT, f"{column['name']}: what the champion learned, and now", body + axis + _feet(column, step))


def _pair(bar: Json, x: float, step: float, most: float) -> str:
    room = _HEIGHT - _FOOT - 4
    before, after = room * bar["before"] / most, room * bar["after"] / most
    foot, wide = _HEIGHT - _FOOT, max(step - 2, 1.0)
    text = f"{bar['text']}: {percent(bar['before'])} before, {percent(bar['after'])} now"
    return (
        f'<g><title>{escaped(text)}</title><rect class="whole" x="{x:.1f}" y="0" width="{step:.1f}" height="{foot}"/>'
        f'<rect class="before" x="{x + 1:.1f}" y="{foot - before:.1f}" width="{wide:.1f}" height="{before:.1f}"/>'
        f'<rect class="after" x="{x + 1.5:.1f}" y="{foot - after:.1f}" width="{max(wide - 1, 0.5):.1f}" height="{after:.1f}"/></g>'
    )


def _feet(column: Json, step: float) -> str:
    """Names of categories below their bars; of numbers, the ends."""
    bars = column["bars"]
    if column["kind"] == "number" and len(bars) > 12:
        ends = [(bars[0]["text"].split(" to ")[0], "start", 0.0), (bars[-1]["text"].split(" to ")[-1], "end", float(_PLOT))]
    else:
        ends = [(_cut(bar["text"], int(step / 7)), "middle", (place + 0.5) * step) for place, bar in enumerate(bars)]
    return "".join(f'<text x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{escaped(text)}</text>' for text, anchor, x in ends)


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= max(longest, 2) else text[: max(longest, 2) - 1] + "…"
