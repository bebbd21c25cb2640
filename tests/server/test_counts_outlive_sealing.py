"""What a rollout's arms did is counted before its log is sealed, by whoever seals."""

import asyncio

from rollout_parts import EQUAL, LIVE_STEPS, start, with_steps

from volant.deployments.counting import counted
from volant.deployments.model import Tally
from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome, Prediction, Trial
from volant.evidence.reading import raw_files
from volant.wiring.verbs.evidence import seal


def record(number, arm, rollout):
    return Prediction(
        id=f"p{number}",
        request_id=None,
        at=number,
        model="bikes",
        version=1,
        arm=arm,
        epoch=1,
        columns={"temp": [1.0]},
        values=[2.0],
        scores=None,
        keys=None,
        event_times=None,
        latency_us=5,
        outcome=Outcome.OK,
        trial=Trial(rollout=rollout, epoch=1, model_us=100),
    )


def write(project, worker, records):
    async def append():
        writer = LogWriter(project.log_folder / worker, project.clock)
        for item in records:
            await writer.append(encode(item))
        writer.close()

    asyncio.run(append())


def test_a_log_that_is_sealed_before_anybody_looked_is_counted_first_and_once(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    begun = start(project, EQUAL)
    write(project, "w1", [record(n, "canary" if n % 3 else "champion", begun.id) for n in range(30)])
    assert seal(project.root, dict(project.environment), {"keep_us": 0}, lambda *_: None)["rows"] == 30
    assert not raw_files(project.log_folder)
    kept = project.rollouts.state("bikes").tally
    assert (kept.epochs["1"].champion.rows, kept.epochs["1"].candidate.rows) == (10, 20)
    assert counted(project.log_folder, begun.id, kept, 0).epochs == kept.epochs, "who counts on counts nothing again"
    write(project, "w2", [record(100, "canary", begun.id)])
    assert counted(project.log_folder, begun.id, kept, 0).epochs["1"].candidate.rows == 21


def test_counts_that_were_begun_before_somebody_else_kept_others_are_dropped(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    begun = start(project, EQUAL)
    write(project, "w1", [record(n, "canary", begun.id) for n in range(10)])
    early = counted(project.log_folder, begun.id, Tally(), 0)
    write(project, "w2", [record(n, "canary", begun.id) for n in range(10, 15)])
    seal(project.root, dict(project.environment), {"keep_us": 0}, lambda *_: None)
    after = project.rollouts.observe("bikes", begun.id, early, since=Tally(), keep=True, actor="policy")
    assert after.counts(1).candidate.rows == 15
