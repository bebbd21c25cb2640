"""Estimated performance as ``volant monitor`` prints it."""

from typing import Any

from volant.cli.blocks import Cell, bad, dim, good, warn
from volant.cli.numbers import bounds, counted, number

Json = dict[str, Any]


def estimate_cells(estimate: Json | None) -> tuple[Cell, Cell]:
    """A window's estimated metric with its interval; marked where its rows lie outside of what the champion saw."""
    if estimate is None or estimate["value"] is None:
        return "", ""
    span = bounds(estimate["low"], estimate["high"])
    return (warn(f"{number(estimate['value'])} ?"), dim(span)) if estimate["outside_column"] else (number(estimate["value"]), span)


def estimate_standing(estimate: Json | None) -> Cell:
    """What the estimates say together, and whether they may be believed."""
    if estimate is None:
        return dim("none: no full window yet, or too few held-out rows to estimate from")
    worse, validity, newest = estimate["worse"], estimate["validity"], estimate["newest"]
    if validity["contradicted"]:
        return warn(f"not to be believed: {_contradiction(estimate)}")
    checked = f"; agrees with labels of {counted(validity['windows'], 'window')}" if validity["windows"] else "; no labels to check it yet"
    evidence = f"evidence {number(worse['statistic'])} of {number(worse['limit'])}"
    if worse["fired"]:
        return bad(f"worse: {evidence} over {counted(worse['windows'], 'window')}{checked}")
    if newest["doubt"]:
        rows = f"{newest['outside']:.0%} of the newest rows"
        return warn(f"in doubt: {rows} lie outside of what the champion saw ({newest['outside_column']})")
    return good(f"not surely worse: {evidence}{checked}")


def estimate_concerns(estimate: Json | None, name: str) -> list[str]:
    """What needs attention: expected to be worse and nothing speaks against it. A contradicted estimate alone is no harm."""
    if estimate is None or not estimate["fired"]:
        return []
    worse = estimate["worse"]
    evidence = f"evidence {number(worse['statistic'])} of {number(worse['limit'])}"
    return [f"{name} is expected to have become worse, labels not needed: {evidence} over {counted(worse['windows'], 'window')}"]


def _contradiction(estimate: Json) -> str:
    validity = estimate["validity"]
    gap = validity["gap"] or 0.0
    says = f"labels show losses {number(abs(gap))} {'above' if gap > 0 else 'below'} what was expected"
    return f"{says}, evidence {number(validity['statistic'])} of {number(validity['limit'])}"
