"""What a look of the automation tells people: one alert per cause, resolved by itself when the cause is gone."""

from volant.kernel.errors import CheckFailedError, VolantError
from volant.loop.ledger import CycleEnd
from volant.loop.model import Decision
from volant.loop.turning import Looked
from volant.monitoring.alert_model import Severity
from volant.monitoring.alert_sights import performance_sight
from volant.wiring.last_good import keep_settings
from volant.wiring.project import Project

TRAINING, CONTRACT, PERFORMANCE, SETTINGS = "training", "data contract", "performance", "settings"


def tell(project: Project, looked: Looked) -> None:
    """Raise and resolve what this look says."""
    _about_performance(project, looked.decisions)
    if looked.end is not None:
        _about_cycle(project, looked.end)


def tell_of_settings(project: Project, problem: VolantError | None) -> None:
    """Whether ``volant.yaml`` can be used; while it cannot, the last good settings hold."""
    if problem is None:
        keep_settings(project)
        project.alerts.resolve(SETTINGS, model=project.name, sentence="volant.yaml can be used again")
        return
    project.alerts.raise_(
        SETTINGS,
        severity=Severity.WARNING,
        sentence=f"volant.yaml cannot be used, so the settings before it hold: {problem}",
        facts={"found": problem.found, "next_step": problem.next_step},
        model=project.name,
    )


def _about_cycle(project: Project, end: CycleEnd) -> None:
    broken = CONTRACT if end.code == CheckFailedError.code else TRAINING if end.error is not None else None
    for cause in (TRAINING, CONTRACT):
        if cause != broken:
            said = "a later training read the data and finished" if broken is None else "the next training failed otherwise"
            project.alerts.resolve(cause, model=project.name, sentence=said)
    if broken is not None:
        project.alerts.raise_(
            broken,
            severity=Severity.WARNING,
            sentence=f"A retraining came to nothing: {end.error}",
            facts={"decision": end.decision, "run": end.run_id},
            model=project.name,
        )


def _about_performance(project: Project, decisions: tuple[Decision, ...]) -> None:
    """Only what labels say: an estimate asks for a challenger and rouses nobody."""
    heard = [decision for decision in decisions if PERFORMANCE in (decision.trigger or "").split(" + ")]
    if not heard:
        project.alerts.resolve(PERFORMANCE, model=project.name, sentence="the live metric is not surely worse any more")
        return
    project.alerts.raise_(
        PERFORMANCE,
        severity=Severity.CRITICAL,
        sentence=f"The model has become worse: {heard[0].sentence.removesuffix(f'; but {heard[0].held}')}",
        facts=dict(heard[0].evidence),
        model=project.name,
        sight=performance_sight(project.windows.live(project.name, project.registry.state(project.name).epoch)),
    )
