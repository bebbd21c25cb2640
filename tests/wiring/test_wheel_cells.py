"""The wheel at a glance: what each stage says of a state, what needs a person, and how long it waits."""

import msgspec
import pytest

from volant.config.model import Autonomy, GateConfig, GateKind, GuardConfig, RetrainConfig, StepConfig, StepKind, TriggerConfig, TriggerKind
from volant.data.model import Origin
from volant.deployments.model import ArmCounts, EpochCounts, Phase, Rollout, Stage, Tally
from volant.gates.model import CheckResult, GateReport, Verdict
from volant.kernel.clock import DAY_US, HOUR_US, MINUTE_US
from volant.loop.model import Action, Decision
from volant.monitoring.alert_model import Alert, Severity
from volant.monitoring.model import LiveReport, Reference, WindowPerformance
from volant.registry.model import ModelState, ModelVersion, VersionState
from volant.wiring.waiting import waiting
from volant.wiring.wheel import STAGES, Data, Facts, Looped, about, turn

NOW = 1_795_240_000_000_000
STEPS = (StepConfig(kind=StepKind.SHADOW, rows=500), StepConfig(kind=StepKind.CANARY, rows=1000, share=0.1), StepConfig(kind=StepKind.FULL))


def version(number, **changes):
    fields = {
        "model": "bikes",
        "number": number,
        "package": f"{number:064x}",
        "run_id": "r",
        "run_revision": 1,
        "dataset": "bikes",
        "dataset_version": 3,
        "pipeline": "p",
        "policy": "p",
        "metrics": {"mae": 21.5},
        "trained_rows": 14_688,
        "trained_until_us": NOW - 2 * DAY_US,
        "trained_rows_digest": None,
        "registered_at": NOW - 3 * DAY_US,
    }
    return ModelVersion(**fields | changes)


def judged(verdict, *, needed=None, difference=-0.77):
    check = CheckResult(
        check=GateConfig(kind=GateKind.CHAMPION, metric="mae"),
        title="mae vs champion v4",
        verdict=verdict,
        sentence="",
        rows=100,
        difference=difference,
        labels_needed=needed,
    )
    return GateReport(
        id="g",
        model="bikes",
        version=5,
        package="x",
        champion=4,
        champion_package=None,
        run_id="r",
        dataset="bikes",
        dataset_version=3,
        holdout_rows=100,
        holdout_from_us=None,
        holdout_to_us=None,
        excluded_rows=0,
        predictions="d",
        verdict=verdict,
        checks=(check,),
        baselines={},
        seed=7,
        recorded_at=NOW,
    )


def alert(cause, severity=Severity.WARNING, **changes):
    fields = {
        "id": cause,
        "model": "bikes",
        "number": 1,
        "cause": cause,
        "severity": severity,
        "sentence": f"It is about {cause}.",
        "facts": {},
    }
    return Alert(**fields | {"opened_at": NOW - HOUR_US, "last_seen_at": NOW, "seq": 1} | changes)


def rollout(phase, **changes):
    counts = EpochCounts(champion=ArmCounts(rows=288), candidate=ArmCounts(rows=32))
    fields = {
        "model": "bikes",
        "id": "one",
        "phase": phase,
        "candidate": 5,
        "champion": 4,
        "steps": STEPS,
        "step": 1,
        "epoch": 2,
        "stages": (Stage(epoch=2, step=1, share=0.1, live=True),),
        "tally": Tally(epochs={"2": counts}),
        "step_began_at": NOW - HOUR_US,
        "passed_gate": True,
        "approved_by": "policy",
    }
    return Rollout(**fields | changes)


def live(values, *, reference=20.0, **changes):
    windows = tuple(
        WindowPerformance(
            number=place,
            from_us=NOW - 10 * HOUR_US,
            to_us=NOW - (5 - place) * HOUR_US,
            rows=500,
            labelled=0 if value is None else 480,
            loss=value,
            loss_variance=None if value is None else 0.04,
            value=value,
            waits="waits for labels" if value is None else None,
        )
        for place, value in enumerate(values)
    )
    known = Reference(rows=900, loss=reference, loss_variance=0.04, df=80, value=reference)
    fields = {
        "model": "bikes",
        "epoch": 2,
        "version": 4,
        "metric": "mae",
        "lower_is_better": True,
        "recorded_at": NOW,
        "labels": 1,
        "lines": 1,
    }
    return LiveReport(**fields | {"reference": known, "windows": windows} | changes)


