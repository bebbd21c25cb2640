"""What a person should hear about a rollout: one alert per cause, told in the transaction of the decision, resolved by a
later one.
"""

from volant.deployments.model import End, Phase, Rollout
from volant.monitoring.alert_model import Severity
from volant.monitoring.alerts import Alerts
from volant.monitoring.concerns import Concern

TAKEN_BACK, UNDECIDED, HELD = "rollout taken back", "rollout undecided", "rollout waits"


def tell(alerts: Alerts, before: Rollout, after: Rollout) -> None:
    """Raise what a change of a rollout brings about, and resolve what it ends."""
    if _stands(before) == _stands(after):
        return
    found = concern(after)
    if found is not None:
        alerts.raise_(found.cause, severity=found.severity, sentence=found.sentence, facts=dict(found.facts), model=after.model)
    for cause, over in (
        (TAKEN_BACK, after.phase is Phase.PROMOTED),
        (UNDECIDED, not (after.active and after.undecided)),
        (HELD, after.phase is not Phase.HELD),
    ):
        if over:
            alerts.resolve(cause, model=after.model, sentence=after.sentence)


def concern(state: Rollout) -> Concern | None:
    """What the newest rollout needs a person for."""
    facts: dict[str, str | int | float | None] = {"rollout": state.id, "version": state.candidate, "champion": state.champion}
    if state.phase in {Phase.ROLLED_BACK, Phase.REFUSED} and state.end in {End.HARM, End.UNFIT}:
        return Concern(cause=TAKEN_BACK, severity=Severity.WARNING, sentence=state.sentence, facts=facts)
    if state.active and state.undecided:
        return Concern(cause=UNDECIDED, severity=Severity.WARNING, sentence=state.sentence, facts=facts)
    if state.phase is Phase.HELD:
        return Concern(cause=HELD, severity=Severity.INFO, sentence=state.sentence, facts=facts)
    return None


def _stands(state: Rollout) -> tuple[str, Phase, bool]:
    return state.id, state.phase, state.undecided
