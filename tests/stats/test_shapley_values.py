"""Attributions of models whose attributions are known."""

import numpy as np
import polars as pl
import pytest

from volant.stats.shapley import orders_within, shapley_values


def rows(seed, count):
    random = np.random.default_rng(seed)
    return pl.DataFrame({name: random.normal(size=count) for name in ("a", "b", "c")} | {"id": np.arange(count)})


def answered(function):
    def answers(frame):
        return np.asarray(function(frame["a"].to_numpy(), frame["b"].to_numpy(), frame["c"].to_numpy()), dtype=float).reshape(
            frame.height, -1
        )

    return answers


def test_a_sum_is_shared_out_exactly_whatever_the_orders():
    own, background = rows(1, 50), rows(2, 1)
    values = shapley_values(answered(lambda a, b, c: 3 * a - 2 * b + 0 * c), own, background, ["a", "b", "c"], pairs=1, seed=5)
    assert values.shape == (50, 3, 1)
    assert values[:, 0, 0] == pytest.approx(3 * (own["a"].to_numpy() - background["a"][0]))
    assert values[:, 1, 0] == pytest.approx(-2 * (own["b"].to_numpy() - background["b"][0]))
    assert np.abs(values[:, 2]).max() < 1e-12


def test_a_product_of_two_columns_is_shared_evenly_between_them():
    own, background = rows(3, 20), pl.DataFrame({"a": [0.0], "b": [0.0], "c": [0.0], "id": [0]})
    values = shapley_values(answered(lambda a, b, c: a * b + 0 * c), own, background, ["a", "b", "c"], pairs=1, seed=0)
    half = own["a"].to_numpy() * own["b"].to_numpy() / 2
    assert values[:, 0, 0] == pytest.approx(half)
    assert values[:, 1, 0] == pytest.approx(half)


def test_values_of_a_row_add_up_to_what_its_answer_differs_by():
    own, background = rows(4, 30), rows(5, 1)
    function = answered(lambda a, b, c: np.column_stack([np.exp(a) * (b > c), a * b * c]))
    values = shapley_values(function, own, background, ["a", "b", "c"], pairs=2, seed=1)
    assert values.sum(axis=1) == pytest.approx(function(own) - function(background))


def test_the_same_seed_gives_the_same_values():
    own, background = rows(6, 10), rows(7, 30)
    function = answered(lambda a, b, c: a * b + np.sin(c))
    first, second = (shapley_values(function, own, background, ["a", "b", "c"], pairs=2, seed=9) for _ in range(2))
    assert (first == second).all()


def test_what_it_costs_is_bounded():
    assert orders_within(200_000, 800, 12) == 4
    assert orders_within(200_000, 800, 60) == 2
    assert orders_within(200_000, 800, 5_000) == 1
