"""A report keeps what each of its checks rests on: made again from that, every figure is the same, and a changed object is seen."""

import numpy as np
import pytest
from gate_rows import check, share
from sklearn.linear_model import LogisticRegression
from test_gate_service import Fixed, Objects, Reports

from volant.config.model import DataConfig, ProjectConfig, Rate, Task
from volant.gates.columns import table_bytes, table_from
from volant.gates.disturbing import NOISE, name_of
from volant.gates.facts import Disturbed, Facts
from volant.gates.model import DisturbedNote, Measured, Slower
from volant.gates.rederiving import checks_again
from volant.gates.service import Contestant, GateData, judge
from volant.stats.predicted import Predicted

N = 1500
RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(N, 2))
SEX = RANDOM.choice(np.array(["f", "m"], dtype=object), N)
LABEL = (RANDOM.random(N) < 1 / (1 + np.exp(-X[:, 0]))).astype(int).astype(object)
LABEL[-100:] = None  # not known yet
FIRST = LogisticRegression(C=0.01).fit(X[:700], LABEL[:700].astype(int))
SECOND = LogisticRegression().fit(X[:700], LABEL[:700].astype(int))
GATES = (
    check("champion", margin=share(0.02)),
    check("fairness", columns=("sex",), rate=Rate.TPR, max_difference=0.2),
    check("fairness", columns=("sex",), metric="auc", max_difference=0.2),
    check("calibration", most_error=0.08, slope=0.4),
    check("churn", most_churn=share(0.3)),
    check("robustness", margin=share(0.1), missing=0.0, swaps=0.0),
    check("latency", latency_us=20_000, slower=0.5),
    check("size", package_bytes=1000),
)


class Kept(Objects):
    def get(self, name):
        return self.held[name]


def contestant(model, package, version):
    def predict(positions):
        return Predicted(model.predict(X[positions]), model.predict_proba(X[positions]), (0, 1))

    return Contestant(package, predict, version=version)


def facts(positions):
    moved = X[positions] + np.random.default_rng(1).normal(0, 0.1, (len(positions), 2))
    answers = Predicted(SECOND.predict(moved), SECOND.predict_proba(moved), (0, 1))
    measured = Measured(
        latency_rows=100,
        p99_us=900,
        p95_us=800,
        champion_p95_us=790,
        champion_p99_us=880,
        slower_p95=Slower(ratio=1.01, low=0.9, high=1.1),
        slower_p99=Slower(ratio=1.02, low=0.9, high=1.2),
        package_bytes=900,
        disturbed=(DisturbedNote(name=name_of(NOISE, 0.1), columns=("x0", "x1")),),
    )
    return Facts(disturbed={name_of(NOISE, 0.1): Disturbed(answers, ("x0", "x1"))}, measured=measured)


@pytest.fixture
def judged():
    times = np.arange(N, dtype=np.int64)
    data = GateData(
        dataset="loans",
        version=1,
        names=np.array([f"v1:{number}" for number in range(N)]),
        fingerprints=np.arange(N, dtype=np.uint64),
        event_times=times,
        known_at=times + 1,
        target=LABEL,
        training=np.arange(700),
        holdout=np.arange(700, N),
        groups=None,
        slices={"sex": SEX},
    )
    config = ProjectConfig(
        version=1, project="loans", task=Task.BINARY, target="paid", metric="logloss", data=DataConfig(source="x.csv"), gates=GATES
    )
    objects, reports = Kept(), Reports()
    report = judge(
        config,
        data,
        contestant(SECOND, "second", 2),
        contestant(FIRST, "first", 1),
        run_id="r",
        gates=reports,
        objects=objects,
        clock=Fixed(),
        ids=Fixed(),
        asked=facts,
    )
    return report, objects


def test_every_check_comes_out_as_it_was(judged):
    report, objects = judged
    assert len(report.checks) == 11
    assert checks_again(report, objects) == report.checks


def test_churn_saw_rows_without_a_label_and_the_rest_did_not(judged):
    report, _ = judged
    by_kind = {check.check.kind.value: check.rows for check in report.checks}
    assert by_kind["churn"] == 800
    assert by_kind["champion"] == by_kind["calibration"] == 700


@pytest.mark.parametrize("which", ["evidence", "changing", "predictions"])
def test_other_rows_than_those_that_were_kept_come_out_otherwise(judged, which):
    report, objects = judged
    digest = getattr(report, which)
    table = table_from(objects.get(digest))
    objects.held[digest] = table_bytes({name: table[name].reverse() if name != "target" else table[name] for name in table.columns})
    if which == "changing":
        objects.held[digest] = table_bytes({**table.to_dict(), "candidate": 1 - table["candidate"]})
    assert checks_again(report, objects) != report.checks