STATE = ModelState(
    model="bikes", champion=4, previous=2, epoch=2, versions={2: VersionState.RETIRED, 4: VersionState.CHAMPION, 5: VersionState.REGISTERED}
)
TURNING = Facts(
    model="bikes",
    own=True,
    metric="mae",
    autonomy=Autonomy.AUTOPILOT,
    policy=RetrainConfig(when=(TriggerConfig(kind=TriggerKind.CLOCK, every_us=7 * DAY_US),)),
    window_rows=500,
    data=Data(number=3, rows=15_408, origin=Origin.LOG, recorded_at=NOW - HOUR_US),
    newest=version(5),
    report=judged(Verdict.FAIL, difference=1.2),
    champion=version(4),
    versions=3,
    state=STATE,
    released_at=NOW - 2 * DAY_US,
    rollout=Rollout(model="bikes"),
    server="pid 1",
    rows_day=2400,
    rows_total=90_000,
    labels=5000,
    labels_week=700,
    labels_new=600,
    live=live([20.1, 19.9]),
    loop=Looped(retrains=3, last_retrain_at=NOW - 2 * DAY_US),
)
EMPTY = Facts(model="bikes", own=True, metric="mae", state=ModelState(model="bikes"), rollout=Rollout(model="bikes"))


def wheel(facts=TURNING, **changes):
    return turn(msgspec.structs.replace(facts, **changes), NOW)


def cell(stage, facts=TURNING, **changes):
    return wheel(facts, **changes).cell(stage)


def test_a_model_that_turns_says_so_in_every_stage_and_needs_nobody():
    found = wheel()
    assert [one.stage for one in found.cells] == list(STAGES)
    assert [(one.state, one.figure) for one in found.cells] == [
        ("v3 from the log", "15,408 rows"),
        ("v5 trained", "14,688 rows"),
        ("v5 refused", "mae +1.2"),
        ("v4 released", "2 releases"),
        ("v4 serves", "2,400 in 24 h"),
        ("as on its holdout", "mae 19.9"),
        ("listens", "3 retrains"),
    ]
    assert (found.rank, found.attention) == (0, ())
    assert found.cell("loop").waits == "the clock, about 5 days"


def test_an_empty_project_waits_for_its_first_run_and_alarms_nobody():
    found = wheel(EMPTY)
    assert {one.stage: one.waits for one in found.cells if one.waits} == {"data": "a first run", "train": "a first run"}
    assert (found.rank, found.attention) == (0, ())
    assert waiting(EMPTY, NOW).command == "volant run"


@pytest.mark.parametrize(
    ("duration", "said"),
    [(0, "now"), (1, "about a minute"), (90 * MINUTE_US, "about 2 hours"), (DAY_US, "about 1 day"), (4000 * DAY_US, "about 4,000 days")],
)
def test_expectations_are_as_exact_as_they_can_be(duration, said):
    assert about(duration) == said


def test_an_undecided_gate_says_how_many_labels_it_needs_and_how_long_they_take():
    found = cell("test", report=judged(Verdict.NOT_ENOUGH, needed=300))
    assert (found.state, found.tone, found.waits, found.takes_us) == ("v5 undecided", "open", "300 labels, about 3 days", 3 * DAY_US)
    assert cell("test", report=judged(Verdict.NOT_ENOUGH, needed=300), labels_week=0).waits == "300 labels"
    asked = waiting(msgspec.structs.replace(TURNING, report=judged(Verdict.NOT_ENOUGH, needed=300)), NOW)
    assert (asked.waits_for, asked.text, asked.takes_us) == ("labels", "Version 5 needs about 300 more labels.", 3 * DAY_US)


def test_a_version_that_waits_for_a_person_needs_attention_only_where_a_person_decides():
    state = msgspec.structs.replace(STATE, versions={**STATE.versions, 5: VersionState.PROPOSED})
    found = wheel(state=state, autonomy=Autonomy.PROPOSE, waiting_since=NOW - HOUR_US)
    assert (found.cell("release").state, found.cell("release").waits, found.rank) == ("waits for approval", "a person", 2)
    assert cell("release", state=state, autonomy=Autonomy.AUTOPILOT).attention is None


def test_a_rollout_says_its_step_how_many_rows_are_missing_and_how_long_they_take():
    found = cell("release", rollout=rollout(Phase.CANARY))
    assert (found.state, found.figure, found.tone) == ("v5 canary 10%", "320 of 1,000 rows", "challenger")
    assert (found.waits, found.attention) == ("680 rows, about 7 hours", None)
    assert wheel(rollout=rollout(Phase.CANARY)).rank == 1


