import asyncio
import os

import pytest

from volant.deployments.counting import counted
from volant.deployments.model import Tally
from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome, Prediction, Trial
from volant.testing.clock import FakeClock

ROLLOUT = "r1"


def record(number, arm="champion", outcome=Outcome.OK, *, epoch=1, rollout=ROLLOUT, **trial):
    return Prediction(
        id=f"p{number}",
        request_id=None,
        at=number,
        model="bikes",
        version=1,
        arm=arm,
        epoch=1,
        columns={"x": [1.0]},
        values=[] if outcome is not Outcome.OK else [2.0],
        scores=None,
        keys=None,
        event_times=None,
        latency_us=5,
        outcome=outcome,
        trial=None if rollout is None else Trial(rollout=rollout, epoch=epoch, **trial),
    )


def write(root, worker, records, *, leave_open=False):
    async def append():
        writer = LogWriter(root / worker, FakeClock())
        for item in records:
            await writer.append(encode(item))
        return writer

    writer = asyncio.run(append())
    if not leave_open:
        writer.close()
    return writer


def look(root, before=None):
    return counted(root, ROLLOUT, before or Tally(), 0)


def test_arms_are_counted_by_epoch_with_rows_errors_and_times(tmp_path):
    write(
        tmp_path,
        "w1",
        [
            record(1, model_us=100),
            record(2, rows=3, model_us=3_000),
            record(3, "canary", epoch=2, model_us=9_000_000),
            record(4, "canary", Outcome.ERROR, epoch=2, rows=2),
            record(5, assigned="canary", epoch=2),
            record(6, rollout=None),
            record(7, rollout="another"),
            record(8, "shadow", model_us=700),
        ],
    )
    epochs = look(tmp_path).epochs
    assert (epochs["1"].champion.requests, epochs["1"].champion.rows, epochs["1"].champion.slow(2_000)) == (2, 4, 1)
    assert (epochs["1"].candidate.requests, epochs["1"].candidate.errors) == (1, 0)
    assert (epochs["2"].candidate.requests, epochs["2"].candidate.rows, epochs["2"].candidate.errors) == (2, 3, 1)
    assert epochs["2"].candidate.slow(2_000_000) == 1
    assert epochs["2"].champion.requests == 0, "who answered for the canary counts for nobody"


def test_further_looks_count_what_is_new_whoever_looks(tmp_path):
    writer = write(tmp_path, "w1", [record(1), record(2, "canary")], leave_open=True)
    first = look(tmp_path)
    assert look(tmp_path, first) is first
    asyncio.run(_append(writer, record(3, "canary", Outcome.ERROR)))
    write(tmp_path, "w2", [record(4)])
    second = look(tmp_path, first)
    assert second.epochs == look(tmp_path).epochs
    assert (second.epochs["1"].champion.requests, second.epochs["1"].candidate.requests) == (2, 2)
    writer.close()


async def _append(writer, item):
    await writer.append(encode(item))


def test_an_attempt_counts_once_its_outcome_is_known_or_its_worker_is_gone(tmp_path):
    writer = write(tmp_path, "w1", [record(1, "canary", Outcome.ATTEMPT, rows=2), record(2, "canary", Outcome.ATTEMPT)], leave_open=True)
    waiting = look(tmp_path)
    assert waiting.epochs == {}
    asyncio.run(_append(writer, record(2, "canary")))
    answered = look(tmp_path, waiting)
    assert (answered.epochs["1"].candidate.requests, answered.epochs["1"].candidate.errors) == (1, 0)
    writer.close()
    orphaned = look(tmp_path, answered)
    assert (orphaned.epochs["1"].candidate.requests, orphaned.epochs["1"].candidate.errors, orphaned.epochs["1"].candidate.rows) == (
        2,
        1,
        3,
    )
    assert look(tmp_path, orphaned) is orphaned


def test_a_torn_end_is_left_for_the_next_look(tmp_path):
    write(tmp_path, "w1", [record(1), record(2)])
    path = next(tmp_path.glob("w1/*.log"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    torn = look(tmp_path)
    assert torn.epochs["1"].champion.requests == 1
    path.write_bytes(whole)
    assert look(tmp_path, torn).epochs["1"].champion.requests == 2


def test_files_from_before_the_rollout_are_not_read(tmp_path):
    write(tmp_path, "w1", [record(1)])
    path = next(tmp_path.glob("w1/*.log"))
    os.utime(path, (1, 1))
    assert counted(tmp_path, ROLLOUT, Tally(), 5_000_000) == Tally()


def test_counts_outlive_the_files_they_come_from(tmp_path):
    write(tmp_path, "w1", [record(1), record(2, "canary")])
    before = look(tmp_path)
    next(tmp_path.glob("w1/*.log")).unlink()
    after = look(tmp_path, before)
    assert after.epochs == before.epochs
    assert after.marks == {}


@pytest.mark.parametrize("garbage", [b"", b"\xffVL1nonsense", b"x" * 4096])
def test_garbage_counts_nothing(tmp_path, garbage):
    (tmp_path / "w1").mkdir()
    (tmp_path / "w1" / "00000000000000000001.log").write_bytes(garbage)
    assert look(tmp_path).epochs == {}
