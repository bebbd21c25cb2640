"""Values of the evidence package."""

from enum import StrEnum

from volant.kernel.codec import Value

Scalar = bool | int | float | str | None


class Outcome(StrEnum):
    """How an attempt to predict ended."""

    OK = "ok"
    ERROR = "error"  # the model's code raised, or the worker died
    INVALID = "invalid"  # refused before the model saw it; not part of any model's evidence


class Prediction(Value, frozen=True, kw_only=True):
    """One answered request, as framed in the log: n rows by column, n predictions.

    The id of row i is ``{id}.{i}``. ``arm`` is ``champion`` or another arm of a rollout; ``epoch`` is the registry's
    count of champion changes when the arm was picked. ``keys`` are canonical key texts when the project has a key.
    """

    id: str
    request_id: str | None
    at: int  # microseconds, when it was answered
    model: str
    version: int
    arm: str
    epoch: int
    columns: dict[str, list[Scalar]]
    values: list[Scalar]
    scores: list[list[float]] | None
    keys: list[str] | None
    event_times: list[int | None] | None  # from the project's time column
    latency_us: int
    outcome: Outcome
    source: str = "http"  # "http" or "batch"
    error: str | None = None
    fingerprint: str | None = None  # of the request's body, where the client named the request


class Segment(Value, frozen=True, kw_only=True):
    """A sealed piece of the log: Parquet, one line per predicted row (``evidence/segments.py`` names the columns)."""

    id: str
    model: str
    worker: str
    digest: str
    rows: int
    first_at: int
    last_at: int
    sealed_at: int


class Label(Value, frozen=True, kw_only=True):
    """What turned out to be true for a prediction or a key; exactly one of the two is set.

    Later recorded labels for the same subject win, the history is kept.
    """

    prediction_id: str | None = None
    key: str | None = None
    value: Scalar
    known_at: int
    recorded_at: int
    source: str = ""


class LabelCounts(Value, frozen=True, kw_only=True):
    """What became of a batch of labels."""

    new: int
    corrected: int
    repeated: int
