from datetime import date

import numpy as np
import polars as pl
import pytest

from volant.data.model import Column, Dtype
from volant.data.profile import BINS, SAMPLE, profile_frame
from volant.data.reading import read_frame, sniff
from volant.kernel.codec import canonical, decode


def profile(values, dtype):
    frame = pl.DataFrame({"a": values})
    return profile_frame(frame, [Column(name="a", dtype=dtype, nullable=True)]).columns[0]


def test_numbers_are_summed_up_without_what_is_missing():
    found = profile([1.0, 2.0, float("nan"), None, 3.0, float("inf")], Dtype.FLOAT)
    assert (found.count, found.missing, found.minimum, found.maximum, found.mean) == (4, 2, 1.0, 3.0, 2.0)
    assert found.sd == pytest.approx(1.0)
    assert found.quantiles["0.5"] == 2.0
    assert sum(found.histogram.counts) == 3
    assert found.warnings == ("2 missing (33.3%)", "1 infinite values")


def test_a_histogram_has_at_most_thirty_bins_that_hold_every_value():
    found = profile(list(np.linspace(-5, 7, 1000)), Dtype.FLOAT)
    assert len(found.histogram.counts) == BINS
    assert (found.histogram.edges[0], found.histogram.edges[-1]) == (-5, 7)
    assert sum(found.histogram.counts) == 1000


def test_few_whole_numbers_get_a_bin_each():
    found = profile([1, 1, 2, 4], Dtype.INT)
    assert found.histogram.counts == (2, 1, 0, 1)
    assert [(f.value, f.count) for f in found.frequent] == [(1, 2), (2, 1), (4, 1)]
    assert found.zeros == 0


def test_text_shows_its_commonest_values_cut_to_length():
    found = profile(["x" * 500, "b", "b", None], Dtype.STRING)
    assert [(f.value[:2], len(f.value), f.count) for f in found.frequent] == [("b", 1, 2), ("xx", 80, 1)]
    assert found.distinct == 2
    assert found.histogram is None


def test_dates_show_their_span_as_text():
    found = profile([date(2011, 1, 1), date(2012, 1, 1)], Dtype.DATE)
    assert (found.minimum, found.maximum) == ("2011-01-01", "2012-01-01")
    assert sum(found.histogram.counts) == 2


@pytest.mark.parametrize(
    ("values", "dtype", "says"),
    [
        ([None, None], Dtype.FLOAT, "no value in any row"),
        ([5, 5], Dtype.INT, "the same value in every row"),
        ([5, None], Dtype.INT, "only one value besides missing"),
        ([f"id{i}" for i in range(200)], Dtype.STRING, "differs in nearly every row"),
        ([0.5 + i % 2 for i in range(9999)] + [1e9], Dtype.FLOAT, "a value 100 standard deviations from the mean"),
    ],
)
def test_what_looks_wrong_is_warned_of(values, dtype, says):
    if dtype is Dtype.FLOAT:
        values = pl.Series(values, dtype=pl.Float64)
    assert says in profile(values, dtype).warnings


@pytest.mark.parametrize("values", [[1e308, -1e308], [5e-324, 0.0], [float("inf")] * 3, [2.0**53, 2.0**53 + 2]])
def test_extreme_numbers_do_not_break_a_profile(values):
    assert profile(values, Dtype.FLOAT).count == len(values)


def test_a_table_without_rows_has_a_profile():
    frame = pl.DataFrame(schema={"a": pl.Float64, "s": pl.String, "d": pl.Date})
    columns = [Column(name=n, dtype=d, nullable=True) for n, d in (("a", Dtype.FLOAT), ("s", Dtype.STRING), ("d", Dtype.DATE))]
    assert profile_frame(frame, columns).rows == 0


def test_large_tables_are_sampled_and_say_so_but_counts_are_of_all_rows():
    rows = SAMPLE * 2 + 1
    frame = pl.DataFrame({"a": np.arange(rows)})
    found = profile_frame(frame, [Column(name="a", dtype=Dtype.INT, nullable=False)])
    assert (found.rows, found.columns[0].count, found.columns[0].maximum) == (rows, rows, rows - 1)
    assert found.sampled <= SAMPLE
    assert abs(found.columns[0].distinct - rows) < 0.05 * rows


@pytest.mark.data
def test_the_profile_of_a_real_file_is_small_and_survives_storage(data_folder):
    path = data_folder / "nyc2013_weather.csv"
    table = sniff(path)
    found = profile_frame(read_frame(path, table.format, table.columns, trusted=True), table.columns)
    text = canonical(found)
    assert len(text) < 20_000
    assert decode(text, type(found)) == found
    missing = {column.name: column.missing for column in found.columns if column.missing}
    assert missing == {
        "temp": 1, "dewp": 1, "humid": 1, "wind_dir": 460, "wind_speed": 4, "wind_gust": 20_778, "pressure": 2_729
    }  # fmt: skip
