"""Labels from the API and from files."""

import math

import polars as pl
import pytest

from volant.evidence.keys import KeyColumn, canonical_value, key_text
from volant.evidence.label_files import read_label_file, unmatched
from volant.evidence.labels import Labels
from volant.evidence.model import LabelCounts
from volant.evidence.tables import prediction_table
from volant.kernel.clock import parse_iso
from volant.kernel.errors import InvalidInputError, NotFoundError, TooLargeError

KEY = (KeyColumn(name="station", dtype="string"), KeyColumn(name="hour", dtype="datetime"))


@pytest.fixture
def labels(label_store, clock):
    return Labels(label_store, clock, key=KEY, target_dtype="float")


def test_labels_join_by_prediction_or_by_key(labels, label_store, clock):
    counts = labels.add_payload(
        "bikes",
        {
            "labels": [
                {"prediction_id": "a1.0", "label": 3},
                {"key": {"hour": "2026-01-01 05:00", "station": "s1"}, "label": 4.5, "known_at": "2026-01-02"},
                {"key": ["s2", "2026-01-01T05:00:00+00:00"], "label": 5.0},
            ]
        },
        source="api",
    )
    assert counts == LabelCounts(new=3, corrected=0, repeated=0)
    first, second, third = label_store.rows
    assert (first.value, first.known_at, first.source) == (3.0, clock.now(), "api")
    assert (second.key, second.known_at) == ('["s1","2026-01-01T05:00:00Z"]', parse_iso("2026-01-02"))
    assert third.key == '["s2","2026-01-01T05:00:00Z"]'


def test_repeated_and_corrected_labels_are_counted(labels):
    def send(value):
        return labels.add_payload("bikes", {"labels": [{"prediction_id": "a.0", "label": value}]}, source="api")

    assert [send(value) for value in (1, 1.0, 2)] == [
        LabelCounts(new=1, corrected=0, repeated=0),
        LabelCounts(new=0, corrected=0, repeated=1),
        LabelCounts(new=0, corrected=1, repeated=0),
    ]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"prediction_id": "a.0", "label": math.nan}, "label"),
        ({"prediction_id": "a.0", "label": math.inf}, "label"),
        ({"prediction_id": "a.0", "label": 1 << 70}, "label"),
        ({"prediction_id": "a.0", "label": "UP"}, "label"),
        ({"prediction_id": "a.0", "label": True}, "label"),
        ({"prediction_id": "a.0", "label": None}, "label"),
        ({"prediction_id": "a.0", "label": [1]}, "label"),
        ({"prediction_id": "a.0"}, "label"),
        ({"prediction_id": "a", "label": 1}, "prediction_id"),
        ({"prediction_id": "a.x", "label": 1}, "prediction_id"),
        ({"prediction_id": 7, "label": 1}, "prediction_id"),
        ({"prediction_id": "", "label": 1}, "prediction_id"),
        ({"prediction_id": "x" * 300 + ".0", "label": 1}, "prediction_id"),
        ({"label": 1}, "prediction_id"),
        ({"prediction_id": "a.0", "key": ["s", "2026-01-01"], "label": 1}, "prediction_id"),
        ({"key": ["s"], "label": 1}, "key"),
        ({"key": {"station": "s"}, "label": 1}, "key"),
        ({"key": ["s", "noon"], "label": 1}, "key.hour"),
        ({"key": [1, "2026-01-01"], "label": 1}, "key.station"),
        ({"prediction_id": "a.0", "label": 1, "known_at": "later"}, "known_at"),
        ({"prediction_id": "a.0", "label": 1, "known_at": 5}, "known_at"),
        ({"prediction_id": "a.0", "label": 1, "weight": 5}, "weight"),
    ],
)
def test_a_bad_label_is_named_and_none_of_its_call_is_stored(labels, label_store, entry, field):
    with pytest.raises(InvalidInputError) as caught:
        labels.add_payload("bikes", {"labels": [{"prediction_id": "ok.0", "label": 1}, entry]}, source="api")
    assert caught.value.field == f"labels[1].{field}"
    assert label_store.rows == []


@pytest.mark.parametrize("payload", [None, [], {}, {"labels": {}}, {"labels": [], "more": 1}, {"label": []}, "labels", {"labels": [3]}])
def test_a_payload_of_another_shape_is_refused(labels, payload):
    with pytest.raises(InvalidInputError):
        labels.add_payload("bikes", payload, source="api")


def test_too_many_labels_are_refused_before_any_is_read(labels):
    with pytest.raises(TooLargeError):
        labels.add_payload("bikes", {"labels": [None] * 100_001}, source="api")


