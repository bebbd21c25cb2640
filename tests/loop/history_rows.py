"""A small drifting stream and a fast model for replay tests."""

import numpy as np

from volant.config.model import (
    Amount,
    DataConfig,
    GateConfig,
    GateKind,
    ProjectConfig,
    RetrainConfig,
    Task,
    TrainConfig,
    TriggerConfig,
    TriggerKind,
)
from volant.loop.replay_wheel import History
from volant.stats.predicted import Predicted

TICK = 1_000_000


class Ticking:
    """A clock that moves a fixed step at each reading."""

    def __init__(self, step=0):
        self.instant, self.step = 0, step

    def now(self):
        self.instant += self.step
        return self.instant


def stream(rows=1200, delay=10, change=True, ties=1, seed=0):
    random = np.random.default_rng(seed)
    times = (np.arange(rows) // ties * ties).astype(np.int64) * TICK
    feature = random.normal(0, 1, rows)
    slope = np.where(np.arange(rows) < rows * 0.5, 1.0, -1.0) if change else np.ones(rows)
    target = slope * feature + random.normal(0, 0.3, rows)
    return History("toy", Task.REGRESSION, "mae", times, times + delay * TICK, target, None, {}), feature


def turning(rows=2400, seed=5):
    """A slope that goes on falling, in both halves alike: old rows say what is no longer true."""
    random = np.random.default_rng(seed)
    feature = random.normal(0, 1, rows)
    slope = np.linspace(3, -6, rows)
    times = np.arange(rows, dtype=np.int64) * TICK
    return History(
        "toy", Task.REGRESSION, "mae", times, times + 10 * TICK, slope * feature + random.normal(0, 0.3, rows), None, {}
    ), feature


def trainer(history, feature, seen=None):
    """Least squares through the origin; ``seen`` collects the rows of every training."""

    def train(rows):
        if seen is not None:
            seen.append(rows)
        slope = float(feature[rows] @ history.target[rows] / max(feature[rows] @ feature[rows], 1e-9))
        return lambda positions: Predicted(slope * feature[positions])

    return train


NEW_LABELS = (TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=40),)


def config(gates=True, when=NEW_LABELS):
    kinds = (GateKind.BASELINE, GateKind.CHAMPION) if gates else ()
    return ProjectConfig(
        version=1,
        project="toy",
        task=Task.REGRESSION,
        target="y",
        metric="mae",
        data=DataConfig(source="toy.csv", label_delay_us=10 * TICK),
        train=TrainConfig(holdout=Amount(rows=40)),
        gates=tuple(GateConfig(kind=kind) for kind in kinds),
        retrain=RetrainConfig(when=when),
    )
