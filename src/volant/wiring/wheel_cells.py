"""The seven cells of the wheel, one function for each stage. Pure; :func:`volant.wiring.wheel.turn` calls them."""

import math

from volant.config.amounts import percent_text
from volant.config.metric_text import metric_name
from volant.config.model import Autonomy, StepKind, TriggerConfig, TriggerKind
from volant.deployments.model import Phase, Rollout
from volant.gates.model import CheckResult, Verdict
from volant.kernel.clock import DAY_US
from volant.monitoring.alert_model import Alert
from volant.monitoring.model import LiveReport, WindowPerformance
from volant.registry.model import VersionState
from volant.wiring.watched import surely_worse
from volant.wiring.wheel import TONES, WEEK_US, Cell, Facts, takes, worst

# Causes of alerts by the stage that they are about; others are what watching found.
STAGE_OF = {
    "data contract": "data",
    "contract": "data",
    "training": "train",
    "rollout": "release",
    "errors": "serve",
    "unusable answers": "serve",
    "settings": "loop",
}
Found = tuple[str, int | None]


def data(facts: Facts, _now: int) -> Cell:
    """What it was trained on."""
    alarm = _alarm(facts, "data", "breaks its contract", None if facts.data is None else f"{facts.data.rows:,} rows")
    if alarm is not None:
        return alarm
    if facts.data is None:
        return Cell(stage="data", state="no data yet", waits_for="a first run" if facts.own and facts.newest is None else None)
    found = facts.data
    return Cell(
        stage="data", state=f"v{found.number} from the {found.origin.value}", figure=f"{found.rows:,} rows", since_at=found.recorded_at
    )


def train(facts: Facts, _now: int) -> Cell:
    """Whether a model is being made, and the newest."""
    newest, since = facts.newest, facts.running_since or facts.loop.training_since
    if since is not None:
        return Cell(stage="train", state="training", tone="challenger", since_at=since)
    failed = facts.run_error or facts.loop.failed
    alarm = _alarm(facts, "train", "failed", None)
    if alarm is not None or failed is not None:
        since = facts.loop.failed_at if facts.run_error is None else None
        return alarm or Cell(stage="train", state="failed", tone="fail", attention=f"The last training failed: {failed}", since_at=since)
    if newest is None:
        return Cell(stage="train", state="no model yet", waits_for="a first run" if facts.own else None)
    return Cell(
        stage="train",
        state=f"v{newest.number} trained",
        figure=f"{newest.trained_rows:,} rows",
        since_at=newest.registered_at,
        version=newest.number,
    )


def test(facts: Facts, _now: int) -> Cell:
    """What the gate said of the newest version."""
    newest, report = facts.newest, facts.report
    if newest is None:
        return Cell(stage="test", state="nothing to test")
    if report is None:
        return Cell(stage="test", state=f"v{newest.number} not judged", version=newest.number)
    figure = _difference(report.main)
    if report.verdict is Verdict.PASS:
        return Cell(stage="test", state=f"v{newest.number} passed", tone="pass", figure=figure, version=newest.number)
    if report.verdict is Verdict.FAIL:
        return Cell(stage="test", state=f"v{newest.number} refused", tone="fail", figure=figure, version=newest.number)
    state = f"v{newest.number} undecided"
    needed = [c.labels_needed for c in report.checks if c.verdict is Verdict.NOT_ENOUGH and c.labels_needed is not None]
    if not needed or facts.state.versions.get(newest.number) is not VersionState.REGISTERED:
        return Cell(stage="test", state=state, tone="open", figure=figure, version=newest.number)
    waits, lasts = _labels(max(needed), facts)
    return Cell(stage="test", state=state, tone="open", figure=figure, waits_for=waits, takes_us=lasts, version=newest.number)


def release(facts: Facts, _now: int) -> Cell:
    """How far a version is let out."""
    if facts.rollout.active:
        return _rollout(facts, facts.rollout)
    alarm = _alarm(facts, "release", "taken back", None)
    if alarm is not None:
        return alarm
    proposed = [number for number, standing in facts.state.versions.items() if standing is VersionState.PROPOSED]
    if proposed and facts.autonomy is Autonomy.PROPOSE:
        return _needs_approval(max(proposed), facts)
    if facts.champion is None:
        if facts.newest is None:
            return Cell(stage="release", state="nothing to release")
        words = f"Nothing is let out: v{facts.newest.number} did not pass its gate." if facts.own else None
        return Cell(
            stage="release", state="nothing let out", tone="open" if words else "neutral", attention=words, version=facts.newest.number
        )
    number, times = facts.champion.number, facts.state.epoch
    figure = f"{times:,} release{'' if times == 1 else 's'}"
    return Cell(stage="release", state=f"v{number} released", tone="champion", figure=figure, since_at=facts.released_at, version=number)


