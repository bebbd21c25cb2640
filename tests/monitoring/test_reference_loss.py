"""The champion's loss on its own holdout, from what its gate kept."""

import numpy as np
import pytest

from volant.adapters.objects.memory import MemoryObjects
from volant.gates.holdout import Holdout
from volant.gates.model import GateReport, Verdict
from volant.gates.rules import CANDIDATE, CHAMPION
from volant.gates.service import predictions_parquet
from volant.monitoring.performance import reference_of
from volant.monitoring.reference import full_reference
from volant.stats.blocks import mean_of_dependent
from volant.stats.predicted import Predicted


def report_of(objects, target, answers):
    rows = len(target)
    holdout = Holdout(names=np.arange(rows).astype(str), times=np.arange(rows, dtype=np.int64), target=target)
    return GateReport(
        id="g1",
        model="bikes",
        version=1,
        package="p",
        champion=None,
        champion_package=None,
        run_id="r",
        dataset="bikes",
        dataset_version=1,
        holdout_rows=rows,
        holdout_from_us=0,
        holdout_to_us=rows,
        excluded_rows=0,
        predictions=objects.put(predictions_parquet(holdout, answers)),
        verdict=Verdict.PASS,
        checks=(),
        baselines={},
        seed=7,
        recorded_at=0,
    )


def test_the_candidates_losses_make_the_reference_not_those_of_the_model_it_replaced():
    objects, noise = MemoryObjects(), np.random.default_rng(2).normal(size=400)
    target = np.arange(400.0)
    report = report_of(objects, target, {CANDIDATE: Predicted(target + noise), CHAMPION: Predicted(target + 9), "mean": None})
    expected = mean_of_dependent(np.abs(noise), np.arange(400))
    assert reference_of(report, objects, "mae") == pytest.approx((expected.mean, expected.variance))
    assert reference_of(report, objects, "rmse")[0] == pytest.approx((noise**2).mean())


def test_probabilities_are_read_under_the_labels_own_types():
    objects = MemoryObjects()
    target = np.array([0, 1] * 20)
    scores = np.array([[0.9, 0.1], [0.4, 0.6]] * 20)
    report = report_of(objects, target, {CANDIDATE: Predicted(np.array([0, 1] * 20), scores, (0, 1))})
    found = full_reference(report, objects, "brier")
    assert found is not None
    assert (found.value, found.loss) == (pytest.approx(0.085), pytest.approx(0.085))


def test_texts_are_classes_too():
    objects = MemoryObjects()
    target = np.array(["a", "b"] * 20, dtype=object)
    report = report_of(objects, target, {CANDIDATE: Predicted(np.array(["a"] * 40, dtype=object), np.full((40, 2), 0.5), ("a", "b"))})
    assert reference_of(report, objects, "accuracy")[0] == pytest.approx(0.5)
    assert reference_of(report, objects, "logloss")[0] == pytest.approx(np.log(2))


def test_an_empty_holdout_or_a_single_row_claims_no_variance():
    objects = MemoryObjects()
    assert reference_of(report_of(objects, np.array([]), {CANDIDATE: Predicted(np.array([]))}), objects, "mae") == (None, None)
    single = report_of(objects, np.array([1.0]), {CANDIDATE: Predicted(np.array([3.0]))})
    assert reference_of(single, objects, "mae") == (2.0, None)
