"""Contracts as Open Data Contract Standard 3.1 YAML.

Types, required, unique and key are the standard's own words, closed sets and row counts its ``library`` metrics;
what it has no words for (ranges that only warn, tolerated shares) is ``type: custom, engine: volant``. Rules of
other engines are kept in view: they are reported as not checked.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from volant.data import odcs_words
from volant.data.contract import Check, Contract, ContractColumn, Rule, Severity
from volant.data.model import Dtype
from volant.kernel.errors import UsageError

API_VERSION = "v3.1.0"
_LOGICAL = {
    Dtype.INT: "integer",
    Dtype.FLOAT: "number",
    Dtype.STRING: "string",
    Dtype.BOOL: "boolean",
    Dtype.DATE: "date",
    Dtype.DATETIME: "timestamp",
}
_DTYPES = {word: dtype for dtype, word in _LOGICAL.items()}
_SEVERITIES = {"warn": "warn", "block": "block", "info": "warn", "warning": "warn", "error": "block", "critical": "block"}


def dump_contract(contract: Contract) -> str:
    """The contract as YAML, ready for a file."""
    import yaml

    properties = [_property(column, contract.rules) for column in contract.columns]
    table: dict[str, Any] = {"name": contract.name, "logicalType": "object", "properties": properties}
    quality = [_quality(rule) for rule in contract.rules if len(rule.columns) != 1]
    if quality:
        table["quality"] = quality
    document = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": contract.id,
        "name": contract.name,
        "version": contract.version,
        "status": contract.status,
        "schema": [table],
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return text


def _property(column: ContractColumn, rules: Sequence[Rule]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "logicalType": _LOGICAL[column.dtype]}
    if column.description:
        found["description"] = column.description
    if column.key_position is not None:
        found |= {"primaryKey": True, "primaryKeyPosition": column.key_position}
    found |= {"required": True} if column.required else {}
    found |= {"unique": True} if column.unique else {}
    quality = [_quality(rule) for rule in rules if rule.columns == (column.name,)]
    return found | ({"quality": quality} if quality else {})


def _quality(rule: Rule) -> dict[str, Any]:
    severity = {"severity": rule.severity.value}
    if rule.check is Check.ROWS and rule.maximum is None:
        return {"type": "library", "metric": "rowCount", "mustBeGreaterOrEqualTo": rule.minimum} | severity
    if rule.check is Check.UNIQUE and rule.max_share == 0:
        return {"type": "library", "metric": "duplicateValues", "arguments": {"properties": list(rule.columns)}, "mustBe": 0} | severity
    if rule.check is Check.VALUES and rule.max_share == 0:
        return {"type": "library", "metric": "invalidValues", "arguments": {"validValues": list(rule.values)}, "mustBe": 0} | severity
    if rule.check is Check.FOREIGN:
        return {"type": "text", "description": rule.text} | severity
    given: dict[str, Any] = {"check": rule.check.value}
    given |= {
        name: value
        for name, value in (("minimum", rule.minimum), ("maximum", rule.maximum), ("pattern", rule.pattern))
        if value is not None
    }
    given |= {"values": list(rule.values)} if rule.values else {}
    given |= {"maxShare": rule.max_share} if rule.max_share else {}
    given |= {"columns": list(rule.columns)} if len(rule.columns) > 1 else {}
    return {"type": "custom", "engine": "volant", "implementation": given} | severity


def load_contract(text: str, shown: str) -> Contract:
    """Parse a contract. ``UsageError`` naming the place and, for an unknown key, the nearest one."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{shown} is not YAML.", found=str(error).replace("\n", " ")[:200], next_step="repair it", field=shown) from None
    reader = _Reader(shown)
    top = reader.mapping(document, "the contract", odcs_words.TOP)
    if top.get("kind") != "DataContract" or not str(top.get("apiVersion", "")).startswith("v3."):
        raise reader.error(
            "is not an ODCS 3 contract", f"kind {top.get('kind')!r}, apiVersion {top.get('apiVersion')!r}", f"write {API_VERSION}"
        )
    tables = top.get("schema")
    if not isinstance(tables, list) or len(tables) != 1:
        raise reader.error("needs exactly one table under schema", f"{len(tables) if isinstance(tables, list) else type(tables).__name__}")
    table = reader.mapping(tables[0], "schema[0]", odcs_words.OBJECT)
    columns, rules = reader.columns(table.get("properties") or [])
    rules += [rule for i, given in enumerate(table.get("quality") or []) for rule in reader.rules(given, f"quality[{i}]", ())]
    return Contract(
        id=str(top.get("id", "")),
        name=str(table.get("name") or top.get("name") or ""),
        version=str(top.get("version", "")),
        status=str(top.get("status", "")),
        columns=tuple(columns),
        rules=tuple(rules),
    )


