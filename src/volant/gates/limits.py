"""A figure with bounds against a limit: kept, broken, or not known yet and how many labels would tell."""

from volant.gates.model import Verdict
from volant.gates.wording import labels_text, number, percent
from volant.stats.paired import Interval
from volant.stats.sizes import rows_needed

_WORDS = {Verdict.PASS: "kept", Verdict.FAIL: "broken"}


def at_most(found: Interval, limit: float, confidence: float) -> tuple[Verdict, int | None]:
    """Pass with the upper bound at the limit or below, fail with the lower one above it. Labels: further ones (80 % power)."""
    if found.low is None or found.high is None:
        return Verdict.NOT_ENOUGH, None
    if found.high <= limit:
        return Verdict.PASS, None
    if found.low > limit:
        return Verdict.FAIL, None
    total = rows_needed(found.variance * found.rows, abs(found.value - limit), confidence)
    return Verdict.NOT_ENOUGH, None if total is None else max(total - found.rows, 1)


def bounds_text(found: Interval, confidence: float, *, scale: float = 1.0) -> str:
    """``bounds at 95 % 0.1 and 0.2``; ``scale`` 100 for what is told in per cent."""
    if found.low is None or found.high is None:
        return "with nothing to judge its uncertainty by"
    return f"bounds at {percent(confidence)} {number(found.low * scale)} and {number(found.high * scale)}"


def conclusion(verdict: Verdict, needed: int | None, rows: str = "label") -> str:
    """What follows. ``rows``: what would decide it."""
    if verdict in _WORDS:
        return _WORDS[verdict]
    if rows == "label":
        return f"too few labels to say; {labels_text(needed)}"
    return f"too few rows to say; {labels_text(needed).replace('label', rows)}"
