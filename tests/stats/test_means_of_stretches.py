import numpy as np
import pytest

from volant.stats.stretches import mean_of_stretches


def test_the_mean_is_that_of_all_values_and_the_spread_that_between_stretches():
    values = np.repeat([1.0, 2.0, 3.0, 6.0], 50)
    found = mean_of_stretches(values, 4)
    assert (found.mean, found.df, found.units) == (3.0, 3, 4)
    assert found.variance == pytest.approx(np.var([1, 2, 3, 6], ddof=1) / 4)


def test_one_loud_stretch_of_many_rows_says_little_about_the_time_to_come():
    random = np.random.default_rng(0)
    values = random.normal(0, 0.1, 8000)
    values[3000:4000] -= 1
    found = mean_of_stretches(values)
    assert found.mean < -0.1
    assert found.mean + 2 * found.variance**0.5 > 0, "by rows it would be beyond doubt: 1/80 of its size"


def test_a_few_rows_are_their_own_stretches_and_one_says_nothing_about_spread():
    assert mean_of_stretches(np.array([1.0, 3.0])).df == 1
    assert not mean_of_stretches(np.array([1.0])).known


def test_white_noise_is_called_different_from_zero_as_often_as_stated():
    from scipy.stats import t

    random = np.random.default_rng(1)
    found = [mean_of_stretches(random.normal(0, 1, 400)) for _ in range(2000)]
    alarms = np.mean([abs(one.mean) > t.ppf(0.975, one.df) * one.variance**0.5 for one in found])
    assert 0.035 < alarms < 0.065
