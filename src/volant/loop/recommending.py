"""Which policy to take: chosen on the first half of the replayed windows, measured on the second, which had no say in the choice.

1. Retention first, over all calendars together: all data, unless sliding windows were surely better with the same triggers. Two-sided
   question, so each bound is at 97.5 %: to forget must be earned, because what is forgotten cannot be learned from later.
2. Then the trigger: the fewest retrains among those that are not surely worse than the best and keep most of its gain.
3. Never, where the best was not surely better than never, the cost of its retrains included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from volant.config.model import GuardConfig, ProjectConfig, RetrainConfig, TriggerConfig, TriggerKind, WindowConfig
from volant.gates.comparing import Question, compare
from volant.kernel.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from volant.loop.model import Action
from volant.loop.policy import ReplayPolicy, Retention
from volant.loop.replay_model import CONFIDENCE, Recommendation
from volant.loop.replay_wheel import History, Wheel
from volant.loop.replay_windows import Stretch
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.paired import paired_difference
from volant.stats.predicted import Predicted

LEAST_WINDOWS = 4
KEPT_GAIN = 0.9
BOTH_SIDES = 0.975
Bounds = Callable[[np.ndarray, np.ndarray, float], tuple[float, float]]


@dataclass(frozen=True)
class Walked:
    """A policy with its row losses (n,) over the windows that choose, and how often it retrained in each half."""

    policy: ReplayPolicy
    losses: np.ndarray
    retrains: tuple[int, int]
    answers: Predicted


def recommend(
    config: ProjectConfig,
    history: History,
    windows: Sequence[Stretch],
    walks: Sequence[tuple[Wheel, Predicted]],
    question: Question,
    *,
    cost: float = 0.0,
) -> Recommendation | None:
    """What to write into the settings; None with fewer than four windows or without a policy beside never.

    ``walks``: each wheel with its answers over all rows of ``windows``; the first is never. ``cost`` of a retrain in units of the metric's
    row loss times rows. ``question``: the comparison to never over the same rows.
    """
    if len(windows) < LEAST_WINDOWS or len(walks) < 2:
        return None
    half = len(windows) // 2
    cut, first = windows[half].start - windows[0].start, np.arange(windows[half].start - windows[0].start)
    walked = _walked(walks, question, first, half)
    never, others = walked[0], walked[1:]
    chosen = _chosen(never, others, question.on(first), cost) or never
    second = np.arange(cut, windows[-1].stop - windows[0].start)
    found = None if chosen is never else compare(question.on(second), chosen.answers.take(second), never.answers.take(second)).difference
    retrain, window = written(config, chosen.policy, history, windows)
    return Recommendation(
        policy=chosen.policy.name,
        chosen_windows=half,
        checked_windows=len(windows) - half,
        difference=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        retrains=chosen.retrains[1],
        cost=cost,
        retrain=retrain,
        window=window,
    )


def _walked(walks: Sequence[tuple[Wheel, Predicted]], question: Question, first: np.ndarray, half: int) -> list[Walked]:
    """All policies on the rows of the first half on which every one of them answered something usable."""
    loss = metric_named(question.metric).row_loss
    found = [row_losses(loss, question.holdout.target[first], answer.take(first)) for _, answer in walks]
    usable = np.all([one.valid for one in found], axis=0)
    walked = []
    for (wheel, answer), one in zip(walks, found, strict=True):
        at = [number for number, decision in wheel.decisions if decision.action is Action.RETRAIN]
        early = sum(number < half for number in at)
        walked.append(Walked(wheel.policy, np.where(usable, one.values, np.nan), (early, len(at) - early), answer))
    return walked


def _chosen(never: Walked, others: Sequence[Walked], question: Question, cost: float) -> Walked | None:
    usable = np.isfinite(never.losses)
    if not usable.any():
        return None
    rows = question.on(usable)

    def bounds(walked: np.ndarray, other: np.ndarray, confidence: float) -> tuple[float, float]:
        found = paired_difference(walked[usable], other[usable], confidence, rows.holdout.times, rows.holdout.groups)
        return (-np.inf if found.low is None else found.low), (np.inf if found.high is None else found.high)

    def net(one: Walked) -> float:
        return float((never.losses - one.losses)[usable].sum()) - cost * one.retrains[0]

    kept = _of_one_retention(others, bounds)
    best = max(kept, key=net)
    surely = -bounds(best.losses, never.losses, CONFIDENCE)[1] * int(usable.sum()) - cost * best.retrains[0]
    if surely <= 0:
        return None
    good = [one for one in kept if net(one) >= KEPT_GAIN * net(best) and bounds(one.losses, best.losses, CONFIDENCE)[0] <= 0]
    return min([*good, best], key=lambda one: (one.retrains[0], -net(one)))


def _of_one_retention(others: Sequence[Walked], bounds: Bounds) -> list[Walked]:
    """The policies of the retention that did better with the same triggers; all of them where nothing can be compared."""
    by_kind: dict[tuple[str, Retention | None], Walked] = {(_kind(one.policy), one.policy.retention): one for one in others}
    pairs = [(one, by_kind.get((kind, Retention.GROWING))) for (kind, kept), one in by_kind.items() if kept is Retention.SLIDING]
    both = [(one.losses, other.losses) for one, other in pairs if other is not None]
    if not both:
        return list(others)
    sliding, growing = (np.mean(side, axis=0) for side in zip(*both, strict=True))
    better = Retention.SLIDING if bounds(sliding, growing, BOTH_SIDES)[1] < 0 else Retention.GROWING
    return [one for one in others if one.policy.retention is better]


def _kind(policy: ReplayPolicy) -> str:
    return policy.name.partition(",")[0]


def written(
    config: ProjectConfig, policy: ReplayPolicy, history: History, windows: Sequence[Stretch]
) -> tuple[RetrainConfig, WindowConfig]:
    """The policy as ``volant.yaml`` says it: every K windows is a clock, or that many new labels where rows have no time.

    The guard is loosened where it would hold such a policy back.
    """
    if policy.retention is None:
        return RetrainConfig(guard=config.retrain.guard), config.train.window
    if policy.every is None:
        return config.retrain, policy.window
    rows = round(float(np.median([window.stop - window.start for window in windows])) * policy.every)
    starts = history.event_times[[window.start for window in windows]]
    every_us = _readable(int(np.median(np.diff(starts))) * policy.every)
    trigger = TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=max(rows, 1))
    if config.data.time is not None or config.data.tick_us is not None:
        trigger = TriggerConfig(kind=TriggerKind.CLOCK, every_us=every_us)
    said = config.retrain.guard
    guard = GuardConfig(cooldown_us=min(said.cooldown_us, every_us), min_new_labels=min(said.min_new_labels, rows // 2))
    return RetrainConfig(when=(trigger,), guard=guard), policy.window


def _readable(duration_us: int) -> int:
    """Rounded to what people would say: hours of days, minutes of hours."""
    unit = HOUR_US if duration_us >= 2 * DAY_US else MINUTE_US if duration_us >= 2 * HOUR_US else SECOND_US
    return max(round(duration_us / unit), 1) * unit
