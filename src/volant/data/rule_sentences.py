"""What a broken rule says to a person, and which change of the contract would accept the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from volant.data.contract import Check, Rule
from volant.data.model import Dtype


def sentence(rule: Rule, failed: int, rows: int, dtypes: Mapping[str, Dtype]) -> str:
    """One sentence a person can read alone."""
    name = ", ".join(map(repr, rule.columns))
    count = f"{failed} of {rows} rows"
    bounds = f"{'-inf' if rule.minimum is None else rule.minimum} to {'inf' if rule.maximum is None else rule.maximum}"
    allowed = f" (allowed: {rule.max_share:.2%})" if rule.max_share else ""
    texts = {
        Check.PRESENT: f"The column {name} is not there.",
        Check.TYPE: f"{name} is not of type {dtypes.get(rule.columns[0], '') if rule.columns else ''} in {count}.",
        Check.REQUIRED: f"{name} is missing in {count}{allowed}.",
        Check.RANGE: f"{name} is outside {bounds} in {count}{allowed}.",
        Check.VALUES: f"{name} is none of the {len(rule.values)} known values in {count}{allowed}.",
        Check.PATTERN: f"{name} does not match {rule.pattern!r} in {count}{allowed}.",
        Check.LENGTH: f"{name} is not {bounds} characters long in {count}{allowed}.",
        Check.UNIQUE: f"{name} repeats: {failed} of {rows} rows are not the first of their value{allowed}.",
        Check.ROWS: f"The table has {rows} rows; promised are {bounds}.",
    }
    return texts.get(rule.check, rule.id)


def proposal(rule: Rule, seen: Sequence[Any]) -> str | None:
    """The change that would accept the data as they are; whether that is right is for a person to say."""
    name = ", ".join(rule.columns)
    if rule.check is Check.RANGE and len(seen) == 2:
        return _wider(rule, name, seen)
    if rule.check is Check.VALUES:
        return f"add {', '.join(map(repr, seen))} to the values of {name}"
    texts = {
        Check.PRESENT: f"remove {name} from the contract",
        Check.TYPE: f"set logicalType of {name} to string",
        Check.REQUIRED: f"set required: false for {name}",
        Check.UNIQUE: f"remove the uniqueness of {name}; the last row of each key is used",
        Check.ROWS: "change the row count",
        Check.PATTERN: f"change the pattern of {name}",
        Check.LENGTH: f"change the length of {name}",
    }
    return texts.get(rule.check)


def _wider(rule: Rule, name: str, seen: Sequence[Any]) -> str:
    low, high = seen
    parts = []
    if rule.minimum is not None and isinstance(low, int | float) and isinstance(rule.minimum, int | float) and low < rule.minimum:
        parts.append(f"minimum: {low}")
    if rule.maximum is not None and isinstance(high, int | float) and isinstance(rule.maximum, int | float) and high > rule.maximum:
        parts.append(f"maximum: {high}")
    return f"set {' and '.join(parts) or 'wider bounds'} for {name}"
