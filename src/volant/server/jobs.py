"""Heavy work in a process of its own, for the server: the same child that commands use, asked without blocking.

The protocol is described in ``wiring/child.py``. The process is started when there is something to do, ended when
there has been nothing for a while, and started again when it died.
"""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from volant.kernel.errors import InternalError, UnavailableError, from_record
from volant.wiring.child import child_environment

COMMAND = (sys.executable, "-m", "volant.wiring.worker")
IDLE_SECONDS = 60.0
STOP_SECONDS = 10.0
_LONGEST_LINE = 256 * 1024 * 1024


class Jobs:
    """One child, one request at a time; further calls wait for their turn."""

    def __init__(
        self, root: Path, environment: Mapping[str, str], *, command: Sequence[str] = COMMAND, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._arguments = (*command, str(root))
        self._environment = child_environment(environment)
        self._idle_seconds = idle_seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count(1)
        self._ending: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def call(self, verb: str, request: Mapping[str, object]) -> dict[str, Any]:
        """Do one verb. Raises what the verb raised, ``UnavailableError`` if the child died at it."""
        async with self._turn:
            if self._ending is not None:
                self._ending.cancel()
            process = await self._running()
            try:
                return await self._exchange(process, verb, request)
            except orjson.JSONDecodeError as error:
                await self._kill()
                raise InternalError(f"The process that was doing '{verb}' answered in no JSON.", found=str(error)[:200]) from error
            except (asyncio.CancelledError, OSError):
                await self._kill()
                raise
            finally:
                self._ending = asyncio.get_running_loop().call_later(self._idle_seconds, self._close_input)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None or _input(self._process).is_closing():
            await self._kill()
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
                limit=_LONGEST_LINE,
            )
        return self._process

    async def _exchange(self, process: asyncio.subprocess.Process, verb: str, request: Mapping[str, object]) -> dict[str, Any]:
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError):
            _input(process).write(orjson.dumps({"id": next(self._numbers), "verb": verb, "request": request}) + b"\n")
            await _input(process).drain()
        while line := await process.stdout.readline():
            answer = orjson.loads(line)
            if "error" in answer:
                raise from_record(answer["error"])
            if "result" in answer:
                result: dict[str, Any] = answer["result"]
                return result
        code = await process.wait()
        raise UnavailableError(
            f"The process that was doing '{verb}' ended before it answered.", found=f"signal {-code}" if code < 0 else f"exit code {code}"
        )

    def _close_input(self) -> None:
        """The child ends by itself when its input does."""
        if self._process is not None and not self._turn.locked():
            _input(self._process).close()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        """End the child; kill it if it does not end."""
        if self._ending is not None:
            self._ending.cancel()
        if self._process is not None:
            _input(self._process).close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        await self._kill()


def _input(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    assert process.stdin is not None
    return process.stdin
