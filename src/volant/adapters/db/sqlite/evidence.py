"""Labels and sealed segments in SQLite."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import orjson

from volant.adapters.db.sqlite.database import Rows, SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.label_rules import BY_KEY, BY_PREDICTION, Subject, subject_and_value
from volant.evidence.model import Label, LabelCounts, Segment

CHUNK = 10_000
_LAST = (1 << 63) - 1

Prepared = tuple[Label, Subject, str]


class SqliteLabels:
    """See :class:`volant.evidence.ports.LabelStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("labels")

    def add(self, model: str, labels: Sequence[Label]) -> LabelCounts:
        """See the port."""
        counts = {"new": 0, "corrected": 0, "repeated": 0}
        prepared = [(label, *subject_and_value(label)) for label in labels]
        with self._db.transaction():
            for part in _chunks(prepared):
                winners = self._winners(model, {subject for _, subject, _ in part})
                rows = []
                for label, subject, value in part:
                    kind = "new" if subject not in winners else "repeated" if winners[subject] == value else "corrected"
                    counts[kind] += 1
                    if kind != "repeated":
                        winners[subject] = value
                        rows.append((model, *subject, value, label.known_at, label.recorded_at, label.source))
                self._db.write_many(self._sql["add"], rows)
            self._db.reach_after_commit("labels.committed")
        return LabelCounts(**counts)

    def _winners(self, model: str, subjects: set[Subject]) -> dict[Subject, str]:
        """The last recorded value of each subject that has one. As fast as one statement for all: each is a walk down an index."""
        found = self._db.first_of_each(self._sql["winner"], ((model, *subject) for subject in subjects))
        return {subject: row[0] for subject, row in zip(subjects, found, strict=True) if row is not None}

    def current(self, model: str, known_by: int, *, revision: int | None = None) -> tuple[Label, ...]:
        """See the port."""
        return _labels(self._db.rows(self._sql["current"], (model, known_by, _end(revision))))

    def current_of(
        self, model: str, prediction_ids: Iterable[str], keys: Iterable[str], known_by: int, *, revision: int | None = None
    ) -> tuple[Label, ...]:
        """See the port."""
        subjects = [*((BY_PREDICTION, name) for name in dict.fromkeys(prediction_ids)), *((BY_KEY, name) for name in dict.fromkeys(keys))]
        asked = ((model, *subject, known_by, _end(revision)) for subject in subjects)
        found = [row for row in self._db.first_of_each(self._sql["current_of"], asked) if row is not None]
        return _labels([row[:-1] for row in sorted(found, key=itemgetter(-1))])

    def count(self, model: str, known_by: int, recorded_after: int = 0, *, revision: int | None = None) -> int:
        """See the port."""
        asked = {"model": model, "known_by": known_by, "recorded_after": recorded_after, "revision": _end(revision)}
        row = self._db.row(self._sql["count_recorded" if recorded_after > 0 else "count"], asked)
        assert row is not None
        return int(row[0])

    def known_until(self, model: str, known_by: int, *, revision: int | None = None) -> int | None:
        """See the port."""
        row = self._db.row(self._sql["known_until"], (model, known_by, _end(revision)))
        return None if row is None else int(row[0])

    def revision(self, model: str, *, recorded_by: int | None = None) -> int:
        """See the port."""
        sql, asked = ("revision", ()) if recorded_by is None else ("revision_by", (recorded_by,))
        row = self._db.row(self._sql[sql], (model, *asked))
        return 0 if row is None else int(row[0])

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See the port."""
        if after is None:
            return int(self._db.rows(self._sql["last_position"])[0][0]), frozenset()
        found = self._db.rows(self._sql["changed"], (after,))
        return max((position for _, position in found), default=after), frozenset(model for model, _ in found)

    def history(self, model: str, subject: str) -> tuple[Label, ...]:
        """See the port."""
        return _labels(self._db.rows(self._sql["history"], (model, subject)))


class SqliteSegments:
    """See :class:`volant.evidence.ports.SegmentStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("segments")

    def add(self, segment: Segment) -> bool:
        """See the port."""
        return self._db.write(self._sql["add"], tuple(getattr(segment, name) for name in Segment.__struct_fields__)) == 1

    def segments(self, model: str) -> tuple[Segment, ...]:
        """See the port."""
        names = Segment.__struct_fields__
        return tuple(Segment(**dict(zip(names, row, strict=True))) for row in self._db.rows(self._sql["segments"], (model,)))


def _end(revision: int | None) -> int:
    return _LAST if revision is None else revision


def _chunks(labels: Sequence[Prepared]) -> Iterator[Sequence[Prepared]]:
    for start in range(0, len(labels), CHUNK):
        yield labels[start : start + CHUNK]


def _labels(rows: Rows) -> tuple[Label, ...]:
    return tuple(_label(row) for row in rows)


def _label(row: tuple[Any, ...]) -> Label:
    kind, subject, value, known_at, recorded_at, source = row
    named: dict[str, Any] = {"prediction_id" if kind == BY_PREDICTION else "key": subject}
    return Label(**named, value=orjson.loads(value), known_at=known_at, recorded_at=recorded_at, source=source)
