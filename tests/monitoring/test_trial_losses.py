"""Losses of both arms of a rollout, from logged rows and late labels."""

import math

import numpy as np
import pytest

from volant.config.model import Amount, GateConfig, GateKind, Margin, StepConfig, StepKind, Task
from volant.deployments.arms import CANARY, CHAMPION, SHADOW, is_canary
from volant.deployments.compared import compared
from volant.deployments.evidence import LOG_HARM, log_loss
from volant.deployments.model import Phase, Rollout, Stage
from volant.evidence.model import Label, Outcome, Prediction, Trial
from volant.evidence.tables import prediction_table
from volant.monitoring.performance import Question
from volant.monitoring.trial_losses import Allowed, allowed_by, trial_losses

NAME = "r1"
STEPS = (StepConfig(kind=StepKind.SHADOW, rows=100), StepConfig(kind=StepKind.CANARY, rows=100, share=0.2))
STAGES = (Stage(epoch=1, step=0, share=0.5, live=False), Stage(epoch=2, step=1, share=0.2, live=True))
NO_MARGIN = Allowed()


def rollout(**changes):
    given = {"model": "m", "id": NAME, "phase": Phase.CANARY, "candidate": 2, "champion": 1, "steps": STEPS, "stages": STAGES}
    return Rollout(**given | changes)


def answer(name, arm, value, *, epoch, at, pair=None, assigned=None, outcome=Outcome.OK, key=None, rows=1):
    return Prediction(
        id=name,
        request_id=None,
        at=at,
        model="m",
        version=1 if arm == CHAMPION else 2,
        arm=arm,
        epoch=1,
        columns={"x": [1.0] * rows},
        values=[value] * rows if outcome is Outcome.OK else [],
        scores=None,
        keys=None if key is None else [key],
        event_times=None,
        latency_us=10,
        outcome=outcome,
        trial=Trial(rollout=NAME, epoch=epoch, rows=rows, pair=pair, assigned=assigned),
    )


def shadowed(values, *, start=0):
    """Rows that both scored: (champion, candidate) answers."""
    found = []
    for n, (champion, candidate) in enumerate(values, start):
        found.append(answer(f"c{n}", CHAMPION, champion, epoch=1, at=n))
        found.append(answer(f"s{n}", SHADOW, candidate, epoch=1, at=n, pair=f"c{n}"))
    return found


def label(name, value=0.0, at=0):
    return Label(prediction_id=f"{name}.0", value=value, known_at=at, recorded_at=at)


def question(**changes):
    given = {"metric": "mae", "task": Task.REGRESSION, "size": Amount(rows=100), "known_by": 10**9}
    return Question(**given | changes)


def weighed(predictions, labels, *, state=None, asked=None, allowed=NO_MARGIN):
    state = state or rollout()
    losses = trial_losses(prediction_table(predictions), labels, state, asked or question(), allowed, revision=1)
    return losses, Rollout(**{name: getattr(state, name) for name in state.__struct_fields__} | {"losses": losses})


def test_a_shadow_that_is_surely_worse_on_the_same_rows_is_harm_and_says_the_figures():
    random = np.random.default_rng(3)
    rows = [(float(a), float(b)) for a, b in zip(random.normal(0, 1, 300), random.normal(0, 3, 300), strict=True)]
    losses, state = weighed(shadowed(rows), [label(f"c{n}") for n in range(300)])
    assert log_loss(state) >= LOG_HARM
    (found,) = compared(state)
    assert (found.paired, found.champion_rows, found.candidate_rows, found.metric) == (True, 300, 300, "mae")
    assert found.champion == pytest.approx(np.mean([abs(a) for a, _ in rows]))
    assert found.candidate == pytest.approx(np.mean([abs(b) for _, b in rows]))
    assert losses.fixed_at == (1, 19, "s19.0")
    assert losses.parts[0].wager.pairs == 280, "rows that the cap was fixed from are not bet on"


def test_an_equal_or_better_shadow_is_no_harm():
    random = np.random.default_rng(4)
    rows = [(float(a), float(b)) for a, b in zip(random.normal(0, 2, 400), random.normal(0, 1, 400), strict=True)]
    assert log_loss(weighed(shadowed(rows), [label(f"c{n}") for n in range(400)])[1]) < 0


def test_the_cap_stays_as_it_was_fixed_whatever_labels_come_later():
    rows = shadowed([(1.0, 1.0)] * 40)
    first, state = weighed(rows, [label(f"c{n}") for n in range(30)])
    corrected = [label(f"c{n}", value=100.0, at=1) for n in range(40)]
    again, _ = weighed(rows, corrected, state=state)
    assert (again.cap, again.fixed_at) == (first.cap, first.fixed_at) == (5.0, (1, 19, "s19.0"))


def test_a_champion_that_never_errs_still_gives_a_cap_and_a_worse_candidate_is_found():
    _, state = weighed(shadowed([(0.0, 2.0)] * 100), [label(f"c{n}") for n in range(100)])
    assert state.losses.cap == 10.0
    assert log_loss(state) >= LOG_HARM


def test_rows_behind_one_that_waits_for_its_label_wait_too_until_it_is_due():
    rows = shadowed([(1.0, 1.0)] * 10)
    labels = [label(f"c{n}") for n in range(10) if n != 3]
    waiting, _ = weighed(rows, labels, asked=question(label_delay_us=10**9, known_by=10**9))
    assert waiting.parts[0].candidate_rows == 3
    over, _ = weighed(rows, labels, asked=question(label_delay_us=10**9, known_by=10**9 + 3))
    assert over.parts[0].candidate_rows == 9


