"""What could have been: the best walk through the models that a replay trained, by one who knew every label before.

The matrix ``A[t, s]`` holds the loss on stretch s of the model trained at t. A walk starts with a first model and goes only to
models trained later, each step a retrain; dynamic programming over (retrains so far, model in use) finds the least loss for
every number of retrains at once (the oracle of CARA, Mahadevan & Mathioudakis 2024, *Knowledge-Based Systems* 284). It is a
bound, not a policy: nobody can follow it, and no policy over the same trainings lies below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volant.loop.replay_ledger import Ledger
from volant.loop.replay_model import BoundPoint
from volant.loop.replay_wheel import History
from volant.loop.replay_windows import Stretch
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.predicted import usable_target


@dataclass(frozen=True)
class Cells:
    """``losses`` (m, s): sum over the rows of stretch s of the row losses of model m; infinite where it answered nothing usable.

    ``launched`` (m,): instants at which the trainings began, ascending. ``usable_from`` (m,): the first stretch that a model
    was ready for. ``rows``: labelled rows of all stretches.
    """

    losses: np.ndarray
    launched: np.ndarray
    usable_from: np.ndarray
    rows: int


def bound(history: History, windows: Sequence[Stretch], ledger: Ledger, duration_us: int) -> tuple[BoundPoint, ...]:
    """The least loss with at most so many retrains, for each number that still lowers it; empty where the metric is no mean of rows.

    Asks every trained model about all rows after it was ready: T trainings cost T^2/2 askings.
    """
    named = metric_named(history.metric)
    if not named.additive and named.name != "rmse":
        return ()
    cells = matrix(history, windows, ledger, duration_us)
    points, least = [], np.inf
    for retrains, total in enumerate(least_losses(cells)):
        if total < least * (1 - 1e-12):
            least = float(total)
            points.append(BoundPoint(retrains=retrains, metric=_as_metric(history.metric, least / cells.rows), loss=least))
    return tuple(points)


def matrix(history: History, windows: Sequence[Stretch], ledger: Ledger, duration_us: int) -> Cells:
    """The cells over the stretches between all window starts and all instants at which a model was ready."""
    models = sorted(ledger.trained, key=lambda model: model.at)
    begins, ends = windows[0].start, windows[-1].stop
    first = int(history.event_times[begins])
    ready = [model.at if model.at == first else model.at + duration_us for model in models]
    places = np.searchsorted(history.event_times, ready, side="left")
    kept = places < ends
    starts = np.unique(np.concatenate([[window.start for window in windows], np.maximum(places[kept], begins)]))
    losses = np.full((int(kept.sum()), len(starts)), np.inf)
    labelled = usable_target(history.target)
    chosen = [(model, max(int(place), begins)) for model, place, fits in zip(models, places, kept, strict=True) if fits]
    for number, (model, place) in enumerate(chosen):
        from_stretch = int(np.searchsorted(starts, place))
        rows = np.arange(place, ends)
        found = row_losses(metric_named(history.metric).row_loss, history.target[rows], history.of_rows(rows, model.predict(rows)))
        values = np.where(labelled[rows], np.where(found.valid, found.values, np.inf), 0.0)
        losses[number, from_stretch:] = np.add.reduceat(values, starts[from_stretch:] - place)
    return Cells(
        losses=losses,
        launched=np.array([model.at for model, _ in chosen], dtype=np.int64),
        usable_from=np.searchsorted(starts, [place for _, place in chosen]),
        rows=int(labelled[begins:ends].sum()),
    )


def least_losses(cells: Cells) -> np.ndarray:
    """Least total loss with exactly k = 0, 1, ... retrains, float64 (k + 1,); infinite where k cannot be reached."""
    models, stretches = cells.losses.shape
    waves = np.unique(cells.launched, return_inverse=True)[1]
    best = np.full((int(waves.max()) + 1, models), np.inf)
    best[0, waves == 0] = 0.0
    for stretch in range(stretches):
        if stretch:
            reached = _least_of_earlier(best, waves)[:-1]
            reached[:, cells.usable_from > stretch] = np.inf
            best[1:] = np.minimum(best[1:], reached)
        best += cells.losses[:, stretch]
    return np.asarray(best.min(axis=1))


def _least_of_earlier(best: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """For each number of retrains and each model: the least loss in ``best`` over the models launched before it."""
    by_wave = np.full((len(best), int(waves.max()) + 1), np.inf)
    np.minimum.at(by_wave.T, waves, best.T)
    before = np.minimum.accumulate(by_wave, axis=1)
    return np.concatenate([np.full((len(best), 1), np.inf), before[:, :-1]], axis=1)[:, waves]


def _as_metric(metric: str, mean: float) -> float:
    if metric == "rmse":
        return float(np.sqrt(mean))
    named = metric_named(metric)
    if named.expression is not None:
        return mean if named.lower_is_better else -mean
    return 1.0 - mean if metric == "accuracy" else mean
