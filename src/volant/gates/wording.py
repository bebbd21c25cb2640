"""Sentences of a gate report: each can be read alone, with numbers in the metric's own unit."""

from volant.gates.comparing import Comparison, Question
from volant.stats.paired import Finding


def number(value: float | None) -> str:
    """Four significant digits, thousands separated; "?" for nothing."""
    if value is None:
        return "?"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.4g}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3e}"


def signed(value: float | None) -> str:
    """As :func:`number`, with its sign."""
    return number(value) if value is None or value <= 0 else f"+{number(value)}"


def counted(count: int, noun: str) -> str:
    """``1 row``, ``1,200 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(confidence: float) -> str:
    """``95 %``, ``99.5 %``."""
    return f"{100 * confidence:.4g} %"


def labels_text(needed: int | None) -> str:
    """How many labels are missing, if that can be said."""
    return "how many labels would decide it cannot be said" if needed is None else f"about {counted(needed, 'more label')} would decide it"


def measured(question: Question, found: Comparison, other: str) -> str:
    """Both values, the difference and its bounds."""
    text = f"{question.label} {number(found.candidate)} against {number(found.other)} of {other} on the same {counted(found.rows, 'row')}"
    text += left_out_text(found)
    difference = found.difference
    if difference is None:
        return text
    if difference.low is None:
        return f"{text}: difference {signed(difference.value)}, with nothing to judge its uncertainty by"
    bounds = f"{signed(difference.low)} and {signed(difference.high)}"
    return f"{text}: difference {signed(difference.value)}, bounds at {percent(question.check.confidence)} {bounds}"


def made_up_text(shift: float | None) -> str:
    """How much of a difference is put there for the champion's luck."""
    if not shift:
        return ""
    return f" ({signed(shift)} of the difference makes up for the champion's luck on rows that chose it)"


def left_out_text(found: Comparison) -> str:
    """How many rows a business metric says nothing of."""
    if not found.left_out:
        return ""
    share = found.left_out / (found.left_out + found.rows)
    return f" ({counted(found.left_out, 'row')}, {percent(share)}, left out: the expression has no value there)"


def allowed_text(margin: float, *, lower: bool) -> str:
    """What the margin permits, as a signed difference."""
    if margin == 0:
        return "no loss allowed"
    return f"{signed(margin if lower else -margin)} allowed"


def concluded(finding: Finding, needed: int | None) -> str:
    """What follows."""
    return {
        Finding.BETTER: "better, and within what is allowed even at the bound",
        Finding.NO_BETTER: "as good within what is allowed, but no better",
        Finding.WORSE: "worse, even at the favourable bound",
        Finding.UNDECIDED: f"too few labels to say; {labels_text(needed)}",
    }[finding]


def invalid_text(found: Comparison) -> str:
    """Why unusable answers of the candidate end a check."""
    why = "missing, not finite, no probability, or the metric has no value with it"
    return f"the candidate gave {counted(found.candidate_invalid, 'answer')} that cannot be used ({why})"
