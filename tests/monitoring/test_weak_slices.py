"""Weak slices: found where one is, on other rows than those it is told of, and said to be none where none is."""

import numpy as np
import polars as pl
import pytest

from volant.gates.conditions import parse_slice
from volant.monitoring.weak_slices import FEWEST_ROWS, Losses, find_slices
from volant.stats.slice_search import Cells, weakest


def rows(seed, count, *, weak=None, groups=None):
    random = np.random.default_rng(seed)
    inputs = {
        "hour": pl.Series(random.integers(0, 24, count)),
        "temp": pl.Series(random.normal(15, 5, count)),
        "sky": pl.Series(random.choice(["clear", "rain", "snow"], count)),
        "wind": pl.Series(np.where(random.random(count) < 0.1, np.nan, random.exponential(1, count))),
        "same": pl.Series(["x"] * count),
        "empty": pl.Series([None] * count, dtype=pl.Float64),
    }
    losses = np.abs(random.normal(0, 1, count))
    if weak is not None:
        losses = np.where(weak(inputs), 2.5 * losses, losses)
    return Losses(losses, np.arange(count), inputs, groups)


def found(data, **changes):
    return find_slices(data, source="live", loss="mae", **changes)


def evening_rain(inputs):
    return inputs["hour"].is_between(17, 20).to_numpy() & (inputs["sky"] == "rain").to_numpy()


def test_two_conditions_that_matter_together_are_found_with_an_honest_size():
    said = found(rows(1, 6_000, weak=evening_rain))
    (first, *others) = said.slices
    assert first.text == "hour in 17..20 and sky = rain"
    assert parse_slice(first.text) == first.conditions
    assert others == []
    assert first.low < 2.5 < first.high
    assert 0.04 < first.share_of_rows < 0.07 < first.share_of_loss < 0.2
    assert said.searched + said.confirmed == 6_000
    assert first.rows < said.confirmed


def test_missing_values_can_be_a_slice():
    said = found(rows(2, 6_000, weak=lambda inputs: inputs["wind"].is_nan().to_numpy()))
    assert [one.text for one in said.slices] == ["wind is missing"]


def test_where_nothing_is_weak_seldom_is_anything_said():
    assert sum(bool(found(rows(seed, 2_000)).slices) for seed in range(20)) <= 2


def test_a_slice_that_is_weak_in_the_searched_half_only_is_not_confirmed():
    data = rows(3, 6_000)
    weak = np.where((np.arange(6_000) < 3_000) & evening_rain(data.inputs), 4 * data.values, data.values)
    said = found(Losses(weak, data.times, data.inputs))
    assert said.slices == ()
    assert "hour in 17..20 and sky = rain" in said.unconfirmed


def test_rows_of_one_time_or_of_one_of_many_groups_are_in_one_half_only():
    groups = np.repeat(np.arange(60), 100).astype(str)
    data = rows(4, 6_000, weak=evening_rain, groups=groups)
    said = found(Losses(data.values, np.arange(6_000) // 600, data.inputs, groups))
    assert said.searched + said.confirmed < 4_000
    assert said.slices == () or said.slices[0].text.startswith("hour")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (rows(5, 10), "10 labelled rows"),
        (Losses(np.ones(500), np.arange(500), {"x": pl.Series(range(500))}), "same loss"),
        (Losses(np.arange(500.0), np.arange(500), {}), "no inputs"),
        (Losses(np.arange(500.0) - 250, np.arange(500), {"x": pl.Series(range(500))}), "below zero"),
        (Losses(np.arange(500.0), np.arange(500), {"x": pl.Series([1.0] * 500), "y": pl.Series([None] * 500)}), "no input can be cut"),
    ],
)
def test_rows_that_cannot_be_searched_say_why(data, why):
    said = found(data)
    assert said.slices == ()
    assert why in said.why_not


def test_all_rows_at_one_time_are_never_confirmed_on_themselves():
    data = rows(6, FEWEST_ROWS, weak=evening_rain)
    said = found(Losses(data.values, np.zeros(FEWEST_ROWS, dtype=np.int64), data.inputs))
    assert said.slices == ()
    assert min(said.searched, said.confirmed) == 0


def test_the_search_finds_what_trying_every_slice_by_hand_finds():
    random = np.random.default_rng(7)
    codes = [random.integers(0, 4, 3_000) for _ in range(3)]
    losses = random.exponential(1, 3_000) * np.where((codes[0] == 2) & (codes[2] == 1), 3.0, 1.0)
    cells = [Cells(code, np.eye(4, dtype=bool)) for code in codes]
    (best, *_) = weakest(cells, losses, 3, 30)
    assert set(best.parts) == {(0, 2), (2, 1)}
    inside = (codes[0] == 2) & (codes[2] == 1)
    spread = np.sqrt(max(losses[inside].var(), losses.var()) * (1 / inside.sum() + 1 / (~inside).sum()))
    assert best.score == pytest.approx((losses[inside].mean() - 1.1 * losses[~inside].mean()) / spread)
