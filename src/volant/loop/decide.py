"""The decision core: one pure function for live operation, dry runs and replay.

Order of thought: nothing while a person has paused the automation; a judged candidate first (release, refuse, or leave it
open); then one training at a time; then the triggers; then the guard. Standard library only.
"""

from collections.abc import Callable
from functools import partial

from volant.config.model import Autonomy, CostConfig, DriftOf, TriggerConfig, TriggerKind
from volant.gates.model import Verdict
from volant.kernel.clock import format_duration, iso
from volant.kernel.errors import InvalidInputError
from volant.loop.estimated import estimated_signal
from volant.loop.model import Action, Decision, LoopEvidence, LoopPolicy, LoopState
from volant.loop.performance import LIMIT, performance_signal
from volant.loop.staleness import FEWEST_WINDOWS, SPENT, excess_loss, forecast


def decide(state: LoopState, evidence: LoopEvidence, policy: LoopPolicy, now: int) -> tuple[Decision, ...]:
    """What to do at ``now``; at least one decision, each with its reason in numbers.

    Raises ``InvalidInputError`` for evidence that only became known after ``now``: a decision never sees the future.
    """
    if evidence.known_by > now:
        raise InvalidInputError(
            "a decision was asked for with evidence from its future", found=f"known by {iso(evidence.known_by)}, deciding at {iso(now)}"
        )
    if state.paused is not None:
        return (_wait(now, f"automation is paused: {state.paused}"),)
    decisions: list[Decision] = []
    if state.candidate is not None and evidence.candidate_verdict is not None:
        verdict = _on_candidate(state, state.candidate, evidence, policy, now)
        if verdict.action is not Action.WAIT:
            return (verdict,)
        decisions.append(verdict)
    return (*decisions, _on_retraining(state, evidence, policy, now))


def _on_candidate(state: LoopState, candidate: int, evidence: LoopEvidence, policy: LoopPolicy, now: int) -> Decision:
    verdict, report = evidence.candidate_verdict, evidence.candidate_report
    assert verdict is not None
    action, sentence = {
        Verdict.PASS: _on_passed(state, candidate, policy),
        Verdict.FAIL: (Action.REFUSE, f"version {candidate} failed its gates; the champion stays"),
        Verdict.NOT_ENOUGH: (Action.WAIT, f"version {candidate}: not enough evidence to pass or fail its gates; the champion stays"),
    }[verdict]
    if evidence.candidate_reason is not None:
        sentence = f"{sentence}: {evidence.candidate_reason}"
    facts: dict[str, str | int | float | None] = {"verdict": verdict.value, "report": report}
    return Decision(action=action, at=now, sentence=sentence, version=candidate, evidence=facts)


def _on_passed(state: LoopState, candidate: int, policy: LoopPolicy) -> tuple[Action, str]:
    passed = f"version {candidate} passed its gates and"
    if policy.autonomy is not Autonomy.AUTOPILOT:
        return Action.PROPOSE, f"{passed} waits for a person's approval"
    if state.releasing == candidate:
        return Action.WAIT, f"version {candidate} is on its way into traffic"
    if state.releasing is not None:
        return Action.WAIT, f"{passed} waits until the rollout of version {state.releasing} ends"
    stepwise = policy.stepwise and state.champion is not None
    return Action.PROMOTE, f"{passed} {'goes into traffic step by step' if stepwise else 'becomes champion'}"


def _on_retraining(state: LoopState, evidence: LoopEvidence, policy: LoopPolicy, now: int) -> Decision:
    if state.training_since is not None:
        running = format_duration(max(now - state.training_since, 0))
        return _wait(now, f"a training is running since {iso(state.training_since)} ({running}); one at a time")
    if state.champion is None:
        return _wait(now, "there is no champion yet; `volant run` trains the first model")
    if not policy.retrain.when:
        return _wait(now, "the policy names no trigger, so nothing asks for a retrain")
    heard = [_hear(trigger, state, evidence, policy, now) for trigger in policy.retrain.when]
    fired = [decision for decision in heard if decision.action is Action.RETRAIN]
    if not fired:
        return _wait(now, "; ".join(decision.sentence for decision in heard))
    kinds = " + ".join(decision.trigger or "" for decision in fired)
    reasons = "; ".join(decision.sentence for decision in fired)
    facts = {name: value for decision in fired for name, value in decision.evidence.items()}
    held = _held_back(state, evidence, policy, now)
    if held:
        return Decision(action=Action.WAIT, at=now, sentence=f"{reasons}; but {held}", trigger=kinds, held=held, evidence=facts)
    return Decision(action=Action.RETRAIN, at=now, sentence=reasons, trigger=kinds, evidence=facts)


