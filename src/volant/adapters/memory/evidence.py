"""Labels and sealed segments in memory."""

from collections.abc import Sequence

import orjson

from volant.adapters.memory.database import MemoryDatabase
from volant.evidence.model import Label, LabelCounts, Segment
from volant.kernel.crashpoints import reach


class MemoryLabels:
    """See :class:`volant.evidence.ports.LabelStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("label")  # number -> (model, label)
        self._subjects = database.table("label_subject")  # (model, prediction id, key) -> numbers

    def add(self, model: str, labels: Sequence[Label]) -> LabelCounts:
        """See the port."""
        counts = {"new": 0, "corrected": 0, "repeated": 0}
        with self._db.transaction():
            for label in labels:
                subject = (model, label.prediction_id, label.key)
                numbers: tuple[int, ...] = self._subjects.get(subject, ())
                last = self._rows[numbers[-1]][1].value if numbers else None
                same = bool(numbers) and orjson.dumps(last) == orjson.dumps(label.value)
                counts["new" if not numbers else "repeated" if same else "corrected"] += 1
                if not same:
                    self._rows[len(self._rows)] = (model, label)
                    self._subjects[subject] = (*numbers, len(self._rows) - 1)
        reach("labels.committed")
        return LabelCounts(**counts)

    def current(self, model: str, known_by: int) -> tuple[Label, ...]:
        """See the port."""
        with self._db.reading():
            winners = [
                max((n for n in numbers if self._rows[n][1].known_at <= known_by), default=None)
                for (name, *_), numbers in self._subjects.items()
                if name == model
            ]
            return tuple(self._rows[number][1] for number in sorted(n for n in winners if n is not None))

    def count(self, model: str, known_by: int, recorded_after: int = 0) -> int:
        """See the port."""
        with self._db.reading():
            return len(
                {
                    (label.prediction_id, label.key)
                    for name, label in self._rows.values()
                    if name == model and label.known_at <= known_by and label.recorded_at > recorded_after
                }
            )

    def history(self, model: str, subject: str) -> tuple[Label, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(label for name, label in self._rows.values() if name == model and subject in {label.prediction_id, label.key})


class MemorySegments:
    """See :class:`volant.evidence.ports.SegmentStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("segment")

    def add(self, segment: Segment) -> bool:
        """See the port."""
        with self._db.transaction():
            return self._rows.setdefault(segment.id, segment) is segment

    def segments(self, model: str) -> tuple[Segment, ...]:
        """See the port."""
        with self._db.reading():
            found = [segment for segment in self._rows.values() if segment.model == model]
        return tuple(sorted(found, key=lambda segment: (segment.first_at, segment.id)))
