"""The life of a model's versions: pure decisions and their effect on the state.

Events of ``model/NAME`` and their data: ``registered`` {version, package, verdict}, ``proposed`` {version}, ``approved``
{version, reason, override, epoch}, ``promoted`` {version, decision, epoch}, ``rejected`` {version, reason}, ``rolled_back``
{version, to, reason, epoch}.
"""

from typing import Any

import msgspec

from volant.gates.model import GateReport, Verdict
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import CheckFailedError, ConflictError, IllegalTransitionError, NotFoundError, UsageError
from volant.kernel.events import Event, NewEvent
from volant.registry.model import ModelState, VersionState

REGISTERED, PROPOSED, APPROVED, PROMOTED, REJECTED = "registered", "proposed", "approved", "promoted", "rejected"
ROLLED_BACK = "rolled_back"
KINDS = frozenset({REGISTERED, PROPOSED, APPROVED, PROMOTED, REJECTED, ROLLED_BACK})
CHAMPION_CHANGED = "champion-changed"
MAX_REASON = 2000


def stream_of(model: str) -> str:
    """The name of a model's event stream."""
    return f"model/{model}"


def concerns(event: Event, number: int) -> bool:
    """Whether an event is about this version."""
    return decode(event.data, dict[str, Any]).get("version") == number


def evolve(state: ModelState, event: Event | NewEvent) -> ModelState:
    """The state after an event. Unknown kinds change nothing but the sequence: newer versions may write them."""
    changes: dict[str, object] = {"seq": state.seq + 1}
    if event.kind not in KINDS:
        return msgspec.structs.replace(state, **changes)
    data, versions = decode(event.data, dict[str, Any]), dict(state.versions)
    number = int(data["version"])
    if event.kind == ROLLED_BACK:
        versions[number], versions[int(data["to"])] = VersionState.ROLLED_BACK, VersionState.CHAMPION
        changes |= {"champion": int(data["to"]), "previous": None, "epoch": state.epoch + 1}
    elif event.kind == REGISTERED:
        versions[number] = VersionState.REGISTERED
    elif event.kind == PROPOSED:
        versions[number] = VersionState.PROPOSED
    elif event.kind == REJECTED:
        versions[number] = VersionState.REJECTED
    else:
        if state.champion is not None:
            versions[state.champion] = VersionState.RETIRED
        versions[number] = VersionState.CHAMPION
        changes |= {"champion": number, "previous": state.champion, "epoch": state.epoch + 1}
    return msgspec.structs.replace(state, versions=versions, **changes)


def replayed(model: str, events: tuple[Event, ...]) -> ModelState:
    """The state after all events of a model."""
    state = ModelState(model=model)
    for event in events:
        state = evolve(state, event)
    return state


def register(number: int, package: str, verdict: Verdict | None) -> list[NewEvent]:
    """A new version; one that passed its gate is proposed at once."""
    passed = verdict is Verdict.PASS
    events = [_event(REGISTERED, version=number, package=package, verdict=None if verdict is None else verdict.value)]
    return [*events, _event(PROPOSED, version=number)] if passed else events


def propose(state: ModelState, number: int) -> list[NewEvent]:
    """Wait for a person, if the version is not past that."""
    return [_event(PROPOSED, version=number)] if _standing(state, number) is VersionState.REGISTERED else []


def approve(state: ModelState, number: int, *, reason: str | None, override: bool, report: GateReport | None) -> list[NewEvent]:
    """A person lets a version out. ``report`` is the newest on it; without a passed gate that is an override."""
    standing = _standing(state, number)
    if standing is VersionState.CHAMPION:
        raise IllegalTransitionError(
            f"{state.model}@{number} is the champion already.", next_step=f"volant models show {state.model}@{number}"
        )
    lacking = _lacking(state, number, report)
    if lacking is not None and not override:
        raise lacking
    if override and not (reason or "").strip():
        raise UsageError("An override needs a reason.", next_step="add --reason TEXT: reviewers will read it", field="reason")
    return [_event(APPROVED, version=number, reason=said(reason), override=lacking is not None, epoch=state.epoch + 1)]


