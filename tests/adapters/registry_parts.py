"""A registry that gets one new champion after another."""

from stored_values import gate_report, model_version

from volant.gates.model import Verdict
from volant.registry.model import ModelState
from volant.registry.service import Registry
from volant.wiring.stores import Stores


def registry_of(stores: Stores) -> Registry:
    return Registry(tx=stores.tx, events=stores.events, models=stores.models, gates=stores.gates)


def approve_next(stores: Stores, number: int) -> ModelState:
    registry = registry_of(stores)
    version = model_version(0, package=f"{number:064x}")
    stores.gates.add(gate_report(f"g{number}", package=version.package, champion=registry.state("bikes").champion))
    made = registry.register(version, Verdict.PASS, actor="a")
    return registry.approve("bikes", made.number, reason=None, actor="a")
