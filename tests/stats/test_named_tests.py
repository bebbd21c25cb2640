"""Named tests of two models agree with what they are defined by, and keep their level."""

import numpy as np
import pytest
from scipy import stats

from volant.stats.corrected import bca_bounds
from volant.stats.discordant import mcnemar
from volant.stats.discoveries import benjamini_hochberg
from volant.stats.metrics import WeightedMetric, score
from volant.stats.placements import auc_influence, delong_variance, placements
from volant.stats.predicted import Predicted
from volant.stats.sequences import mean_sequence
from volant.stats.swapping import swapped


def scored(n, seed, lift=1.0, share=0.3, decimals=None):
    random = np.random.default_rng(seed)
    positive = random.random(n) < share
    first, second = (positive * lift + random.standard_normal(n) for _ in range(2))
    return (positive, first, second) if decimals is None else (positive, first.round(decimals), second.round(decimals))


def pairs_won(positive, scores):
    gaps = scores[positive][:, None] - scores[~positive][None, :]
    return (gaps > 0) + (gaps == 0) / 2


def test_mcnemar_is_the_binomial_tail_of_the_rows_that_differ():
    for b, c in ((9, 2), (0, 0), (3, 3), (40, 71)):
        expected = stats.binomtest(b, b + c, 0.5, alternative="greater").pvalue if b + c else 1.0
        assert mcnemar(b, c) == pytest.approx(expected)
    assert mcnemar(9, 2, mid=True) == pytest.approx(mcnemar(9, 2) - stats.binom.pmf(9, 11, 0.5) / 2)
    assert mcnemar(np.array([9, 0]), np.array([2, 5])).shape == (2,)
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


@pytest.mark.parametrize("decimals", [None, 0])
def test_placements_are_the_pairs_that_a_row_wins_ties_half(decimals):
    positive, first, _ = scored(200, 1, decimals=decimals)
    won = pairs_won(positive, first)
    placed = placements(positive, first)
    assert np.allclose(placed[positive], won.mean(axis=1))
    assert np.allclose(placed[~positive], won.mean(axis=0))
    assert auc_influence(positive, first).mean() == pytest.approx(won.mean())


def test_delongs_variance_is_that_of_its_definition_and_of_repeated_samples():
    positive, first, second = scored(120, 2)
    gap = pairs_won(positive, first) - pairs_won(positive, second)
    expected = gap.mean(axis=1).var(ddof=1) / positive.sum() + gap.mean(axis=0).var(ddof=1) / (~positive).sum()
    assert delong_variance(positive, first, second) == pytest.approx(expected)
    found = [scored(300, seed) for seed in range(400)]
    differences = [placements(p, a)[p].mean() - placements(p, b)[p].mean() for p, a, b in found]
    assert np.mean([delong_variance(*one) for one in found]) == pytest.approx(np.var(differences), rel=0.2)


def test_the_influence_of_rows_varies_as_delong_says():
    positive, first, second = scored(2000, 3)
    influence = auc_influence(positive, first) - auc_influence(positive, second)
    assert influence.var(ddof=1) / 2000 == pytest.approx(delong_variance(positive, first, second), rel=0.01)


def test_an_auc_of_one_class_is_an_error_that_says_so():
    with pytest.raises(Exception, match="both classes"):
        placements(np.ones(4, dtype=bool), np.arange(4.0))
    assert np.isnan(delong_variance(np.array([True, False, False]), np.arange(3.0)))


def test_swapping_agrees_with_all_swaps_counted_one_by_one():
    differences = np.array([-1.0, -0.5, 0.25, -2.0, 0.125, -0.75])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    exact = (signs @ differences <= differences.sum() + 1e-12).mean()
    assert swapped(differences) == pytest.approx(exact, abs=0.015)
    assert swapped(np.full(50, -1.0), resamples=999) == 0.001
    assert swapped(np.zeros(5)) == 1.0


def test_units_swap_together_so_that_copies_of_a_row_are_no_evidence():
    random = np.random.default_rng(5)
    few = random.normal(-0.3, 1, 20)
    copies, units = np.repeat(few, 50), np.repeat(np.arange(20), 50)
    assert swapped(copies, units=units, seed=1) == pytest.approx(swapped(few, seed=1), abs=0.02)
    assert swapped(copies, seed=1) < swapped(copies, units=units, seed=1)


def test_benjamini_and_hochberg_agree_with_scipy():
    p_values = np.random.default_rng(6).random(40) ** 3
    assert np.allclose(benjamini_hochberg(p_values.tolist()), stats.false_discovery_control(p_values))
    assert np.allclose(benjamini_hochberg(p_values.tolist(), dependent=True), stats.false_discovery_control(p_values, method="by"))
    assert benjamini_hochberg([]) == ()


def test_a_sequence_of_bounds_holds_the_mean_at_every_row_and_closes_in():
    random = np.random.default_rng(7)
    missed = 0
    for _ in range(200):
        low, high = mean_sequence(random.beta(2, 6, 600))
        missed += bool(((low > 0.25) | (high < 0.25)).any())
    assert missed <= 10 + 8
    low, high = mean_sequence(random.beta(2, 6, 20_000))
    assert high[-1] - low[-1] < 0.01
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) <= 0).all()
    with pytest.raises(ValueError, match="scale them"):
        mean_sequence(np.array([0.5, np.nan]))


def test_the_sequence_is_the_theorem_row_by_row():
    values = np.random.default_rng(12).random(40) * 0.2 + 0.4
    total = weighed = cost = 0.0
    mean, variance, summed, squares, lows = 0.5, 0.25, 0.0, 0.0, []
    for place, value in enumerate(values.tolist(), start=1):
        stake = min(np.sqrt(2 * np.log(2 / 0.05) / (variance * place * np.log(place + 1))), 0.5)
        cost += 4 * (value - mean) ** 2 * (-np.log(1 - stake) - stake) / 4
        total, weighed, summed = total + stake, weighed + stake * value, summed + value
        mean = (0.5 + summed) / (place + 1)
        squares += (value - mean) ** 2
        variance = (0.25 + squares) / (place + 1)
        lows.append(max(0.0, weighed / total - (np.log(2 / 0.05) + cost) / total))
    assert np.allclose(mean_sequence(values)[0], np.maximum.accumulate(lows))


def test_accelerated_bounds_agree_with_scipys():
    random = np.random.default_rng(8)
    values = random.exponential(1.0, 80)
    ours = bca_bounds(lambda weights: weights @ values / weights.sum(axis=1), 80, 0.95, resamples=8000)
    theirs = stats.bootstrap((values,), np.mean, confidence_level=0.9, n_resamples=8000, random_state=random).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_whole_groups_make_bounds_as_wide_as_the_groups_are_few():
    random = np.random.default_rng(9)
    truth = np.repeat(random.integers(0, 2, 40), 25)
    said = Predicted(np.where(np.repeat(random.random(40) < 0.8, 25), truth, 1 - truth), classes=(0, 1))
    metric = WeightedMetric("f1", truth, said)
    groups = np.repeat(np.arange(40), 25)
    (low, high), (narrow_low, narrow_high) = bca_bounds(metric.over, 1000, groups=groups), bca_bounds(metric.over, 1000)
    assert low < score("f1", truth, said).value < high
    assert high - low > 3 * (narrow_high - narrow_low)


def test_a_statistic_that_resamples_leave_undefined_has_no_bounds():
    assert bca_bounds(lambda weights: np.where(weights.min(axis=1) > 0, 1.0, np.nan), 10) is None
