"""What a step's result depends on, as far as it can be told without running it. See DESIGN 7.

Parts: the syntax of what the step can reach in its own file, and of every project file that this one imports; installed
distributions; parameters, those that are paths by content; inputs by content; files that the code names; Python. Observed
reads only add to it.
"""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.codec import canonical
from volant.kernel.digests import digest, digest_value
from volant.kernel.errors import UsageError
from volant.pipelines.closure import Closure, Sources
from volant.pipelines.files import ABSENT, FileDigests, listing
from volant.pipelines.installed import Installed
from volant.pipelines.model import FEATURES, MODEL, ROWS, TARGET, Argument, Graph, Identity, Parameter, Scalar, StepDef, Training
from volant.pipelines.named_paths import existing

FORMAT = 1  # raised when Volant itself runs steps in another way, so that old results no longer stand
SEED = "seed"
USED_SEED = "seed:global"  # observed of a step that drew from the global random state
IN_CODE = "as the code says"


class Identified(NamedTuple):
    """``identity`` without observed reads and its ``key``; or neither, and the ``doubt``: why it cannot be told."""

    identity: Identity | None
    key: str | None
    doubt: str


class Identifier:
    """Identifies steps of one graph as files and installed distributions are now. Make a new one to look again."""

    def __init__(self, graph: Graph, training: Training, clock: Clock, installed: Installed | None = None) -> None:
        self._graph, self._training = graph, training
        self._root = Path(graph.root)
        self._installed = installed or Installed()
        self.sources = Sources(graph, self._installed)
        self.files = FileDigests(self._root, clock)
        self._distributions: dict[frozenset[str], dict[str, str]] = {}
        self._named: dict[tuple[Path, tuple[str, ...]], dict[str, str]] = {}
        self._python = python_name()

    def identify(self, step: StepDef, inputs: Mapping[str, str]) -> Identified:
        """``inputs``: digest per step or declared input. Unreadable or broken project files raise, naming file and line."""
        closure = self.sources.closure(step.file)
        doubts = closure.doubts()
        if doubts:
            return Identified(None, None, doubts[0])
        identity = Identity(
            code=self._code(step, closure),
            modules={name: facts.digest for path, facts in closure.facts.items() if (name := self.sources.shown(path)) != step.file},
            distributions=self._described(closure.tops),
            params={parameter.name: self._param(parameter) for parameter in step.parameters},
            inputs=self._inputs(step, inputs) | self._files_named(step, closure),
            python=self._python,
        )
        return Identified(identity, digest_value([FORMAT, self._training.project, step.name, step.module, identity]), "")

    def changed_reads(self, observed: Mapping[str, str]) -> str | None:
        """The first observed read whose content is another now, for people; None if all stand."""
        for name, before in sorted(observed.items()):
            if self.read_now(name) != before:
                kind, _, rest = name.partition(":")
                return {"env": f"environment variable {rest}", "file": rest, "folder": f"folder {rest}"}.get(kind, name)
        return None

    def read_now(self, name: str) -> str:
        """Digest of what an observed name (``file:``, ``folder:``, ``env:``, ``seed:``) gives now."""
        kind, _, rest = name.partition(":")
        if kind == "env":
            return environment_digest(rest)
        if kind == "seed":
            return digest_value(effective_seed(self._training))
        place = self._root / rest
        return listing(place) if kind == "folder" else self.files.file(place)

    def _code(self, step: StepDef, closure: Closure) -> str:
        """What the step's function can reach in its own file."""
        facts = closure.facts[self._root / step.file]
        return facts.digest if facts.reach is None or closure.imported_back else facts.reach.digest_for(step.function)

    def _described(self, tops: frozenset[str]) -> dict[str, str]:
        if tops not in self._distributions:
            self._distributions[tops] = self._installed.describe(tops)
        return self._distributions[tops]

    def _param(self, parameter: Parameter) -> str:
        """Canonical JSON of the value; behind it the content of the file or folder that it names."""
        given = self._training.params.get(parameter.name, self._seed_for(parameter))
        if parameter.name not in self._training.params and given is None:
            text = parameter.default if parameter.default is not None else IN_CODE
        else:
            text = canonical(given).decode()
        path = self._path_behind(text)
        if path is None:
            return text
        content = self.files.file(path)
        return text if content == ABSENT and not parameter.is_path else f"{text} {content}"

    def _path_behind(self, text: str) -> Path | None:
        value = msgspec.json.decode(text) if text != IN_CODE else None
        return self._root / value if isinstance(value, str) and 0 < len(value) < 1000 and "\0" not in value else None

    def _seed_for(self, parameter: Parameter) -> Scalar:
        return self._training.seed if parameter.name == SEED else None

    def _inputs(self, step: StepDef, inputs: Mapping[str, str]) -> dict[str, str]:
        return {argument.name: self._input(step, argument, inputs[argument.source]) for argument in step.arguments}

    def _input(self, step: StepDef, argument: Argument, content: str) -> str:
        if argument.source == TARGET:
            return f"{content} as {self._training.target}"
        hidden = hidden_columns(self._graph, self._training, step) if argument.source == ROWS else ()
        return f"{content} without {canonical(sorted(hidden)).decode()}" if hidden else content

    def _files_named(self, step: StepDef, closure: Closure) -> dict[str, str]:
        own = self._root / step.file
        found: dict[str, str] = {}
        for source, facts in closure.facts.items():
            narrow = facts.reach if source == own and not closure.imported_back else None
            found |= self._named_in(source, facts.paths if narrow is None else narrow.paths_for(step.function))
        return found

    def _named_in(self, source: Path, texts: tuple[str, ...]) -> dict[str, str]:
        if (source, texts) not in self._named:
            found = existing(texts, source, self._root)
            self._named[source, texts] = {f"file:{path.relative_to(self._root).as_posix()}": self.files.file(path) for path in found}
        return self._named[source, texts]


def effective_seed(training: Training) -> int:
    """``params`` may override the seed."""
    seed = training.params.get(SEED, training.seed)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise UsageError(
            "The seed must be a whole number.", found=repr(seed), next_step="check train.seed and --set seed", field="train.seed"
        )
    return seed


def hidden_columns(graph: Graph, training: Training, step: StepDef) -> tuple[str, ...]:
    """Columns that this step's ``rows`` come without.

    An estimator that takes raw rows must not learn from time and key, and whoever asks it afterwards must give it the same
    columns. Where there is a feature function, that decides, and all others see all columns.
    """
    sees_estimator_rows = step.name == MODEL or step.takes(MODEL)
    return training.hidden if sees_estimator_rows and not graph.step(MODEL).takes(FEATURES) else ()


def environment_digest(name: str) -> str:
    """A short digest of an environment variable: enough to notice a change, too short to give a secret away."""
    value = os.environ.get(name)
    return ABSENT if value is None else digest(value.encode("utf-8", "surrogateescape"))[:12]


def python_name() -> str:
    """Python's minor version and the platform."""
    return f"{sys.implementation.cache_tag} {sys.platform} {platform.machine()}"
