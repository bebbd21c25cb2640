"""The wheel turned in any order on a clock of its own: runs, decisions, predictions, labels, sealing and reopening, in memory
and on disk. After every turn the invariants of the evidence path hold.
"""

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from volant.config.load import load_project
from volant.evidence.keys import KeyColumn
from volant.evidence.labels import Labels
from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome, Prediction
from volant.evidence.sealing import Sealer
from volant.kernel.audit import checkpoint_if_new, read_anchors, verify
from volant.kernel.clock import HOUR_US, iso, parse_iso
from volant.kernel.errors import CheckFailedError, IllegalTransitionError
from volant.loop.cycle import Asked, Cycle
from volant.loop.judging import predicted_of
from volant.loop.setting import Setting
from volant.models.runner import load_runner
from volant.registry.model import VersionState
from volant.testing.clock import CountingIds, FakeClock
from volant.tracking.model import RunStatus
from volant.wiring.project import Project
from volant.wiring.stores import memory_stores, sqlite_stores
from volant.wiring.verbs.cycles import ports_of
from volant.wiring.verbs.opened import datasets_of, predictions_of

BASE_ROWS = 48
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = """version: 1
project: tides
task: regression
target: level
metric: mae
data:
  source: tides.csv
  key: [station]
  time: at
  label_delay: 1h
train:
  pipeline: pipeline.py
  from: log
  holdout: {last: 12 rows}
gates:
  - {metric: mae, vs: champion, margin: 50%}
"""
PIPELINE = """
import numpy as np
import polars as pl


class Mean:
    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        return rows["moon"].to_numpy() + self.value


def model(rows: pl.DataFrame, target: pl.Series, *, lift: float = 0.0) -> Mean:
    return Mean(float((target - rows["moon"]).mean()) + lift)
"""
# By key or prediction id, of which of the last, what, and in how many hours (negative: ago) it is known.
LABELS = st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 9), st.integers(-3, 3))
STATIONS = st.integers(BASE_ROWS - 2, BASE_ROWS + 2)  # few, so that they meet: two of the base, three new ones


