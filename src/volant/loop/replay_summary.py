"""From walked policies to the values that are shown and kept."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from volant.config.model import GateConfig, GateKind
from volant.gates.baselines import baselines
from volant.gates.comparing import Question, alone, compare
from volant.kernel.clock import format_duration
from volant.loop.model import Action
from volant.loop.replay_ledger import Ledger
from volant.loop.replay_model import CONFIDENCE, PolicyResult, Recommendation, ReplayResult, ReplayWindow
from volant.loop.replay_wheel import History, Wheel
from volant.loop.replay_windows import Stretch
from volant.stats.metrics import score
from volant.stats.names import metric_named, possible
from volant.stats.predicted import Predicted, joined

Advised = Callable[[History, Sequence[Stretch], Sequence[tuple[Wheel, Predicted]], Question], Recommendation | None]


def summarise(
    history: History,
    windows: Sequence[Stretch],
    wheels: Sequence[Wheel],
    ledger: Ledger,
    *,
    done: int,
    partial: str | None,
    train_duration_us: int,
    label_delay_us: int,
    seed: int,
    advised: Advised,
) -> ReplayResult:
    """The result over the first ``done`` windows, which every policy finished; ``wheels[0]`` is ``never``."""
    seen = windows[:done]
    rows = np.arange(seen[0].start, seen[-1].stop)
    check = GateConfig(kind=GateKind.CHAMPION, metric=history.metric, confidence=CONFIDENCE)
    question = Question(check, history.metric, history.holdout(rows), seed)
    answers = [joined(wheel.answers[:done]) for wheel in wheels]
    lower = metric_named(history.metric).lower_is_better
    policies = [_policy(wheel, question, (answer, answers[0]), seen) for wheel, answer in zip(wheels, answers, strict=True)]
    return ReplayResult(
        project=history.project,
        metric=history.metric,
        lower_is_better=lower,
        rows=len(history.target),
        warm_up_rows=windows[0].start,
        warm_up_share=windows[0].start / len(history.target),
        evaluated_rows=len(rows),
        windows=tuple(_window(history, window) for window in seen),
        planned_windows=len(windows),
        policies=mark_efficient(policies, lower_is_better=lower),
        baselines=_baselines(history, rows, windows[0].start),
        trainings=len(ledger.trained),
        shared_trainings=ledger.shared,
        training_us=tuple(model.duration_us for model in ledger.trained),
        train_duration_us=train_duration_us,
        label_delay_us=label_delay_us,
        seed=seed,
        partial=partial,
        notes=_notes(wheels, train_duration_us),
        recommended=advised(history, seen, list(zip(wheels, answers, strict=True)), question),
    )


def _window(history: History, window: Stretch) -> ReplayWindow:
    times = history.event_times
    return ReplayWindow(from_us=int(times[window.start]), to_us=int(times[window.stop - 1]), rows=window.stop - window.start)


def _policy(wheel: Wheel, question: Question, answers: tuple[Predicted, Predicted], windows: Sequence[Stretch]) -> PolicyResult:
    """``answers``: the policy's own and those of ``never``, over all rows of ``windows``."""
    own = alone(question, answers[0]).difference
    against = None if wheel.policy.retention is None else compare(question, *answers).difference
    kept = [(number, decision) for number, decision in wheel.decisions if number < len(windows)]
    retrains = tuple(number for number, decision in kept if decision.action is Action.RETRAIN)
    promotions = tuple(number for number, decision in kept if decision.action is Action.PROMOTE)
    refused = [decision for _, decision in kept if decision.action is Action.REFUSE]
    failures = sum(decision.trigger is not None for decision in refused)
    return PolicyResult(
        name=wheel.policy.name,
        retention=None if wheel.policy.retention is None else wheel.policy.retention.value,
        metric=own.value if own else None,
        low=possible(question.metric, own.low) if own else None,
        high=possible(question.metric, own.high) if own else None,
        difference=against.value if against else None,
        difference_low=against.low if against else None,
        difference_high=against.high if against else None,
        retrains=len(retrains),
        promotions=len(promotions),
        refusals=len(refused) - failures,
        undecided=len(retrains) - len(promotions) - len(refused),
        failures=failures,
        window_metrics=_by_window(question, answers[0], windows),
        retrain_windows=retrains,
        promotion_windows=promotions,
        decisions=tuple(decision for _, decision in kept),
    )


def _by_window(question: Question, answers: Predicted, windows: Sequence[Stretch]) -> tuple[float | None, ...]:
    first = windows[0].start
    parts = [np.arange(window.start - first, window.stop - first) for window in windows]
    return tuple(score(question.metric, question.holdout.target[part], answers.take(part)).value for part in parts)


def mark_efficient(policies: Sequence[PolicyResult], *, lower_is_better: bool) -> tuple[PolicyResult, ...]:
    """Mark those that no other policy matches with as few retrains and a metric at least as good, one of them better."""
    sign = 1 if lower_is_better else -1

    def beaten(policy: PolicyResult) -> bool:
        if policy.metric is None:
            return True
        mine = (policy.retrains, sign * policy.metric)
        others = [(p.retrains, sign * p.metric) for p in policies if p is not policy and p.metric is not None]
        return any(other != mine and other[0] <= mine[0] and other[1] <= mine[1] for other in others)

    return tuple(msgspec.structs.replace(policy, efficient=not beaten(policy)) for policy in policies)


def _baselines(history: History, rows: np.ndarray, warm_up: int) -> dict[str, float]:
    groups = None if history.groups is None else history.groups[rows]
    known = history.known(int(history.event_times[warm_up]))
    found = baselines(history.metric, history.task, history.labels(), known, times=history.event_times[rows], groups=groups)
    values = {name: score(history.metric, history.target[rows], history.of_rows(rows, answers)).value for name, answers in found.items()}
    return {name: value for name, value in values.items() if value is not None}


def _notes(wheels: Sequence[Wheel], train_duration_us: int) -> tuple[str, ...]:
    notes = [
        "Triggers are looked at when a window starts.",
        "A candidate that passes is released when its training ends, without waiting for a person.",
        f"A training takes {format_duration(train_duration_us)} during which the old model answers.",
        "A candidate without enough evidence is judged again once the labels it asked for are known, unless a new training replaces it.",
    ]
    gated = [wheel.policy for wheel in wheels if wheel.policy.gates]
    if gated:
        notes.append(
            "The project's policy keeps its holdout from every training, the first included; the others learn from all known rows."
        )
    if any(check.measures for policy in gated for check in policy.gates):
        notes.append("Latency, size and robustness are not replayed: a file does not say how a model answers one request.")
    return tuple(notes)
