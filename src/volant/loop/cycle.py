"""One turn of the wheel: freeze the data, train, pack, gate, register, decide. Every part leaves its evidence.

Each part is committed before the next begins and is idempotent by content, so a cycle that was killed is taken up by the
next one: the frozen version is found by its digest, finished steps by their keys, the package by its digest, the
registered version by its package.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from volant.config.model import ProjectConfig
from volant.data.service import Datasets
from volant.data.split import Split
from volant.deployments.service import Rollouts
from volant.evidence.ports import LabelStore
from volant.evidence.predictions import Predictions
from volant.gates.model import GateReport
from volant.gates.ports import GateStore
from volant.kernel.clock import Clock
from volant.kernel.crashpoints import reach
from volant.kernel.events import EventStore
from volant.kernel.ids import Ids
from volant.kernel.objects import ObjectStore
from volant.kernel.transactions import Transactions
from volant.lineage.ports import LineageStore
from volant.loop.decide import decide
from volant.loop.fitting import Fitted, Fitting
from volant.loop.freezing import Frozen, freeze
from volant.loop.judging import Judging, Score
from volant.loop.ledger import DecisionLedger
from volant.loop.model import Action, Decision, LoopEvidence, LoopPolicy, LoopState
from volant.loop.recording import RecordedRun, close_orphans, open_run
from volant.loop.table import Table, split_of, table_of
from volant.loop.traces import lineage_of_run, lineage_of_version
from volant.pipelines.model import Scalar, StepRun
from volant.pipelines.ports import StepStore
from volant.registry.model import ModelVersion, VersionState
from volant.registry.service import Registry
from volant.tracking.capture import capture_environment, git_state
from volant.tracking.model import RunStatus, StepRecord
from volant.tracking.ports import RunStore

Progress = Callable[[str, float | None], None]
ACTOR = "volant run"


@dataclass(frozen=True)
class Ports:
    """What a cycle needs stored, and the services over it."""

    tx: Transactions
    events: EventStore
    objects: ObjectStore
    datasets: Datasets
    runs: RunStore
    steps: StepStore
    gates: GateStore
    labels: LabelStore
    predictions: Predictions
    lineage: LineageStore
    registry: Registry
    rollouts: Rollouts
    clock: Clock
    ids: Ids


@dataclass(frozen=True)
class Setting:
    """The project a cycle belongs to. ``policy`` is the text of its ``volant.yaml``, kept with each version.

    ``champion_score`` answers for the champion in a process of its own: its code must not meet the candidate's.
    ``unchanged`` says whether a run now would come to what a remembered one came to.
    """

    config: ProjectConfig
    root: Path
    scratch: Path
    policy: str
    champion_score: Callable[[Table], Score]
    unchanged: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Asked:
    """What a run was asked for beyond the project's settings."""

    params: Mapping[str, Scalar]
    only: Sequence[str] = ()
    from_step: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Turned:
    """What came of a cycle. ``version`` is None when the run stopped before the model; ``existing``: it was known."""

    run_id: str
    frozen: Frozen
    fitted: Fitted
    version: ModelVersion | None = None
    existing: bool = False
    report: GateReport | None = None
    action: Action | None = None
    sentence: str = ""


class Cycle:
    """Runs cycles of one project. One at a time: the caller holds the project's run lock."""

    def __init__(self, ports: Ports, setting: Setting) -> None:
        self._ports = ports
        self._setting = setting
        self._config = setting.config
        self._fitting = Fitting(ports.steps, ports.objects, ports.clock, config=setting.config, root=setting.root)

    def turn(self, asked: Asked, progress: Progress) -> Turned:
        """Do it all. Errors of a pipeline's definition come first; from then on whatever happens is recorded, then raised."""
        ports = self._ports
        self._fitting.graph(asked.params)  # what is not a pipeline is not a run: said before anything is recorded
        close_orphans(ports.runs, ports.clock)
        run = open_run(ports.runs, ports.clock, ports.ids, project=self._config.project, source=ACTOR)
        run.tags(asked.tags)
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
        table = table_of(self._ports.datasets.frame(frozen.version), frozen.version, self._config)
        split = split_of(table, self._config)
        fitted = self._fit(run, table, split, asked, progress)
        if fitted.package is None:
            sentence = f"Ran {len(fitted.steps)} of {len(graph.steps)} steps; no model was made."
            return Turned(run.row.id, frozen, fitted, sentence=sentence)
        reach("run.packaged")
        progress("testing against the champion and the baselines", None)
        return Release(self._ports, self._setting, run, frozen, fitted).of(fitted.package, table, split)

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


