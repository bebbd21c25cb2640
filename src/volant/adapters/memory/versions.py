"""Dataset versions, registered model versions and gate reports in memory."""

from volant.adapters.documents import as_stored
from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import no_version, not_next, taken, unknown
from volant.data.model import DatasetVersion
from volant.gates.model import GateReport
from volant.kernel.errors import ConflictError
from volant.registry.model import ModelVersion


class MemoryDatasets:
    """See :class:`volant.data.ports.DatasetStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("dataset_version")

    def add(self, version: DatasetVersion) -> None:
        """See the port."""
        version = as_stored(version)
        with self._db.transaction():
            present: tuple[DatasetVersion, ...] = self._rows.get(version.dataset, ())
            if version.number != len(present) + 1:
                raise not_next("dataset", version.dataset, version.number, len(present))
            self._rows[version.dataset] = (*present, version)

    def get(self, dataset: str, number: int) -> DatasetVersion:
        """See the port."""
        present = self.versions(dataset)
        if not 1 <= number <= len(present):
            raise no_version("dataset", dataset, number, range(1, len(present) + 1))
        return present[number - 1]

    def latest(self, dataset: str) -> DatasetVersion | None:
        """See the port."""
        present = self.versions(dataset)
        return present[-1] if present else None

    def with_digest(self, dataset: str, digest: str) -> DatasetVersion | None:
        """See the port."""
        return next((version for version in reversed(self.versions(dataset)) if version.digest == digest), None)

    def versions(self, dataset: str) -> tuple[DatasetVersion, ...]:
        """See the port."""
        with self._db.reading():
            found: tuple[DatasetVersion, ...] = self._rows.get(dataset, ())
            return found

    def datasets(self) -> tuple[str, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(sorted(self._rows))


class MemoryModels:
    """See :class:`volant.registry.ports.ModelStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("model_version")
        self._aliases = database.table("model_alias")

    def add(self, version: ModelVersion) -> None:
        """See the port."""
        version = as_stored(version)
        with self._db.transaction():
            present: tuple[ModelVersion, ...] = self._rows.get(version.model, ())
            if version.number != len(present) + 1:
                raise not_next("model", version.model, version.number, len(present))
            if any(known.package == version.package for known in present):
                raise ConflictError(
                    f"Package {version.package[:12]} of {version.model} is registered already.", next_step="use that version"
                )
            self._rows[version.model] = (*present, version)

    def get(self, model: str, number: int) -> ModelVersion:
        """See the port."""
        present = self._present(model)
        if not 1 <= number <= len(present):
            raise no_version("model", model, number, range(1, len(present) + 1))
        return present[number - 1]

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """See the port."""
        return tuple(reversed(self._present(model)))

    def with_package(self, model: str, package: str) -> ModelVersion | None:
        """See the port."""
        return next((version for version in self._present(model) if version.package == package), None)

    def models(self) -> tuple[str, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(sorted(self._rows))

    def set_alias(self, model: str, alias: str, number: int) -> None:
        """See the port."""
        with self._db.transaction():
            self.get(model, number)
            self._aliases[model, alias] = number

    def remove_alias(self, model: str, alias: str) -> None:
        """See the port."""
        with self._db.transaction():
            self._aliases.pop((model, alias), None)

    def aliases(self, model: str) -> dict[str, int]:
        """See the port."""
        with self._db.reading():
            return {alias: number for (name, alias), number in sorted(self._aliases.items()) if name == model}

    def _present(self, model: str) -> tuple[ModelVersion, ...]:
        with self._db.reading():
            found: tuple[ModelVersion, ...] = self._rows.get(model, ())
            return found


class MemoryGates:
    """See :class:`volant.gates.ports.GateStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("gate_report")

    def add(self, report: GateReport) -> None:
        """See the port."""
        report = as_stored(report)
        with self._db.transaction():
            if report.id in self._rows:
                raise taken("gate report", report.id)
            self._rows[report.id] = report

    def get(self, report_id: str) -> GateReport:
        """See the port."""
        with self._db.reading():
            found: GateReport | None = self._rows.get(report_id)
        if found is None:
            raise unknown("gate report", report_id, "volant models lists the versions and their gates")
        return found

    def for_package(self, model: str, package: str) -> tuple[GateReport, ...]:
        """See the port."""
        return tuple(report for report in self.reports(model) if report.package == package)

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See the port."""
        with self._db.reading():
            start = len(self._rows) if after is None else after
            return len(self._rows), frozenset(report.model for report in [*self._rows.values()][start:])

    def reports(self, model: str) -> tuple[GateReport, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(report for report in reversed(self._rows.values()) if report.model == model)
