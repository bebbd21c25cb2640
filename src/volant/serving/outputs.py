"""Whether what a model gave can be an answer."""

import math
from typing import Any

from volant.kernel.errors import UserCodeError


def checked(values: list[Any], scores: list[list[float]] | None, count: int) -> list[Any]:
    """The values, if there is a finite one for each row. ``UserCodeError`` otherwise."""
    if len(values) != count or (scores is not None and len(scores) != count):
        raise UserCodeError("The model gave another number of predictions than rows.", found=f"{len(values)} for {count} rows")
    numbers = all(not isinstance(value, float) or math.isfinite(value) for value in values)
    if not numbers or (scores is not None and not all(math.isfinite(score) for row in scores for score in row)):
        raise UserCodeError("The model gave a prediction that is not a finite number.", next_step="see the row in the prediction log")
    return values
