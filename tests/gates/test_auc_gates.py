"""Two models' AUCs are compared row by row, with the dependence that rows have."""

import numpy as np
import pytest
from gate_rows import check, rows

from volant.gates.model import Verdict
from volant.gates.rules import evaluate
from volant.stats.bootstrap import bootstrap_difference
from volant.stats.placements import delong_variance
from volant.stats.predicted import Predicted


def answers(scores, classes=(0, 1)):
    share = 1 / (1 + np.exp(-scores))
    return Predicted((share > 0.5).astype(int), np.column_stack([1 - share, share]), classes)


def drawn(n, seed, lifts=(1.0, 1.0)):
    random = np.random.default_rng(seed)
    target = (random.random(n) < 0.3).astype(int)
    return target, *(answers(target * lift + random.standard_normal(n)) for lift in lifts)


def against(target, candidate, champion, **fields):
    gate = check("champion", metric="auc", confidence=fields.pop("confidence", 0.95))
    return evaluate((gate,), rows(target, **fields), {"candidate": candidate, "champion": champion}, metric="auc")[0]


def test_bounds_of_independent_rows_are_delongs_and_the_bootstraps():
    target, first, second = drawn(1500, 1, (1.1, 1.0))
    found = against(target, first, second)
    half = 1.645 * np.sqrt(delong_variance(target == 1, first.scores[:, 1], second.scores[:, 1]))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)
    assert found.difference == pytest.approx(found.candidate - found.other)
    losses = (target - first.scores[:, 1]) ** 2 - (target - second.scores[:, 1]) ** 2
    drawn_again = bootstrap_difference("auc", target, first, second, 0.95, row_loss=losses, times=np.arange(1500))
    assert found.high - found.low == pytest.approx(drawn_again.high - drawn_again.low, rel=0.15)


def test_models_that_are_alike_are_found_worse_as_rarely_as_the_level_says():
    found = [against(*drawn(200, seed)) for seed in range(300)]
    assert sum(one.verdict is Verdict.FAIL and one.high < 0 for one in found) / 300 < 0.09
    assert sum(one.low > 0 for one in found) / 300 < 0.09


def test_a_group_of_like_rows_counts_as_little_more_than_one():
    target, first, second = drawn(60, 4, (1.5, 1.0))
    copy = np.repeat(np.arange(60), 20)
    rows_of = np.random.default_rng(0).permutation(copy)
    alone = against(target[rows_of], first.take(rows_of), second.take(rows_of))
    grouped = against(target[rows_of], first.take(rows_of), second.take(rows_of), groups=rows_of)
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


def test_more_than_two_classes_are_each_against_the_rest():
    random = np.random.default_rng(6)
    target = random.integers(0, 3, 900)

    def model(lift):
        scores = np.exp(np.eye(3)[target] * lift + random.standard_normal((900, 3)))
        scores /= scores.sum(axis=1, keepdims=True)
        return Predicted(scores.argmax(axis=1), scores, (0, 1, 2))

    better = against(target, model(2.0), model(1.0))
    assert better.verdict is Verdict.PASS
    assert better.difference == pytest.approx(better.candidate - better.other)
