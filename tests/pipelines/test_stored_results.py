"""Values of every kind come back from the store exactly, and equal values give equal bytes."""

import datetime as dt
import math
from collections import OrderedDict

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.pipelines.codecs import UnstorableError, decode, encode

UTC = dt.UTC
WIDE = pl.DataFrame(
    {
        "i": pl.Series([1, None, -(2**62)], dtype=pl.Int64),
        "u": pl.Series([0, 255, None], dtype=pl.UInt8),
        "f": [float("nan"), float("inf"), None],
        "s": ["a", None, "\u2603 \U0001f600"],
        "b": [True, None, False],
        "d": [dt.date(2020, 1, 1), None, dt.date(1, 1, 1)],
        "t": pl.Series([dt.datetime(2020, 1, 1, tzinfo=UTC), None, None], dtype=pl.Datetime("us", "UTC")),
        "c": pl.Series(["x", "y", None], dtype=pl.Categorical),
        "e": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
        "l": [[1, 2], None, []],
        "n": [{"a": 1, "b": None}, {"a": None, "b": "z"}, None],
        "y": [b"\x00\xff", None, b""],
    }
)


def again(value):
    stored = encode(value)
    return stored.codec, decode(stored.codec, stored.data)


def test_polars_frames_come_back_with_every_type():
    codec, back = again(WIDE)
    assert codec == "polars"
    assert back.schema == WIDE.schema
    assert back.equals(WIDE, null_equal=True)
    assert again(WIDE.head(0))[1].schema == WIDE.schema
    assert again(pl.DataFrame({"a b\n\0": [1]}))[1].columns == ["a b\n\0"]
    assert again(pl.DataFrame())[1].shape == (0, 0)


def test_series_and_lazy_frames_stay_what_they_are():
    series = pl.Series("y", [1, None], dtype=pl.Int16)
    codec, back = again(series)
    assert (codec, back.name, back.dtype, back.to_list()) == ("polars-series", "y", pl.Int16, [1, None])
    codec, back = again(pl.LazyFrame({"a": [1]}).select(pl.col("a") + 1))
    assert (codec, type(back), back.collect()["a"].to_list()) == ("polars-lazy", pl.LazyFrame, [2])


def test_bytes_do_not_depend_on_how_a_frame_was_put_together():
    whole = pl.DataFrame({"a": range(1000), "s": [str(n) for n in range(1000)]})
    parts = pl.concat([whole[:1], whole[1:777], whole[777:]], rechunk=False)
    sliced = pl.concat([whole, whole])[1000:]
    assert parts.n_chunks() == 3
    assert encode(parts).data == encode(whole).data
    assert encode(sliced).data == encode(whole).data


@pytest.mark.parametrize(
    ("frame", "codec"),
    [
        (pd.DataFrame({"a": [1, 2], "b": [0.5, math.nan], "c": [True, False]}), "pandas"),
        (pd.DataFrame({"a": np.array([1], dtype="uint8"), "b": np.array([1], dtype="float32")}), "pandas"),
        (pd.DataFrame({"a": ["x", None]}), "pickle"),
        (pd.DataFrame({"a": [1]}, index=[7]), "pickle"),
        (pd.DataFrame({1: [1], (2, 3): [4]}), "pickle"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "pickle"),
        (pd.DataFrame({"a": pd.Categorical(["x", "y"]), "t": pd.to_datetime(["2020", None])}), "pickle"),
        (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), "pickle"),
        (pd.DataFrame({"a": []}, dtype="float64"), "pandas"),
    ],
)
def test_pandas_frames_come_back_exactly(frame, codec):
    found, back = again(frame)
    assert found == codec
    pd.testing.assert_frame_equal(back, frame, check_exact=True, check_index_type="exact", check_column_type="exact", check_flags=True)
    if codec == "pandas":
        assert encode(frame).data == encode(back).data


def test_pandas_series_and_named_frames_are_kept_whole():
    series = pd.Series([1, 2], name="y", index=["a", "b"])
    pd.testing.assert_series_equal(again(series)[1], series)
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["unit"] = "m"
    assert again(frame)[1].attrs == {"unit": "m"}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.array([], dtype="datetime64[us]"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["a", "bc"]),
        np.array([True]),
        np.array([1 + 2j, complex(math.nan, 0)]),
        np.array([{"a": 1}, None], dtype=object),
        np.ma.masked_array([1, 2], mask=[True, False]),
    ],
    ids=repr,
)
def test_arrays_come_back_exactly(array):
    codec, back = again(array)
    assert type(back) is type(array)
    assert (back.dtype, back.shape, back.flags.f_contiguous) == (array.dtype, array.shape, array.flags.f_contiguous)
    assert repr(back) == repr(array)
    assert codec == ("pickle" if array.dtype.hasobject or type(array) is not np.ndarray else "numpy")


def exactly(left, right):
    """Equal in value, type, order and sign of zero."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(exactly(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(exactly, left, right))
    return repr(left) == repr(right)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4) | st.tuples(inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_plain_values_come_back_exactly_whatever_they_are(value):
    assert exactly(again(value)[1], value)


@pytest.mark.parametrize(
    ("value", "codec"),
    [
        ({"b": 1, "a": [None, True, 1.5, "x"]}, "json"),
        ({"a": math.nan}, "pickle"),
        ({1: 2}, "pickle"),
        ((1, 2), "pickle"),
        (2**64, "pickle"),
        (OrderedDict(a=1), "pickle"),
        (np.float64(1.0), "pickle"),
        ("\ud800", "pickle"),
        ({"a": {1, 2}}, "pickle"),
    ],
    ids=repr,
)
def test_json_is_used_only_where_it_gives_the_same_back(value, codec):
    found, back = again(value)
    assert found == codec
    assert exactly(back, value) or back == value


def test_deep_and_circular_values_do_no_harm():
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]
    assert again(deep)[0] == "pickle"
    circle: list[object] = []
    circle.append(circle)
    codec, back = again(circle)
    assert codec == "pickle"
    assert back[0] is back


class Unreadable:
    def __reduce__(self):
        return (int, ("not a number",))


@pytest.mark.parametrize("value", [lambda: 1, (n for n in [1]), Unreadable(), open], ids=["lambda", "generator", "unreadable", "open"])
def test_what_cannot_be_kept_says_so(value):
    if value is open:
        assert again(value)[1] is open
        return
    with pytest.raises(UnstorableError, match="cannot be pickled"):
        encode(value)
