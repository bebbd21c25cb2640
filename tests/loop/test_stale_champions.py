"""Triggers that look at what a stale champion costs, now and later."""

import numpy as np
import pytest
from history_rows import TICK, Ticking, config, stream, trainer, turning
from scipy import stats

from volant.config.load import load_text
from volant.config.model import CostConfig, RetrainConfig, TriggerConfig, TriggerKind
from volant.kernel.clock import DAY_US
from volant.kernel.errors import UsageError
from volant.loop.decide import decide
from volant.loop.model import Action, LoopEvidence, LoopPolicy, LoopState
from volant.loop.replay import Extent, replay
from volant.loop.staleness import SPENT, excess_loss, forecast
from volant.loop.student import t_point
from volant.monitoring.model import WindowEvidence

NOW = 40 * DAY_US
FIFTY = CostConfig(retrain=50)
COST, FORECAST = TriggerConfig(kind=TriggerKind.COST), TriggerConfig(kind=TriggerKind.FORECAST)


def window(day, loss, *, rows=100, labelled=None):
    labelled = rows if labelled is None else labelled
    return WindowEvidence(
        from_us=day * DAY_US, to_us=(day + 1) * DAY_US, rows=rows, labelled=labelled, loss=loss, loss_variance=1e-4, df=30
    )


def heard(trigger, windows, *, cost=FIFTY, lead=0, labels=200, last=0):
    state = LoopState(model="toy", champion=1, last_retrain_at=last)
    evidence = LoopEvidence(
        known_by=NOW,
        labels_since_training=labels,
        reference_loss=1.0,
        reference_variance=1e-4,
        reference_df=50,
        windows=tuple(windows),
        lead_us=lead,
    )
    return decide(state, evidence, LoopPolicy(retrain=RetrainConfig(when=(trigger,), cost=cost)), NOW)[0]


@pytest.mark.parametrize("df", [1, 2, 7, 30, 400, None])
@pytest.mark.parametrize("share", [0.9, 0.975, 0.999])
def test_points_of_students_t_are_those_of_scipy(df, share):
    expected = stats.norm.ppf(share) if df is None else stats.t.ppf(share, df)
    assert t_point(share, df) == pytest.approx(expected, rel=1e-6)


def test_a_retrain_is_asked_for_once_staying_cost_more_than_it_does():
    windows = [window(day, 1.2) for day in range(5)]
    below, above = heard(COST, windows[:2]), heard(COST, windows[:3])
    assert (below.action, above.action) == (Action.WAIT, Action.RETRAIN)
    assert above.evidence == {"excess": pytest.approx(60), "cost": 50, "change_us": 0}
    assert "60 over 300 rows; a retrain now costs 50" in above.sentence


def test_labels_are_part_of_the_cost_and_the_unit_is_ones_own():
    windows = [window(day, 1.2) for day in range(3)]
    assert heard(COST, windows, cost=CostConfig(retrain=50, label=0.1), labels=200).action is Action.WAIT
    assert heard(COST, windows, cost=CostConfig(retrain=500, loss=10)).action is Action.RETRAIN


def test_what_was_good_before_is_no_credit_and_what_the_last_training_had_is_not_counted_again():
    good_then_bad = [window(0, 0.1), window(1, 0.5), window(2, 1.3), window(3, 1.3)]
    found = excess_loss(good_then_bad, 1.0, None)
    assert (found.loss, found.since_us) == (pytest.approx(60), 2 * DAY_US)
    assert excess_loss(good_then_bad, 1.0, 3 * DAY_US).loss == pytest.approx(30)


def test_rows_without_a_label_count_as_those_with_one_and_few_labels_say_nothing():
    assert excess_loss([window(0, 1.5, rows=200, labelled=50)], 1.0, None).loss == pytest.approx(100)
    assert excess_loss([window(0, 9.0, rows=200, labelled=3), window(1, None)], 1.0, None).loss == 0