def test_a_row_that_is_predicted_again_and_an_answer_that_cannot_be_used_count_once_and_not_at_all():
    rows = [
        answer("c1", CHAMPION, 1.0, epoch=1, at=1, key='["a"]'),
        answer("s1", SHADOW, 1.0, epoch=1, at=1, pair="c1", key='["a"]'),
        answer("c2", CHAMPION, 1.0, epoch=1, at=2, key='["a"]'),
        answer("s2", SHADOW, 1.0, epoch=1, at=2, pair="c2", key='["a"]'),
        answer("c3", CHAMPION, 1.0, epoch=1, at=3),
        answer("s3", SHADOW, math.nan, epoch=1, at=3, pair="c3"),
        answer("c4", CHAMPION, 1.0, epoch=1, at=4),
        answer("s4", SHADOW, None, epoch=1, at=4, pair="c4", outcome=Outcome.ERROR),
    ]
    labels = [Label(key='["a"]', value=0.0, known_at=0, recorded_at=0), label("c3"), label("c4")]
    assert weighed(rows, labels)[0].parts[0].candidate_rows == 1


def live(count, loss, share=0.2, seed=1):
    """Requests of which the canary answers its share; ``loss(arm, random)`` is the answer's error."""
    random, found = np.random.default_rng(seed), []
    for n in range(count):
        arm = CANARY if is_canary(f"k{n}-{seed}", NAME, share) else CHAMPION
        found.append(answer(f"p{n}", arm, loss(arm, random), epoch=2, at=n))
    return found, [label(f"p{n}") for n in range(count)]


def test_a_canary_that_is_surely_worse_on_its_own_rows_is_harm():
    rows, labels = live(2000, lambda arm, random: float(random.exponential(2.0 if arm == CANARY else 1.0)))
    _, state = weighed(rows, labels)
    assert log_loss(state) >= LOG_HARM
    (found,) = compared(state)
    assert not found.paired
    assert found.candidate > 1.5 * found.champion
    assert found.candidate_rows + found.champion_rows == 2000


def test_equal_arms_under_a_trend_are_rolled_back_no_more_often_than_promised():
    def rising(_arm, random):
        rising.count += 1
        return float(random.exponential(1.0 + (rising.count % 1000) / 200))

    crossed = 0
    for seed in range(40):
        rising.count = 0
        rows, labels = live(800, rising, seed=seed)
        crossed += log_loss(weighed(rows, labels)[1]) >= LOG_HARM
    assert crossed <= 2


def test_what_the_champion_answered_for_the_canary_is_in_no_block():
    rows, labels = live(600, lambda *_: 1.0)
    failed = [answer(f"f{n}", CHAMPION, 50.0, epoch=2, at=n, assigned=CANARY) for n in range(100)]
    losses, _ = weighed(rows + failed, [*labels, *(label(f"f{n}") for n in range(100))])
    assert losses.parts[0].champion_loss + losses.parts[0].candidate_loss == 600


def test_evidence_of_shadow_and_canary_multiplies():
    pairs = shadowed([(1.0, 1.5)] * 60)
    rows, labels = live(400, lambda arm, _: 1.5 if arm == CANARY else 1.0)
    alone = log_loss(weighed(pairs, [label(f"c{n}") for n in range(60)])[1])
    both = log_loss(weighed(pairs + rows, [*(label(f"c{n}") for n in range(60)), *labels])[1])
    assert both > alone > 0


@pytest.mark.parametrize(
    ("metric", "margin", "expected"),
    [
        ("mae", Margin(value=0.01, relative=True), Allowed(share=0.01)),
        ("mae", Margin(value=2.0, relative=False), Allowed(number=2.0)),
        ("rmse", Margin(value=0.1, relative=True), Allowed(share=pytest.approx(0.21))),
        ("accuracy", Margin(value=0.01, relative=True), Allowed(number=0.01)),
        ("auc", Margin(value=0.01, relative=True), Allowed()),
    ],
)
def test_what_the_gate_tolerates_is_no_harm(metric, margin, expected):
    gates = [GateConfig(kind=GateKind.BASELINE), GateConfig(kind=GateKind.CHAMPION, margin=margin)]
    assert allowed_by(gates, metric) == expected


def test_a_loss_within_the_margin_never_becomes_harm_however_many_rows_come():
    rows = shadowed([(1.0, 1.05)] * 3000)
    labels = [label(f"c{n}") for n in range(3000)]
    assert log_loss(weighed(rows, labels)[1]) > LOG_HARM
    assert log_loss(weighed(rows, labels, allowed=Allowed(share=0.1))[1]) < 0
    assert log_loss(weighed(rows, labels, allowed=Allowed(number=0.1))[1]) < 0


def test_wrong_classes_are_losses_of_one():
    asked = question(metric="accuracy", task=Task.BINARY)
    _, state = weighed(shadowed([("a", "b")] * 60), [label(f"c{n}", value="a") for n in range(60)], asked=asked)
    assert (state.losses.cap, compared(state)[0].champion, compared(state)[0].candidate) == (1.0, 1.0, 0.0)
    assert log_loss(state) >= LOG_HARM


def test_labels_before_any_row_or_beside_failed_rows_only_say_nothing():
    nothing, state = weighed([], [label("c1")])
    assert (nothing.parts, nothing.lines, log_loss(state)) == ((), 0, 0.0)
    failed = [answer(f"p{n}", CANARY, None, epoch=2, at=n, outcome=Outcome.ERROR) for n in range(5)]
    assert weighed(failed, [label(f"p{n}") for n in range(5)])[0].parts == ()
    unlabelled, _ = weighed(shadowed([(1.0, 2.0)] * 5), [label("other")])
    assert unlabelled.parts[0].candidate_rows == 0
