"""What the last runs came to, so that one in which nothing changed is answered from the store. Light.

The answer is kept as a step result named ``run`` whose key covers everything the outcome depends on but the code and the
data, which are looked at afresh each time: the settings, the contract, the parameters, and the state of the labels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from volant.config.model import TrainFrom
from volant.data.model import DatasetVersion
from volant.data.service import Datasets
from volant.kernel.codec import plain
from volant.kernel.digests import digest_value
from volant.pipelines.model import Identity, Output, Scalar, StepResult
from volant.wiring.project import Project

if TYPE_CHECKING:
    from volant.loop.releasing import Turned

Json = dict[str, Any]
RUN = "volant run"  # no function can have this name
_NOTHING = Identity(code="", modules={}, distributions={}, params={}, inputs={}, python="")


class Circumstances(NamedTuple):
    """What a run learns from besides code and data: taken before it begins, as more labels may come while it goes on."""

    contract: str | None
    evidence: list[int] | None


def circumstances(project: Project) -> Circumstances:
    """Those of now."""
    contract = project.config.data.contract
    return Circumstances(None if contract is None else _bytes_digest(project.root / contract), _evidence(project))


def remember(project: Project, turned: "Turned", params: Mapping[str, Scalar], answer: Json, before: Circumstances) -> None:
    """Keep the answer of a run that made, or found, a version; ``before`` is what held when it began."""
    now = project.clock.now()
    output = Output(digest=project.objects.put(orjson.dumps(answer)), codec="json")
    key = _key(project, turned.frozen.source, params, before)
    project.steps.put(StepResult(key=key, step=RUN, output=output, identity=_NOTHING, recorded_at=now, duration_us=0))


def unchanged_run(project: Project, params: Mapping[str, Scalar]) -> Json | None:
    """The answer of the last run, if running again would come to the same; None if it has to run.

    Raises what a run would raise for a source or a pipeline that cannot be read.
    """
    source = Datasets(project.datasets, project.objects, project.tx, project.clock).known(project.config, project.root)
    if source is None:
        return None
    kept = project.steps.get(_key(project, source, params, circumstances(project)))
    if kept is None or not project.objects.has(kept.output.digest):
        return None
    answer: Json = orjson.loads(project.objects.get(kept.output.digest))
    steps = _cached_steps(project, answer, params)
    return None if steps is None or not _still_stands(project, answer) else _now(project, answer, steps)


def _still_stands(project: Project, answer: Json) -> bool:
    """Whether the version is registered, and was judged against the champion of now, or is it."""
    number = answer["version"]
    state = project.registry.state(project.name)
    if number not in state.versions:
        return False
    report = project.registry.report(project.registry.version(project.name, number))
    return state.champion == number or (report is not None and report.champion == state.champion)


def _cached_steps(project: Project, answer: Json, params: Mapping[str, Scalar]) -> list[Json] | None:
    """Every step as the cache has it; None if one would run."""
    from volant.loop.changes import as_of_change
    from volant.loop.ledger import stream_of
    from volant.pipelines.cache import StepCache
    from volant.pipelines.graph import build_graph
    from volant.pipelines.inputs import input_digests, training_of

    config = as_of_change(project.config, project.events.read(stream_of(project.name)))
    merged = {**config.train.params, **params}
    graph = build_graph(project.root, config.train.pipeline, target=config.target, params=merged)
    data = project.datasets.get(project.name, answer["dataset_version"])
    cache = StepCache(project.steps, project.objects, project.clock)
    states = cache.look(graph, training_of(config, params), input_digests(config, data.digest))
    if not all(state.cached for state in states):
        return None
    return [{"step": state.step, "cached": True, "detail": state.reason, "duration_us": 0} for state in states]


def _now(project: Project, answer: Json, steps: list[Json]) -> Json:
    version = project.registry.version(project.name, answer["version"])
    report = project.registry.report(version)
    standing = project.registry.state(project.name).versions[version.number].value
    return {
        **answer,
        "cached": True,
        "existing": True,
        "steps": steps,
        "state": standing,
        "report": None if report is None else plain(report),
        "sentence": f"Nothing changed since run {answer['run_id'][:8]}: {project.name}@{version.number} ({standing}) is what it gives.",
    }


def _key(project: Project, source: DatasetVersion, params: Mapping[str, Scalar], held: Circumstances) -> str:
    return digest_value({"source": source.digest, "settings": plain(project.config), "params": dict(params), **held._asdict()})


def _evidence(project: Project) -> list[int] | None:
    """The state of labels and log, as far as it can change what is learned from; None where it cannot."""
    if project.config.train.from_ is not TrainFrom.LOG:
        return None
    known = project.labels.known_until(project.name, project.clock.now())
    if known is None:
        return None
    sealed = sum(segment.rows for segment in project.segments.segments(project.name))
    return [known, project.labels.revision(project.name), sealed, project.open_rows.count()]


def _bytes_digest(path: Path) -> str | None:
    from volant.kernel.digests import digest

    try:
        return digest(path.read_bytes())
    except OSError:
        return None
