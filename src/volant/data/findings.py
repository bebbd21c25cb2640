"""What is being found out about a table, piece by piece."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from volant.data.plan import Asked, Guess
from volant.data.reading import SourceTable

if TYPE_CHECKING:
    import polars as pl


@dataclass
class Findings:
    """The frame being looked at, and what was found so far."""

    frame: "pl.DataFrame"
    table: SourceTable
    asked: Asked
    shown: str
    guesses: list[Guess] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def guess(self, what: str, value: str, why: str, option: str) -> None:
        """Note something that was not said."""
        self.guesses.append(Guess(what=what, value=value, why=why, option=option))

    def names(self) -> tuple[str, ...]:
        """Columns of the table."""
        return self.table.names()
