"""Replay on real files beside known marks of a plain HistGradientBoosting: ``python benchmarks/replay_marks.py [elec2 bike noaa]``.

The marks are metrics over the last 48 of 60 equal windows, the first 12 being the first training; every window retrains
on the last 12 windows (sliding) or on everything (growing), with labels as late as declared. The data sets are read from
``../shared/data`` (``VOLANT_DATA`` names another folder).
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from volant.config.model import (
    Amount,
    DataConfig,
    GateConfig,
    GateKind,
    Margin,
    ProjectConfig,
    RetrainConfig,
    Task,
    TrainConfig,
    TriggerConfig,
    TriggerKind,
)
from volant.kernel.clock import DAY_US, MINUTE_US, SystemClock
from volant.loop.replay import replay
from volant.loop.replay_wheel import History
from volant.loop.report import replay_html, replay_table
from volant.stats.predicted import Predicted

FOLDER = Path(os.environ.get("VOLANT_DATA", Path(__file__).parents[2] / "shared" / "data"))
MARKS = {
    "elec2": {"never": 0.267, "every window, sliding": 0.235, "every window, growing": 0.240},
    "bike": {"never": 72.6, "every window, sliding": 37.7},
    "noaa": {"never": 0.220, "every window, sliding": 0.204, "every window, growing": 0.201},
}


def elec2():
    frame = pl.read_csv(FOLDER / "elec2.csv")
    times = np.arange(len(frame), dtype=np.int64) * 30 * MINUTE_US
    return frame.drop("class"), frame["class"].to_numpy().astype(object), times, DAY_US, Task.BINARY


def bike():
    frame = pl.read_csv(FOLDER / "bike_hourly.csv", try_parse_dates=True)
    times = frame["dteday"].cast(pl.Datetime("us")).to_physical().to_numpy()
    return (
        frame.drop("instant", "dteday", "casual", "registered", "cnt"),
        frame["cnt"].to_numpy().astype(float),
        times,
        DAY_US,
        Task.REGRESSION,
    )


def noaa():
    frame = pl.read_csv(FOLDER / "noaa_bellevue_weather.csv")
    times = np.arange(len(frame), dtype=np.int64) * DAY_US
    return frame.drop("target"), frame["target"].to_numpy(), times, DAY_US, Task.BINARY


def config_for(name, metric, task, rows):
    performance = TriggerConfig(kind=TriggerKind.PERFORMANCE)
    labels = TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=rows // 30)
    gates = (
        GateConfig(kind=GateKind.BASELINE, metric=metric),
        GateConfig(kind=GateKind.CHAMPION, metric=metric, margin=Margin(value=0.01, relative=True)),
    )
    return ProjectConfig(
        version=1,
        project=name,
        task=task,
        target="y",
        metric=metric,
        data=DataConfig(source=f"{name}.csv", label_delay_us=DAY_US),
        train=TrainConfig(holdout=Amount(rows=rows // 60)),
        gates=gates,
        retrain=RetrainConfig(when=(performance, labels)),
    )


def trainer_for(features, target, task):
    matrix = features.to_numpy().astype(float)

    def train(rows):
        kind = HistGradientBoostingRegressor if task is Task.REGRESSION else HistGradientBoostingClassifier
        model = kind(random_state=7).fit(matrix[rows], target[rows] if task is Task.REGRESSION else target[rows].astype(str))
        if task is Task.REGRESSION:
            return lambda positions: Predicted(model.predict(matrix[positions]))
        kinds = {str(value): value for value in set(target.tolist())}
        classes = tuple(kinds[text] for text in model.classes_)

        def predict(positions):
            scores = model.predict_proba(matrix[positions])
            return Predicted(np.array(classes, dtype=target.dtype)[scores.argmax(axis=1)], scores, classes)

        return predict

    return train


def run(name):
    features, target, times, delay, task = {"elec2": elec2, "bike": bike, "noaa": noaa}[name]()
    metric = "mae" if task is Task.REGRESSION else "error"
    history = History(name, task, metric, times, times + delay, target, None, {})
    train = trainer_for(features, target, task)
    started = time.perf_counter()
    done = replay(config_for(name, metric, task, len(target)), history, train, clock=SystemClock())
    seconds = time.perf_counter() - started
    result = done.result
    print(f"\n{name}: {metric}, {len(result.windows)} windows, warm-up {result.warm_up_share:.0%}, {result.trainings} trainings", end="")
    print(
        f" (+{result.shared_trainings} shared), {seconds:.1f} s of which {sum(result.training_us) / 1e6:.1f} s training; {result.baselines}"
    )
    for row in replay_table(result):
        mark = MARKS[name].get(row["policy"])
        print("  ", {k: (round(v, 4) if isinstance(v, float) else v) for k, v in row.items()}, "" if mark is None else f"<- mark {mark}")
    if os.environ.get("VOLANT_REPLAY_PAGES"):
        Path(os.environ["VOLANT_REPLAY_PAGES"], f"replay-{name}.html").write_text(replay_html(result), encoding="utf-8")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or MARKS:
        run(wanted)
