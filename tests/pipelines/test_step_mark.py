"""The mark leaves a function as it is."""

import pytest

from volant import step
from volant.pipelines.step import MARK


def test_a_marked_function_is_called_like_any_other():
    @step(cache=False, retries=2)
    def double(x: int) -> int:
        return 2 * x

    @step
    def triple(x: int) -> int:
        return 3 * x

    assert (double(4), triple(4)) == (8, 12)
    assert getattr(double, MARK) == {"cache": False, "retries": 2}
    assert getattr(triple, MARK) == {"cache": True, "retries": 0}


def test_negative_retries_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        step(retries=-1)