class Release:
    """The second half of a cycle: judge the package, register it, and decide what becomes of it."""

    def __init__(self, ports: Ports, setting: Setting, run: RecordedRun, frozen: Frozen, fitted: Fitted) -> None:
        self._ports = ports
        self._setting = setting
        self._config = setting.config
        self._run = run
        self._frozen = frozen
        self._fitted = fitted

    def of(self, package: str, table: Table, split: Split) -> Turned:
        """All of it. A package that is the champion's is not judged against itself."""
        registry = self._ports.registry
        champion = registry.state(self._config.project).champion
        known = registry.with_package(self._config.project, package)
        if known is not None and known.number == champion:
            self._run.metrics(known.metrics)
            sentence = f"{known.model}@{known.number} is what this code and these data give, and it serves already."
            return self._turned(known, existing=True, report=registry.report(known), sentence=sentence)
        report, metrics = self._judge(package, champion, None if known is None else known.number, table, split)
        version = self._register(report, metrics, table, split)
        lineage_of_version(self._ports.lineage, version, report)
        reach("run.registered")
        decision = self._decide(version, report)
        sentence = f"{decision.sentence[:1].upper()}{decision.sentence[1:]}."
        return self._turned(version, existing=known is not None, report=report, action=decision.action, sentence=sentence)

    def _turned(
        self, version: ModelVersion, *, existing: bool, report: GateReport | None, sentence: str, action: Action | None = None
    ) -> Turned:
        return Turned(
            self._run.row.id, self._frozen, self._fitted, version, existing=existing, report=report, action=action, sentence=sentence
        )

    def _judge(
        self, package: str, champion: int | None, version: int | None, table: Table, split: Split
    ) -> tuple[GateReport, dict[str, float]]:
        ports = self._ports
        judging = Judging(
            table,
            split,
            config=self._config,
            objects=ports.objects,
            scratch=self._setting.scratch,
            score=self._setting.champion_score(table),
        )
        report, metrics = judging.judge(
            package,
            None if champion is None else ports.registry.version(self._config.project, champion),
            version=version,
            run_id=self._run.row.id,
            gates=ports.gates,
            clock=ports.clock,
            ids=ports.ids,
        )
        self._run.metrics({**metrics, **{f"baseline.{name}": value for name, value in report.baselines.items()}})
        reach("run.gated")
        return report, metrics

    def _register(self, report: GateReport, metrics: dict[str, float], table: Table, split: Split) -> ModelVersion:
        objects, run = self._ports.objects, self._run.row
        learned = np.sort(table.fingerprints[split.train]).astype("<u8")
        draft = ModelVersion(
            model=self._config.project,
            number=0,
            package=report.package,
            run_id=run.id,
            run_revision=run.revision,
            dataset=table.version.dataset,
            dataset_version=table.version.number,
            pipeline=self._fitted.code,
            policy=objects.put(self._setting.policy.encode()),
            metrics={**self._fitted.metrics, **metrics},
            trained_rows=len(split.train),
            trained_until_us=int(table.times.known_us[split.train].max()),
            trained_rows_digest=objects.put(learned.tobytes()),
            registered_at=self._ports.clock.now(),
            gate=report.id,
        )
        return self._ports.registry.register(draft, report.verdict, actor=ACTOR)

    def _decide(self, version: ModelVersion, report: GateReport) -> Decision:
        """The decision core's word on the candidate, recorded before it is acted upon."""
        ports, config = self._ports, self._config
        state = ports.registry.state(config.project)
        now = ports.clock.now()
        decision = decide(
            LoopState(
                model=config.project,
                champion=state.champion,
                candidate=version.number,
                releasing=ports.rollouts.on_its_way(config.project),
                paused=DecisionLedger(ports.events, config.project).paused(),
            ),
            LoopEvidence(known_by=now, labels_since_training=0, candidate_verdict=report.verdict, candidate_report=report.id),
            LoopPolicy(retrain=config.retrain, autonomy=config.release.autonomy, stepwise=bool(config.release.steps)),
            now,
        )[0]
        with ports.tx.transaction():
            recorded = DecisionLedger(ports.events, config.project).record(decision, actor=ACTOR)
            if state.versions[version.number] is VersionState.PROPOSED:
                self._let_go(decision, version.number, recorded)
        return decision

    def _let_go(self, decision: Decision, number: int, recorded: str) -> None:
        """What follows from a decision on a version that waits."""
        rollouts, config = self._ports.rollouts, self._config
        if decision.action is Action.PROMOTE:
            rollouts.release_by_policy(config.project, number, config.release, decision=recorded, actor="policy")
        elif decision.action is Action.PROPOSE:
            rollouts.shadow_by_policy(config.project, number, config.release, decision=recorded, actor="policy")


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
