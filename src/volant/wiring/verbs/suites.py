"""``suite`` (one that a person asks for) and ``suites`` (those whose time has come), in the child."""

from pathlib import Path
from typing import Any

from volant.config.model import SuiteCheck, SuiteConfig
from volant.gates.model import Verdict
from volant.kernel.codec import canonical
from volant.kernel.errors import IllegalTransitionError, NotFoundError, VolantError
from volant.loop.suite_ledger import BY_ITSELF, SuiteLedger, due
from volant.loop.suite_model import SuiteEnd, SuiteLine, SuiteReport
from volant.monitoring.alert_model import Severity
from volant.monitoring.concerns import DRIFT
from volant.registry.model import ModelVersion
from volant.wiring.project import Project
from volant.wiring.suites import run_view
from volant.wiring.verbs import watching
from volant.wiring.verbs.cycles import alone, in_turn, ports_of, scoring_apart, setting_of
from volant.wiring.verbs.opened import opened
from volant.wiring.verbs.training import checkpoint_if_leading
from volant.wiring.worker import Report

Json = dict[str, Any]
PAGES = frozenset({SuiteCheck.BASELINE, SuiteCheck.FLOORS})  # how right the champion is; the rest is a ticket


def suite(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Run one now. ``NotFoundError`` for a name that volant.yaml does not have."""
    project = opened(root, environment)
    asked = _named(project, request["name"])
    champion = _champion(project)
    with in_turn(project, report):
        start = SuiteLedger(project.events, project.name).begin(asked.name, request["actor"])
        _run(project, asked, champion, report, start=start, actor=request["actor"])
    checkpoint_if_leading(project)
    return run_view(project, start)


def suites(root: Path, environment: dict[str, str], _request: Json, report: Report) -> Json:
    """Run those whose present period nobody claimed. ``ConflictError`` while a run is going on: nothing is claimed then."""
    project = opened(root, environment)
    ledger = SuiteLedger(project.events, project.name)
    champion, began = _champion(project), []
    with alone(project):
        for asked in due(project.config.suites, ledger.claimed()[1], project.clock.now()):
            start = ledger.claim(asked, project.clock.now())
            if start is not None:
                began.append(start)
                _run(project, asked, champion, report, start=start, actor=BY_ITSELF)
    if began:
        checkpoint_if_leading(project)
    return {"runs": [run_view(project, start) for start in began]}


def _named(project: Project, name: str) -> SuiteConfig:
    found = next((suite for suite in project.config.suites if suite.name == name), None)
    if found is None:
        known = ", ".join(suite.name for suite in project.config.suites)
        raise NotFoundError(
            f"There is no suite {name[:80]!r}.",
            found=f"volant.yaml has {known}" if known else "volant.yaml has no suites",
            next_step=f"volant suite run {project.config.suites[0].name}" if known else "add suites: to volant.yaml",
        )
    return found


def _champion(project: Project) -> ModelVersion:
    champion = project.registry.state(project.name).champion
    if champion is None:
        raise IllegalTransitionError("A suite tests the champion, and there is none.", next_step="volant approve lets a version out")
    return project.registry.version(project.name, champion)


def _run(project: Project, asked: SuiteConfig, champion: ModelVersion, report: Report, *, start: str, actor: str) -> None:
    """Test, keep what came of it, and raise or resolve one alert for each cause. An error ends the run and is kept."""
    from volant.loop.suite_testing import run_suite

    ledger = SuiteLedger(project.events, project.name)
    try:
        if SuiteCheck.DRIFT in asked.checks:
            report("reading the log", None)
            watching.keep_watch(project)
        with scoring_apart(project) as scorer:
            found = run_suite(ports_of(project), setting_of(project, scorer), asked, champion, report)
    except Exception as error:
        said = str(error).splitlines()[0] if str(error) else repr(error)
        ledger.end(SuiteEnd(suite=asked.name, start=start, version=champion.number, error=said), actor)
        _tell_of_error(project, asked, said)
        if not isinstance(error, VolantError) or actor != BY_ITSELF:
            raise
        return
    with project.tx.transaction():
        ledger.end(_end(project, found, start), actor)
        _tell(project, asked, found)
    if SuiteCheck.DRIFT in asked.checks:
        watching.tell(project)


def _end(project: Project, found: SuiteReport, start: str) -> SuiteEnd:
    return SuiteEnd(
        suite=found.suite,
        start=start,
        verdict=found.verdict,
        version=found.version,
        lines=len(found.lines),
        failed=len(found.failed),
        report=project.objects.put(canonical(found)),
    )


def _tell_of_error(project: Project, asked: SuiteConfig, said: str) -> None:
    project.alerts.raise_(
        f"suite {asked.name}",
        severity=Severity.WARNING,
        sentence=f"The suite {asked.name} could not be run: {said}",
        facts={"suite": asked.name},
        model=project.name,
    )


def _tell(project: Project, asked: SuiteConfig, found: SuiteReport) -> None:
    """Drift is told of by the windows themselves: one alert for one cause."""
    project.alerts.resolve(f"suite {asked.name}", model=project.name, sentence="the suite was run again")
    for line in found.lines:
        if line.cause == DRIFT:
            continue
        if line.verdict is Verdict.FAIL:
            _raise(project, found, line)
        elif line.verdict is Verdict.PASS:
            project.alerts.resolve(line.cause, model=project.name, sentence=f"the suite {asked.name} finds it in order again")
    asked_still = {line.cause for line in found.lines}
    for alert in project.alerts.open(project.name):
        if alert.cause.startswith(f"suite {asked.name}: ") and alert.cause not in asked_still:
            project.alerts.resolve(alert.cause, model=project.name, sentence=f"the suite {asked.name} does not ask this any more")


def _raise(project: Project, found: SuiteReport, line: SuiteLine) -> None:
    facts: dict[str, Any] = {"suite": found.suite, "version": found.version, "rows": line.rows}
    if line.result is not None:
        facts |= {"value": line.result.candidate, "low": line.result.low, "high": line.result.high, "needed": line.result.allowed}
    project.alerts.raise_(
        line.cause,
        severity=Severity.CRITICAL if line.check in PAGES else Severity.WARNING,
        sentence=f"The suite {found.suite} failed on {found.model}@{found.version}: {line.sentence}",
        facts=facts,
        model=project.name,
    )
