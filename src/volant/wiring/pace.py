"""How fast rows come: from the windows over the log where there are enough of them, else from what the data say."""

from volant.deployments.arms import CHAMPION
from volant.deployments.pace import LEAST_ROWS, Pace, declared_pace
from volant.wiring.project import Project


def pace_of(project: Project) -> Pace | None:
    """The pace of the traffic under the newest champion that had enough of it, or None."""
    epochs = [epoch for epoch, arm in project.windows.arms(project.name) if arm == CHAMPION]
    for epoch in reversed(epochs):
        extents = project.windows.extents(project.name, epoch, CHAMPION)
        rows = sum(extent.rows for extent in extents)
        span_us = max((extent.to_us for extent in extents), default=0) - min((extent.from_us for extent in extents), default=0)
        if rows >= LEAST_ROWS and span_us > 0:
            return Pace(rows=rows, span_us=span_us, known_from=f"{rows:,} rows of the log")
    return declared_pace(project.config)
