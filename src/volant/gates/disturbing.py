"""Held-out rows as a worse day would bring them: noisy numbers, missing cells, swapped categories.

Each column is drawn from its own stream, seeded by the project's seed, the disturbance and the column's name, so that the same
rows are disturbed alike whenever a gate is asked again, whatever other columns there are.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from volant.config.model import GateConfig, GateKind

if TYPE_CHECKING:
    import polars as pl

NOISE, MISSING, SWAPS = "noise", "missing", "swaps"
AMOUNTS = {NOISE: 0.1, MISSING: 0.05, SWAPS: 0.05}


def disturbances(gates: Sequence[GateConfig]) -> tuple[tuple[str, float], ...]:
    """Kinds with their amounts that these gates ask for, each once."""
    asked = [pair for gate in gates if gate.kind is GateKind.ROBUSTNESS for pair in disturbances_of(gate)]
    return tuple(dict.fromkeys(asked))


def disturbances_of(gate: GateConfig) -> tuple[tuple[str, float], ...]:
    """Those of one line; where it names no amount the usual one holds, and 0 leaves the kind out."""
    named = ((NOISE, gate.noise), (MISSING, gate.missing), (SWAPS, gate.swaps))
    amounts = ((kind, AMOUNTS[kind] if amount is None else amount) for kind, amount in named)
    return tuple((kind, amount) for kind, amount in amounts if amount > 0)


def name_of(kind: str, amount: float) -> str:
    """Under which answers to disturbed rows are kept."""
    return f"{kind} {amount:g}"


def disturbed(rows: "pl.DataFrame", inputs: Sequence[str], kind: str, amount: float, seed: int) -> tuple["pl.DataFrame", tuple[str, ...]]:
    """The rows with the columns ``inputs`` disturbed, and which of them were: those of a type that this kind is about.

    *noise*: normal, of ``amount`` standard deviations of the column, kept within its range, whole numbers rounded.
    *missing*: each cell is lost with chance ``amount``. *swaps*: so many texts and truth values become another row's.
    """
    disturb = _KINDS[kind]
    changed = []
    for name in inputs:
        random = np.random.default_rng([seed, crc32(kind.encode()), crc32(name.encode())])
        column = disturb(rows[name], amount, random)
        if column is not None:
            changed.append(column)
    return rows.with_columns(changed), tuple(column.name for column in changed)


def _noisy(column: "pl.Series", amount: float, random: np.random.Generator) -> "pl.Series | None":
    import polars as pl

    if not column.dtype.is_numeric():
        return None
    values = column.cast(pl.Float64).to_numpy()
    finite = np.isfinite(values)
    if not finite.any() or (spread := float(values[finite].std())) == 0 or not np.isfinite(spread):
        return None
    moved = np.clip(values + random.normal(0.0, amount * spread, len(values)), values[finite].min(), values[finite].max())
    whole = column.dtype.is_integer()
    made = pl.Series(column.name, np.where(finite, np.round(moved) if whole else moved, 0.0)).cast(column.dtype, strict=False)
    return column.to_frame().select(pl.when(pl.Series(finite)).then(made).otherwise(pl.col(column.name)).alias(column.name)).to_series()


def _with_holes(column: "pl.Series", amount: float, random: np.random.Generator) -> "pl.Series | None":
    import polars as pl

    lost = pl.Series(random.random(len(column)) < amount)
    return column.to_frame().select(pl.when(~lost).then(pl.col(column.name)).alias(column.name)).to_series()


def _swapped(column: "pl.Series", amount: float, random: np.random.Generator) -> "pl.Series | None":
    import polars as pl

    if column.dtype.base_type() not in {pl.String, pl.Boolean, pl.Categorical, pl.Enum} or column.n_unique() < 2:
        return None
    places = np.arange(len(column))
    hit = random.random(len(column)) < amount
    places[hit] = random.integers(0, len(column), int(hit.sum()))
    return column.gather(pl.Series(places))


_KINDS = {NOISE: _noisy, MISSING: _with_holes, SWAPS: _swapped}
