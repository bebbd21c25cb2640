"""One row through scikit-learn's histogram gradient boosting without its set-up for many rows.

For a single row scikit-learn spends nearly all its time on checking the input and on starting threads once per tree.
Walking the trees here takes a tenth of that and gives the same bits: the same comparisons, and leaf values added in the
same order as doubles (``_predict_one_from_raw_data`` in scikit-learn's ``_predictor.pyx``). That it does is checked on
probe rows before it is used; a model of a version that is built otherwise is left to scikit-learn.
"""

# ruff: noqa: SLF001 - what is private in scikit-learn is checked on probe rows before it is relied on

import math
from typing import Any

import numpy as np

from volant.models.answers import AnswerMaker
from volant.models.ports import Answer

_KINDS = {"HistGradientBoostingRegressor", "HistGradientBoostingClassifier"}
_PROBES = 24
MAX_NODES = 500_000  # as objects a node takes about 150 bytes; larger models are left as they are

Node = Any
"""A leaf's value (float), or (feature, threshold, missing goes left, left, right, kind).

``kind`` is None where numbers are compared; for categories it holds the codes that go left and those that are known.
"""


class BoostedRow:
    """A fitted model's trees as nested tuples, and the link from their sum to an answer."""

    def __init__(self, estimator: Any, answers: AnswerMaker) -> None:
        known = _known_codes(estimator)
        self._trees: list[list[Node]] = [[_tree(tree, known) for tree in column] for column in zip(*estimator._predictors, strict=True)]
        self._encode = None if estimator.is_categorical_ is None else _Encoding(estimator)
        self._start: list[float] = estimator._baseline_prediction.reshape(-1).astype(np.float64).tolist()
        self._loss = estimator._loss
        self._answers = answers
        self._regression = type(estimator).__name__.endswith("Regressor")
        if len(self._start) != len(self._trees):
            raise ValueError("one start for each column of trees")

    def raw(self, row: list[float]) -> np.ndarray:
        """Sums of leaf values, shape (1, trees per round)."""
        if self._encode is not None:
            row, walk = self._encode.codes(row), _walk_categories
        else:
            walk = _walk if all(value == value for value in row) else _walk_with_holes  # noqa: PLR0124 - NaN
        return np.array([[walk(column, row, start) for column, start in zip(self._trees, self._start, strict=True)]])

    def answer(self, given: np.ndarray) -> Answer:
        """The answer for one row of numbers, shape (1, columns)."""
        return self.answer_list(given[0].tolist())

    def answer_list(self, row: list[float]) -> Answer:
        """The answer for one row of numbers; NaN where there is none."""
        raw = self.raw(row)
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
    exact = estimator._baseline_prediction.dtype == np.float64
    return exact and 0 < nodes <= MAX_NODES


class _Encoding:
    """What the estimator does to categories before its trees see them: codes first, then the numbers."""

    def __init__(self, estimator: Any) -> None:
        mask = estimator.is_categorical_.tolist()
        known = estimator._preprocessor.named_transformers_["encoder"].categories_
        self._categories = [place for place, yes in enumerate(mask) if yes]
        self._numbers = [place for place, yes in enumerate(mask) if not yes]
        self.tables: list[dict[float, float]] = [
            {float(value): float(code) for code, value in enumerate(values.tolist()) if value == value}  # noqa: PLR0124 - NaN
            for values in known
        ]
        if len(self.tables) != len(self._categories):
            raise ValueError("one table for each column of categories")

    def codes(self, row: list[float]) -> list[float]:
        """The row as the trees take it; an unknown category is NaN."""
        coded = [table.get(row[place], math.nan) for place, table in zip(self._categories, self.tables, strict=True)]
        return coded + [row[place] for place in self._numbers]

    def pools(self) -> dict[int, np.ndarray]:
        """Values to probe with, by column."""
        return {place: np.array([*table, -1.0, 0.5, 999.0]) for place, table in zip(self._categories, self.tables, strict=True)}


