"""What a model's wheel waits for, who has to act, and the command that moves it. Pure, from the same facts as the wheel."""

from volant.config.model import Autonomy
from volant.deployments.model import Phase
from volant.gates.model import Verdict
from volant.kernel.codec import Value
from volant.registry.model import VersionState
from volant.wiring.wheel import STAGES, Facts, Wheel, turn


class Waiting(Value, frozen=True, kw_only=True):
    """``waits_for`` names who or what: "an approver", "you", "labels", "data". ``waiting`` is false where nothing is held up.

    ``tone`` is one of open, fail, neutral; ``takes_us`` how long it takes at the present rate.
    """

    waits_for: str
    text: str
    command: str
    since_at: int | None = None
    takes_us: int | None = None
    version: int | None = None
    tone: str = "open"
    waiting: bool = True


def waiting(facts: Facts, now: int, wheel: Wheel | None = None) -> Waiting:
    """The one thing that is next for a model; ``wheel`` spares turning it again."""
    return _on_rollout(facts) or _on_release(facts) or _on_turning(facts, wheel or turn(facts, now))


def _on_rollout(facts: Facts) -> Waiting | None:
    state = facts.rollout
    name = f"{facts.model}@{state.candidate}"
    if not _needs_person(facts):
        return None
    if state.approved_by is None:
        override = "" if state.passed_gate else " --override"
        command = f'volant approve {name}{override} --reason "..."'
        text = f"Version {state.candidate} waits for approval before its first live row."
        return Waiting(waits_for="an approver", text=text, command=command, since_at=state.step_began_at, version=state.candidate)
    text = f"Somebody has to decide on the rollout of version {state.candidate}."
    command = f'volant promote {name} --reason "..."'
    return Waiting(waits_for="an approver", text=text, command=command, since_at=state.step_began_at, version=state.candidate)


def _needs_person(facts: Facts) -> bool:
    """Whether a rollout on its way goes no further by itself."""
    return facts.rollout.phase is Phase.HELD or (facts.rollout.active and facts.rollout.undecided)


def _on_release(facts: Facts) -> Waiting | None:
    newest = facts.newest
    if newest is None:
        return Waiting(waits_for="you", text="There is no model yet: the first run trains one.", command="volant run")
    proposed = [number for number, standing in facts.state.versions.items() if standing is VersionState.PROPOSED]
    if proposed and facts.autonomy is Autonomy.PROPOSE and max(proposed) != (facts.rollout.candidate if facts.rollout.active else None):
        number = max(proposed)
        return Waiting(
            waits_for="an approver",
            text=f"Version {number} passed its gate and waits for approval.",
            command=f'volant approve {facts.model}@{number} --reason "..."',
            since_at=facts.waiting_since,
            version=number,
        )
    return None if facts.champion is not None else _on_override(facts, newest.number, newest.registered_at)


def _on_override(facts: Facts, number: int, registered_at: int) -> Waiting:
    name = f"{facts.model}@{number}"
    if facts.report is None:
        text = f"Version {number} has no gate report, and nothing serves."
        return Waiting(waits_for="you", text=text, command=f"volant gate {name}", version=number)
    return Waiting(
        waits_for="an approver",
        text=f"The gate did not pass version {number}, and nothing serves.",
        command=f'volant approve {name} --override --reason "..."',
        since_at=registered_at,
        version=number,
        tone="fail" if facts.report.verdict is Verdict.FAIL else "open",
    )


def _on_turning(facts: Facts, wheel: Wheel) -> Waiting:
    test, champion = wheel.cell("test"), facts.champion
    if facts.server is None and champion is not None:
        text = f"Version {champion.number} is the champion, but no server is up."
        return Waiting(waits_for="you", text=text, command="volant up", waiting=facts.own)
    if facts.loop.paused is not None:
        text = f"The automation is paused {facts.loop.paused}."
        return Waiting(waits_for="you", text=text, command="volant policy resume --reason TEXT")
    if test.waits_for is not None:
        text = f"Version {test.version} needs about {test.waits_for.replace(' label', ' more label')}."
        return Waiting(waits_for="labels", text=text, command="volant labels add FILE", takes_us=test.takes_us)
    if facts.rollout.active:
        release = wheel.cell("release")
        text = f"Version {facts.rollout.candidate} is on its way into traffic: {release.figure}."
        return Waiting(waits_for="traffic", text=text, command="volant status", tone="neutral", waiting=False, takes_us=release.takes_us)
    return _on_loop(wheel)


def _on_loop(wheel: Wheel) -> Waiting:
    found = wheel.cells[STAGES.index("loop")]
    turns = f"The wheel turns again after {found.waits}." if found.waits_for and found.state == "listens" else None
    text = turns or "New data or labels turn the wheel again."
    return Waiting(waits_for="data", text=text, command="volant run", tone="neutral", waiting=False, takes_us=found.takes_us)