@pytest.mark.parametrize(
    ("changes", "state", "who"),
    [
        ({"phase": Phase.HELD, "approved_by": None}, "waits for approval", 'volant approve bikes@5 --reason "..."'),
        ({"phase": Phase.CANARY, "undecided": True}, "undecided", 'volant promote bikes@5 --reason "..."'),
        ({"phase": Phase.HELD}, "waits for a decision", 'volant promote bikes@5 --reason "..."'),
    ],
)
def test_a_rollout_that_goes_no_further_needs_a_person(changes, state, who):
    facts = msgspec.structs.replace(TURNING, rollout=rollout(**changes))
    assert (turn(facts, NOW).cell("release").state, turn(facts, NOW).rank) == (state, 2)
    assert waiting(facts, NOW).command == who


def test_a_champion_without_a_server_needs_attention_in_its_own_project_alone():
    assert "no server is up" in cell("serve", server=None).attention
    assert cell("serve", server=None, own=False).attention is None


@pytest.mark.parametrize(
    ("cause", "stage"),
    [
        ("errors", "serve"),
        ("unusable answers", "serve"),
        ("data contract", "data"),
        ("training", "train"),
        ("rollout taken back", "release"),
        ("performance", "watch"),
        ("labels", "watch"),
        ("a cause of tomorrow", "watch"),
    ],
)
def test_an_alert_shows_in_the_stage_that_it_is_about(cause, stage):
    found = wheel(alerts=(alert(cause, Severity.CRITICAL),))
    assert [one.stage for one in found.attention] == [stage]
    assert (found.cell(stage).attention, found.rank) == (f"It is about {cause}.", 3)


def test_an_alert_that_somebody_looks_after_needs_nobody_else():
    seen = alert("performance", Severity.CRITICAL, acknowledged_at=NOW, acknowledged_by="ada")
    assert (cell("watch", alerts=(seen,)).state, wheel(alerts=(seen,)).rank) == ("performance, looked after", 0)
    both = (seen, alert("labels"))
    assert (cell("watch", alerts=both).state, wheel(alerts=both).rank) == ("labels", 2)


def test_watching_says_what_the_newest_complete_window_shows():
    assert (cell("watch", live=live([20.0, 23.0])).state, cell("watch", live=live([20.0, 23.0])).tone) == ("worse than its holdout", "open")
    assert cell("watch", live=live([20.0, None])).figure == "mae 20"
    assert cell("watch", live=live([None, None])).waits == "1,000 labels, about 10 days"
    first = cell("watch", live=None, rows_total=200)
    assert (first.figure, first.waits) == ("200 of 500 rows", "300 rows, about 3 hours")


@pytest.mark.parametrize(
    ("when", "guard", "waits"),
    [
        ([(TriggerKind.NEW_LABELS, 1000)], {}, "400 labels, about 4 days"),
        ([(TriggerKind.NEW_LABELS, 500)], {}, "0 labels, now"),
        ([(TriggerKind.PERFORMANCE, None)], {}, "worse performance"),
        ([(TriggerKind.PERFORMANCE, None)], {"min_new_labels": 900}, "300 labels, about 3 days"),
        ([(TriggerKind.NEW_LABELS, 500)], {"cooldown_us": 3 * DAY_US}, "the cooldown, about 1 day"),
        ([(TriggerKind.NEW_LABELS, 1000), (TriggerKind.PERFORMANCE, None)], {}, "400 labels, about 4 days"),
    ],
)
def test_the_loop_says_what_would_turn_it_next_and_when(when, guard, waits):
    triggers = tuple(TriggerConfig(kind=kind, labels=labels) for kind, labels in when)
    assert cell("loop", policy=RetrainConfig(when=triggers, guard=GuardConfig(**guard))).waits == waits


def test_a_paused_automation_needs_attention_and_a_running_training_shows():
    found = cell("loop", loop=Looped(paused="by ada: holidays"))
    assert (found.state, found.attention) == ("paused", "The automation is paused by ada: holidays")
    decided = Looped(training_since=NOW - MINUTE_US, last=Decision(action=Action.RETRAIN, at=NOW, sentence="it is time"))
    assert [cell(stage, loop=decided).state for stage in ("train", "loop")] == ["training", "retraining"]
    failed = cell("train", loop=Looped(failed="ValueError: it broke", failed_at=NOW))
    assert (failed.state, failed.attention) == ("failed", "The last training failed: ValueError: it broke")


def test_another_projects_model_is_shown_without_guessing_its_settings():
    found = wheel(own=False, policy=RetrainConfig(), server=None, loop=Looped())
    assert (found.cell("loop").state, found.cell("serve").state, found.rank) == ("turned by hand", "no server", 0)
