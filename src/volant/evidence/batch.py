"""Predictions made over a whole file: logged as one sealed segment, visible whole or not at all.

The batch is named by what was scored and by which version, so scoring the same file again with the same version adds
nothing, and a kill at any moment leaves either nothing or everything.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from volant.evidence.model import Outcome, Segment
from volant.evidence.ports import SegmentStore
from volant.evidence.tables import FEATURE_PREFIX
from volant.kernel.clock import iso
from volant.kernel.codec import Value
from volant.kernel.crashpoints import reach
from volant.kernel.digests import digest_value
from volant.kernel.errors import InvalidInputError
from volant.kernel.objects import ObjectStore

if TYPE_CHECKING:
    import polars as pl

WORKER = "batch"


class Batch(Value, frozen=True, kw_only=True):
    """Who scored what. ``content`` is the digest of the scored bytes; ``at`` microseconds UTC.

    A rollout's candidate scores in the champion's shadow: ``pair`` is then the id of the champion's batch.
    """

    content: str
    model: str
    version: int
    epoch: int
    at: int
    latency_us: int
    arm: str = "champion"
    rollout: str | None = None
    rollout_epoch: int | None = None
    pair: str | None = None

    @property
    def id(self) -> str:
        """32 hex digits; row i of the batch is the prediction ``{id}.{i}``."""
        named = [self.content, self.model, self.version]
        return digest_value(named if self.rollout is None else [*named, self.rollout])[:32]


class BatchLogged(Value, frozen=True, kw_only=True):
    """What became of a batch. ``logged`` is 0 where the same batch is in the log already."""

    id: str
    logged: int


class Answers(NamedTuple):
    """What was answered for n rows: ``values`` (n,), null where the model raised; ``scores`` (n, classes); ``errors`` (n,) says
    what was raised, null elsewhere. ``keys`` and ``event_times`` belong to the rows.
    """

    values: "pl.Series"
    scores: Sequence[Sequence[float] | None] | None = None
    errors: Sequence[str | None] | None = None
    keys: Sequence[str] | None = None
    event_times: Sequence[int | None] | None = None


def log_batch(objects: ObjectStore, segments: SegmentStore, batch: Batch, rows: "pl.DataFrame", answers: Answers) -> BatchLogged:
    """Log n predictions: ``rows`` (n raw rows) and their answers in the same order."""
    if rows.height == 0:
        return BatchLogged(id=batch.id, logged=0)
    segment = written(objects, batch, rows, answers)
    return BatchLogged(id=batch.id, logged=rows.height if segments.add(segment) else 0)


def written(objects: ObjectStore, batch: Batch, rows: "pl.DataFrame", answers: Answers) -> Segment:
    """The batch as an object, and the segment that is to name it."""
    lengths = {rows.height, *(len(part) for part in answers if part is not None)}
    if len(lengths) > 1:
        raise InvalidInputError("Rows and predictions of a batch differ in number.", found=str(sorted(lengths)))
    buffer = io.BytesIO()
    _table(batch, rows, answers).write_parquet(buffer, compression="zstd")
    digest = objects.put(buffer.getvalue())
    reach("seal.object_written")
    return Segment(
        id=f"{WORKER}-{batch.id}",
        model=batch.model,
        worker=WORKER,
        digest=digest,
        rows=rows.height,
        first_at=batch.at,
        last_at=batch.at,
        sealed_at=batch.at,
    )


def _table(batch: Batch, rows: "pl.DataFrame", answers: Answers) -> "pl.DataFrame":
    import polars as pl

    count = rows.height
    absent: list[None] = [None] * count
    who = {"model": batch.model, "version": batch.version, "arm": batch.arm, "epoch": batch.epoch}
    return pl.DataFrame(
        {
            "prediction_id": [f"{batch.id}.{i}" for i in range(count)],
            "request_id": pl.Series(absent, dtype=pl.String),
            "at": pl.Series([batch.at] * count, dtype=pl.Int64),
            "event_time": pl.Series(answers.event_times or absent, dtype=pl.Int64),
            "key": pl.Series(answers.keys or absent, dtype=pl.String),
        }
        | {name: [value] * count for name, value in who.items()}
        | {FEATURE_PREFIX + name: as_logged(rows[name]) for name in sorted(rows.columns)}
        | {
            "prediction": answers.values,
            "scores": pl.Series(answers.scores or absent, dtype=pl.List(pl.Float64)),
            "latency_us": pl.Series([batch.latency_us] * count, dtype=pl.Int64),
            "outcome": [(Outcome.OK if error is None else Outcome.ERROR).value for error in answers.errors or absent],
            "source": [WORKER] * count,
            "error": pl.Series(answers.errors or absent, dtype=pl.String),
            "rollout": pl.Series([batch.rollout] * count, dtype=pl.String),
            "rollout_epoch": pl.Series([batch.rollout_epoch] * count, dtype=pl.Int64),
            "assigned": pl.Series(absent, dtype=pl.String),
            "pair": pl.Series(absent if batch.pair is None else [f"{batch.pair}.{i}" for i in range(count)], dtype=pl.String),
        }
    )


def as_logged(column: "pl.Series") -> "pl.Series":
    """A raw column in the form in which requests are logged: integers as int64, NaN as null, times as ISO text in UTC."""
    import polars as pl

    if column.dtype.is_integer():
        return column.cast(pl.Int64)
    if column.dtype.is_float():
        return column.cast(pl.Float64).fill_nan(None)
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        length = 10 if column.dtype == pl.Date else None
        instants = column.cast(pl.Datetime("us")).cast(pl.Int64)
        distinct = instants.unique().drop_nulls()
        texts = pl.Series([iso(instant)[:length] for instant in distinct], dtype=pl.String)
        return instants.replace_strict(distinct, texts, default=None, return_dtype=pl.String)
    return column if column.dtype == pl.Boolean else column.cast(pl.String)
