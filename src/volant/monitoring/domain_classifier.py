"""Whether columns moved together: can a classifier tell the window's rows from the reference's?

Margins may stay as they are while columns come to depend on each other in another way; a classifier of rows sees that (Lopez-Paz &
Oquab 2017, "Revisiting classifier two-sample tests"). Half of the rows teach it and the others are scored, then the other way
round, so that no row is scored by a model that knew it. Two questions decide, and both must say yes:

*Rows.* Given the classifier, placements of the window's scores among the reference's are means like any other, with a variance that
knows of dependence between neighbours (``stats/blocks.py``); of the two halves the smaller p counts twice (Bonferroni), because
they are not independent.

*Stretches.* Weather lasts, so any week differs from a year, and a classifier finds out how. The same classifier is taught to tell
stretches of the reference, each as long as the window, from the rest of it (without a window's length beside them). The window is
only unlike the reference if its AUC lies outside of what these show, as Student's t predicts the next one of a sample.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from volant.monitoring.drift_columns import kind_of, numbers, texts
from volant.monitoring.drift_model import Kind
from volant.stats.blocks import mean_of_dependent
from volant.stats.paired import t_tail

LEVEL = 0.01
FEWEST_ROWS = 100
MOST_WINDOW_ROWS = 5_000
MOST_REFERENCE_ROWS = 50_000
_MOST_TAUGHT = 4_000
_BLOCKS = 20
_MOST_STRETCHES = 19
_FEWEST_STRETCHES = 5
_MOST_NAMES = 60

Scores = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Separation:
    """How well rows can be told apart. ``lost`` (p,): what of the AUC goes without each column; all zeros where nothing moved."""

    auc: float
    p: float
    p_rows: float
    p_stretches: float | None
    usual: float | None
    stretches: int
    lost: np.ndarray

    @property
    def drifted(self) -> bool:
        """Whether the window's rows are unlike the reference's."""
        return self.p <= LEVEL


@dataclass(frozen=True)
class _Fold:
    scores: Scores
    reference: np.ndarray
    window: np.ndarray


@dataclass(frozen=True)
class _Told:
    """Of one set of rows against the other: the AUC, its p if only neighbours depend, and the two classifiers."""

    auc: float
    p: float
    folds: tuple[_Fold, ...]


def matrix(reference: Mapping[str, pl.Series], window: Mapping[str, pl.Series]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(m, p) and (n, p) numbers of the columns of both, NaN where nothing is usable; (p,) bool: which are categories.

    Names are numbered by how often the reference has them; those it does not have, and rare ones, share one number.
    """
    before, after, named = [], [], []
    for name, column in reference.items():
        category = kind_of(column.dtype) is Kind.CATEGORY
        pair = _names(column, window[name]) if category else (_numbers(column), _numbers(window[name]))
        before.append(pair[0])
        after.append(pair[1])
        named.append(category)
    return np.column_stack(before), np.column_stack(after), np.array(named, dtype=bool)


def _numbers(column: pl.Series) -> np.ndarray:
    values, usable = numbers(column)
    return np.where(usable, values, np.nan)


def _names(reference: pl.Series, window: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    counted = texts(reference).drop_nulls().value_counts(name="rows").sort(["rows", reference.name], descending=[True, False])
    places = {text: float(number) for number, text in enumerate(counted[reference.name][:_MOST_NAMES].to_list())}
    other = float(len(places))
    first, second = (
        np.array([math.nan if text is None else places.get(text, other) for text in texts(column).to_list()], dtype=np.float64)
        for column in (reference, window)
    )
    return first, second


def told_apart(reference: np.ndarray, window: np.ndarray, named: np.ndarray, *, seed: int) -> Separation:
    """Rows of both in order of time, shapes (m, p) and (n, p); ``named`` as :func:`matrix` gives it.

    On one core: fits are small, and threads that wait for each other cost more than they bring.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        return _separation(reference, window, named, seed)


def _separation(reference: np.ndarray, window: np.ndarray, named: np.ndarray, seed: int) -> Separation:
    found = _tell(reference, window, named, seed)
    nothing = np.zeros(reference.shape[1])
    if found.p > LEVEL:
        return Separation(found.auc, found.p, found.p, None, None, 0, nothing)
    usual = _usual(reference, len(window), named, seed)
    if len(usual) < _FEWEST_STRETCHES:
        beyond, middle = None, None
    else:
        beyond, middle = _beyond(found.auc, usual, len(window), len(reference)), float(np.median(usual))
    p = max(found.p, beyond or 0.0)
    lost = _lost(reference, window, found, seed) if p <= LEVEL else nothing
    return Separation(found.auc, p, found.p, beyond, middle, len(usual) if beyond is not None else 0, lost)


def _tell(reference: np.ndarray, window: np.ndarray, named: np.ndarray, seed: int) -> _Told:
    random = np.random.default_rng(seed)
    even = _alternate(len(reference))
    first = np.arange(len(window)) < len(window) // 2
    folds, aucs, ps = [], [], []
    for ours, theirs in ((even, first), (~even, ~first)):
        scores = _taught(reference[ours], window[theirs], named, random)
        fold = _Fold(scores, np.flatnonzero(~ours), np.flatnonzero(~theirs))
        auc, p = _placed(scores(reference[fold.reference]), scores(window[fold.window]))
        folds.append(fold)
        aucs.append(auc)
        ps.append(p)
    return _Told(sum(aucs) / 2, min(1.0, 2 * min(ps)), tuple(folds))


def _alternate(rows: int) -> np.ndarray:
    """Every other block of successive rows."""
    return np.asarray((np.arange(rows) * _BLOCKS // max(rows, 1)) % 2 == 0)


def _taught(reference: np.ndarray, window: np.ndarray, named: np.ndarray, random: np.random.Generator) -> Scores:
    """Scores of rows, larger where they look like the window's."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    most = min(_MOST_TAUGHT, 2 * max(len(window), FEWEST_ROWS))  # beyond twice as many, more of one side teach little
    parts = [rows[np.sort(random.permutation(len(rows))[:most])] for rows in (reference, window)]
    target = np.repeat([0, 1], [len(part) for part in parts])
    model = HistGradientBoostingClassifier(
        max_iter=60,
        max_leaf_nodes=16,
        min_samples_leaf=20,
        learning_rate=0.1,
        early_stopping=False,
        categorical_features=named if named.any() else None,
        random_state=0,
    )
    model.fit(np.concatenate(parts), target)
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1])