def _wait(now: int, sentence: str) -> Decision:
    return Decision(action=Action.WAIT, at=now, sentence=sentence)


def _held_back(state: LoopState, evidence: LoopEvidence, policy: LoopPolicy, now: int) -> str | None:
    if state.held is not None:
        return state.held
    guard = policy.retrain.guard
    if state.last_retrain_at is not None and now - state.last_retrain_at < guard.cooldown_us:
        since = format_duration(max(now - state.last_retrain_at, 0))
        return f"the last training began {since} ago and the cooldown is {format_duration(guard.cooldown_us)}"
    if evidence.labels_since_training < guard.min_new_labels:
        return f"only {evidence.labels_since_training:,} new labels are known and the guard asks for {guard.min_new_labels:,}"
    return None


def _hear(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, policy: LoopPolicy, now: int) -> Decision:
    """RETRAIN if this trigger fires, else WAIT with how far it is from firing."""
    listen: dict[TriggerKind, Listen] = {
        TriggerKind.CLOCK: _clock,
        TriggerKind.NEW_LABELS: _new_labels,
        TriggerKind.PERFORMANCE: _performance,
        TriggerKind.DATA: _new_data,
        TriggerKind.DRIFT: _drift,
        TriggerKind.ESTIMATED: _estimated,
        TriggerKind.COST: partial(_cost, policy.retrain.cost),
        TriggerKind.FORECAST: _forecast,
    }
    fired, sentence, facts = listen[trigger.kind](trigger, state, evidence, now)
    action = Action.RETRAIN if fired else Action.WAIT
    return Decision(action=action, at=now, sentence=sentence, trigger=trigger.kind.value, evidence=facts)


_WHOSE = {False: DriftOf.INPUTS, True: DriftOf.PREDICTION}
_LISTENED = {DriftOf.ANY: "any column", DriftOf.INPUTS: "an input", DriftOf.PREDICTION: "the prediction"}
CHANGE = "change_us"  # what a retrain that a trigger asked for says of when the world changed
Heard = tuple[bool, str, dict[str, str | int | float | None]]
Listen = Callable[[TriggerConfig, LoopState, LoopEvidence, int], Heard]


