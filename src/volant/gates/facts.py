"""What a gate knows beside answers to the held-out rows: disturbed rows, rows without a label, times and sizes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from volant.gates.model import Measured
from volant.stats.predicted import Predicted


@dataclass(frozen=True)
class Disturbed:
    """Answers to the held-out rows after a disturbance; ``error`` says why there are none."""

    answers: Predicted | None
    columns: tuple[str, ...] = ()  # that were disturbed
    error: str = ""


@dataclass(frozen=True)
class Changing:
    """Both models' answers to held-out rows, with a label or without, in time order. ``numbers``: answers are no labels."""

    candidate: Predicted
    champion: Predicted
    times: np.ndarray
    groups: np.ndarray | None = None
    numbers: bool = False


@dataclass(frozen=True)
class Facts:
    """All of it. ``disturbed``: by name of the disturbance (``gates/disturbing.py``)."""

    disturbed: Mapping[str, Disturbed] = field(default_factory=dict)
    changing: Changing | None = None
    measured: Measured | None = None
