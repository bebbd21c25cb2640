"""Which steps need not run: the stored result of each, if everything it depended on is as it was.

Everything here is light: a fully cached run imports no number library (DESIGN 9).
"""

from collections.abc import Mapping

from volant.kernel.clock import Clock
from volant.kernel.errors import UsageError
from volant.kernel.objects import ObjectStore
from volant.pipelines.identity import Identified, Identifier
from volant.pipelines.installed import Installed
from volant.pipelines.model import Change, Graph, Identity, StepDef, StepResult, StepState, Training
from volant.pipelines.nearest import nearest_hint
from volant.pipelines.ports import StepStore

CACHED = "cached"


class StepCache:
    """Results of steps by identity."""

    def __init__(self, steps: StepStore, objects: ObjectStore, clock: Clock) -> None:
        self.steps, self.objects, self.clock = steps, objects, clock

    def look(self, graph: Graph, training: Training, inputs: Mapping[str, str]) -> tuple[StepState, ...]:
        """Each step's state, in running order. ``inputs``: content digests of ``rows``, ``target`` and ``weights``.

        Behind a step that must run nothing is known yet: key None, and the reason says for what it waits.
        """
        identifier = self.identifier(graph, training)
        known = dict(inputs)
        states = []
        for step in graph.steps:
            state = self.state(identifier, step, known)
            if state.result is not None:
                known[step.name] = state.result.output.digest
            states.append(state)
        identifier.sources.remember()
        return tuple(states)

    def why(self, graph: Graph, training: Training, inputs: Mapping[str, str], step: str) -> tuple[StepState, tuple[Change, ...]]:
        """A step's state, and what is different from its newest stored result. ``UsageError`` for an unknown step."""
        state = next((state for state in self.look(graph, training, inputs) if state.step == step), None)
        if state is None:
            raise unknown_step(step, graph)
        newest = self.steps.latest(step)
        if newest is None or state.cached:
            return state, ()
        return state, self._differences(self.identifier(graph, training), graph, state, newest.identity)

    def identifier(self, graph: Graph, training: Training, installed: Installed | None = None) -> Identifier:
        """A fresh look at files, and at distributions unless they are given."""
        return Identifier(graph, training, self.clock, installed)

    def state(self, identifier: Identifier, step: StepDef, known: Mapping[str, str]) -> StepState:
        """One step's state, given the digests of inputs that are ``known``."""
        missing = [argument.source for argument in step.arguments if argument.source not in known]
        if missing:
            return _unknown(step, f"waits for {missing[0]}")
        found = identifier.identify(step, known)
        if not step.cache:
            return StepState(step=step.name, key=found.key, identity=found.identity, result=None, reason="cache=False: runs every time")
        if found.key is None:
            return _unknown(step, f"cannot be identified: {found.doubt}")
        result, reason = self._stored(identifier, step, found)
        return StepState(step=step.name, key=found.key, identity=found.identity, result=result, reason=reason)

    def _stored(self, identifier: Identifier, step: StepDef, found: Identified) -> tuple[StepResult | None, str]:
        assert found.key is not None
        assert found.identity is not None
        result = self.steps.get(found.key)
        if result is None:
            return None, self._first_difference(step, found.identity)
        changed = identifier.changed_reads(result.identity.observed)
        if changed is not None:
            return None, f"{changed} changed"
        if not self.objects.has(result.output.digest):
            return None, "its stored result is gone"
        return result, CACHED

    def _first_difference(self, step: StepDef, identity: Identity) -> str:
        newest = self.steps.latest(step.name)
        if newest is None:
            return "never ran"
        changes = static_changes(newest.identity, identity)
        more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        return f"{changes[0].component} changed{more}" if changes else "its module has another name"

    def _differences(self, identifier: Identifier, graph: Graph, state: StepState, before: Identity) -> tuple[Change, ...]:
        if state.identity is None:
            return self._partly_known(identifier, graph.step(state.step), before)
        observed = [
            Change(component=name, before=old, after=new)
            for name, old in sorted(before.observed.items())
            if (new := identifier.read_now(name)) != old
        ]
        return (*static_changes(before, state.identity), *observed)

    def _partly_known(self, identifier: Identifier, step: StepDef, before: Identity) -> tuple[Change, ...]:
        """Behind a step that must run: everything but the inputs can be compared."""
        found = identifier.identify(step, {argument.source: "" for argument in step.arguments})
        if found.identity is None:
            return ()
        changes = static_changes(before, found.identity)
        names = {f"input {argument.name}" for argument in step.arguments}
        return tuple(change for change in changes if change.component not in names)


def static_changes(before: Identity, after: Identity) -> tuple[Change, ...]:
    """Differences between two identities, observed reads left out, most telling first."""
    parts = (
        ("", {"code": before.code}, {"code": after.code}),
        ("parameter ", before.params, after.params),
        ("", before.modules, after.modules),
        ("input ", before.inputs, after.inputs),
        ("", before.distributions, after.distributions),
        ("", {"python": before.python}, {"python": after.python}),
    )
    return tuple(change for prefix, old, new in parts for change in _between(prefix, old, new))


def _between(prefix: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    return [
        Change(
            component=name.removeprefix("file:") if name.startswith("file:") else f"{prefix}{name}",
            before=before.get(name),
            after=after.get(name),
        )
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _unknown(step: StepDef, reason: str) -> StepState:
    return StepState(step=step.name, key=None, identity=None, result=None, reason=reason)


def unknown_step(name: str, graph: Graph) -> UsageError:
    """No step has this name."""
    return UsageError(
        f"There is no step {name}.",
        found=f"steps: {', '.join(graph.names())}",
        next_step=nearest_hint(name, graph.names()) or "choose one of these",
        field="step",
    )
