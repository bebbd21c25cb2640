import numpy as np
import pytest

from volant.stats.predicted import usable_target


@pytest.mark.parametrize(
    ("labels", "usable"),
    [
        (["a", "", "b"], [True, True, True]),
        (["a", None, "b"], [True, False, True]),
        ([1, True, float("nan")], [True, True, False]),
        ([1, np.float64("nan"), np.float64("inf"), 2.5], [True, False, False, True]),
        ([], []),
    ],
)
def test_of_labels_of_any_kinds_all_but_nulls_and_numbers_that_are_none_are_usable(labels, usable):
    target = np.empty(len(labels), dtype=object)
    target[:] = labels
    assert usable_target(target).tolist() == usable
