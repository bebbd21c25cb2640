"""Dataset versions, registered model versions and gate reports in SQLite: immutable documents by number or id."""

import sqlite3

from volant.adapters.db.sqlite.database import SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.documents import from_document, to_document
from volant.adapters.refusals import no_version, not_next, taken, unknown
from volant.data.model import DatasetVersion
from volant.gates.model import GateReport
from volant.kernel.errors import ConflictError
from volant.registry.model import ModelVersion


class SqliteDatasets:
    """See :class:`volant.data.ports.DatasetStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("datasets")

    def add(self, version: DatasetVersion) -> None:
        """See the port."""
        with self._db.transaction():
            last = self._last(version.dataset)
            if version.number != last + 1:
                raise not_next("dataset", version.dataset, version.number, last)
            self._db.write(self._sql["add"], (version.dataset, version.number, version.digest, to_document(version)))

    def get(self, dataset: str, number: int) -> DatasetVersion:
        """See the port."""
        row = self._db.row(self._sql["get"], (dataset, number))
        if row is None:
            raise no_version("dataset", dataset, number, range(1, self._last(dataset) + 1))
        return from_document(row[0], DatasetVersion)

    def latest(self, dataset: str) -> DatasetVersion | None:
        """See the port."""
        row = self._db.row(self._sql["latest"], (dataset,))
        return None if row is None else from_document(row[0], DatasetVersion)

    def with_digest(self, dataset: str, digest: str) -> DatasetVersion | None:
        """See the port."""
        row = self._db.row(self._sql["with_digest"], (dataset, digest))
        return None if row is None else from_document(row[0], DatasetVersion)

    def versions(self, dataset: str) -> tuple[DatasetVersion, ...]:
        """See the port."""
        return tuple(from_document(row[0], DatasetVersion) for row in self._db.rows(self._sql["versions"], (dataset,)))

    def datasets(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(row[0] for row in self._db.rows(self._sql["datasets"]))

    def _last(self, dataset: str) -> int:
        row = self._db.row(self._sql["last_number"], (dataset,))
        assert row is not None
        return int(row[0])


class SqliteModels:
    """See :class:`volant.registry.ports.ModelStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("models")

    def add(self, version: ModelVersion) -> None:
        """See the port."""
        with self._db.transaction():
            last = self._db.row(self._sql["last_number"], (version.model,))
            assert last is not None
            if version.number != last[0] + 1:
                raise not_next("model", version.model, version.number, last[0])
            try:
                self._db.write(self._sql["add"], (version.model, version.number, version.package, to_document(version)))
            except sqlite3.IntegrityError as error:
                raise ConflictError(
                    f"Package {version.package[:12]} of {version.model} is registered already.", next_step="use that version"
                ) from error

    def get(self, model: str, number: int) -> ModelVersion:
        """See the port."""
        row = self._db.row(self._sql["get"], (model, number))
        if row is None:
            raise no_version("model", model, number, [row[0] for row in self._db.rows(self._sql["numbers"], (model,))])
        return from_document(row[0], ModelVersion)

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """See the port."""
        return tuple(from_document(row[0], ModelVersion) for row in self._db.rows(self._sql["versions"], (model,)))

    def with_package(self, model: str, package: str) -> ModelVersion | None:
        """See the port."""
        row = self._db.row(self._sql["with_package"], (model, package))
        return None if row is None else from_document(row[0], ModelVersion)

    def models(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(row[0] for row in self._db.rows(self._sql["models"]))

    def set_alias(self, model: str, alias: str, number: int) -> None:
        """See the port."""
        with self._db.transaction():
            self.get(model, number)
            self._db.write(self._sql["set_alias"], (model, alias, number))

    def remove_alias(self, model: str, alias: str) -> None:
        """See the port."""
        self._db.write(self._sql["remove_alias"], (model, alias))

    def aliases(self, model: str) -> dict[str, int]:
        """See the port."""
        return dict(self._db.rows(self._sql["aliases"], (model,)))


class SqliteGates:
    """See :class:`volant.gates.ports.GateStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("gates")

    def add(self, report: GateReport) -> None:
        """See the port."""
        try:
            self._db.write(self._sql["add"], (report.id, report.model, report.package, to_document(report)))
        except sqlite3.IntegrityError as error:
            raise taken("gate report", report.id) from error

    def get(self, report_id: str) -> GateReport:
        """See the port."""
        row = self._db.row(self._sql["get"], (report_id,))
        if row is None:
            raise unknown("gate report", report_id, "volant models lists the versions and their gates")
        return from_document(row[0], GateReport)

    def for_package(self, model: str, package: str) -> tuple[GateReport, ...]:
        """See the port."""
        return tuple(from_document(row[0], GateReport) for row in self._db.rows(self._sql["for_package"], (model, package)))

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See the port."""
        if after is None:
            return int(self._db.rows(self._sql["last_position"])[0][0]), frozenset()
        found = self._db.rows(self._sql["changed"], (after,))
        return max((position for _, position in found), default=after), frozenset(model for model, _ in found)

    def reports(self, model: str) -> tuple[GateReport, ...]:
        """See the port."""
        return tuple(from_document(row[0], GateReport) for row in self._db.rows(self._sql["reports"], (model,)))
