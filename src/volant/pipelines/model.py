"""Values of the pipelines package."""

from volant.config.model import Task
from volant.kernel.codec import Value

Scalar = bool | int | float | str | None

ROWS, TARGET, FEATURES, MODEL, METRICS = "rows", "target", "features", "model", "metrics"
WEIGHTS = "weights"  # how much each row counts; a step of the pipeline may have this name and then stands for itself
PACKAGE = "model package"  # stands beside the steps in the cache; no function can have this name


class Output(Value, frozen=True, kw_only=True):
    """A stored result of a step: object digest, how to read it back, and a one-line description."""

    digest: str
    codec: str  # "polars", "polars-series", "polars-lazy", "pandas", "numpy", "json", "pickle", "package"
    description: str = ""


class Identity(Value, frozen=True, kw_only=True):
    """Why a cached result may be used: each named component and its digest. ``observed`` only adds."""

    code: str  # what the step's function can reach in its own file (see ``reach.py``)
    modules: dict[str, str]  # every other project file that runs -> digest of its syntax tree
    distributions: dict[str, str]  # third-party distribution -> version and digest of its file list
    params: dict[str, str]  # parameter -> canonical JSON (path-valued ones: content digest)
    inputs: dict[str, str]  # parameter name -> digest of the input's content; "file:PATH" for files the code names
    python: str
    observed: dict[str, str] = {}  # "file:PATH", "folder:PATH" or "env:NAME" -> digest seen while it ran


class StepResult(Value, frozen=True, kw_only=True):
    """A cached step: key -> output. ``identity`` is kept so that ``volant why`` can compare."""

    key: str
    step: str
    output: Output
    identity: Identity
    recorded_at: int
    duration_us: int


class Argument(Value, frozen=True, kw_only=True):
    """A positional parameter. ``source`` is the step or declared input behind it, ``frame`` what its annotation asks for."""

    name: str
    source: str
    frame: str | None = None  # "polars", "pandas", "numpy", or None: as it comes


class Parameter(Value, frozen=True, kw_only=True):
    """A keyword-only parameter. ``default`` is canonical JSON; None where there is none or it is not a literal."""

    name: str
    default: str | None
    required: bool
    is_path: bool = False


class StepDef(Value, frozen=True, kw_only=True):
    """A step as its source says. ``file`` is relative to the project's root, ``module`` is what to import."""

    name: str
    module: str
    function: str
    file: str
    line: int
    arguments: tuple[Argument, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    cache: bool = True
    retries: int = 0

    def takes(self, source: str) -> bool:
        """Whether an argument comes from this step or declared input."""
        return any(argument.source == source for argument in self.arguments)


class Graph(Value, frozen=True, kw_only=True):
    """A pipeline as its source says: steps in an order in which they can run. ``root`` is the project folder.

    ``search`` are the folders (relative to the root) that the pipeline's own imports are looked up in.
    """

    root: str
    file: str
    search: tuple[str, ...]
    steps: tuple[StepDef, ...]

    def step(self, name: str) -> StepDef:
        """``KeyError`` if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def names(self) -> tuple[str, ...]:
        """Step names in running order."""
        return tuple(step.name for step in self.steps)

    @property
    def has_features(self) -> bool:
        """Whether a feature function stands between raw rows and the estimator."""
        return self.step(MODEL).takes(FEATURES)


class Training(Value, frozen=True, kw_only=True):
    """What a training is asked to do besides its code and data.

    ``hidden`` are columns (time and key) that only feature functions and their states see. ``params`` override
    keyword defaults; ``seed`` goes to every step that has a keyword of that name.
    """

    project: str
    task: Task
    target: str
    hidden: tuple[str, ...] = ()
    params: dict[str, Scalar] = {}
    seed: int = 7


class Change(Value, frozen=True, kw_only=True):
    """One difference between a stored identity and the present one. None: was not there, or is gone."""

    component: str
    before: str | None
    after: str | None


class StepState(Value, frozen=True, kw_only=True):
    """A step as the cache sees it now. ``key`` is None when it cannot be identified; ``reason`` says why or what changed."""

    step: str
    key: str | None
    identity: Identity | None
    result: StepResult | None
    reason: str

    @property
    def cached(self) -> bool:
        """Whether the stored result stands."""
        return self.result is not None


class StepRun(Value, frozen=True, kw_only=True):
    """What became of one step in one run. ``output`` is None where the result could not be stored."""

    step: str
    key: str | None
    cached: bool
    detail: str
    duration_us: int
    output: Output | None
