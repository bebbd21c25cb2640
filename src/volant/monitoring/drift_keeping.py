"""Keeping what is known about drift: the reference of each version, made once, and the report of each epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from volant.config.model import Amount, DriftConfig
from volant.kernel.codec import canonical, decode, plain
from volant.kernel.digests import digest_value
from volant.kernel.errors import VolantError
from volant.kernel.objects import ObjectStore
from volant.monitoring.drift import EVERYWHERE, judged_windows
from volant.monitoring.drift_model import DriftReference, DriftReport, moved_columns
from volant.monitoring.model import DriftBasis, MovedColumn
from volant.monitoring.performance import CHAMPION_ARM
from volant.monitoring.ports import Extent, WindowStore

MOST_WINDOWS = 400
MOST_SHAPES = 100_000
FORMAT = 2


@dataclass
class References:
    """The references of a model's versions, from the store or from ``make`` (which may take a while and may fail)."""

    model: str
    store: WindowStore
    objects: ObjectStore
    make: Callable[[int], DriftReference]
    _opened: dict[int, DriftReference | None] = field(default_factory=dict)

    def of(self, version: int) -> DriftReference | None:
        """The version's; None if its rows cannot be read any more."""
        if version not in self._opened:
            self._opened[version] = self._open(version)
        return self._opened[version]

    def _open(self, version: int) -> DriftReference | None:
        kept = self.store.reference(self.model, version)
        if kept is not None and self.objects.has(kept):
            return decode(self.objects.get(kept), DriftReference)
        try:
            made = self.make(version)
        except VolantError:
            return None
        self.store.keep_reference(self.model, version, self.objects.put(canonical(made)))
        return made


@dataclass(frozen=True)
class DriftKeeper:
    """Judges the windows of champions and keeps what comes of it."""

    store: WindowStore
    references: References
    size: Amount
    rules: DriftConfig = EVERYWHERE

    def revise(self, model: str, epoch: int, version: int, now: int) -> DriftReport | None:
        """The drift that this champion met, computed anew where there are new lines of the log or a window has become full.
        None without a reference.
        """
        reference = self.references.of(version)
        if reference is None:
            return None
        extents = self.store.extents(model, epoch, CHAMPION_ARM)
        full = tuple(extent.number for extent in extents if self._is_full(extent, extents, now))
        lines = self.store.covered(model).revision
        asked = digest_value([FORMAT, plain(self.size), plain(self.rules), version, len(full)])
        known = self.store.drift(model, epoch)
        if known is not None and (known.lines, known.asked) == (lines, asked):
            return known
        shapes = [shape for shape in self.store.shapes(model, epoch, CHAMPION_ARM, MOST_WINDOWS + 1) if shape.number in set(full)]
        usable = [shape for shape in shapes if shape.version == version]
        found = judged_windows(usable, reference, self.rules)
        report = DriftReport(
            model=model,
            epoch=epoch,
            version=version,
            recorded_at=now,
            lines=lines,
            asked=asked,
            reference_rows=reference.rows,
            windows=found.windows,
            columns=found.columns,
            rules=self.rules,
            first=usable[0].number if usable else None,
            last=usable[-1].number if usable else None,
            waiting=sum(extent.rows for extent in extents if extent.number not in full),
        )
        self.store.keep_drift(report)
        return report

    def _is_full(self, extent: Extent, extents: Sequence[Extent], now: int) -> bool:
        """Whether it is done: later ones have begun, it has its rows, or its time has passed."""
        if extent.number != extents[-1].number:
            return True
        if self.size.rows is not None:
            return extent.rows >= self.size.rows
        assert self.size.duration_us is not None
        return now // self.size.duration_us > extent.number


def drift_again(store: WindowStore, objects: ObjectStore, model: str, basis: DriftBasis, until: int) -> tuple[MovedColumn, ...]:
    """What was said on this basis, once more from the stored shapes of windows that had ended by ``until``."""
    kept = store.reference(model, basis.version)
    if kept is None:
        return ()
    shapes = [
        shape
        for shape in store.shapes(model, basis.epoch, CHAMPION_ARM, MOST_SHAPES)
        if basis.first <= shape.number <= basis.last and shape.version == basis.version and shape.to_us <= until
    ]
    return moved_columns(judged_windows(shapes, decode(objects.get(kept), DriftReference), basis.rules).columns)