def _clock(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    del evidence
    every = trigger.every_us or 0
    last = state.last_retrain_at if state.last_retrain_at is not None else state.trained_until_us
    if last is None:
        return True, f"no training is on record and one is due every {format_duration(every)}", {"every_us": every}
    since = max(now - last, 0)
    text = f"the last training began {format_duration(since)} ago; one is due every {format_duration(every)}"
    return since >= every, text, {"since_us": since, "every_us": every}


def _new_labels(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    del state, now
    wanted, have = trigger.labels or 0, evidence.labels_since_training
    return have >= wanted, f"{have:,} new labels since the last training, of {wanted:,}", {"new_labels": have, "wanted": wanted}


def _new_data(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    del trigger, state, now
    if evidence.new_data:
        return True, "the source holds data that no training has learned from", {}
    return False, "the source holds nothing new", {}


def _drift(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    """Asks for a challenger once: a training that began after the columns were seen to move had its chance to learn from it."""
    del now
    moved = [column for column in evidence.moved if trigger.drift in {None, DriftOf.ANY, _WHOSE[column.answer]}]
    if not moved:
        return False, f"no drift of {_LISTENED[trigger.drift or DriftOf.ANY]}", {}
    first = moved[0]
    more = f" and {len(moved) - 1} more" if len(moved) > 1 else ""
    text = f"{first.name}{more} moved away from what the champion learned: effect {first.effect:.3g} [{first.low:.3g}, {first.high:.3g}]"
    facts: dict[str, str | int | float | None] = {"moved": len(moved), "column": first.name, "effect": first.effect}
    facts[CHANGE] = min(column.since_us for column in moved)
    if state.last_retrain_at is not None and state.last_retrain_at >= max(column.seen_us for column in moved):
        return False, f"{text}; a training since then has seen it", facts
    return True, text, facts


def _performance(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    del trigger, state, now
    found = performance_signal(evidence.windows, evidence.reference_loss, evidence.reference_variance, evidence.reference_df)
    if found.bound is None or found.recent_loss is None:
        missing = "no reference loss of the champion" if evidence.reference_loss is None else "no window with enough labels"
        return False, f"performance cannot be judged: {missing}", {}
    where = "window" if found.windows == 1 else f"{found.windows} windows"
    text = (
        f"realised loss {found.recent_loss:.4g} over the last {where} ({found.labelled:,} labels) against a reference of at most "
        f"{found.bound:.4g}: evidence {min(found.statistic, 1e9):.3g} of {LIMIT:.0f}"
    )
    facts: dict[str, str | int | float | None] = {"loss": found.recent_loss, "bound": found.bound, "statistic": min(found.statistic, 1e9)}
    facts[CHANGE] = found.since_us
    return found.fired, text, facts


def _estimated(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    """Asks for a challenger, which its gates judge by labels; promotes nothing."""
    del trigger, state, now
    found = estimated_signal(evidence.estimated, evidence.reference_loss, evidence.reference_variance, evidence.reference_df)
    worse, validity = found.worse, found.validity
    left_out = f"; windows left out for rows beyond what the champion saw: {found.outside}" if found.outside else ""
    if worse.bound is None or worse.recent_loss is None:
        missing = "no reference loss of the champion" if evidence.reference_loss is None else "no full window"
        return False, f"performance cannot be estimated: {missing}{left_out}", {}
    where = "window" if worse.windows == 1 else f"{worse.windows} windows"
    text = (
        f"estimated loss {worse.recent_loss:.4g} over the last {where} ({worse.labelled:,} rows, labels not needed) against a "
        f"reference of at most {worse.bound:.4g}: evidence {min(worse.statistic, 1e9):.3g} of {LIMIT:.0f}{left_out}"
    )
    facts: dict[str, str | int | float | None] = {
        "estimated_loss": worse.recent_loss,
        "bound": worse.bound,
        "statistic": min(worse.statistic, 1e9),
        CHANGE: worse.since_us,
    }
    if validity.contradicted and validity.gap is not None:
        text += f"; but labels contradict the estimate (realised less expected loss {validity.gap:+.3g}), so it is not listened to"
    return found.fired, text, facts


def _cost(cost: CostConfig, trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    """Asks once staying cost more than turning."""
    del trigger, now
    if evidence.reference_loss is None:
        return False, "what a stale champion costs cannot be judged: no reference loss of the champion", {}
    found = excess_loss(evidence.windows, evidence.reference_loss, state.last_retrain_at)
    price = cost.of_a_retrain(evidence.labels_since_training)
    text = (
        f"loss beyond the champion's reference since the last training: {found.loss:.4g} over {found.rows:,} rows; "
        f"a retrain now costs {price:.4g}"
    )
    facts: dict[str, str | int | float | None] = {"excess": found.loss, "cost": price, CHANGE: found.since_us}
    return found.loss > price, text, facts


def _forecast(trigger: TriggerConfig, state: LoopState, evidence: LoopEvidence, now: int) -> Heard:
    """Asks ahead of the time at which the champion is going to be worse."""
    del trigger, state
    if evidence.reference_loss is None:
        return False, "performance cannot be forecast: no reference loss of the champion", {}
    at = now + evidence.lead_us
    found = forecast(evidence.windows, evidence.reference_loss, evidence.reference_variance, evidence.reference_df, at)
    if found.loss is None or found.low is None or found.bound is None:
        return False, f"performance cannot be forecast: {found.windows} of {FEWEST_WINDOWS} windows with enough labels", {}
    text = (
        f"loss to be expected in {format_duration(evidence.lead_us)}, when a training that begins now would be felt: {found.loss:.4g}, "
        f"at least {found.low:.4g} (false alarms of one champion: {SPENT:.0%}), against a reference of at most {found.bound:.4g}"
    )
    facts: dict[str, str | int | float | None] = {"forecast": found.loss, "low": found.low, "bound": found.bound}
    return found.fired, text, facts
