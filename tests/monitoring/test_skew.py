"""The same rows trained on and served, value by value; and what came right after a release."""

import numpy as np
import polars as pl
import pytest

from volant.monitoring.drift_reference import reference_of
from volant.monitoring.skew import compared_rows, release_shifts

ROWS = [f"r{number}" for number in range(100)]
VALUES = np.linspace(1, 7, 100)


def compared(trained, served):
    (found,) = compared_rows(ROWS, {"x": pl.Series(trained)}, {"x": pl.Series(served)})
    return found


@pytest.mark.parametrize(
    ("served", "pattern"),
    [
        (VALUES * 3.6, "served is 3.6 times the other"),
        (VALUES + 2, "served is the other + 2"),
        (VALUES - 0.5, "served is the other - 0.5"),
        (np.zeros(100), "served is always 0"),
        (np.where(np.arange(100) < 97, VALUES * 2, 11.0), "served is 2 times the other"),
        (VALUES[::-1] ** 2, None),
    ],
)
def test_what_the_differences_have_in_common_is_said(served, pattern):
    found = compared(VALUES, served)
    assert found.pattern == pattern
    assert found.share > 0.95


def test_a_few_rows_that_differ_are_counted_with_an_example():
    found = compared(VALUES, np.where(np.arange(100) == 40, -1.0, VALUES))
    assert (found.differing, found.row, found.served) == (1, "r40", "-1.0")
    assert found.low < 0.01 < found.high
    assert found.pattern is None


def test_single_precision_is_no_difference():
    assert compared(VALUES, VALUES.astype(np.float32)).differing == 0
    assert compared([1] * 100, [1.0] * 100).differing == 0


def test_a_value_that_is_missing_on_one_side_differs_and_on_both_does_not():
    trained = [None if number < 10 else float(number) for number in range(100)]
    served = [None if number % 10 == 0 else float(number) for number in range(100)]
    found = compared(trained, served)
    assert (found.missing_served, found.missing_trained, found.differing) == (9, 9, 18)
    assert compared([None] * 100, pl.Series([None] * 100, dtype=pl.Null)).differing == 0
    assert compared([float("nan")] * 100, [None] * 100).differing == 0


def test_texts_that_differ_in_spelling_only_are_told_as_such():
    assert compared(["Rain"] * 100, ["rain"] * 100).pattern == "only upper and lower case differ"
    assert compared(["rain"] * 100, [" rain"] * 100).pattern == "only spaces differ"
    assert compared(["1"] * 100, ["1.0"] * 100).pattern == "only the spelling of a number differs"
    assert compared(["a"] * 100, ["b"] * 100).pattern is None
    assert compared(VALUES, [str(value) for value in VALUES]).differing == 0


def test_no_rows_are_no_differences():
    (found,) = compared_rows([], {"x": pl.Series([], dtype=pl.Float64)}, {"x": pl.Series([], dtype=pl.Float64)})
    assert (found.compared, found.share, found.row) == (0, 0.0, None)


def history(seed, rows, warmer=0.0):
    random = np.random.default_rng(seed)
    return {
        "f:temp": pl.Series(random.normal(15 + warmer, 5, rows)),
        "f:sky": pl.Series("f:sky", random.choice(["clear", "rain"], rows)),
        "f:id": pl.Series(np.arange(rows)),
    }


def test_a_jump_right_after_the_release_is_skew_and_a_slow_change_before_it_is_not():
    cold, warm = history(1, 8_000), history(2, 2_000, warmer=6.0)
    learned = {name: pl.concat([cold[name], warm[name]]) for name in cold}
    whole = reference_of(learned, model="m", version=1)
    newest = {name: column.tail(2_000) for name, column in learned.items()}
    after = pl.DataFrame(history(3, 2_000, warmer=6.0))
    assert not any(shift.skewed for shift in release_shifts(newest, after, whole))
    jumped = release_shifts(newest, after.with_columns(pl.col("f:temp") * 1.8 + 32), whole)
    assert [shift.name for shift in jumped if shift.skewed] == ["temp"]
    assert {"temp", "sky"} <= {shift.name for shift in jumped}


def test_values_that_are_missing_after_the_release_are_skew():
    learned = history(1, 5_000)
    after = pl.DataFrame(history(2, 1_000)).with_columns(pl.when(pl.int_range(pl.len()) % 5 > 0).then("f:temp").alias("f:temp"))
    found = release_shifts(
        {name: column.tail(1_000) for name, column in learned.items()}, after, reference_of(learned, model="m", version=1)
    )
    assert found[0].name == "temp missing"
    assert found[0].skewed
