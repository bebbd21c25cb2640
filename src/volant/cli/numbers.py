"""Numbers, times and shares as people read them."""

from collections.abc import Mapping
from typing import Any


def number(value: Any) -> str:
    """Four significant digits; whole numbers with separators; ``-`` for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if value == 0 or 1e-4 <= abs(value) < 1e4 else f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.3e}"


def signed(value: float | None) -> str:
    """With its sign."""
    return "-" if value is None else f"+{number(value)}" if value > 0 else number(value)


def interval(low: float | None, high: float | None) -> str:
    """``[-5.0, -1.2]``; open where a bound is missing."""
    if low is None and high is None:
        return ""
    return f"[{signed(low) if low is not None else '..'}, {signed(high) if high is not None else '..'}]"


def bounds(low: float | None, high: float | None) -> str:
    """``[5.8, 6.9]``: bounds of a value, where :func:`interval` has those of a difference."""
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def counted(count: int, noun: str) -> str:
    """``1 row``, ``1,200 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def lasting(duration_us: int) -> str:
    """``0.4 ms``, ``30 ms``, ``4.1 s``, ``2 m 03 s``, ``1 h 05 m``."""
    seconds = duration_us / 1e6
    if seconds < 1:
        thousandths = seconds * 1000
        return f"{thousandths:.0f} ms" if thousandths >= 10 or not thousandths else f"{thousandths:.2g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"


def moment(instant: int | str | None) -> str:
    """``2026-11-21 04:30`` from microseconds or an ISO text, UTC; ``-`` for nothing."""
    from volant.kernel.clock import iso

    if instant is None:
        return "-"
    text = iso(instant) if isinstance(instant, int) else instant
    return text.replace("T", " ")[:16]


def listed(values: Mapping[str, Any], limit: int = 4) -> str:
    """``mae 41.2, rmse 60``; the first few."""
    shown = [f"{name} {number(value)}" for name, value in list(values.items())[:limit]]
    return ", ".join(shown) + (", ..." if len(values) > limit else "")
