"""Values of the tracking package. A run is a revisioned row: clients may set any status and time."""

from enum import StrEnum

from volant.kernel.codec import Value


class RunStatus(StrEnum):
    """As MLflow names them."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class Run(Value, frozen=True, kw_only=True):
    """One execution. ``revision`` counts changes from 1; a decision cites run and revision."""

    id: str
    revision: int
    experiment: str
    name: str
    status: RunStatus
    started_at: int
    ended_at: int | None = None
    source: str = ""  # what started it: "volant run", "replay", a client
    git_commit: str | None = None
    git_dirty: bool = False
    patch: str | None = None  # object: diff of tracked files plus untracked project source
    environment: str | None = None  # object: interpreter, platform, distributions
    dataset: str | None = None
    dataset_version: int | None = None
    pipeline: str | None = None  # digest of the pipeline's code
    error: str | None = None


class Metric(Value, frozen=True, kw_only=True):
    """One point of a metric. NaN and infinities are kept as MLflow keeps them (adapters store REAL)."""

    key: str
    value: float
    timestamp_us: int
    step: int = 0


class Artifact(Value, frozen=True, kw_only=True):
    """A named file of a run, by content."""

    path: str
    digest: str
    size_bytes: int


class StepRecord(Value, frozen=True, kw_only=True):
    """What one step did in one run."""

    run_id: str
    position: int
    step: str
    key: str | None  # cache identity; None when it could not be identified
    cached: bool
    status: RunStatus
    duration_us: int
    detail: str = ""  # why it ran, or its error


class RunDetail(Value, frozen=True, kw_only=True):
    """A run with everything logged to it (latest point per metric)."""

    run: Run
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    artifacts: tuple[Artifact, ...]
    steps: tuple[StepRecord, ...]
