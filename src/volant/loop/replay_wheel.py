"""One policy walking through history: its champion, its running training, its decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
import numpy as np

from volant.config.model import OF_LOSSES, Task, TriggerKind
from volant.data.ages import row_weights
from volant.gates.baselines import baselines
from volant.gates.holdout import Holdout, LabelHistory
from volant.gates.model import CheckResult, Verdict
from volant.gates.rules import CANDIDATE, CHAMPION, evaluate, overall
from volant.kernel.clock import iso
from volant.kernel.errors import InvalidInputError, VolantError
from volant.loop.changes import change_seen, with_change
from volant.loop.decide import decide
from volant.loop.model import Action, Decision, LoopEvidence, LoopState
from volant.loop.policy import ReplayPolicy, followed
from volant.loop.replay_drift import ReplayDrift
from volant.loop.replay_estimates import Answered, ReplayEstimates
from volant.loop.replay_ledger import Ledger, Trained
from volant.loop.replay_windows import Stretch, held_out, kept_rows
from volant.monitoring.model import EstimatedWindow, MovedColumn, WindowEvidence
from volant.stats.blocks import MeanEstimate, mean_of_dependent
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named
from volant.stats.predicted import Predicted, joined, usable_target


@dataclass(frozen=True)
class History:
    """n rows in order of event time. Times are int64 microseconds; ``slices`` are columns that gates slice by, ``columns`` those
    that business metrics read.
    """

    project: str
    task: Task
    metric: str
    event_times: np.ndarray
    known_at: np.ndarray
    target: np.ndarray
    groups: np.ndarray | None
    slices: dict[str, np.ndarray]
    drift: ReplayDrift | None = None
    estimates: ReplayEstimates | None = None
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    def of_rows(self, rows: np.ndarray, answers: Predicted) -> Predicted:
        """The answers with what business metrics read of these rows."""
        return answers.beside({name: values[rows] for name, values in self.columns.items()}) if self.columns else answers

    @property
    def label_delay_us(self) -> int:
        """How long the newest row's label takes."""
        return int(self.known_at[-1] - self.event_times[-1])

    def labels(self) -> LabelHistory:
        """As the baselines take them."""
        return LabelHistory(self.target, self.event_times, self.known_at, self.groups)

    def known(self, now: int) -> np.ndarray:
        """Positions of rows whose label is known by ``now``, ascending."""
        return np.flatnonzero((self.known_at <= now) & self._labelled)

    @cached_property
    def _labelled(self) -> np.ndarray:
        return usable_target(self.target)

    def holdout(self, rows: np.ndarray) -> Holdout:
        """These rows as a gate takes them."""
        return Holdout(
            names=rows.astype(str),
            times=self.event_times[rows],
            target=self.target[rows],
            groups=None if self.groups is None else self.groups[rows],
            slices={name: values[rows] for name, values in self.slices.items()},
        )

    def loss(self, rows: np.ndarray, answers: Predicted) -> tuple[MeanEstimate | None, int]:
        """Mean row loss over rows with usable answers, and how many those are; None for none."""
        found = row_losses(metric_named(self.metric).row_loss, self.target[rows], self.of_rows(rows, answers))
        kept = rows[found.valid]
        if len(kept) == 0:
            return None, 0
        groups = None if self.groups is None else self.groups[kept]
        return mean_of_dependent(found.values[found.valid], self.event_times[kept], groups), len(kept)


@dataclass(frozen=True)
class Release:
    """A model answering from an instant on, with what its gate measured on which rows."""

    at: int
    model: Trained
    reference: MeanEstimate | None
    held: np.ndarray


@dataclass(frozen=True)
class Waiting:
    """A candidate without enough evidence, and the number of held-out labels at which it is judged again."""

    model: Trained
    holdout_from: int
    labels: int