def _known_codes(estimator: Any) -> dict[int, frozenset[int]]:
    """Codes seen in training, by position among the columns the trees see."""
    if estimator.is_categorical_ is None:
        return {}
    bits, places = estimator._bin_mapper.make_known_categories_bitsets()
    return {column: _members(bits[places[column]]) for column in range(int(estimator.is_categorical_.sum()))}


def _members(bits: np.ndarray) -> frozenset[int]:
    """A bit set of eight 32-bit words as numbers."""
    return frozenset(32 * word + bit for word, value in enumerate(bits.tolist()) for bit in range(32) if value >> bit & 1)


def _tree(tree: Any, known: dict[int, frozenset[int]]) -> Node:
    """From the array of nodes, children after parents, to nested tuples."""
    nodes = tree.nodes
    sets = [_members(bits) for bits in tree.raw_left_cat_bitsets]
    kinds = [
        (sets[place], known[feature]) if category else None
        for category, place, feature in zip(
            *(nodes[name].tolist() for name in ("is_categorical", "bitset_idx", "feature_idx")), strict=True
        )
    ]
    columns = ("is_leaf", "value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right")
    table = list(zip(*(nodes[name].tolist() for name in columns), strict=True))
    made: list[Node] = [None] * len(table)
    for place in range(len(table) - 1, -1, -1):
        leaf, value, feature, threshold, missing_left, left, right = table[place]
        made[place] = value if leaf else (feature, threshold, missing_left, made[left], made[right], kinds[place])
        if not leaf and (made[left] is None or made[right] is None):
            raise ValueError("a child before its parent")
    return made[0]


def _walk(trees: list[Node], row: list[float], total: float) -> float:
    for tree in trees:
        node = tree
        while type(node) is tuple:
            feature, threshold, _, left, right, _ = node
            node = left if row[feature] <= threshold else right
        total += node
    return total


def _walk_with_holes(trees: list[Node], row: list[float], total: float) -> float:
    for tree in trees:
        node = tree
        while type(node) is tuple:
            feature, threshold, missing_left, left, right, _ = node
            value = row[feature]
            node = left if (value <= threshold if value == value else missing_left) else right  # noqa: PLR0124 - NaN
        total += node
    return total


def _walk_categories(trees: list[Node], row: list[float], total: float) -> float:
    for tree in trees:
        node = tree
        while type(node) is tuple:
            feature, threshold, goes_left, left, right, kind = node
            value = row[feature]
            if value == value:  # noqa: PLR0124 - not NaN
                if kind is None:
                    goes_left = value <= threshold
                elif value in kind[0]:
                    goes_left = True
                elif value in kind[1]:
                    goes_left = False
            node = left if goes_left else right
        total += node
    return total


def _agrees(quick: BoostedRow, estimator: Any, answers: AnswerMaker) -> bool:
    """Whether probe rows on and between the trees' own thresholds, with holes, are answered bit by bit alike."""
    rng = np.random.default_rng(0)
    nodes = np.concatenate([tree.nodes for rounds in estimator._predictors for tree in rounds])
    inner = nodes[nodes["is_leaf"] == 0]
    pools = {} if estimator.is_categorical_ is None else _Encoding(estimator).pools()
    probes = np.zeros((_PROBES, estimator.n_features_in_))
    for feature in range(probes.shape[1]):
        known = inner["num_threshold"][inner["feature_idx"] == feature]
        pool = np.concatenate([known, np.nextafter(known, np.inf), [-1e300, 0.0, 1e300]])
        probes[:, feature] = rng.choice(np.append(pools.get(feature, pool), np.nan), _PROBES)
    for probe in probes:
        given = probe.reshape(1, -1)
        if not same(quick.answer(given), answers.ask(estimator, given, 1)):
            return False
    return True


def same(left: Answer, right: Answer) -> bool:
    """Equal to the last bit."""
    if left.values.tolist() != right.values.tolist() or (left.scores is None) != (right.scores is None):
        return False
    return left.scores is None or np.array_equal(left.scores, right.scores)  # type: ignore[arg-type]
