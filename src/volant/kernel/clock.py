"""Time. Every instant in Volant is an ``int`` of microseconds since 1970-01-01 UTC, named ``*_us`` or ``*_at``.

Only this module reads the machine's clock (a lint rule holds that); everything else is handed a ``Clock``.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where the present comes from."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC. May jump; it never goes back within one process."""
        ...


class SystemClock:
    """The machine's clock, held from running backwards within one process."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """See :class:`Clock`."""
        self._last = max(self._last, time.time_ns() // 1000)  # noqa: TID251 - the one place
        return self._last


def iso(instant_us: int) -> str:
    """``2026-11-21T04:30:00Z``; microseconds only where there are any."""
    moment = _EPOCH + timedelta(microseconds=instant_us)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def parse_iso(text: str) -> int:
    """Microseconds of an ISO 8601 instant or date; without an offset it is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


_UNITS = (("w", 7 * DAY_US), ("d", DAY_US), ("h", HOUR_US), ("m", MINUTE_US), ("s", SECOND_US))


def parse_duration(text: str) -> int:
    """Microseconds of ``30m``, ``24h``, ``7d``, ``1d12h``, ``250ms``. Raises ``ValueError``."""
    rest, total = text.strip().lower(), 0
    if rest.endswith("ms") and rest[:-2].isdigit():
        return int(rest[:-2]) * 1000
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        unit = next((us for name, us in _UNITS if rest[digits : digits + 1] == name), None)
        if digits == 0 or unit is None:
            raise ValueError(f"{text!r} is not a duration; write one like 30m, 24h, 7d or 1d12h")
        total += int(rest[:digits]) * unit
        rest = rest[digits + 1 :]
    if text.strip() == "":
        raise ValueError("an empty text is not a duration; write one like 30m, 24h or 7d")
    return total


def format_duration(duration_us: int) -> str:
    """The shortest exact text that :func:`parse_duration` reads back (to the millisecond)."""
    if duration_us < SECOND_US:
        return "0s" if duration_us < 1000 else f"{duration_us // 1000}ms"
    parts, rest = [], duration_us
    for name, unit in _UNITS[1:]:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts)
