"""The parts of a running server, put together: what ``run.py`` starts and stops in order."""

import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from volant.access.model import Token
from volant.access.routes import ErrorPage, Route
from volant.access.rules import known_hosts
from volant.access.tokens import TokenBook
from volant.kernel.codec import Value, plain
from volant.kernel.errors import VolantError
from volant.server import chores, login, rollouts, suites, telling, weighing, wheel
from volant.server.api import Api, description
from volant.server.app import App
from volant.server.chores import Chores
from volant.server.errors import plain_page
from volant.server.forward import Forwarder, inference_routes
from volant.server.guard import Guard
from volant.server.health import Health
from volant.server.jobs import COMMAND as JOBS_COMMAND
from volant.server.jobs import Jobs
from volant.server.launch import Launcher
from volant.server.leadership import TTL_US, Leadership, lease_name
from volant.server.live import Live
from volant.server.metrics import ControlMetrics
from volant.server.outbox import settle_champion_changes
from volant.server.rhythm import Rhythm
from volant.server.rollouts import RolloutKeeper
from volant.server.standing import Phase, why_not
from volant.server.suites import Suites
from volant.server.supervise import Supervisor
from volant.server.table import RouteTable
from volant.server.telling import Telling
from volant.server.warmth import Warmth
from volant.server.watch import Seen, Watch
from volant.server.weighing import Weighing
from volant.server.wheel import Wheel
from volant.serving.process import COMMAND as WORKER_COMMAND
from volant.wiring.alerting import Rounds
from volant.wiring.changes import Changes
from volant.wiring.sweeping import swept
from volant.wiring.watched import log_mark

if TYPE_CHECKING:
    from volant.wiring.project import Project


class Commands(Value, frozen=True, kw_only=True):
    """How the two kinds of child processes are started."""

    worker: tuple[str, ...] = WORKER_COMMAND
    jobs: tuple[str, ...] = JOBS_COMMAND


STANDARD = Commands()


class Address(Value, frozen=True, kw_only=True):
    """Where a server is: ``host`` as people wrote it, ports as they turned out."""

    host: str
    port: int
    worker_port: int

    @property
    def url(self) -> str:
        """Of the control process: API, pages and forwarded predictions."""
        return f"http://{_authority(self.host)}:{self.port}"

    @property
    def worker_url(self) -> str:
        """Of the worker itself: predictions only."""
        return f"http://{_authority(self.host)}:{self.worker_port}"


