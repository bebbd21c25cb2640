"""Ordered bins, the smooth test's scores, and design effects of rows that depend on each other."""

import numpy as np
import pytest

from volant.stats.dependence import ladder, spread_at
from volant.stats.ordered_bins import KEY_BITS, bins_of, keys_of
from volant.stats.smooth import polynomials, tail_weight


def test_keys_order_like_the_numbers_they_are_made_of():
    values = np.array([-1e300, -5.0, -1e-30, -0.0, 0.0, 1e-30, 0.5, 3.0, 1e300])
    keys = keys_of(values, 0.0).astype(int)
    assert (np.diff(keys) >= 0).all()
    assert keys[3] == keys[4]
    assert keys.min() >= 0
    assert keys.max() < 1 << KEY_BITS


@pytest.mark.parametrize("offset", [0.0, 1.7e9])
def test_bins_have_about_equal_mass_wherever_the_numbers_lie(offset):
    values = np.random.default_rng(0).standard_normal(50_000) + offset
    bins = bins_of(values)
    counts = np.bincount(bins.codes(values), minlength=len(bins))
    assert counts.sum() == 50_000
    assert counts.max() < 50_000 / 256 * 2
    order = np.argsort(values)
    assert (np.diff(bins.codes(values)[order].astype(int)) >= 0).all()


def test_each_of_few_values_has_a_bin_of_its_own_whose_centre_it_is():
    values = np.repeat([0.0, 1.0, 2.0, 7.0], [700, 200, 90, 10])
    bins = bins_of(values)
    counts = np.bincount(bins.codes(values), minlength=len(bins))
    assert sorted(counts[counts > 0].tolist()) == [10, 90, 200, 700]
    assert sorted(bins.centres[counts > 0].tolist()) == [0.0, 1.0, 2.0, 7.0]


def test_numbers_outside_the_reference_fall_into_bins_that_hold_none_of_it():
    values = np.random.default_rng(1).uniform(10, 20, 5_000)
    bins = bins_of(values)
    held = np.bincount(bins.codes(values), minlength=len(bins)) > 0
    outside = bins.codes(np.array([-1e9, 5.0, 25.0, 1e9]))
    assert not held[outside].any()
    assert (np.diff(outside.astype(int)) > 0).all()
    assert (np.diff(bins.centres) > 0).all()


@pytest.mark.parametrize("values", [np.zeros(100), np.array([3.0]), np.array([])])
def test_a_constant_one_row_and_nothing_have_bins_and_no_scores(values):
    bins = bins_of(values)
    counts = np.bincount(bins.codes(values), minlength=len(bins))
    assert np.isfinite(bins.centres).all()
    assert polynomials(counts).shape == (len(bins), 0)
    assert tail_weight(polynomials(counts), counts) == 0.0


def test_independent_rows_are_hardly_ever_taken_for_dependent_ones():
    random = np.random.default_rng(8)
    flagged = 0
    for _ in range(150):
        rungs = ladder(random.standard_normal((1_000, 4)) * np.sqrt(32))
        flagged += any(rung.strongest > 0 for rung in rungs)
    assert flagged <= 4
    level = np.repeat(random.standard_normal(50), 20)[:, None] * 3.0
    assert any(rung.strongest > 0 for rung in ladder(random.standard_normal((1_000, 4)) * np.sqrt(32) + level))


@pytest.mark.parametrize("counts", [np.array([5, 0, 9, 1, 85]), np.full(256, 4), np.array([990, 5, 3, 2])])
def test_scores_are_orthonormal_under_the_masses_they_are_made_from(counts):
    scores = polynomials(counts)
    mass = counts / counts.sum()
    assert scores.shape[1] == min(4, (counts > 0).sum() - 1)
    np.testing.assert_allclose(mass @ scores, 0, atol=1e-9)
    np.testing.assert_allclose((scores.T * mass) @ scores, np.eye(scores.shape[1]), atol=1e-9)


def test_the_first_score_of_a_normal_column_is_nearly_its_shift_in_standard_deviations():
    random = np.random.default_rng(2)
    reference = random.standard_normal(200_000)
    bins = bins_of(reference)
    scores = polynomials(np.bincount(bins.codes(reference), minlength=len(bins)))
    moved = np.bincount(bins.codes(random.standard_normal(200_000) + 0.2), minlength=len(bins)) / 200_000
    assert (moved @ scores)[0] == pytest.approx(0.2 * 0.977, abs=0.01)


def sums(values, length=32):
    whole = len(values) // length
    return values[: whole * length].reshape(whole, length, -1).sum(axis=1)


def test_independent_rows_have_a_design_effect_of_one_that_is_well_known():
    rungs = ladder(sums(np.random.default_rng(3).standard_normal((40_000, 4))))
    assert all(rung.effect == pytest.approx(1.0, abs=0.06) and rung.share == 1.0 for rung in rungs)
    assert rungs[-1].df > 1_000
    assert spread_at(rungs, 10_000).effect == pytest.approx(1.0, abs=0.06)


def test_rows_that_share_the_level_of_their_hour_have_the_design_effect_of_theory():
    random = np.random.default_rng(4)
    rows = random.standard_normal((64_000, 1)) * np.sqrt(0.8) + np.repeat(random.standard_normal((1_600, 1)), 40, axis=0) * np.sqrt(0.2)
    rungs = ladder(sums(rows))
    found = {rung.rows: rung.effect for rung in rungs}
    assert found[1024] == pytest.approx(1 + 39 * 0.2, rel=0.35)
    assert spread_at(rungs, 1_000).effect >= found[512]


def test_an_effect_that_still_grows_goes_on_growing_beyond_the_longest_stretch():
    season = np.sqrt(2) * np.sin(np.arange(20_000) * 2 * np.pi / 20_000)[:, None]
    rungs = ladder(sums(season))
    assert spread_at(rungs, 2 * rungs[-1].rows).effect == pytest.approx(2 * rungs[-1].effect)
    assert spread_at(rungs, rungs[0].rows).run > 4


def test_too_few_rows_say_nothing_about_dependence():
    assert ladder(sums(np.ones((100, 2)))) == ()
    assert spread_at((), 500).effect == 1.0
