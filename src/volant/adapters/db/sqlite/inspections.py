"""Inspections in SQLite."""

import sqlite3

from volant.adapters.db.sqlite.database import SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.documents import from_document, to_document
from volant.adapters.refusals import taken
from volant.monitoring.inspection_model import Inspection, InspectionKind


class SqliteInspections:
    """See :class:`volant.monitoring.inspection_ports.InspectionStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("inspections")

    def add(self, inspection: Inspection) -> None:
        """See the port."""
        try:
            self._db.write(self._sql["add"], (inspection.id, inspection.model, inspection.kind.value, to_document(inspection)))
        except sqlite3.IntegrityError as error:
            raise taken("inspection", inspection.id) from error

    def newest(self, model: str, kind: InspectionKind) -> Inspection | None:
        """See the port."""
        row = self._db.row(self._sql["newest"], (model, kind.value))
        return None if row is None else from_document(row[0], Inspection)

    def inspections(self, model: str, limit: int = 50) -> tuple[Inspection, ...]:
        """See the port."""
        return tuple(from_document(row[0], Inspection) for row in self._db.rows(self._sql["inspections"], (model, limit)))
