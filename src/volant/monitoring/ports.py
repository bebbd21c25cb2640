"""What watching needs stored: summaries of windows with how much of the log they cover."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from volant.kernel.codec import Value
from volant.monitoring.drift_model import DriftReport, WindowShape
from volant.monitoring.model import LiveReport
from volant.monitoring.summary import WindowSummary


class Covered(Value, frozen=True, kw_only=True):
    """How much of the log a model's summaries cover: for each source (``Predictions.after``) the number of lines.

    ``revision`` counts commits; ``basis`` names the settings under which the windows were cut.
    """

    revision: int = 0
    basis: str = ""
    lines: dict[str, int] = {}


class Extent(Value, frozen=True, kw_only=True):
    """Where a stored window lies and how many rows it holds."""

    number: int
    from_us: int
    to_us: int
    rows: int


class WindowStore(Protocol):
    """Summaries per (model, epoch, arm, number). They can be made again from the log at any time."""

    def covered(self, model: str) -> Covered:
        """What the summaries rest on; revision 0 where there are none."""
        ...

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
        """Put windows with their shapes (replacing those of the same name) and what they cover now, together.

        ``ConflictError`` if someone else committed since ``before`` was read; nothing is changed then. A ``basis`` that
        differs from the one before starts anew: all earlier windows and shapes of the model go.
        """
        ...

    def extents(self, model: str, epoch: int, arm: str) -> tuple[Extent, ...]:
        """By number."""
        ...

    def get(self, model: str, epoch: int, arm: str, number: int) -> WindowSummary | None:
        """One window, or None."""
        ...

    def latest(self, model: str, epoch: int, arm: str, limit: int = 100) -> tuple[WindowSummary, ...]:
        """The newest windows, oldest first."""
        ...

    def arms(self, model: str) -> tuple[tuple[int, str], ...]:
        """(epoch, arm) of which there are windows, sorted."""
        ...

    def marks(self) -> dict[str, str]:
        """For each model that has windows or a live report a text that differs once the windows or the newest report changed."""
        ...

    def keep_live(self, report: LiveReport) -> None:
        """Put an epoch's realised performance in the place of what was kept of it."""
        ...

    def live(self, model: str, epoch: int) -> LiveReport | None:
        """As last kept, or None."""
        ...

    def lives(self, model: str, limit: int = 50) -> tuple[LiveReport, ...]:
        """Those of the newest epochs, oldest first."""
        ...

    def shape(self, model: str, epoch: int, arm: str, number: int) -> WindowShape | None:
        """One window's shape, or None."""
        ...

    def shapes(self, model: str, epoch: int, arm: str, limit: int = 100) -> tuple[WindowShape, ...]:
        """Shapes of the newest windows, oldest first."""
        ...

    def keep_drift(self, report: DriftReport) -> None:
        """Put an epoch's drift in the place of what was kept of it."""
        ...

    def drift(self, model: str, epoch: int) -> DriftReport | None:
        """As last kept, or None."""
        ...

    def keep_reference(self, model: str, version: int, digest: str) -> None:
        """Put the name of the object that holds a version's reference."""
        ...

    def reference(self, model: str, version: int) -> str | None:
        """The object's digest, or None."""
        ...
