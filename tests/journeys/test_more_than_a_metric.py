"""Gates beyond the metric, as a person meets them: the report, the exit code, the decision's sentence, the page, and the replay."""

import csv
import random

import pytest
from journey_parts import ask, edit, served, volant

pytestmark = pytest.mark.slow
PIPELINE = """
import polars as pl
from sklearn.linear_model import LogisticRegression


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col("age", "income").fill_null(0.0), (pl.col("city") == "a").fill_null(False).cast(pl.Float64).alias("a"))


def model(features: pl.DataFrame, target: pl.Series, *, c: float = 0.001) -> LogisticRegression:
    return LogisticRegression(C=c).fit(features.to_numpy(), target.to_numpy())
"""
SETTINGS = """version: 1
project: loans
task: binary
target: paid
metric: logloss
data: {source: data.csv, tick: 1s, drop: [sex]}
train: {holdout: {last: 1000 rows}, params: {c: 0.001}}
gates:
  - {vs: champion, margin: 1%}
  - {fairness: [sex], rate: tpr, max_difference: 0.5}
  - {calibration: 15%}
  - {churn: 60%}
  - {robustness: 20%}
  - {latency_p99: 10s, latency_slower: 10000%}
  - {package_size: 20MB}
"""


@pytest.fixture
def loans(tmp_path):
    """A project with its first version let out; people of one sex earn more, which the model sees."""
    root, chance = tmp_path / "loans", random.Random(3)
    root.mkdir()
    with (root / "data.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "income", "city", "sex", "paid"])
        for _ in range(2500):
            sex, age = chance.choice("fm"), chance.gauss(0, 1)
            income = chance.gauss(1.5 if sex == "m" else 0, 1)
            good = age + income - 0.7 + chance.gauss(0, 1) > 0
            writer.writerow([round(age, 3), round(income, 3), chance.choice("abc"), sex, "yes" if good else "no"])
    (root / "pipeline.py").write_text(PIPELINE, encoding="utf-8")
    (root / "volant.yaml").write_text(SETTINGS, encoding="utf-8")
    volant(root, "run", expect=3)  # far too careful chances: not calibrated
    volant(root, "approve", "loans@1", "--override", "--reason", "a beginning")
    return root


def checks(report, kind):
    return [check for check in report["checks"] if check["check"]["kind"] == kind]


def test_what_else_is_asked_is_judged_told_shown_and_comes_out_the_same_once_more(loans):
    turned = volant(loans, "run", "--set", "c=1.0").json
    report = turned["report"]
    assert turned["state"] == "proposed", report
    kinds = [check["check"]["kind"] for check in report["checks"]]
    assert kinds == ["champion", "fairness", "calibration", "churn", *["robustness"] * 3, *["latency"] * 3, "size"]
    measured = report["measured"]
    assert measured["slower_p99"]["low"] <= measured["slower_p99"]["ratio"] <= measured["slower_p99"]["high"]
    assert 0 < measured["package_bytes"] < 20_000_000
    assert [note["name"] for note in measured["disturbed"]] == ["noise 0.1", "missing 0.05", "swaps 0.05"]
    assert "churn against champion v1" in turned["sentence"] or "churn" in volant(loans, "policy", "decisions").out

    edit(loans / "volant.yaml", "max_difference: 0.5", "max_difference: 0.02")
    edit(loans / "volant.yaml", "churn: 60%", "churn: 0.1%")
    edit(loans / "volant.yaml", "  - {latency_p99: 10s, latency_slower: 10000%}\n  - {package_size: 20MB}\n", "")
    again = volant(loans, "gate", "loans@2", expect=3).json["report"]
    fair, churn = checks(again, "fairness")[0], checks(again, "churn")[0]
    assert (fair["verdict"], churn["verdict"]) == ("fail", "fail")
    assert fair["difference"] == checks(report, "fairness")[0]["difference"]
    for kind in ("calibration", "robustness"):
        assert [check["low"] for check in checks(again, kind)] == [check["low"] for check in checks(report, kind)]

    lived = volant(loans, "replay", "--lived").json
    assert lived["same"], lived
    with served(loans) as server:
        status, _, page = ask(server.port, "GET", "/models/loans/versions/2", headers={"accept": "text/html"})
    assert status == 200
    assert b"churn against champion v1" in page
