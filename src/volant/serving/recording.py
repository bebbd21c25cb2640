"""From what became of a request to a record in the prediction log."""

import asyncio
from time import perf_counter_ns
from typing import Any, NamedTuple

from volant.deployments.arms import CHAMPION
from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome, Prediction, Trial
from volant.kernel.clock import Clock
from volant.kernel.ids import Ids
from volant.serving.metrics import WorkerMetrics
from volant.serving.rows import Rows
from volant.serving.spec import WorkerSpec


class Call(NamedTuple):
    """A checked request: its rows, the client's name for it and its fingerprint, and when it came."""

    rows: Rows
    request_id: str | None
    mark: str | None
    started_ns: int


class Recorder:
    """Writes records of one worker. ``epoch`` counts champion changes and may change while the worker lives."""

    def __init__(self, spec: WorkerSpec, *, writer: LogWriter, metrics: WorkerMetrics, clock: Clock, ids: Ids) -> None:
        self._spec = spec
        self._writer = writer
        self._metrics = metrics
        self._clock = clock
        self._ids = ids
        self.epoch = spec.epoch

    def new_id(self) -> str:
        """For a prediction."""
        return self._ids.new()

    def record(
        self,
        call: Call,
        *,
        values: list[Any] | None = None,
        scores: list[list[float]] | None = None,
        outcome: Outcome = Outcome.OK,
        error: str | None = None,
        id: str | None = None,  # noqa: A002 - what it is called everywhere
        arm: str = CHAMPION,
        version: int | None = None,
        trial: Trial | None = None,
    ) -> tuple[Prediction, asyncio.Future[None]]:
        """The record and its write, which this tick begins; the future fails with ``UnavailableError``."""
        rows = call.rows
        prediction = Prediction(
            id=id or self._ids.new(),
            request_id=call.request_id,
            at=self._clock.now(),
            model=self._spec.model,
            version=version or self._spec.version,
            arm=self._spec.arm if arm == CHAMPION else arm,
            epoch=self.epoch,
            columns=rows.columns,
            values=values or [],
            scores=scores,
            keys=rows.keys,
            event_times=rows.event_times,
            latency_us=(perf_counter_ns() - call.started_ns) // 1000,
            outcome=outcome,
            error=error,
            fingerprint=call.mark,
            trial=trial,
        )
        return prediction, self._writer.append(encode(prediction))

    async def answered(self, call: Call, values: list[Any], scores: list[list[float]] | None) -> Prediction:
        """Log the champion's answer outside of any rollout: the same as :meth:`log`, without its choices, since all go this way."""
        rows = call.rows
        prediction = Prediction(
            id=self._ids.new(),
            request_id=call.request_id,
            at=self._clock.now(),
            model=self._spec.model,
            version=self._spec.version,
            arm=self._spec.arm,
            epoch=self.epoch,
            columns=rows.columns,
            values=values,
            scores=scores,
            keys=rows.keys,
            event_times=rows.event_times,
            latency_us=(perf_counter_ns() - call.started_ns) // 1000,
            outcome=Outcome.OK,
            fingerprint=call.mark,
        )
        await self._writer.append(encode(prediction))
        self._metrics.answered_rows += rows.count
        return prediction

    async def log(self, call: Call, **what: Any) -> Prediction:
        """Write a record and wait until it is written."""
        prediction, written = self.record(call, **what)
        await written
        self._metrics.predicted(prediction.arm, prediction.version, prediction.outcome, call.rows.count)
        return prediction

    def note(self, call: Call, **what: Any) -> None:
        """Write a record without waiting: what follows in the same worker fails with the same disk."""
        prediction, written = self.record(call, **what)
        written.add_done_callback(_seen)
        self._metrics.predicted(prediction.arm, prediction.version, prediction.outcome, call.rows.count)


def _seen(written: "asyncio.Future[None]") -> None:
    if not written.cancelled():
        written.exception()
