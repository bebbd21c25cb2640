"""A group's metric against the others': the same as direct computation, and right in as many samples as it says."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from volant.stats.contrasts import TwoGroups, influence_of, of_mean
from volant.stats.predicted import Predicted

RANDOM = np.random.default_rng(11)


def two(first, second, inside):
    return TwoGroups(inside, of_mean(first, share=True), of_mean(second, share=True), np.arange(len(inside)))


def rates(random, share_inside, share_outside, rows=600, part=0.3):
    inside = random.random(rows) < part
    hits = (random.random(rows) < np.where(inside, share_inside, share_outside)).astype(float)
    return two(hits[inside], hits[~inside], inside)


@pytest.mark.parametrize("part", [0.1, 0.9])
def test_the_difference_of_two_rates_has_the_textbook_error(part):
    found = rates(RANDOM, 0.4, 0.4, rows=5000, part=part)
    count = int(found.inside.sum())
    first, second = found.first.value, found.second.value
    textbook = np.sqrt(first * (1 - first) / count + second * (1 - second) / (5000 - count))
    assert found.difference().value == pytest.approx(first - second)
    assert found.difference().error == pytest.approx(textbook, rel=0.25)  # estimated from few cosines


@pytest.mark.parametrize("part", [0.1, 0.9])
def test_the_difference_of_two_means_has_the_textbook_error(part):
    values, inside = RANDOM.normal(0, 1, 5000), RANDOM.random(5000) < part
    found = TwoGroups(inside, of_mean(values[inside], share=False), of_mean(values[~inside], share=False))
    assert found.difference().error == pytest.approx(np.sqrt(1 / inside.sum() + 1 / (~inside).sum()), rel=0.25)


def test_equal_rates_are_called_apart_as_rarely_as_the_level_says():
    random = np.random.default_rng(3)
    found = [rates(random, 0.3, 0.3) for _ in range(400)]
    assert np.mean([one.difference_p_value(0.0) < 0.05 for one in found]) <= 0.085
    assert np.mean([one.ratio_p_value(0.8) < 0.05 for one in found]) <= 0.05


def test_rates_at_the_very_limit_break_it_as_rarely_as_the_level_says_and_far_beyond_it_surely():
    random = np.random.default_rng(4)
    assert np.mean([rates(random, 0.4, 0.3).difference_p_value(0.1) < 0.05 for _ in range(300)]) <= 0.085
    assert np.mean([rates(random, 0.6, 0.3).difference_p_value(0.1) < 0.05 for _ in range(100)]) >= 0.95
    assert np.mean([rates(random, 0.15, 0.45).ratio_p_value(0.8) < 0.05 for _ in range(100)]) >= 0.95


def test_bounds_of_the_ratio_hold_the_true_one():
    random = np.random.default_rng(5)
    spans = [rates(random, 0.3, 0.4, rows=1500).ratio(0.95) for _ in range(300)]
    assert np.mean([span.low <= 0.75 <= span.high for span in spans]) >= 0.85  # two bounds of 95 % each


def test_twelve_right_answers_of_twelve_are_not_known_to_be_perfect():
    inside = np.arange(1000) < 12
    found = two(np.ones(12), np.ones(988), inside)
    assert found.difference().error > 0.05
    assert found.difference_p_value(0.0) > 0.5


def test_a_rate_of_zero_is_tested_though_its_ratio_has_no_logarithm():
    inside = np.arange(1000) % 2 == 0
    found = two(np.zeros(500), (np.arange(500) % 2).astype(float), inside)
    assert found.ratio(0.95) is None
    assert found.ratio_p_value(0.8) < 1e-6


@pytest.mark.parametrize("metric", ["auc", "f1"])
def test_influence_of_a_classifier_metric_is_that_of_leaving_rows_out(metric):
    target = RANDOM.integers(0, 2, 400)
    chance = np.clip(0.5 + 0.2 * (target - 0.5) + RANDOM.normal(0, 0.2, 400), 0.01, 0.99)
    answers = Predicted((chance > 0.5).astype(int), np.column_stack([1 - chance, chance]), (0, 1))
    found = influence_of(metric, target, answers)

    def value(kept):
        if metric == "auc":
            return roc_auc_score(target[kept], chance[kept])
        return f1_score(target[kept], answers.values[kept])

    everything = np.arange(400)
    assert found.value == pytest.approx(value(everything))
    left_out = np.array([(400 - 1) * (value(everything) - value(np.delete(everything, row))) for row in range(0, 400, 10)])
    assert np.corrcoef(left_out, found.rows[::10])[0, 1] > 0.999
    assert left_out == pytest.approx(found.rows[::10], abs=0.05)


@pytest.mark.parametrize("metric", ["rmse", "r2", "mae"])
def test_influence_of_a_regression_metric_is_that_of_leaving_rows_out(metric):
    target = RANDOM.normal(0, 3, 500)
    values = target + RANDOM.normal(0, 1, 500)
    found = influence_of(metric, target, Predicted(values))

    def value(kept):
        gap = target[kept] - values[kept]
        if metric == "mae":
            return np.abs(gap).mean()
        return np.sqrt((gap**2).mean()) if metric == "rmse" else 1 - (gap**2).mean() / target[kept].var()

    everything = np.arange(500)
    assert found.value == pytest.approx(value(everything))
    left_out = np.array([(500 - 1) * (value(everything) - value(np.delete(everything, row))) for row in range(0, 500, 10)])
    assert left_out == pytest.approx(found.rows[::10], abs=0.05)


def test_an_undefined_metric_has_no_influence():
    one_class = Predicted(np.ones(5), np.tile([0.2, 0.8], (5, 1)), (0, 1))
    assert influence_of("auc", np.ones(5), one_class) is None
    assert influence_of("error", np.ones(0), one_class.take(np.zeros(0, dtype=int))) is None
