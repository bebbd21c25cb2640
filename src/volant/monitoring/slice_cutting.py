"""Lines of the log by the slices that gates name: the values of an input, or where conditions hold."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from volant.evidence.tables import FEATURE_PREFIX
from volant.gates.conditions import columns_behind, is_conditions, sliced
from volant.gates.slicing import slices_of


def sliced_by(names: Sequence[str], lines: pl.DataFrame) -> list[str]:
    """The inputs that say which slice a row belongs to."""
    inputs = [*_inputs(lines)]
    return [column for name in names for column in columns_behind(name, inputs)]


def cut_by(lines: pl.DataFrame, name: str) -> dict[str, np.ndarray]:
    """Positions of the rows of each slice; none where the log has no such input."""
    inputs = _inputs(lines)
    if name in inputs:
        return slices_of(inputs[name].to_numpy())
    if not is_conditions(name) or not set(columns_behind(name, [*inputs])) <= inputs.keys():
        return {}
    return slices_of(sliced(name, inputs))


def _inputs(lines: pl.DataFrame) -> dict[str, pl.Series]:
    return {name.removeprefix(FEATURE_PREFIX): lines[name] for name in lines.columns if name.startswith(FEATURE_PREFIX)}
