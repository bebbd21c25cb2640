"""Holding data to a contract: one streaming pass counts what breaks each rule, a second finds rows for broken ones.

A rule that cannot be checked is reported as such and never counts as held. Missing means null or not a number.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.data.contract import Check, Contract, Rule
from volant.data.model import Dtype
from volant.data.reading import PARQUET, RESERVED, open_parquet, row_lines, texts_of
from volant.data.report import Example, RuleResult, Status, ValidationReport
from volant.data.rule_expressions import breaks, conformed
from volant.data.rule_sentences import proposal, sentence
from volant.kernel.codec import canonical
from volant.kernel.digests import digest_value

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = 10
_ROW = "\x00row"
Lines = Callable[[Sequence[int]], list[int | None]]


@dataclass(frozen=True)
class _Table:
    """Columns in the contract's types, with a mask of misfitting cells for each, and how to find lines and raw cells."""

    frame: "pl.LazyFrame"
    raw: "pl.LazyFrame"
    present: tuple[str, ...]
    dtypes: Mapping[str, Dtype]
    lines: Lines | None


def check_file(path: Path, format: str, contract: Contract, *, shown: str, without: Sequence[str] = ()) -> ValidationReport:  # noqa: A002 - the seam's word
    """Hold a file to the contract. ``without``: columns that need not be there (the target, in data to predict).

    Raises ``InvalidInputError`` for a file that cannot be read as a table at all.
    """
    if format == PARQUET:
        return _check(open_parquet(path, shown)[0], contract, shown, without, None)
    return _check(texts_of(path), contract, shown, without, partial(row_lines, path, format))


def check_frame(frame: "pl.DataFrame | pl.LazyFrame", contract: Contract, *, shown: str, without: Sequence[str] = ()) -> ValidationReport:
    """Hold a frame to the contract."""
    return _check(frame.lazy(), contract, shown, without, None)


def _check(raw: "pl.LazyFrame", contract: Contract, shown: str, without: Sequence[str], lines: Lines | None) -> ValidationReport:
    schema = dict(raw.collect_schema())
    dtypes = {name: dtype for name, dtype in contract.dtypes().items() if name in schema}
    table = _Table(conformed(raw, schema, dtypes), raw, tuple(schema), dtypes, lines)
    rules = [rule for rule in contract.all_rules() if not set(rule.columns) & (set(without) - set(schema))]
    counts, rows, bad_rows = _count(table, rules)
    key = [c.name for c in sorted(contract.columns, key=lambda c: c.key_position or 0) if c.key_position and c.name in schema]
    results = tuple(_result(table, rule, counts.get(i), rows, key) for i, rule in enumerate(rules))
    extra = [name for name in schema if name not in contract.dtypes() and name not in RESERVED]
    notes = (f"columns that the contract does not name: {', '.join(extra)}",) if extra and contract.columns else ()
    return ValidationReport(dataset=shown, contract=digest_value(contract), rows=rows, bad_rows=bad_rows, results=results, notes=notes)


def _count(table: _Table, rules: Sequence[Rule]) -> tuple[dict[int, int], int, int]:
    """Per checkable rule the number of rows that break it, all rows, and rows that break any row-wise rule."""
    import polars as pl

    masks = {i: mask for i, rule in enumerate(rules) if (mask := breaks(rule, table.dtypes)) is not None}
    wanted = [mask.sum().alias(str(i)) for i, mask in masks.items()]
    wanted += [(pl.len() - pl.struct(r.columns).n_unique()).alias(str(i)) for i, r in enumerate(rules) if _is_unique(r, table.dtypes)]
    anything = pl.any_horizontal(list(masks.values())).sum() if masks else pl.lit(0)
    found = table.frame.select(*wanted, pl.len().alias("rows"), anything.alias("bad")).collect(engine="streaming").row(0, named=True)
    counts = {int(name): int(value or 0) for name, value in found.items() if name.isdigit()}
    rows = int(found["rows"])
    for i, rule in enumerate(rules):
        if rule.check is Check.PRESENT:
            counts[i] = 0 if rule.columns[0] in table.present else rows
        if rule.check is Check.ROWS:
            low, high = rule.minimum, rule.maximum
            counts[i] = int((isinstance(low, int | float) and rows < low) or (isinstance(high, int | float) and rows > high))
    return counts, rows, int(found["bad"] or 0)


def _is_unique(rule: Rule, dtypes: Mapping[str, Dtype]) -> bool:
    return rule.check is Check.UNIQUE and bool(rule.columns) and all(name in dtypes for name in rule.columns)


def _result(table: _Table, rule: Rule, failed: int | None, rows: int, key: Sequence[str]) -> RuleResult:
    if failed is None:
        return _outcome(rule, Status.UNCHECKED, f"{rule.id} was not checked: {_why_unchecked(rule)}.")
    share = failed / rows if rows else 0.0
    if failed == 0 or (share <= rule.max_share and rule.check not in {Check.PRESENT, Check.ROWS}):
        return _outcome(rule, Status.HELD, f"{rule.id} held.", failed=failed, share=share)
    seen = _seen(table, rule) if rule.check in {Check.RANGE, Check.VALUES} else ()
    return _outcome(
        rule,
        Status.BROKEN,
        sentence(rule, failed, rows, table.dtypes),
        failed=failed,
        share=share,
        examples=_examples(table, rule, key),
        proposal=proposal(rule, seen),
    )


def _why_unchecked(rule: Rule) -> str:
    return f"it belongs to another engine ({rule.text})" if rule.check is Check.FOREIGN else "its column is absent or of another type"


def _outcome(rule: Rule, status: Status, text: str, **found: Any) -> RuleResult:
    return RuleResult(rule=rule.id, check=rule.check, columns=rule.columns, severity=rule.severity, status=status, sentence=text, **found)


def _failing(table: _Table, rule: Rule) -> "pl.LazyFrame | None":
    import polars as pl

    mask = pl.struct(rule.columns).is_duplicated() if _is_unique(rule, table.dtypes) else breaks(rule, table.dtypes)
    return None if mask is None else table.frame.with_row_index(_ROW).filter(mask)


def _examples(table: _Table, rule: Rule, key: Sequence[str]) -> tuple[Example, ...]:
    """The first rows that break the rule, with the cell as it is written."""
    import polars as pl

    failing = _failing(table, rule)
    if failing is None:
        return ()
    rows = failing.select(_ROW).head(EXAMPLES).collect()[_ROW].to_list()
    names = list(dict.fromkeys([*key, *rule.columns]))
    cells = table.raw.select(pl.col(names).gather(rows)).collect().to_dicts()
    lines = table.lines(rows) if table.lines is not None else [None] * len(rows)
    return tuple(
        Example(
            row=row + 1,
            line=line,
            key=canonical([_plain(cell[name]) for name in key]).decode() if key else None,
            value=_plain(cell[rule.columns[0]]) if len(rule.columns) == 1 else str([_plain(cell[name]) for name in rule.columns]),
        )
        for row, line, cell in zip(rows, lines, cells, strict=True)
    )


def _seen(table: _Table, rule: Rule) -> tuple[Any, ...]:
    """What the data would need to be accepted: smallest and largest value, or the values outside the set."""
    import polars as pl

    failing = _failing(table, rule)
    if failing is None:
        return ()
    column = pl.col(rule.columns[0])
    if rule.check is Check.RANGE:
        return tuple(_plain(v) for v in failing.select(column.min().alias("low"), column.max().alias("high")).collect().row(0))
    return tuple(_plain(v) for v in failing.select(column.unique().sort().head(EXAMPLES)).collect().to_series().to_list())


def _plain(value: Any) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
