"""Values of the pipelines package."""

from volant.kernel.codec import Value


class Output(Value, frozen=True, kw_only=True):
    """A stored result of a step: object digest, how to read it back, and a one-line description."""

    digest: str
    codec: str  # "polars", "pandas", "numpy", "json", "pickle"
    description: str = ""


class Identity(Value, frozen=True, kw_only=True):
    """Why a cached result may be used: each named component and its digest. ``observed`` only adds."""

    code: str
    modules: dict[str, str]  # project-local file -> digest of its syntax tree
    distributions: dict[str, str]  # third-party distribution -> version
    params: dict[str, str]  # parameter -> canonical JSON (path-valued ones: content digest)
    inputs: dict[str, str]  # parameter name -> digest of the input's content
    python: str
    observed: dict[str, str] = {}  # "file:PATH" or "env:NAME" -> digest seen while it ran


class StepResult(Value, frozen=True, kw_only=True):
    """A cached step: key -> output. ``identity`` is kept so that ``volant why`` can compare."""

    key: str
    step: str
    output: Output
    identity: Identity
    recorded_at: int
    duration_us: int
