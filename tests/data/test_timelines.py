from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from volant.config.model import Amount, DataConfig, Keep, TrainConfig, WindowConfig
from volant.data.split import holdout_split
from volant.data.timeline import Times, instant_us, times
from volant.kernel.clock import DAY_US, HOUR_US, SECOND_US, iso
from volant.kernel.errors import InvalidInputError

DAY = datetime(2026, 11, 21, tzinfo=UTC)
DAY_AT = int(DAY.timestamp()) * SECOND_US


def test_without_a_time_column_a_row_happens_at_its_number_times_the_tick():
    frame = pl.DataFrame({"x": [1, 2, 3]})
    found = times(frame, DataConfig(source="x", tick_us=HOUR_US, label_delay_us=2 * HOUR_US), offset_rows=10)
    assert found.event_us.tolist() == [10 * HOUR_US, 11 * HOUR_US, 12 * HOUR_US]
    assert found.known_us.tolist() == [12 * HOUR_US, 13 * HOUR_US, 14 * HOUR_US]


def test_without_a_tick_a_row_lasts_a_second():
    assert times(pl.DataFrame({"x": [1, 2]}), DataConfig(source="x")).event_us.tolist() == [0, SECOND_US]


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21",
        "2026-11-21T00:00:00Z",
        "2026-11-21 01:00+01:00",
        DAY_AT // SECOND_US,
        DAY_AT // 1000,
        DAY_AT,
        DAY_AT * 1000,
        date(2026, 11, 21),
        datetime(2026, 11, 21),  # noqa: DTZ001 - without a zone it is UTC
        DAY,
    ],
)
def test_every_way_to_write_an_instant_means_the_same_in_a_frame_and_alone(value):
    found = times(pl.DataFrame({"t": [value]}), DataConfig(source="x", time="t"))
    assert found.event_us.tolist() == [DAY_AT]
    assert instant_us(value) == DAY_AT


@pytest.mark.parametrize("value", [None, True, 12, 0.5, "soon", "", "2026-13-01"])
def test_what_is_no_instant_is_none(value):
    assert instant_us(value) is None


def test_rows_without_a_usable_time_are_named():
    with pytest.raises(InvalidInputError) as error:
        times(pl.DataFrame({"t": ["2026-01-01", "soon", None]}), DataConfig(source="x", time="t"))
    assert "2 of 3 rows" in str(error.value)
    assert "row 2: 'soon'" in str(error.value)
    assert "row 3: no value" in str(error.value)


def test_a_time_column_of_fractions_is_refused():
    with pytest.raises(InvalidInputError, match="holds no times"):
        times(pl.DataFrame({"t": [0.0, 0.5]}), DataConfig(source="x", time="t"))


def test_rows_of_the_log_bring_their_own_instants():
    frame = pl.DataFrame({"x": [1, 2], "_event_time": [None, 70], "_known_at": [None, 99]}, schema_overrides={"_event_time": pl.Int64})
    found = times(frame, DataConfig(source="x", tick_us=10, label_delay_us=5))
    assert found.event_us.tolist() == [0, 70]
    assert found.known_us.tolist() == [5, 99]


def test_equal_times_keep_file_order():
    found = Times(np.array([5, 3, 5, 3]), np.zeros(4, dtype=np.int64))
    assert found.order().tolist() == [1, 3, 0, 2]
    assert not found.is_sorted()


def split(event, delay=0, **train):
    event = np.array(event, dtype=np.int64)
    return holdout_split(Times(event, event + delay), TrainConfig(**train))


def test_the_holdout_is_the_last_rows_and_training_knows_only_labels_from_before():
    found = split(range(10), delay=2, holdout=Amount(rows=3))
    assert found.holdout.tolist() == [7, 8, 9]
    assert found.train.tolist() == [0, 1, 2, 3, 4, 5]
    assert (found.starts_us, found.dropped_gap) == (7, 1)


def test_a_holdout_never_splits_a_tie():
    found = split([1, 1, 2, 2, 3, 3], holdout=Amount(rows=3))
    assert found.holdout.tolist() == [2, 3, 4, 5]


def test_a_holdout_may_be_a_stretch_of_time():
    found = split([0, DAY_US, 2 * DAY_US, 3 * DAY_US], holdout=Amount(duration_us=2 * DAY_US))
    assert found.holdout.tolist() == [2, 3]


def test_a_window_of_rows_keeps_the_tie_it_begins_in():
    window = WindowConfig(keep=Keep.LAST, size=Amount(rows=3))
    assert split([1, 1, 2, 2, 3, 3, 4], holdout=Amount(rows=1), window=window).train.tolist() == [2, 3, 4, 5]


def test_a_window_of_time_counts_back_from_the_last_row_learned():
    window = WindowConfig(keep=Keep.LAST, size=Amount(duration_us=2))
    assert split(range(10), holdout=Amount(rows=2), window=window).train.tolist() == [6, 7]


def test_an_unsorted_file_is_split_by_time():
    found = split([3, 1, 2, 4], holdout=Amount(rows=1))
    assert found.holdout.tolist() == [3]
    assert found.train.tolist() == [1, 2, 0]


def test_a_holdout_that_takes_all_rows_says_so():
    with pytest.raises(InvalidInputError, match="takes all 3 rows"):
        split([1, 2, 3], holdout=Amount(rows=100))


def test_a_label_delay_that_leaves_nothing_says_so():
    with pytest.raises(InvalidInputError, match="No row's label was known") as error:
        split([1, 2, 3], delay=100, holdout=Amount(rows=1))
    assert error.value.field == "data.label_delay"


def test_times_print_as_instants():
    assert iso(DAY_AT) == "2026-11-21T00:00:00Z"
