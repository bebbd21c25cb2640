from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from volant.config.model import DataConfig
from volant.data.model import DatasetVersion, Origin
from volant.data.rows import fingerprints, key_columns, key_texts, last_of_each_key, row_names
from volant.evidence.keys import key_texts as evidence_texts
from volant.kernel.errors import InvalidInputError

FRAME = pl.DataFrame(
    {
        "i": [1, -2, 9007199254740993],
        "f": [0.5, -0.0, 1e300],
        "s": ['a"b', "é\n", ""],
        "b": [True, False, True],
        "d": [date(2011, 1, 1), date(1969, 1, 1), date(2030, 2, 3)],
        "t": [datetime(2011, 1, 1, 5), datetime(2011, 1, 1, 5, 0, 0, 250000), datetime(1960, 1, 1)],  # noqa: DTZ001
    }
)
NO_KEY = DataConfig(source="x")


def version(number, base=None):
    return DatasetVersion(
        dataset="d", number=number, digest="0", format="csv", rows=3, columns=(), origin=Origin.SOURCE, source="x", recorded_at=0, base=base
    )


@pytest.mark.parametrize("key", [("i",), ("f",), ("s", "i"), ("b", "d", "t"), ("t",)])
def test_key_texts_are_those_that_labels_are_joined_by(key):
    mine = key_texts(FRAME, key).to_list()
    assert mine == evidence_texts(key_columns(FRAME, key), FRAME.select(key).to_dict(as_series=False))


def test_a_key_text_is_a_json_array():
    frame = pl.DataFrame({"station": ["s1"], "hour": [datetime(2011, 1, 1)]})  # noqa: DTZ001
    assert key_texts(frame, ("station", "hour")).to_list() == ['["s1","2011-01-01T00:00:00Z"]']


def test_a_row_with_an_incomplete_key_is_named():
    with pytest.raises(InvalidInputError, match="1 rows: 2"):
        key_texts(pl.DataFrame({"k": ["a", None]}), ("k",))
    with pytest.raises(InvalidInputError, match="There is no key column 'q'"):
        key_texts(pl.DataFrame({"k": ["a"]}), ("q",))


def test_rows_without_a_key_are_named_by_version_and_number_for_life():
    frame = pl.DataFrame({"x": [1, 2], "_row": [None, "0192.0"]})
    assert row_names(frame.drop("_row"), version(3), NO_KEY).to_list() == ["v3:0", "v3:1"]
    assert row_names(frame, version(4, base=3), NO_KEY).to_list() == ["v3:0", "0192.0"]


def test_the_last_row_of_a_key_is_kept():
    frame = pl.DataFrame({"k": [1, 2, 1], "x": [1, 2, 3]})
    found = last_of_each_key(frame, DataConfig(source="x", key=("k",)))
    assert found.rows.tolist() == [1, 2]
    assert found.duplicates == 1


def test_a_fingerprint_does_not_depend_on_column_order_or_on_how_a_whole_number_is_held():
    frame = pl.DataFrame({"a": [1, 2, None], "b": ["x", None, ""]})
    other = pl.DataFrame({"b": ["x", None, ""], "a": [1.0, 2.0, float("nan")], "_row": ["q", "r", "s"]})
    assert fingerprints(frame, NO_KEY).tolist() == fingerprints(other, NO_KEY).tolist()
    assert fingerprints(frame, NO_KEY).dtype == np.uint64


def test_fingerprints_tell_missing_from_empty_and_columns_apart():
    frame = pl.DataFrame({"a": ["x", None, "", "a"], "b": [None, "x", "", "a"]})
    assert len(set(fingerprints(frame, NO_KEY).tolist())) == 4


def test_equal_rows_are_told_apart_by_which_comes_first():
    frame = pl.DataFrame({"a": [1, 1, 2, 1]})
    whole = fingerprints(frame, NO_KEY).tolist()
    assert len(set(whole)) == 4
    assert fingerprints(frame.head(2), NO_KEY).tolist() == whole[:2]


def test_large_integers_that_a_double_cannot_tell_apart_differ():
    frame = pl.DataFrame({"a": [9007199254740993, 9007199254740992]})
    assert len(set(fingerprints(frame, NO_KEY).tolist())) == 2


def test_with_a_key_the_fingerprint_is_of_the_key_alone():
    keyed = DataConfig(source="x", key=("k",))
    one, other = pl.DataFrame({"k": [1], "x": [1]}), pl.DataFrame({"k": [1], "x": [2]})
    assert fingerprints(one, keyed).tolist() == fingerprints(other, keyed).tolist()
