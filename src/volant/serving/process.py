"""A worker as its supervisor sees it: start it, hear that it is ready, tell it of new tokens, stop it."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Mapping, Sequence

import msgspec

from volant.access.model import Token
from volant.deployments.arms import Routing
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import UnavailableError, from_record
from volant.serving.spec import Done, Failed, Ready, Update, WorkerSpec

COMMAND = (sys.executable, "-m", "volant.wiring.serving_worker")
# Hash order must not decide anything; one row has no work for a second thread.
PINNED = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
START_SECONDS = 60.0
STOP_SECONDS = 15.0
ACKNOWLEDGE_SECONDS = 5.0


class WorkerProcess:
    """A started worker. It ends by itself when this process does."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Ready, spec: WorkerSpec) -> None:
        self._process = process
        self.ready = ready
        self._held = Update(serial=0, tokens=spec.tokens, routing=spec.routing, open=spec.open)
        self._acknowledged = 0
        self._news = asyncio.Event()
        self._hearing = asyncio.create_task(self._hear())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    @property
    def behind(self) -> bool:
        """Whether it has not yet said that the last update holds."""
        return self._acknowledged < self._held.serial

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._process.wait()

    async def update_tokens(self, tokens: Sequence[Token] | None) -> None:
        """Replace the tokens it accepts. A worker that is gone is not told."""
        await self._tell(tokens=None if tokens is None else tuple(tokens))

    async def route(self, routing: Routing | None) -> None:
        """Share its requests with a further arm, or with none."""
        await self._tell(routing=routing)

    async def set_open(self, *, accept: bool, epoch: int | None = None) -> None:
        """Let it accept requests on the shared socket, under a new epoch if one is given, or keep it warm without."""
        await self._tell(open=accept, epoch=self._held.epoch if epoch is None else epoch)

    async def settled(self, seconds: float = ACKNOWLEDGE_SECONDS) -> bool:
        """Wait until everything that it was told holds; False if it did not say so in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.behind and not self._hearing.done():
                    self._news.clear()
                    await self._news.wait()
        return not self.behind

    async def _tell(self, **changes: object) -> None:
        changed = msgspec.structs.replace(self._held, **changes)
        if changed == self._held:
            return
        self._held = msgspec.structs.replace(changed, serial=self._held.serial + 1)
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(canonical(self._held) + b"\n")
            await self._process.stdin.drain()

    async def _hear(self) -> None:
        """Take its acknowledgements until its output ends."""
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                with contextlib.suppress(msgspec.DecodeError):
                    self._acknowledged = max(self._acknowledged, decode(line, Done).serial)
                self._news.set()
        finally:
            self._news.set()

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
        return WorkerProcess(process, await asyncio.wait_for(_hear(process, spec), seconds), spec)
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