def _needs_approval(number: int, facts: Facts) -> Cell:
    return Cell(
        stage="release",
        state="waits for approval",
        tone="open",
        figure=f"v{number}",
        attention=f"Version {number} passed its gate and waits for approval.",
        waits_for="a person",
        since_at=facts.waiting_since,
        version=number,
    )


def _rollout(facts: Facts, state: Rollout) -> Cell:
    candidate, since = f"v{state.candidate}", state.step_began_at or state.started_at
    if state.phase is Phase.HELD or state.undecided:
        asked = "waits for approval" if state.approved_by is None else "undecided" if state.undecided else "waits for a decision"
        return Cell(
            stage="release",
            state=asked,
            tone="open",
            figure=candidate,
            attention=state.sentence or f"The rollout of version {state.candidate} waits for a person.",
            waits_for="a person",
            since_at=since,
            version=state.candidate,
        )
    rows, needed = progress(state)
    return Cell(
        stage="release",
        state=f"{candidate} {step_text(state)}",
        tone="challenger",
        figure=f"{rows:,} of {needed:,} rows",
        waits_for=f"{max(needed - rows, 0):,} rows",
        takes_us=takes(needed - rows, facts.rows_day, DAY_US),
        since_at=since,
        version=state.candidate,
    )


def step_text(state: Rollout) -> str:
    """``canary 10%``."""
    step = state.steps[state.step]
    return f"canary {percent_text(step.share)}" if step.kind is StepKind.CANARY else step.kind.value


def progress(state: Rollout) -> tuple[int, int]:
    """Rows of the present step, and how many it needs."""
    counts = state.counts(state.epoch)
    rows = counts.candidate.rows + (counts.champion.rows if state.phase is Phase.CANARY else 0)
    return rows, state.steps[state.step].rows or 0


def serve(facts: Facts, _now: int) -> Cell:
    """Who answers, and how much is asked."""
    asked = f"{facts.rows_day:,} in 24 h"
    alarm = _alarm(facts, "serve", "answers fail", asked)
    if alarm is not None:
        return alarm
    if facts.champion is None:
        return Cell(stage="serve", state="no champion")
    number = facts.champion.number
    if facts.server is not None:
        return Cell(stage="serve", state=f"v{number} serves", tone="champion", figure=asked, version=number)
    if not facts.own:
        return Cell(stage="serve", state="no server", figure=asked, version=number)
    words = f"Version {number} is the champion, but no server is up."
    return Cell(stage="serve", state="no server", tone="open", figure=asked, attention=words, version=number)


def watch(facts: Facts, _now: int) -> Cell:
    """How right it is on live rows."""
    newest = _newest_window(facts.live)
    figure = None if newest is None or newest.value is None else f"{facts.metric} {_short(newest.value)}"
    alarm = _alarm(facts, "watch", "", figure)
    if alarm is not None:
        return alarm
    if facts.champion is None:
        return Cell(stage="watch", state="nothing to watch")
    if facts.live is None or not facts.live.windows:
        return _before_windows(facts)
    if newest is None:
        return _without_labels(facts, facts.live)
    state, tone = _against_holdout(newest, facts.live)
    return Cell(stage="watch", state=state, tone=tone, figure=figure, since_at=newest.to_us)


def _before_windows(facts: Facts) -> Cell:
    if not facts.rows_total:
        return Cell(stage="watch", state="no traffic yet", waits_for="predictions" if facts.own else None)
    size = facts.window_rows
    if size is None or facts.rows_total >= size:
        return Cell(stage="watch", state="first window fills")
    left = size - facts.rows_total
    return Cell(
        stage="watch",
        state="first window fills",
        figure=f"{facts.rows_total:,} of {size:,} rows",
        waits_for=f"{left:,} rows",
        takes_us=takes(left, facts.rows_day, DAY_US),
    )


def _without_labels(facts: Facts, live: LiveReport) -> Cell:
    rows, labelled = sum(w.rows for w in live.windows), sum(w.labelled for w in live.windows)
    waits, lasts = _labels(rows - labelled, facts)
    return Cell(stage="watch", state="waits for labels", figure=f"{labelled:,} of {rows:,} labelled", waits_for=waits, takes_us=lasts)


def _newest_window(live: LiveReport | None) -> WindowPerformance | None:
    """The newest one that decisions may rest on."""
    return None if live is None else next((w for w in reversed(live.windows) if w.ready and w.value is not None), None)


def _against_holdout(window: WindowPerformance, live: LiveReport) -> tuple[str, str]:
    """One window beside the holdout, each with its two-sided 95 % interval; the alert comes from the sequential test."""
    if live.reference is None or live.reference.value is None:
        return "measured", "neutral"
    return ("worse than its holdout", "open") if surely_worse(window, live.reference) else ("as on its holdout", "pass")


