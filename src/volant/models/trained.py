"""What a training leaves in memory: the fitted estimator with everything that is needed to pack and to run it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from volant.models.model import FeatureFunction


class Trained(NamedTuple):
    """A training's outcome in memory, before it is packed.

    ``frame``: what the estimator was fitted on, ``polars``, ``pandas`` or ``numpy``. ``feature_names``: the columns it
    was fitted on, in order. ``function``: the row-local feature function, None if the estimator takes raw rows;
    ``features`` describes it, its ``state`` maps each argument to its package path ``state/NAME.ext``. ``state`` maps
    those arguments to their fitted values. ``code``: source of every project-local file that the feature function, the
    model step and their states import (project-relative path with ``/`` to bytes). ``distributions``: third-party
    distribution to version.
    """

    estimator: Any
    frame: str
    feature_names: tuple[str, ...]
    function: Callable[..., Any] | None
    features: FeatureFunction | None
    state: Mapping[str, Any]
    code: Mapping[str, bytes]
    distributions: Mapping[str, str]
