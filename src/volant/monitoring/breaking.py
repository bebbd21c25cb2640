"""The contract on live rows: which rule each logged row breaks."""

from typing import TYPE_CHECKING

import polars as pl

from volant.evidence.tables import FEATURE_PREFIX

if TYPE_CHECKING:
    from volant.data.contract import Contract, Rule


def broken_rules(lines: pl.DataFrame, contract: "Contract | None") -> pl.DataFrame:
    """One column of true/false per rule that can be asked of a logged row, under the rule's id; as many rows as ``lines``.

    Rules about whole tables (uniqueness, number of rows) and about columns that requests do not carry (the target, dropped
    columns) are left out.
    """
    from volant.data.rule_expressions import breaks, conformed

    logged = {name.removeprefix(FEATURE_PREFIX): name for name in lines.columns if name.startswith(FEATURE_PREFIX)}
    if contract is None or lines.height == 0:
        return pl.DataFrame()
    dtypes = {name: dtype for name, dtype in contract.dtypes().items() if name in logged}
    if not dtypes:
        return pl.DataFrame()
    rows = lines.select(pl.col(logged[name]).alias(name) for name in dtypes)
    asked: dict[str, pl.Expr] = {}
    for rule in contract.all_rules():
        mask = breaks(rule, dtypes)
        if mask is not None:
            asked[_name(rule, asked)] = mask
    frame = conformed(rows.lazy(), dict(rows.schema), dtypes)
    return frame.select(mask.fill_null(value=False).alias(name) for name, mask in asked.items()).collect()


def _name(rule: "Rule", taken: dict[str, pl.Expr]) -> str:
    """The rule's id, numbered where a contract asks the same of a column twice."""
    number = sum(name == rule.id or name.startswith(f"{rule.id} #") for name in taken)
    return f"{rule.id} #{number + 1}" if number else rule.id
