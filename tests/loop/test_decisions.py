"""The decision core: every decision is pure, says why in numbers, and never sees the future."""

import subprocess
import sys

import numpy as np
import pytest

from volant.config.model import Autonomy, DriftOf, GuardConfig, RetrainConfig, TriggerConfig, TriggerKind
from volant.gates.model import Verdict
from volant.kernel.clock import DAY_US
from volant.kernel.errors import InvalidInputError
from volant.loop.decide import decide
from volant.loop.model import Action, LoopEvidence, LoopPolicy, LoopState
from volant.loop.performance import LIMIT, performance_signal
from volant.monitoring.model import MovedColumn, WindowEvidence

NOW = 100 * DAY_US
CLOCK = TriggerConfig(kind=TriggerKind.CLOCK, every_us=7 * DAY_US)
LABELS = TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=500)
WORSE = TriggerConfig(kind=TriggerKind.PERFORMANCE)
DATA = TriggerConfig(kind=TriggerKind.DATA)
DRIFT = TriggerConfig(kind=TriggerKind.DRIFT, drift=DriftOf.ANY)


def policy(*when, cooldown=0, labels=0, autonomy=Autonomy.PROPOSE):
    return LoopPolicy(retrain=RetrainConfig(when=when, guard=GuardConfig(cooldown_us=cooldown, min_new_labels=labels)), autonomy=autonomy)


def state(**fields):
    return LoopState(**({"model": "bikes", "champion": 1, "last_retrain_at": NOW - 8 * DAY_US} | fields))


def evidence(labels=600, **fields):
    return LoopEvidence(known_by=NOW, labels_since_training=labels, **fields)


def window(number, loss, rows=300, variance=0.0004, df=30):
    return WindowEvidence(from_us=number, to_us=number, rows=rows, labelled=rows, loss=loss, loss_variance=variance, df=df)


@pytest.mark.parametrize(
    ("current", "known", "follow", "action", "words"),
    [
        (state(), evidence(), policy(CLOCK), Action.RETRAIN, "8d ago; one is due every 7d"),
        (state(last_retrain_at=NOW - DAY_US), evidence(), policy(CLOCK), Action.WAIT, "1d ago"),
        (state(last_retrain_at=None, trained_until_us=NOW - DAY_US), evidence(), policy(CLOCK), Action.WAIT, "1d ago"),
        (state(last_retrain_at=None), evidence(), policy(CLOCK), Action.RETRAIN, "no training is on record"),
        (state(), evidence(), policy(LABELS), Action.RETRAIN, "600 new labels since the last training, of 500"),
        (state(), evidence(499), policy(LABELS), Action.WAIT, "499"),
        (state(), evidence(), policy(CLOCK, cooldown=9 * DAY_US), Action.WAIT, "the cooldown is 9d"),
        (state(), evidence(10), policy(CLOCK, labels=500), Action.WAIT, "only 10 new labels are known and the guard asks for 500"),
        (state(training_since=NOW - DAY_US), evidence(), policy(CLOCK), Action.WAIT, "one at a time"),
        (state(champion=None), evidence(), policy(CLOCK), Action.WAIT, "`volant run`"),
        (state(), evidence(), policy(), Action.WAIT, "no trigger"),
        (state(), evidence(), policy(WORSE), Action.WAIT, "no reference loss"),
        (state(), evidence(reference_loss=0.2), policy(WORSE), Action.WAIT, "no window with enough labels"),
    ],
)
def test_triggers_and_guard_decide_with_a_reason(current, known, follow, action, words):
    (decision,) = decide(current, known, follow, NOW)
    assert decision.action is action
    assert words in decision.sentence
    assert decision.at == NOW


@pytest.mark.parametrize(
    ("verdict", "autonomy", "action"),
    [
        (Verdict.PASS, Autonomy.PROPOSE, Action.PROPOSE),
        (Verdict.PASS, Autonomy.AUTOPILOT, Action.PROMOTE),
        (Verdict.FAIL, Autonomy.AUTOPILOT, Action.REFUSE),
        (Verdict.NOT_ENOUGH, Autonomy.AUTOPILOT, Action.WAIT),
    ],
)
def test_a_judged_candidate_is_released_as_far_as_autonomy_allows(verdict, autonomy, action):
    known = evidence(candidate_verdict=verdict, candidate_report="r1")
    first = decide(state(candidate=7), known, policy(autonomy=autonomy), NOW)[0]
    assert (first.action, first.version, first.evidence["report"]) == (action, 7, "r1")


