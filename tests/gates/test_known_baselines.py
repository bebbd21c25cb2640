"""Baselines use only what was known when the row happened."""

import numpy as np
import pytest

from volant.config.model import Task
from volant.gates.baselines import LAST_KNOWN, agreement, baselines, last_known
from volant.gates.holdout import LabelHistory
from volant.stats.metrics import score

TICK = 1_800_000_000


def history(target, delay=0, times=None, groups=None, known_at=None):
    times = np.arange(len(target)) if times is None else np.asarray(times)
    known_at = times + delay if known_at is None else np.asarray(known_at)
    return LabelHistory(np.asarray(target), times, known_at, None if groups is None else np.asarray(groups))


@pytest.mark.data
@pytest.mark.parametrize(("rows_late", "right"), [(48, 0.66), (1, 0.853)])
def test_on_elec2_the_last_known_label_is_right_as_often_as_the_delay_allows(data_folder, rows_late, right):
    import polars as pl

    target = pl.read_csv(data_folder / "elec2.csv", columns=["class"])["class"].to_numpy()
    times = np.arange(len(target), dtype=np.int64) * TICK
    assert agreement(LabelHistory(target, times, times + rows_late * TICK)) == pytest.approx(right, abs=0.005)


def test_without_delay_a_row_is_not_its_own_last_known_value():
    known = history([1.0, 2.0, 3.0])
    assert last_known(known, known.event_times).tolist() == [-1, 0, 1]


def test_rows_of_one_time_do_not_know_each_other():
    known = history([1.0, 2.0, 3.0, 4.0], times=[0, 5, 5, 6])
    assert last_known(known, known.event_times).tolist() == [-1, 0, 0, 2]


def test_a_late_label_of_an_old_row_does_not_displace_a_newer_one():
    known = history([1.0, 2.0], times=[0, 1], known_at=[10, 2])
    assert last_known(known, np.array([5, 20])).tolist() == [1, 1]


def test_each_group_has_its_own_last_value_and_a_new_group_has_none():
    known = history([1.0, 2.0, 3.0], times=[0, 1, 2], groups=["a", "b", "a"])
    assert last_known(known, np.array([9, 9, 9]), np.array(["a", "b", "c"])).tolist() == [2, 1, -1]


def test_a_row_without_a_last_value_gets_the_constant_baseline():
    found = baselines("mae", Task.REGRESSION, history([1.0, 5.0, 9.0], delay=5), np.arange(3), times=np.array([0, 6]))
    assert found[LAST_KNOWN].values.tolist() == [5.0, 5.0]
    assert found["median"].values.tolist() == [5.0, 5.0]


@pytest.mark.parametrize(
    ("metric", "name", "value"), [("mae", "median", 2.0), ("mse", "mean", 4.0), ("r2", "mean", 4.0), ("mape", "median", 2.0)]
)
def test_the_constant_is_the_one_that_suits_the_metric(metric, name, value):
    found = baselines(metric, Task.REGRESSION, history([1.0, 2.0, 9.0]), np.arange(3), times=np.array([9]))
    assert found[name].values.tolist() == [value]


def test_the_majority_class_comes_with_class_shares_as_probabilities():
    found = baselines("error", Task.BINARY, history(["n", "y", "n", "n"]), np.arange(4), times=np.array([9, 9]))
    assert found["majority class"].values.tolist() == ["n", "n"]
    shares = baselines("logloss", Task.BINARY, history(["n", "y", "n", "n"]), np.arange(4), times=np.array([9]))["class shares"]
    assert shares.scores.tolist() == [[0.75, 0.25]]


def test_the_last_known_value_gives_finite_log_loss_because_it_may_be_wrong():
    random = np.random.default_rng(0)
    target = np.where(np.cumsum(random.random(400) < 0.1) % 2, "y", "n")
    found = baselines("logloss", Task.BINARY, history(target), np.arange(300), times=np.arange(300, 400))
    last = score("logloss", target[300:], found[LAST_KNOWN]).value
    assert last < score("logloss", target[300:], found["class shares"]).value
    assert last < 0.6


def test_a_last_known_class_that_training_never_saw_gets_class_shares():
    found = baselines("logloss", Task.MULTICLASS, history(["a", "b", "c"]), np.array([0, 1]), times=np.array([9]))
    assert found[LAST_KNOWN].values.tolist() == ["c"]
    assert found[LAST_KNOWN].scores.tolist() == [[0.5, 0.5]]


def test_missing_labels_are_nobodys_last_value():
    found = baselines("mae", Task.REGRESSION, history([4.0, np.nan]), np.arange(2), times=np.array([9]))
    assert found[LAST_KNOWN].values.tolist() == [4.0]


def test_without_a_training_label_there_is_no_baseline():
    assert baselines("mae", Task.REGRESSION, history([np.nan]), np.arange(1), times=np.array([9])) == {}
    assert baselines("error", Task.BINARY, history(["a"]), np.arange(0), times=np.array([9])) == {}
