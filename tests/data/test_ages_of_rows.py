import numpy as np
import pytest

from volant.config.load import load_text
from volant.config.model import Amount, Keep, WindowConfig
from volant.data.ages import kept_from, row_weights
from volant.kernel.errors import UsageError

TIMES = np.array([0, 0, 10, 10, 20, 30, 30, 40])


def weighted(**amount):
    return WindowConfig(keep=Keep.WEIGHTED, half_life=Amount(**amount))


def test_a_row_counts_half_of_one_that_is_a_half_life_newer_and_all_count_one_on_average():
    weights = row_weights(TIMES, weighted(duration_us=10))
    assert weights.mean() == pytest.approx(1)
    assert weights / weights[-1] == pytest.approx([1 / 16, 1 / 16, 1 / 8, 1 / 8, 1 / 4, 1 / 2, 1 / 2, 1])
    by_rows = row_weights(TIMES, weighted(rows=2))
    assert by_rows / by_rows[-1] == pytest.approx(0.5 ** (np.array([6, 6, 4, 4, 3, 1, 1, 0]) / 2)), "rows of one instant count alike"


def test_very_old_rows_keep_a_weight_that_an_estimator_can_take():
    weights = row_weights(np.arange(0, 10**9, 10**6), weighted(duration_us=1))
    assert np.isfinite(weights).all()
    assert (weights > 0).all()


def test_other_windows_weigh_nothing():
    assert row_weights(TIMES, WindowConfig()) is None
    assert row_weights(np.array([], dtype=np.int64), weighted(rows=5)) is None


def test_rows_since_a_change_are_kept_and_at_least_so_many():
    def kept(size=None, **fields):
        return kept_from(TIMES, WindowConfig(keep=Keep.SINCE_CHANGE, size=size and Amount(rows=size), **fields))

    assert kept(2) == 0, "no change seen: all of them"
    assert kept(2, since_us=20) == 4
    assert kept(2, since_us=40) == 5, "two at least; the two of one instant stay together"
    assert kept(since_us=40) == 0, "fewer than the thousand that are kept where nothing is said"
    assert kept_from(np.array([], dtype=np.int64), WindowConfig(keep=Keep.SINCE_CHANGE, since_us=5)) == 0


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("{keep: weighted}", "needs a half_life"),
        ("{keep: weighted, half_life: 90d, size: 5 rows}", "takes no size"),
        ("{keep: all, half_life: 90d}", "takes no half_life"),
        ("{keep: last}", "needs a size"),
        ("{keep: since_change}", "no trigger can see one"),
    ],
)
def test_windows_that_mean_nothing_are_refused(window, said):
    text = "version: 1\nproject: a\ntask: regression\ntarget: y\nmetric: mae\ndata: {source: a.csv}\n"
    with pytest.raises(UsageError, match=said):
        load_text(f"{text}train: {{window: {window}}}\n", "volant.yaml", {})


def test_rows_since_a_change_need_a_trigger_that_sees_one():
    text = (
        "version: 1\nproject: a\ntask: regression\ntarget: y\nmetric: mae\ndata: {source: a.csv}\ntrain: {window: {keep: since_change}}\n"
    )
    config = load_text(f"{text}retrain: {{when: [{{performance: worse}}]}}\n", "volant.yaml", {}).config
    assert config.train.window == WindowConfig(keep=Keep.SINCE_CHANGE)
