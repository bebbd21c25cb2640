"""Running a pipeline: what is cached is taken from the store, the rest runs, step by step, and is stored at once.

A step gets its inputs as they come out of the store, also in the run that made them: so a cached run and a fresh one give
the same bits.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from volant.kernel.clock import Clock
from volant.kernel.errors import NotFoundError
from volant.models.trained import Trained
from volant.pipelines.cache import StepCache, unknown_step
from volant.pipelines.calling import call, given_inputs
from volant.pipelines.closure import Sources
from volant.pipelines.frames import one_chunk, own_copy
from volant.pipelines.installed import Installed
from volant.pipelines.loading import function_of, inside
from volant.pipelines.model import MODEL, ROWS, TARGET, WEIGHTS, Graph, StepRun, Training
from volant.pipelines.ordering import downstream, upstream
from volant.pipelines.outcome import trained_of
from volant.pipelines.results import Results
from volant.pipelines.running import StepRunner

if TYPE_CHECKING:
    import polars as pl

OnStep = Callable[[StepRun], None]
OnPrint = Callable[[str, str], None]
Progress = Callable[[str, float | None], None]


class Executed:
    """What came of a run. ``runs`` are the steps that were asked for, in running order."""

    def __init__(self, graph: Graph, training: Training, runs: tuple[StepRun, ...], results: Results, sources: Sources) -> None:
        self.runs = runs
        self._graph, self._training = graph, training
        self._results, self._sources = results, sources

    def value(self, step: str) -> Any:
        """A step's result, a copy of its own at each call. ``NotFoundError`` for a step that was not part of the run."""
        self._must_have(step)
        with inside(self._graph):
            return self._results.give(step)

    def trained(self) -> Trained:
        """The model with all that is needed to pack it. ``NotFoundError`` if the run stopped before it."""
        self._must_have(MODEL)
        with inside(self._graph):
            return trained_of(self._graph, self._training, self._sources, self._results.give)

    def _must_have(self, step: str) -> None:
        names = [run.step for run in self.runs]
        if step not in names:
            raise NotFoundError(f"Step {step} was not part of this run.", found=f"steps: {', '.join(names)}")


def execute(  # noqa: PLR0917 - rows, target and their digests belong together
    graph: Graph,
    training: Training,
    rows: "pl.DataFrame",
    target: "pl.Series",
    digests: Mapping[str, str],
    cache: StepCache,
    *,
    clock: Clock,
    weights: "pl.Series | None" = None,
    only: Sequence[str] = (),
    from_step: str | None = None,
    progress: Progress | None = None,
    on_step: OnStep = lambda _: None,
    on_print: OnPrint = lambda _step, _text: None,
) -> Executed:
    """Run the pipeline's steps; each that is cached is not run. ``digests`` name the content of ``rows``, ``target`` and ``weights``.

    ``only``: stop at these steps (what they need is brought up too). ``from_step``: run this one and all behind it even if
    cached. ``on_step`` hears of each step once its result is stored, ``on_print`` of what a step printed, raising or not.

    Raises ``UserCodeError`` with the user's traceback if a step raises: what finished before stays cached. ``UsageError``
    for an unknown step name.
    """
    wanted = upstream(graph, _known(graph, only)) if only else frozenset(graph.names())
    forced = downstream(graph, _known(graph, (from_step,))[0]) if from_step is not None else frozenset()
    steps = [step for step in graph.steps if step.name in wanted]
    declared = _declared(rows, target, weights)
    runner = StepRunner(graph, training, cache, clock=clock, digests=digests, declared=declared, on_print=on_print)
    runs = []
    with inside(graph, anew=True):
        for number, step in enumerate(steps):
            if progress is not None:
                progress(step.name, number / len(steps))
            run = runner.bring(step, forced=step.name in forced)
            runs.append(run)
            runner.results.release(still_needed={a.source for later in steps[number + 1 :] for a in later.arguments})
            on_step(run)
    return Executed(graph, training, tuple(runs), runner.results, runner.identifier.sources)


def _known(graph: Graph, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in graph.names():
            raise unknown_step(name, graph)
    return tuple(names)


def _declared(rows: "pl.DataFrame", target: "pl.Series", weights: "pl.Series | None") -> dict[str, Any]:
    """What a pipeline is given; without weights all rows count alike."""
    import polars as pl

    alike = pl.Series(WEIGHTS, [1.0]).new_from_index(0, rows.height)
    return {ROWS: one_chunk(rows), TARGET: one_chunk(target), WEIGHTS: alike if weights is None else one_chunk(weights.alias(WEIGHTS))}


def train(graph: Graph, training: Training, rows: "pl.DataFrame", target: "pl.Series", weights: "pl.Series | None" = None) -> Trained:
    """The model and what it needs, in memory, nothing stored. The user's modules are imported once per process."""
    values = _declared(rows, target, weights)
    needed = upstream(graph, (MODEL,))
    with inside(graph):
        sources = Sources(graph, Installed())
        for step in graph.steps:
            if step.name in needed:
                inputs = partial(given_inputs, graph, training, step, lambda name: own_copy(values[name]))
                values[step.name] = one_chunk(call(training, step, function_of(step, sources), inputs).value)
        return trained_of(graph, training, sources, values.__getitem__)
