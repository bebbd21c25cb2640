"""A base version and logged rows with known labels become training rows."""

import itertools

import polars as pl
import pytest

from volant.config.model import DataConfig, ProjectConfig, Task
from volant.data.from_log import training_frame
from volant.data.model import Column, DatasetVersion, Dtype, Origin
from volant.data.rows import row_names
from volant.data.timeline import times
from volant.evidence.keys import KeyColumn, key_text
from volant.evidence.model import Label, Outcome, Prediction
from volant.evidence.tables import prediction_table
from volant.kernel.clock import DAY_US, iso, parse_iso

START = parse_iso("2026-01-01")
LATE = START + 1000 * DAY_US
KEY = (KeyColumn(name="station", dtype="string"), KeyColumn(name="hour", dtype="datetime"))


def keyed(**changes):
    data = DataConfig(source="bikes.csv", key=("station", "hour"), time="hour", drop=("note",), label_delay_us=DAY_US, **changes)
    return ProjectConfig(version=1, project="bikes", task=Task.REGRESSION, target="cnt", metric="mae", data=data)


def unkeyed(task=Task.REGRESSION):
    data = DataConfig(source="elec.csv", tick_us=1_800_000_000, label_delay_us=DAY_US)
    return ProjectConfig(version=1, project="elec", task=task, target="cnt", metric="mae", data=data)


def version(frame, number=1, base=None):
    columns = tuple(Column(name=name, dtype=Dtype.FLOAT, nullable=False) for name in frame.columns)
    return DatasetVersion(
        dataset="bikes",
        number=number,
        digest="d",
        format="csv",
        rows=frame.height,
        columns=columns,
        origin=Origin.SOURCE,
        source="bikes.csv",
        recorded_at=0,
        base=base,
    )


@pytest.fixture
def base():
    return pl.DataFrame(
        {
            "station": ["s1", "s1", "s2"],
            "hour": [0, 3_600_000_000, 0],
            "temp": [1.0, 2.0, 3.0],
            "season": [1, 1, 2],
            "note": ["a", "b", "c"],
            "cnt": [10, 20, 30],
        }
    ).with_columns((pl.col("hour") + START).cast(pl.Datetime("us")))


_ids = itertools.count(1)


def served(station, hour, temp, *, at, season=1, outcome=Outcome.OK, value=9.0, **changes):
    instant = START + hour * 3_600_000_000
    key = None if station is None else key_text(KEY, [station, iso(instant)])
    columns = {"temp": [temp], "season": [season], "station": [station], "hour": [iso(instant)]}
    fields = {
        "id": f"{next(_ids):032x}",
        "request_id": None,
        "at": at,
        "model": "bikes",
        "version": 1,
        "arm": "champion",
        "epoch": 1,
        "columns": columns,
        "values": [value],
        "scores": None,
        "keys": None if key is None else [key],
        "event_times": [instant],
        "latency_us": 1,
        "outcome": outcome,
    }
    return Prediction(**fields | changes)


def label(prediction, value, *, known_at=START + 2 * DAY_US, recorded_at=None, by_key=False):
    return Label(
        prediction_id=None if by_key else f"{prediction.id}.0",
        key=prediction.keys[0] if by_key else None,
        value=value,
        known_at=known_at,
        recorded_at=known_at if recorded_at is None else recorded_at,
    )


def made(base, predictions, labels, config=None, *, cutoff=LATE, number=1):
    return training_frame(base, version(base, number), prediction_table(predictions), labels, config or keyed(), cutoff)


def logged_rows(frame):
    return frame.filter(pl.col("_known_at").is_not_null())


def test_labelled_rows_follow_the_base_in_order_of_time(base):
    late, early = served("s1", 50, 5.0, at=START + DAY_US), served("s1", 40, 4.0, at=START + 2 * DAY_US)
    frame, notes = made(base, [late, early, served("s9", 1, 1.0, at=START)], [label(late, 50), label(early, 40, by_key=True)])
    assert notes == ()
    assert frame.head(3).select(base.columns).equals(base)
    assert frame["cnt"].to_list() == [10, 20, 30, 40, 50]
    assert frame.schema["cnt"] == base.schema["cnt"]
    assert frame["_row"].to_list()[3:] == [early.keys[0], late.keys[0]]
    assert frame["_known_at"].to_list() == [None] * 3 + [START + 2 * DAY_US] * 2
    assert frame["note"].to_list()[3:] == [None, None]