def _placed(reference: np.ndarray, window: np.ndarray) -> tuple[float, float]:
    """(AUC, one-sided p of "it is at most 1/2")."""
    above, below = _placements(window, reference), 1 - _placements(reference, window)
    own, other = mean_of_dependent(above), mean_of_dependent(below)
    variance = own.variance + other.variance
    if not own.known or not other.known:
        return own.mean, 1.0
    if variance <= 0:
        return own.mean, 0.0 if own.mean > 0.5 else 1.0
    return own.mean, t_tail((own.mean - 0.5) / math.sqrt(variance), own.df)


def _placements(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each score the share of the others below it, ties half."""
    ordered = np.sort(others)
    return np.asarray((np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")) / 2 / len(others))


def _usual(reference: np.ndarray, rows: int, named: np.ndarray, seed: int) -> np.ndarray:
    """What stretches of the reference reach against the rest of it, each with as many rows as the window."""
    count = min(len(reference) // rows, _MOST_STRETCHES)
    if count < _FEWEST_STRETCHES:
        return np.empty(0)
    starts = np.linspace(0, len(reference) - rows, count).astype(int)
    found = []
    for number, start in enumerate(starts):
        rest = np.ones(len(reference), dtype=bool)
        rest[max(start - rows, 0) : start + 2 * rows] = False
        if rest.sum() >= FEWEST_ROWS:
            found.append(_tell(reference[rest], reference[start : start + rows], named, seed + number + 1).auc)
    return np.array(found)


def _beyond(auc: float, usual: np.ndarray, rows: int, reference: int) -> float:
    """P(the next of such a sample is as large), on the scale of logits."""
    values = np.log(np.clip(usual, 1e-6, 1 - 1e-6) / (1 - np.clip(usual, 1e-6, 1 - 1e-6)))
    seen = math.log(min(max(auc, 1e-6), 1 - 1e-6) / (1 - min(max(auc, 1e-6), 1 - 1e-6)))
    least = 4 * math.sqrt((rows + reference + 1) / (12 * rows * reference))  # of independent rows; a logit is 4 times as steep
    spread = max(float(values.std(ddof=1)), least) * math.sqrt(1 + 1 / len(values))
    return t_tail((seen - float(values.mean())) / spread, len(values) - 1)


def _lost(reference: np.ndarray, window: np.ndarray, found: _Told, seed: int) -> np.ndarray:
    """The AUC less what is left of it when a column's values are dealt out anew among the scored rows, shape (p,)."""
    random = np.random.default_rng(seed)
    lost = np.zeros(reference.shape[1])
    for fold in found.folds:
        own = np.sort(random.permutation(fold.reference)[:_MOST_TAUGHT])
        rows = np.concatenate([reference[own], window[fold.window]])
        whole = _auc(fold.scores(rows), len(own))
        for column in range(rows.shape[1]):
            dealt = rows.copy()
            dealt[:, column] = random.permutation(rows[:, column])
            lost[column] += (whole - _auc(fold.scores(dealt), len(own))) / len(found.folds)
    return np.maximum(lost, 0.0)


def _auc(scores: np.ndarray, reference: int) -> float:
    return float(_placements(scores[reference:], scores[:reference]).mean())
