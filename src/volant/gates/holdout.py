"""The rows a gate looks at, as arrays. Rows come in order of event time; equal times keep file order."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Holdout:
    """n held-out rows that have a label.

    ``names``: row names, text. ``times``: event times, int64 microseconds. ``target``: labels. ``groups``: what
    belongs together in intervals. ``slices``: column name -> value of each row.
    """

    names: np.ndarray
    times: np.ndarray
    target: np.ndarray
    groups: np.ndarray | None = None
    slices: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: np.ndarray) -> "Holdout":
        """The rows at these positions (integers or a mask)."""
        return Holdout(
            self.names[rows],
            self.times[rows],
            self.target[rows],
            None if self.groups is None else self.groups[rows],
            {name: values[rows] for name, values in self.slices.items()},
        )


@dataclass(frozen=True)
class LabelHistory:
    """Every label that a baseline may use, with when it became known (int64 microseconds). Shapes (m,)."""

    target: np.ndarray
    event_times: np.ndarray
    known_at: np.ndarray
    groups: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "LabelHistory":
        """The labels at these positions (integers or a mask)."""
        groups = None if self.groups is None else self.groups[rows]
        return LabelHistory(self.target[rows], self.event_times[rows], self.known_at[rows], groups)
