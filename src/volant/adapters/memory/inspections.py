"""Inspections in memory."""

from volant.adapters.documents import as_stored
from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import taken
from volant.monitoring.inspection_model import Inspection, InspectionKind


class MemoryInspections:
    """See :class:`volant.monitoring.inspection_ports.InspectionStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("inspection")

    def add(self, inspection: Inspection) -> None:
        """See the port."""
        inspection = as_stored(inspection)
        with self._db.transaction():
            if inspection.id in self._rows:
                raise taken("inspection", inspection.id)
            self._rows[inspection.id] = inspection

    def newest(self, model: str, kind: InspectionKind) -> Inspection | None:
        """See the port."""
        with self._db.reading():
            return next((one for one in reversed(self._rows.values()) if (one.model, one.kind) == (model, kind)), None)

    def inspections(self, model: str, limit: int = 50) -> tuple[Inspection, ...]:
        """See the port."""
        with self._db.reading():
            return tuple([one for one in reversed(self._rows.values()) if one.model == model][:limit])
