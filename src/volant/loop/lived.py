"""Where the wheel stands and what is known now, read from what was lived: the decision core's two arguments."""

from volant.config.model import Autonomy, TriggerKind
from volant.data.service import MEMO
from volant.data.source import source_path
from volant.data.stat_memo import StatMemo
from volant.gates.model import GateReport
from volant.kernel.digests import digest_value
from volant.loop.cycle import Ports, Setting
from volant.loop.ledger import DecisionLedger
from volant.loop.model import Action, LoopEvidence, LoopState
from volant.models.runner import read_manifest
from volant.monitoring.model import WindowEvidence
from volant.monitoring.performance import live_windows, reference_of
from volant.pipelines.graph import build_graph
from volant.pipelines.inputs import code_digest
from volant.registry.model import ModelState, ModelVersion, VersionState


class Lived:
    """One look at a project. Make a new one to look again."""

    def __init__(self, ports: Ports, setting: Setting) -> None:
        self._ports = ports
        self._setting = setting
        self._config = setting.config
        self._now = ports.clock.now()
        self._ledger = DecisionLedger(ports.events, setting.config.project)
        self._registry: ModelState = ports.registry.state(setting.config.project)
        self.mark = self._mark()

    def state(self) -> LoopState:
        """Where the wheel stands."""
        champion = self._champion()
        candidate = self._candidate()
        return LoopState(
            model=self._config.project,
            champion=self._registry.champion,
            trained_until_us=None if champion is None else champion.trained_until_us,
            last_retrain_at=self._last_training(),
            candidate=None if candidate is None else candidate.number,
            releasing=self._ports.rollouts.on_its_way(self._config.project),
            paused=self._ledger.paused(),
            held=self._held(),
        )

    def evidence(self) -> LoopEvidence:
        """What is known now."""
        since = self._last_training() or 0
        champion = self._champion()
        report = None if champion is None else self._ports.registry.report(champion)
        loss, variance = self._reference(report)
        judged = self._report_on_candidate()
        return LoopEvidence(
            known_by=self._now,
            labels_since_training=self._ports.labels.count(self._config.project, known_by=self._now, recorded_after=since),
            reference_loss=loss,
            reference_variance=variance,
            windows=self._windows() if loss is not None else (),
            new_data=self._has_new_data(champion),
            candidate_verdict=None if judged is None else judged.verdict,
            candidate_report=None if judged is None else judged.id,
        )

    def _classes(self) -> tuple[bool | int | float | str, ...]:
        champion = self._champion()
        return () if champion is None else read_manifest(self._ports.objects, champion.package).signature.classes

    def _champion(self) -> ModelVersion | None:
        number = self._registry.champion
        return None if number is None else self._ports.registry.version(self._config.project, number)

    def _candidate(self) -> ModelVersion | None:
        """The newest version that waits, if the policy may let it out and its evidence is about the present champion."""
        waiting = [number for number, standing in self._registry.versions.items() if standing is VersionState.PROPOSED]
        if not waiting or self._config.release.autonomy is not Autonomy.AUTOPILOT:
            return None
        version = self._ports.registry.version(self._config.project, max(waiting))
        report = self._ports.registry.report(version)
        return version if report is not None and report.champion == self._registry.champion else None

    def _report_on_candidate(self) -> GateReport | None:
        candidate = self._candidate()
        return None if candidate is None else self._ports.registry.report(candidate)

    def _last_training(self) -> int | None:
        """When the last training began: one that was decided, or the one behind the newest version."""
        decided = [decision.at for _, decision in self._ledger.decisions() if decision.action is Action.RETRAIN]
        numbers = self._registry.versions
        if numbers:
            newest = self._ports.registry.version(self._config.project, max(numbers))
            decided.append(self._ports.runs.get(newest.run_id).run.started_at)
        return max(decided, default=None)

    def _held(self) -> str | None:
        ends = self._ledger.ends()
        if ends and ends[-1].error is not None and ends[-1].mark == self.mark:
            return f"the last training failed ({ends[-1].error}) and neither code, settings, data nor labels have changed since"
        same = bool(ends) and ends[-1].mark == self.mark
        return "the last training learned from the same code, settings, data and labels" if same or self._setting.unchanged() else None

    def _mark(self) -> str:
        """Names everything a training now could learn from."""
        config, root = self._config, self._setting.root
        graph = build_graph(root, config.train.pipeline, target=config.target, params=config.train.params)
        labels = self._ports.labels
        known = [labels.revision(config.project), labels.count(config.project, known_by=self._now)]
        return digest_value([self._source(), code_digest(graph), self._setting.policy, known])

    def _source(self) -> str:
        """Digest of the source's present bytes, frozen yet or not."""
        root = self._setting.root
        return StatMemo(root / MEMO, self._ports.clock).digest(source_path(self._config, root))

    def _has_new_data(self, champion: ModelVersion | None) -> bool:
        """Whether the source's bytes are not those behind the newest data version that was trained on."""
        present = self._ports.datasets.known(self._config, self._setting.root)
        if present is None:
            return True
        newest = max(self._registry.versions, default=None)
        if newest is None:
            return champion is None
        learned = self._ports.registry.version(self._config.project, newest)
        return present.number > learned.dataset_version

    def _reference(self, report: GateReport | None) -> tuple[float | None, float | None]:
        if report is None or not any(trigger.kind is TriggerKind.PERFORMANCE for trigger in self._config.retrain.when):
            return None, None
        return reference_of(report, self._ports.objects, self._config.metric)

    def _windows(self) -> tuple[WindowEvidence, ...]:
        lines = self._ports.predictions.table(self._config.project)
        if lines.height == 0:
            return ()
        return live_windows(
            lines,
            self._ports.labels.current(self._config.project, self._now),
            metric=self._config.metric,
            task=self._config.task,
            target_dtype=None,
            window_rows=self._config.watch.window.rows,
            window_us=self._config.watch.window.duration_us,
            epoch=self._registry.epoch,
            classes=self._classes(),
            group=self._config.data.group,
            known_by=self._now,
            label_delay_us=self._config.data.label_delay_us,
        )
