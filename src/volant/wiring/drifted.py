"""What drift the champion met, from the stored report alone: for ``volant monitor``, the API and the pages. Light."""

from typing import Any

from volant.kernel.codec import plain
from volant.monitoring.drift_model import ANSWERS, ColumnDrift, DriftReport, DriftWindow
from volant.wiring.project import Project

Json = dict[str, Any]


def drift_view(project: Project, *, limit: int = 20) -> Json | None:
    """``columns``: where each stands, those that moved first; ``strip``: the newest windows, oldest first. None where nothing
    was compared yet.
    """
    state = project.registry.state(project.name)
    report = None if state.champion is None else project.windows.drift(project.name, state.epoch)
    return None if report is None else shown(report, limit)


def shown(report: DriftReport, limit: int) -> Json:
    """A report as people and programs read it."""
    order = sorted(report.columns, key=lambda column: (not column.drifting, column.left_out is not None, -column.stake, column.column))
    return {
        "version": report.version,
        "as_of": report.recorded_at,
        "reference_rows": report.reference_rows,
        "waiting": report.waiting,
        "drifting": [column.name for column in report.drifting],
        "columns": [_column(column) for column in order],
        "strip": [_window(window) for window in report.windows[max(len(report.windows) - limit, 0) :]],
    }


def _column(column: ColumnDrift) -> Json:
    return {**plain(column), "bars": [plain(bar) for bar in column.bars], "name": column.name, "answer": column.column in ANSWERS}


def _window(window: DriftWindow) -> Json:
    return {
        "number": window.number,
        "from_us": window.from_us,
        "to_us": window.to_us,
        "rows": window.rows,
        "columns": {name: plain(found) for name, found in window.columns.items()},
    }
