"""Keeps a rollout's candidate running behind a Unix socket while it is needed, and says when it ends by itself."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from volant.kernel.codec import Value
from volant.kernel.errors import InternalError, VolantError
from volant.server.standing import Champion
from volant.serving.spec import Ready

RETRY_SECONDS = 0.5
LONGEST_PATH = 100  # what the system allows for a Unix socket, and a little less


class Arm(Value, frozen=True, kw_only=True):
    """What should run: the candidate of a rollout."""

    rollout: str
    candidate: Champion


class ArmProcess(Protocol):
    """A started arm."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def ready(self) -> Ready:
        """What it said when it was ready."""
        ...

    async def wait(self) -> int:
        """Wait for its end."""
        ...

    async def stop(self) -> int:
        """End it."""
        ...


LaunchArm = Callable[[Champion, str], Awaitable[ArmProcess]]
Ended = Callable[[Arm, str], Awaitable[None]]


class ArmKeeper:
    """One further arm at a time. ``ended`` hears of each end, and each failure to start, that nobody asked for."""

    def __init__(self, launch: LaunchArm, folder: Path, ended: Ended) -> None:
        self._launch = launch
        self._folder = folder
        self._ended = ended
        self._wanted: Arm | None = None
        self._task: asyncio.Task[None] | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.process: ArmProcess | None = None

    @property
    def running(self) -> Arm | None:
        """The arm that answers now."""
        return self._wanted if self.process is not None else None

    async def want(self, arm: Arm | None) -> None:
        """Run this from now on, or nothing. The same again is nothing."""
        if arm == self._wanted:
            return
        await self._stop()
        self._wanted = arm
        if arm is not None:
            self._task = asyncio.create_task(self._run(arm))

    def socket(self, arm: Arm) -> str:
        """Where an arm of this server listens (others on the store have their own): in the project's folder, or in a temporary
        one where that path is too long.
        """
        place = self._folder / f"arm-{os.getpid()}-{arm.rollout[-12:]}.sock"
        if len(str(place)) <= LONGEST_PATH:
            return str(place)
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="volant-")
        return str(Path(self._temporary.name) / place.name)

    async def _run(self, arm: Arm) -> None:
        """Start it, and again when it ends, until told otherwise."""
        while True:
            why = await self._once(arm)
            await self._ended(arm, why)
            await asyncio.sleep(RETRY_SECONDS)

    async def _once(self, arm: Arm) -> str:
        """Run it until it ends by itself; why it did."""
        process: ArmProcess | None = None
        try:
            process = await self._launch(arm.candidate, self.socket(arm))
            self.process = process
            code = await process.wait()
        except VolantError as error:
            return error.what if error.found is None else f"{error.what} {error.found}"
        except OSError as error:
            return InternalError(f"It could not be started: {error}").what
        finally:
            self.process = None
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    await asyncio.shield(process.stop())
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def close(self) -> None:
        """End what runs."""
        await self.want(None)
        if self._temporary is not None:
            self._temporary.cleanup()