def test_the_result_can_be_read_as_a_version(base):
    row = served("s1", 50, 5.0, at=START)
    frame, _ = made(base, [row], [label(row, 7, known_at=START + 5 * DAY_US)])
    instants = times(frame, keyed().data)
    assert instants.event_us[-1] == START + 50 * 3_600_000_000
    assert instants.known_us[-1] == START + 5 * DAY_US
    assert instants.known_us[0] == START + DAY_US
    assert row_names(frame, version(frame, 2, base=1), keyed().data).to_list() == frame["_row"].to_list()


def test_the_order_of_log_and_labels_does_not_matter(base):
    predictions = [served(f"s{i % 4}", i % 5 + 30, float(i), at=START + i) for i in range(20)]
    labels = [label(p, i, recorded_at=i, by_key=i % 2 == 0) for i, p in enumerate(predictions)]
    one, _ = made(base, predictions, labels)
    other, _ = made(base, predictions[::-1], labels[::-1])
    assert one.equals(other)


def test_the_latest_row_and_the_latest_label_of_a_key_win(base):
    first, second = served("s1", 50, 1.0, at=START), served("s1", 50, 2.0, at=START + 1)
    labels = [label(first, 5, recorded_at=3), label(second, 4, recorded_at=2), label(second, 3, recorded_at=1, by_key=True)]
    frame, _ = made(base, [first, second], labels)
    assert logged_rows(frame).select("temp", "cnt").rows() == [(2.0, 5)]


def test_what_is_not_known_at_the_cut_off_does_not_count(base):
    known, unknown = served("s1", 50, 1.0, at=START), served("s1", 51, 1.0, at=START)
    unseen = served("s1", 52, 1.0, at=LATE)
    labels = [label(known, 1, known_at=START + 5), label(unknown, 2, known_at=START + 6), label(unseen, 3, known_at=START)]
    frame, _ = made(base, [known, unknown, unseen], labels, cutoff=START + 5)
    assert logged_rows(frame)["cnt"].to_list() == [1]


def test_a_row_of_the_base_stays_where_the_log_says_the_same(base):
    same = served("s1", 0, 1.0, at=START)
    assert made(base, [same], [label(same, 10)]) is None


def test_a_row_of_the_base_gives_way_to_a_corrected_label_and_keeps_its_dropped_columns(base):
    corrected = served("s1", 0, 1.0, at=START)
    frame, _ = made(base, [corrected], [label(corrected, 11)])
    assert frame["cnt"].to_list() == [20, 30, 11]
    assert frame["note"].to_list() == ["b", "c", "a"]


def test_a_version_made_from_the_log_can_be_the_base_of_the_next(base):
    first, second = served("s1", 50, 1.0, at=START), served("s1", 51, 2.0, at=START + 1)
    frame, _ = made(base, [first], [label(first, 1)])
    assert made(frame, [first], [label(first, 1)], number=2) is None
    again, _ = made(frame, [first, second], [label(first, 1), label(second, 2)], number=2)
    assert again["cnt"].to_list() == [10, 20, 30, 1, 2]
    assert again["_known_at"].to_list()[3] == START + 2 * DAY_US


def test_without_a_key_rows_are_named_by_prediction_and_none_is_dropped():
    base = pl.DataFrame({"temp": [1.0, 2.0], "cnt": ["UP", "DOWN"]})
    predictions = [served(None, 1, 1.0, at=START + i, event_times=None) for i in range(2)]
    frame, _ = made(base, predictions, [label(p, "UP") for p in predictions], unkeyed(Task.BINARY))
    assert frame["_row"].to_list() == ["v1:0", "v1:1", *(f"{p.id}.0" for p in predictions)]
    assert frame["_event_time"].to_list() == [None, None, START, START + 1]


