"""A further arm's process: one model behind a Unix socket, asked by champions' workers only.

It predicts one question after the other on its event loop, since it has nothing else to do. It writes no log: whoever
asked does. The socket lies in a folder that only the user may enter.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, cast

import msgspec

from volant.kernel.errors import UserCodeError, VolantError
from volant.serving.arm_protocol import Ask, Told, Unpacker, packed
from volant.serving.outputs import checked
from volant.serving.ports import ColumnRunner
from volant.serving.rows import RowRules

_DECODER = msgspec.json.Decoder(Ask)
MAX_ERROR = 1000


class ArmModel:
    """Answers one question at a time."""

    def __init__(self, runner: ColumnRunner, max_rows: int) -> None:
        self._runner = runner
        self._rules = RowRules(runner.signature, max_rows=max_rows)
        self._inputs = [field.name for field in runner.signature.inputs]

    def warm_up(self, columns: dict[str, list[Any]], rounds: int = 5) -> None:
        """Predict the stored sample's first row a few times. Raises what the model raises."""
        rows = self._rules.check({name: columns[name][:1] for name in self._inputs})
        for _ in range(rounds):
            self._runner.predict_columns(rows.columns, rows.count)

    def answer(self, ask: Ask) -> Told | None:
        """The answer; None where nobody waits for it any more."""
        began = perf_counter_ns()
        if began > ask.until_ns:
            return None
        try:
            rows = self._rules.check({name: ask.columns[name] for name in self._inputs if name in ask.columns})
            began = perf_counter_ns()
            found = self._runner.predict_columns(rows.columns, rows.count)
            taken_us = (perf_counter_ns() - began) // 1000
            scores = None if found.scores is None else found.scores.tolist()
            values = checked(found.values.tolist(), scores, rows.count)
        except Exception as error:  # noqa: BLE001 - whatever the model does, the champion's worker hears of it
            return Told(number=ask.number, error=_reason(error), model_us=(perf_counter_ns() - began) // 1000)
        return Told(number=ask.number, values=values, scores=scores, model_us=taken_us)


class _Line(asyncio.Protocol):
    """One champion's worker."""

    def __init__(self, model: ArmModel) -> None:
        self._model = model
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete; what cannot be read ends the connection."""
        assert self._transport is not None
        try:
            for payload in self._unpacker.feed(data):
                told = self._model.answer(_DECODER.decode(payload))
                if told is not None:
                    self._transport.write(packed(told))
        except (ValueError, msgspec.DecodeError) as error:
            print(f"A question to this arm cannot be read: {error}", file=sys.stderr, flush=True)  # noqa: T201
            self._transport.abort()


async def serve_arm(model: ArmModel, path: Path, ready: Callable[[], None], stopped: asyncio.Event) -> None:
    """Answer at ``path`` until told to stop. What lies there from an earlier process is removed."""
    _clear(path)
    before = os.umask(0o177)
    try:
        server = await asyncio.get_running_loop().create_unix_server(lambda: _Line(model), str(path))
    finally:
        os.umask(before)
    ready()
    try:
        await stopped.wait()
    finally:
        server.close()
        _clear(path)


def _clear(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    if isinstance(error, UserCodeError):
        return "; ".join((error.what, error.found or "", *error.details[-1:]))[:MAX_ERROR]
    if isinstance(error, VolantError):
        return f"{error.what} {error.found or ''}".strip()[:MAX_ERROR]
    traceback.print_exception(error, file=sys.stderr)
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]
