"""Sealing and querying: each prediction once, sealed or open, across kills and damage."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from volant.evidence.batch import Answers, Batch, log_batch
from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome
from volant.evidence.predictions import Predictions
from volant.evidence.reading import raw_files
from volant.evidence.sealing import Sealer
from volant.kernel.errors import InvalidInputError


@pytest.fixture
def log(tmp_path, clock):
    """Append predictions as worker ``name`` and let it die (or keep it: the writer is returned)."""

    def write(predictions, name="w1", *, alive=False, **options):
        async def work():
            writer = LogWriter(tmp_path / "log" / name, clock, **options)
            for prediction in predictions:
                await writer.append(encode(prediction))
            if not alive:
                writer.close()
            return writer

        return asyncio.run(work())

    return write


@pytest.fixture
def sealer(tmp_path, objects, segments, clock):
    return Sealer(tmp_path / "log", objects, segments, clock)


@pytest.fixture
def predictions(tmp_path, objects, segments):
    return Predictions(tmp_path / "log", objects, segments)


def test_a_dead_workers_file_becomes_a_segment_and_goes(log, sealer, predictions, make_prediction, tmp_path):
    log([make_prediction(i, rows=3) for i in range(4)])
    before = predictions.table("bikes")
    report = sealer.seal(keep_us=0)
    assert [segment.rows for segment in report.sealed] == [12]
    assert list((tmp_path / "log").iterdir()) == []
    assert predictions.table("bikes").equals(before)
    assert predictions.count("bikes") == 12
    assert sealer.seal(keep_us=0).sealed == ()


def test_a_file_that_is_sealed_but_still_there_counts_once(log, sealer, predictions, make_prediction, tmp_path):
    log([make_prediction(i) for i in range(3)])
    (file,) = raw_files(tmp_path / "log")
    raw = file.read_bytes()
    sealer.seal(keep_us=0)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(raw)
    assert predictions.table("bikes").height == predictions.count("bikes") == 3
    assert sealer.seal(keep_us=0).sealed == ()
    assert raw_files(tmp_path / "log") == ()


def test_the_file_a_living_worker_appends_to_is_left_alone(log, sealer, predictions, make_prediction):
    writer = log([make_prediction(i) for i in range(6)], alive=True, rotate_bytes=500)
    files = len(list(writer._folder.glob("*.log")))
    assert files > 1
    assert len(sealer.seal(keep_us=0).sealed) == files - 1
    assert predictions.table("bikes").height == predictions.count("bikes") == 6
    writer.close()


def test_young_files_stay_while_request_ids_must_be_recognised(log, sealer, clock, make_prediction):
    log([make_prediction(1)])
    assert sealer.seal().sealed == ()
    clock.advance(3_600_000_000)
    assert len(sealer.seal().sealed) == 1


def test_a_request_that_was_logged_twice_counts_once(log, sealer, predictions, make_prediction):
    log([make_prediction(1, request_id="a"), make_prediction(2, request_id="a"), make_prediction(3, request_id="b")])
    sealer.seal(keep_us=0)
    assert predictions.table("bikes")["request_id"].to_list() == ["a", "b"]


def test_models_of_one_file_are_sealed_apart(log, sealer, segments, make_prediction):
    log([make_prediction(1), make_prediction(2, model="other")])
    sealer.seal(keep_us=0)
    assert [segment.rows for model in ("bikes", "other") for segment in segments.segments(model)] == [1, 1]


def test_a_torn_tail_is_sealed_without_its_torn_record(log, sealer, predictions, make_prediction, tmp_path):
    log([make_prediction(1), make_prediction(2)])
    (file,) = raw_files(tmp_path / "log")
    file.write_bytes(file.read_bytes()[:-5])
    assert sealer.seal(keep_us=0).damaged == ()
    assert predictions.table("bikes")["prediction_id"].to_list() == [f"{1:032x}.0"]


def test_a_damaged_file_gives_what_is_readable_and_is_kept(log, sealer, predictions, make_prediction, tmp_path):
    log([make_prediction(i) for i in range(3)])
    (file,) = raw_files(tmp_path / "log")
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 0x55
    file.write_bytes(raw)
    assert sealer.seal(keep_us=0).damaged == (f"w1/{file.name}",)
    assert predictions.table("bikes").height == 2
    assert file.with_suffix(".damaged").read_bytes() == raw


def test_a_request_on_which_the_model_raised_is_evidence_too(log, sealer, predictions, make_prediction):
    log([make_prediction(1, values=[], outcome=Outcome.ERROR, error="boom"), make_prediction(2)])
    sealer.seal(keep_us=0)
    table = predictions.table("bikes")
    assert table["outcome"].to_list() == ["error", "ok"]
    assert table["prediction"].to_list() == [None, 2.0]
    assert table["f:x"].to_list() == [1.0, 2.0]


def test_columns_that_change_type_between_versions_are_read_together(log, sealer, predictions, make_prediction):
    log([make_prediction(1, columns={"x": [1]}, values=["UP"])], "w1")
    sealer.seal(keep_us=0)
    log([make_prediction(2, columns={"x": [1.5], "y": [True]}, values=["DOWN"])], "w2")
    log([make_prediction(3, columns={"x": [None], "y": [None]}, values=[None], outcome=Outcome.ERROR)], "w3")
    log([make_prediction(4, columns={"x": ["text"]}, values=[5])], "w4")
    table = predictions.table("bikes")
    assert table["f:x"].to_list() == ["1.0", "1.5", None, "text"] or table["f:x"].to_list() == ["1", "1.5", None, "text"]
    assert table["prediction"].to_list() == ["UP", "DOWN", None, "5"]


def test_predictions_are_found_by_row_and_by_request(log, sealer, predictions, make_prediction):
    log([make_prediction(1, rows=3)])
    for _ in range(2):
        assert predictions.find("bikes", f"{1:032x}.2")["f:x"] == 1.2
        assert predictions.find("bikes", f"{1:032x}")["prediction_id"] == f"{1:032x}.0"
        assert predictions.find("bikes", f"{1:032x}.3") is None
        assert predictions.find("bikes", "nonsense") is None
        sealer.seal(keep_us=0)


def test_a_time_range_is_half_open(log, predictions, make_prediction):
    log([make_prediction(i, at=100) for i in range(5)])
    assert predictions.table("bikes", since=102, until=104)["at"].to_list() == [102, 103]


SEAL = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from evidence_stores import FolderObjects, ListedSegments
from volant.evidence.sealing import Sealer
from volant.kernel.clock import SystemClock
from volant.kernel.codec import canonical

class Filed(ListedSegments):
    def add(self, segment):
        path = Path(sys.argv[1]) / "rows" / segment.id
        if path.exists():
            return False
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(canonical(segment))
        return True

root = Path(sys.argv[1])
Sealer(root / "log", FolderObjects(root / "objects"), Filed(), SystemClock()).seal(keep_us=0)
"""