class _Reader:
    """Turns plain YAML values into rules, saying where something does not fit."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def error(self, what: str, found: str, next_step: str = "see ODCS 3.1") -> UsageError:
        return UsageError(f"{self._shown} {what}.", found=found, next_step=next_step, field=self._shown)

    def mapping(self, value: Any, place: str, allowed: Sequence[str]) -> Mapping[str, Any]:
        """A mapping with known keys only."""
        if not isinstance(value, dict):
            raise self.error(f"has no mapping at {place}", type(value).__name__)
        for key in value:
            if key not in allowed:
                nearest = difflib.get_close_matches(str(key), allowed, n=1)
                hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(allowed)}"
                raise self.error(f"has an unknown key at {place}", repr(key), hint)
        return value

    def columns(self, properties: Any) -> tuple[list[ContractColumn], list[Rule]]:
        columns: list[ContractColumn] = []
        rules: list[Rule] = []
        if not isinstance(properties, list):
            raise self.error("has no list of properties", type(properties).__name__)
        for i, given in enumerate(properties):
            place = f"properties[{i}]"
            found = self.mapping(given, place, odcs_words.PROPERTY)
            name = found.get("name")
            if not isinstance(name, str) or any(c.name == name for c in columns):
                raise self.error(f"needs a name of its own at {place}", repr(name))
            columns.append(self._column(found, name, place))
            rules += self._option_rules(found.get("logicalTypeOptions") or {}, name, place)
            for j, quality in enumerate(found.get("quality") or []):
                rules += self.rules(quality, f"{place} ({name}) quality[{j}]", (name,))
        return columns, rules

    def _column(self, found: Mapping[str, Any], name: str, place: str) -> ContractColumn:
        word = found.get("logicalType")
        if word not in _DTYPES:
            nearest = difflib.get_close_matches(str(word), _DTYPES, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of {', '.join(_DTYPES)}"
            raise self.error(f"has a logicalType that Volant does not hold at {place} ({name})", repr(word), hint)
        position = found.get("primaryKeyPosition", 1) if found.get("primaryKey") else None
        return ContractColumn(
            name=name,
            dtype=_DTYPES[word],
            required=bool(found.get("required", False)),
            unique=bool(found.get("unique", False)),
            key_position=position,
            description=str(found.get("description") or ""),
        )

    def _option_rules(self, options: Any, name: str, place: str) -> list[Rule]:
        given = self.mapping(options, f"{place} ({name}) logicalTypeOptions", odcs_words.OPTIONS)
        rules = []
        if "minimum" in given or "maximum" in given:
            rules.append(Rule(check=Check.RANGE, columns=(name,), minimum=given.get("minimum"), maximum=given.get("maximum")))
        if "minLength" in given or "maxLength" in given:
            rules.append(Rule(check=Check.LENGTH, columns=(name,), minimum=given.get("minLength"), maximum=given.get("maxLength")))
        if "pattern" in given:
            rules.append(Rule(check=Check.PATTERN, columns=(name,), pattern=self.pattern(given["pattern"], f"{place} ({name})")))
        return rules

    def rules(self, given: Any, place: str, columns: tuple[str, ...]) -> list[Rule]:
        """Rules of one quality entry."""
        found = self.mapping(given, place, odcs_words.QUALITY)
        severity = self._severity(found.get("severity", "block"), place)
        kind = found.get("type", "library")
        if kind == "custom" and found.get("engine") == "volant":
            return [self._volant(found.get("implementation"), place, columns, severity)]
        if kind == "library":
            rule = self._library(found, place, columns, severity)
            if rule is not None:
                return [rule]
        if kind not in {"text", "library", "sql", "custom"}:
            raise self.error(f"has a quality type that ODCS does not know at {place}", repr(kind), "use text, library, sql or custom")
        text = str(found.get("description") or found.get("metric") or found.get("query") or found.get("engine") or kind)
        return [Rule(check=Check.FOREIGN, columns=columns, severity=Severity.WARN, text=text)]

    def pattern(self, given: Any, place: str) -> str:
        """An expression that the checking engine can run."""
        import polars as pl

        try:
            pl.Series([""]).str.contains(str(given))
        except pl.exceptions.PolarsError as error:
            raise self.error(f"has a pattern that cannot be used at {place}", str(error).split("\n", 1)[0][:200], "repair it") from None
        return str(given)

    def _severity(self, word: Any, place: str) -> Severity:
        if word not in _SEVERITIES:
            nearest = difflib.get_close_matches(str(word), _SEVERITIES, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "use warn or block"
            raise self.error(f"has an unknown severity at {place}", repr(word), hint)
        return Severity(_SEVERITIES[word])

    def _library(self, found: Mapping[str, Any], place: str, columns: tuple[str, ...], severity: Severity) -> Rule | None:
        metric, arguments = found.get("metric"), found.get("arguments") or {}
        if metric == "rowCount":
            low, high = found.get("mustBeGreaterOrEqualTo"), found.get("mustBeLessOrEqualTo")
            if "mustBeBetween" in found:
                low, high = found["mustBeBetween"]
            if low is not None or high is not None:
                return Rule(check=Check.ROWS, severity=severity, minimum=low, maximum=high)
        none_allowed = found.get("mustBe") == 0
        if metric == "duplicateValues" and none_allowed:
            return Rule(check=Check.UNIQUE, columns=tuple(arguments.get("properties") or columns), severity=severity)
        if metric == "invalidValues" and none_allowed and arguments.get("validValues"):
            return Rule(check=Check.VALUES, columns=columns, severity=severity, values=tuple(arguments["validValues"]))
        if metric in {"nullValues", "missingValues"} and none_allowed and not arguments:
            return Rule(check=Check.REQUIRED, columns=columns, severity=severity)
        known = ("rowCount", "duplicateValues", "invalidValues", "nullValues", "missingValues")
        if metric not in known:
            nearest = difflib.get_close_matches(str(metric), known, n=1)
            raise self.error(
                f"has an unknown metric at {place}", repr(metric), f"did you mean {nearest[0]!r}?" if nearest else "see ODCS 3.1"
            )
        return None  # a threshold that Volant does not compute: reported as not checked

    def _volant(self, implementation: Any, place: str, columns: tuple[str, ...], severity: Severity) -> Rule:
        given = self.mapping(implementation, f"{place} implementation", odcs_words.IMPLEMENTATION)
        word = given.get("check")
        checks = [check.value for check in Check if check is not Check.FOREIGN]
        if word not in checks:
            nearest = difflib.get_close_matches(str(word), checks, n=1)
            raise self.error(
                f"has an unknown check at {place}", repr(word), f"did you mean {nearest[0]!r}?" if nearest else ", ".join(checks)
            )
        share = given.get("maxShare", 0.0)
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
            raise self.error(f"has a maxShare that is no share at {place}", repr(share), "give a number from 0 to 1")
        return Rule(
            check=Check(word),
            columns=tuple(given.get("columns") or columns),
            severity=severity,
            minimum=given.get("minimum"),
            maximum=given.get("maximum"),
            values=tuple(given.get("values") or ()),
            pattern=self.pattern(given["pattern"], place) if "pattern" in given else None,
            max_share=float(share),
        )