def test_a_loss_that_rises_is_met_ahead_by_as_long_as_a_training_takes_to_be_felt():
    rising = [window(day, 0.6 + 0.05 * day + (-1) ** day * 0.002) for day in range(6)]
    at_once, ahead = heard(FORECAST, rising, lead=0), heard(FORECAST, rising, lead=40 * DAY_US)
    assert ahead.action is Action.RETRAIN, "0.875 by now, above 1 in a few days"
    assert ahead.evidence["low"] < ahead.evidence["forecast"]
    assert heard(FORECAST, [window(day, 0.7) for day in range(6)], lead=40 * DAY_US).action is Action.WAIT
    assert "40d" in ahead.sentence
    assert at_once.evidence["forecast"] > 1.5, "the windows end on day 6 and now is day 40"


def test_few_windows_or_no_reference_are_said():
    assert "3 of 4 windows" in heard(FORECAST, [window(day, 2.0) for day in range(3)]).sentence
    state, evidence = LoopState(model="toy", champion=1), LoopEvidence(known_by=NOW, labels_since_training=9)
    for trigger in (COST, FORECAST):
        (decision,) = decide(state, evidence, LoopPolicy(retrain=RetrainConfig(when=(trigger,))), NOW)
        assert "no reference loss of the champion" in decision.sentence


def test_looking_after_every_window_spends_no_more_false_alarms_than_stated():
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(250):
        losses = random.normal(1.0, 0.05, 30)
        windows = [window(day, float(loss)) for day, loss in enumerate(losses)]
        alarms += any(forecast(windows[:count], 1.0, 0.0, None, (count + 1) * DAY_US).fired for count in range(4, 31))
    assert alarms / 250 < SPENT + 3 * (SPENT * (1 - SPENT) / 250) ** 0.5


def replayed(history, feature, policies, **extent):
    return replay(
        config(), history, trainer(history, feature), clock=Ticking(), extent=Extent(windows=24, **extent), policies=policies
    ).result


def test_in_replay_a_dear_retrain_is_asked_for_less_often_and_never_where_nothing_changes():
    history, feature = turning()
    never, cheap = replayed(history, feature, ("cost:sliding",), cost=5).policies
    dear = replayed(history, feature, ("cost:sliding",), cost=200).policies[1]
    assert cheap.retrains > dear.retrains >= 1
    assert cheap.metric < dear.metric < never.metric
    still, same = stream(rows=2400, change=False)
    assert replayed(still, same, ("cost:sliding",), cost=60).policies[1].retrains == 0


def test_in_replay_a_forecast_is_heard_of_a_world_that_keeps_changing():
    history, feature = turning()
    found = replayed(history, feature, ("forecast:sliding",)).policies[1]
    assert found.retrains >= 2
    assert all(decision.trigger == "forecast" for decision in found.decisions if decision.action is Action.RETRAIN)
    assert history.label_delay_us == 10 * TICK


def test_the_trigger_needs_a_cost():
    history, feature = stream(rows=400)
    with pytest.raises(UsageError) as refused:
        replayed(history, feature, ("cost",))
    assert "--cost 500" in refused.value.next_step
    text = "version: 1\nproject: a\ntask: regression\ntarget: y\nmetric: mae\ndata: {source: a.csv}\nretrain: {when: [{cost: exceeded}]}\n"
    with pytest.raises(UsageError, match="costs nothing"):
        load_text(text, "volant.yaml", {})
    said = load_text(text.replace("exceeded}]", "exceeded}], cost: {retrain: 2, label: 0.5}"), "volant.yaml", {}).config
    assert said.retrain.cost == CostConfig(retrain=2, label=0.5)
    with pytest.raises(UsageError, match="above 0"):
        load_text(text.replace("exceeded}]", "exceeded}], cost: {retrain: 2, loss: 0}"), "volant.yaml", {})
