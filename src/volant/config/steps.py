"""``release.steps``: how a version gets into traffic."""

from typing import Any

from volant.config.amounts import percent_text
from volant.config.kinds import Schema, shown, wrong
from volant.config.model import StepConfig, StepKind
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node
from volant.kernel.errors import UsageError


class Rows:
    """``500 rows`` or ``500``."""

    said = "a number of rows like 500"

    def read(self, node: Node) -> int:
        """See ``Kind``."""
        words = (node.text or "").split() if isinstance(node.content, str | int) and not isinstance(node.content, bool) else []
        number = words[0] if len(words) == 1 or (len(words) == 2 and words[1] in {"row", "rows"}) else ""
        if not number.isascii() or not number.isdigit() or len(number) > 9 or int(number) < 1:
            raise wrong(node, self.said)
        return int(number)

    def show(self, value: int) -> str:
        """See ``Kind``."""
        return f"{value} rows"

    def schema(self) -> Schema:
        """See ``Kind``."""
        text = {"type": "string", "pattern": "^[0-9]+( +rows?)?$"}
        return {"anyOf": [text, {"type": "integer", "minimum": 1}], "description": self.said}


class Share:
    """``10%`` or ``0.1``: above 0 and below 1."""

    said = "a share of the requests like 10%, above 0% and below 100%"

    def read(self, node: Node) -> float:
        """See ``Kind``."""
        value = node.content
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                value = float(value.strip()[:-1]) / 100
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise wrong(node, self.said)
        return round(float(value), 6)

    def show(self, value: float) -> str:
        """See ``Kind``."""
        return percent_text(value)

    def schema(self) -> Schema:
        """See ``Kind``."""
        share = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *%$"}
        return {"anyOf": [share, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}], "description": self.said}


_SHADOW = Section(dict, (Entry(key="shadow", kind=Rows(), about="rows that it scores in the champion's shadow", required=True),))
_CANARY = Section(
    dict,
    (
        Entry(key="canary", kind=Share(), about="share of the requests that it answers", required=True),
        Entry(key="rows", kind=Rows(), about="rows of all traffic during this step", required=True),
    ),
)


class Steps:
    """``[{shadow: 500 rows}, {canary: 10%, rows: 1000}, full]``."""

    said = "a list like [{shadow: 500 rows}, {canary: 10%, rows: 1000}, full]"

    def read(self, node: Node) -> tuple[StepConfig, ...]:
        """See ``Kind``."""
        if not isinstance(node.content, list):
            raise wrong(node, self.said)
        return tuple(_step(item) for item in node.content)

    def show(self, value: tuple[StepConfig, ...]) -> list[Any]:
        """See ``Kind``."""
        return [_shown(step) for step in value]

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "array", "items": {"anyOf": [_SHADOW.schema(), _CANARY.schema(), {"const": "full"}]}, "description": self.said}


def _step(item: Node) -> StepConfig:
    if item.content == StepKind.FULL.value:
        return StepConfig(kind=StepKind.FULL, share=1.0)
    if isinstance(item.content, dict) and "shadow" in item.content:
        return StepConfig(kind=StepKind.SHADOW, rows=_SHADOW.read(item)["shadow"])
    if isinstance(item.content, dict) and "canary" in item.content:
        found = _CANARY.read(item)
        return StepConfig(kind=StepKind.CANARY, rows=found["rows"], share=found["canary"])
    raise UsageError(
        f"{item.place} is no step.",
        found=shown(item),
        next_step="write {shadow: 500 rows}, {canary: 10%, rows: 1000} or full",
        field=item.place.path,
    )


def _shown(step: StepConfig) -> Any:
    if step.kind is StepKind.FULL:
        return "full"
    if step.kind is StepKind.SHADOW:
        return {"shadow": Rows().show(step.rows)}
    return {"canary": Share().show(step.share), "rows": step.rows}
