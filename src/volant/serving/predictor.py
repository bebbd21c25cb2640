"""From checked rows to a logged answer.

A prediction that takes no longer than a few milliseconds runs on the event loop, where a hand-over to a thread would
cost more than it saves; a longer one runs in the worker's one prediction thread, so that health checks are answered
meanwhile. What a call will cost is learned from calls of like size.
"""

import asyncio
import math
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns
from typing import Any

from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome, Prediction
from volant.kernel.clock import Clock
from volant.kernel.errors import UserCodeError
from volant.kernel.ids import Ids
from volant.serving.metrics import WorkerMetrics
from volant.serving.ports import ColumnRunner
from volant.serving.recent import RecentRequests
from volant.serving.rows import RowRules, Rows
from volant.serving.spec import WorkerSpec

INLINE_NS = 5_000_000
_NEWEST = 0.3  # weight of the newest call in the expected cost


class Predictor:
    """Predicts with one runner, logs every attempt before it is answered, and answers a repeated request id once.

    Used from one event loop. ``predict`` raises ``InvalidInputError`` (nothing is logged), ``UserCodeError`` (logged
    as an error), ``UnavailableError`` (the log cannot be written: nothing is answered), ``ConflictError``.
    """

    def __init__(
        self,
        spec: WorkerSpec,
        runner: ColumnRunner,
        *,
        writer: LogWriter,
        recent: RecentRequests,
        metrics: WorkerMetrics,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._spec = spec
        self._runner = runner
        self._writer = writer
        self._recent = recent
        self._metrics = metrics
        self._clock = clock
        self._ids = ids
        self._inputs = [field.name for field in runner.signature.inputs]
        self.rules = RowRules(runner.signature, key=spec.key, time=spec.time, max_rows=spec.limits.max_rows)
        self._costs_ns: dict[int, float] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._in_thread = 0

    async def predict(
        self, columns: dict[str, list[Any]], *, request_id: str | None, fingerprint: Callable[[], str], started_ns: int
    ) -> Prediction:
        """Answer n rows given as columns. ``fingerprint`` is asked for only where the client named its request."""
        rows = self.rules.check(columns)
        if request_id is None:
            return await self._answer(rows, None, None, started_ns)
        mark = fingerprint()
        known = self._recent.find(request_id, mark)
        if known is not None:
            return known if isinstance(known, Prediction) else await asyncio.shield(known)
        self._recent.begin(request_id, mark)
        try:
            prediction = await self._answer(rows, request_id, mark, started_ns)
        except BaseException as error:
            self._recent.forget(request_id, error)
            raise
        self._recent.keep(prediction)
        return prediction

    async def _answer(self, rows: Rows, request_id: str | None, mark: str | None, started_ns: int) -> Prediction:
        try:
            values, scores = await self._run(rows)
        except Exception as error:
            await self._log(rows, request_id, mark, started_ns, outcome=Outcome.ERROR, error=_reason(error))
            if isinstance(error, UserCodeError):
                raise
            raise _broken(error) from error
        return await self._log(rows, request_id, mark, started_ns, values=values, scores=scores)

    async def _log(
        self,
        rows: Rows,
        request_id: str | None,
        mark: str | None,
        started_ns: int,
        *,
        values: list[Any] | None = None,
        scores: list[list[float]] | None = None,
        outcome: Outcome = Outcome.OK,
        error: str | None = None,
    ) -> Prediction:
        prediction = Prediction(
            id=self._ids.new(),
            request_id=request_id,
            at=self._clock.now(),
            model=self._spec.model,
            version=self._spec.version,
            arm=self._spec.arm,
            epoch=self._spec.epoch,
            columns=rows.columns,
            values=values or [],
            scores=scores,
            keys=rows.keys,
            event_times=rows.event_times,
            latency_us=(perf_counter_ns() - started_ns) // 1000,
            outcome=outcome,
            error=error,
            fingerprint=mark,
        )
        await self._writer.append(encode(prediction))
        self._metrics.predicted(outcome, rows.count)
        return prediction

    async def _run(self, rows: Rows) -> tuple[list[Any], list[list[float]] | None]:
        size = rows.count.bit_length()
        if not self._in_thread and self._costs_ns.get(size, math.inf) <= INLINE_NS:
            return self._predict(rows, size)
        self._in_thread += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, rows, size)
        finally:
            self._in_thread -= 1

    def _predict(self, rows: Rows, size: int) -> tuple[list[Any], list[list[float]] | None]:
        began = perf_counter_ns()
        columns = rows.columns if len(rows.columns) == len(self._inputs) else {name: rows.columns[name] for name in self._inputs}
        answer = self._runner.predict_columns(columns, rows.count)
        taken = perf_counter_ns() - began
        self._costs_ns[size] = taken + (1 - _NEWEST) * (self._costs_ns.get(size, taken) - taken)
        scores = None if answer.scores is None else answer.scores.tolist()
        return _checked(answer.values.tolist(), scores, rows.count), scores

    def warm_up(self, columns: dict[str, list[Any]], rounds: int = 5) -> None:
        """Predict the stored sample a few times, one row each, without logging. Raises what the model raises."""
        rows = self.rules.check({name: values[:1] for name, values in columns.items()})
        for _ in range(rounds):
            self._predict(rows, 1)

    def close(self) -> None:
        """Let the prediction thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _checked(values: list[Any], scores: list[list[float]] | None, count: int) -> list[Any]:
    if len(values) != count or (scores is not None and len(scores) != count):
        raise UserCodeError("The model gave another number of predictions than rows.", found=f"{len(values)} for {count} rows")
    numbers = all(not isinstance(value, float) or math.isfinite(value) for value in values)
    if not numbers or (scores is not None and not all(math.isfinite(score) for row in scores for score in row)):
        raise UserCodeError("The model gave a prediction that is not a finite number.", next_step="see the row in the prediction log")
    return values


def _reason(error: Exception) -> str:
    if not isinstance(error, UserCodeError):
        traceback.print_exception(error, file=sys.stderr)
        return f"{type(error).__name__}: {error}"[:1000]
    print("\n".join((error.what, *error.details)), file=sys.stderr, flush=True)  # noqa: T201 - the supervisor keeps it
    return "; ".join((error.what, error.found or "", *error.details[-1:]))[:1000]


def _broken(error: Exception) -> UserCodeError:
    return UserCodeError("The model raised.", found=type(error).__name__, next_step="see the worker's output for the traceback")
