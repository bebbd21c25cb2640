"""Labels and sealed segments in memory."""

from collections.abc import Iterable, Sequence

from volant.adapters.label_rules import subject_and_value
from volant.adapters.memory.database import MemoryDatabase
from volant.evidence.model import Label, LabelCounts, Segment
from volant.kernel.crashpoints import reach


class MemoryLabels:
    """See :class:`volant.evidence.ports.LabelStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("label")  # number -> (model, label, value's text)
        self._subjects = database.table("label_subject")  # (model, kind, subject) -> numbers

    def add(self, model: str, labels: Sequence[Label]) -> LabelCounts:
        """See the port."""
        counts = {"new": 0, "corrected": 0, "repeated": 0}
        prepared = [(label, *subject_and_value(label)) for label in labels]
        with self._db.transaction():
            for label, about, value in prepared:
                subject = (model, *about)
                numbers: tuple[int, ...] = self._subjects.get(subject, ())
                same = bool(numbers) and self._rows[numbers[-1]][2] == value
                counts["new" if not numbers else "repeated" if same else "corrected"] += 1
                if not same:
                    self._rows[len(self._rows)] = (model, label, value)
                    self._subjects[subject] = (*numbers, len(self._rows) - 1)
        reach("labels.committed")
        return LabelCounts(**counts)

    def current(self, model: str, known_by: int, *, revision: int | None = None) -> tuple[Label, ...]:
        """See the port."""
        with self._db.reading():
            end = len(self._rows) if revision is None else revision
            winners = [
                max((n for n in numbers if n < end and self._rows[n][1].known_at <= known_by), default=None)
                for (name, *_), numbers in self._subjects.items()
                if name == model
            ]
            return tuple(self._rows[number][1] for number in sorted(n for n in winners if n is not None))

    def current_of(
        self, model: str, prediction_ids: Iterable[str], keys: Iterable[str], known_by: int, *, revision: int | None = None
    ) -> tuple[Label, ...]:
        """See the port."""
        named, keyed = set(prediction_ids), set(keys)
        found = self.current(model, known_by, revision=revision)
        return tuple(label for label in found if (label.key in keyed if label.prediction_id is None else label.prediction_id in named))

    def count(self, model: str, known_by: int, recorded_after: int = 0, *, revision: int | None = None) -> int:
        """See the port."""
        found = self._known(model, known_by, revision)
        return len({(label.prediction_id, label.key) for label in found if label.recorded_at > recorded_after})

    def known_until(self, model: str, known_by: int, *, revision: int | None = None) -> int | None:
        """See the port."""
        return max((label.known_at for label in self._known(model, known_by, revision)), default=None)

    def revision(self, model: str, *, recorded_by: int | None = None) -> int:
        """See the port."""
        with self._db.reading():
            found = [
                number + 1
                for number, (name, label, _) in self._rows.items()
                if name == model and (recorded_by is None or label.recorded_at <= recorded_by)
            ]
        return max(found, default=0)

    def _known(self, model: str, known_by: int, revision: int | None) -> list[Label]:
        with self._db.reading():
            end = len(self._rows) if revision is None else revision
            return [
                label for number, (name, label, _) in self._rows.items() if name == model and number < end and label.known_at <= known_by
            ]

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See the port."""
        with self._db.reading():
            start = len(self._rows) if after is None else after
            return len(self._rows), frozenset(model for number, (model, *_) in self._rows.items() if number >= start)

    def history(self, model: str, subject: str) -> tuple[Label, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(label for name, label, _ in self._rows.values() if name == model and subject in {label.prediction_id, label.key})


class MemorySegments:
    """See :class:`volant.evidence.ports.SegmentStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("segment")

    def add(self, segment: Segment) -> bool:
        """See the port."""
        with self._db.transaction():
            if segment.id in self._rows:
                return False
            self._rows[segment.id] = segment
            return True

    def segments(self, model: str) -> tuple[Segment, ...]:
        """See the port."""
        with self._db.reading():
            found = [segment for segment in self._rows.values() if segment.model == model]
        return tuple(sorted(found, key=lambda segment: (segment.first_at, segment.id)))
