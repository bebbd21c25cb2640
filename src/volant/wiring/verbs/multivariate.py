"""Whether the newest windows, taken as whole rows, are unlike what the champion learned from."""

from typing import TYPE_CHECKING

from volant.kernel.errors import VolantError
from volant.monitoring.inspection_model import Driver, MultivariateFound
from volant.wiring.verbs.comparing import as_logged, comparable, newest_lines, short

if TYPE_CHECKING:
    import polars as pl

    from volant.monitoring.domain_classifier import Separation
    from volant.wiring.verbs.comparing import Lines
    from volant.wiring.verbs.inspecting import Look

_LEAST_LOST = 0.002


def moved_together(look: "Look") -> tuple[MultivariateFound, str]:
    """What a domain classifier says."""
    from volant.monitoring.domain_classifier import MOST_REFERENCE_ROWS, MOST_WINDOW_ROWS, matrix, told_apart

    lines = newest_lines(look, MOST_WINDOW_ROWS)
    try:
        reference = {name: column.tail(MOST_REFERENCE_ROWS) for name, column in comparable(look).items()}
    except VolantError as error:
        return _nothing(lines, f"the rows it learned from are gone ({error})")
    why_not = _why_not(reference, lines)
    if lines is None or why_not is not None:
        return _nothing(lines, why_not or "nothing was answered yet")
    look.report("telling the window's rows from the reference's", None)
    window = {name: as_logged(name, lines.table) for name in reference}
    before, after, named = matrix(reference, window)
    found = told_apart(before, after, named, seed=int(look.asked["seed"]))
    said = MultivariateFound(
        rows=len(after),
        reference_rows=len(before),
        from_us=lines.from_us,
        to_us=lines.to_us,
        auc=found.auc,
        p=found.p,
        drifted=found.drifted,
        p_rows=found.p_rows,
        p_stretches=found.p_stretches,
        usual=found.usual,
        stretches=found.stretches,
        drivers=_drivers(look, [*reference], found),
    )
    return said, _sentence(said)


def _why_not(reference: "dict[str, pl.Series]", lines: "Lines | None") -> str | None:
    from volant.monitoring.domain_classifier import FEWEST_ROWS

    if lines is None or lines.table.height < FEWEST_ROWS:
        return f"{0 if lines is None else lines.table.height} rows were answered in this epoch; {FEWEST_ROWS} are needed"
    if not reference:
        return "no input can be compared"
    rows = max(len(column) for column in reference.values())
    return f"the champion learned from {rows} rows; {FEWEST_ROWS} are needed" if rows < FEWEST_ROWS else None


def _nothing(lines: "Lines | None", why: str) -> tuple[MultivariateFound, str]:
    found = MultivariateFound(
        rows=0 if lines is None else lines.table.height,
        reference_rows=0,
        from_us=0 if lines is None else lines.from_us,
        to_us=0 if lines is None else lines.to_us,
        auc=0.5,
        p=1.0,
        drifted=False,
        p_rows=1.0,
        why_not=why,
    )
    return found, f"Rows could not be compared as a whole: {why}."


def _drivers(look: "Look", names: list[str], found: "Separation") -> tuple[Driver, ...]:
    """Columns that carry something, the most important first; with what the default monitor says of each by itself."""
    report = look.project.windows.drift(look.project.name, look.epoch)
    alone = {} if report is None else {column.column: column.drifting for column in report.columns if column.left_out is None}
    drivers = [Driver(name=short(name), lost=float(lost), alone=alone.get(name)) for name, lost in zip(names, found.lost, strict=True)]
    return tuple(sorted((one for one in drivers if one.lost >= _LEAST_LOST), key=lambda one: -one.lost))


def _sentence(found: MultivariateFound) -> str:
    rows = f"{found.rows:,} live rows"
    if not found.drifted:
        usual = f", as stretches of the reference can be (usually {found.usual:.3f})" if found.usual is not None else ""
        return f"Whole rows have not moved: {rows} are told from the reference's with an AUC of {found.auc:.3f}{usual}."
    names = ", ".join(driver.name for driver in found.drivers[:3])
    together = all(driver.alone is False for driver in found.drivers[:3]) and bool(names)
    how = f"; {names} moved together, though none of them by itself" if together else f"; most of it is in {names}" if names else ""
    unsure = "" if found.p_stretches is not None else " (the reference is too short to show how much its own stretches differ)"
    return f"Whole rows have moved: {rows} are told from the reference's with an AUC of {found.auc:.3f}{how}{unsure}."
