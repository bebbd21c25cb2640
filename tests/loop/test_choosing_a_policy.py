import numpy as np
import pytest
from history_rows import TICK, config, stream

from volant.config.model import CostConfig, WindowConfig
from volant.loop.choosing import Rows, Walked, chosen
from volant.loop.costs import cost_of_walk
from volant.loop.policy import ReplayPolicy, Retention
from volant.loop.replay import Extent
from volant.loop.replay_windows import Stretch
from volant.stats.paired import paired_difference

ROWS = 2400


def noise(seed, spread=0.05):
    return np.random.default_rng(seed).normal(0, spread, ROWS)


def walked(every, retention, losses, cost=0.0):
    name = "never" if every is None else f"every {every}, {retention.value}"
    policy = ReplayPolicy(name=name, retention=retention, window=WindowConfig(), every=every)
    return Walked(policy, losses, 0 if every is None else 24 // every, cost * (0 if every is None else 24 // every))


NEVER = walked(None, None, 1 + noise(0))


def pick(*others):
    found = chosen(NEVER, others, Rows(np.arange(ROWS), None))
    return None if found is None else found.policy.name


def calendars(growing, sliding, cost=0.0):
    """Mean losses of every 1, 2 and 4 windows for each retention."""
    every = (1, 2, 4)
    grown = [walked(k, Retention.GROWING, loss + noise(k), cost) for k, loss in zip(every, growing, strict=True)]
    return grown + [walked(k, Retention.SLIDING, loss + noise(10 + k), cost) for k, loss in zip(every, sliding, strict=True)]


def test_forgetting_that_is_better_in_one_stretch_only_is_not_taken_and_better_in_most_is():
    once = np.zeros(ROWS)
    once[800:1100] = -0.4
    loud = [noise(20 + number, 0.3) for number in range(3)]
    found = calendars((0.6, 0.7, 0.8), tuple(level + once + one for level, one in zip((0.6, 0.7, 0.8), loud, strict=True)))
    by_rows = np.mean([sliding.losses - growing.losses for growing, sliding in zip(found[:3], found[3:], strict=True)], axis=0)
    assert paired_difference(by_rows, np.zeros(ROWS), 0.975).high < 0, "of these rows it is sure"
    assert pick(*found) == "every 1, growing"
    assert pick(*calendars((0.6, 0.7, 0.8), (0.55, 0.65, 0.75))) == "every 1, sliding"


def test_rarer_retrains_are_taken_only_where_they_surely_keep_the_gain():
    assert pick(*calendars((0.6, 0.601, 0.602), (0.7, 0.7, 0.7))) == "every 4, growing"
    assert pick(*calendars((0.6, 0.61, 0.75), (0.7, 0.7, 0.7))) == "every 2, growing"
    assert pick(*calendars((0.6, 0.64, 0.75), (0.7, 0.7, 0.7))) == "every 1, growing"


def test_a_staler_model_that_happens_to_be_better_is_taken_for_chance():
    wave = 0.3 * np.sin(np.arange(ROWS) / ROWS * 2 * np.pi * 3.3)
    assert pick(*calendars((0.6 + wave, 0.595, 0.7), (0.7, 0.7, 0.7))) == "every 1, growing"


def test_what_a_retrain_costs_decides_between_fresh_and_rare():
    losses = (0.6, 0.64, 0.66), (0.9, 0.9, 0.9)
    assert pick(*calendars(*losses, cost=0.1)) == "every 1, growing"
    assert pick(*calendars(*losses, cost=20)) == "every 4, growing"
    assert pick(*calendars(*losses, cost=500)) is None


def test_gains_that_are_not_sure_leave_the_model_alone():
    assert pick(*calendars((1.0, 1.0, 1.0), (1.0, 1.0, 1.0))) is None


def test_a_walk_pays_for_its_trainings_and_for_the_labels_that_came_in_for_them():
    history, _ = stream(rows=400, delay=10)
    windows = [Stretch(start, start + 50) for start in range(100, 400, 50)]
    assert cost_of_walk(CostConfig(retrain=7), history, windows, (1, 3)) == 14
    assert cost_of_walk(CostConfig(retrain=7, label=0.5, loss=2), history, windows, (1, 3)) == pytest.approx((14 + 0.5 * 150) / 2)
    assert cost_of_walk(CostConfig(retrain=7), history, windows, ()) == 0
    assert history.event_times[1] == TICK


def test_a_replay_takes_the_cost_of_the_settings_unless_another_is_asked_for():
    import msgspec

    settings = config()
    settings = msgspec.structs.replace(settings, retrain=msgspec.structs.replace(settings.retrain, cost=CostConfig(retrain=3, label=1)))
    assert Extent().costs(settings) == CostConfig(retrain=3, label=1)
    assert Extent(cost=5.0).costs(settings) == CostConfig(retrain=5)
