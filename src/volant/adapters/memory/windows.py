"""Summaries of windows in memory."""

from collections.abc import Mapping, Sequence

from volant.adapters.documents import as_stored
from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import moved_on
from volant.monitoring.drift_model import DriftReport, WindowShape
from volant.monitoring.model import LiveReport
from volant.monitoring.ports import Covered, Extent
from volant.monitoring.summary import WindowSummary


class MemoryWindows:
    """See :class:`volant.monitoring.ports.WindowStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._windows = database.table("watch_window")  # (model, epoch, arm, number) -> summary
        self._covered = database.table("watch_basis")  # model -> covered
        self._live = database.table("watch_live")  # (model, epoch) -> report
        self._shapes = database.table("watch_shape")  # (model, epoch, arm, number) -> shape
        self._drift = database.table("watch_drift")  # (model, epoch) -> report
        self._references = database.table("watch_reference")  # (model, version) -> digest

    def covered(self, model: str) -> Covered:
        """See the port."""
        with self._db.reading():
            found: Covered = self._covered.get(model, Covered())
            return found

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
        kept, drawn = [as_stored(window) for window in windows], [as_stored(shape) for shape in shapes]
        with self._db.transaction():
            found = self.covered(model)
            if found.revision != before.revision:
                raise moved_on(model, before.revision, found.revision)
            anew = found.basis != basis
            if anew:
                for table in (self._windows, self._shapes):
                    for name in [name for name in table if name[0] == model]:
                        del table[name]
            for window in kept:
                self._windows[window.model, window.epoch, window.arm, window.number] = window
            for shape in drawn:
                self._shapes[shape.model, shape.epoch, shape.arm, shape.number] = shape
            known = {} if anew else found.lines
            self._covered[model] = Covered(revision=before.revision + 1, basis=basis, lines={**known, **lines})

    def extents(self, model: str, epoch: int, arm: str) -> tuple[Extent, ...]:
        """See the port."""
        return tuple(Extent(number=w.number, from_us=w.from_us, to_us=w.to_us, rows=w.rows) for w in self._of(model, epoch, arm))

    def get(self, model: str, epoch: int, arm: str, number: int) -> WindowSummary | None:
        """See the port."""
        with self._db.reading():
            return self._windows.get((model, epoch, arm, number))

    def latest(self, model: str, epoch: int, arm: str, limit: int = 100) -> tuple[WindowSummary, ...]:
        """See the port."""
        found = self._of(model, epoch, arm)
        return found[max(len(found) - max(limit, 0), 0) :]

    def arms(self, model: str) -> tuple[tuple[int, str], ...]:
        """See the port."""
        with self._db.reading():
            return tuple(sorted({(epoch, arm) for name, epoch, arm, _ in self._windows if name == model}))

    def marks(self) -> dict[str, str]:
        """See the port."""
        with self._db.reading():
            found = {model: f"{covered.revision}:{covered.basis}" for model, covered in self._covered.items()}
            newest = {model: report for (model, _), report in sorted(self._live.items())}
        for model, report in newest.items():
            found[model] = f"{found.get(model, '')}:{report.epoch}:{report.recorded_at}:{report.labels}:{report.lines}:{report.asked}"
        return found

    def keep_live(self, report: LiveReport) -> None:
        """See the port."""
        with self._db.transaction():
            self._live[report.model, report.epoch] = as_stored(report)

    def live(self, model: str, epoch: int) -> LiveReport | None:
        """See the port."""
        with self._db.reading():
            return self._live.get((model, epoch))

    def lives(self, model: str, limit: int = 50) -> tuple[LiveReport, ...]:
        """See the port."""
        with self._db.reading():
            found = [report for name, report in sorted(self._live.items()) if name[0] == model]
        return tuple(found[max(len(found) - max(limit, 0), 0) :])

    def shape(self, model: str, epoch: int, arm: str, number: int) -> WindowShape | None:
        """See the port."""
        with self._db.reading():
            return self._shapes.get((model, epoch, arm, number))

    def shapes(self, model: str, epoch: int, arm: str, limit: int = 100) -> tuple[WindowShape, ...]:
        """See the port."""
        with self._db.reading():
            found = tuple(shape for name, shape in sorted(self._shapes.items()) if name[:3] == (model, epoch, arm))
        return found[max(len(found) - max(limit, 0), 0) :]

    def keep_drift(self, report: DriftReport) -> None:
        """See the port."""
        with self._db.transaction():
            self._drift[report.model, report.epoch] = as_stored(report)

    def drift(self, model: str, epoch: int) -> DriftReport | None:
        """See the port."""
        with self._db.reading():
            return self._drift.get((model, epoch))

    def keep_reference(self, model: str, version: int, digest: str) -> None:
        """See the port."""
        with self._db.transaction():
            self._references[model, version] = digest

    def reference(self, model: str, version: int) -> str | None:
        """See the port."""
        with self._db.reading():
            return self._references.get((model, version))

    def _of(self, model: str, epoch: int, arm: str) -> tuple[WindowSummary, ...]:
        with self._db.reading():
            return tuple(window for name, window in sorted(self._windows.items()) if name[:3] == (model, epoch, arm))
