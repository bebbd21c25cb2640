"""One row through scikit-learn's histogram gradient boosting without its set-up for many rows.

For a single row scikit-learn spends nearly all its time on checking the input and on starting threads once per tree.
Walking the trees here takes a tenth of that and gives the same bits: the same comparisons, and leaf values added in the
same order as doubles (``_predict_one_from_raw_data`` in scikit-learn's ``_predictor.pyx``). That it does is checked on
probe rows before it is used; a model with categories, or of a version that is built otherwise, is left to scikit-learn.
"""

# ruff: noqa: SLF001 - what is private in scikit-learn is checked on probe rows before it is relied on

from typing import Any

import numpy as np

from volant.models.answers import AnswerMaker
from volant.models.ports import Answer

_KINDS = {"HistGradientBoostingRegressor", "HistGradientBoostingClassifier"}
_PROBES = 24
MAX_NODES = 500_000  # as objects a node takes about 150 bytes; larger models are left as they are

Node = Any  # a leaf's value (float), or (feature, threshold, missing goes left, left, right)


class BoostedRow:
    """A fitted model's trees as nested tuples, and the link from their sum to an answer."""

    def __init__(self, estimator: Any, answers: AnswerMaker) -> None:
        self._trees: list[list[Node]] = [[_tree(tree.nodes) for tree in column] for column in zip(*estimator._predictors, strict=True)]
        self._start: list[float] = estimator._baseline_prediction.reshape(-1).astype(np.float64).tolist()
        self._loss = estimator._loss
        self._answers = answers
        self._regression = type(estimator).__name__.endswith("Regressor")
        if len(self._start) != len(self._trees):
            raise ValueError("one start for each column of trees")

    def raw(self, row: list[float]) -> np.ndarray:
        """Sums of leaf values, shape (1, trees per round)."""
        walk = _walk if all(value == value for value in row) else _walk_with_holes  # noqa: PLR0124 - NaN
        return np.array([[walk(column, row, start) for column, start in zip(self._trees, self._start, strict=True)]])

    def answer(self, given: np.ndarray) -> Answer:
        """The answer for one row of numbers, shape (1, columns)."""
        raw = self.raw(given[0].tolist())
        if self._regression:
            return Answer(values=self._loss.link.inverse(raw.ravel()))
        best = (raw.ravel() > 0).astype(int) if raw.shape[1] == 1 else np.argmax(raw, axis=1)
        return self._answers.from_scores(self._loss.predict_proba(raw), best)


def boosted_row(estimator: Any, answers: AnswerMaker) -> BoostedRow | None:
    """The quick way for this estimator (one that takes arrays), or None where it is not known to be the same."""
    if type(estimator).__name__ not in _KINDS or not type(estimator).__module__.startswith("sklearn.ensemble."):
        return None
    try:
        if not _walkable(estimator):
            return None
        quick = BoostedRow(estimator, answers)
        return quick if _agrees(quick, estimator, answers) else None
    except (AttributeError, TypeError, ValueError, KeyError, IndexError):  # built otherwise in this version
        return None


def _walkable(estimator: Any) -> bool:
    nodes = sum(len(tree.nodes) for rounds in estimator._predictors for tree in rounds)
    plain = estimator.is_categorical_ is None and estimator._preprocessor is None
    exact = estimator._baseline_prediction.dtype == np.float64
    categories = any(tree.nodes["is_categorical"].any() for rounds in estimator._predictors for tree in rounds)
    return plain and exact and not categories and 0 < nodes <= MAX_NODES


def _tree(nodes: np.ndarray) -> Node:
    """From the array of nodes, children after parents, to nested tuples."""
    columns = ("is_leaf", "value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right")
    table = list(zip(*(nodes[name].tolist() for name in columns), strict=True))
    made: list[Node] = [None] * len(table)
    for place in range(len(table) - 1, -1, -1):
        leaf, value, feature, threshold, missing_left, left, right = table[place]
        made[place] = value if leaf else (feature, threshold, missing_left, made[left], made[right])
        if not leaf and (made[left] is None or made[right] is None):
            raise ValueError("a child before its parent")
    return made[0]


def _walk(trees: list[Node], row: list[float], total: float) -> float:
    for tree in trees:
        node = tree
        while type(node) is tuple:
            feature, threshold, _, left, right = node
            node = left if row[feature] <= threshold else right
        total += node
    return total


def _walk_with_holes(trees: list[Node], row: list[float], total: float) -> float:
    for tree in trees:
        node = tree
        while type(node) is tuple:
            feature, threshold, missing_left, left, right = node
            value = row[feature]
            node = left if (value <= threshold if value == value else missing_left) else right  # noqa: PLR0124 - NaN
        total += node
    return total


def _agrees(quick: BoostedRow, estimator: Any, answers: AnswerMaker) -> bool:
    """Whether probe rows on and between the trees' own thresholds, with holes, are answered bit by bit alike."""
    rng = np.random.default_rng(0)
    nodes = np.concatenate([tree.nodes for rounds in estimator._predictors for tree in rounds])
    inner = nodes[nodes["is_leaf"] == 0]
    probes = np.zeros((_PROBES, estimator.n_features_in_))
    for feature in range(probes.shape[1]):
        known = inner["num_threshold"][inner["feature_idx"] == feature]
        pool = np.concatenate([known, np.nextafter(known, np.inf), [np.nan, -1e300, 0.0, 1e300]])
        probes[:, feature] = rng.choice(pool, _PROBES)
    for probe in probes:
        given = probe.reshape(1, -1)
        ours, theirs = quick.answer(given), answers.ask(estimator, given, 1)
        if ours.values.tolist() != theirs.values.tolist() or not np.array_equal(_scores(ours), _scores(theirs)):
            return False
    return True


def _scores(answer: Answer) -> np.ndarray:
    return np.empty(0) if answer.scores is None else answer.scores
