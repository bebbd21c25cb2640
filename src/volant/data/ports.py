"""What the data package needs stored."""

from typing import Protocol

from volant.data.model import DatasetVersion


class DatasetStore(Protocol):
    """Versions of datasets. Rows are immutable once added."""

    def add(self, version: DatasetVersion) -> None:
        """``ConflictError`` if the number is taken; numbers are dense from 1."""
        ...

    def get(self, dataset: str, number: int) -> DatasetVersion:
        """``NotFoundError`` naming the versions that exist."""
        ...

    def latest(self, dataset: str) -> DatasetVersion | None:
        """The highest number, or None."""
        ...

    def with_digest(self, dataset: str, digest: str) -> DatasetVersion | None:
        """The newest version with this content, or None."""
        ...

    def versions(self, dataset: str) -> tuple[DatasetVersion, ...]:
        """All, oldest first."""
        ...

    def datasets(self) -> tuple[str, ...]:
        """Names, sorted."""
        ...
