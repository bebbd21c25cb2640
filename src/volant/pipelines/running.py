"""One step of a run: look it up, or run it under observation and store what it returned."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.errors import InvalidInputError
from volant.pipelines.cache import StepCache, static_changes
from volant.pipelines.calling import Answered, call, given_inputs
from volant.pipelines.codecs import Encoded, UnstorableError, encode
from volant.pipelines.frames import described
from volant.pipelines.identity import USED_SEED, Identified
from volant.pipelines.loading import function_of, inside, share, shared_reads
from volant.pipelines.model import Change, Graph, Identity, Output, StepDef, StepResult, StepRun, StepState, Training
from volant.pipelines.observe import Reads, observing, paused
from volant.pipelines.printed import printed
from volant.pipelines.results import Results


class StepRunner:
    """Brings up steps in running order."""

    def __init__(
        self,
        graph: Graph,
        training: Training,
        cache: StepCache,
        *,
        clock: Clock,
        digests: Mapping[str, str],
        declared: Mapping[str, Any],
        on_print: Callable[[str, str], None] = lambda _step, _text: None,
    ) -> None:
        self._graph, self._training = graph, training
        self._cache, self._clock = cache, clock
        self._known = dict(digests)
        self.identifier = cache.identifier(graph, training)
        self.results = Results(cache.objects, declared, self._again)
        self._unstorable: dict[str, str] = {}
        self._on_print = on_print

    def bring(self, step: StepDef, *, forced: bool) -> StepRun:
        """From the cache if it is there and not ``forced``, else by running it."""
        state = self._cache.state(self.identifier, step, self._known)
        if state.result is not None and not forced:
            self._known[step.name] = state.result.output.digest
            self.results.stored(step.name, state.result.output)
            return StepRun(step=step.name, key=state.key, cached=True, detail=state.reason, duration_us=0, output=state.result.output)
        return self._run(step, state, "was asked to run again" if state.result is not None else self._reason(step, state))

    def _reason(self, step: StepDef, state: StepState) -> str:
        """Why it runs; an input that could not be stored is named with its own reason."""
        behind = next((a.source for a in step.arguments if a.source in self._unstorable), None)
        return f"{behind} cannot be stored" if behind is not None else state.reason

    def _run(self, step: StepDef, state: StepState, reason: str) -> StepRun:
        function = function_of(step, self.identifier.sources)
        started = self._clock.now()
        with printed() as kept:
            try:
                answered, reads = self._call(step, function)
            finally:
                if kept.text:
                    self._on_print(step.name, kept.text)
        self._refuse_nothing(step, answered.value)
        took = self._clock.now() - started
        try:
            encoded = encode(answered.value)
        except UnstorableError as error:
            return self._not_storable(step, answered.value, reason, str(error), took)
        output = self._put(step, encoded, answered.value)
        final = self._final_identity(step, state, answered, reads)
        if final.key is not None and final.identity is not None:
            now = self._clock.now()
            stored = StepResult(key=final.key, step=step.name, output=output, identity=final.identity, recorded_at=now, duration_us=took)
            self._cache.steps.put(stored)
        detail = f"{reason}; not cached: {final.doubt}" if final.doubt and final.doubt != state.reason else reason
        return StepRun(step=step.name, key=final.key, cached=False, detail=detail, duration_us=took, output=output)

    def _call(self, step: StepDef, function: Callable[..., Any]) -> tuple[Answered, Reads]:
        def inputs() -> dict[str, Any]:
            with paused():
                return given_inputs(self._graph, self._training, step, self.results.give)

        with observing(Reads(Path(self._graph.root))) as reads:
            return call(self._training, step, function, inputs), reads

    def _put(self, step: StepDef, encoded: Encoded, value: Any) -> Output:
        digest = self._cache.objects.put(encoded.data)
        output = Output(digest=digest, codec=encoded.codec, description=described(value))
        self._known[step.name] = digest
        self.results.keep(step.name, output, encoded.data)
        return output

    def _not_storable(self, step: StepDef, value: Any, reason: str, why: str, took: int) -> StepRun:
        self._unstorable[step.name] = why
        self.results.keep_raw(step.name, value)
        return StepRun(step=step.name, key=None, cached=False, detail=f"{reason}; not cached: {why}", duration_us=took, output=None)

    def _refuse_nothing(self, step: StepDef, value: Any) -> None:
        taker = next((other.name for other in self._graph.steps if other.takes(step.name)), None)
        if value is None and taker is not None:
            raise InvalidInputError(
                f"{step.name} returned nothing, and {taker} takes it.",
                found=f"None from {step.file}:{step.line}",
                next_step="add a return",
                field=f"{step.file}:{step.line}",
            )

    def _final_identity(self, step: StepDef, state: StepState, answered: Answered, reads: Reads) -> Identified:
        """The identity with what was read while it ran; or the doubt: why the result must not be used again."""
        if not step.cache or state.identity is None:
            return Identified(None, None, state.reason)
        if reads.network:
            return Identified(None, None, f"it used the network ({next(iter(reads.network))})")
        now = self._cache.identifier(self._graph, self._training, self.identifier.sources.installed)
        found = now.identify(step, self._known)
        if found.identity is None:
            return found
        # A file that it wrote itself, and that its code names, is there next time: then that is what it depends on.
        changes = [change for change in static_changes(state.identity, found.identity) if not _wrote(reads, found.identity, change)]
        if changes:
            return Identified(None, None, f"{changes[0].component} changed while it ran")
        sources = {f"file:{now.sources.shown(path)}" for path in now.sources.closure(step.file).facts}
        names = {*reads.names, *shared_reads(step, now.sources)} - sources
        share(reads)
        observed = {name: now.read_now(name) for name in sorted(names | ({USED_SEED} if answered.used_random else set()))}
        return Identified(msgspec.structs.replace(found.identity, observed=observed), found.key, "")

    def _again(self, name: str) -> None:
        """A stored result could not be read: run the step, whatever the cache says."""
        step = self._graph.step(name)
        with inside(self._graph):
            self._run(step, self._cache.state(self.identifier, step, self._known), "its stored result cannot be read")


def _wrote(reads: Reads, identity: Identity, change: Change) -> bool:
    return change.component in reads.written and f"file:{change.component}" in identity.inputs
