"""``suites``: tests of the champion that run again and again."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from volant.config.amounts import Duration
from volant.config.kinds import Choice, Schema, wrong
from volant.config.model import GateKind, ProjectConfig, SuiteCheck, SuiteConfig
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node
from volant.kernel.clock import MINUTE_US, format_duration
from volant.kernel.errors import UsageError

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}"
SHORTEST_US = MINUTE_US
GATES_OF = {
    SuiteCheck.BASELINE: (GateKind.BASELINE, "{vs: baseline}"),
    SuiteCheck.FLOORS: (GateKind.FLOOR, "{metric: METRIC, max: NUMBER}"),
    SuiteCheck.SLICES: (GateKind.SLICES, "{slices: [COLUMN], margin: 5%}"),
    SuiteCheck.LATENCY: (GateKind.LATENCY, "{latency_p99: 100ms}"),
    SuiteCheck.FAIRNESS: (GateKind.FAIRNESS, "{fairness: [COLUMN], rate: tpr, max_difference: 0.1}"),
    SuiteCheck.CALIBRATION: (GateKind.CALIBRATION, "{calibration: 5%}"),
    SuiteCheck.ROBUSTNESS: (GateKind.ROBUSTNESS, "{robustness: 5%}"),
    SuiteCheck.SIZE: (GateKind.SIZE, "{package_size: 50MB}"),
}
"""Checks that repeat lines under ``gates``, with the line each needs."""


class Checks:
    """``[contract, floors, drift]``."""

    said = f"a list of checks: {', '.join(check.value for check in SuiteCheck)}"

    def read(self, node: Node) -> tuple[SuiteCheck, ...]:
        """See ``Kind``."""
        if not isinstance(node.content, list) or not node.content:
            raise wrong(node, self.said)
        found = tuple(SuiteCheck(Choice(SuiteCheck).read(item)) for item in node.content)
        if len(set(found)) < len(found):
            raise wrong(node, self.said, why="a check is listed twice")
        return found

    def show(self, value: Sequence[SuiteCheck]) -> list[str]:
        """See ``Kind``."""
        return [check.value for check in value]

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "array", "items": Choice(SuiteCheck).schema(), "uniqueItems": True, "minItems": 1, "description": self.said}


_ONE = Section(
    partial(SuiteConfig, name=""),
    (
        Entry(key="every", attribute="every_us", kind=Duration(), about="once in each stretch of this length", required=True),
        Entry(key="checks", kind=Checks(), about="what is tested; those that repeat gates take their lines from there", required=True),
    ),
)


class Suites:
    """``suites``: name to rhythm and checks."""

    said = "suites by name, like nightly: {every: 1d, checks: [contract, floors, drift]}"

    def read(self, node: Node) -> tuple[SuiteConfig, ...]:
        """See ``Kind``."""
        if not isinstance(node.content, dict):
            raise wrong(node, self.said)
        return tuple(_read(name, member) for name, member in node.content.items())

    def show(self, value: Sequence[SuiteConfig]) -> dict[str, Any]:
        """See ``Kind``."""
        return {suite.name: _ONE.show(suite) for suite in value}

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "object", "propertyNames": {"pattern": f"^{NAME}$"}, "additionalProperties": _ONE.schema()}


def _read(name: str, node: Node) -> SuiteConfig:
    if re.fullmatch(NAME, name) is None:
        raise UsageError(
            f"{node.place}: a suite needs a name of up to 40 letters, digits, '_' and '-'.",
            found=repr(name)[:80],
            next_step="call it nightly",
            field=node.place.path,
        )
    found: SuiteConfig = msgspec.structs.replace(_ONE.read(node), name=name)
    return found


def suite_problems(config: ProjectConfig) -> Iterator[tuple[str, str, str]]:
    """Path, what does not fit and what to do: a check that repeats gates needs such a gate."""
    kinds = {gate.kind for gate in config.gates}
    for suite in config.suites:
        path = f"suites.{suite.name}"
        if suite.every_us < SHORTEST_US:
            yield f"{path}.every", f"a suite cannot run more often than every {format_duration(SHORTEST_US)}", "write every: 1d"
        for check in suite.checks:
            if check is SuiteCheck.CONTRACT and config.data.contract is None:
                yield f"{path}.checks", "'contract' needs a contract to hold the data to", "set data.contract"
            if check in GATES_OF and GATES_OF[check][0] not in kinds:
                found = f"{check.value!r} repeats lines under gates, and there is none of its kind"
                yield f"{path}.checks", found, f"add {GATES_OF[check][1]} under gates"
