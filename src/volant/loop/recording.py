"""The run row of a cycle: opened before anything happens, closed whatever happens."""

import os
import traceback
from collections.abc import Mapping
from pathlib import Path

import msgspec

from volant.kernel.clock import Clock
from volant.kernel.errors import VolantError
from volant.kernel.ids import Ids
from volant.tracking.model import Artifact, Metric, Run, RunStatus
from volant.tracking.ports import RunStore

PROCESS_TAG = "volant.process"
DECISION_TAG = "volant.decision"
EXPERIMENT = "volant"


class RecordedRun:
    """One run while it is going on. Every change is a new revision of its row."""

    def __init__(self, runs: RunStore, clock: Clock, run: Run) -> None:
        self._runs = runs
        self._clock = clock
        self.row = run

    def change(self, **fields: object) -> None:
        """Replace fields of the row."""
        row = msgspec.structs.replace(self.row, revision=self.row.revision + 1, **fields)
        self._runs.update(row)
        self.row = row

    def params(self, params: Mapping[str, object]) -> None:
        """Log parameters as text."""
        self._runs.log_params(self.row.id, {name: str(value) for name, value in params.items()})

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Log final metrics."""
        now = self._clock.now()
        self._runs.log_metrics(self.row.id, [Metric(key=key, value=value, timestamp_us=now) for key, value in metrics.items()])

    def artifact(self, path: str, digest: str, size_bytes: int) -> None:
        """Name a stored object as an artifact of the run."""
        self._runs.add_artifact(self.row.id, Artifact(path=path, digest=digest, size_bytes=size_bytes))

    def tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._runs.set_tags(self.row.id, tags)

    def finished(self) -> None:
        """Close the run."""
        self.change(status=RunStatus.FINISHED, ended_at=self._clock.now())

    def failed(self, error: BaseException) -> None:
        """Close the run with what went wrong."""
        text = str(error) if isinstance(error, VolantError) else "".join(traceback.format_exception(error))
        status = RunStatus.KILLED if isinstance(error, KeyboardInterrupt) else RunStatus.FAILED
        self.change(status=status, ended_at=self._clock.now(), error=text)


def open_run(runs: RunStore, clock: Clock, ids: Ids, *, project: str, source: str) -> RecordedRun:
    """A new RUNNING row that names its process, so that a later run can tell whether it still lives."""
    run_id = ids.new()
    row = Run(
        id=run_id,
        revision=1,
        experiment=EXPERIMENT,
        name=f"{project}-{run_id[-6:]}",
        status=RunStatus.RUNNING,
        started_at=clock.now(),
        source=source,
    )
    runs.create(row)
    runs.set_tags(run_id, {PROCESS_TAG: process_name()})
    return RecordedRun(runs, clock, row)


def close_orphans(runs: RunStore, clock: Clock) -> tuple[str, ...]:
    """Mark runs whose process on this machine is gone as KILLED; their finished steps stay usable."""
    closed = []
    for detail in runs.search(EXPERIMENT, limit=200):
        process = detail.tags.get(PROCESS_TAG, "")
        if detail.run.status is RunStatus.RUNNING and process and is_gone(process):
            RecordedRun(runs, clock, detail.run).change(
                status=RunStatus.KILLED, ended_at=clock.now(), error="The process that ran this ended before the run did."
            )
            closed.append(detail.run.id)
    return tuple(closed)


def process_name(pid: int | None = None) -> str:
    """``host:pid:start`` of a process; the start tick tells a reused pid apart."""
    pid = os.getpid() if pid is None else pid
    return f"{os.uname().nodename}:{pid}:{_start_ticks(pid)}"


def is_gone(process: str) -> bool:
    """Whether a process named by :func:`process_name` has ended. Processes of other machines are not judged."""
    host, pid, start = process.rsplit(":", 2)
    return host == os.uname().nodename and _start_ticks(int(pid)) != start


def _start_ticks(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except OSError:
        return "gone"