def test_an_undecided_candidate_does_not_silence_the_triggers():
    decisions = decide(state(candidate=7), evidence(candidate_verdict=Verdict.NOT_ENOUGH), policy(CLOCK), NOW)
    assert [d.action for d in decisions] == [Action.WAIT, Action.RETRAIN]


def test_several_triggers_that_fire_are_all_named():
    (decision,) = decide(state(), evidence(), policy(CLOCK, LABELS), NOW)
    assert decision.trigger == "clock + new_labels"
    assert decision.evidence["new_labels"] == 600


def test_evidence_from_the_future_is_refused():
    with pytest.raises(InvalidInputError, match="future"):
        decide(state(), evidence(), policy(CLOCK), NOW - 1)


def test_a_clock_that_jumped_back_does_not_break_a_decision():
    (decision,) = decide(state(last_retrain_at=NOW + DAY_US), evidence(), policy(CLOCK), NOW)
    assert decision.action is Action.WAIT


def test_a_clear_loss_of_performance_fires_and_says_by_how_much():
    windows = tuple(window(number, 0.2 if number < 3 else 0.35) for number in range(6))
    (decision,) = decide(state(), evidence(reference_loss=0.2, reference_variance=0.0004, windows=windows), policy(WORSE), NOW)
    assert decision.action is Action.RETRAIN
    assert decision.trigger == "performance"
    assert "realised loss" in decision.sentence
    assert decision.evidence["loss"] > 0.3


def test_a_small_lasting_loss_is_found_by_adding_windows_up():
    assert not performance_signal([window(0, 0.25)], 0.2, 0.0).fired
    assert performance_signal([window(number, 0.25) for number in range(8)], 0.2, 0.0).fired


def test_a_better_champion_never_fires():
    assert not performance_signal([window(number, 0.1) for number in range(200)], 0.2, 0.0004).fired


def test_without_change_an_alarm_comes_on_average_no_sooner_than_promised():
    random = np.random.default_rng(3)
    alarms = 0
    for _ in range(200):
        windows = [window(number, 0.2 + 0.02 * random.standard_normal(), df=None) for number in range(50)]
        alarms += performance_signal(windows, 0.2, 0.0).fired
    assert alarms / 200 <= 50 / LIMIT


@pytest.mark.parametrize(
    "odd",
    [
        window(0, None),
        window(0, 0.9, rows=3),
        window(0, 0.9, variance=None, df=None),
        window(0, 0.9, variance=float("nan")),
        window(0, 0.9, variance=0.0, df=None),
        WindowEvidence(from_us=0, to_us=0, rows=0, labelled=0, loss=None, loss_variance=None),
    ],
)
def test_a_window_that_says_nothing_is_no_evidence(odd):
    assert not performance_signal([odd], 0.2, 0.0).fired


def test_the_decision_core_and_the_pages_start_without_numpy():
    modules = "decide, figures, performance, policy, ports, replay_model, report"
    heavy = "{'numpy', 'polars', 'scipy', 'sklearn', 'plotly'}"
    code = f"import sys\nfrom volant.loop import {modules}\nassert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_while_paused_nothing_is_decided_whatever_speaks_for_it():
    stopped = state(paused="by ada: labels are being repaired", candidate=2)
    (decision,) = decide(stopped, evidence(candidate_verdict=Verdict.PASS, new_data=True), policy(DATA), NOW)
    assert decision.action is Action.WAIT
    assert "paused: by ada" in decision.sentence


def test_new_data_asks_for_a_retrain_and_the_same_data_do_not():
    (decision,) = decide(state(), evidence(new_data=True), policy(DATA), NOW)
    assert (decision.action, decision.trigger) == (Action.RETRAIN, "data")
    (decision,) = decide(state(), evidence(new_data=False), policy(DATA), NOW)
    assert decision.action is Action.WAIT


