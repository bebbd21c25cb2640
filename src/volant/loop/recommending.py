"""Which policy to take: chosen on the first half of the replayed windows, measured on the second, which had no say in the choice."""

from collections.abc import Sequence

import msgspec
import numpy as np

from volant.config.model import CostConfig, GuardConfig, ProjectConfig, RetrainConfig, TriggerConfig, TriggerKind, WindowConfig
from volant.gates.comparing import Question, compare
from volant.kernel.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from volant.loop.choosing import Rows, Walked, chosen
from volant.loop.costs import cost_of_walk
from volant.loop.model import Action
from volant.loop.policy import ReplayPolicy
from volant.loop.replay_model import Recommendation
from volant.loop.replay_wheel import History, Wheel
from volant.loop.replay_windows import Stretch
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted

LEAST_WINDOWS = 4
Walks = Sequence[tuple[Wheel, Predicted]]


def recommend(
    config: ProjectConfig, history: History, windows: Sequence[Stretch], walks: Walks, question: Question
) -> Recommendation | None:
    """What to write into the settings; None with fewer than four windows or without a policy beside never.

    ``walks``: each wheel with its answers over all rows of ``windows``; the first is never. ``question``: the comparison to never
    over the same rows.
    """
    if len(windows) < LEAST_WINDOWS or len(walks) < 2:
        return None
    half = len(windows) // 2
    cut = windows[half].start - windows[0].start
    answers = _chosen_on(history, windows[:half], walks, question.on(np.arange(cut)), config.retrain.cost)
    wheel, answer = next(walk for walk in walks if walk[0].policy.name == answers)
    second = np.arange(cut, windows[-1].stop - windows[0].start)
    never = answer is walks[0][1]
    found = None if never else compare(question.on(second), answer.take(second), walks[0][1].take(second)).difference
    retrain, window = written(config, wheel.policy, history, windows)
    return Recommendation(
        policy=answers,
        chosen_windows=half,
        checked_windows=len(windows) - half,
        difference=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        retrains=sum(number >= half for number in retrained(wheel)),
        cost=config.retrain.cost.of_a_retrain(0),
        retrain=retrain,
        window=window,
    )


def retrained(wheel: Wheel) -> list[int]:
    """Numbers of the windows at whose start a training began."""
    return [number for number, decision in wheel.decisions if decision.action is Action.RETRAIN]


def _chosen_on(history: History, windows: Sequence[Stretch], walks: Walks, question: Question, cost: CostConfig) -> str:
    """The name of the policy, chosen on these windows, over the rows on which every policy answered something usable."""
    first, holdout = np.arange(len(question.holdout)), question.holdout
    loss = metric_named(question.metric).row_loss
    found = [row_losses(loss, holdout.target, answer.take(first)) for _, answer in walks]
    usable = np.all([one.valid for one in found], axis=0)
    if not usable.any():
        return walks[0][0].policy.name
    walked = []
    for (wheel, _), one in zip(walks, found, strict=True):
        at = [number for number in retrained(wheel) if number < len(windows)]
        walked.append(Walked(wheel.policy, one.values[usable], len(at), cost_of_walk(cost, history, windows, at)))
    groups = None if holdout.groups is None else holdout.groups[usable]
    taken = chosen(walked[0], walked[1:], Rows(holdout.times[usable], groups))
    return (taken or walked[0]).policy.name


def written(
    config: ProjectConfig, policy: ReplayPolicy, history: History, windows: Sequence[Stretch]
) -> tuple[RetrainConfig, WindowConfig]:
    """The policy as ``volant.yaml`` says it: every K windows is a clock, or that many new labels where rows have no time.

    The guard is loosened where it would hold such a policy back.
    """
    if policy.retention is None:
        return msgspec.structs.replace(config.retrain, when=()), config.train.window
    if policy.every is None:
        return policy.retrain, policy.window
    rows = round(float(np.median([window.stop - window.start for window in windows])) * policy.every)
    starts = history.event_times[[window.start for window in windows]]
    every_us = _readable(int(np.median(np.diff(starts))) * policy.every)
    trigger = TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=max(rows, 1))
    if config.data.time is not None or config.data.tick_us is not None:
        trigger = TriggerConfig(kind=TriggerKind.CLOCK, every_us=every_us)
    said = config.retrain.guard
    guard = GuardConfig(cooldown_us=min(said.cooldown_us, every_us), min_new_labels=min(said.min_new_labels, rows // 2))
    return msgspec.structs.replace(config.retrain, when=(trigger,), guard=guard), policy.window


def _readable(duration_us: int) -> int:
    """Rounded to what people would say: hours of days, minutes of hours."""
    unit = HOUR_US if duration_us >= 2 * DAY_US else MINUTE_US if duration_us >= 2 * HOUR_US else SECOND_US
    return max(round(duration_us / unit), 1) * unit
