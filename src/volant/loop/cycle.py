"""One turn of the wheel: freeze the data, train, pack, gate, register, decide. Every part leaves its evidence.

Each part is committed before the next begins and is idempotent by content, so a cycle that was killed is taken up by the
next one: the frozen version is found by its digest, finished steps by their keys, the package by its digest, the
registered version by its package.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from volant.data.split import Split
from volant.kernel.clock import iso
from volant.kernel.crashpoints import reach
from volant.loop.changes import as_of_change
from volant.loop.fitting import Fitted, Fitting
from volant.loop.freezing import Frozen, freeze
from volant.loop.ledger import stream_of
from volant.loop.measurable import check_metrics
from volant.loop.recording import RecordedRun, close_orphans, open_run
from volant.loop.releasing import ACTOR, Release, Turned
from volant.loop.setting import Ports, Progress, Setting
from volant.loop.table import Table, split_of, table_of
from volant.loop.traces import lineage_of_run
from volant.pipelines.first_reading import as_first_read
from volant.pipelines.inputs import code_digest
from volant.pipelines.model import Scalar, StepRun
from volant.tracking.capture import capture_environment, git_state
from volant.tracking.model import RunStatus, StepRecord

SINCE_TAG = "volant.since_change"


@dataclass(frozen=True)
class Asked:
    """What a run was asked for beyond the project's settings."""

    params: Mapping[str, Scalar]
    only: Sequence[str] = ()
    from_step: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Cycle:
    """Runs cycles of one project. One at a time: the caller holds the project's run lock."""

    def __init__(self, ports: Ports, setting: Setting) -> None:
        config = as_of_change(setting.config, ports.events.read(stream_of(setting.config.project)))
        self._ports = ports
        self._setting = replace(setting, config=config)
        self._config = config
        self._fitting = Fitting(ports.steps, ports.objects, ports.clock, config=config, root=setting.root)

    def turn(self, asked: Asked, progress: Progress) -> Turned:
        """Do it all. Errors of a pipeline's definition come first; from then on whatever happens is recorded, then raised.

        The pipeline is the one of this moment: what is edited while the cycle goes on counts for the next one.
        """
        with as_first_read():
            code_digest(self._fitting.graph(asked.params))  # what is not a pipeline is not a run: said before anything is recorded
            return self._recorded(asked, progress)

    def _recorded(self, asked: Asked, progress: Progress) -> Turned:
        ports = self._ports
        close_orphans(ports.runs, ports.clock)
        run = open_run(ports.runs, ports.clock, ports.ids, project=self._config.project, source=ACTOR)
        run.tags(asked.tags)
        since = self._config.train.window.since_us
        if since is not None:
            run.tags({SINCE_TAG: iso(since)})
        try:
            self._describe(run)
            turned = self._turn(run, asked, progress)
        except BaseException as error:
            run.failed(error)
            raise
        run.finished()
        return turned

    def _describe(self, run: RecordedRun) -> None:
        """What the run was made with: the environment, the commit, and what differs from it."""
        objects = self._ports.objects
        git = git_state(self._setting.root)
        patch = None if git.patch is None else objects.put(git.patch)
        run.change(environment=objects.put(capture_environment()), git_commit=git.commit, git_dirty=git.dirty, patch=patch)

    def _turn(self, run: RecordedRun, asked: Asked, progress: Progress) -> Turned:
        graph = self._fitting.graph(asked.params)
        frozen = self._freeze(run, progress)
        check_metrics(self._config, graph, {column.name: column.dtype for column in frozen.version.columns})
        table = table_of(self._ports.datasets.frame(frozen.version), frozen.version, self._config)
        split = split_of(table, self._config)
        fitted = self._fit(run, table, split, asked, progress)
        if fitted.package is None:
            sentence = f"Ran {len(fitted.steps)} of {len(graph.steps)} steps; no model was made."
            return Turned(run.row.id, frozen, fitted, sentence=sentence)
        reach("run.packaged")
        progress("testing against the champion and the baselines", None)
        return Release(self._ports, self._setting, run, frozen, fitted, asked.tags).of(fitted.package, table, split)

    def _freeze(self, run: RecordedRun, progress: Progress) -> Frozen:
        ports = self._ports
        frozen = freeze(
            ports.datasets, ports.predictions, ports.labels, ports.clock, config=self._config, root=self._setting.root, progress=progress
        )
        run.change(dataset=frozen.version.dataset, dataset_version=frozen.version.number)
        reach("run.data_frozen")
        return frozen

    def _fit(self, run: RecordedRun, table: Table, split: Split, asked: Asked, progress: Progress) -> Fitted:
        done: list[StepRun] = []

        def on_step(step: StepRun) -> None:
            done.append(step)
            self._ports.runs.add_step(_record(run.row.id, len(done), step))
            reach("run.step_done")

        def on_print(step: str, text: str) -> None:
            data = text.encode("utf-8", "replace")
            run.artifact(f"logs/{step}.txt", self._ports.objects.put(data), len(data))

        fitted = self._fitting.fit(
            table,
            split,
            params=asked.params,
            only=asked.only,
            from_step=asked.from_step,
            progress=progress,
            on_step=on_step,
            on_print=on_print,
        )
        run.change(pipeline=fitted.code)
        run.params(fitted.params)
        run.metrics(fitted.metrics)
        lineage_of_run(self._ports.lineage, run.row, table.version, fitted)
        return fitted


def _record(run_id: str, position: int, step: StepRun) -> StepRecord:
    return StepRecord(
        run_id=run_id,
        position=position,
        step=step.step,
        key=step.key,
        cached=step.cached,
        status=RunStatus.FINISHED,
        duration_us=step.duration_us,
        detail=step.detail,
    )
