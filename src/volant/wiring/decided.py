"""Every automatic decision of a project as people read it: one sentence, and everything it was made from. Light."""

from typing import Any

import msgspec

from volant.deployments import evidence as weighing
from volant.deployments import history
from volant.deployments.model import Rollout
from volant.kernel.codec import plain
from volant.kernel.errors import NotFoundError, VolantError
from volant.kernel.events import Event
from volant.loop.grounds import Grounds, kept
from volant.loop.ledger import DecisionLedger
from volant.wiring.project import Project

Json = dict[str, Any]
_STEPS = {history.STARTED, history.BEGAN, history.HELD, history.UNDECIDED}
_ENDS = {history.PROMOTED, history.ROLLED_BACK, history.REFUSED}


def decisions(project: Project, limit: int = 50) -> list[Json]:
    """The newest decisions of the loop and of rollouts, newest first."""
    found = [*_of_loop(project), *(line for line, _ in _of_rollouts(project))]
    return sorted(found, key=lambda line: line["at"])[::-1][: max(limit, 0)]


def decision(project: Project, decision_id: str) -> Json:
    """One decision (the beginning of its id is enough) with everything it was made from. ``NotFoundError``."""
    states = {line["id"]: state for line, state in _of_rollouts(project)}
    found = [line for line in decisions(project, 1 << 30) if decision_id and line["id"].startswith(decision_id)]
    if len(found) != 1:
        raise NotFoundError(
            f"There is no decision {decision_id!r}." if not found else f"{decision_id!r} is the beginning of {len(found)} decisions.",
            next_step="volant policy decisions lists them",
        )
    line = found[0]
    if line["id"] in states:
        return {**line, "made_from": _of_traffic(states[line["id"]])}
    return {**line, "made_from": _of_grounds(project, line["grounds"])}


def _of_loop(project: Project) -> list[Json]:
    ledger = DecisionLedger(project.events, project.name)
    return [
        {
            "id": event.id,
            "kind": "loop",
            "at": found.at,
            "action": found.action.value,
            "version": found.version,
            "trigger": found.trigger,
            "by": event.actor,
            "sentence": found.sentence,
            "grounds": found.grounds,
        }
        for event, found in ledger.decisions()
    ]


def _of_rollouts(project: Project) -> list[tuple[Json, Rollout]]:
    """Each with the state that it led to."""
    state = Rollout(model=project.name)
    found = []
    for event in project.events.read(history.stream_of(project.name)):
        state = history.evolve(state, event)
        if event.kind in _STEPS | _ENDS:
            found.append((_line(event, state), state))
    return found


def _line(event: Event, state: Rollout) -> Json:
    name = f"{state.model}@{state.candidate}"
    began = f"{name} sets out into traffic beside {state.model}@{state.champion}"
    return {
        "id": event.id,
        "kind": "rollout",
        "at": event.recorded_at,
        "action": event.kind,
        "version": state.candidate,
        "trigger": None,
        "by": event.actor,
        "sentence": began if event.kind == history.STARTED else state.sentence,
        "grounds": None,
    }


def _of_traffic(state: Rollout) -> Json:
    """The counts and meters that a rollout's decision rests on."""
    return {
        "rollout": state.id,
        "evidence": plain(weighing.evidence(state)),
        "losses": plain(state.losses),
        "counts": plain(state.tally.epochs),
    }


def _of_grounds(project: Project, digest: str | None) -> Json | None:
    """The grounds with the text of the settings; None for decisions that were made before grounds were kept."""
    if digest is None:
        return None
    try:
        grounds: Grounds = kept(project.objects, digest)
        settings = project.objects.get(grounds.seen.files.settings).decode("utf-8", "replace")
    except (VolantError, msgspec.MsgspecError) as error:
        raise NotFoundError("What the decision was made from cannot be read.", found=str(error), next_step="volant audit verify") from error
    found: Json = plain(grounds)
    return {**found, "settings": settings}