@pytest.mark.parametrize(("point", "rows", "raw"), [("seal.object_written", 0, 1), ("seal.committed", 1, 1)])
def test_a_kill_while_sealing_is_repaired_by_sealing_again(log, make_prediction, tmp_path, point, rows, raw):  # noqa: PLR0917
    log([make_prediction(i) for i in range(3)])
    script = SEAL.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "VOLANT_CRASH_AT": point}
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path).glob("rows/*"))) == rows
    assert len(raw_files(tmp_path / "log")) == raw
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert len(list((tmp_path).glob("rows/*"))) == 1
    assert len(list((tmp_path).glob("objects/*"))) == 1
    assert raw_files(tmp_path / "log") == ()


def batch_of(content="c1", version=1):
    return Batch(content=content, model="bikes", version=version, epoch=1, at=1_700_000_000_000_000, latency_us=10)


def test_a_batch_is_logged_whole_and_only_once(objects, segments, predictions):
    frame = pl.DataFrame({"x": [1, 2], "when": ["2026-01-01", "2026-01-02"]}).with_columns(pl.col("when").str.to_datetime("%Y-%m-%d"))
    values = pl.Series([1.5, 2.5])
    first = log_batch(objects, segments, batch_of(), frame, Answers(values=values, keys=["[1]", "[2]"]))
    again = log_batch(objects, segments, batch_of(), frame, Answers(values=values, keys=["[1]", "[2]"]))
    assert (first.logged, again.logged, first.id) == (2, 0, again.id)
    table = predictions.table("bikes")
    assert table["prediction_id"].to_list() == [f"{first.id}.0", f"{first.id}.1"]
    assert table["source"].to_list() == ["batch", "batch"]
    assert table["f:when"].to_list() == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    assert log_batch(objects, segments, batch_of(version=2), frame, Answers(values=values)).logged == 2
    assert predictions.find("bikes", f"{first.id}.1")["prediction"] == 2.5


def test_a_batch_whose_parts_differ_in_length_is_refused(objects, segments):
    with pytest.raises(InvalidInputError, match="differ in number"):
        log_batch(objects, segments, batch_of(), pl.DataFrame({"x": [1]}), Answers(values=pl.Series([1.0, 2.0])))


def test_sealed_and_online_rows_have_the_same_columns_in_the_same_order(log, objects, segments, predictions, make_prediction):
    log([make_prediction(1)])
    online = predictions.table("bikes").columns
    frame = pl.DataFrame({"x": [1.0], "city": ["Lyon"]})
    log_batch(objects, segments, batch_of(), frame, Answers(values=pl.Series([1.0])))
    (segment,) = segments.segments("bikes")
    assert pl.read_parquet(objects.path(segment.digest)).columns == online
