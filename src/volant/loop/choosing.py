"""Which of the walked policies to take, from their row losses over the windows that choose.

1. Retention, over all calendars together: all data, unless another retention was surely better with the same triggers. What is
   forgotten cannot be learned from later, so forgetting has to be better in most stretches of time and not only in sum
   (``stats/stretches.py``): one bad month is no reason.
2. Trigger. Gains are made monotone in freshness first, by pooling neighbours (Ayer et al. 1955, Ann. Math. Stat. 26): a fresher model
   of the same data is no worse, and where the figures say otherwise it is chance. The best net gain, costs included, leads; equals
   go to the fresher. A policy with fewer retrains takes its place only where it surely keeps ``KEPT_GAIN`` of the leader's gain.
3. Never, where the leader was not surely better than never on these rows, its cost included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volant.loop.policy import ReplayPolicy, Retention
from volant.loop.replay_model import CONFIDENCE
from volant.stats.blocks import MeanEstimate
from volant.stats.paired import Interval, interval_of, paired_difference
from volant.stats.stretches import mean_of_stretches

KEPT_GAIN = 0.95
BOTH_SIDES = 0.975


@dataclass(frozen=True)
class Walked:
    """A policy over the rows that choose: ``losses`` (n,) in time order, finite; how often it retrained there, and what that cost."""

    policy: ReplayPolicy
    losses: np.ndarray
    retrains: int
    cost: float  # of all its retrains, in row loss times rows

    @property
    def kind(self) -> str:
        """What it does, whatever rows it learns from."""
        return self.policy.name.partition(",")[0]


@dataclass(frozen=True)
class Rows:
    """What dependence between the rows follows; shapes (n,)."""

    times: np.ndarray
    groups: np.ndarray | None


def chosen(never: Walked, others: Sequence[Walked], rows: Rows) -> Walked | None:
    """The policy to take; None for never."""
    kept = _of_one_retention(others)
    gains = _monotone(never, kept)
    leader = max(kept, key=lambda one: (gains[one.policy.name] - one.cost, one.retrains))
    surely = paired_difference(leader.losses, never.losses, CONFIDENCE, rows.times, rows.groups).high
    if surely is None or -surely * len(never.losses) <= leader.cost:
        return None
    fewer = [one for one in kept if one.retrains < leader.retrains and _keeps_the_gain(one, leader, never)]
    return min([*fewer, leader], key=lambda one: (one.retrains, one.cost - gains[one.policy.name]))


def _of_one_retention(others: Sequence[Walked]) -> list[Walked]:
    """The policies of the retention to take; all of them where growing was not walked with the same triggers."""
    by_kind = {(one.kind, one.policy.retention): one for one in others}
    rivals = list(dict.fromkeys(one.policy.retention for one in others if one.policy.retention is not Retention.GROWING))
    pairs = {
        rival: [
            (one.losses, grown.losses)
            for (kind, retention), one in by_kind.items()
            if retention is rival and (grown := by_kind.get((kind, Retention.GROWING))) is not None
        ]
        for rival in rivals
    }
    if not any(pairs.values()):
        return list(others)
    confidence = 1 - (1 - BOTH_SIDES) / len(rivals)
    better: dict[Retention | None, float] = {}
    for rival, both in pairs.items():
        if both:
            forgetting, growing = (np.mean(side, axis=0) for side in zip(*both, strict=True))
            found = _between_stretches(forgetting - growing, confidence)
            if found.high is not None and found.high < 0:
                better[rival] = found.value
    taken = min(better, key=lambda retention: better[retention]) if better else Retention.GROWING
    return [one for one in others if one.policy.retention is taken]


def _monotone(never: Walked, kept: Sequence[Walked]) -> dict[str, float]:
    """Gains over never, summed over rows, by policy; calendars of one retention never rise as retrains become rarer."""
    gains = {one.policy.name: float((never.losses - one.losses).sum()) for one in kept}
    for retention in dict.fromkeys(one.policy.retention for one in kept):
        calendars = [one for one in kept if one.policy.every is not None and one.policy.retention is retention]
        pools: list[tuple[float, list[str]]] = []
        for one in sorted(calendars, key=lambda one: one.policy.every or 0):
            mean, names = gains[one.policy.name], [one.policy.name]
            while pools and pools[-1][0] < mean:
                before, earlier = pools.pop()
                mean = (before * len(earlier) + mean * len(names)) / (len(earlier) + len(names))
                names = [*earlier, *names]
            pools.append((mean, names))
        gains |= {name: mean for mean, names in pools for name in names}
    return gains


def _keeps_the_gain(one: Walked, leader: Walked, never: Walked) -> bool:
    """Whether it surely keeps enough of the leader's net gain."""
    saved = (KEPT_GAIN * leader.cost - one.cost) / len(never.losses)
    beyond = (never.losses - one.losses) - KEPT_GAIN * (never.losses - leader.losses) + saved
    low = _between_stretches(beyond, CONFIDENCE).low
    return low is not None and low > 0


def _between_stretches(values: np.ndarray, confidence: float) -> Interval:
    found: MeanEstimate = mean_of_stretches(values)
    return interval_of(found, confidence)
