"""A replay under the trigger ``estimated_performance`` hears what was to be expected before labels came."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from history_rows import TICK, Ticking, config, trainer

from volant.config.model import Amount, Task, TriggerConfig, TriggerKind
from volant.loop.model import Action
from volant.loop.replay import Extent, replay
from volant.loop.replay_estimates import Answered, ReplayEstimates
from volant.loop.replay_ledger import Trained
from volant.loop.replay_wheel import History
from volant.stats.predicted import Predicted

ROWS, TURN, LATE = 12_000, 6000, 800
ESTIMATED = (TriggerConfig(kind=TriggerKind.ESTIMATED),)


def rough(*, turns=True, hidden=False):
    """Answers are five times as wrong on rough ground, which is rare until row 6,000; labels come 800 rows late.

    ``hidden``: the column does not say where it is rough.
    """
    random = np.random.default_rng(8)
    ground = random.uniform(0, 1, ROWS)
    if turns:
        ground[TURN:] = random.uniform(0.7, 1, ROWS - TURN)
    feature = random.normal(0, 1, ROWS)
    target = feature + random.normal(0, 1, ROWS) * np.where(ground > 0.7, 1.0, 0.2)
    times = np.arange(ROWS, dtype=np.int64) * TICK
    shown = random.uniform(0, 1, ROWS) if hidden else ground
    estimates = ReplayEstimates("mae", Task.REGRESSION, pl.DataFrame({"f:ground": shown}), event_times=times, target=target, groups=None)
    return History("toy", Task.REGRESSION, "mae", times, times + LATE * TICK, target, None, {}, estimates=estimates), feature


def retrains(history, feature, when=ESTIMATED):
    settings = config(when=when)
    settings = type(settings)(**{**{name: getattr(settings, name) for name in settings.__struct_fields__}, "gates": ()})
    train = type(settings.train)(holdout=Amount(rows=400))
    settings = type(settings)(**{**{name: getattr(settings, name) for name in settings.__struct_fields__}, "train": train})
    found = replay(
        settings, history, trainer(history, feature), clock=Ticking(), extent=Extent(windows=48), policies=("project:growing",)
    ).result.policies[1]
    return [decision for decision in found.decisions if decision.action is Action.RETRAIN]


def test_what_is_to_be_expected_asks_before_any_label_of_the_rough_rows_is_known():
    history, feature = rough()
    first = retrains(history, feature)[0]
    assert TURN * TICK < first.at < (TURN + LATE) * TICK
    assert "estimated loss" in first.sentence
    assert TURN * TICK - 400 * TICK <= first.evidence["change_us"] <= first.at
    by_labels = retrains(history, feature, (TriggerConfig(kind=TriggerKind.PERFORMANCE),))
    assert all(decision.at > (TURN + LATE) * TICK for decision in by_labels)


def test_where_nothing_turns_or_no_column_tells_it_nothing_is_asked_for():
    assert retrains(*rough(turns=False)) == []
    assert retrains(*rough(hidden=True)) == []


def test_a_history_without_inputs_to_expect_from_and_too_small_a_holdout_expect_nothing():
    history, feature = rough()
    assert retrains(replace(history, estimates=None), feature) == []
    rows = np.arange(50)
    few = Answered(rows, Predicted(history.target[rows]), np.ones(50, dtype=bool))
    model = Trained(1, rows, lambda _: None, 0, np.zeros(0, dtype=bool))
    assert history.estimates.windows(model, few, [few]) == ()


def test_complete_windows_are_held_against_their_labels_and_others_are_not():
    history, _ = rough()
    answers = Predicted(history.target + 0.5)

    def part(start, stop, known):
        rows = np.arange(start, stop)
        return Answered(rows, answers.take(rows), np.full(len(rows), known))

    model = Trained(1, np.arange(400), lambda _: None, 0, np.zeros(0, dtype=bool))
    done, waiting = history.estimates.windows(
        model, part(400, 900, known=True), [part(900, 1100, known=True), part(1100, 1300, known=False)]
    )
    assert (done.labelled, waiting.labelled) == (True, False)
    assert done.estimate.gap == pytest.approx(0, abs=1e-6)
    assert waiting.estimate.gap is None
    assert done.estimate.loss == pytest.approx(0.5)
