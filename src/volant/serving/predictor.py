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

from volant.deployments.arms import Routing
from volant.evidence.log import LogWriter
from volant.evidence.model import Outcome, Prediction
from volant.kernel.clock import Clock
from volant.kernel.errors import UserCodeError
from volant.kernel.ids import Ids
from volant.serving.metrics import WorkerMetrics
from volant.serving.outputs import checked
from volant.serving.ports import ColumnRunner
from volant.serving.recent import RecentRequests
from volant.serving.recording import Call, Recorder
from volant.serving.rows import RowRules, Rows
from volant.serving.spec import WorkerSpec
from volant.serving.split import Answered, Split

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
        self._runner = runner
        self._recent = recent
        self.recorder = Recorder(spec, writer=writer, metrics=metrics, clock=clock, ids=ids)
        self._split: Split | None = None
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
            return await self._answer(Call(rows, None, None, started_ns))
        mark = fingerprint()
        known = self._recent.find(request_id, mark)
        if known is not None:
            return known if isinstance(known, Prediction) else await asyncio.shield(known)
        self._recent.begin(request_id, mark)
        try:
            prediction = await self._answer(Call(rows, request_id, mark, started_ns))
        except BaseException as error:
            self._recent.forget(request_id, error)
            raise
        self._recent.keep(prediction)
        return prediction

    def route(self, routing: Routing | None) -> None:
        """Share requests with a further arm from now on, or with none. Called on the event loop."""
        if self._split is not None and routing is not None and self._split.change(routing):
            return
        if self._split is not None:
            self._split.close()
        self._split = None if routing is None else Split(routing, self.recorder, self._answered, _reason, self._expected_ns)

    @property
    def shadows_dropped(self) -> int:
        """Rows that the present shadow was not asked about, because it was too slow or not there."""
        return 0 if self._split is None else self._split.dropped

    async def _answer(self, call: Call) -> Prediction:
        if self._split is not None:
            return await self._split.answer(call)
        try:
            values, scores, _ = await self._run(call.rows)
        except Exception as error:
            await self.recorder.log(call, outcome=Outcome.ERROR, error=_reason(error))
            if isinstance(error, UserCodeError):
                raise
            raise _broken(error) from error
        return await self.recorder.answered(call, values, scores)

    async def _answered(self, call: Call) -> Answered:
        """For a request during a rollout."""
        try:
            return await self._run(call.rows)
        except UserCodeError:
            raise
        except Exception as error:
            raise _broken(error) from error

    def _expected_ns(self, count: int) -> float:
        return self._costs_ns.get(count.bit_length(), math.inf)

    async def _run(self, rows: Rows) -> Answered:
        size = rows.count.bit_length()
        if not self._in_thread and self._costs_ns.get(size, math.inf) <= INLINE_NS:
            return self._predict(rows, size)
        self._in_thread += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, rows, size)
        finally:
            self._in_thread -= 1

    def _predict(self, rows: Rows, size: int) -> Answered:
        began = perf_counter_ns()
        columns = rows.columns if len(rows.columns) == len(self._inputs) else {name: rows.columns[name] for name in self._inputs}
        answer = self._runner.predict_columns(columns, rows.count)
        taken = perf_counter_ns() - began
        self._costs_ns[size] = taken + (1 - _NEWEST) * (self._costs_ns.get(size, taken) - taken)
        scores = None if answer.scores is None else answer.scores.tolist()
        return Answered(checked(answer.values.tolist(), scores, rows.count), scores, taken)

    def warm_up(self, columns: dict[str, list[Any]], rounds: int = 5) -> None:
        """Predict the stored sample a few times, one row each, without logging. Raises what the model raises."""
        rows = self.rules.check({name: values[:1] for name, values in columns.items()})
        for _ in range(rounds):
            self._predict(rows, 1)

    def close(self) -> None:
        """Let the prediction thread end."""
        if self._split is not None:
            self._split.close()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _reason(error: Exception) -> str:
    if not isinstance(error, UserCodeError):
        traceback.print_exception(error, file=sys.stderr)
        return f"{type(error).__name__}: {error}"[:1000]
    print("\n".join((error.what, *error.details)), file=sys.stderr, flush=True)  # noqa: T201 - the supervisor keeps it
    return "; ".join((error.what, error.found or "", *error.details[-1:]))[:1000]


def _broken(error: Exception) -> UserCodeError:
    return UserCodeError("The model raised.", found=type(error).__name__, next_step="see the worker's output for the traceback")
