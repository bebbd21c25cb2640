"""Whole rows looked at by themselves: each time a window is full, where ``watch.drift.multivariate`` says so."""

from volant.monitoring.alert_model import Severity
from volant.monitoring.inspection_model import InspectionKind
from volant.wiring.project import Project

CAUSE = "whole rows"
_LAST = "last_window"


def look_at_whole_rows(project: Project, epoch: int, last: int) -> None:
    """Unless this was done when window ``last`` was the newest full one."""
    from volant.wiring.verbs.inspecting import looked

    known = project.inspections.newest(project.name, InspectionKind.MULTIVARIATE)
    if known is None or known.epoch != epoch or known.asked.get(_LAST) != last:
        looked(project, InspectionKind.MULTIVARIATE, {_LAST: last}, lambda _text, _share: None)


def tell_of_whole_rows(project: Project) -> list[str]:
    """An alert while the newest look says that they moved; never a page. The cause if it holds."""
    state = project.registry.state(project.name)
    known = project.inspections.newest(project.name, InspectionKind.MULTIVARIATE)
    if not project.config.watch.drift.multivariate or known is None or known.epoch != state.epoch or not known.found["drifted"]:
        project.alerts.resolve(CAUSE, model=project.name, sentence="the newest look at whole rows does not show it any more")
        return []
    project.alerts.raise_(
        CAUSE,
        severity=Severity.WARNING,
        sentence=f"{known.sentence} A challenger could learn from them: volant retrain",
        facts={"inspection": known.id, "auc": known.found["auc"], "columns": [driver["name"] for driver in known.found["drivers"]]},
        model=project.name,
    )
    return [CAUSE]
