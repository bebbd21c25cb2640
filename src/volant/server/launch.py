"""From a champion to a running worker: what the worker is told, and the socket all workers share."""

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from volant.access.model import Token
from volant.data.declared import key_columns, time_column
from volant.server.standing import Champion
from volant.serving.process import COMMAND, WorkerProcess, start_worker
from volant.serving.spec import WorkerSpec

if TYPE_CHECKING:
    from volant.wiring.project import Project


class Launcher:
    """Starts workers of one project. ``tokens`` gives those that hold at the moment of a start (None: nobody is asked)."""

    def __init__(
        self,
        project: "Project",
        shared: socket.socket,
        *,
        hosts: Sequence[str],
        tokens: Callable[[], tuple[Token, ...] | None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._project = project
        self._shared = shared
        self._hosts = tuple(hosts)
        self._tokens = tokens
        self._command = tuple(command)

    async def arm(self, candidate: Champion, socket_path: str) -> WorkerProcess:
        """Start a further arm behind a Unix socket and wait until it answers."""
        spec = worker_spec(self._project, candidate, host="127.0.0.1", hosts=(), tokens=None)
        spec = msgspec.structs.replace(spec, arm_socket=socket_path, arm="arm")
        return await start_worker(spec, environment=self._project.environment, command=self._command)

    async def __call__(self, champion: Champion, private: socket.socket, *, accept: bool = True) -> WorkerProcess:
        """Start it and wait until it answers. Raises a ``VolantError`` if it cannot serve."""
        spec = worker_spec(self._project, champion, host=str(self._shared.getsockname()[0]), hosts=self._hosts, tokens=self._tokens())
        spec = msgspec.structs.replace(spec, open=accept)
        return await start_worker(
            spec, environment=self._project.environment, listener=self._shared, private=private, command=self._command
        )


def worker_spec(
    project: "Project",
    champion: Champion,
    *,
    host: str,
    hosts: tuple[str, ...],
    tokens: tuple[Token, ...] | None,
) -> WorkerSpec:
    """What a worker of this champion is told. Key and time have the types of the data the version was trained on."""
    version = project.models.get(project.name, champion.version)
    dataset = project.datasets.get(version.dataset, version.dataset_version)
    return WorkerSpec(
        worker=f"w{project.ids.new()}",
        package=champion.package,
        objects=str(project.state / "objects"),
        log=str(project.log_folder),
        scratch=str(project.scratch_folder),
        model=project.name,
        version=champion.version,
        epoch=champion.epoch,
        key=key_columns(project.config.data, dataset),
        time=time_column(project.config.data, dataset),
        limits=project.config.serve,
        host=host,
        tokens=tokens,
        allowed_hosts=hosts,
    )
