"""Checks the story against what is stored: registry, decisions, rollouts, gate reports, alerts, log, lineage, replay, audit."""

from typing import TYPE_CHECKING, Any, NamedTuple

from volant.cli.demo.running import StoryError
from volant.deployments import history as rollouts
from volant.deployments.model import Rollout
from volant.gates.model import Verdict
from volant.loop.ledger import DecisionLedger
from volant.loop.model import Action
from volant.registry.model import VersionState

if TYPE_CHECKING:
    from volant.wiring.project import Project


class Cast(NamedTuple):
    """Versions by the part they played: promoted, refused by the gate, rolled back in canary."""

    good: int
    refused: int
    broken: int


def expect(happened: bool, otherwise: str) -> None:
    """``StoryError`` unless it happened."""
    if not happened:
        raise StoryError(otherwise)


def newest(project: "Project") -> int:
    """The number of the newest version."""
    return project.models.versions(project.name)[0].number


def check_all(project: "Project", cast: Cast, *, asked: int, answered: int) -> dict[str, Any]:
    """Everything that was told, from stored facts; what is worth showing. ``StoryError`` names the first that does not hold."""
    from volant.wiring import commands

    _registry(project, cast)
    _decisions(project, cast)
    walked = _rollouts(project)
    expect(walked.get(cast.good) == (False, True, "promoted"), f"version {cast.good} should have been promoted through shadow and canary")
    expect(walked.get(cast.broken) == (False, True, "rolled_back"), f"version {cast.broken} should have been rolled back in canary")
    expect(cast.refused not in walked, f"version {cast.refused} should never have met a request")
    _alerts(project)
    expect(asked == answered, f"{asked} rows were asked for, and {answered} answered")
    replayed = commands.replay_lived(project)
    expect(all(one["same"] for one in replayed["decisions"]), f"every decision should come out again as it was: {replayed['sentence']}")
    expect(commands.audit_verify(project)["intact"], "the chain of decisions should be intact")
    return {"versions": cast._asdict(), "answered": answered, "replay": replayed["sentence"], "alerts": _causes(project)}


def _registry(project: "Project", cast: Cast) -> None:
    state = project.registry.state(project.name)
    expect(state.champion == cast.good, f"version {cast.good} should be the champion in the end, and {state.champion} is")
    expect(state.versions[cast.refused] is VersionState.REGISTERED, f"version {cast.refused} should only be registered")
    reports = {number: project.registry.report(project.models.get(project.name, number)) for number in cast}
    verdicts = {number: None if report is None else report.verdict for number, report in reports.items()}
    wanted = {cast.good: Verdict.PASS, cast.refused: Verdict.FAIL, cast.broken: Verdict.PASS}
    expect(verdicts == wanted, f"the gates should have said {wanted}, and said {verdicts}")


def _decisions(project: "Project", cast: Cast) -> None:
    """The good version came of a retrain that the live error asked for, and everything that was decided kept its grounds."""
    ledger = DecisionLedger(project.events, project.name)
    made = {end.version: end.decision for end in ledger.ends()}
    decided = {event.id: decision for event, decision in ledger.decisions()}
    decision = decided.get(made.get(cast.good, ""))
    expect(decision is not None and decision.action is Action.RETRAIN, f"version {cast.good} should come of an automatic retrain")
    assert decision is not None
    expect("performance" in (decision.trigger or ""), f"worse performance should have asked for it, and {decision.trigger} did")
    without = [one.sentence for one in decided.values() if one.grounds is None or not project.objects.has(one.grounds)]
    expect(not without, f"every decision should have kept its grounds, and these did not: {without}")


def _rollouts(project: "Project") -> dict[int, tuple[bool, bool, str]]:
    """By candidate: whether its first and its last stage were live, and how it ended."""
    state, found = Rollout(model=project.name), {}
    for event in project.events.read(rollouts.stream_of(project.name)):
        state = rollouts.evolve(state, event)
        if state.stages:
            found[state.candidate] = (state.stages[0].live, state.stages[-1].live, state.phase.value)
    return found


def _alerts(project: "Project") -> None:
    raised = {alert.cause: alert for alert in project.alerts.all(project.name)}
    expect("performance" in raised, f"worse performance should have been an alert, and there were only {sorted(raised)}")
    expect(not raised["performance"].is_open, "the alert should be resolved since the better version answers")


def _causes(project: "Project") -> list[str]:
    return sorted({alert.cause for alert in project.alerts.all(project.name)})


def lineage_of(project: "Project", prediction: str) -> None:
    """The prediction leads to the champion, and that to its data, code, gate and the policy that let it out."""
    from volant.wiring import commands

    found = commands.lineage(project, prediction)
    champion = project.registry.state(project.name).champion
    above = found["from"][0]
    expect(above["node"] == f"model:{project.name}@{champion}", f"the last prediction should be the champion's, and is of {above['node']}")
    nouns = {node.partition(":")[0] for node in _nodes(found)}
    expect({"run", "dataset", "gate", "pipeline"} <= nouns, f"it should lead to run, data, gate and pipeline, and leads to {sorted(nouns)}")
    promoted = [release for release in above["releases"] if release["kind"] == "promoted"]
    expect(bool(promoted) and str(promoted[-1].get("decision", "")).startswith("rollout:"), "it should say which rollout let it out")


def _nodes(tree: dict[str, Any]) -> list[str]:
    return [tree["node"], *(node for branch in tree.get("from", []) for node in _nodes(branch))]
