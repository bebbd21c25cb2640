"""What inspections need stored."""

from typing import Protocol

from volant.monitoring.inspection_model import Inspection, InspectionKind


class InspectionStore(Protocol):
    """Finished inspections; none ever changes."""

    def add(self, inspection: Inspection) -> None:
        """``AlreadyExistsError`` if the id is taken."""
        ...

    def newest(self, model: str, kind: InspectionKind) -> Inspection | None:
        """The one added last, or None."""
        ...

    def inspections(self, model: str, limit: int = 50) -> tuple[Inspection, ...]:
        """Newest first."""
        ...
