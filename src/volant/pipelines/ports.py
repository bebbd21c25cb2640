"""What the step cache needs stored."""

from typing import Protocol

from volant.pipelines.model import StepResult


class StepStore(Protocol):
    """Results of steps by cache key."""

    def get(self, key: str) -> StepResult | None:
        """The result, or None."""
        ...

    def put(self, result: StepResult) -> None:
        """Set or replace."""
        ...

    def latest(self, step: str) -> StepResult | None:
        """The newest result of a step under any key."""
        ...
