"""Values of the evidence package."""

from enum import StrEnum

from volant.kernel.codec import Value

Scalar = bool | int | float | str | None


class Outcome(StrEnum):
    """How an attempt to predict ended."""

    OK = "ok"
    ERROR = "error"  # the model's code raised, or the worker died
    ATTEMPT = "attempt"  # asked of another arm: a later record with the same id says what became of it
    INVALID = "invalid"  # refused before the model saw it; not part of any model's evidence


class Trial(Value, frozen=True, kw_only=True):
    """What a rollout had to do with a prediction. ``epoch`` counts the rollout's changes of weights.

    ``assigned`` is the arm that the request belonged to where another one answered it (the canary failed or was not
    there). ``pair`` is the id of the other arm's prediction for the same request. ``model_us`` is the model's own time.
    """

    rollout: str
    epoch: int
    rows: int = 1
    assigned: str | None = None
    pair: str | None = None
    model_us: int | None = None


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
    trial: Trial | None = None


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