def test_what_cannot_come_to_anything_new_is_held_back_and_says_so():
    held = state(held="the last training learned from the same code, settings, data and labels")
    (decision,) = decide(held, evidence(new_data=True), policy(DATA), NOW)
    assert decision.action is Action.WAIT
    assert decision.held == held.held
    assert decision.sentence == f"the source holds data that no training has learned from; but {held.held}"


def test_a_passing_candidate_goes_step_by_step_and_waits_while_another_is_on_its_way():
    policy = LoopPolicy(autonomy=Autonomy.AUTOPILOT, stepwise=True)
    evidence = LoopEvidence(known_by=1, labels_since_training=0, candidate_verdict=Verdict.PASS, candidate_report="g")

    def decided(**state):
        return decide(LoopState(model="bikes", candidate=3, **state), evidence, policy, 1)[0]

    assert (decided(champion=1).action, "step by step" in decided(champion=1).sentence) == (Action.PROMOTE, True)
    assert "becomes champion" in decided().sentence
    waiting = decided(champion=1, releasing=2)
    assert (waiting.action, "rollout of version 2" in waiting.sentence) == (
        Action.WAIT,
        True,
    )
    assert decided(champion=1, releasing=3).action is Action.WAIT


def column(name="temp", *, answer=False, seen=NOW - DAY_US):
    return MovedColumn(name=name, answer=answer, since_us=seen - DAY_US, seen_us=seen, effect=0.42, low=0.35, high=0.49, tolerance=0.03)


def test_drift_asks_for_a_challenger_with_its_figures_and_never_for_a_release():
    known = evidence(moved=(column(), column("hum")))
    (decision,) = decide(state(), known, policy(DRIFT, autonomy=Autonomy.AUTOPILOT), NOW)
    assert (decision.action, decision.trigger) == (Action.RETRAIN, "drift")
    assert "temp and 1 more moved away from what the champion learned: effect 0.42 [0.35, 0.49]" in decision.sentence
    assert decision.evidence == {"moved": 2, "column": "temp", "effect": 0.42, "change_us": NOW - 2 * DAY_US}
    waits = decide(state(candidate=2), evidence(moved=(column(),), candidate_verdict=Verdict.FAIL), policy(DRIFT), NOW)[0]
    assert waits.action is Action.REFUSE


def test_drift_asks_once_for_each_time_something_moves():
    seen = evidence(moved=(column(seen=NOW - 9 * DAY_US),))
    (decision,) = decide(state(), seen, policy(DRIFT), NOW)
    assert decision.action is Action.WAIT
    assert "a training since then has seen it" in decision.sentence
    more = evidence(moved=(column(seen=NOW - 9 * DAY_US), column("hum", seen=NOW - DAY_US)))
    assert decide(state(), more, policy(DRIFT), NOW)[0].action is Action.RETRAIN


@pytest.mark.parametrize(
    ("of", "answer", "action"),
    [
        (DriftOf.INPUTS, False, Action.RETRAIN),
        (DriftOf.INPUTS, True, Action.WAIT),
        (DriftOf.PREDICTION, True, Action.RETRAIN),
        (DriftOf.PREDICTION, False, Action.WAIT),
        (DriftOf.ANY, True, Action.RETRAIN),
    ],
)
def test_a_trigger_hears_the_drift_it_names(of, answer, action):
    trigger = TriggerConfig(kind=TriggerKind.DRIFT, drift=of)
    (decision,) = decide(state(), evidence(moved=(column(answer=answer),)), policy(trigger), NOW)
    assert decision.action is action
    quiet = decide(state(), evidence(), policy(trigger), NOW)[0]
    assert quiet.sentence.startswith("no drift of ")


def test_drift_is_held_back_by_the_guard_like_any_trigger():
    (decision,) = decide(state(), evidence(10, moved=(column(),)), policy(DRIFT, labels=500), NOW)
    assert decision.action is Action.WAIT
    assert decision.trigger == "drift"
