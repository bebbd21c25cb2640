"""The plan for a project's next gate decision, from its last report and the rate at which labels come. Light."""

from volant.config.model import ProjectConfig
from volant.gates.model import GateReport
from volant.gates.planning import GatePlan, plan_from
from volant.kernel.clock import DAY_US
from volant.kernel.errors import NotFoundError
from volant.wiring.project import Project

WEEK_US = 7 * DAY_US


def gate_plan(project: Project, version: str | None = None) -> GatePlan:
    """From the newest report of a version (default: of any). ``NotFoundError`` where nothing was judged yet."""
    if version is None:
        reports = project.gates.reports(project.name)
    else:
        reports = project.gates.for_package(project.name, project.registry.resolve(project.name, version).package)
    if not reports:
        raise NotFoundError(
            f"Nothing was judged yet{'' if version is None else f' for {version}'}: a plan needs one report to take the variance from.",
            next_step="volant run, or volant gate",
        )
    return plan_from(reports[0], _labels_per_day(project, reports[0]))


def _labels_per_day(project: Project, report: GateReport) -> float | None:
    """Labels of the last seven days; without any, the rows per day of the holdout, where rows have times."""
    now = project.clock.now()
    recent = project.labels.count(project.name, known_by=now, recorded_after=now - WEEK_US)
    return recent / 7 if recent else _rows_per_day(project.config, report)


def _rows_per_day(config: ProjectConfig, report: GateReport) -> float | None:
    start, end = report.holdout_from_us, report.holdout_to_us
    if config.data.time is None or start is None or end is None or end <= start:
        return None
    return (report.holdout_rows - 1) * DAY_US / (end - start)
