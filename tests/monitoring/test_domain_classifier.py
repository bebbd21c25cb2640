"""Rows that moved together: seen though no margin moved, and not seen where weather is all there is."""

import numpy as np
import polars as pl
import pytest

from volant.monitoring.domain_classifier import matrix, told_apart

COLUMNS = 6
NAMED = np.zeros(COLUMNS, dtype=bool)


def independent(seed, rows, tied=0.0):
    found = np.random.default_rng(seed).normal(size=(rows, COLUMNS))
    found[:, 1] = tied * found[:, 0] + np.sqrt(1 - tied**2) * found[:, 1]
    return found


def weather(seed, rows):
    """Every column keeps to where it was for hundreds of rows."""
    random = np.random.default_rng(seed)
    found = random.normal(size=(rows, COLUMNS)) * np.sqrt(1 - 0.997**2)
    for row in range(1, rows):
        found[row] += 0.997 * found[row - 1]
    return found


def test_a_dependence_that_is_new_is_seen_and_both_columns_named():
    found = told_apart(independent(1, 4_000), independent(2, 700, tied=0.8), NAMED, seed=0)
    assert found.drifted
    assert found.auc > 0.6
    assert found.usual == pytest.approx(0.5, abs=0.05)
    assert set(np.argsort(found.lost)[-2:]) == {0, 1}
    assert found.lost[2:].max() < 0.03


def test_rows_of_the_same_kind_cannot_be_told_apart():
    assert not any(told_apart(independent(seed, 2_000), independent(100 + seed, 500), NAMED, seed=seed).drifted for seed in range(6))


def test_weather_that_lasts_is_no_drift():
    alarms, tempted = 0, 0
    for seed in range(4):
        rows = weather(seed, 4_400)
        found = told_apart(rows[:4_000], rows[4_000:], NAMED, seed=seed)
        alarms, tempted = alarms + found.drifted, tempted + (found.p_rows <= 0.01)
    assert alarms == 0
    assert tempted > 0


def test_a_reference_too_short_for_stretches_says_so():
    found = told_apart(independent(1, 900), independent(2, 600, tied=0.9), NAMED, seed=0)
    assert (found.p_stretches, found.usual, found.stretches) == (None, None, 0)
    assert found.drifted


def test_constant_columns_say_nothing():
    same = np.ones((500, COLUMNS))
    found = told_apart(same, same[:200], NAMED, seed=0)
    assert (found.auc, found.drifted) == (0.5, False)


def test_columns_become_numbers_whatever_they_hold():
    reference = {"f:x": pl.Series([1.0, None, float("inf")]), "f:c": pl.Series("c", ["b", "b", "a"])}
    window = {"f:x": pl.Series([None, None], dtype=pl.Null), "f:c": pl.Series("c", ["a", "new"])}
    before, after, named = matrix(reference, window)
    assert before[:, 1].tolist() == [0, 0, 1]
    assert after[:, 1].tolist() == [1, 2]
    assert np.isnan(before[1:, 0]).all()
    assert np.isnan(after[:, 0]).all()
    assert named.tolist() == [False, True]
