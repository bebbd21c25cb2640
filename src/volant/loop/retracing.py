"""The loop's decisions made once more, one by one: on the grounds that were kept with them, and on grounds made anew from the
log, the labels and the streams as they were at that instant. Reads only.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from volant.config.model import GateKind
from volant.gates.rederiving import checks_again
from volant.kernel.codec import plain
from volant.kernel.errors import VolantError
from volant.kernel.events import Event
from volant.loop.decide import decide
from volant.loop.grounds import Grounds, Occasion, kept
from volant.loop.ledger import Entries, stream_of
from volant.loop.lived import Lived, Recomputed
from volant.loop.model import Action, Decision
from volant.loop.retraced import Difference, Figure, Kind, Retraced
from volant.loop.setting import Ports

STORED, LOG = "stored", "log"
PERSON = "person"
_ALIKE = 1e-9  # relative: sums may be added up in another order on another machine


def retraced_decisions(ports: Ports, model: str, progress: Callable[[float], None] = lambda _: None) -> tuple[Retraced, ...]:
    """All of ``loop/NAME``, in order."""
    decided = Entries(ports.events.read(stream_of(model))).decisions()
    found = []
    for number, (event, decision) in enumerate(decided):
        found.append(retraced(ports, event, decision))
        progress((number + 1) / len(decided))
    return tuple(found)


def retraced(ports: Ports, event: Event, decision: Decision) -> Retraced:
    """One decision with what comes out now."""
    told = Retraced(
        id=event.id,
        kind=Kind.LOOP,
        at=decision.at,
        action=decision.action.value,
        version=decision.version,
        sentence=decision.sentence,
    )
    if decision.trigger == PERSON:
        return msgspec.structs.replace(told, checked=False, note="a person asked for it")
    if decision.grounds is None:
        return msgspec.structs.replace(told, checked=False, note="it was made before grounds were kept with decisions")
    try:
        grounds = kept(ports.objects, decision.grounds)
        differences = (*_on_what_was_kept(event, decision, grounds), *_on_the_log(ports, decision, grounds), *_on_the_gate(ports, grounds))
    except (VolantError, msgspec.MsgspecError) as error:
        differences = (Difference(where=STORED, figure="grounds", then="kept", now=f"cannot be read: {error}"),)
    return msgspec.structs.replace(told, differences=tuple(differences))


def decided_on(grounds: Grounds) -> Decision:
    """What the decision core says on these grounds: of several the one that is acted upon, and so is kept."""
    found = decide(grounds.state, grounds.evidence, grounds.policy, grounds.seen.at)
    if grounds.occasion is Occasion.RELEASE:
        return found[0]
    return next((decision for decision in found if decision.action in {Action.RETRAIN, Action.PROMOTE}), found[-1])


def made_anew(ports: Ports, grounds: Grounds, number: int | None = None) -> Grounds:
    """The grounds as the raw records give them, cut where the decision's own were."""
    lived = Lived(ports, grounds.seen, grounds.policy, Recomputed(ports))
    if grounds.occasion is Occasion.RELEASE:
        return lived.grounds_of_release(grounds.state.candidate or number or 0)
    return lived.grounds(grounds.looked_before)


def _on_what_was_kept(event: Event, decision: Decision, grounds: Grounds) -> Iterator[Difference]:
    if grounds.seen.loop != event.seq - 1:
        yield Difference(where=STORED, figure="place in the stream", then=grounds.seen.loop + 1, now=event.seq)
    yield from differences(STORED, _said(decision), _said(decided_on(grounds)))


def _on_the_log(ports: Ports, decision: Decision, grounds: Grounds) -> Iterator[Difference]:
    try:
        anew = made_anew(ports, grounds, decision.version)
    except VolantError as error:
        yield Difference(where=LOG, figure="grounds", then="made", now=f"cannot be made: {error}")
        return
    stored = msgspec.json.decode(ports.objects.get(decision.grounds or ""))
    yield from differences(LOG, stored["state"], plain(anew.state), "state")
    yield from differences(LOG, stored["evidence"], plain(anew.evidence), "evidence")
    yield from differences(LOG, _outcome(decision), _outcome(decided_on(anew)))


def _on_the_gate(ports: Ports, grounds: Grounds) -> Iterator[Difference]:
    """Every check of the report that was decided on, made once more from the rows, answers and facts that it kept."""
    if grounds.evidence.candidate_report is None:
        return
    report = ports.gates.get(grounds.evidence.candidate_report)
    again = checks_again(report, ports.objects)
    if again is not None:
        then = [plain(check) for check in report.checks if check.check.kind is not GateKind.HOLDOUT]
        yield from differences(LOG, then, [plain(check) for check in again], "checks")


def _said(decision: Decision) -> dict[str, Any]:
    """Everything a decision says but where its grounds are."""
    found: dict[str, Any] = plain(decision)
    return {name: value for name, value in found.items() if name != "grounds"}


def _outcome(decision: Decision) -> dict[str, Any]:
    """What a decision comes to."""
    return {"action": decision.action.value, "version": decision.version, "trigger": decision.trigger, "held": decision.held}


def differences(where: str, then: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Where two plain values differ, figure by figure. What ``then`` does not name, a newer Volant knows beside it."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in then:
            yield from differences(where, then.get(name), now.get(name), f"{path}.{name}" if path else name)
    elif isinstance(then, list | tuple) and isinstance(now, list | tuple):
        if len(then) != len(now):
            yield Difference(where=where, figure=f"{path}, how many", then=len(then), now=len(now))
        for number, (one, other) in enumerate(zip(then, now, strict=False)):
            yield from differences(where, one, other, f"{path}[{number}]")
    elif not _alike(then, now):
        yield Difference(where=where, figure=path, then=_figure(then), now=_figure(now))


def _alike(then: Any, now: Any) -> bool:
    if isinstance(then, float) and isinstance(now, int | float):
        return math.isclose(then, now, rel_tol=_ALIKE, abs_tol=_ALIKE)
    return bool(then == now)


def _figure(value: Any) -> Figure:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)[:200]
