"""A rollout's decisions made once more by its rules, on the counts that were kept."""

import json
from types import SimpleNamespace

import msgspec
import pytest

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.events import MemoryEvents
from volant.adapters.memory.evidence import MemorySegments
from volant.adapters.objects.local import LocalObjects
from volant.config.model import StepConfig, StepKind
from volant.deployments import history, rules
from volant.deployments.history import Start
from volant.deployments.model import BOUNDS_US, ArmCounts, EpochCounts, Rollout, Tally
from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.model import Outcome, Prediction, Trial
from volant.evidence.predictions import Predictions
from volant.evidence.sealing import Sealer
from volant.kernel.clock import SECOND_US
from volant.loop.retracing_rollouts import retraced_rollouts
from volant.testing.clock import CountingIds, FakeClock

STEPS = (StepConfig(kind=StepKind.CANARY, rows=40, share=0.5), StepConfig(kind=StepKind.FULL, share=1.0))
START = Start(
    rollout="r1",
    candidate=2,
    champion=1,
    champion_epoch=1,
    steps=STEPS,
    time_limit_us=10**12,
    passed_gate=True,
    actor="policy",
    approver="policy",
)


def never(_number):
    return (None,)


class Lived:
    """A rollout over a log: requests are answered, counted and decided upon."""

    def __init__(self, folder):
        self.clock, self.folder = FakeClock(), folder
        database = MemoryDatabase(self.clock, CountingIds())
        self.events, self.segments, self.objects = MemoryEvents(database), MemorySegments(database), LocalObjects(folder / "objects")
        self.ports = SimpleNamespace(events=self.events, predictions=Predictions(folder / "log", self.objects, self.segments))
        self.counts = {"champion": [0, 0], "canary": [0, 0]}
        (folder / "log" / "w").mkdir(parents=True)

    @property
    def state(self):
        return history.replayed("bikes", self.events.read("rollout/bikes"))

    def keep(self, events):
        if events:
            self.events.append("rollout/bikes", self.state.seq, events, actor="policy")
        self.clock.advance(10 * SECOND_US)

    def answer(self, arm, requests, errors=0):
        with (self.folder / "log" / "w" / "00000000000000000001.log").open("ab") as file:
            for number in range(requests):
                file.write(frame(encode(self.prediction(arm, failed=number < errors))))
        self.counts[arm][0] += requests
        self.counts[arm][1] += errors

    def prediction(self, arm, *, failed):
        self.clock.advance(1)
        return Prediction(
            id=f"{self.clock.now():032x}",
            request_id=None,
            at=self.clock.now(),
            model="bikes",
            version=2 if arm == "canary" else 1,
            arm=arm,
            epoch=1,
            columns={"x": [1.0]},
            values=[] if failed else [1.0],
            scores=None,
            keys=None,
            event_times=None,
            latency_us=300,
            outcome=Outcome.ERROR if failed else Outcome.OK,
            trial=Trial(rollout="r1", epoch=1, model_us=300),
        )

    def tally(self):
        made = {}
        for arm, (requests, errors) in self.counts.items():
            times = (requests - errors, *(0,) * len(BOUNDS_US))
            made[arm] = ArmCounts(rows=requests, requests=requests, errors=errors, times=times)
        return Tally(epochs={"1": EpochCounts(champion=made["champion"], candidate=made["canary"])})

    def look(self):
        self.clock.advance(10 * SECOND_US)
        state, tally, now = self.state, self.tally(), self.clock.now()
        self.keep(rules.observe(state, tally, now) or rules.kept(state, tally, now))

    def replayed(self):
        return retraced_rollouts(self.ports, "bikes", never)


@pytest.fixture
def lived(tmp_path):
    found = Lived(tmp_path)
    found.keep(rules.start(Rollout(model="bikes"), START, found.clock.now()))
    return found


def test_a_promotion_on_counts_comes_out_as_it_was(lived):
    lived.answer("champion", 12)
    lived.answer("canary", 12)
    lived.look()
    lived.answer("champion", 12)
    lived.answer("canary", 12)
    lived.look()
    found = lived.replayed()
    assert [(line.action, line.version, line.checked, line.same) for line in found] == [
        ("began", 2, True, True),
        ("promoted", 2, True, True),
    ]
    assert "Promoted bikes@2" in found[-1].sentence


def test_a_roll_back_for_harm_comes_out_as_it_was_also_from_a_sealed_log(lived):
    lived.answer("champion", 30)
    lived.answer("canary", 30, errors=30)
    lived.look()
    assert [line.action for line in lived.replayed()] == ["began", "rolled_back"]
    assert len(Sealer(lived.folder / "log", lived.objects, lived.segments, lived.clock).seal(keep_us=0).sealed) == 1
    assert all(line.same and line.checked for line in lived.replayed())


def test_a_persons_word_is_not_decided_again(lived):
    lived.keep(rules.roll_back(lived.state, lived.clock.now(), actor="ann", reason="no"))
    ended = lived.replayed()[-1]
    assert (ended.checked, ended.note) == (False, "a person's word: policy")


def changed(lived, place, **fields):
    """The stream with the data of one event changed behind its back."""
    events = list(lived.events.read("rollout/bikes"))
    data = json.loads(events[place].data) | fields
    events[place] = msgspec.structs.replace(events[place], data=json.dumps(data).encode())
    ports = SimpleNamespace(
        events=SimpleNamespace(read=lambda stream, _after=0: tuple(events) if stream == "rollout/bikes" else ()),
        predictions=lived.ports.predictions,
    )
    return retraced_rollouts(ports, "bikes", never)


def test_counts_that_the_log_does_not_hold_show(lived):
    lived.answer("champion", 24)
    lived.answer("canary", 24)
    lived.look()
    tally = json.loads(lived.events.read("rollout/bikes")[2].data)["tally"]
    tally["epochs"]["1"]["candidate"]["requests"] = 23
    (line,) = [line for line in changed(lived, 2, tally=tally) if not line.same]
    assert ("candidate requests, epoch 1", 23, 24) in {
        (part.figure, part.then, part.now) for part in line.differences if part.where == "log"
    }


def test_a_promotion_that_its_counts_do_not_carry_shows(lived):
    lived.answer("champion", 24)
    lived.answer("canary", 24)
    lived.look()
    tally = json.loads(lived.events.read("rollout/bikes")[2].data)["tally"]
    tally["epochs"]["1"]["candidate"]["rows"] = 3
    (line,) = [line for line in changed(lived, 2, tally=tally) if not line.same]
    assert {(part.figure, part.now) for part in line.differences if part.where == "stored"} == {("decision", "observed")}
