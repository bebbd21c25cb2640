"""What evidence needs stored in the database; the open log itself is files (``evidence/log.py``)."""

from collections.abc import Sequence
from typing import Protocol

from volant.evidence.model import Label, LabelCounts, Segment


class LabelStore(Protocol):
    """Labels of one project, any order, late, repeated, corrected."""

    def add(self, model: str, labels: Sequence[Label]) -> LabelCounts:
        """All or nothing. Equal value for the same subject counts as repeated and adds no row."""
        ...

    def current(self, model: str, known_by: int) -> tuple[Label, ...]:
        """The winning label per subject among those with ``known_at <= known_by``, by recorded order."""
        ...

    def count(self, model: str, known_by: int, recorded_after: int = 0) -> int:
        """How many subjects have a label."""
        ...

    def revision(self, model: str) -> int:
        """A number that grows whenever a label is added or corrected."""
        ...

    def history(self, model: str, subject: str) -> tuple[Label, ...]:
        """All labels recorded for a prediction id or key, oldest first."""
        ...


class SegmentStore(Protocol):
    """Sealed segments."""

    def add(self, segment: Segment) -> bool:
        """False if a segment with this id is there already (sealing is repeated after a crash)."""
        ...

    def segments(self, model: str) -> tuple[Segment, ...]:
        """In order of ``first_at``, then id."""
        ...
