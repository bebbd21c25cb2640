"""Calibration: no error where there is none, the true one where there is, and doubt that is neither too small nor too large."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from volant.stats.calibration import calibration_of, reliability_line
from volant.stats.quantile_ratio import quantile_ratio
from volant.stats.shares import share_of


def drawn(random, rows, shift=0.0, together=1):
    """Chances given, events; ``together`` rows of one time share a mood."""
    truth = random.beta(2, 3, rows)
    mood = np.repeat(random.normal(size=rows // together), together)
    z = np.sqrt(0.25) * mood + np.sqrt(0.75) * random.normal(size=rows) if together > 1 else random.normal(size=rows)
    given = np.clip(truth - shift, 0.001, 0.999)
    return given, norm.cdf(z) < truth, np.arange(rows) // together, truth


@pytest.mark.parametrize("together", [1, 10])
def test_right_chances_are_called_wrong_as_rarely_as_the_level_says(together):
    random = np.random.default_rng(1)
    found = []
    for _ in range(150):
        given, events, times, _ = drawn(random, 1000, together=together)
        found.append(calibration_of(given, events, 0.95, times).p_value < 0.05)
    assert np.mean(found) <= 0.10


@pytest.mark.parametrize("together", [1, 10])
def test_bounds_hold_the_true_error(together):
    random = np.random.default_rng(2)
    low, high = [], []
    for _ in range(120):
        given, events, times, truth = drawn(random, 1500, shift=0.08, together=together)
        found, true = calibration_of(given, events, 0.95, times).error, np.sqrt(np.mean((truth - given) ** 2))
        low.append(found.low <= true)
        high.append(found.high >= true)
    assert np.mean(low) >= 0.88
    assert np.mean(high) >= 0.84


def test_the_plain_error_of_right_chances_is_above_zero_and_the_debiased_one_is_not():
    random = np.random.default_rng(3)
    found = [calibration_of(*drawn(random, 600)[:2], 0.95) for _ in range(60)]
    assert np.mean([one.plain for one in found]) > 0.03
    assert np.median([one.error.value for one in found]) < 0.02


def test_equal_chances_are_one_bin_and_few_different_ones_few():
    events = np.arange(400) % 4 == 0
    assert calibration_of(np.full(400, 0.25), events, 0.95).bins == 1
    assert calibration_of(np.where(np.arange(400) < 200, 0.2, 0.3), events, 0.95).bins == 2


def test_the_slope_of_the_line_is_that_of_the_distortion():
    random = np.random.default_rng(4)
    truth = random.beta(2, 2, 8000)
    events = random.random(8000) < truth
    logit = np.log(truth / (1 - truth))
    too_sure = 1 / (1 + np.exp(-2 * logit))
    line = reliability_line(too_sure, events, 0.95)
    assert line.slope.low <= 0.5 <= line.slope.high
    assert line.slope.high < 0.6
    assert abs(line.intercept.value) < 0.15


def test_a_line_without_an_end_is_none():
    assert reliability_line(np.full(200, 0.3), np.arange(200) % 3 == 0, 0.95) is None
    separated = np.linspace(0.01, 0.99, 200)
    assert reliability_line(separated, separated > 0.5, 0.95) is None


def test_a_share_of_independent_rows_is_no_narrower_than_clopper_and_pearson():
    hits = np.arange(300) % 30 == 0
    found = share_of(hits, 0.95)
    assert found.value == pytest.approx(1 / 30)
    assert found.low <= beta.ppf(0.05, 10, 291) + 1e-12
    assert found.high >= beta.ppf(0.95, 11, 290) - 1e-12


def test_no_hit_at_all_still_has_an_upper_bound():
    found = share_of(np.zeros(100, dtype=bool), 0.95)
    assert found.low == 0
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 100))
    assert share_of(np.zeros(0, dtype=bool), 0.95) is None


def test_rows_that_change_together_tell_less():
    hits = np.repeat(np.random.default_rng(6).random(60) < 0.3, 20)
    mixed = np.random.default_rng(8).permutation(hits)
    alone, together = share_of(mixed, 0.95), share_of(hits, 0.95, np.repeat(np.arange(60), 20))
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_model_that_takes_twice_as_long_does_so_within_the_bounds():
    random = np.random.default_rng(7)
    theirs = random.lognormal(3, 0.1, 200)
    ratio, low, high = quantile_ratio(2 * theirs * random.lognormal(0, 0.02, 200), theirs, 0.95, seed=1)
    assert low <= 2.0 <= high
    assert low <= ratio <= high
    assert quantile_ratio(theirs, theirs, 0.99, seed=1) == (1.0, 1.0, 1.0)
