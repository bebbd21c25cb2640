"""Counting the rows of the open log without reading what was counted again."""

from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.model import Outcome
from volant.evidence.open_rows import OpenRows


def test_every_answered_row_is_counted_once_however_the_files_grow(tmp_path, make_prediction):
    (tmp_path / "w1").mkdir()
    first, second = tmp_path / "w1" / "1.log", tmp_path / "w1" / "2.log"
    rows = OpenRows(tmp_path)
    assert rows.count() == 0
    whole = frame(encode(make_prediction(1, columns={"a": [1, 2]}, values=[1.0, 2.0])))
    first.write_bytes(whole)
    assert [rows.count(), rows.count()] == [2, 2]
    first.write_bytes(whole + whole[:20])  # half of it is written
    assert rows.count() == 2
    first.write_bytes(whole + whole)
    second.write_bytes(whole)
    assert rows.count() == 6
    first.unlink()  # sealed
    assert rows.count() == 2


def test_damage_and_attempts_are_no_rows(tmp_path, make_prediction):
    (tmp_path / "w1").mkdir()
    path = tmp_path / "w1" / "1.log"
    rows = OpenRows(tmp_path)
    whole = frame(encode(make_prediction(1, columns={"a": [1]}, values=[1.0])))
    attempt = frame(encode(make_prediction(1, columns={"a": [1]}, values=[], outcome=Outcome.ATTEMPT)))
    path.write_bytes(whole + b"noise" + attempt + whole)
    assert rows.count() == 2
    path.write_bytes(whole + b"noise" + attempt + whole + frame(b"{}") + whole)
    assert rows.count() == 3
