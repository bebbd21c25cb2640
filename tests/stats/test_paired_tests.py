"""The paired test keeps its level on dependent rows, where the test for independent rows does not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.signal import lfilter

from volant.stats.blocks import block_length, cosine_count, mean_of_dependent
from volant.stats.bootstrap import bootstrap_difference
from volant.stats.holm import holm
from volant.stats.metrics import row_losses
from volant.stats.paired import Finding, Interval, judge, labels_to_decide, paired_difference, worse_p_value
from volant.stats.predicted import Predicted
from volant.stats.sizes import rows_needed


def autoregression(random, rows, correlation):
    return lfilter([1], [1, -correlation], random.standard_normal(rows + 200))[200:]


def one_sided_rejections(make, repeats, test):
    random = np.random.default_rng(11)
    return float(np.mean([test(make(random)) for _ in range(repeats)]))


def ours(series):
    return paired_difference(series, np.zeros(len(series)), 0.95).low > 0


def naive(series):
    return scipy_stats.ttest_1samp(series, 0, alternative="greater").pvalue < 0.05


@pytest.mark.parametrize(
    ("rows", "correlation", "most"), [(500, 0.0, 0.07), (500, 0.5, 0.08), (500, 0.8, 0.085), (60, 0.5, 0.10), (200, 0.9, 0.10)]
)
def test_the_false_pass_rate_stays_near_five_percent_on_dependent_rows(rows, correlation, most):
    assert one_sided_rejections(lambda r: autoregression(r, rows, correlation), 800, ours) <= most


def test_a_test_for_independent_rows_passes_three_times_too_often_on_the_same_series():
    assert one_sided_rejections(lambda r: autoregression(r, 500, 0.5), 800, naive) >= 0.14


def test_days_with_a_common_shock_are_one_observation_each():
    day = np.repeat(np.arange(60), 24)

    def shocked(random):
        return random.standard_normal(60)[day] + random.standard_normal(len(day))

    tied = one_sided_rejections(shocked, 500, lambda s: paired_difference(s, np.zeros(len(s)), 0.95, day).low > 0)
    assert tied <= 0.08
    assert one_sided_rejections(shocked, 500, naive) >= 0.2


def test_customers_with_their_own_level_widen_the_interval():
    customer = np.tile(np.arange(40), 25)

    def personal(random):
        return random.standard_normal(40)[customer] + random.standard_normal(len(customer))

    grouped = one_sided_rejections(personal, 400, lambda s: paired_difference(s, np.zeros(len(s)), 0.95, None, customer).low > 0)
    assert grouped <= 0.08
    assert one_sided_rejections(personal, 400, naive) >= 0.2


def test_of_two_rows_the_interval_is_the_ordinary_t_interval():
    assert cosine_count(np.array([-1.5, 1.5])) == (1, 1.0)
    two = np.array([1.0, 4.0])
    found = paired_difference(two, np.zeros(2), 0.95)
    expected = scipy_stats.t.interval(0.90, 1, loc=two.mean(), scale=scipy_stats.sem(two))
    assert (found.low, found.high) == pytest.approx(expected)


def test_power_loss_against_the_t_test_on_independent_rows_is_small():
    series = np.random.default_rng(5).standard_normal(2000)
    found = paired_difference(series, np.zeros(2000), 0.95)
    t = scipy_stats.t.interval(0.90, 1999, loc=series.mean(), scale=scipy_stats.sem(series))
    assert (found.high - found.low) / (t[1] - t[0]) < 1.25


def test_one_row_has_a_difference_and_no_interval():
    found = paired_difference(np.array([2.0]), np.array([1.0]), 0.95)
    assert (found.value, found.low, found.high, found.df) == (1.0, None, None, 0)
    assert judge(found, 0.0) is Finding.UNDECIDED
    assert labels_to_decide(found, 0.0, 0.95) is None


def test_all_rows_at_one_time_have_no_interval():
    found = paired_difference(np.arange(5.0), np.zeros(5), 0.95, np.zeros(5))
    assert found.low is None


def test_two_equal_models_are_no_better_and_never_nan():
    found = paired_difference(np.ones(50), np.ones(50), 0.95)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert judge(found, 0.0) is Finding.NO_BETTER


@pytest.mark.parametrize(
    ("value", "low", "high", "margin", "finding"),
    [
        (-2.0, -3.0, -1.0, 0.0, Finding.BETTER),
        (-0.5, -1.5, 0.5, 1.0, Finding.BETTER),
        (-0.5, -1.5, 0.5, 0.0, Finding.UNDECIDED),
        (0.2, -0.3, 0.7, 1.0, Finding.NO_BETTER),
        (0.2, -0.3, 0.7, 0.5, Finding.UNDECIDED),
        (0.6, 0.1, 1.1, 1.0, Finding.WORSE),
        (3.0, 2.0, 4.0, 1.0, Finding.WORSE),
    ],
)
def test_a_difference_is_judged_by_both_bounds_and_the_estimate(value, low, high, margin, finding):
    assert judge(Interval(value, low, high, 1.0, 10, 100), margin) is finding


def test_the_more_neighbours_agree_the_fewer_cosines_carry_the_variance():
    random = np.random.default_rng(9)
    counts = [cosine_count(x - x.mean())[0] for x in (autoregression(random, 1000, rho) for rho in (0.0, 0.9, 0.96))]
    assert counts[0] == 39
    assert counts[0] > counts[1] > counts[2] >= 1


def test_few_neighbours_that_agree_keep_bounds_that_say_something():
    random = np.random.default_rng(4)
    days = [autoregression(random, 42, 0.7) for _ in range(400)]
    found = [paired_difference(one, np.zeros(42), 0.95) for one in days]
    assert np.mean([one.high < 0 for one in found]) <= 0.08
    assert min(one.df for one in found) >= 2
    assert np.median([one.high - one.value for one in found]) < 1.3, "the bounds of one degree of freedom are twice as wide"


def test_what_is_undecided_is_not_one_label_away_because_degrees_of_freedom_are_few():
    found = Interval(-80.0, -170.0, 10.0, variance=(90 / scipy_stats.t.ppf(0.95, 2)) ** 2, df=2, rows=1000)
    assert labels_to_decide(found, 0.0, 0.95) == pytest.approx(1000 * ((90 / 80) ** 2 - 1), abs=2)


def test_the_power_formula_gives_the_reference_example():
    assert rows_needed(0.06 - 0.005**2, 0.005, 0.95) == pytest.approx(14_800, rel=0.01)


def test_with_the_labels_that_were_named_most_checks_are_decided():
    random = np.random.default_rng(2)
    gain, rows = -0.3, 40
    first = paired_difference(random.normal(gain, 2.0, rows), np.zeros(rows), 0.95)
    planned = labels_to_decide(Interval(gain, -1.0, 1.0, 4.0 / rows, first.df, rows), 0.0, 0.95) + rows
    passes = [
        judge(paired_difference(random.normal(gain, 2.0, planned), np.zeros(planned), 0.95), 0.0) is Finding.BETTER for _ in range(300)
    ]
    assert 0.7 <= np.mean(passes) <= 0.9


def test_the_p_value_of_a_slice_is_one_half_at_its_margin():
    assert worse_p_value(Interval(0.5, 0.0, 1.0, 0.04, 20, 100), 0.5) == pytest.approx(0.5)
    assert worse_p_value(Interval(0.5, None, None, 0.0, 0, 1), 0.1) == 1.0


def test_holm_adjusts_as_defined():
    assert holm((0.01, 0.04, 0.03, 0.005)) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm(()) == ()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=60), st.floats(0.1, 1e3), st.floats(-1e3, 1e3))
def test_scaling_and_shifting_a_series_scales_and_shifts_its_interval(values, scale, shift):
    series = np.round(np.array(values), 3)
    plain, moved = mean_of_dependent(series), mean_of_dependent(series * scale)
    assert moved.mean == pytest.approx(plain.mean * scale, rel=1e-6, abs=1e-6)
    assert math.sqrt(moved.variance) == pytest.approx(math.sqrt(plain.variance) * scale, rel=1e-3, abs=1e-4 * scale)
    assert mean_of_dependent(series + shift).mean == pytest.approx(plain.mean + shift, rel=1e-6, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.permutations(list(range(24))))
def test_the_order_within_a_tie_changes_nothing(order):
    series = np.random.default_rng(0).standard_normal(48)
    day = np.repeat([0, 1], 24)
    shuffled = np.concatenate([series[:24][list(order)], series[24:]])
    assert mean_of_dependent(shuffled, day).variance == pytest.approx(mean_of_dependent(series, day).variance, rel=1e-9)


def test_blocks_are_long_where_neighbours_agree_and_short_where_they_do_not():
    random = np.random.default_rng(4)
    assert block_length(random.standard_normal(2000)) <= 6
    assert block_length(autoregression(random, 2000, 0.9)) >= 30
    assert block_length(np.ones(100)) == 1


def test_the_bootstrap_of_a_mean_agrees_with_the_paired_interval():
    random = np.random.default_rng(8)
    target = random.normal(0, 1, 1500)
    first, second = Predicted(target + random.normal(0, 1, 1500)), Predicted(target + random.normal(0, 1.2, 1500))
    losses = [row_losses("mae", target, model).values for model in (first, second)]
    exact = paired_difference(*losses, 0.95)
    drawn = bootstrap_difference("mae", target, first, second, 0.95, row_loss=losses[0] - losses[1], seed=1)
    assert drawn.value == pytest.approx(exact.value)
    assert (drawn.high - drawn.low) == pytest.approx(exact.high - exact.low, rel=0.25)


def test_the_bootstrap_is_the_same_for_the_same_seed_and_refuses_what_is_undefined():
    random = np.random.default_rng(8)
    target = random.integers(0, 2, 200)
    scores = np.column_stack([1 - 0.5 * target, 0.5 * target]) + random.normal(0, 0.01, (200, 1)) * [[-1, 1]]
    model = Predicted(target, np.clip(scores, 0, 1), (0, 1))
    other = Predicted(target, np.full((200, 2), 0.5), (0, 1))
    loss = random.random(200)
    first = bootstrap_difference("auc", target, model, other, 0.95, row_loss=loss, seed=3)
    assert first == bootstrap_difference("auc", target, model, other, 0.95, row_loss=loss, seed=3)
    assert first.low > 0.3
    assert bootstrap_difference("auc", np.ones(200, dtype=int), model, other, 0.95, row_loss=loss, seed=3) is None


def test_the_bootstrap_of_f1_covers_the_true_difference_of_dependent_rows():
    random = np.random.default_rng(12)
    hits = 0
    for seed in range(60):
        state = autoregression(random, 600, 0.8)
        target = (state > 0).astype(int)
        models = [Predicted(((state + random.normal(0, 1, 600)) > 0).astype(int), None, (0, 1)) for _ in range(2)]
        losses = [row_losses("error", target, model).values for model in models]
        found = bootstrap_difference("f1", target, *models, 0.95, row_loss=losses[0] - losses[1], seed=seed)
        hits += found.low <= 0 <= found.high
    assert hits >= 49
