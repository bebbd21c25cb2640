"""Summaries of windows in SQLite."""

from collections.abc import Mapping, Sequence

from volant.adapters.db.sqlite.database import SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.documents import from_document, to_document
from volant.adapters.refusals import moved_on
from volant.monitoring.drift_model import DriftReport, WindowShape
from volant.monitoring.model import LiveReport
from volant.monitoring.ports import Covered, Extent
from volant.monitoring.summary import WindowSummary

_HEAD = 320  # bytes of a report beyond its model's name: all but its reference, windows and slices


class SqliteWindows:
    """See :class:`volant.monitoring.ports.WindowStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("windows")

    def covered(self, model: str) -> Covered:
        """See the port."""
        with self._db.transaction():  # both rows of one commit
            found = self._db.row(self._sql["basis"], (model,))
            if found is None:
                return Covered()
            lines = {str(source): int(count) for source, count in self._db.rows(self._sql["sources"], (model,))}
        return Covered(revision=found[0], basis=found[1], lines=lines)

    def commit(
        self,
        model: str,
        before: Covered,
        basis: str,
        lines: Mapping[str, int],
        windows: Sequence[WindowSummary],
        *,
        shapes: Sequence[WindowShape] = (),
    ) -> None:
        """See the port."""
        drawn = [(s.model, s.epoch, s.arm, s.number, to_document(s)) for s in shapes]
        rows = [(w.model, w.epoch, w.arm, w.number, w.from_us, w.to_us, w.rows, to_document(w)) for w in windows]
        with self._db.transaction():
            found = self._db.row(self._sql["basis"], (model,)) or (0, "")
            if found[0] != before.revision:
                raise moved_on(model, before.revision, found[0])
            if found[1] != basis:
                self._db.write(self._sql["forget_windows"], (model,))
                self._db.write(self._sql["forget_shapes"], (model,))
                self._db.write(self._sql["forget_sources"], (model,))
            self._db.write_many(self._sql["set_window"], rows)
            self._db.write_many(self._sql["set_shape"], drawn)
            self._db.write_many(self._sql["set_source"], [(model, source, count) for source, count in lines.items()])
            self._db.write(self._sql["set_basis"], {"model": model, "revision": before.revision + 1, "basis": basis})

    def extents(self, model: str, epoch: int, arm: str) -> tuple[Extent, ...]:
        """See the port."""
        names = Extent.__struct_fields__
        return tuple(Extent(**dict(zip(names, row, strict=True))) for row in self._db.rows(self._sql["extents"], (model, epoch, arm)))

    def get(self, model: str, epoch: int, arm: str, number: int) -> WindowSummary | None:
        """See the port."""
        row = self._db.row(self._sql["get"], (model, epoch, arm, number))
        return None if row is None else from_document(row[0], WindowSummary)

    def latest(self, model: str, epoch: int, arm: str, limit: int = 100) -> tuple[WindowSummary, ...]:
        """See the port."""
        rows = self._db.rows(self._sql["latest"], (model, epoch, arm, max(limit, 0)))
        return tuple(from_document(row[0], WindowSummary) for row in reversed(rows))

    def arms(self, model: str) -> tuple[tuple[int, str], ...]:
        """See the port."""
        return tuple((int(epoch), str(arm)) for epoch, arm in self._db.rows(self._sql["arms"], (model,)))

    def marks(self) -> dict[str, str]:
        """See the port. A report's figures stand behind what they were computed from, so its beginning tells it apart."""
        found = {str(model): f"{revision}:{basis}" for model, revision, basis in self._db.rows(self._sql["bases"])}
        for model, epoch, head in self._db.rows(self._sql["live_heads"], (_HEAD,)):
            found[model] = f"{found.get(model, '')}:{epoch}:{head}"
        return found

    def keep_live(self, report: LiveReport) -> None:
        """See the port."""
        self._db.write(self._sql["keep_live"], (report.model, report.epoch, to_document(report)))

    def live(self, model: str, epoch: int) -> LiveReport | None:
        """See the port."""
        row = self._db.row(self._sql["live"], (model, epoch))
        return None if row is None else from_document(row[0], LiveReport)

    def lives(self, model: str, limit: int = 50) -> tuple[LiveReport, ...]:
        """See the port."""
        rows = self._db.rows(self._sql["lives"], (model, max(limit, 0)))
        return tuple(from_document(row[0], LiveReport) for row in reversed(rows))

    def shape(self, model: str, epoch: int, arm: str, number: int) -> WindowShape | None:
        """See the port."""
        row = self._db.row(self._sql["shape"], (model, epoch, arm, number))
        return None if row is None else from_document(row[0], WindowShape)

    def shapes(self, model: str, epoch: int, arm: str, limit: int = 100) -> tuple[WindowShape, ...]:
        """See the port."""
        rows = self._db.rows(self._sql["shapes"], (model, epoch, arm, max(limit, 0)))
        return tuple(from_document(row[0], WindowShape) for row in reversed(rows))

    def keep_drift(self, report: DriftReport) -> None:
        """See the port."""
        self._db.write(self._sql["keep_drift"], (report.model, report.epoch, to_document(report)))

    def drift(self, model: str, epoch: int) -> DriftReport | None:
        """See the port."""
        row = self._db.row(self._sql["drift"], (model, epoch))
        return None if row is None else from_document(row[0], DriftReport)

    def keep_reference(self, model: str, version: int, digest: str) -> None:
        """See the port."""
        self._db.write(self._sql["keep_reference"], (model, version, digest))

    def reference(self, model: str, version: int) -> str | None:
        """See the port."""
        row = self._db.row(self._sql["reference"], (model, version))
        return None if row is None else str(row[0])
