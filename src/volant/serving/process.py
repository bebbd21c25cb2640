"""A worker as its supervisor sees it: start it, hear that it is ready, tell it of new tokens, stop it."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Mapping, Sequence

import msgspec

from volant.access.model import Token
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import UnavailableError, from_record
from volant.serving.spec import Failed, Ready, Update, WorkerSpec

COMMAND = (sys.executable, "-m", "volant.wiring.serving_worker")
# Hash order must not decide anything; one row has no work for a second thread.
PINNED = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class WorkerProcess:
    """A started worker. It ends by itself when this process does."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Ready) -> None:
        self._process = process
        self.ready = ready

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._process.wait()

    async def update_tokens(self, tokens: Sequence[Token] | None) -> None:
        """Replace the tokens it accepts. A worker that is gone is not told."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(canonical(Update(tokens=None if tokens is None else tuple(tokens))) + b"\n")
            await self._process.stdin.drain()

    async def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Let it finish what it answers, then end it; kill it if it does not."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        return await _end(self._process, seconds)


async def start_worker(
    spec: WorkerSpec,
    *,
    environment: Mapping[str, str],
    listener: socket.socket | None = None,
    private: socket.socket | None = None,
    command: Sequence[str] = COMMAND,
    seconds: float = START_SECONDS,
) -> WorkerProcess:
    """Start a worker and wait until it answers. ``listener`` is a bound socket that it shares with others,
    ``private`` one that it has for itself. It runs in a session of its own, so that Ctrl-C reaches its supervisor only.

    Raises what the worker said it failed with, or ``UnavailableError`` if it ended or said nothing in time; no
    process is left behind then.
    """
    shared, own = (None if given is None else given.fileno() for given in (listener, private))
    spec = msgspec.structs.replace(spec, fd=shared, private_fd=own)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**environment, **PINNED},
        pass_fds=[number for number in (shared, own) if number is not None],
        start_new_session=True,
    )
    try:
        return WorkerProcess(process, await asyncio.wait_for(_hear(process, spec), seconds))
    except BaseException as error:
        await _end(process, 0)
        if isinstance(error, TimeoutError):
            what = f"The worker of {spec.model}@{spec.version} did not become ready."
            raise UnavailableError(what, found=f"nothing within {seconds:.0f} seconds") from error
        raise


async def _hear(process: asyncio.subprocess.Process, spec: WorkerSpec) -> Ready:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(canonical(spec) + b"\n")
        await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        code = await process.wait()
        raise UnavailableError(
            f"The worker of {spec.model}@{spec.version} ended before it was ready.",
            found=f"signal {-code}" if code < 0 else f"exit code {code}",
            next_step="see its output for the reason",
        )
    with contextlib.suppress(msgspec.ValidationError):
        return decode(line, Ready)
    raise from_record(decode(line, Failed).error)


async def _end(process: asyncio.subprocess.Process, seconds: float) -> int:
    try:
        return await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
