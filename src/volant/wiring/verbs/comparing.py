"""Rows that closer looks compare: what the champion learned from, and what it was asked lately."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.drift_keeping import References
from volant.monitoring.ports import Extent
from volant.wiring.verbs.drifting import learned_inputs, reference_of_version
from volant.wiring.verbs.opened import predictions_of

if TYPE_CHECKING:
    import polars as pl

    from volant.wiring.verbs.inspecting import Look

CHAMPION_ARM = "champion"
ENOUGH_ROWS = 1000


@dataclass(frozen=True)
class Lines:
    """Lines of the champion's log in window order, and when they were answered."""

    table: "pl.DataFrame"
    from_us: int
    to_us: int


def own_lines(look: "Look") -> "pl.DataFrame":
    """All lines of this epoch's champion up to the look's position, in window order."""
    import polars as pl

    from volant.monitoring.windows import in_order

    project = look.project
    lines = predictions_of(project).table(project.name, upto=look.position)
    return in_order(lines.filter((pl.col("epoch") == look.epoch) & (pl.col("arm") == CHAMPION_ARM)))


def newest_lines(look: "Look", most: int) -> Lines | None:
    """Those of the newest windows that together have a thousand rows, or of all there are; the newest ``most`` of them."""
    extents = look.project.windows.extents(look.project.name, look.epoch, CHAMPION_ARM)
    if not extents:
        return None
    first = _first_of_newest(extents)
    lines = own_lines(look)
    return _within(lines.filter(lines["at"] >= first.from_us).tail(most))


def first_lines(look: "Look", most: int) -> Lines | None:
    """Those that were answered first in this epoch."""
    return _within(own_lines(look).head(most))


def _within(lines: "pl.DataFrame") -> Lines | None:
    if lines.height == 0:
        return None
    times = lines["at"].to_numpy()
    return Lines(lines, int(times.min()), int(times.max()))


def _first_of_newest(extents: tuple[Extent, ...]) -> Extent:
    rows = 0
    for extent in reversed(extents):
        rows += extent.rows
        if rows >= ENOUGH_ROWS:
            return extent
    return extents[0]


def comparable(look: "Look") -> "dict[str, pl.Series]":
    """Inputs of the rows that the champion learned from, in order of time; without those that name rows or move on with time."""
    reference = references_of(look).of(look.version.number)
    left = set() if reference is None else {name for name, column in reference.columns.items() if column.left_out is not None}
    return {name: column for name, column in learned_inputs(look.project, look.version).items() if name not in left}


def references_of(look: "Look") -> References:
    """The stored references of the model's versions."""
    project = look.project
    return References(project.name, project.windows, project.objects, lambda version: reference_of_version(project, version))


def as_logged(name: str, lines: "pl.DataFrame") -> "pl.Series":
    """An input of the lines; null everywhere where no line has it."""
    import polars as pl

    return lines[name] if name in lines.columns else pl.Series(name, [None] * lines.height, dtype=pl.Null)


def short(name: str) -> str:
    """The input's own name."""
    return name.removeprefix(FEATURE_PREFIX)
