"""Kinds of amounts in ``volant.yaml``: durations, rows, margins, confidence."""

import math
import re
from decimal import Decimal

from volant.config.kinds import Number, Schema, wrong
from volant.config.model import Amount, Margin
from volant.config.yaml_tree import Node
from volant.kernel.clock import DAY_US, SECOND_US, format_duration, parse_duration

MAX_DURATION_US = 36_500 * DAY_US
DURATION_PATTERN = r"^([0-9]+[wdhmsWDHMS])+$|^[0-9]+[mM][sS]$"
_SHARE = re.compile(r"([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*%", re.ASCII)
_ROWS = re.compile(r"([0-9]+)(\s+rows?)?", re.ASCII)


class Duration:
    """Microseconds, written ``30m``, ``24h``, ``1d12h``, ``250ms``."""

    def __init__(self, *, zero: bool = False) -> None:
        self._least = 0 if zero else 1000
        self.said = "a duration like 30m, 24h or 7d" + (" (0s for none)" if zero else "")

    def read(self, node: Node) -> int:
        """See :class:`Kind`."""
        if not isinstance(node.content, str):
            raise wrong(node, self.said)
        try:
            value = parse_duration(node.content)
        except ValueError as error:
            raise wrong(node, self.said) from error
        if not self._least <= value <= MAX_DURATION_US:
            raise wrong(node, self.said, why="the duration is out of range")
        return value

    def show(self, value: int) -> str:
        """See :class:`Kind`."""
        return duration_text(value)

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"type": "string", "pattern": DURATION_PATTERN, "description": self.said}


def duration_text(value_us: int) -> str:
    """Exact to the millisecond, so that it reads back as the same number."""
    return format_duration(value_us) if value_us % SECOND_US == 0 else f"{value_us // 1000}ms"


class Cost(Number):
    """A number from 0, or above 0."""

    def __init__(self, what: str, *, zero: bool = True) -> None:
        self.said = f"the cost {what}: a number {'from 0' if zero else 'above 0'}"
        self._zero = zero

    def read(self, node: Node) -> float:
        """See :class:`Kind`."""
        value = super().read(node)
        if value < 0 or (value == 0 and not self._zero):
            raise wrong(node, self.said)
        return value

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"type": "number", ("minimum" if self._zero else "exclusiveMinimum"): 0, "description": self.said}


class RowsOrTime:
    """``14d``, ``2000 rows`` or ``2000``."""

    said = "a duration like 14d or a number of rows like 2000"

    def read(self, node: Node) -> Amount:
        """See :class:`Kind`."""
        text = node.text if isinstance(node.content, str | int) and not isinstance(node.content, bool) else None
        match = _ROWS.fullmatch(text or "")
        if match is not None:
            rows = int(match[1]) if len(match[1]) <= 12 else 0
            if rows < 1:
                raise wrong(node, self.said, why="the number of rows is out of range")
            return Amount(rows=rows)
        try:
            duration = parse_duration(text or "")
        except ValueError as error:
            raise wrong(node, self.said) from error
        if not 1000 <= duration <= MAX_DURATION_US:
            raise wrong(node, self.said, why="the duration is out of range")
        return Amount(duration_us=duration)

    def show(self, value: Amount) -> str:
        """See :class:`Kind`."""
        return f"{value.rows} rows" if value.rows is not None else duration_text(value.duration_us or 0)

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        text = {"type": "string", "pattern": rf"{DURATION_PATTERN}|^[0-9]+( +rows?)?$"}
        return {"anyOf": [text, {"type": "integer", "minimum": 1}], "description": self.said}


class MarginKind:
    """``1%`` of the other model's metric, or an absolute number."""

    said = "a share like 1% or an absolute number"

    def read(self, node: Node) -> Margin:
        """See :class:`Kind`."""
        value = node.content
        if isinstance(value, str) and (match := _SHARE.fullmatch(value)) and float(match[1]) <= 1000:
            return Margin(value=_percent(match[1]), relative=True)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise wrong(node, self.said)
        return Margin(value=float(value), relative=False)

    def show(self, value: Margin) -> str | float:
        """See :class:`Kind`."""
        return percent_text(value.value) if value.relative else value.value

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        share = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?|\.[0-9]+) *%$"}
        return {"anyOf": [share, {"type": "number", "minimum": 0}], "description": self.said}


class Confidence:
    """``95%`` or ``0.95``."""

    said = "a confidence like 95%, above 50% and below 100%"

    def read(self, node: Node) -> float:
        """See :class:`Kind`."""
        value = node.content
        match = _SHARE.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            value = _percent(match[1])
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
            raise wrong(node, self.said)
        return float(value)

    def show(self, value: float) -> str:
        """See :class:`Kind`."""
        return percent_text(value)

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        share = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *%$"}
        return {"anyOf": [share, {"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1}], "description": self.said}


def _percent(text: str) -> float:
    """``95`` -> 0.95, rounded once: the decimal that people mean."""
    return float(Decimal(text) / 100)


def percent_text(value: float) -> str:
    """0.95 -> ``95%``, exactly: it reads back as the same number."""
    text = format(Decimal(repr(value)) * 100, "f")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"
