"""How good estimates of performance without labels are: ``python benchmarks/estimated_performance.py [repeats]``.

A model learns from the first rows, its estimator is fitted on the next ones (the holdout) and then sees window after window
without labels. *Within* is the share of windows whose realised loss lies inside the estimate's 95 % interval. *Nothing
changes*: simulated rows whose target depends on inputs in one way while the inputs themselves drift; and files of real
measurements with blocks of rows in random order, so that nothing changes in the long run while rows keep their neighbours.
*As it was*: the same files in their own order, with whatever changed. *Fires* is the share of runs in which labels contradict
the estimate, *outside* the share of windows in doubt for inputs beyond what the model saw.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from volant.config.model import Task
from volant.loop.estimated import validity_of
from volant.monitoring.estimating import estimate_of, expected_losses, with_gap
from volant.monitoring.estimator_fitting import HeldOut, fitted
from volant.monitoring.model import EstimatedWindow
from volant.stats.metrics import row_losses
from volant.stats.predicted import Predicted

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
DATA = Path(__file__).parents[2] / "shared" / "data"


def answers(model, matrix, task):
    if task is Task.REGRESSION:
        return Predicted(model.predict(matrix))
    classes = tuple(model.classes_.tolist())
    scores = model.predict_proba(matrix)
    return Predicted(np.array(classes, dtype=object)[scores.argmax(axis=1)], scores, classes)


def estimated(frame, target, task, metric, cuts, window):  # noqa: PLR0917 - one call
    """Windows after the holdout: (realised loss, estimate). ``cuts``: where training ends and where the holdout ends."""
    learned, held = cuts
    kind = HistGradientBoostingRegressor if task is Task.REGRESSION else HistGradientBoostingClassifier
    matrix = frame.to_numpy()
    model = kind(random_state=0, max_iter=60).fit(matrix[:learned], target[:learned].tolist())
    inputs = {f"f:{name}": frame[name] for name in frame.columns}
    place = np.arange(len(target))
    cut = slice(learned, held)
    rows = HeldOut(target[cut], answers(model, matrix[cut], task), place[cut], {name: column[cut] for name, column in inputs.items()})
    estimator = fitted(metric, task, rows, {name: column[:held] for name, column in inputs.items()})
    found = []
    for start in range(held, len(target) - window + 1, window):
        part = slice(start, start + window)
        predicted, seen = answers(model, matrix[part], task), {name: column[part] for name, column in inputs.items()}
        expected = expected_losses(estimator, predicted, task, seen)
        losses = row_losses(estimator.loss, target[part], predicted)
        estimate = estimate_of(estimator, metric, expected, place[part], seen)
        estimate = with_gap(estimate, estimator.noise, losses.values, expected, units=place[part])
        found.append(EstimatedWindow(from_us=start, to_us=start + window, labelled=True, estimate=estimate))
    return found


def shown(name, runs):
    windows = [window.estimate for run in runs for window in run]
    realised = [e.loss + e.gap for e in windows]
    inside = [e.low_loss <= e.loss + e.gap <= e.high_loss for e in windows]
    width = np.median([(e.high_loss - e.low_loss) / 2 / max(e.loss, 1e-12) for e in windows])
    first = [next((n + 1 for n in range(len(run)) if validity_of(run[: n + 1]).contradicted), None) for run in runs]
    seen = [n for n in first if n is not None]
    when = f"after {np.median(seen):.0f} windows" if seen else ""
    believed = [good for good, e in zip(inside, windows, strict=True) if e.outside_column is None]
    held = f"within {np.mean(inside):5.1%}, inputs inside {np.mean(believed) if believed else np.nan:5.1%} of {len(believed)}"
    means = f"realised {np.mean(realised):8.4g}  estimated {np.mean([e.loss for e in windows]):8.4g}"
    doubts = f"outside {np.mean([e.outside_column is not None for e in windows]):4.0%}  fires {len(seen) / len(runs):4.0%} {when}"
    print(f"{name:44s} windows {len(windows):4d}  {held}  +-{width:4.0%}  {means}  {doubts}", flush=True)


def simulated(seed, task, *, changed_at=None, drift=0.0):
    """Rows of five inputs whose means drift; the noise of the target depends on an input, so losses do."""
    random = np.random.default_rng(seed)
    rows = 16_000
    move = drift * np.clip((np.arange(rows) - 6000) / 8000, 0, 1)
    matrix = random.standard_normal((rows, 5)) + move[:, None] * np.array([1, 0.5, 0, 0, 0])
    weights = np.tile(np.array([1.0, -1.0, 0.5, 0.0, 0.0]), (rows, 1))
    if changed_at is not None:
        weights[changed_at:] = [-0.3, -1.0, 0.5, 1.0, 0.0]
    signal = (matrix * weights).sum(axis=1)
    frame = pl.DataFrame(matrix, schema=[f"x{k}" for k in range(5)])
    if task is Task.REGRESSION:
        return frame, signal + np.exp(0.5 * matrix[:, 0] - 0.5) * random.standard_normal(rows)
    return frame, (random.random(rows) < 1 / (1 + np.exp(-1.5 * signal))).astype(int).astype(object)


def file_of(name):
    if name == "elec2":
        frame = pl.read_csv(DATA / "elec2.csv")
        target = np.array(frame["class"].to_list(), dtype=object)
        return frame.drop("class", "date"), target, Task.BINARY, "error", (8000, 12_000), 480
    if name == "noaa":
        frame = pl.read_csv(DATA / "noaa_bellevue_weather.csv")
        return frame.drop("target"), np.array(frame["target"].to_list(), dtype=object), Task.BINARY, "error", (4000, 7000), 365
    frame = pl.read_csv(DATA / "bike_hourly.csv")
    wanted = frame.drop("instant", "dteday", "casual", "registered", "cnt")
    return wanted, frame["cnt"].to_numpy().astype(float), Task.REGRESSION, "mae", (5000, 8000), 500


def shuffled(frame, target, block, random):
    """Blocks of rows in random order."""
    starts = random.permutation(np.arange(0, len(target), block))
    order = np.concatenate([np.arange(start, min(start + block, len(target))) for start in starts])
    return frame[order], target[order]


def main():
    kinds = ((Task.BINARY, "error"), (Task.BINARY, "logloss"), (Task.REGRESSION, "mae"), (Task.REGRESSION, "rmse"))
    for task, metric in kinds:
        for name, more in (("nothing moves", {}), ("inputs drift, 0.7 sd", {"drift": 0.7})):
            runs = [estimated(*simulated(seed, task, **more), task, metric, (4000, 6000), 500) for seed in range(REPEATS)]
            shown(f"simulated {task.value} {metric}: {name}", runs)
        runs = [estimated(*simulated(seed, task, changed_at=10_000), task, metric, (4000, 6000), 500) for seed in range(REPEATS)]
        shown(f"simulated {task.value} {metric}: until the change", [run[:8] for run in runs])
        shown("                    from the change on", [run[8:] for run in runs])
    for name in ("elec2", "noaa", "bike"):
        frame, target, task, metric, cuts, window = file_of(name)
        random = np.random.default_rng(7)
        for block in (100, 336):
            runs = [estimated(*shuffled(frame, target, block, random), task, metric, cuts, window) for _ in range(REPEATS)]
            shown(f"{name}: blocks of {block} rows in random order", runs)
        shown(f"{name}: as it was", [estimated(frame, target, task, metric, cuts, window)])


if __name__ == "__main__":
    main()
