"""A replay under the trigger ``drift`` hears what the monitor would have said."""

import numpy as np
import polars as pl
import pytest
from history_rows import TICK, Ticking, config, stream, trainer

from volant.config.model import DriftOf, TriggerConfig, TriggerKind
from volant.loop.model import Action
from volant.loop.replay import Extent, replay
from volant.loop.replay_drift import ReplayDrift
from volant.loop.replay_ledger import Trained

DRIFT = (TriggerConfig(kind=TriggerKind.DRIFT, drift=DriftOf.INPUTS),)


def inputs(rows, moves_at):
    random = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "f:temp": random.standard_normal(rows) + 1.0 * (np.arange(rows) >= moves_at),
            "f:wind": random.exponential(size=rows),
        }
    )


def learned(rows):
    return Trained(1, np.arange(rows), lambda _: None, 0, np.zeros(0, dtype=bool))


@pytest.fixture
def drift():
    return ReplayDrift(inputs(4_000, 3_000), np.arange(4_000) * TICK)


def test_inputs_that_moved_since_the_training_are_named_with_their_instants(drift):
    windows = [np.arange(start, start + 250) for start in range(2_000, 3_500, 250)]
    assert drift.moved(learned(2_000), windows[:4]) == ()
    (moved,) = drift.moved(learned(2_000), windows)
    assert (moved.name, moved.answer) == ("temp", False)
    assert moved.since_us == 3_000 * TICK
    assert moved.seen_us == 3_249 * TICK
    assert drift.moved(learned(2_000), []) == ()


def test_a_policy_that_listens_to_drift_retrains_after_a_move_and_not_without_one():
    def retrains(moves_at):
        history, feature = stream(rows=4_000, change=False)
        drift = ReplayDrift(inputs(4_000, moves_at), history.event_times)
        listening = type(history)(**{**vars(history), "drift": drift})
        found = replay(
            config(gates=False, when=DRIFT),
            listening,
            trainer(history, feature),
            clock=Ticking(),
            extent=Extent(windows=8),
            policies=("project:growing",),
        ).result
        policy = next(one for one in found.policies if one.name.startswith("project"))
        return [decision for decision in policy.decisions if decision.action is Action.RETRAIN]

    assert retrains(10_000) == []
    first = retrains(2_400)[0]
    assert first.trigger == "drift"
    assert "temp moved away from what the champion learned" in first.sentence
