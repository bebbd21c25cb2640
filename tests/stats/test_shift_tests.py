"""Effects with intervals against a tolerance, the e-detector, and the numbers of other tools."""

import numpy as np
import pytest

from volant.stats.cells import either, strongest_cell
from volant.stats.edetector import LIMIT, change_before, detector_sums, e_values, named_columns
from volant.stats.familiar import CATEGORIES, NUMBERS, Counted, counted
from volant.stats.shifts import Noise, category_size, exact_share_p, judged, lasting_p, share_size, tolerance


def noise(rows, m, k=4.0, **changes):
    ones = np.ones(len(rows))
    fields = {"variance": 1 / rows + 1 / m, "k": ones * k, "share": ones, "df": ones * np.inf}
    return Noise(**fields | {"strongest": ones * 0, "stretches": ones * np.inf} | changes)


def test_an_effect_does_not_grow_with_the_rows_but_its_interval_shrinks():
    rows = np.array([1_000.0, 10_000.0, 100_000.0])
    found = judged(np.full(3, 0.04) + 4 * (1 / rows + 1e-6), noise(rows, 1e6), 0.03)
    np.testing.assert_allclose(found.effect, 0.2, rtol=1e-6)
    assert (np.diff(found.high - found.low) < 0).all()
    assert ((found.low < 0.2) & (found.high > 0.2)).all()


def test_p_values_are_uniform_at_zero_and_large_within_the_tolerance():
    random = np.random.default_rng(0)
    rows = np.full(4_000, 2_000.0)
    none = (random.standard_normal((4_000, 4)) ** 2).sum(axis=1) / 2_000
    found = judged(none, noise(rows, np.inf), 0.0)
    assert np.quantile(found.p, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.03)
    assert np.mean(found.low > 0) < 0.04
    small = ((random.standard_normal((4_000, 4)) / np.sqrt(2_000) + [0.03, 0, 0, 0]) ** 2).sum(axis=1)
    assert np.mean(judged(small, noise(rows, np.inf), 0.03).p < 0.05) == pytest.approx(0.05, abs=0.02)


def test_design_effects_that_are_little_known_make_a_p_value_larger():
    rows = np.array([1_000.0])
    sure, unsure = (judged(np.array([0.03]), noise(rows, 1e6, df=np.array([df])), 0.0).p[0] for df in (np.inf, 8.0))
    assert unsure > 5 * sure
    one = judged(np.array([0.03]), noise(rows, 1e6, strongest=np.array([0.005]), stretches=np.array([12.0])), 0.0).p[0]
    assert one > unsure


def test_nothing_and_enormous_shifts_are_finite():
    found = judged(np.array([0.0, 1e-12, 50.0]), noise(np.array([30.0, 500.0, 1e7]), 1e5), 0.03)
    for part in (found.effect, found.low, found.high, found.p):
        assert np.isfinite(part).all()
    assert found.p[2] < 1e-9
    assert found.low[2] == pytest.approx(50**0.5, rel=0.02)


def test_the_tolerance_is_never_less_than_the_error_of_the_reference():
    assert tolerance(4, 1_000_000) == 0.03
    assert tolerance(4, 1_000) == pytest.approx(0.0632, abs=1e-4)


def test_the_chi_square_of_two_samples_is_the_textbooks():
    before, after = np.array([500.0, 300.0, 200.0]), np.array([40.0, 35.0, 25.0])
    size, k = category_size(before, after)
    expected = np.array([[540 / 1.1, 335 / 1.1, 225 / 1.1], [54 / 1.1, 33.5 / 1.1, 22.5 / 1.1]])
    chi_square = ((np.array([before, after]) - expected) ** 2 / expected).sum()
    assert k == 2
    assert size * (1000 * 100 / 1100) == pytest.approx(chi_square)