class Control:
    """A server that is not yet running. Needs a running event loop."""

    def __init__(
        self,
        project: "Project",
        address: Address,
        worker_socket: socket.socket,
        *,
        asks: bool,
        allow_hosts: Sequence[str] = (),
        pages: Sequence[Route] = (),
        error_page: ErrorPage = plain_page,
        commands: Commands = STANDARD,
        lease_us: int = TTL_US,
    ) -> None:
        self.project = project
        self.address = address
        self.asks = asks
        self._live: tuple[Token, ...] = ()
        self.book = TokenBook(project.clock)
        self.metrics = ControlMetrics()
        self.watch = Watch(project)
        self.forwarder = Forwarder(self.why_not, max_body=project.config.serve.max_body_bytes)
        hosts = (address.host, *allow_hosts)
        rhythm = Rhythm.of(project.clock)
        launcher = Launcher(project, worker_socket, hosts=hosts, tokens=lambda: self._live if asks else None, command=commands.worker)
        self.supervisor = Supervisor(launcher, self._switch)
        self.warmth = Warmth(project.clock)
        self.rollouts = RolloutKeeper(
            project, self.supervisor, launcher.arm, may=lambda: self.leadership.held, round_seconds=rhythm.round(rollouts.ROUND_SECONDS)
        )
        holder = f"pid {os.getpid()} at {address.url}"
        self.leadership = Leadership(project.leases, project.lease_clock, name=lease_name(project.name), holder=holder, ttl_us=lease_us)
        self.jobs = Jobs(project.root, project.environment, command=commands.jobs)
        self.weighing = Weighing(
            project,
            self.jobs,
            may=lambda: self.leadership.held,
            round_seconds=rhythm.round(weighing.ROUND_SECONDS),
            idle_times=rhythm.idle(weighing.IDLE_TIMES),
        )
        self.chores = Chores(
            events=project.events,
            anchors=project.anchors,
            log=project.log_folder,
            jobs=self.jobs,
            clock=project.clock,
            may=lambda: self.leadership.held,
            sweep=lambda: swept(project),
            watched=lambda: log_mark(project),
            settle=lambda: settle_champion_changes(project.events, project.name, self._served_epoch()),
            round_seconds=rhythm.round(chores.ROUND_SECONDS),
        )
        self.wheel_jobs = Jobs(project.root, project.environment, command=commands.jobs)
        self.wheel = Wheel(
            project,
            self.wheel_jobs,
            may=lambda: self.leadership.held,
            round_seconds=rhythm.round(wheel.ROUND_SECONDS),
            idle_times=rhythm.idle(wheel.IDLE_TIMES),
        )
        self.suites = Suites(project, self.wheel_jobs, may=lambda: self.leadership.held, round_seconds=rhythm.round(suites.ROUND_SECONDS))
        self.telling = Telling(
            Rounds(project),
            may=lambda: self.leadership.held,
            count=lambda: len(project.alerts.open(project.name)),
            round_seconds=rhythm.round(telling.ROUND_SECONDS),
        )
        self.live = Live(Changes(project).look, project.clock, prepare=project.glances.wheels)
        guard = Guard(self.book, asks=asks, hosts=known_hosts(address.host, allow_hosts))
        self.app = App(RouteTable(self._routes(pages)), guard, self.metrics, error_page=error_page)

    def _routes(self, pages: Sequence[Route]) -> tuple[Route, ...]:
        health = Health(
            self.project.name,
            standing=lambda: self.supervisor.standing,
            why_not=self.why_not,
            leads=lambda: self.leadership.held,
            open_alerts=lambda: self.telling.open_alerts,
            open_pages=lambda: self.live.listeners,
            metrics=self.metrics,
        )
        api = Api(self.project, self.status)
        taken = {(page.method, page.path) for page in pages}
        own_login = tuple(route for route in login.routes(self.book) if (route.method, route.path) not in taken)
        return (
            *health.routes(),
            *api.routes(),
            description(lambda: self.app.table.routes),
            *inference_routes(self.forwarder),
            *own_login,
            self.live.route(),
            *pages,
        )

    def _served_epoch(self) -> int | None:
        standing = self.supervisor.standing
        return standing.epoch if standing.phase is Phase.SERVING else None

    def _switch(self, upstream: Any) -> None:
        self.forwarder.target = upstream

    def why_not(self) -> VolantError:
        """Why there is no prediction now."""
        return why_not(self.supervisor.standing, self.project.name, self.supervisor.error, self.watch.waits_for)

    def status(self) -> dict[str, Any]:
        """This server, for ``/api/v1/status``."""
        return {
            "pid": os.getpid(),
            "url": self.address.url,
            "worker_url": self.address.worker_url,
            "asks_for_tokens": self.asks,
            "serving": plain(self.supervisor.standing),
            "rollout": plain(self.rollouts.standing),
            "leads": self.leadership.held,
            "leader": self.leadership.leader(),
            "jobs_pid": self.jobs.pid,
            "settled": self.settled(),
            "automation": {"busy": self.wheel.busy, "last": self.wheel.last},
        }

    def settled(self) -> bool:
        """Whether nothing is to be done here until new facts arrive."""
        standing = self.supervisor.standing
        serves = standing.phase in {Phase.IDLE, Phase.SERVING} and standing.epoch == self._wanted_epoch()
        return serves and self.rollouts.settled() and self.weighing.settled() and self.wheel.settled() and self.suites.settled()

    def _wanted_epoch(self) -> int | None:
        state = self.project.registry.state(self.project.name)
        return None if state.champion is None else state.epoch

    async def heed(self, seen: Seen) -> None:
        """Act on what the store says now."""
        self._live = seen.tokens
        self.book.replace(seen.tokens)
        if self.asks:
            await self.supervisor.update_tokens(seen.tokens)
        self.supervisor.want(seen.champion)
        standing = self.supervisor.standing
        self.supervisor.want_warm(self.warmth.wanted(seen.former, standing.warm_pid or standing.pid))


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
