"""Slices by conditions: read, written, and asked of columns."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.gates.conditions import Condition, columns_behind, holds, is_conditions, parse_slice, slice_text, sliced, sliced_name
from volant.kernel.errors import InvalidInputError

NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: float(f"{value:.12g}"))
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
CONDITIONS = st.one_of(
    st.builds(lambda column, ends: Condition(column=column, low=min(ends), high=max(ends)), NAMES, st.tuples(NUMBERS, NUMBERS)),
    st.builds(lambda column, low: Condition(column=column, low=low), NAMES, NUMBERS),
    st.builds(lambda column, high: Condition(column=column, high=high), NAMES, NUMBERS),
    st.builds(lambda column, value: Condition(column=column, value=value), NAMES, NAMES),
    st.builds(lambda column: Condition(column=column, missing=True), NAMES),
)


@given(st.lists(CONDITIONS, min_size=1, max_size=4))
def test_whatever_is_written_is_read_back(conditions):
    assert parse_slice(slice_text(conditions)) == tuple(conditions)


def test_plain_names_are_written_as_people_write_them():
    found = parse_slice("hour in 17..19 and holiday = yes and temp <= -3.5 and wind is missing")
    assert slice_text(found) == "hour in 17..19 and holiday = yes and temp <= -3.5 and wind is missing"
    assert parse_slice('"is it" = "a and b"') == (Condition(column="is it", value="a and b"),)


@pytest.mark.parametrize("text", ["", "season", "hour in 17", "a = 1 and", "a = 1 or b = 2", "a = 1 b = 2", " and ", "hour in x..y"])
def test_what_is_no_slice_is_refused_with_an_example(text):
    with pytest.raises(InvalidInputError, match="names no slice") as refused:
        parse_slice(text)
    assert "hour in 17..19" in refused.value.next_step


def test_conditions_hold_for_the_rows_they_name_and_for_nothing_that_is_missing():
    numbers = pl.Series([1.0, 2.0, None, float("nan"), float("inf")])
    assert holds(Condition(column="x", low=1.5), numbers).tolist() == [False, True, False, False, False]
    assert holds(Condition(column="x", value="2"), numbers).tolist() == [False, True, False, False, False]
    assert holds(Condition(column="x", value="two"), numbers).tolist() == [False] * 5
    assert holds(Condition(column="x", missing=True), numbers).tolist() == [False, False, True, True, True]
    names = pl.Series(["a", None, "b"])
    assert holds(Condition(column="x", value="a"), names).tolist() == [True, False, False]
    assert holds(Condition(column="x", missing=True), names).tolist() == [False, True, False]
    assert holds(Condition(column="x", low=0.0), names).tolist() == [False] * 3
    assert holds(Condition(column="x", value="true"), pl.Series([True, False])).tolist() == [True, False]
    assert holds(Condition(column="x", missing=True), pl.Series([None, None])).all()


def test_rows_lie_inside_or_elsewhere_and_a_column_that_is_not_there_is_named():
    columns = {"hour": pl.Series([17, 18, 3]), "sky": pl.Series(["rain", "snow", "rain"])}
    assert sliced("hour in 17..20 and sky = rain", columns).tolist() == ["inside", "elsewhere", "elsewhere"]
    with pytest.raises(InvalidInputError, match="'wind'"):
        sliced("wind is missing", columns)


def test_a_column_that_is_named_like_a_condition_is_a_column():
    assert columns_behind("a = b", ["a = b"]) == ("a = b",)
    assert columns_behind("a = b and c <= 2", ["a", "c"]) == ("a", "c")
    assert not is_conditions("season")


def test_a_slice_is_told_by_its_conditions():
    assert sliced_name("hour >= 17", "inside") == "hour >= 17"
    assert sliced_name("hour >= 17", "elsewhere") == "not (hour >= 17)"
    assert sliced_name("place", "inside") == "place = inside"


def test_long_texts_are_read_in_time_that_grows_with_their_length():
    with pytest.raises(InvalidInputError):
        parse_slice("a = 1 and " * 50_000)
    assert np.array_equal(sliced("x is missing", {"x": pl.Series([], dtype=pl.Float64)}), [])
