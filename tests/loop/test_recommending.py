import msgspec
import numpy as np
import pytest
from history_rows import TICK, Ticking, config, stream, trainer, turning

from volant.config.model import GuardConfig, Keep, RetrainConfig, TriggerKind
from volant.loop.figures import metric_against_retrains, metric_over_time
from volant.loop.replay import Extent, replay
from volant.loop.replay_wheel import History
from volant.loop.report import recommendation_sentence
from volant.stats.predicted import Predicted

PLAIN = ("every:1", "every:2", "every:4")


def recommended(history, feature, *, settings=None, policies=PLAIN, **extent):
    wanted = settings or config(gates=False)
    return replay(wanted, history, trainer(history, feature), clock=Ticking(), extent=Extent(**extent), policies=policies).result


def test_where_the_world_keeps_changing_it_recommends_to_retrain_often_on_a_sliding_window():
    found = recommended(*turning(), windows=24).recommended
    assert found.policy.endswith("sliding")
    assert found.high < 0
    assert found.retrains > 0
    assert found.window.keep is Keep.LAST
    assert (found.chosen_windows, found.checked_windows) == (12, 12)


def test_where_nothing_changes_it_recommends_never():
    found = recommended(*stream(change=False), windows=12).recommended
    assert (found.policy, found.difference, found.retrains) == ("never", None, 0)
    assert found.retrain.when == ()


def test_retrains_that_cost_more_than_they_earn_are_not_recommended():
    history, feature = turning()
    assert recommended(history, feature, windows=24, cost=0.01).recommended.policy != "never"
    assert recommended(history, feature, windows=24, cost=1e6).recommended.policy == "never"


def test_the_second_half_has_no_say_in_the_choice():
    history, feature = turning()
    target = history.target.copy()
    middle = round(len(target) * 0.2) + (len(target) - round(len(target) * 0.2)) // 2
    target[middle:] = np.random.default_rng(1).normal(0, 5, len(target) - middle)
    other = History(history.project, history.task, "mae", history.event_times, history.known_at, target, None, {})
    before, after = recommended(history, feature, windows=24).recommended, recommended(other, feature, windows=24).recommended
    assert (before.policy, before.retrain, before.window) == (after.policy, after.retrain, after.window)
    assert before.difference != after.difference


def test_every_few_windows_becomes_new_labels_where_rows_have_no_time_and_a_clock_where_they_have():
    history, feature = turning()
    untimed = recommended(history, feature, windows=24, policies=("every:2",)).recommended
    assert [trigger.kind for trigger in untimed.retrain.when] == [TriggerKind.NEW_LABELS]
    assert untimed.retrain.when[0].labels == pytest.approx(160, abs=2)
    settings = config(gates=False)
    settings = msgspec.structs.replace(settings, data=msgspec.structs.replace(settings.data, tick_us=TICK))
    timed = recommended(history, feature, settings=settings, windows=24, policies=("every:2",)).recommended
    assert timed.retrain.when[0].every_us == pytest.approx(160 * TICK, abs=2 * TICK)


def test_a_guard_that_would_hold_the_recommended_policy_back_is_loosened():
    settings = msgspec.structs.replace(
        config(gates=False), retrain=RetrainConfig(guard=GuardConfig(cooldown_us=10**12, min_new_labels=10**6))
    )
    found = recommended(*turning(), settings=settings, windows=24, policies=("every:1",)).recommended
    assert found.retrain.guard.min_new_labels <= found.retrain.when[0].labels
    assert found.retrain.guard.cooldown_us <= 80 * TICK


def test_too_few_windows_or_nothing_beside_never_recommend_nothing():
    history, feature = stream(rows=400)
    assert recommended(history, feature, windows=3).recommended is None
    assert recommended(history, feature, windows=6, policies=("never",)).recommended is None


def test_a_cost_that_nothing_earns_is_part_of_the_sentence():
    history, feature = turning()
    settings = config(gates=False)
    found = replay(
        settings, history, trainer(history, feature), clock=Ticking(), extent=Extent(windows=24, cost=1e6), policies=PLAIN
    ).result
    assert "a cost of 1e+06 for each retrain included" in recommendation_sentence(found)


def test_the_plots_show_the_recommended_policy_at_first_and_tell_retentions_apart():
    history, feature = turning()
    asked = ("every:1", "every:2", "every:1:weighted")
    found = replay(
        config(gates=False), history, weighed(history, feature), clock=Ticking(), extent=Extent(windows=24), policies=asked
    ).result
    advised = found.recommended.policy
    lines = {trace["name"]: trace for trace in metric_over_time(found)["data"] if trace["mode"] == "lines"}
    assert {name for name, trace in lines.items() if trace["visible"] is True} == {"never", advised}
    points = {trace["name"]: trace["marker"]["symbol"] for trace in metric_against_retrains(found)["data"] if trace["mode"] == "markers"}
    of_one_calendar = [symbol for name, symbol in points.items() if name.startswith("every window, ")]
    assert len(of_one_calendar) == len(set(of_one_calendar)) == 3
    ring = next(trace for trace in metric_against_retrains(found)["data"] if trace["name"] == "recommended")
    assert (ring["x"], ring["y"]) == next(([p.retrains], [p.metric]) for p in found.policies if p.name == advised)


def weighed(history, feature):
    def train(rows, *weights):
        weight = weights[0] if weights else np.ones(len(rows))
        slope = float((weight * feature[rows]) @ history.target[rows] / ((weight * feature[rows]) @ feature[rows]))
        return lambda positions: Predicted(slope * feature[positions])

    return train
