"""The section ``watch.drift``: what counts as having moved, column by column. Every key of it may be left out."""

import math
from typing import Any

from volant.config.kinds import Schema, Texts, wrong
from volant.config.model import DriftConfig
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node

MOST = 10.0


class Tolerance:
    """An effect that is no drift yet."""

    said = "an effect above 0 and up to 10, like 0.1"

    def read(self, node: Node) -> float:
        """See ``Kind``."""
        value = node.content
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 < value <= MOST:
            raise wrong(node, self.said)
        return float(value)

    def show(self, value: float) -> float:
        """See ``Kind``."""
        return value

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": MOST, "description": self.said}


class YesOrNo:
    """``true`` or ``false``."""

    said = "true or false"

    def read(self, node: Node) -> bool:
        """See ``Kind``."""
        if not isinstance(node.content, bool):
            raise wrong(node, self.said)
        return node.content

    def show(self, value: bool) -> bool:
        """See ``Kind``."""
        return value

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "boolean", "description": self.said}


class ColumnTolerances:
    """``{temp: {tolerance: 0.3}}``."""

    said = "columns with what holds for each, like {temp: {tolerance: 0.3}}"

    def __init__(self) -> None:
        self._own = Section(dict, (Entry(key="tolerance", kind=Tolerance(), about="what is no drift yet in this column", required=True),))

    def read(self, node: Node) -> dict[str, float]:
        """See ``Kind``."""
        if not isinstance(node.content, dict):
            raise wrong(node, self.said)
        return {name: self._own.read(member)["tolerance"] for name, member in node.content.items()}

    def show(self, value: dict[str, float]) -> dict[str, Any]:
        """See ``Kind``."""
        return {name: {"tolerance": tolerated} for name, tolerated in sorted(value.items())}

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "object", "additionalProperties": self._own.schema(), "description": self.said}


DRIFT = Section(
    DriftConfig,
    (
        Entry(key="tolerance", kind=Tolerance(), about="an effect up to this is no drift: 0.1 is a tenth of a standard deviation"),
        Entry(key="columns", kind=ColumnTolerances(), about="columns with a tolerance of their own; prediction and score are columns too"),
        Entry(key="ignore", kind=Texts("a list of columns"), about="columns that nobody is told about when they move"),
        Entry(key="multivariate", kind=YesOrNo(), about="true: a classifier looks whether whole rows moved, each time a window is full"),
    ),
)


def drift_problems(drift: DriftConfig) -> list[tuple[str, str, str]]:
    """(path, what was found, what to do) where two keys say different things."""
    both = [name for name in drift.ignore if name in drift.columns]
    return [("watch.drift.ignore", f"{name!r} has a tolerance and is ignored", "take it out of one of the two") for name in both]
