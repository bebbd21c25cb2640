"""Suites as plain JSON values: for ``volant suite``, the API and the pages. Light."""

from typing import TYPE_CHECKING, Any

from volant.config.model import SuiteConfig
from volant.gates.model import Verdict
from volant.kernel.codec import decode, plain
from volant.kernel.errors import NotFoundError
from volant.loop.suite_ledger import SuiteLedger, period_of
from volant.loop.suite_model import SuiteReport, SuiteRun
from volant.wiring.child import Progress, call, quiet

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
NEWEST = 30
TONES = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.NOT_ENOUGH: "open"}


def run(project: "Project", name: str, *, actor: str, progress: Progress = quiet) -> Json:
    """Run one now, in a child. ``NotFoundError`` for a name that volant.yaml does not have."""
    return call(project.root, "suite", {"name": name, "actor": actor}, environment=project.environment, progress=progress)


def suites(project: "Project", name: str | None = None) -> Json:
    """The suites of volant.yaml with their newest report and runs; of one with everything its newest report says."""
    runs = SuiteLedger(project.events, project.name).runs()
    shown = [suite for suite in project.config.suites if name in {None, suite.name}]
    if name is not None and not shown:
        known = ", ".join(suite.name for suite in project.config.suites) or "none"
        raise NotFoundError(f"There is no suite {name[:80]!r}.", found=f"volant.yaml has {known}", next_step="volant suite show")
    return {"model": project.name, "suites": [_suite(project, suite, runs) for suite in shown]}


def run_view(project: "Project", start: str) -> Json:
    """One run by the id of the event that began it."""
    found = next(run for run in SuiteLedger(project.events, project.name).runs() if run.id == start)
    return {**_run(found), "report": _report(project, found)}


def _suite(project: "Project", suite: SuiteConfig, runs: tuple[SuiteRun, ...]) -> Json:
    own = [run for run in reversed(runs) if run.suite == suite.name]
    told = next((run for run in own if run.end is not None and run.end.report is not None), None)
    present = period_of(suite, project.clock.now())
    claimed = any(run.period == present for run in own)
    return {
        "name": suite.name,
        "every_us": suite.every_us,
        "checks": [check.value for check in suite.checks],
        "next_at": (present + 1) * suite.every_us if claimed else None,  # None: as soon as a server looks
        "runs": [_run(run) for run in own[:NEWEST]],
        "newest": None if told is None else {**_run(told), "report": _report(project, told)},
    }


def _run(run: SuiteRun) -> Json:
    end = run.end
    verdict = None if end is None else end.verdict
    return {
        "id": run.id,
        "suite": run.suite,
        "began_at": run.began_at,
        "ended_at": run.ended_at,
        "actor": run.actor,
        "version": None if end is None else end.version,
        "verdict": None if verdict is None else verdict.value,
        "tone": "neutral" if verdict is None else TONES[verdict],
        "lines": 0 if end is None else end.lines,
        "failed": 0 if end is None else end.failed,
        "error": None if end is None else end.error,
    }


def _report(project: "Project", run: SuiteRun) -> Json | None:
    """What it found, with its verdict; None where it came to nothing."""
    if run.end is None or run.end.report is None:
        return None
    found = decode(project.objects.get(run.end.report), SuiteReport)
    lines = [{**plain(line), "tone": TONES[line.verdict]} for line in found.lines]
    return {**plain(found), "verdict": found.verdict.value, "lines": lines}
