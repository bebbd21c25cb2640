"""What is learned is what is served: features that look at other rows are refused, and both ways of asking give one answer."""

import csv

import pytest
from journey_parts import edit, served, volant

Z_SCORE = """
import polars as pl
from sklearn.linear_model import LinearRegression


def features(rows: pl.DataFrame) -> pl.DataFrame:
    warmth = (pl.col("temperature") - pl.col("temperature").mean()) / pl.col("temperature").std()
    return rows.select(pl.col("hour").dt.hour().cast(pl.Float64).alias("hour_of_day"), warmth.fill_null(0.0).alias("warmth"))


def model(features: pl.DataFrame, target: pl.Series) -> LinearRegression:
    return LinearRegression().fit(features.to_numpy(), target)
"""

FITTED = """
import polars as pl
from sklearn.linear_model import LinearRegression


def usual(rows: pl.DataFrame) -> dict[str, float]:
    return {"mean": rows["temperature"].mean(), "std": rows["temperature"].std()}


def features(rows: pl.DataFrame, usual: dict[str, float]) -> pl.DataFrame:
    warmth = (pl.col("temperature") - usual["mean"]) / usual["std"]
    return rows.select(pl.col("hour").dt.hour().cast(pl.Float64).alias("hour_of_day"), warmth.fill_null(0.0).alias("warmth"))


def model(features: pl.DataFrame, target: pl.Series) -> LinearRegression:
    return LinearRegression().fit(features.to_numpy(), target)
"""


@pytest.mark.slow
def test_a_z_score_over_the_batch_is_refused_by_name_and_its_fitted_form_is_accepted(toy):
    edit(toy / "volant.yaml", "params: {learning_rate: 0.1}", "params: {}")
    (toy / "pipeline.py").write_text(Z_SCORE)
    refused = volant(toy, "run", expect=2)
    assert refused.error["field"] == "warmth"
    assert "column 'warmth' depends on other rows" in refused.error["what"]
    assert "hour_of_day" not in refused.error["what"]
    assert refused.error["next"]
    assert volant(toy, "models").json["versions"] == []
    assert volant(toy, "runs").json["runs"][0]["run"]["status"] == "FAILED"

    (toy / "pipeline.py").write_text(FITTED)
    assert volant(toy, "run", expect=None).json["version"] == 1


@pytest.mark.slow
def test_a_thousand_rows_get_the_same_answers_from_a_file_and_over_http(trained):
    volant(trained, "approve", "toy@1", "--override", "--reason", "to compare")
    with (trained / "data" / "example.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))[:1000]
    rows = [{k: line[k] for k in ("hour", "weather")} for line in lines]
    for row, line in zip(rows, lines, strict=True):
        row["temperature"] = float(line["temperature"]) if line["temperature"] else None
        row["open"] = line["open"] == "true"
    with (trained / "thousand.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    volant(trained, "predict", "@champion", "--data", "thousand.csv", "--output", "scored.csv", "--no-log")
    with (trained / "scored.csv").open(newline="", encoding="utf-8") as file:
        offline = [float(line["prediction"]) for line in csv.DictReader(file)]
    with served(trained, log_folder=trained.parent) as server:
        server.until(lambda: server.serving() == 1)
        together = server.predict(rows)[0]
        one_by_one = [server.predict([row])[0][0] for row in rows[::10]]
    assert together == offline
    assert one_by_one == offline[::10]
