"""Where the wheel stands and what is known, read from stored evidence: the decision core's two arguments.

A look first notes how far each record reaches (``Seen``) and then reads none beyond that. So the same class says what
was known at any earlier look: live operation and ``replay --lived`` differ in where ``Seen`` comes from, and in whether the
champion's windows are taken as stored or computed once more (:class:`Stored`, :class:`Recomputed`).

The cost of a look does not grow with the log: windows are rows of the database, and labels are counted since the last training.
"""

from collections.abc import Sequence
from functools import cached_property

from volant.config.model import OF_LOSSES, Autonomy, ProjectConfig, TriggerKind
from volant.data.service import MEMO
from volant.data.source import source_path
from volant.data.stat_memo import StatMemo
from volant.deployments import history as rollouts
from volant.gates.model import GateReport
from volant.kernel.digests import digest_value
from volant.kernel.errors import CheckFailedError
from volant.loop.grounds import Files, Grounds, Occasion, Seen
from volant.loop.ledger import Entries, stream_of
from volant.loop.model import LoopEvidence, LoopPolicy, LoopState
from volant.loop.reasons import reason_of
from volant.loop.setting import Ports, Setting
from volant.loop.windows_known import Recomputed, Stored, Windows
from volant.monitoring.drift_model import DriftReport
from volant.monitoring.model import LiveReport, Reference
from volant.pipelines.graph import build_graph
from volant.pipelines.inputs import code_digest
from volant.registry import rules as registry
from volant.registry.model import ModelState, ModelVersion, VersionState

__all__ = ["Lived", "Recomputed", "Stored", "files_now", "judged_now", "lived_now", "policy_of"]


def policy_of(setting: Setting) -> LoopPolicy:
    """What the settings tell the decision core."""
    config = setting.config
    return LoopPolicy(
        retrain=config.retrain,
        autonomy=config.release.autonomy,
        label_delay_us=config.data.label_delay_us,
        stepwise=bool(config.release.steps),
    )


def lived_now(ports: Ports, setting: Setting) -> "Lived":
    """One look. Errors of the source and of the pipeline's definition are raised."""
    live, drift = _live(ports, setting.config.project), _drift(ports, setting.config)
    seen = _seen(ports, setting.config, files_now(ports, setting), live, drift)
    return Lived(ports, seen, policy_of(setting), Stored(ports, live, drift))


def files_now(ports: Ports, setting: Setting) -> Files:
    """What the project's files hold now."""
    config = setting.config
    graph = build_graph(setting.root, config.train.pipeline, target=config.target, params=config.train.params)
    known = ports.datasets.known(config, setting.root)
    return Files(
        source=StatMemo(setting.root / MEMO, ports.clock).digest(source_path(config, setting.root)),
        source_version=None if known is None else known.number,
        code=code_digest(graph),
        settings=ports.objects.put(setting.policy.encode()),
        unchanged=setting.unchanged(),
    )


def judged_now(ports: Ports, setting: Setting, files: Files) -> "Lived":
    """A look at the end of a cycle, which learned from these ``files``. Windows do not count."""
    return Lived(ports, _seen(ports, setting.config, files, None), policy_of(setting), Stored(ports, None))


def _live(ports: Ports, model: str) -> LiveReport | None:
    state = ports.registry.state(model)
    live = None if state.champion is None else ports.windows.live(model, state.epoch)
    return live if live is not None and live.question else None


def _drift(ports: Ports, config: ProjectConfig) -> DriftReport | None:
    """Of the champion, where the policy listens to it."""
    state = ports.registry.state(config.project)
    if state.champion is None or not any(trigger.kind is TriggerKind.DRIFT for trigger in config.retrain.when):
        return None
    return ports.windows.drift(config.project, state.epoch)


