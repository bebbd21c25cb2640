"""A business metric decides: what earns more is let out though it is wrong more often, and live rows and replays say what they earned."""

import csv
import random

import pytest
from journey_parts import edit, served, volant

pytestmark = pytest.mark.slow
PIPELINE = '''
import numpy as np
import polars as pl


class Cuts:
    """Blocks a payment where that is right more often than not or, by what it earns, where it is worth it."""

    def __init__(self, by_earnings: bool) -> None:
        self.by_earnings = by_earnings
        self.classes_ = np.array([0, 1])

    def predict_proba(self, rows: pl.DataFrame) -> np.ndarray:
        risk, amount = rows["risk"].to_numpy(), rows["amount"].to_numpy()
        share = risk * amount / (risk * amount + 8 * (1 - risk)) if self.by_earnings else risk
        return np.column_stack([1 - share, share])

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        return (self.predict_proba(rows)[:, 1] > 0.5).astype(int)


def model(rows: pl.DataFrame, target: pl.Series, *, by_earnings: bool = False) -> Cuts:
    return Cuts(by_earnings)
'''
SETTINGS = """version: 1
project: payments
task: binary
target: fraud
metric: saved
metrics:
  saved: {expression: "if(prediction == 1, if(label == 1, amount, -8), 0)", goal: maximize, unit: EUR, aggregate: sum}
data: {source: data.csv, key: [id], tick: 1s}
train: {holdout: {last: 400 rows}, params: {by_earnings: false}}
gates:
  - {vs: champion, margin: 1%}
  - {min: 1}
watch: {window: {rows: 50}}
"""


def payments(count, start=0, seed=1):
    """Rows with the chance of fraud as a column, and whether it was one."""
    chance = random.Random(seed)
    rows = []
    for number in range(start, start + count):
        risk = round(chance.betavariate(1.2, 2.5), 3)
        rows.append({"id": number, "risk": risk, "amount": round(chance.lognormvariate(3.5, 0.8), 2), "fraud": int(chance.random() < risk)})
    return rows


@pytest.fixture
def shop(tmp_path):
    """A project with the first version let out."""
    root = tmp_path / "payments"
    root.mkdir()
    rows = payments(1200)
    with (root / "data.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (root / "pipeline.py").write_text(PIPELINE, encoding="utf-8")
    (root / "volant.yaml").write_text(SETTINGS, encoding="utf-8")
    assert volant(root, "run").json["state"] == "proposed"
    volant(root, "approve", "payments@1", "--reason", "a beginning")
    return root


def saved(rows, answers):
    """What the answers to these rows earned on the mean."""
    return sum(row["amount"] if row["fraud"] else -8 for row, answer in zip(rows, answers, strict=True) if answer) / len(rows)


def test_what_earns_more_is_let_out_served_and_measured_by_what_it_earns(shop):
    turned = volant(shop, "run", "--set", "by_earnings=true").json
    assert turned["state"] == "proposed"
    versus = turned["report"]["checks"][0]
    assert versus["verdict"] == "pass"
    assert versus["difference"] > 0
    assert "saved (EUR)" in versus["sentence"]
    new, old = (volant(shop, "models", "show", f"payments@{number}").json["metrics"] for number in (2, 1))
    assert new["accuracy"] < old["accuracy"]
    assert new["saved"] == pytest.approx(versus["candidate"])
    volant(shop, "approve", "payments@2", "--reason", "earns more")

    rows = payments(100, start=10_000, seed=2)
    with served(shop) as server:
        server.until(lambda: server.serving() == 2)
        given, answers = [{k: v for k, v in row.items() if k not in {"fraud", "id"}} for row in rows], []
        for start in range(0, len(given), 10):
            said, request = server.predict(given[start : start + 10])
            answers += said
            labels = [{"prediction_id": f"{request}.{n}", "label": rows[start + n]["fraud"]} for n in range(10)]
            assert server.post("/labels", {"labels": labels})[0] == 200
        shown = volant(shop, "monitor", "show").json
    assert shown["metric"] == "saved (EUR)"
    assert shown["reference"]["value"] == pytest.approx(versus["candidate"])
    halves = [saved(rows[:50], answers[:50]), saved(rows[50:], answers[50:])]
    assert [window["value"] for window in shown["windows"]] == [pytest.approx(value) for value in halves]
    assert all(window["low"] < window["value"] < window["high"] for window in shown["windows"])

    assert [window["in_all"] for window in shown["windows"]] == [pytest.approx(50 * value) for value in halves]

    found = volant(shop, "replay", "--windows", "4").json["result"]
    assert not found["lower_is_better"]
    assert found["metric"].startswith("saved [maximize sum, EUR] = ")
    never = next(policy for policy in found["policies"] if policy["name"] == "never")
    assert never["low"] < never["metric"] < never["high"]


def test_a_metric_that_reads_what_no_request_carries_is_refused_before_anything_runs(shop):
    edit(shop / "volant.yaml", "label == 1, amount", "label == 1, amont")
    refused = volant(shop, "config", "validate", expect=2).error
    assert refused["field"] == "metrics.saved.expression"
    assert "no column 'amont'" in refused["what"]
    assert "did you mean 'amount'?" in refused["next"]
    assert "no column 'amont'" in volant(shop, "run", expect=2).error["what"]
    edit(shop / "volant.yaml", "amont", "id")
    assert "'id' is a time or key column" in volant(shop, "config", "validate", expect=2).error["what"]
