"""A gate keeps what it was decided from, and never looks at rows that a model learned from."""

import io

import numpy as np
import polars as pl
import pytest
from gate_rows import check

from volant.config.model import DataConfig, ProjectConfig, Task
from volant.gates.model import Verdict
from volant.gates.service import Contestant, GateData, judge
from volant.kernel.digests import digest
from volant.kernel.errors import AlreadyExistsError, InternalError
from volant.stats.predicted import Predicted

N = 600
RANDOM = np.random.default_rng(2)
TARGET = RANDOM.normal(10, 3, N)


class Objects:
    def __init__(self):
        self.held = {}

    def put(self, data):
        self.held[digest(data)] = data
        return digest(data)


class Reports:
    def __init__(self):
        self.held = {}

    def add(self, report):
        if report.id in self.held:
            raise AlreadyExistsError(report.id)
        self.held[report.id] = report

    def reports(self, model):
        return tuple(report for report in self.held.values() if report.model == model)[::-1]


class Fixed:
    def now(self):
        return 42

    def new(self):
        return "r1"


def data(**fields):
    times = np.arange(N, dtype=np.int64)
    base = {
        "dataset": "bikes",
        "version": 3,
        "names": np.array([f"v3:{number}" for number in range(N)]),
        "fingerprints": np.arange(N, dtype=np.uint64) + 1000,
        "event_times": times,
        "known_at": times + 10,
        "target": TARGET,
        "training": np.arange(390),
        "holdout": np.arange(400, N),
        "groups": None,
        "slices": {"half": (times > 500).astype(int)},
    }
    return GateData(**(base | fields))


def config(*gates, metric="mae", task=Task.REGRESSION):
    return ProjectConfig(version=1, project="bikes", task=task, target="cnt", metric=metric, data=DataConfig(source="x.csv"), gates=gates)


def noisy(spread, seed=0):
    noise = np.random.default_rng(seed).normal(0, spread, N)
    return lambda positions: Predicted(TARGET[positions] + noise[positions])


def judged(candidate, champion=None, given=None, conf=None):
    objects, reports = Objects(), Reports()
    conf = conf or config(check("baseline"), check("champion"))
    report = judge(conf, given or data(), candidate, champion, run_id="run", gates=reports, objects=objects, clock=Fixed(), ids=Fixed())
    assert reports.held == {"r1": report}
    return report, pl.read_parquet(io.BytesIO(objects.held[report.predictions]))


def test_a_report_names_its_inputs_and_stores_every_answer():
    report, frame = judged(Contestant("pkg2", noisy(0.5)), Contestant("pkg1", noisy(1.5, 1), version=4))
    assert report.verdict is Verdict.PASS
    assert (report.champion, report.champion_package, report.holdout_rows, report.dataset_version) == (4, "pkg1", 200, 3)
    assert frame.columns == ["row", "time", "target", "candidate", "champion", "last known value", "median"]
    assert frame["row"][0] == "v3:400"
    found = (frame["candidate"] - frame["target"]).abs().mean()
    assert found == pytest.approx(report.checks[0].candidate)
    assert set(report.baselines) == {"last known value", "median"}
    assert report.checks[1].other_name == "champion v4"


def test_rows_that_either_model_learned_from_are_left_out_and_counted():
    learned = np.arange(400, 500, dtype=np.uint64) + 1000
    report, frame = judged(Contestant("pkg2", noisy(0.5)), Contestant("pkg1", noisy(1.5, 1), version=4, trained_on=learned))
    assert (report.excluded_rows, report.holdout_rows) == (100, 100)
    assert frame["row"][0] == "v3:500"


def test_when_nothing_unseen_is_left_there_is_not_enough_evidence():
    everything = np.arange(N, dtype=np.uint64) + 1000
    report, frame = judged(Contestant("pkg2", noisy(0.5)), Contestant("pkg1", noisy(1.0), trained_on=everything))
    assert report.verdict is Verdict.NOT_ENOUGH
    assert (report.holdout_rows, report.holdout_from_us, len(frame)) == (0, None, 0)


def test_rows_without_a_label_yet_are_not_asked_for():
    target = TARGET.copy()
    target[590:] = np.nan
    report, _ = judged(Contestant("pkg2", noisy(0.5)), given=data(target=target))
    assert (report.holdout_rows, report.excluded_rows) == (190, 0)


def test_class_probabilities_are_stored_by_class_name():
    target = np.where(TARGET > 10, "UP", "DOWN")

    def predict(positions):
        up = (target[positions] == "UP") * 0.6 + 0.2
        return Predicted(np.where(up > 0.5, "UP", "DOWN"), np.column_stack([1 - up, up]), ("DOWN", "UP"))

    conf = config(check("baseline"), metric="logloss", task=Task.BINARY)
    report, frame = judged(Contestant("pkg", predict), given=data(target=target), conf=conf)
    assert report.verdict is Verdict.PASS
    assert {"candidate", "candidate.p(UP)", "class shares.p(DOWN)"} <= set(frame.columns)


def test_a_model_that_answers_too_few_rows_is_a_defect_that_is_named():
    with pytest.raises(InternalError, match="answered 2 of 200 rows"):
        judged(Contestant("pkg", lambda _: Predicted(np.zeros(2))))
