"""What changed in a store since the last look, model by model: a few indexed queries, however much is stored."""

from collections.abc import Callable, Hashable
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING

from volant.evidence.reading import raw_files
from volant.jobs.model import Lease
from volant.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from volant.wiring.project import Project

# What may change about a model, by where it shows.
TOPICS = {"model": "release", "loop": "loop", "rollout": "rollout", "alert": "alerts", "mute": "alerts", "suite": "suites"}
LABELS, WINDOWS, GATES, SERVERS, RUNS, TRAFFIC = "labels", "windows", "gates", "servers", "runs", "traffic"
TRAFFIC_US = 5 * SECOND_US  # requests come all the time: they are a change no more often than this
LEASES = "loop/"
_UNSEEN = object()

Changed = dict[str, frozenset[str]]


class Changes:
    """One observer of a store, by one thread at a time. The first look reports nothing; each later one what is new since the one before.

    What happened while a look went on is seen by this one or the next.
    """

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._events: int | None = None
        self._labels: int | None = None
        self._gates: int | None = None
        self._windows: dict[str, str] | None = None
        self._servers: dict[str, str] | None = None
        self._run: object = _UNSEEN
        self._marks: dict[int, Hashable] = {}  # by thread: nothing was stored since that thread's last look if it is the same
        self._logged: int | None = None
        self._logged_at = 0

    def look(self) -> Changed:
        """Model -> topics: ``release``, ``loop``, ``rollout``, ``alerts``, ``labels``, ``windows``, ``gates``, ``servers``, ``runs``,
        ``traffic``.
        """
        found: dict[str, set[str]] = {}
        mark = self._project.tx.mark()
        stored = self._marks.get(get_ident()) != mark
        self._marks[get_ident()] = mark

        def note(model: str, topic: str) -> None:
            found.setdefault(model, set()).add(topic)

        if stored:
            self._look(note)
        for model in self._served():
            note(model, SERVERS)
        if self._asked():
            note(self._project.name, TRAFFIC)
        return {model: frozenset(topics) for model, topics in found.items()}

    def _look(self, note: Callable[[str, str], None]) -> None:
        """What rows say: only where anything has been stored since."""
        for model, topic in self._of_streams():
            note(model, topic)
        self._labels, labelled = self._project.labels.changed(self._labels)
        self._gates, judged = self._project.gates.changed(self._gates)
        for topic, models in ((LABELS, labelled), (GATES, judged), (WINDOWS, self._watched())):
            for model in models:
                note(model, topic)
        if self._ran():
            note(self._project.name, RUNS)

    def _of_streams(self) -> list[tuple[str, str]]:
        self._events, streams = self._project.events.changed(self._events)
        parts = [stream.partition("/") for stream in streams]
        return [(model, TOPICS[noun]) for noun, _, model in parts if noun in TOPICS]

    def _watched(self) -> set[str]:
        before, self._windows = self._windows, self._project.windows.marks()
        return _differing(before, self._windows)

    def _served(self) -> set[str]:
        before, self._servers = self._servers, servers(self._project.leases.running(LEASES))
        return _differing(before, self._servers)

    def _ran(self) -> bool:
        before = self._run
        newest = next(iter(self._project.runs.search(limit=1)), None)
        self._run = None if newest is None else (newest.run.id, newest.run.revision, newest.run.status)
        return before is not _UNSEEN and before != self._run

    def _asked(self) -> bool:
        """Whether predictions were logged."""
        now = self._project.clock.now()
        if self._logged is not None and 0 <= now - self._logged_at < TRAFFIC_US:
            return False
        before, self._logged = self._logged, sum(map(_size, raw_files(self._project.log_folder)))
        self._logged_at = now
        return before is not None and before != self._logged


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # sealed meanwhile


def servers(leases: tuple[Lease, ...]) -> dict[str, str]:
    """Model -> the server that leads it."""
    return {lease.name.removeprefix(LEASES): lease.holder for lease in leases}


def _differing(before: dict[str, str] | None, after: dict[str, str]) -> set[str]:
    if before is None:
        return set()
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