def _seen(ports: Ports, config: ProjectConfig, files: Files, live: LiveReport | None, drift: DriftReport | None = None) -> Seen:
    """How far each record reaches now. The clock is read last: nothing here was recorded after it."""
    model = config.project
    state = ports.registry.state(model)
    labels = ports.labels.revision(model)
    loop = len(ports.events.read(stream_of(model)))
    rollout = ports.rollouts.state(model).seq
    reports = _newest_reports(ports, state)
    return Seen(
        model=model,
        metric=config.metric,
        at=ports.clock.now(),
        labels=labels,
        registry=state.seq,
        loop=loop,
        rollout=rollout,
        files=files,
        reports=reports,
        windows=None if live is None else live.basis(),
        drift=None if drift is None else drift.basis(),
    )


def _newest_reports(ports: Ports, state: ModelState) -> tuple[str, ...]:
    """Of the champion and of the newest version that waits."""
    waiting = max((number for number, standing in state.versions.items() if standing is VersionState.PROPOSED), default=None)
    found = []
    for number in (state.champion, waiting):
        report = None if number is None else ports.registry.report(ports.registry.version(state.model, number))
        found += [] if report is None else [report.id]
    return tuple(dict.fromkeys(found))


class Lived:
    """What was known at one look."""

    def __init__(self, ports: Ports, seen: Seen, policy: LoopPolicy, windows: Windows) -> None:
        self._ports = ports
        self._seen = seen
        self._policy = policy
        self._windows = windows

    def grounds(self, looked_before: int | None = None) -> Grounds:
        """Everything that a decision is made from."""
        return Grounds(
            occasion=Occasion.LOOK,
            state=self.state(),
            evidence=self.evidence(),
            policy=self._policy,
            seen=self._seen,
            looked_before=looked_before,
        )

    def grounds_of_release(self, number: int) -> Grounds:
        """The same for a version that was just judged."""
        state, evidence = self.judged(number)
        return Grounds(occasion=Occasion.RELEASE, state=state, evidence=evidence, policy=self._policy, seen=self._seen)

    def state(self) -> LoopState:
        """Where the wheel stood."""
        champion, candidate = self._champion, self._candidate()
        return LoopState(
            model=self._seen.model,
            champion=self._registry.champion,
            trained_until_us=None if champion is None else champion.trained_until_us,
            last_retrain_at=self._last_training(),
            candidate=None if candidate is None else candidate.number,
            releasing=self._releasing(),
            paused=self._ledger.paused(),
            held=self._held(),
        )

    def evidence(self) -> LoopEvidence:
        """What was known."""
        seen, reference = self._seen, self._reference()
        candidate = self._candidate()
        judged = None if candidate is None else self._report(candidate)
        return LoopEvidence(
            known_by=seen.at,
            labels_since_training=self._ports.labels.count(
                seen.model, seen.at, recorded_after=self._last_training() or 0, revision=seen.labels
            ),
            reference_loss=None if reference is None else reference.loss,
            reference_variance=None if reference is None else reference.loss_variance,
            reference_df=None if reference is None else reference.df,
            windows=() if reference is None else self._windows.evidence(seen),
            moved=() if self._champion is None else self._windows.moved(seen),
            estimated=self._windows.estimates(seen) if reference is not None and self._listens(TriggerKind.ESTIMATED) else (),
            lead_us=self._policy.label_delay_us + self._training_us() if self._listens(TriggerKind.FORECAST) else 0,
            new_data=self._has_new_data(),
            candidate_verdict=None if judged is None else judged.verdict,
            candidate_report=None if judged is None else judged.id,
            candidate_reason=None if judged is None else reason_of(judged),
        )

    def judged(self, number: int) -> tuple[LoopState, LoopEvidence]:
        """The two for a version that was just judged: what becomes of it depends on nothing else."""
        report = self._report(self._ports.registry.version(self._seen.model, number))
        state = LoopState(
            model=self._seen.model,
            champion=self._registry.champion,
            candidate=number,
            releasing=self._releasing(),
            paused=self._ledger.paused(),
        )
        return state, LoopEvidence(
            known_by=self._seen.at,
            labels_since_training=0,
            candidate_verdict=None if report is None else report.verdict,
            candidate_report=None if report is None else report.id,
            candidate_reason=None if report is None else reason_of(report),
        )

    @property
    def mark(self) -> str:
        """Names everything a training then could have learned from."""
        seen = self._seen
        known = self._ports.labels.known_until(seen.model, seen.at, revision=seen.labels)
        return digest_value([seen.files.source, seen.files.code, seen.files.settings, seen.labels, known])

    @property
    def source_mark(self) -> str:
        """The same without labels, which heal no source that breaks its contract."""
        files = self._seen.files
        return digest_value([files.source, files.code, files.settings])

    @cached_property
    def _registry(self) -> ModelState:
        seen = self._seen
        return registry.replayed(seen.model, self._ports.events.read(registry.stream_of(seen.model))[: seen.registry])

    @cached_property
    def _ledger(self) -> Entries:
        return Entries(self._ports.events.read(stream_of(self._seen.model))[: self._seen.loop])

    @cached_property
    def _champion(self) -> ModelVersion | None:
        number = self._registry.champion
        return None if number is None else self._ports.registry.version(self._seen.model, number)

    def _releasing(self) -> int | None:
        """The version that was on its way into traffic."""
        events = self._ports.events.read(rollouts.stream_of(self._seen.model))[: self._seen.rollout]
        state = rollouts.replayed(self._seen.model, events)
        return state.candidate if state.active else None

    def _report(self, version: ModelVersion) -> GateReport | None:
        """The newest report on a version. Instants alone would not do: a clock may have been set back since."""
        seen = self._seen
        found = self._ports.gates.for_package(version.model, version.package)
        return next((report for report in found if report.recorded_at <= seen.at or report.id in seen.reports), None)

    def _candidate(self) -> ModelVersion | None:
        """The newest version that waits, if the policy may let it out and its evidence is about the champion of then."""
        waiting = [number for number, standing in self._registry.versions.items() if standing is VersionState.PROPOSED]
        if not waiting or self._policy.autonomy is not Autonomy.AUTOPILOT:
            return None
        version = self._ports.registry.version(self._seen.model, max(waiting))
        report = self._report(version)
        return version if report is not None and report.champion == self._registry.champion else None

    def _last_training(self) -> int | None:
        """When the last training began: one that was decided, or the one behind the newest version."""
        return max((*self._ledger.retrained_at(), *self._newest_run()), default=None)

    def _newest_run(self) -> Sequence[int]:
        numbers = self._registry.versions
        if not numbers:
            return ()
        newest = self._ports.registry.version(self._seen.model, max(numbers))
        return (self._ports.runs.get(newest.run_id).run.started_at,)

    def _training_us(self) -> int:
        """How long the steps of the newest version took."""
        newest = max(self._registry.versions, default=None)
        if newest is None:
            return 0
        version = self._ports.registry.version(self._seen.model, newest)
        return sum(step.duration_us for step in self._ports.runs.get(version.run_id).steps)

    def _held(self) -> str | None:
        last = next(reversed(self._ledger.ends()), None)
        if last is not None and last.code == CheckFailedError.code and last.source_mark == self.source_mark:
            return f"the last training failed ({last.error}) and neither code, settings nor the source have changed since"
        if last is not None and last.error is not None and last.mark == self.mark:
            return f"the last training failed ({last.error}) and neither code, settings, data nor labels have changed since"
        same = (last is not None and last.mark == self.mark) or self._seen.files.unchanged
        return "the last training learned from the same code, settings, data and labels" if same else None

    def _has_new_data(self) -> bool:
        """Whether the source's bytes were not those behind the newest data version that was trained on."""
        if self._seen.files.source_version is None:
            return True
        newest = max(self._registry.versions, default=None)
        if newest is None:
            return self._champion is None
        return self._seen.files.source_version > self._ports.registry.version(self._seen.model, newest).dataset_version

    def _reference(self) -> Reference | None:
        """Of the champion, where the policy listens to its performance, realised, estimated or forecast."""
        if self._champion is None or not self._listens(*OF_LOSSES, TriggerKind.ESTIMATED):
            return None
        report = self._report(self._champion)
        return None if report is None else self._windows.reference(self._seen, report)

    def _listens(self, *kinds: TriggerKind) -> bool:
        return any(trigger.kind in kinds for trigger in self._policy.retrain.when)
