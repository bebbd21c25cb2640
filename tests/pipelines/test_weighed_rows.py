"""``weights``: what a pipeline is given of how much each row counts."""

import polars as pl
import pytest

from volant.config.model import Amount, Keep, WindowConfig
from volant.kernel.errors import InvalidInputError, UsageError
from volant.loop.weighing import takes_weights

WEIGHED = """
class Fixed:
    def __init__(self, value):
        self.value = value

    def predict(self, frame):
        return [self.value] * len(frame)


def model(rows, target, weights):
    return Fixed(float((target * weights).sum() / weights.sum()))
"""
HALVES = WindowConfig(keep=Keep.WEIGHTED, half_life=Amount(rows=10))


def digests(name="weights-1"):
    return {"rows": "rows-1", "target": "target-1", "weights": name}


def test_a_step_that_takes_weights_gets_them_and_ones_where_all_rows_count_alike(project):
    made = project(pipeline=WEIGHED)
    made.digests = digests()
    assert made.run().value("model").value == pytest.approx(2.75)
    made.digests = digests("weights-2")
    assert made.run(weights=pl.Series([0.0, 0.0, 0.0, 4.0])).value("model").value == pytest.approx(5)


def test_other_weights_run_the_steps_that_take_them_again_and_no_others(project):
    made = project(pipeline=WEIGHED + "\ndef metrics(target):\n    return {'mean': float(target.mean())}\n")
    made.digests = digests()
    assert made.ran() == ["model", "metrics"]
    assert made.ran() == []
    made.digests = digests("weights-2")
    assert made.ran(weights=pl.Series([1.0, 1.0, 1.0, 2.0])) == ["model"]


def test_a_function_named_weights_stands_for_itself(project):
    made = project(pipeline=WEIGHED + "\ndef weights(target):\n    return target * 0 + 1\n")
    assert made.ran() == ["weights", "model"]


def test_a_target_column_named_weights_is_the_target(project):
    made = project(
        pipeline=WEIGHED.replace("def model(rows, target, weights)", "def model(rows, weights)").replace("target * weights", "weights")
    )
    made.target = made.target.alias("weights")
    assert made.run().value("model").value == pytest.approx(1)


def test_features_cannot_take_them(project):
    made = project(pipeline="def features(rows, weights):\n    return rows\n\ndef model(features, target):\n    return 1\n")
    with pytest.raises(InvalidInputError, match="weights are not known when serving"):
        made.graph()


def test_a_window_that_weighs_rows_needs_a_step_that_takes_them(project):
    takes_weights(project(pipeline=WEIGHED).graph(), HALVES)
    other = project(pipeline="def model(rows, target):\n    return 1\n").graph()
    takes_weights(other, WindowConfig())
    with pytest.raises(UsageError, match="sample_weight=weights"):
        takes_weights(other, HALVES)