class Wheel(RuleBasedStateMachine):
    """What was acknowledged is kept beside, and compared with what the stores say."""

    on_disk = False

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="volant-wheel-"))
        self.clock = FakeClock(parse_iso((BEGIN + timedelta(hours=BASE_ROWS + 2)).isoformat()))
        self.ids = CountingIds()
        self.predicted, self.labelled, self.versions, self.frozen = [], {}, {}, {}
        self.writers = 0

    @initialize()
    def begin(self):
        (self.root / "volant.yaml").write_text(SETTINGS)
        (self.root / "pipeline.py").write_text(PIPELINE)
        lines = (f"{n},{(BEGIN + timedelta(hours=n)).isoformat()},{n % 5}.5,{n % 7}.25" for n in range(BASE_ROWS))
        (self.root / "tides.csv").write_text("station,at,moon,level\n" + "\n".join(lines) + "\n")
        (self.root / ".volant").mkdir()
        self.stores = None
        self.open()
        self.run(0.0)
        self.approve(0, override=False)

    def open(self):
        if self.on_disk:
            if self.stores is not None:
                self.stores.tx.close()
            self.stores = sqlite_stores(self.root / ".volant", self.clock, self.ids)
        elif self.stores is None:
            self.stores = memory_stores(self.clock, self.ids)
        config = load_project(self.root / "volant.yaml", {})
        self.project = Project(self.root, config, self.stores, clock=self.clock, ids=self.ids, environment={})

    def teardown(self):
        if self.on_disk and getattr(self, "stores", None) is not None:
            self.stores.tx.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def state(self):
        return self.project.registry.state("tides")

    @rule(what=st.sampled_from(["reopen", "seal", "checkpoint"]), hours=st.integers(-2, 30))
    def upkeep(self, what, hours):
        """And time passes; backwards too, as clocks do."""
        self.clock.advance(hours * HOUR_US)
        if what == "reopen":
            self.open()
        elif what == "seal":
            made = Sealer(self.project.log_folder, self.project.objects, self.project.segments, self.clock).seal(0)
            assert made.damaged == ()
        else:
            checkpoint_if_new(self.project.events, self.project.anchors)

    @rule(lift=st.sampled_from([0.0, 0.0, 3.0]))
    def run(self, lift):
        project = self.project
        setting = Setting(
            config=project.config,
            root=self.root,
            scratch=self.root / "tmp",
            policy=SETTINGS,
            champion_score=self.champion,
            apart=lambda _: None,
        )
        turned = Cycle(ports_of(project), setting).turn(Asked(params={"lift": lift}), lambda _text, _share: None)
        assert turned.version is not None
        self.versions.setdefault(turned.version.number, turned.version.package)
        assert self.versions[turned.version.number] == turned.version.package
        self.check_frozen(turned.frozen.version)

    def champion(self, table):
        def score(package, positions):
            runner = load_runner(self.project.objects, package, self.root / "tmp")
            return predicted_of(runner.predict(table.frame[positions]), runner.signature)

        return score

    def check_frozen(self, version):
        """A version holds the base and exactly what was predicted and known by now, once for each key, as last labelled."""
        assert self.frozen.setdefault(version.number, version.digest) == version.digest
        frame = datasets_of(self.project).frame(version)
        levels = dict(zip(frame["station"], frame["level"], strict=True))
        expected = self.expected(self.clock.now())
        assert len(levels) == frame.height
        assert set(levels) == {*range(BASE_ROWS), *expected}
        assert all(levels[station] in values for station, values in expected.items())

    def expected(self, now):
        """What the last label says of each station that was predicted and labelled by ``now``. Where two labels of different
        kinds were recorded at the same moment, either may be last.
        """
        asked = {name: station for name, station, at in self.predicted if at <= now}
        found = {}
        for subject, history in self.labelled.items():
            known = [(recorded, value) for recorded, value, known_at in history if known_at <= now]
            station = asked.get(subject) if isinstance(subject, str) else subject
            if known and station in asked.values():
                found.setdefault(station, []).append(known[-1])
        return {station: {value for at, value in last if at == max(last)[0]} for station, last in found.items()}

    @rule(pick=st.integers(0, 10), override=st.booleans())
    def approve(self, pick, override):
        number = sorted(self.versions)[pick % len(self.versions)]
        before = self.state()
        try:
            after = self.project.registry.approve("tides", number, reason="seen", actor="ann", override=override)
        except (CheckFailedError, IllegalTransitionError):
            assert self.state() == before
            assert not (override and before.versions[number] is not VersionState.CHAMPION)
        else:
            assert (after.champion, after.epoch) == (number, before.epoch + 1)

    @rule(pick=st.integers(0, 10))
    def reject(self, pick):
        number = sorted(self.versions)[pick % len(self.versions)]
        before = self.state()
        try:
            self.project.registry.reject("tides", number, reason="no", actor="ann")
        except IllegalTransitionError:
            assert before.versions[number] in {VersionState.CHAMPION, VersionState.REJECTED}
        assert self.state().champion == before.champion

    @rule(stations=st.lists(STATIONS, min_size=1, max_size=4), labels=st.lists(LABELS, max_size=4))
    def traffic(self, stations, labels):
        """Predictions, then labels of these, of earlier ones, or of keys that nobody asked about."""
        self.predict(stations)
        for by_key, pick, value, late in labels:
            name, station, _ = self.predicted[-1 - pick % len(self.predicted)]
            if by_key:
                self.label(station if pick else BASE_ROWS + 2, {"key": [station if pick else BASE_ROWS + 2]}, float(value), late)
            else:
                self.label(name, {"prediction_id": name}, float(value), late)

    def predict(self, stations):
        state, now = self.state(), self.clock.now()
        prediction = Prediction(
            id=self.ids.new(),
            request_id=None,
            at=now,
            model="tides",
            version=state.champion,
            arm="champion",
            epoch=state.epoch,
            columns={"station": stations, "at": [iso(now)] * len(stations), "moon": [0.5] * len(stations)},
            values=[1.0] * len(stations),
            scores=None,
            keys=[f"[{station}]" for station in stations],
            event_times=[now] * len(stations),
            latency_us=10,
            outcome=Outcome.OK,
        )

        async def log():
            self.writers += 1
            writer = LogWriter(self.project.log_folder / f"w{self.writers}", self.clock)
            await writer.append(encode(prediction))
            writer.close()

        asyncio.run(log())
        self.predicted += [(f"{prediction.id}.{row}", station, now) for row, station in enumerate(stations)]

    def label(self, subject, named, value, late):
        """Known some hours ago, or only in some hours."""
        self.clock.advance(1_000_000)
        now = self.clock.now()
        known_at = now + late * HOUR_US
        labels = Labels(self.project.labels, self.clock, key=(KeyColumn(name="station", dtype="int"),), target_dtype="float")
        payload = {"labels": [{**named, "label": value, "known_at": iso(known_at)}]}
        counts = labels.add_payload("tides", payload, source="test")
        history = self.labelled.setdefault(subject, [])
        expected = "new" if not history else "repeated" if history[-1][1] == value else "corrected"
        assert getattr(counts, expected) == 1
        if expected != "repeated":
            history.append((now, value, known_at))

    @invariant()
    def the_chain_verifies(self):
        if getattr(self, "project", None) is not None:
            assert verify(self.project.events, read_anchors(self.project.anchors)).intact

    @invariant()
    def aliases_and_rows_say_what_the_events_say(self):
        if getattr(self, "project", None) is None:
            return
        state, models = self.state(), self.project.models
        assert models.aliases("tides").get("champion") == state.champion
        waiting = [number for number, standing in state.versions.items() if standing is VersionState.PROPOSED]
        assert models.aliases("tides").get("challenger") == max(waiting, default=None)
        assert {version.number: version.package for version in models.versions("tides")} == self.versions
        assert sorted(self.versions) == list(range(1, len(self.versions) + 1))
        assert len(set(self.versions.values())) == len(self.versions)
        assert sum(standing is VersionState.CHAMPION for standing in state.versions.values()) == (state.champion is not None)

    @invariant()
    def every_acknowledged_prediction_is_there_once(self):
        if getattr(self, "project", None) is not None:
            known = predictions_of(self.project).table("tides")["prediction_id"].to_list()
            assert sorted(known) == sorted(name for name, _, _ in self.predicted)

    @invariant()
    def what_rows_name_exists(self):
        if getattr(self, "project", None) is None:
            return
        project = self.project
        named = [*self.versions.values(), *self.frozen.values(), *(segment.digest for segment in project.segments.segments("tides"))]
        assert all(project.objects.has(digest) for digest in named)
        assert {v.number: v.digest for v in project.datasets.versions("tides") if v.number in self.frozen} == self.frozen
        assert not [detail for detail in project.runs.search(limit=100) if detail.run.status is RunStatus.RUNNING]


class WheelOnDisk(Wheel):
    on_disk = True


QUICK = settings(max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
class TestInMemory(Wheel.TestCase):
    settings = QUICK


@pytest.mark.slow
class TestOnDisk(WheelOnDisk.TestCase):
    settings = QUICK
