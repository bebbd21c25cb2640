"""Evidence that may be looked at as often as one likes: e-processes for rates of two arms and for paired losses.

An e-process is a wealth that starts at 1 and, while the null hypothesis holds, can be expected to stay at or below 1
whenever one stops. By Ville's inequality it ever reaches ``1/alpha`` with probability ``alpha`` at most, so deciding at
the first crossing keeps the error rate however often, and whenever, one looks.

Sources: Lindon, Ham, Tingley & Bojinov 2022 (arXiv 2205.14762) and Lindon & Malek 2022 (arXiv 2011.03567) for counts,
Waudby-Smith & Ramdas 2024 (arXiv 2010.09686) for means by betting. Everything is returned as a natural logarithm,
because a wealth soon exceeds what a float holds. Nothing here needs numpy: the control process decides with it.
"""

import math
from collections.abc import Iterable, Sequence

from volant.kernel.codec import Value

HARM_RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
SAFE_FACTORS = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
STAKES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


class Bad(Value, frozen=True, kw_only=True):
    """What went wrong while the weights stood still: events of the champion and of the candidate.

    ``share`` is the candidate's share of the requests, between 0 and 1 (both excluded where there were events).
    """

    share: float
    champion: int
    candidate: int


def log_harm(stages: Iterable[Bad], ratios: Sequence[float] = HARM_RATIOS) -> float:
    """Evidence against "the candidate goes wrong no more often than the champion".

    Given one bad event, under equal rates it is the candidate's with probability s, its share; were the odds ``r`` times
    as high, with probability ``theta(r) = r s / (1 - s + r s)``. The wealth is the mean over ``ratios`` of the likelihood
    ratios. Both rates may drift, as long as they drift together; each event is judged under its own share.
    """
    kept = tuple(stages)
    return _log_mean(sum(_harm_of(stage, ratio) for stage in kept) for ratio in ratios)


def log_safety(stages: Iterable[Bad], worst_ratio: float = 2.0, factors: Sequence[float] = SAFE_FACTORS) -> float:
    """Evidence against "the odds of going wrong are ``worst_ratio`` times the champion's, or more": non-inferiority.

    The same product against ``theta0 = theta(worst_ratio)`` with alternatives ``factor * theta0``, each below it.
    """
    kept = tuple(stages)
    return _log_mean(sum(_safety_of(stage, worst_ratio, factor) for stage in kept) for factor in factors)


def _harm_of(stage: Bad, ratio: float) -> float:
    if not stage.champion and not stage.candidate:
        return 0.0
    theta = _theta(stage.share, ratio)
    return _weigh(stage.candidate, theta / stage.share) + _weigh(stage.champion, (1 - theta) / (1 - stage.share))


def _safety_of(stage: Bad, worst_ratio: float, factor: float) -> float:
    if not stage.champion and not stage.candidate:
        return 0.0
    theta = _theta(stage.share, worst_ratio)
    return _weigh(stage.candidate, factor) + _weigh(stage.champion, (1 - factor * theta) / (1 - theta))


def _theta(share: float, ratio: float) -> float:
    if not 0 < share < 1:
        raise ValueError(f"a share lies between 0 and 1, not at {share}")
    return ratio * share / (1 - share + ratio * share)


def _weigh(count: int, factor: float) -> float:
    return count * math.log(factor)


class Wager(Value, frozen=True, kw_only=True):
    """A bet that paired losses differ: one logarithm of wealth for each stake, ``pairs`` seen, and their sum."""

    margin: float = 0.0
    pairs: int = 0
    total: float = 0.0
    logs: tuple[float, ...] = (0.0,) * len(STAKES)

    @property
    def log_wealth(self) -> float:
        """Evidence against "the mean difference is at most the margin"."""
        return _log_mean(self.logs)

    @property
    def mean(self) -> float:
        """Of the differences seen; 0 before any."""
        return self.total / self.pairs if self.pairs else 0.0


def log_wealth(wagers: Iterable[Wager]) -> float:
    """Evidence of bets on rows that do not overlap, one continued where the last ended."""
    kept = tuple(wagers)
    return _log_mean([math.fsum(part.logs[place] for part in kept) for place in range(len(STAKES))])


def wager(before: Wager, differences: Iterable[float]) -> Wager:
    """Bet on further differences, each loss of the candidate minus loss of the champion on one row, within [-1, 1].

    The null is that their mean is at most ``margin``; the wealth of stake L is the product of ``1 + L (d - margin)``.
    Stakes are fixed shares of the largest one that cannot ruin, ``1 / (1 + margin)``, so the result does not depend on the
    order in which late labels came in. Raises ``ValueError`` for a difference outside [-1, 1].
    """
    logs, pairs, total = list(before.logs), before.pairs, before.total
    stakes = [stake / (1 + before.margin) for stake in STAKES]
    for difference in differences:
        if not -1 <= difference <= 1:
            raise ValueError(f"a difference lies within -1 and 1, not at {difference}")
        pairs, total = pairs + 1, total + difference
        for place, stake in enumerate(stakes):
            logs[place] += math.log1p(stake * (difference - before.margin))
    return Wager(margin=before.margin, pairs=pairs, total=total, logs=tuple(logs))


def _log_mean(logs: Iterable[float]) -> float:
    kept = tuple(logs)
    top = max(kept)
    return top + math.log(math.fsum(math.exp(value - top) for value in kept) / len(kept))