def test_rows_on_which_the_model_raised_can_be_learned_from(base):
    row = served("s1", 50, 1.0, at=START, outcome=Outcome.ERROR, values=[])
    frame, _ = made(base, [row], [label(row, 7)])
    assert logged_rows(frame)["cnt"].to_list() == [7]


@pytest.mark.parametrize(
    ("changes", "value", "word"),
    [
        ({"columns": {"season": [1]}}, 5, "temp"),
        ({"temp": None}, 5, "temp"),
        ({"season": 1.5}, 5, "season"),
        ({"season": "spring"}, 5, "season"),
        ({}, "many", "cnt"),
        ({}, 5.5, "cnt"),
        ({"station": None}, 5, "without the key"),
    ],
)
def test_a_row_that_does_not_fit_the_base_is_left_out_with_a_note(base, changes, value, word):
    good = served("s1", 60, 1.0, at=START)
    settings = {"station": "s1", "hour": 50, "temp": 1.0, "at": START}
    bad = served(**settings | changes)
    frame, notes = made(base, [good, bad], [label(good, 1), label(bad, value)])
    assert logged_rows(frame)["cnt"].to_list() == [1]
    assert any(word in note and note.startswith("1 labelled rows were left out") for note in notes)


def test_a_missing_value_is_kept_where_the_base_has_missing_values_too(base):
    row = served("s1", 50, None, at=START)
    gappy = base.with_columns(pl.when(pl.col("temp") > 1).then("temp"))
    frame, notes = made(gappy, [row], [label(row, 5)])
    assert notes == ()
    assert logged_rows(frame)["temp"].to_list() == [None]


def test_a_time_column_that_was_not_sent_is_filled_from_when_it_happened(base):
    row = served("s1", 50, 1.0, at=START, columns={"temp": [1.0], "season": [1], "station": ["s1"]})
    frame, _ = made(base, [row], [label(row, 5)])
    assert logged_rows(frame)["hour"].dt.epoch("us").to_list() == [START + 50 * 3_600_000_000]


@pytest.mark.parametrize(
    ("predictions", "labelled"),
    [(0, 0), (3, 0)],
)
def test_nothing_new_is_none(base, predictions, labelled):
    rows = [served("s1", 50 + i, 1.0, at=START) for i in range(predictions)]
    assert made(base, rows, [label(row, 1) for row in rows[:labelled]]) is None
    assert made(base, rows, [Label(prediction_id="unknown.0", value=1, known_at=START, recorded_at=START)]) is None


@pytest.mark.parametrize(("task", "values"), [(Task.BINARY, ("yes", "no")), (Task.REGRESSION, (100.0, 1.0))])
def test_labels_that_exist_for_some_outcomes_only_are_reported(task, values):
    base = pl.DataFrame({"temp": [1.0], "cnt": [1.0]})
    rows = [served(None, 1, 1.0, at=START + i, values=[values[i % 2]], event_times=None) for i in range(200)]
    selective = [label(row, 1.0) for row in rows[::2]]
    _, notes = made(base, rows, selective, unkeyed(task))
    assert len(notes) == 1
    assert notes[0].startswith(f"labels are selective: 100% of the rows predicted {'high' if task is Task.REGRESSION else 'yes'}")
    _, even = made(base, rows, [label(row, 1.0) for row in rows[: len(rows) // 2]], unkeyed(task))
    assert even == ()


def test_labels_that_are_not_due_yet_do_not_count_as_missing():
    base = pl.DataFrame({"temp": [1.0], "cnt": [1.0]})
    rows = [served(None, 1, 1.0, at=START + i, values=["yes" if i < 100 else "no"], event_times=None) for i in range(200)]
    _, notes = made(base, rows, [label(row, 1.0, known_at=START + 99) for row in rows[:100]], unkeyed(Task.BINARY), cutoff=START + DAY_US)
    assert notes == ()