def loop(facts: Facts, now: int) -> Cell:
    """What would turn it next."""
    found = facts.loop
    figure = f"{found.retrains:,} retrain{'' if found.retrains == 1 else 's'}" if found.retrains else None
    alarm = _alarm(facts, "loop", "needs a look", figure)
    if alarm is not None:
        return alarm
    if found.paused is not None:
        return Cell(stage="loop", state="paused", tone="open", figure=figure, attention=f"The automation is paused {found.paused}")
    if found.training_since is not None:
        return Cell(stage="loop", state="retraining", tone="challenger", figure=figure, since_at=found.training_since)
    idle = _idle(facts)
    if idle is not None:
        return Cell(stage="loop", state=idle, figure=figure)
    waits, lasts = _next_trigger(facts, now)
    return Cell(stage="loop", state="listens", tone="pass", figure=figure, waits_for=waits, takes_us=lasts, since_at=found.last_retrain_at)


def _idle(facts: Facts) -> str | None:
    """Why nothing turns it by itself, if so. Settings of other projects' models are not known here."""
    if not facts.own:
        return "turned elsewhere" if facts.loop.last else "turned by hand"
    if not facts.policy.when:
        return "no trigger"
    return "waits for a champion" if facts.champion is None else None


def _next_trigger(facts: Facts, now: int) -> Found:
    """The trigger that is expected first, or what the guard still asks for where that takes longer."""
    heard = [_trigger(one, facts, now) for one in facts.policy.when]
    waits, lasts = min(heard, key=lambda found: math.inf if found[1] is None else found[1])
    guard, since = facts.policy.guard, _trained_at(facts)
    if facts.labels_new < guard.min_new_labels:
        missing = _labels(guard.min_new_labels - facts.labels_new, facts)
        if lasts is None or missing[1] is None or missing[1] >= lasts:
            return missing
    rest = 0 if since is None else since + guard.cooldown_us - now
    return ("the cooldown", rest) if rest > 0 and lasts is not None and rest > lasts else (waits, lasts)


def _trigger(trigger: TriggerConfig, facts: Facts, now: int) -> Found:
    if trigger.kind is TriggerKind.CLOCK and trigger.every_us:
        since = _trained_at(facts)
        return "the clock", 0 if since is None else max(since + trigger.every_us - now, 0)
    if trigger.kind is TriggerKind.NEW_LABELS and trigger.labels:
        return _labels(max(trigger.labels - facts.labels_new, 0), facts)
    words = {
        TriggerKind.PERFORMANCE: "worse performance",
        TriggerKind.ESTIMATED: "worse estimated performance",
        TriggerKind.DATA: "new data",
        TriggerKind.DRIFT: "drift",
        TriggerKind.COST: "a stale champion that costs more than a retrain",
        TriggerKind.FORECAST: "a worse performance ahead",
    }
    return words.get(trigger.kind, trigger.kind.value), None


def _trained_at(facts: Facts) -> int | None:
    known = [at for at in (facts.loop.last_retrain_at, None if facts.newest is None else facts.newest.registered_at) if at is not None]
    return max(known, default=None)


def _labels(count: int, facts: Facts) -> Found:
    return f"{count:,} label{'' if count == 1 else 's'}", takes(count, facts.labels_week, WEEK_US)


def _alarm(facts: Facts, stage: str, state: str, figure: str | None) -> Cell | None:
    """The worst alert about a stage, by ``state`` or else its cause. One that somebody looks after needs nobody else."""
    found = worst(tuple(alert for alert in facts.alerts if stage_of(alert) == stage))
    if found is None:
        return None
    seen = "looked after" if found.acknowledged_at is not None else "muted" if found.quiet else None
    return Cell(
        stage=stage,
        state=f"{state or found.cause}{f', {seen}' if seen else ''}",
        tone=TONES[found.severity],
        figure=figure,
        attention=None if seen else found.sentence,
        since_at=found.opened_at,
    )


def stage_of(alert: Alert) -> str:
    """The stage that an alert is about, by its cause."""
    return STAGE_OF.get(alert.cause, "release" if "rollout" in alert.cause else "watch")


def _difference(check: CheckResult | None) -> str | None:
    if check is None or check.difference is None:
        return None
    metric = metric_name(check.check.metric or "") or check.title.partition(" ")[0]
    return f"{metric} {_short(check.difference, sign='+')}"


def _short(value: float, sign: str = "") -> str:
    """Four significant digits."""
    return f"{value:{sign},.0f}" if 10_000 <= abs(value) < 1e15 else f"{value:{sign}.4g}"