class Wheel:
    """The state of one policy. ``decisions`` pairs each kept decision with the window at which it was taken."""

    def __init__(
        self, policy: ReplayPolicy, history: History, windows: Sequence[Stretch], ledger: Ledger, *, duration_us: int, seed: int
    ) -> None:
        self.policy = policy
        self.decisions: list[tuple[int, Decision]] = []
        self.answers: list[Predicted] = []
        self._history, self._windows, self._ledger = history, windows, ledger
        self._starts = [int(history.event_times[window.start]) for window in windows]
        self._duration_us, self._seed = duration_us, seed
        self._releases: list[Release] = []
        self._waiting: Waiting | None = None
        self._state = LoopState(model=history.project)
        self._busy_until = 0
        self._launched_at = 0
        self._changed_us: int | None = None
        self._measured: dict[tuple[int, int, int, int], WindowEvidence] = {}

    def begin(self) -> None:
        """The first model: trained on what is known when the first window starts, released without a gate to beat."""
        now = self._starts[0]
        model, rows = self._trained(now, needed=True)
        self._releases.append(Release(now, model, self._reference(model, rows), rows))
        self._launched_at = now
        self._state = msgspec.structs.replace(self._state, champion=0, last_retrain_at=now, trained_until_us=now)

    def step(self, number: int) -> None:
        """Decide at the start of window ``number``, then answer its rows. ``OverBudgetError`` before anything is kept."""
        now = self._starts[number]
        if self._state.training_since is not None and self._busy_until <= now:
            self._state = msgspec.structs.replace(self._state, training_since=None)
        if number:
            self._look_again(number, now)
            for decision in decide(self._state, self._evidence(number, now), followed(self.policy, self._starts, number), now):
                if decision.action is Action.RETRAIN:
                    self._retrain(number, now, decision)
                elif decision.trigger is not None:
                    self.decisions.append((number, decision))
        self.answers.append(self._answer(self._windows[number]))

    def _retrain(self, number: int, now: int, decision: Decision) -> None:
        ready = now + self._duration_us
        self._changed_us = change_seen(decision) or self._changed_us
        try:
            model, holdout = self._trained(now)
        except VolantError as error:
            text = f"the training asked for ({decision.sentence}) failed: {error.what}; the champion stays"
            failed = Decision(action=Action.REFUSE, at=now, sentence=text, trigger="training failed")
            self.decisions += [(number, decision), (number, failed)]
            self._begin_training(now, ready, candidate=None)
            return
        self.decisions.append((number, decision))
        self._begin_training(now, ready, candidate=model.number)
        self._settle(number, ready, model, holdout)

    def _settle(self, number: int, at: int, model: Trained, holdout: np.ndarray) -> None:
        """Judge a candidate on its holdout and let ``decide`` say what follows at the instant ``at``."""
        checks = self._judged(model, holdout)
        evidence = LoopEvidence(known_by=self._starts[number], labels_since_training=0, candidate_verdict=overall(checks))
        outcome = decide(self._state, evidence, followed(self.policy, self._starts, number), at)[0]
        self.decisions.append((number, msgspec.structs.replace(outcome, sentence=_with_reasons(outcome, checks))))
        champion, self._waiting = self._state.champion, None
        if outcome.action is Action.PROMOTE:
            self._releases.append(Release(at, model, self._reference(model, holdout), holdout))
            champion = model.number
        elif outcome.action is Action.WAIT and len(holdout):
            wanted = [check.labels_needed for check in checks if check.labels_needed and check.slice_column is None]
            labels = len(holdout) + max(wanted, default=len(holdout))
            self._waiting = Waiting(model, int(self._history.event_times[holdout[0]]), labels)
        self._state = msgspec.structs.replace(self._state, candidate=None, champion=champion)

    def _look_again(self, number: int, now: int) -> None:
        """Judge a waiting candidate once as many labels are known as its report asked for."""
        waiting = self._waiting
        if waiting is None or self._state.training_since is not None:
            return
        known = self._history.known(now)
        holdout = known[self._history.event_times[known] >= waiting.holdout_from]
        if len(holdout) >= waiting.labels:
            self._state = msgspec.structs.replace(self._state, candidate=waiting.model.number)
            self._settle(number, now, waiting.model, holdout)

    def _begin_training(self, now: int, ready: int, candidate: int | None) -> None:
        self._busy_until, self._launched_at, self._waiting = ready, now, None
        self._state = msgspec.structs.replace(self._state, training_since=now, last_retrain_at=now, candidate=candidate)

    def _trained(self, now: int, *, needed: bool = False) -> tuple[Trained, np.ndarray]:
        """A model of what the policy keeps of the rows known at ``now``, and its holdout (empty without gates)."""
        history, policy = self._history, self.policy
        rows, holdout = history.known(now), np.empty(0, dtype=np.int64)
        if policy.holdout is not None and len(rows):
            rows, holdout = held_out(rows, history.event_times, history.known_at, policy.holdout)
        if len(rows) == 0:
            raise InvalidInputError(
                f"policy {policy.name!r} has no labelled row to learn from at {iso(now)}",
                found=f"{len(history.known(now)):,} labels known by then, {len(holdout):,} of them held out",
                next_step="start the windows later, or check data.label_delay and train.holdout",
            )
        window = with_change(policy.window, self._changed_us)
        kept = kept_rows(rows, history.event_times, window)
        return self._ledger.train(kept, now, weights=row_weights(history.event_times[kept], window), needed=needed), holdout

    def _judged(self, model: Trained, holdout: np.ndarray) -> tuple[CheckResult, ...]:
        """The project's gates on rows that neither the candidate nor the champion learned from."""
        if not self.policy.gates:
            return ()
        history, champion = self._history, self._releases[-1].model
        rows = holdout[~np.isin(holdout, champion.rows) & ~np.isin(holdout, model.rows)]
        frame = history.holdout(rows)
        found: dict[str, Predicted] = {
            CANDIDATE: self._ledger.answer(model, rows),
            CHAMPION: self._ledger.answer(champion, rows),
            **baselines(history.metric, history.task, history.labels(), model.rows, times=frame.times, groups=frame.groups),
        }
        predictions = {name: history.of_rows(rows, answers) for name, answers in found.items()}
        # What a model itself would be asked for cannot be asked of a file, so such lines are left out here and noted.
        gates = tuple(check for check in self.policy.gates if not check.measures)
        return evaluate(gates, frame, predictions, metric=history.metric, champion_name=f"champion {champion.number}", seed=self._seed)

    def _reference(self, model: Trained, holdout: np.ndarray) -> MeanEstimate | None:
        if len(holdout) == 0:
            return None
        return self._history.loss(holdout, self._ledger.answer(model, holdout))[0]

    def _answer(self, window: Stretch) -> Predicted:
        rows = np.arange(window.start, window.stop)
        serving = np.searchsorted([release.at for release in self._releases], self._history.event_times[rows], side="right") - 1
        parts = [self._ledger.answer(self._releases[place].model, rows[serving == place]) for place in np.unique(np.maximum(serving, 0))]
        return self._history.of_rows(rows, joined(parts) if len(parts) > 1 else parts[0])

    def _evidence(self, number: int, now: int) -> LoopEvidence:
        labels = int(((self._history.known_at > self._launched_at) & (self._history.known_at <= now)).sum())
        listens = any(trigger.kind in OF_LOSSES for trigger in self.policy.retrain.when)
        reference = self._releases[-1].reference
        return LoopEvidence(
            known_by=now,
            labels_since_training=labels,
            reference_loss=None if reference is None else reference.mean,
            reference_variance=None if reference is None else reference.variance,
            reference_df=None if reference is None or not reference.known else reference.df,
            windows=tuple(self._window_evidence(past, now) for past in range(number)) if listens and reference else (),
            moved=self._moved(number),
            estimated=self._estimated(number, now),
            lead_us=self._duration_us + self._history.label_delay_us,
        )

    def _moved(self, number: int) -> tuple[MovedColumn, ...]:
        """Inputs of the windows before this one that moved away from what the present champion learned."""
        drift, release = self._history.drift, self._releases[-1]
        if drift is None or not any(trigger.kind is TriggerKind.DRIFT for trigger in self.policy.retrain.when):
            return ()
        rows = [np.arange(window.start, window.stop) for window in self._windows[:number]]
        return drift.moved(release.model, [part[self._history.event_times[part] >= release.at] for part in rows])

    def _estimated(self, number: int, now: int) -> tuple[EstimatedWindow, ...]:
        """What was to be expected of the present champion's answers in the windows before this one."""
        estimates, release = self._history.estimates, self._releases[-1]
        listens = any(trigger.kind is TriggerKind.ESTIMATED for trigger in self.policy.retrain.when)
        if estimates is None or not listens or release.reference is None:
            return ()
        past = [np.arange(window.start, window.stop) for window in self._windows[:number]]
        answered = [self._answered(rows[self._history.event_times[rows] >= release.at], now) for rows in past]
        return estimates.windows(release.model, self._answered(release.held, now), answered)

    def _answered(self, rows: np.ndarray, now: int) -> Answered:
        history = self._history
        answers = history.of_rows(rows, self._ledger.answer(self._releases[-1].model, rows))
        return Answered(rows, answers, (history.known_at[rows] <= now) & usable_target(history.target[rows]))

    def _window_evidence(self, number: int, now: int) -> WindowEvidence:
        """What the present champion answered in an earlier window, as far as the labels are known."""
        release, window = self._releases[-1], self._windows[number]
        rows = np.arange(window.start, window.stop)
        rows = rows[self._history.event_times[rows] >= release.at]
        labelled = rows[self._history.known_at[rows] <= now]
        key = (release.at, release.model.number, number, len(labelled))
        if key not in self._measured:
            self._measured[key] = self._measure(number, rows, labelled)
        return self._measured[key]

    def _measure(self, number: int, rows: np.ndarray, labelled: np.ndarray) -> WindowEvidence:
        release, window = self._releases[-1], self._windows[number]
        found, usable = self._history.loss(labelled, self._ledger.answer(release.model, labelled)) if len(labelled) else (None, 0)
        return WindowEvidence(
            from_us=self._starts[number],
            to_us=int(self._history.event_times[window.stop - 1]),
            rows=len(rows),
            labelled=usable,
            loss=None if found is None else found.mean,
            loss_variance=None if found is None or not found.known else found.variance,
            df=None if found is None or not found.known else found.df,
        )


def _with_reasons(outcome: Decision, checks: tuple[CheckResult, ...]) -> str:
    """The outcome with the sentences of the checks that did not pass, or of all when everything passed."""
    telling = [check for check in checks if check.verdict is not Verdict.PASS] or list(checks)
    reasons = "; ".join(check.sentence.rstrip(".") for check in telling[:3])
    more = f" (and {len(telling) - 3} more)" if len(telling) > 3 else ""
    return f"{outcome.sentence}: {reasons}{more}" if reasons else outcome.sentence
