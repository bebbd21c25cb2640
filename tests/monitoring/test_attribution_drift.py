"""Weights of columns before and now."""

import numpy as np
import pytest

from volant.monitoring.attribution import sampled, weighed


def values(seed, rows, scales):
    return np.random.default_rng(seed).normal(size=(rows, len(scales), 1)) * np.array(scales)[None, :, None]


def test_a_column_that_carries_more_is_named_with_both_ranks():
    chosen = sampled(4_000, 300, 400, 0)
    scale, columns = weighed(["a", "b", "c"], values(1, 400, (3, 1, 1)), values(2, 400, (3, 6, 1)), chosen)
    (first, *others) = columns
    assert (first.name, first.drifted, first.rank_before, first.rank_after) == ("b", True, first.rank_before, 1)
    assert first.low < 1.0 < first.high
    assert not any(column.drifted for column in others)
    assert sum(column.before for column in columns) == pytest.approx(1)
    assert scale == pytest.approx(5 * np.sqrt(2 / np.pi), rel=0.1)


def test_where_nothing_changed_seldom_is_anything_said():
    names = [f"x{number}" for number in range(8)]
    alarms = 0
    for seed in range(100):
        _, columns = weighed(names, values(seed, 400, (1,) * 8), values(1_000 + seed, 400, (1,) * 8), sampled(4_000, 300, 400, seed))
        alarms += any(column.drifted for column in columns)
    assert alarms <= 3


def test_stretches_of_the_reference_that_differ_excuse_a_window_that_differs_as_much():
    chosen = sampled(10_000, 500, 400, 0)
    level = np.exp(np.random.default_rng(3).normal(0, 0.7, chosen.count))
    before = values(4, 400, (1, 1)) * np.column_stack([level[chosen.stretches], np.ones(400)])[:, :, None]
    after = values(5, 400, (2.5, 1))
    _, columns = weighed(["a", "b"], before, after, chosen)
    assert not columns[0].drifted
    steady = values(4, 400, (1, 1))
    assert weighed(["a", "b"], steady, after, chosen)[1][0].drifted


def test_a_model_that_answers_all_rows_alike_has_no_weights():
    scale, columns = weighed(["a"], np.zeros((400, 1, 1)), np.zeros((400, 1, 1)), sampled(400, 400, 400, 0))
    assert scale == 0
    assert (columns[0].change, columns[0].drifted) == (0.0, False)


def test_a_short_reference_is_one_stretch():
    chosen = sampled(150, 100, 400, 0)
    assert (len(chosen.rows), chosen.count) == (150, 1)
