"""How much of a model's answers hangs on each input: shuffle the input among rows and see how far the answers move.

Permutation importance (Breiman 2001, Machine Learning 45; Fisher, Rudin & Dominici 2019, JMLR 20) of the answers themselves, so that
it needs no labels: the mean distance between a row's answer before and after, as a share of the mean distance between the answers
of two rows taken at random. 0: the model does not look at the input; 1: it looks at nothing else.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from volant.models.ports import Answer

ROWS = 300
MOST_COLUMNS = 60
_SEED = 7


def importances(predict: "Callable[[pl.DataFrame], Answer]", rows: pl.DataFrame, columns: Sequence[str]) -> dict[str, float]:
    """Of at most 60 ``columns``, by name, from at most 300 of the ``rows`` (spread over all of them).

    One call of the model answers all of them. Empty where all answers are the same, or there are too few rows.
    """
    random = np.random.default_rng(_SEED)
    some = rows[np.unique(np.linspace(0, max(rows.height - 1, 0), ROWS).astype(np.int64))] if rows.height else rows
    asked = list(columns)[:MOST_COLUMNS]
    if some.height < 2 or not asked:
        return {}
    orders = [random.permutation(some.height) for _ in asked]
    shuffled = [some.with_columns(some[name][order].alias(name)) for name, order in zip(asked, orders, strict=True)]
    answers = _vectors(predict(pl.concat([some, *shuffled]))).reshape(len(asked) + 1, some.height, -1)
    spread = _distance(answers[0], answers[0][random.permutation(some.height)])
    if not np.isfinite(answers).all() or spread <= 0:
        return {}
    return {name: float(f"{_distance(answers[0], moved) / spread:.3g}") for name, moved in zip(asked, answers[1:], strict=True)}


def _vectors(answer: "Answer") -> np.ndarray:
    """What distances are measured between, shape (n, d): probabilities, else numbers, else which class."""
    if answer.scores is not None:
        return np.asarray(answer.scores, dtype=float)
    values = np.asarray(answer.values)
    if values.dtype.kind in "fiu":
        return values.astype(float)[:, None]
    classes, codes = np.unique(values.astype(str), return_inverse=True)
    return np.asarray(np.eye(len(classes))[codes.reshape(-1)])


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).sum(axis=1).mean())
