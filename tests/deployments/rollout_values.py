"""Rollouts for tests: versions, commands and counts."""

from registry_values import MODEL, report, version

from volant.config.model import StepConfig, StepKind
from volant.deployments.model import BOUNDS_US, ArmCounts, EpochCounts, Tally
from volant.deployments.service import Rollouts
from volant.gates.model import Verdict
from volant.registry.service import Registry

SHADOW = StepConfig(kind=StepKind.SHADOW, rows=50)
TENTH = StepConfig(kind=StepKind.CANARY, rows=100, share=0.1)
HALF = StepConfig(kind=StepKind.CANARY, rows=100, share=0.5)
FULL = StepConfig(kind=StepKind.FULL, share=1.0)
STEPS = (SHADOW, TENTH, HALF, FULL)
LIMIT_US = 1_000_000_000


def counts(requests, errors=0, *, slow=0, bucket=1):
    """Requests of one row each; ``slow`` of those that went well took longer than any bound."""
    times = [0] * (len(BOUNDS_US) + 1)
    times[bucket], times[-1] = requests - errors - slow, slow
    return ArmCounts(rows=requests, requests=requests, errors=errors, times=tuple(times))


def tally(**epochs):
    """``tally(e1=(champion, candidate))``."""
    return Tally(epochs={name[1:]: EpochCounts(champion=champion, candidate=candidate) for name, (champion, candidate) in epochs.items()})


def services(stores, clock, ids, **more):
    registry = Registry(tx=stores.tx, events=stores.events, models=stores.models, gates=stores.gates)
    return registry, Rollouts(tx=stores.tx, events=stores.events, registry=registry, clock=clock, ids=ids, **more)


def with_champion(stores, registry, versions=3):
    """Version 1 serves, the others passed a gate against it."""
    stores.gates.add(report("g1", 1, Verdict.PASS))
    registry.register(version(1), Verdict.PASS, actor="a")
    registry.approve(MODEL, 1, reason="first", actor="a")
    for number in range(2, versions + 1):
        stores.gates.add(report(f"g{number}", number, Verdict.PASS, 1))
        registry.register(version(number), Verdict.PASS, actor="a")


def start(rollouts, candidate=2, **changes):
    given = {"steps": STEPS, "time_limit_us": LIMIT_US, "actor": "policy", "approver": "policy"} | changes
    return rollouts.start(MODEL, candidate, **given)
