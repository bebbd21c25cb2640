"""What should serve, how serving stands, and how that is said to somebody who gets no prediction."""

import socket
from collections.abc import Awaitable, Sequence
from enum import StrEnum
from typing import Protocol

from volant.access.model import Token
from volant.deployments.arms import Routing
from volant.kernel.codec import Value
from volant.kernel.errors import UnavailableError, VolantError
from volant.serving.spec import Ready


class Champion(Value, frozen=True, kw_only=True):
    """What should serve: a version, and the epoch in which it became champion."""

    version: int
    epoch: int
    package: str


class Phase(StrEnum):
    """How serving stands."""

    IDLE = "idle"  # there is no champion
    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"  # to start again after a failure
    STOPPED = "stopped"


class Standing(Value, frozen=True, kw_only=True):
    """Serving at one moment. ``error`` is the last failure to start or the last unplanned end."""

    phase: Phase
    version: int | None = None
    epoch: int | None = None
    pid: int | None = None
    wanted: int | None = None
    restarts: int = 0
    warm: int | None = None  # the former champion's version, while its worker is kept warm
    warm_pid: int | None = None
    error: str | None = None


class Worker(Protocol):
    """A started worker that answers."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    async def wait(self) -> int:
        """Wait for its end."""
        ...

    async def stop(self) -> int:
        """Let it finish what it answers, then end it."""
        ...

    async def update_tokens(self, tokens: Sequence[Token] | None) -> None:
        """Replace the tokens it accepts."""
        ...

    async def route(self, routing: Routing | None) -> None:
        """Share its requests with a further arm, or with none."""
        ...

    async def set_open(self, *, accept: bool, epoch: int | None = None) -> None:
        """Let it accept requests, or keep it warm without."""
        ...

    async def settled(self) -> bool:
        """Wait until everything that it was told holds; False if it did not say so in time."""
        ...

    @property
    def ready(self) -> Ready:
        """What it said when it was ready."""
        ...


class Launch(Protocol):
    """Starts a worker for a champion on its own socket (and the shared one) and waits until it answers."""

    def __call__(self, champion: Champion, private: socket.socket, *, accept: bool = True) -> Awaitable[Worker]:
        """Without ``accept`` it answers nothing on the shared socket until it is told to.

        Raises a ``VolantError`` if it cannot be started; no process is left behind then.
        """
        ...


def why_not(standing: Standing, model: str, error: VolantError | None, waits_for: VolantError) -> VolantError:
    """Why no worker answers, for whoever asked for a prediction. ``waits_for`` is said while there is no champion."""
    if standing.phase is Phase.IDLE:
        return waits_for
    if standing.phase is Phase.STOPPED:
        return UnavailableError("The server is stopping.", next_step="send the request again once it is back")
    if error is None:
        return UnavailableError(
            f"{model}@{standing.wanted} is being loaded.",
            found="its worker is not ready yet",
            next_step="send the request again in a moment",
        )
    found = error.what if error.found is None else f"{error.what} ({error.found})"
    return UnavailableError(f"{model}@{standing.wanted} is being started again.", found=found, next_step=error.next_step or "volant status")
