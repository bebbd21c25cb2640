"""What the retrains of a walk through history cost."""

import itertools
from collections.abc import Sequence

import numpy as np

from volant.config.model import CostConfig
from volant.loop.replay_wheel import History
from volant.loop.replay_windows import Stretch


def cost_of_walk(cost: CostConfig, history: History, windows: Sequence[Stretch], retrained: Sequence[int]) -> float:
    """Of the trainings that began with these windows (ascending), in row loss times rows.

    Each pays for the labels that became known since the training before it; the first training was paid before.
    """
    starts = [int(history.event_times[windows[number].start]) for number in (0, *retrained)]
    known = [int(np.count_nonzero(history.known_at <= start)) for start in starts]
    return sum(cost.of_a_retrain(after - before) for before, after in itertools.pairwise(known))