def test_rare_and_unseen_categories_are_pooled_by_their_total_count():
    before, after = np.array([9_000.0, 990.0, 4.0, 3.0, 3.0, 0.0, 0.0]), np.array([900.0, 98.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    size, k = category_size(before, after)
    assert k == 1
    assert size < 1e-3
    burst = after.copy()
    burst[5] = 60
    assert category_size(before, burst)[0] > 0.05


def test_names_that_are_all_new_and_all_rare_are_not_pooled_away_beside_a_small_reference():
    before = np.append(np.full(7, 700.0), np.zeros(5_000))
    after = np.append(np.ones(7), np.full(5_000, 200.0))
    size, k = category_size(before, after)
    assert k >= 1
    assert size > 1.0
    random = np.random.default_rng(6)
    share = np.full(300, 1 / 300)
    pairs = [(random.multinomial(600, share).astype(float), random.multinomial(600, share).astype(float)) for _ in range(400)]
    found = [category_size(*pair) for pair in pairs]
    p = judged(np.array([s for s, _ in found]), noise(np.full(400, 600.0), 600, k=np.array([float(k) for _, k in found])), 0.0).none
    assert np.mean(p <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 / 400)


def test_samples_without_rows_or_with_one_category_have_no_effect():
    assert category_size(np.zeros(3), np.ones(3)) == (0.0, 0)
    assert category_size(np.array([10.0]), np.array([5.0]))[1] == 0


def test_shares_are_compared_on_cohens_scale_and_exactly_where_few_are_expected():
    assert share_size(50, 100, np.array([50, 100]), np.array([100, 100])) == pytest.approx([0.0, (np.pi / 2) ** 2])
    assert exact_share_p(0, 10_000, 1, 1_000) == pytest.approx(2 / 11, rel=0.01)
    assert exact_share_p(0, 10_000, 10, 1_000) < 1e-8
    assert exact_share_p(5_000, 10_000, 500, 1_000) == 0.0


def test_the_largest_cell_of_many_is_found_sooner_than_by_the_chi_square_and_no_change_is_rarely_taken_for_one():
    random = np.random.default_rng(3)
    share = np.full(10, 0.1)
    moved = np.append(0.15, np.full(9, 0.85 / 9))
    before = random.multinomial(10_000, share, 2_000)
    own = [strongest_cell(row.astype(float), random.multinomial(1_000, share).astype(float), 0.03)[0] for row in before]
    for level in (0.05, 0.005):
        assert np.mean(np.array(own) <= level) <= level + 3 * np.sqrt(level / 2_000)
    found = [strongest_cell(row.astype(float), random.multinomial(1_000, moved).astype(float), 0.03) for row in before[:300]]
    sizes = [category_size(row.astype(float), random.multinomial(1_000, moved).astype(float)) for row in before[:300]]
    omnibus = judged(np.array([size for size, _ in sizes]), noise(np.full(300, 1_000.0), 1e4, k=9.0), 0.03).none
    level = 0.007 / 30
    assert np.mean([none for none, _ in found] <= np.full(300, level)) > np.mean(omnibus <= level) + 0.1
    assert all(none <= beyond for none, beyond in found)


def test_two_tests_cost_a_factor_of_two_where_both_spoke():
    assert either(np.array([0.01, 0.01, 0.9]), np.array([0.3, 1.0, 0.001])).tolist() == [0.02, 0.01, 0.002]
    assert strongest_cell(np.zeros(6), np.ones(6), 0.03) == (1.0, 1.0)
    assert strongest_cell(np.full(3, 100.0), np.array([100.0, 0.0, 0.0]), 0.03) == (1.0, 1.0)


def test_no_change_is_surer_than_not_much_change_and_evidence_to_be_added_up_is_the_most_careful():
    rows = np.array([1_000.0])
    little = noise(rows, 1e6, df=np.array([18.0]), strongest=np.array([0.002]), stretches=np.array([19.0]))
    found = judged(np.array([0.05]), little, 0.03)
    assert found.none[0] < found.p[0] < lasting_p(np.array([0.05]), little, 0.03)[0]
    sure = noise(rows, 1e6)
    assert lasting_p(np.array([0.05]), sure, 0.03)[0] == judged(np.array([0.05]), sure, 0.03).p[0]


def test_e_values_of_uniform_p_values_are_one_on_average_and_grow_as_p_falls():
    grid = (np.arange(200_000) + 0.5) / 200_000
    assert e_values(grid).mean() == pytest.approx(1.0, abs=0.15)
    assert (np.diff(e_values(np.array([1e-12, 1e-6, 0.01, 0.5, 1.0]))) < 0).all()
    assert np.isfinite(e_values(np.array([1e-300, 1.0]))).all()


def test_without_a_change_the_detector_stays_quiet_and_small_steady_shifts_are_found():
    random = np.random.default_rng(1)
    p = random.uniform(size=(300, 20))
    ones = np.ones(20)
    assert not named_columns(detector_sums(p, ones)).any()
    p[200:, 3] = random.beta(0.25, 4, 100)
    named = named_columns(detector_sums(p, ones))
    assert named[-1].tolist() == [column == 3 for column in range(20)]
    first = int(np.argmax(named[:, 3]))
    assert 200 < first < 230
    assert 195 <= change_before(p[:, 3], first) <= 210


def test_windows_in_runs_that_resemble_each_other_count_as_one_and_unknown_ones_not_at_all():
    p = np.full((6, 1), 0.01)
    alone, in_runs = (detector_sums(p, np.array([run]))[-1, 0] for run in (1.0, 6.0))
    assert alone > 100 * in_runs
    assert detector_sums(np.array([[0.01], [np.nan]]), np.ones(1))[:, 0].tolist() == [detector_sums(p[:1], np.ones(1))[0, 0]] * 2


def test_an_alarm_ends_soon_after_its_cause():
    p = np.concatenate([np.full((20, 1), 1e-12), np.full((10, 1), 0.9)])
    sums = detector_sums(p, np.ones(1))
    assert sums.max() <= 2 * LIMIT
    assert not named_columns(sums)[25:].any()


# From evidently 0.7.23 and nannyml 0.13.1 on these very rows; benchmarks/drift_agreement.py compares many more.
BEFORE = np.round(np.sin(np.arange(1, 401) * 12.9898) * 50 + np.arange(400) % 7, 2)
AFTER = np.round(np.sin(np.arange(1, 151) * 78.233) * 40 + 5, 2)
NAMES_BEFORE, NAMES_AFTER = np.array([120.0, 60.0, 20.0, 0.0]), np.array([30.0, 25.0, 3.0, 2.0])
GOLDEN_NUMBERS = {
    "psi (evidently)": 2.5888163472618855,
    "js (evidently)": 0.3660150313783399,
    "wasserstein (evidently)": 0.17950251014470567,
    "ks p (evidently)": 3.283056909623356e-05,
    "js (nannyml)": 0.4627272920966134,
    "hellinger (nannyml)": 0.4507150840731309,
    "wasserstein (nannyml)": 6.360208333333333,
    "ks (nannyml)": 0.2225,
}
GOLDEN_NAMES = {
    "psi (evidently)": 0.28427217456556647,
    "js (evidently)": 0.1511458099014946,
    "chi-square p (evidently)": 0.0,
    "js (nannyml)": 0.181544619266862,
    "hellinger (nannyml)": 0.167371962356021,
    "l-infinity (nannyml)": 0.1166666666666667,
    "chi-square (nannyml)": 10.692583120204601,
}


@pytest.mark.parametrize("name", GOLDEN_NUMBERS)
def test_numbers_are_compared_as_other_tools_do(name):
    assert NUMBERS[name](counted(BEFORE, AFTER)) == pytest.approx(GOLDEN_NUMBERS[name], abs=1e-9)


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_categories_are_compared_as_other_tools_do(name):
    assert CATEGORIES[name](NAMES_BEFORE, NAMES_AFTER) == pytest.approx(GOLDEN_NAMES[name], abs=1e-9)


def test_every_number_of_other_tools_has_a_golden_value():
    assert set(NUMBERS) == set(GOLDEN_NUMBERS)
    assert set(CATEGORIES) == set(GOLDEN_NAMES)


def test_a_histogram_gives_nearly_what_the_rows_give():
    random = np.random.default_rng(5)
    before, after = random.standard_normal(20_000), random.standard_normal(5_000) + 0.3
    edges = np.quantile(before, np.linspace(0, 1, 257))
    centres = (edges[:-1] + edges[1:]) / 2
    counts = [np.histogram(np.clip(rows, edges[0], edges[-1]), edges)[0].astype(float) for rows in (before, after)]
    exact, sketch = counted(before, after), Counted(centres, *counts)
    for name in ("js (evidently)", "wasserstein (evidently)", "hellinger (nannyml)", "ks (nannyml)"):
        assert NUMBERS[name](sketch) == pytest.approx(NUMBERS[name](exact), rel=0.12), name
