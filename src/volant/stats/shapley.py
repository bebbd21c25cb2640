"""What each column adds to a model's answers: Shapley values by sampling orders of columns.

A row starts as a row of the background and gets its own values column by column, in a random order and in the same order backwards;
what the answer changes by is the column's (Castro, Gomez & Tejada 2009, Comput. Oper. Res. 36; interventional values, Janzing, Minorics &
Bloebaum 2020; antithetic orders, Mitchell et al. 2022, JMLR 23). Any model will do. The values of a row add up to its answer less
that of its row of the background, whatever the orders.
"""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

Answers = Callable[[pl.DataFrame], np.ndarray]
"""Rows to numbers of shape (n, c)."""


def orders_within(budget: int, rows: int, columns: int, most: int = 4) -> int:
    """How many pairs of orders cost no more than ``budget`` answered rows: 1 at least."""
    return int(np.clip(budget // (2 * max(rows, 1) * (columns + 1)), 1, most))


def shapley_values(
    answers: Answers, rows: pl.DataFrame, background: pl.DataFrame, columns: Sequence[str], *, pairs: int, seed: int
) -> np.ndarray:
    """Shape (n, p, c) for the p ``columns``; other columns keep their own values.

    Every order serves all rows, so that two groups of rows are measured alike. Answers ``2 * pairs * (p + 1)`` times n rows.
    """
    random = np.random.default_rng(seed)
    total: np.ndarray | None = None
    for _ in range(pairs):
        order = random.permutation(len(columns))
        partners = background[random.integers(0, background.height, rows.height)]
        for way in (order, order[::-1]):
            found = _one_order(answers, rows, partners, [columns[place] for place in way])
            added = np.empty_like(found)
            added[:, way] = found
            total = added if total is None else total + added
    assert total is not None
    return total / (2 * pairs)


def _one_order(answers: Answers, rows: pl.DataFrame, partners: pl.DataFrame, order: Sequence[str]) -> np.ndarray:
    """What each column changes, in this order: (n, p, c)."""
    mixed = rows.with_columns(partners[name] for name in order)
    steps = [mixed]
    for name in order:
        mixed = mixed.with_columns(rows[name])
        steps.append(mixed)
    said = answers(pl.concat(steps))
    whole = said.reshape(len(order) + 1, rows.height, -1)
    return np.asarray(np.swapaxes(np.diff(whole, axis=0), 0, 1))
