"""What should serve and who may ask, as the store has it now: changes by other processes are seen within half a second."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from volant.access.model import Token
from volant.access.rules import is_live
from volant.kernel.codec import Value
from volant.kernel.errors import UnavailableError
from volant.registry.model import ModelState, VersionState
from volant.registry.rules import APPROVED, PROMOTED, ROLLED_BACK
from volant.server.standing import Champion
from volant.server.warmth import Former

if TYPE_CHECKING:
    from volant.wiring.project import Project

ROUND_SECONDS = 0.25
_CHANGES = frozenset({APPROVED, PROMOTED, ROLLED_BACK})


class Seen(Value, frozen=True, kw_only=True):
    """One look."""

    champion: Champion | None
    former: Former | None
    tokens: tuple[Token, ...]


class Watch:
    """Looks at the registry again and again. A look that finds no new event costs one indexed query."""

    def __init__(self, project: "Project", *, round_seconds: float = ROUND_SECONDS) -> None:
        self._project = project
        self._round_seconds = round_seconds
        self._seq = -1
        self._champion: Champion | None = None
        self._former: Former | None = None
        self.waits_for = _no_run()

    def look(self) -> Seen:
        """Read the store."""
        project, stream = self._project, f"model/{self._project.name}"
        if self._seq < 0 or project.events.read(stream, self._seq):
            state = project.registry.state(project.name)
            self._champion = _champion(project, state)
            self._former = _former(project, state)
            self.waits_for = waits_for(project.name, state)
            self._seq = state.seq
        now = project.clock.now()
        live = tuple(token for token in project.tokens.tokens() if is_live(token, now))
        return Seen(champion=self._champion, former=self._former, tokens=live)

    async def run(self, tell: Callable[[Seen], Awaitable[None]]) -> None:
        """Look and tell, until cancelled. While the store cannot be read, what was seen last holds."""
        troubled = False
        while True:
            try:
                await tell(await asyncio.to_thread(self.look))
                troubled = False
            except Exception as error:  # noqa: BLE001 - whatever it is, what serves goes on serving
                if not troubled:
                    print(f"The store cannot be read; serving goes on as it was: {error}", file=sys.stderr, flush=True)  # noqa: T201
                troubled = True
            await asyncio.sleep(self._round_seconds)


def _champion(project: "Project", state: ModelState) -> Champion | None:
    if state.champion is None:
        return None
    package = project.models.get(project.name, state.champion).package
    return Champion(version=state.champion, epoch=state.epoch, package=package)


def _former(project: "Project", state: ModelState) -> Former | None:
    if state.champion is None or state.previous is None:
        return None
    changes = [event.recorded_at for event in project.events.read(f"model/{project.name}") if event.kind in _CHANGES]
    package = project.models.get(project.name, state.previous).package
    return Former(champion=Champion(version=state.previous, epoch=state.epoch - 1, package=package), replaced_at=changes[-1])


def waits_for(name: str, state: ModelState) -> UnavailableError:
    """Why there is no champion, and the command that makes one."""
    proposed = max((number for number, standing in state.versions.items() if standing is VersionState.PROPOSED), default=None)
    if proposed is not None:
        return UnavailableError(
            "No model has been let out yet.",
            found=f"{name}@{proposed} passed its gate and waits for a person",
            next_step=f'volant approve {name}@{proposed} --reason "..."',
        )
    registered = max((number for number, standing in state.versions.items() if standing is VersionState.REGISTERED), default=None)
    if registered is not None:
        return UnavailableError(
            "No model has been let out yet.",
            found=f"the gate did not pass {name}@{registered}",
            next_step=f'volant run, or: volant approve {name}@{registered} --override --reason "..."',
        )
    return _no_run()


def _no_run() -> UnavailableError:
    return UnavailableError("There is no model yet.", found="no version is registered", next_step="volant run")
