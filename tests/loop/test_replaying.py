"""Replay sees only what the world had seen, and shares what can be shared."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from history_rows import TICK, Ticking, config, stream, trainer
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.config.model import Amount, Keep, Task, TriggerConfig, TriggerKind, WindowConfig
from volant.gates.model import CheckResult, Verdict
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import InvalidInputError, UsageError, UserCodeError
from volant.loop.figures import gate_forest, metric_against_retrains, metric_over_time
from volant.loop.model import Action
from volant.loop.policy import replay_policies
from volant.loop.replay import Extent, replay
from volant.loop.replay_model import ReplayResult
from volant.loop.replay_wheel import History
from volant.loop.replay_windows import held_out, kept_rows, plan_windows
from volant.loop.report import replay_html, replay_table, summary_sentence
from volant.stats.predicted import Predicted

DATA = Path(__file__).parents[3] / "shared" / "data"


def walked(history, feature, conf=None, *, seen=None, clock=None, extent=None, policies=(), train=None):
    train = train or trainer(history, feature, seen)
    return replay(conf or config(), history, train, clock=clock or Ticking(), extent=extent, policies=policies)


def named(result, name):
    return next(policy for policy in result.policies if policy.name == name)


@pytest.fixture(scope="module")
def shown():
    return walked(*stream())


def test_retraining_beats_never_where_the_world_changed_and_the_interval_says_so(shown):
    result = shown.result
    each = named(result, "every window, sliding")
    assert each.metric < named(result, "never").metric
    assert each.difference_high < 0
    assert each.difference == pytest.approx(each.metric - named(result, "never").metric)
    assert named(result, "never").difference is None
    assert result.warm_up_share == pytest.approx(0.2)


def test_the_project_policy_runs_its_gates_and_refuses_or_releases_with_sentences(shown):
    own = named(shown.result, "project, sliding")
    assert own.promotions >= 1
    assert own.retrains == own.promotions + own.refusals + own.undecided
    outcomes = [d for d in own.decisions if d.action in {Action.PROMOTE, Action.REFUSE}]
    assert all("mae" in d.sentence and any(c.isdigit() for c in d.sentence) for d in outcomes)


def test_an_undecided_candidate_is_judged_again_once_its_labels_are_known():
    when = (TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=500),)
    history, feature = stream(change=False, seed=1)

    def train(rows):
        bias = 0.1 if len(rows) < 300 else 0.02  # a little better with more rows: too little for forty labels
        return lambda positions: Predicted(feature[positions] + bias)

    own = named(walked(history, feature, config(when=when), policies=["project:growing"], train=train).result, "project, growing")
    assert own.retrains == 1
    looks = [decision for decision in own.decisions if "verdict" in decision.evidence]
    assert [look.action for look in looks] == [Action.WAIT] * (len(looks) - 1) + [Action.PROMOTE]
    assert len(looks) > 1
    assert own.undecided == 0


def test_periodic_policies_retrain_exactly_every_k_windows(shown):
    assert named(shown.result, "every window, growing").retrain_windows == tuple(range(1, 48))
    assert named(shown.result, "every 4 windows, sliding").retrain_windows == tuple(range(4, 48, 4))


def test_no_training_sees_a_label_before_it_was_known():
    history, feature = stream(delay=35)
    seen = []
    result = walked(history, feature, seen=seen, policies=["every:1:growing"]).result
    starts = [window.from_us for window in result.windows]
    for start, rows in zip(starts, seen, strict=True):
        assert history.known_at[rows].max() <= start
        assert history.known_at[rows].max() > start - 2 * TICK


def test_answers_are_those_of_the_model_that_served_then():
    history, feature = stream()
    done = walked(history, feature, policies=["every:1:growing"])
    never = named(done.result, "never")
    start = 240
    first = np.flatnonzero(history.known_at <= history.event_times[start])
    slope = feature[first] @ history.target[first] / (feature[first] @ feature[first])
    assert never.metric == pytest.approx(np.abs(history.target[start:] - slope * feature[start:]).mean())


def test_during_a_training_the_old_model_answers():
    history, feature = stream()
    quick = walked(history, feature, policies=["every:1:sliding"]).result
    slow = walked(history, feature, policies=["every:1:sliding"], extent=Extent(train_duration_us=15 * TICK)).result
    slower = walked(history, feature, policies=["every:1:sliding"], extent=Extent(train_duration_us=50 * TICK)).result
    name = "every window, sliding"
    assert named(quick, name).metric < named(slow, name).metric < named(slower, name).metric
    assert named(slow, name).retrains == 47
    assert named(slower, name).retrains < 25


def test_equal_trainings_run_once_and_are_shared_by_all_policies():
    history, feature = stream()
    seen = []
    result = walked(history, feature, seen=seen).result
    assert len({rows.tobytes() for rows in seen}) == len(seen) == result.trainings
    assert result.shared_trainings > 20
    assert len(result.training_us) == result.trainings


def test_every_row_is_asked_once_per_model_and_kept():
    history, feature = stream()
    calls = []

    def train(rows):
        number = len(rows)

        def predict(positions):
            calls.extend((id(predict), number, int(p)) for p in positions)
            return Predicted(feature[positions])

        return predict

    done = walked(history, feature, train=train)
    assert len(calls) == len(set(calls)) == len(done.ledger.frame())
    assert done.ledger.frame().columns == ["model", "row", "value", "scores"]


def test_a_spent_budget_gives_the_same_windows_to_all_policies_and_says_what_is_missing():
    history, feature = stream()
    result = walked(history, feature, clock=Ticking(1_000_000), extent=Extent(budget_us=60_000_000)).result
    assert 1 <= len(result.windows) < result.planned_windows == 48
    assert "of 48 windows" in result.partial
    assert "Partial" in summary_sentence(result)
    for policy in result.policies:
        assert len(policy.window_metrics) == len(result.windows)
        assert all(number < len(result.windows) for number in policy.retrain_windows)


def test_a_budget_of_nothing_still_answers_the_first_window():
    history, feature = stream()
    result = walked(history, feature, clock=Ticking(1), extent=Extent(budget_us=0)).result
    assert len(result.windows) == 1
    assert {policy.retrains for policy in result.policies} == {0}


def test_a_training_that_fails_keeps_the_champion_and_is_counted():
    history, feature = stream()
    good = trainer(history, feature)
    calls = []

    def train(rows):
        calls.append(1)
        if len(calls) == 3:
            raise UserCodeError("the step model failed")
        return good(rows)

    own = named(walked(history, feature, train=train, policies=["every:1:sliding"]).result, "every window, sliding")
    assert (own.failures, own.retrains, own.promotions) == (1, 47, 46)
    assert any("the step model failed" in d.sentence for d in own.decisions)


def test_a_failing_first_training_is_an_error():
    history, feature = stream()

    def train(_rows):
        raise UserCodeError("no")

    with pytest.raises(UserCodeError):
        walked(history, feature, train=train)


@pytest.mark.parametrize("delay", [300, 10_000])
def test_labels_that_come_after_the_first_window_are_an_error_that_names_the_delay(delay):
    with pytest.raises(InvalidInputError, match="label_delay"):
        walked(*stream(delay=delay))


def test_the_performance_trigger_waits_while_nothing_changes_and_fires_after_a_change():
    when = (TriggerConfig(kind=TriggerKind.PERFORMANCE),)
    quiet = walked(*stream(change=False), config(when=when), policies=["project:sliding"]).result
    assert named(quiet, "project, sliding").retrains <= 1
    changed = walked(*stream(change=True), config(when=when), policies=["project:sliding"]).result
    own = named(changed, "project, sliding")
    change_window = next(n for n, w in enumerate(changed.windows) if w.from_us >= 600 * TICK)
    assert own.retrain_windows
    assert change_window < own.retrain_windows[0] <= change_window + 4
    assert own.promotions >= 1


def test_ties_of_event_time_stay_in_one_window():
    history, feature = stream(ties=24)
    result = walked(history, feature, policies=["every:1:sliding"]).result
    starts = [w.from_us for w in result.windows]
    assert starts == sorted(set(starts))
    assert sum(w.rows for w in result.windows) == result.evaluated_rows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=200), st.none() | st.integers(1, 30))
def test_windows_cover_the_end_of_a_history_and_never_part_equal_times(raw, windows):
    times = np.sort(np.array(raw, dtype=np.int64))
    try:
        found = plan_windows(times, windows=windows)
    except InvalidInputError:
        return
    assert found[-1].stop == len(times)
    assert found[0].start > 0
    for before, after in itertools.pairwise(found):
        assert before.stop == after.start
        assert times[after.start - 1] < times[after.start]


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_history_of_hardly_any_rows_is_refused(rows):
    with pytest.raises(InvalidInputError, match="too short"):
        plan_windows(np.arange(rows), windows=1)


def test_windows_can_be_sized_by_rows_and_limited_to_the_last_stretch():
    times = np.arange(1000, dtype=np.int64)
    assert {w.stop - w.start for w in plan_windows(times, window_rows=100)} == {100}
    assert plan_windows(times, last_us=199, windows=4)[0].start == 800


def test_a_holdout_is_the_newest_part_and_training_knows_only_labels_known_before_it():
    times = np.arange(100, dtype=np.int64)
    training, holdout = held_out(np.arange(100), times, times + 5, Amount(rows=20))
    assert holdout.tolist() == list(range(80, 100))
    assert training.max() == 75
    assert len(held_out(np.arange(100), times, times, Amount(rows=90))[1]) == 50
    assert len(held_out(np.arange(100), times, times, Amount(duration_us=10))[1]) == 10
    assert kept_rows(np.arange(100), times // 10, WindowConfig(keep=Keep.LAST, size=Amount(rows=15))).tolist() == list(range(80, 100))


def test_policies_can_be_chosen_by_name():
    names = [policy.name for policy in replay_policies(config(), 100, ["every:3:growing", "project"])]
    assert names == ["never", "every 3 windows, growing", "project, sliding", "project, growing"]
    assert len(replay_policies(config(), 100)) == 9
    for wrong in ("evry:1", "every:0", "every:1:wide", ""):
        with pytest.raises(UsageError, match="never, every:K, project"):
            replay_policies(config(), 100, [wrong])


def test_a_result_survives_its_json(shown):
    assert decode(canonical(shown.result), ReplayResult) == shown.result


def test_the_same_replay_twice_gives_the_same_result(shown):
    assert walked(*stream()).result == shown.result


def test_the_table_is_sorted_and_the_best_policy_is_named_in_a_sentence(shown):
    rows = replay_table(shown.result)
    metrics = [row["mae"] for row in rows]
    assert metrics == sorted(metrics)
    assert rows[0]["policy"] in summary_sentence(shown.result)


def test_the_page_stands_alone_and_hostile_names_do_not_break_out(shown):
    import msgspec

    page = replay_html(msgspec.structs.replace(shown.result, project="</script><img src=x onerror=alert(1)>"))
    own = page[: page.index("<script>")] + page[page.rindex("<script>") :]
    assert "<img" not in page.split("<script>")[0]
    assert not re.search(r"<[^>]*\s(src|href)\s*=", own)
    figures = re.search(r'id="figures">(.*?)</script>', page, re.DOTALL).group(1)
    assert set(json.loads(figures)) == {"over-time", "against-retrains"}
    assert 'name="viewport"' in page


def test_figures_mark_every_retrain_and_join_the_efficient_front(shown):
    over_time = metric_over_time(shown.result)
    marks = [trace for trace in over_time["data"] if trace["mode"] == "markers"]
    assert sum(len(trace["x"]) for trace in marks) == sum(policy.retrains for policy in shown.result.policies)
    front = metric_against_retrains(shown.result)["data"][0]
    assert front["y"] == sorted(front["y"], reverse=True)
    json.dumps([over_time, metric_against_retrains(shown.result)], allow_nan=False)


def test_real_plotly_accepts_the_figures(shown):
    import plotly.graph_objects as go

    check = CheckResult(
        check=config().gates[1],
        title="mae vs champion",
        verdict=Verdict.PASS,
        sentence="s",
        rows=9,
        candidate=1.0,
        other=2.0,
        difference=-1.0,
        low=-1.5,
        high=-0.5,
        allowed=0.1,
    )
    for figure in (metric_over_time(shown.result), metric_against_retrains(shown.result), gate_forest([check])):
        go.Figure(figure)


def test_the_forest_turns_scores_so_that_left_is_better():
    score = CheckResult(
        check=config().gates[1],
        title="auc vs champion",
        verdict=Verdict.PASS,
        sentence="s",
        rows=9,
        candidate=0.9,
        other=0.8,
        difference=0.1,
        low=0.05,
        high=0.15,
        lower_is_better=False,
    )
    (trace, _) = gate_forest([score])["data"]
    assert trace["x"] == [pytest.approx(-12.5)]
    assert trace["error_x"]["array"] == [pytest.approx(6.25)]
    assert gate_forest([])["data"] == []


def test_classes_that_appear_later_are_answered_without_an_error():
    rows = 600
    times = np.arange(rows, dtype=np.int64) * TICK
    target = np.array(["a", "b"] * 150 + ["a", "new"] * 150, dtype=object)
    history = History("toy", Task.MULTICLASS, "logloss", times, times, target, None, {})

    def train(known):
        classes = tuple(sorted(set(target[known])))
        share = np.array([np.mean(target[known] == name) for name in classes])
        return lambda p: Predicted(np.array([classes[int(share.argmax())]] * len(p), dtype=object), np.tile(share, (len(p), 1)), classes)

    import msgspec

    conf = msgspec.structs.replace(config(gates=False), task=Task.MULTICLASS, metric="logloss")
    result = replay(conf, history, train, clock=Ticking()).result
    assert named(result, "every window, sliding").metric < named(result, "never").metric


@pytest.mark.data
def test_on_real_weather_growing_data_beat_never_as_known():
    if not DATA.is_dir():
        pytest.skip("the real data sets are not in ../shared/data")
    import polars as pl
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = pl.read_csv(DATA / "noaa_bellevue_weather.csv")
    matrix, target = frame.drop("target").to_numpy(), frame["target"].to_numpy()
    times = np.arange(len(target), dtype=np.int64) * 86_400_000_000
    history = History("noaa", Task.BINARY, "error", times, times + 86_400_000_000, target, None, {})

    def train(rows):
        model = HistGradientBoostingClassifier(max_iter=30, random_state=7).fit(matrix[rows], target[rows])
        return lambda p: Predicted(model.predict(matrix[p]))

    result = replay(config(gates=False), history, train, clock=Ticking(), policies=["every:8:growing"]).result
    assert named(result, "never").metric == pytest.approx(0.22, abs=0.01)
    assert named(result, "every 8 windows, growing").metric == pytest.approx(0.203, abs=0.01)
    assert named(result, "every 8 windows, growing").difference_high < 0


def test_a_history_without_time_is_told_in_rows():
    from volant.loop.replay_model import place_in_history

    assert place_in_history(1_800_000_000 * 9, 1_800_000_000) == "row 10"
    assert place_in_history(1_700_000_000_000_000, None) == "2023-11-14T22:13:20Z"
