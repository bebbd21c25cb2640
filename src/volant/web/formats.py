"""Numbers, times and sizes as people read them. What is absent is an en dash, never a zero."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from volant.kernel.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from volant.wiring.wheel import about

NONE = "–"  # noqa: RUF001 - an en dash is what absence looks like in a table
SPACE = "\u00a0"  # a number stays with its unit
MINUS = "−"  # noqa: RUF001 - a minus is as wide as a plus
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SMALLEST_PLAIN = 1e-4
_LARGEST_PLAIN = 10**15
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def number(value: object) -> str:
    """Four significant digits for floats, thousands separated for integers, texts as they are."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS) if abs(value) < _LARGEST_PLAIN else _scientific(value)
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size = abs(value)
    if value == 0 or SMALLEST_PLAIN <= size < 1000:
        digits = f"{value:.4g}" if value == int(value) else f"{value:#.4g}".rstrip(".")
        return digits.replace("-", MINUS)
    return f"{value:,.0f}".replace("-", MINUS) if 1000 <= size < 1e9 else _scientific(value)


def _scientific(value: float) -> str:
    try:
        return f"{float(value):.3e}".replace("-", MINUS).replace("e+", "e")
    except OverflowError:  # a whole number beyond what a float holds
        return f"{MINUS if value < 0 else ''}more than 10^308"


def signed(value: float | None) -> str:
    """As :func:`number`, with a plus where it is above zero."""
    text = number(value)
    return f"+{text}" if value is not None and value > 0 else text


def interval(low: float | None, high: float | None) -> str:
    """``[-2.130, +0.300]``, both bounds to the same decimals; nothing where neither is known."""
    if low is None and high is None:
        return ""
    return f"[{_bound(low, low, high)}, {_bound(high, low, high)}]"


def span(low: float | None, high: float | None) -> str:
    """``[21.2, 22.9]``: bounds of a value, not of a difference."""
    return "" if low is None and high is None else f"[{number(low)}, {number(high)}]"


def _bound(value: float | None, low: float | None, high: float | None) -> str:
    largest = max(abs(bound) for bound in (low, high) if bound is not None)
    if value is None or not math.isfinite(largest) or not SMALLEST_PLAIN <= largest < 1000:
        return signed(value)
    text = f"{value:+.{max(3 - math.floor(math.log10(largest)), 0)}f}"
    return text.replace("-", MINUS) if float(text) else text[1:]


def percent(share: float | None) -> str:
    """``12 %``, ``0.4 %``."""
    if share is None or not math.isfinite(share):
        return NONE
    return f"{100 * share:.3g}{SPACE}%".replace("-", MINUS)


def size(count: int | None) -> str:
    """``3.1 MB`` in powers of 1000."""
    if count is None:
        return NONE
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count}{SPACE}B" if unit == 0 else f"{amount:.3g}{SPACE}{_SIZES[unit]}"


def lasting(duration_us: int | None) -> str:
    """A duration in its two largest units: ``2 d 4 h``, ``41 s``, ``3.1 ms``."""
    if duration_us is None:
        return NONE
    rest = abs(duration_us)
    if 0 < rest < 1000:
        return f"{rest}{SPACE}µs"
    if 0 < rest < SECOND_US:
        return f"{rest / 1000:.3g}{SPACE}ms"
    if rest < MINUTE_US:
        return f"{rest / SECOND_US:.3g}{SPACE}s"
    for name, unit, lower_name, lower in (
        ("d", DAY_US, "h", HOUR_US),
        ("h", HOUR_US, "min", MINUTE_US),
        ("min", MINUTE_US, "s", SECOND_US),
    ):
        if rest >= unit:
            whole, part = rest // unit, rest % unit // lower
            return f"{whole:,}{SPACE}{name}" + (f"{SPACE}{part}{SPACE}{lower_name}" if part and whole < 10 else "")
    return NONE


def amount(value: float | None, unit: str | None = None) -> str:
    """As :func:`number`, a time where the unit is ``us``, a size where it is ``bytes``."""
    if value is None or unit is None:
        return number(value)
    return lasting(round(value)) if unit == "us" else size(round(abs(value)))


def signed_amount(value: float | None, unit: str | None = None) -> str:
    """As :func:`amount`, with its sign."""
    if value is None or unit is None:
        return signed(value)
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{amount(value, unit)}"


def expected(duration_us: int | None) -> str:
    """How long something will take: ``about 3 days``."""
    return NONE if duration_us is None else about(duration_us)


def ago(at: int | None, now: int) -> str:
    """``3 h ago``; ``in 2 d`` for what lies ahead; ``just now`` within some seconds either way."""
    if at is None:
        return NONE
    distance = now - at
    if abs(distance) < 5 * SECOND_US:
        return f"just{SPACE}now"
    text = _largest(abs(distance))
    return f"{text}{SPACE}ago" if distance > 0 else f"in{SPACE}{text}"


def _largest(distance: int) -> str:
    for name, unit in (("y", 365 * DAY_US), ("d", DAY_US), ("h", HOUR_US), ("min", MINUTE_US)):
        if distance >= unit:
            return f"{distance // unit}{SPACE}{name}"
    return f"{distance // SECOND_US}{SPACE}s"


def moment(at: int) -> str:
    """``2026-11-21 04:30:00 UTC``, to the second; years beyond 9999 as a number."""
    try:
        return f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return f"{at} µs since 1970"


def stamp(at: int) -> str:
    """For the ``datetime`` attribute."""
    try:
        return f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%SZ}"
    except OverflowError:
        return ""


def segment(text: object) -> str:
    """One percent-encoded segment of a path."""
    return quote(str(text), safe="", errors="replace")


def short(digest: str | None) -> str:
    """The first twelve digits of a digest."""
    return NONE if not digest else digest[:12]


def run_short(run_id: str) -> str:
    """The last eight digits: those of time-ordered ids that differ."""
    return run_id[-8:]


def words(kind: str) -> str:
    """A machine name as words."""
    return kind.replace("_", " ").replace(".", " ")


def breakable(text: str) -> Any:
    """A dotted or slashed name that may be broken after its dots and slashes."""
    from markupsafe import Markup, escape

    parts = re.split(r"(?<=[./_])(?=\w)", str(text))
    return Markup("<wbr>").join(escape(part) for part in parts)


def instant(text: object) -> str:
    """An ISO instant to the second, without what is zero: ``2026-03-02 05:00``; other texts as they are."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?Z?)?", str(text))
    if found is None or not isinstance(text, str):
        return number(text)
    day, minutes, seconds = found.groups()
    rest = "" if seconds in {None, ":00"} else seconds
    return day if minutes is None or (minutes == "00:00" and not rest) else f"{day} {minutes}{rest}"
