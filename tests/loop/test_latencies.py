"""How long one row takes, whatever else the machine does."""

import datetime as dt
import time
from types import SimpleNamespace

import numpy as np

from volant.loop.measuring import ROUNDS, WARM_UP_ROWS, in_turn, one_row_round


class Sleepy:
    """A model that is disturbed on every row of one round."""

    signature = SimpleNamespace(inputs=(SimpleNamespace(name="x"),))

    def __init__(self, disturbed):
        self.calls, self.disturbed = 0, disturbed

    def predict_columns(self, columns, count):
        assert count == 1
        assert isinstance(columns["x"][0], float | str)
        self.calls += 1
        if self.calls in self.disturbed:
            time.sleep(0.02)


def latencies(model, columns, count):
    return in_turn([one_row_round(model, columns, count)], count)[0]


def test_a_disturbance_of_one_round_does_not_count():
    count = WARM_UP_ROWS + 10
    model = Sleepy(disturbed=range(count, 2 * count))
    took = latencies(model, {"x": [1.0] * count}, count)
    assert len(took) == count // 2
    assert took.max() < 10_000
    assert model.calls == ROUNDS * count


def test_few_rows_are_enough_and_none_are_none():
    assert len(latencies(Sleepy(()), {"x": [1.0, 2.0]}, 2)) == 1
    assert latencies(Sleepy(()), {"x": []}, 0).shape == (0,)


def test_dates_are_asked_as_requests_carry_them():
    took = latencies(Sleepy(()), {"x": [dt.date(2026, 1, 1)] * 4}, 4)
    assert np.all(took >= 0)
