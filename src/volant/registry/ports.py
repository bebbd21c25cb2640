"""What the registry needs stored beside its event stream."""

from typing import Protocol

from volant.registry.model import ModelVersion


class ModelStore(Protocol):
    """Registered versions and the aliases that point at them (a projection, written with the event)."""

    def add(self, version: ModelVersion) -> None:
        """``ConflictError`` if the number is taken."""
        ...

    def get(self, model: str, number: int) -> ModelVersion:
        """``NotFoundError`` naming the versions that exist."""
        ...

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All, newest first."""
        ...

    def with_package(self, model: str, package: str) -> ModelVersion | None:
        """The version with this package, or None."""
        ...

    def models(self) -> tuple[str, ...]:
        """Names, sorted."""
        ...

    def set_alias(self, model: str, alias: str, number: int) -> None:
        """Point an alias at a version."""
        ...

    def remove_alias(self, model: str, alias: str) -> None:
        """Point an alias at nothing; nothing happens if it did not point at anything."""
        ...

    def aliases(self, model: str) -> dict[str, int]:
        """Alias -> version."""
        ...
