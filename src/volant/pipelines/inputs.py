"""What a project's settings make of a training: its parameters, and the identity of its declared inputs. Light."""

from collections.abc import Mapping

from volant.config.model import ProjectConfig
from volant.kernel.codec import plain
from volant.kernel.digests import digest_value
from volant.pipelines.closure import Sources
from volant.pipelines.installed import Installed
from volant.pipelines.model import ROWS, TARGET, WEIGHTS, Graph, Scalar, Training


def training_of(config: ProjectConfig, params: Mapping[str, Scalar]) -> Training:
    """What a training is asked to do; ``params`` come from the command line and win over ``train.params``."""
    merged = {**config.train.params, **params}
    seed = merged.get("seed", config.train.seed)
    return Training(
        project=config.project,
        task=config.task,
        target=config.target,
        hidden=_hidden(config),
        params=merged,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else config.train.seed,
    )


def _hidden(config: ProjectConfig) -> tuple[str, ...]:
    """Columns that only feature functions and their states see: time and key, unless they are dropped anyway."""
    named = [*([config.data.time] if config.data.time else []), *config.data.key]
    return tuple(dict.fromkeys(name for name in named if name not in config.data.drop))


def input_digests(config: ProjectConfig, dataset: str) -> dict[str, str]:
    """Identity of ``rows``, ``target`` and ``weights`` without reading them: the data's digest and every setting that chooses rows."""
    choice = {
        "dataset": dataset,
        "data": {name: value for name, value in plain(config.data).items() if name not in {"source", "contract"}},
        "target": config.target,
        "holdout": plain(config.train.holdout),
        "window": {name: value for name, value in plain(config.train.window).items() if value is not None or name in {"keep", "size"}},
    }
    return {name: digest_value({name: choice}) for name in (ROWS, TARGET, WEIGHTS)}


def code_files(graph: Graph) -> tuple[str, ...]:
    """Every project file that the pipeline's steps run, relative to the project where it is inside."""
    sources = Sources(graph, Installed())
    found = {sources.shown(path) for step in graph.steps for path in sources.closure(step.file).facts}
    return tuple(sorted(found))


def code_digest(graph: Graph) -> str:
    """Names the pipeline's code: every project file that its steps run, by syntax."""
    sources = Sources(graph, Installed())
    closures = [sources.closure(step.file) for step in graph.steps]
    return digest_value({sources.shown(path): facts.digest for closure in closures for path, facts in closure.facts.items()})
