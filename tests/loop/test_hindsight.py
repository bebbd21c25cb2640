import itertools

import numpy as np
from history_rows import TICK, Ticking, config, stream, trainer

from volant.loop.hindsight import Cells, least_losses
from volant.loop.replay import Extent, replay


def by_trying_all(cells):
    """Least loss by number of retrains, over every walk through the models."""
    models, stretches = cells.losses.shape
    least = {}
    for walk in itertools.product(range(models), repeat=stretches):
        steps = [(a, b) for a, b in itertools.pairwise(walk) if a != b]
        allowed = cells.launched[walk[0]] == cells.launched[0] and all(cells.launched[a] < cells.launched[b] for a, b in steps)
        total = sum(cells.losses[model, stretch] for stretch, model in enumerate(walk))
        if allowed and total < least.get(len(steps), np.inf):
            least[len(steps)] = total
    return least


def test_no_walk_through_the_models_has_less_loss_than_the_best_in_hindsight():
    random = np.random.default_rng(3)
    for _ in range(20):
        launched = np.sort(random.integers(0, 4, 5))
        usable_from = np.where(launched == launched[0], 0, np.minimum(launched + random.integers(0, 2), 4))
        losses = np.where(np.arange(5) >= usable_from[:, None], random.random((5, 5)), np.inf)
        cells = Cells(losses, launched, usable_from, 5)
        expected = by_trying_all(cells)
        found = {number: total for number, total in enumerate(least_losses(cells)) if np.isfinite(total)}
        assert found.keys() == expected.keys()
        assert all(abs(found[number] - expected[number]) < 1e-12 for number in found)


def test_no_policy_lies_below_the_bound_and_more_retrains_never_raise_it():
    history, feature = stream()
    extent = Extent(windows=12, train_duration_us=7 * TICK, bound=True)
    result = replay(config(), history, trainer(history, feature), clock=Ticking(), extent=extent).result
    points = {point.retrains: point.metric for point in result.bound}
    assert points[0] > min(points.values()) + 0.2, "one change of slope in the middle: to retrain must pay"
    assert list(points.values()) == sorted(points.values(), reverse=True)
    for policy in result.policies:
        assert policy.metric >= min(metric for retrains, metric in points.items() if retrains <= policy.retrains) - 1e-12


def test_the_bound_is_only_computed_when_asked_for():
    history, feature = stream(rows=400)
    assert replay(config(), history, trainer(history, feature), clock=Ticking(), extent=Extent(windows=6)).result.bound == ()