def _lacking(state: ModelState, number: int, report: GateReport | None) -> CheckFailedError | None:
    """Why a version may not be approved without an override, if so."""
    name = f"{state.model}@{number}"
    override = f"volant approve {name} --override --reason TEXT"
    if report is None or report.verdict is not Verdict.PASS:
        found = "it was never judged" if report is None else f"verdict: {report.verdict.value}"
        return CheckFailedError(f"{name} did not pass its gate.", found=found, next_step=f"{override}   (or train a better one)")
    if state.versions[number] in {VersionState.REJECTED, VersionState.ROLLED_BACK}:
        return CheckFailedError(f"{name} was {state.versions[number].value.replace('_', ' ')}.", next_step=override)
    if report.champion != state.champion:
        judged = "without a champion" if report.champion is None else f"against {state.model}@{report.champion}"
        return CheckFailedError(
            f"{name} was not judged against the present champion.",
            found=f"judged {judged}; {state.model}@{state.champion} serves now",
            next_step=f"volant gate {name}   (or {override})",
        )
    return None


def promote(state: ModelState, number: int, *, decision: str) -> list[NewEvent]:
    """The policy lets a version out; ``decision`` names the recorded decision."""
    if _standing(state, number) is VersionState.CHAMPION:
        return []
    if _standing(state, number) is not VersionState.PROPOSED:
        raise IllegalTransitionError(
            f"{state.model}@{number} cannot be promoted by policy.", found=f"it is {_standing(state, number).value}, not proposed"
        )
    return [_event(PROMOTED, version=number, decision=decision, epoch=state.epoch + 1)]


def overtaken(state: ModelState, number: int) -> ConflictError:
    """Another champion serves than the one a version was judged against."""
    return ConflictError(
        f"{state.model}@{number} was judged against another champion.",
        found=f"{state.model}@{state.champion} serves now",
        next_step=f"volant gate {state.model}@{number}",
    )


def reject(state: ModelState, number: int, *, reason: str | None) -> list[NewEvent]:
    """A person says no."""
    standing = _standing(state, number)
    if standing is VersionState.CHAMPION:
        raise IllegalTransitionError(
            f"{state.model}@{number} is the champion and cannot be rejected.",
            next_step=f"approve another version in its place: volant models {state.model}",
        )
    if standing is VersionState.REJECTED:
        raise IllegalTransitionError(f"{state.model}@{number} is rejected already.")
    return [_event(REJECTED, version=number, reason=said(reason))]


def roll_back(state: ModelState, *, reason: str) -> list[NewEvent]:
    """The former champion serves again, and the present one is taken back."""
    if state.champion is None or state.previous is None:
        found = (
            "there is no champion"
            if state.champion is None
            else f"{state.model}@{state.champion} replaced none, or was itself rolled back to"
        )
        raise IllegalTransitionError(
            f"{state.model} has no former champion to go back to.",
            found=found,
            next_step=f"volant approve {state.model}@N --override --reason TEXT lets any version out",
        )
    return [_event(ROLLED_BACK, version=state.champion, to=state.previous, reason=said(reason), epoch=state.epoch + 1)]


def said(reason: str | None) -> str | None:
    """A reason as it is kept. ``UsageError`` if it is longer than anyone would read."""
    text = (reason or "").strip()
    if len(text) > MAX_REASON:
        raise UsageError(
            "The reason is too long.", found=f"{len(text)} characters", next_step=f"at most {MAX_REASON} are kept", field="reason"
        )
    return text or None


def _standing(state: ModelState, number: int) -> VersionState:
    if number not in state.versions:
        raise NotFoundError(
            f"There is no model {state.model}@{number}.",
            found=f"versions {sorted(state.versions)}" if state.versions else "no versions yet",
            next_step="volant models lists them",
        )
    return state.versions[number]


def _event(kind: str, **data: object) -> NewEvent:
    return NewEvent(kind=kind, data=canonical(data))
