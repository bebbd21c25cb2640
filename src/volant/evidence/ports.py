"""What evidence needs stored in the database; the open log itself is files (``evidence/log.py``)."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from volant.evidence.model import Label, LabelCounts, Segment


class LabelStore(Protocol):
    """Labels of one project, any order, late, repeated, corrected."""

    def add(self, model: str, labels: Sequence[Label]) -> LabelCounts:
        """All or nothing. Equal value for the same subject counts as repeated and adds no row."""
        ...

    def current(self, model: str, known_by: int, *, revision: int | None = None) -> tuple[Label, ...]:
        """The winning label per subject among those with ``known_at <= known_by``, by recorded order.

        ``revision``: as the store was then, whatever was recorded since.
        """
        ...

    def current_of(
        self, model: str, prediction_ids: Iterable[str], keys: Iterable[str], known_by: int, *, revision: int | None = None
    ) -> tuple[Label, ...]:
        """The same for these predictions and keys only: it costs as much as they are, not as all labels."""
        ...

    def count(self, model: str, known_by: int, recorded_after: int = 0, *, revision: int | None = None) -> int:
        """How many subjects have a label. With ``recorded_after`` it costs what was recorded since, not the whole history."""
        ...

    def known_until(self, model: str, known_by: int, *, revision: int | None = None) -> int | None:
        """The latest ``known_at`` that is not after ``known_by``; None without one. With the revision it names the labels
        that are known, and costs one step down an index.
        """
        ...

    def revision(self, model: str, *, recorded_by: int | None = None) -> int:
        """A number that grows whenever a label is added or corrected; as it was at an instant, if one is given."""
        ...

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """Models that got labels since a position, and the position to ask from the next time; None: from now on. Positions only grow."""
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
