"""What tracking needs stored."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from volant.tracking.model import Artifact, Metric, Run, RunDetail, StepRecord


class RunStore(Protocol):
    """Runs and what is logged to them."""

    def create(self, run: Run) -> None:
        """``AlreadyExistsError`` if the id is taken."""
        ...

    def update(self, run: Run) -> None:
        """Replace the row; ``run.revision`` must be the stored one plus 1, else ``ConflictError``."""
        ...

    def get(self, run_id: str) -> RunDetail:
        """``NotFoundError`` if absent. A unique prefix of at least 6 digits is accepted."""
        ...

    def search(
        self,
        experiment: str | None = None,
        *,
        order_by_metric: str | None = None,
        descending: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[RunDetail, ...]:
        """Newest first, or by a metric (runs without it last)."""
        ...

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Same key and value again is nothing; another value is ``ConflictError``."""
        ...

    def log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """Append points; identical points are kept once."""
        ...

    def history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        """All points of a metric by step, then time."""
        ...

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set or replace."""
        ...

    def add_artifact(self, run_id: str, artifact: Artifact) -> None:
        """Set or replace the artifact at its path."""
        ...

    def add_step(self, record: StepRecord) -> None:
        """Set or replace the record at (run, position)."""
        ...
