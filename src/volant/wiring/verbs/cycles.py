"""What verbs that run cycles share: the ports, the run lock, and the child that answers for the champion."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from volant.kernel.errors import ConflictError
from volant.loop.setting import Ports, Setting
from volant.wiring.child import Child
from volant.wiring.project import Project
from volant.wiring.remembered import unchanged_run
from volant.wiring.verbs.measuring import ask_memory, ask_times
from volant.wiring.verbs.opened import datasets_of, predictions_of
from volant.wiring.verbs.scoring import ask
from volant.wiring.worker import Report

if TYPE_CHECKING:
    import numpy as np

    from volant.loop.judging import Score
    from volant.loop.measuring import Apart
    from volant.loop.table import Table
    from volant.stats.predicted import Predicted

WAIT_SECONDS = 0.25


def ports_of(project: Project) -> Ports:
    """What a cycle needs, from the project's stores."""
    return Ports(
        tx=project.tx,
        events=project.events,
        objects=project.objects,
        datasets=datasets_of(project),
        runs=project.runs,
        steps=project.steps,
        gates=project.gates,
        labels=project.labels,
        predictions=predictions_of(project),
        lineage=project.lineage,
        registry=project.registry,
        rollouts=project.rollouts,
        windows=project.windows,
        clock=project.clock,
        ids=project.ids,
    )


def setting_of(project: Project, scorer: "ChampionScorer") -> Setting:
    """The project as a cycle takes it; its settings are those of this moment, however long the cycle takes."""
    return Setting(
        config=project.config,
        root=project.root,
        scratch=project.scratch_folder,
        policy=project.settings,
        champion_score=scorer.on,
        apart=scorer.measured_on,
        unchanged=lambda: unchanged_run(project, {}) is not None,
    )


@contextlib.contextmanager
def alone(project: Project) -> Iterator[None]:
    """The run lock, at once or not at all. The kernel gives it back when its process dies. ``ConflictError``."""
    with _lock_file(project) as file:
        if not _take(file):
            raise ConflictError(
                f"A run of {project.name} is going on.", found=f"process {_holder(file)}", next_step="wait until it ends: volant runs"
            )
        yield


@contextlib.contextmanager
def in_turn(project: Project, report: Report) -> Iterator[None]:
    """The run lock, after waiting for whoever has it: a person's command comes after the automation's cycle, not instead."""
    with _lock_file(project) as file:
        while not _take(file):
            report(f"waiting for the run of process {_holder(file)}", None)
            time.sleep(WAIT_SECONDS)
        yield


@contextlib.contextmanager
def _lock_file(project: Project) -> Iterator[BinaryIO]:
    with (project.state / "run.lock").open("a+b") as file:
        yield file


def _take(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return True


def _holder(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(40).decode(errors="replace") or "somebody else"


@contextlib.contextmanager
def scoring_apart(project: Project) -> "Iterator[ChampionScorer]":
    """A scorer whose child is ended with the block."""
    scorer = ChampionScorer(project)
    try:
        yield scorer
    finally:
        scorer.close()


class ChampionScorer:
    """Asks packages in another child, started when first needed: two packages' code must not meet in one process."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._child: Child | None = None
        self._timed: dict[str, Child] = {}

    def on(self, table: "Table") -> "Score":
        """Answers of a package for positions of a table."""

        def score(package: str, positions: "np.ndarray") -> "Predicted":
            return ask(self._started(), self._project, package, table.frame[positions])

        return score

    def measured_on(self, table: "Table") -> "Apart":
        """Measures of a package on rows of a table, each in a child that does nothing else."""
        from volant.loop.measuring import Apart

        def times(package: str, positions: "np.ndarray") -> "np.ndarray":
            if package not in self._timed:
                self._timed[package] = Child(self._project.root, self._project.environment)
            return ask_times(self._timed[package], self._project, package, table.frame[positions])

        def memory(package: str, positions: "np.ndarray") -> int:
            with Child(self._project.root, self._project.environment) as child:
                return ask_memory(child, self._project, package, table.frame[positions])

        return Apart(times, memory)

    def _started(self) -> Child:
        if self._child is None:
            self._child = Child(self._project.root, self._project.environment)
        return self._child

    def close(self) -> None:
        """End the children that were started."""
        for child in (self._child, *self._timed.values()):
            if child is not None:
                child.close()
