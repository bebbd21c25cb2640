"""A dataset version as training and gates take it."""

import msgspec
import numpy as np
import polars as pl
import pytest

from volant.config.model import Amount, DataConfig, GateConfig, GateKind, ProjectConfig, Task, TrainConfig
from volant.data.model import Column, DatasetVersion, Dtype, Origin
from volant.kernel.errors import InvalidInputError
from volant.loop.table import split_of, table_of

DAY_US = 86_400_000_000


def version(columns=(), number=3):
    return DatasetVersion(
        dataset="bikes", number=number, digest="d", format="csv", rows=1, columns=columns, origin=Origin.SOURCE, source="x", recorded_at=0
    )


def project(**data):
    return ProjectConfig(
        version=1,
        project="bikes",
        task=Task.REGRESSION,
        target="cnt",
        metric="mae",
        data=DataConfig(**{"source": "x.csv", "label_delay_us": DAY_US} | data),
        train=TrainConfig(holdout=Amount(rows=2)),
        gates=(GateConfig(kind=GateKind.SLICES, metric="mae", slices=("station",)),),
    )


def frame(days, counts=None, **columns):
    dates = [f"2026-01-{day:02d}" for day in days]
    counts = list(range(len(days))) if counts is None else counts
    return pl.DataFrame({"day": pl.Series(dates).str.to_date(), "cnt": counts, "station": ["a"] * len(days), **columns})


def test_rows_are_put_in_order_of_time_and_ties_keep_the_file_order():
    made = table_of(frame([3, 1, 2, 1]), version(), project(time="day"))
    assert made.frame["cnt"].to_list() == [1, 3, 2, 0]
    assert made.names.tolist() == ["v3:1", "v3:3", "v3:2", "v3:0"]
    assert (np.diff(made.times.event_us) >= 0).all()
    assert (made.times.known_us - made.times.event_us == DAY_US).all()


def test_the_last_row_of_a_key_stays_and_the_others_are_counted():
    made = table_of(frame([1, 2, 1]), version(), project(time="day", key=("station", "day")))
    assert made.frame["cnt"].to_list() == [2, 1]
    assert made.duplicates == 1
    assert made.names[0] == '["a","2026-01-01"]'


def test_fingerprints_belong_to_rows_wherever_they_stand():
    config = project(time="day")
    one = table_of(frame([1, 2, 3]), version(), config)
    other = table_of(frame([1, 2, 3])[[2, 0, 1]], version(number=4), config)
    assert one.fingerprints.tolist() == other.fingerprints.tolist()


def test_a_pipeline_sees_neither_the_target_nor_dropped_nor_reserved_columns():
    rows = frame([1, 2], casual=[0, 0], _row=["r1", "r2"])
    made = table_of(rows, version(), project(drop=("casual",)))
    assert made.inputs(project(drop=("casual",))).columns == ["day", "station"]


def test_rows_without_a_label_are_not_learned_from_but_may_be_held_out():
    rows = frame([1, 2, 3, 4, 5], counts=[1.0, None, 3.0, None, 5.0])
    config = project(time="day")
    split = split_of(table_of(rows, version(), config), config)
    assert split.train.tolist() == [0, 2]
    assert split.holdout.tolist() == [3, 4]


def test_labels_that_were_not_known_when_the_holdout_begins_are_not_learned_from():
    config = project(time="day", label_delay_us=2 * DAY_US)
    split = split_of(table_of(frame([1, 2, 3, 4, 5]), version(), config), config)
    assert split.train.tolist() == [0, 1]
    assert split.dropped_gap == 1


def test_a_history_without_any_known_label_is_refused():
    config = project(time="day")
    with pytest.raises(InvalidInputError, match="No row to learn from has a label"):
        split_of(table_of(frame([1, 2, 3, 4], counts=[None, None, 1.0, 2.0]), version(), config), config)


def test_a_slice_column_that_is_not_there_is_named():
    made = table_of(frame([1, 2]).drop("station"), version((Column(name="day", dtype=Dtype.DATE, nullable=False),)), project())
    with pytest.raises(InvalidInputError, match="no column 'station'") as caught:
        made.slices(project())
    assert caught.value.field == "gates"


def test_a_group_column_of_fairness_is_a_column_that_gates_read():
    line = GateConfig(kind=GateKind.FAIRNESS, columns=("gender",), max_difference=0.1)
    fair = msgspec.structs.replace(project(), gates=(line,))
    with pytest.raises(InvalidInputError, match="no column 'gender'") as caught:
        table_of(frame([1, 2]), version(), fair).slices(fair)
    assert "station" in caught.value.found
