"""What gates need stored."""

from typing import Protocol

from volant.gates.model import GateReport


class GateStore(Protocol):
    """Gate reports, immutable."""

    def add(self, report: GateReport) -> None:
        """``AlreadyExistsError`` if the id is taken."""
        ...

    def get(self, report_id: str) -> GateReport:
        """``NotFoundError`` if absent."""
        ...

    def for_package(self, model: str, package: str) -> tuple[GateReport, ...]:
        """Reports of one candidate package, newest first."""
        ...

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """Models that got reports since a position, and the position to ask from the next time; None: from now on. Positions only grow."""
        ...

    def reports(self, model: str) -> tuple[GateReport, ...]:
        """All reports of a model, newest first."""
        ...