def test_a_project_without_key_takes_labels_by_prediction_only(label_store, clock):
    labels = Labels(label_store, clock)
    with pytest.raises(InvalidInputError, match="declares none"):
        labels.add_payload("m", {"labels": [{"key": ["a"], "label": 1}]}, source="api")
    labels.add_payload("m", {"labels": [{"prediction_id": "a.0", "label": "yes"}]}, source="api")
    assert label_store.rows[0].value == "yes"


@pytest.mark.parametrize(
    ("dtype", "forms", "canonical"),
    [
        ("int", [5, 5.0, "5"], 5),
        ("float", [5, 5.0, "5.0"], 5.0),
        ("float", [-0.0, 0], 0.0),
        ("bool", [True, "true", "1"], True),
        ("string", ["5"], "5"),
        ("date", ["2026-01-01", "2026-01-01T00:00:00Z"], "2026-01-01"),
        ("datetime", ["2026-01-01", "2026-01-01 00:00", "2026-01-01T01:00:00+01:00"], "2026-01-01T00:00:00Z"),
    ],
)
def test_forms_of_one_key_value_give_one_text(dtype, forms, canonical):
    column = KeyColumn(name="k", dtype=dtype)
    assert {canonical_value(column, form) for form in forms} == {canonical}
    assert len({key_text([column], [form]) for form in forms}) == 1


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int", 5.5), ("int", True), ("float", "nan"), ("float", 10**400), ("string", 5), ("bool", 2), ("date", "x"), ("datetime", None)],
)
def test_a_key_value_of_another_type_names_its_column(dtype, value):
    with pytest.raises(InvalidInputError) as caught:
        canonical_value(KeyColumn(name="k", dtype=dtype), value)
    assert caught.value.field == "k"


def read(path, on=("station", "hour"), **options):
    defaults = {"column": "cnt", "target_dtype": "float", "key": KEY, "now": 1000}
    return read_label_file(path, list(on), **defaults | options)


def test_a_file_by_key_keeps_good_rows_and_names_bad_ones_by_line(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        'hour,station,cnt,note\n2026-01-01,s1,5,"two\nlines"\n2026-01-01,s2,,x\nnoon,s3,7,x\n2026-01-01,s4,nan,x\n2026-01-01,s5,many,x\n2026-01-01,s6,6.5,x\n'
    )
    found = read(path)
    assert found.rows == 6
    assert [(label.key, label.value) for label in found.labels] == [
        ('["s1","2026-01-01T00:00:00Z"]', 5.0),
        ('["s6","2026-01-01T00:00:00Z"]', 6.5),
    ]
    assert [(row.line, row.column) for row in found.unusable] == [(4, "cnt"), (5, "hour"), (6, "cnt"), (7, "cnt")]


def test_a_parquet_file_by_prediction_with_its_own_times(tmp_path):
    path = tmp_path / "labels.parquet"
    times = pl.Series(["2026-01-01", "2026-01-02", None]).str.to_datetime("%Y-%m-%d")
    pl.DataFrame({"prediction_id": ["a.0", "a", "b.0"], "cnt": [1, 2, 3], "known": times}).write_parquet(path)
    found = read(path, ["prediction_id"], known_at_column="known")
    assert [(x.prediction_id, x.known_at, x.source) for x in found.labels] == [("a.0", parse_iso("2026-01-01"), "labels.parquet")]
    assert [(row.line, row.column) for row in found.unusable] == [(2, "prediction_id"), (3, "known")]


def test_labels_that_match_nothing_yet_are_counted(tmp_path, make_prediction):
    path = tmp_path / "labels.csv"
    path.write_text("prediction_id,cnt\na.0,1\nb.0,2\n")
    logged = prediction_table([make_prediction(1, id="a")])
    assert unmatched(read(path, ["prediction_id"]).labels, logged) == 1
    assert unmatched(read(path, ["prediction_id"]).labels, prediction_table([])) == 2


@pytest.mark.parametrize(
    ("text", "on", "error", "match"),
    [
        (None, ["prediction_id"], NotFoundError, "no label file"),
        ("", ["prediction_id"], InvalidInputError, "cannot be read"),
        ("prediction_id,count\n", ["prediction_id"], InvalidInputError, "did you mean"),
        ("station,cnt\n", ["station"], InvalidInputError, "cannot be joined"),
        ("prediction_id,cnt\na.0,1,2,3\n", ["prediction_id"], InvalidInputError, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path, text, on, error, match):
    path = tmp_path / "labels.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error) as caught:
        read(path, on)
    assert match in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"prediction_id,cnt\n\xff\xfe\x00,1\n")
    with pytest.raises(InvalidInputError):
        read(path, ["prediction_id"])


def test_a_hundred_thousand_labels_are_parsed_in_one_call(labels):
    payload = {"labels": [{"prediction_id": f"{i:032x}.0", "label": i} for i in range(100_000)]}
    assert len(labels.parse(payload, source="api")) == 100_000
