"""Requests during a rollout: which arm answers, what is recorded, and the champion's answer where another arm fails.

The attempt is in the log before another arm is asked and the outcome before the reply is sent. A request that belongs to
the canary but finds it gone is answered by the champion and counts for neither: a process that ended is one incident,
which the supervisor of the arm counts. Shadows are asked after the reply, one at a time, from a queue that drops what it
cannot hold.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from volant.deployments.arms import CANARY, SHADOW, Mode, Routing, is_canary
from volant.evidence.model import Outcome, Prediction, Trial
from volant.serving.arm_client import ArmClient, ArmGoneError
from volant.serving.arm_protocol import Told
from volant.serving.recording import Call, Recorder

PATIENCE_SECONDS = 2.0
PATIENCE_TIMES = 20  # the champion's own time for as many rows
MAX_SHADOWS = 256
MAX_SHADOW_ROWS = 20_000


class Answered(NamedTuple):
    """What the champion's model gave, and how long it took."""

    values: list[Any]
    scores: list[list[float]] | None
    taken_ns: int


class _Shadow(NamedTuple):
    call: Call
    pair: str
    routing: Routing


class Split:
    """Asks the arm that one routing names. ``answer_by_champion`` runs the champion's model and raises what it raises."""

    def __init__(
        self,
        routing: Routing,
        recorder: Recorder,
        answer_by_champion: Callable[[Call], Awaitable[Answered]],
        why: Callable[[Exception], str],
        expected_ns: Callable[[int], float],
    ) -> None:
        self.routing = routing
        self._recorder = recorder
        self._answer = answer_by_champion
        self._why = why
        self._expected_ns = expected_ns
        self._client = ArmClient(routing.socket)
        self._shadows: deque[_Shadow] = deque()
        self._shadow_rows = 0
        self._news = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._score_shadows())
        self.dropped = 0

    def change(self, routing: Routing) -> bool:
        """Take new weights for the same arm; False if it is another arm's."""
        if routing.socket != self.routing.socket:
            return False
        self.routing = routing
        return True

    async def answer(self, call: Call) -> Prediction:
        """The logged answer of whichever arm gave it. Raises what the champion raises."""
        routing, name = self.routing, self._recorder.new_id()
        key = call.rows.keys[0] if call.rows.keys else call.request_id or name
        if routing.mode is Mode.CANARY and is_canary(key, routing.rollout, routing.share):
            return await self._by_canary(call, routing, name)
        prediction = await self._by_champion(call, routing, name)
        if routing.mode is Mode.SHADOW:
            self._remember(_Shadow(call, prediction.id, routing))
        return prediction

    async def _by_champion(
        self, call: Call, routing: Routing, name: str, *, assigned: str | None = None, pair: str | None = None
    ) -> Prediction:
        trial = Trial(rollout=routing.rollout, epoch=routing.epoch, rows=call.rows.count, assigned=assigned, pair=pair)
        try:
            found = await self._answer(call)
        except Exception as error:
            await self._recorder.log(call, id=name, outcome=Outcome.ERROR, error=self._why(error), trial=trial)
            raise
        trial = msgspec.structs.replace(trial, model_us=found.taken_ns // 1000)
        return await self._recorder.log(call, id=name, values=found.values, scores=found.scores, trial=trial)

    async def _by_canary(self, call: Call, routing: Routing, name: str) -> Prediction:
        if not self._client.connected:
            return await self._by_champion(call, routing, name, assigned=CANARY)
        trial = Trial(rollout=routing.rollout, epoch=routing.epoch, rows=call.rows.count)
        arm: dict[str, Any] = {"id": name, "arm": CANARY, "version": routing.version}
        _, written = self._recorder.record(call, outcome=Outcome.ATTEMPT, trial=trial, **arm)
        await written
        told = await self._ask(call, self._patience(call))
        if isinstance(told, str) or told.error is not None:
            why = told if isinstance(told, str) else told.error
            self._recorder.note(call, outcome=Outcome.ERROR, error=why, trial=trial, **arm)
            return await self._by_champion(call, routing, self._recorder.new_id(), assigned=CANARY, pair=name)
        trial = msgspec.structs.replace(trial, model_us=told.model_us)
        return await self._recorder.log(call, values=told.values, scores=told.scores, trial=trial, **arm)

    async def _ask(self, call: Call, seconds: float) -> Told | str:
        """What the arm said, or why it said nothing."""
        try:
            return await self._client.ask(call.rows.columns, call.rows.count, seconds)
        except ArmGoneError as error:
            return f"No answer: {error}."
        except TimeoutError:
            return f"No answer within {seconds:.1f} seconds."
        except (TypeError, ValueError) as error:  # a value that JSON cannot carry
            return f"The rows could not be handed over: {error}"[:1000]

    def _patience(self, call: Call) -> float:
        expected = self._expected_ns(call.rows.count)
        return max(PATIENCE_SECONDS, PATIENCE_TIMES * expected / 1e9 if expected < 1e12 else PATIENCE_SECONDS)

    def _remember(self, shadow: _Shadow) -> None:
        rows = shadow.call.rows.count
        if not self._client.connected or len(self._shadows) >= MAX_SHADOWS or self._shadow_rows + rows > MAX_SHADOW_ROWS:
            self.dropped += rows
            return
        self._shadows.append(shadow)
        self._shadow_rows += rows
        self._news.set()

    async def _score_shadows(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._shadows:
                shadow = self._shadows.popleft()
                self._shadow_rows -= shadow.call.rows.count
                await self._score(shadow)

    async def _score(self, shadow: _Shadow) -> None:
        call, routing = shadow.call._replace(request_id=None, mark=None), shadow.routing
        if not self._client.connected:
            self.dropped += call.rows.count
            return
        told = await self._ask(call, self._patience(call))
        trial = Trial(rollout=routing.rollout, epoch=routing.epoch, rows=call.rows.count, pair=shadow.pair)
        arm: dict[str, Any] = {"arm": SHADOW, "version": routing.version}
        if isinstance(told, str) or told.error is not None:
            why = told if isinstance(told, str) else told.error
            self._recorder.note(call, outcome=Outcome.ERROR, error=why, trial=trial, **arm)
        else:
            trial = msgspec.structs.replace(trial, model_us=told.model_us)
            self._recorder.note(call, values=told.values, scores=told.scores, trial=trial, **arm)

    def close(self) -> None:
        """Ask nothing more."""
        self._task.cancel()
        self._client.close()
