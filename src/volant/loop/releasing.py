"""The second half of a cycle: judge the package, register it, and decide what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from volant.config.metric_text import metric_name
from volant.data.split import Split
from volant.gates.model import GateReport
from volant.kernel.crashpoints import reach
from volant.loop.decide import decide
from volant.loop.fitting import Fitted
from volant.loop.freezing import Frozen
from volant.loop.grounds import Files, with_grounds
from volant.loop.ledger import DecisionLedger
from volant.loop.lived import judged_now
from volant.loop.model import Action, Decision
from volant.loop.recording import DECISION_TAG, RecordedRun
from volant.loop.setting import Ports, Setting
from volant.loop.table import Table
from volant.loop.traces import lineage_of_version
from volant.registry.model import ModelVersion, VersionState

ACTOR = "volant run"


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


class Release:
    """The second half of a cycle: judge the package, register it, and decide what becomes of it."""

    def __init__(  # noqa: PLR0917 - in the order in which they come about
        self, ports: Ports, setting: Setting, run: RecordedRun, frozen: Frozen, fitted: Fitted, tags: Mapping[str, str]
    ) -> None:
        self._ports = ports
        self._setting = setting
        self._config = setting.config
        self._run = run
        self._frozen = frozen
        self._fitted = fitted
        self._decision = tags.get(DECISION_TAG)

    def of(self, package: str, table: Table, split: Split) -> Turned:
        """All of it. Where another version becomes the champion meanwhile, the verdict is about a comparison that nobody needs
        any more: it is judged again.
        """
        existing = self._ports.registry.with_package(self._config.project, package) is not None
        while (turned := self._once(package, table, split, existing=existing)) is None:
            continue
        return turned

    def _once(self, package: str, table: Table, split: Split, *, existing: bool) -> Turned | None:
        """None if the champion changed before the decision. A package that is the champion's is not judged against itself."""
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
        if decision is None:
            return None
        said = decision.sentence.partition(": ")[0]  # the report is shown beside it
        sentence = f"{said[:1].upper()}{said[1:]}."
        return self._turned(version, existing=existing, report=report, action=decision.action, sentence=sentence)

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
        before = self._judged_before(package, champion, table)
        if before is not None:
            return before
        report, metrics = self._setting.judging(table, split, ports.objects).judge(
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

    def _judged_before(self, package: str, champion: int | None, table: Table) -> tuple[GateReport, dict[str, float]] | None:
        """The report of this very cycle, if its process died after the gate: a version is judged once."""
        if self._decision is None:
            return None
        for report in self._ports.gates.for_package(self._config.project, package):
            found = self._ports.runs.get(report.run_id)
            own = found.tags.get(DECISION_TAG) == self._decision and metric_name(self._config.metric) in found.metrics
            if own and (report.champion, report.dataset_version) == (champion, table.version.number):
                self._run.metrics(found.metrics)
                return report, {name: value for name, value in found.metrics.items() if not name.startswith("baseline.")}
        return None

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

    def _decide(self, version: ModelVersion, report: GateReport) -> Decision | None:
        """The decision core's word on the candidate, kept with its grounds before it is acted upon, in one transaction with
        what follows: a pause that came meanwhile holds. A decision on this report that was kept before is not made again.
        None if the report compares with another champion than the present one.
        """
        ports, model = self._ports, self._config.project
        ledger = DecisionLedger(ports.events, model)
        with ports.tx.transaction():
            for _, known in ledger.decisions():
                if known.version == version.number and known.evidence.get("report") == report.id:
                    return known
            if ports.registry.state(model).champion != report.champion:
                return None
            grounds = judged_now(ports, self._setting, self._files()).grounds_of_release(version.number)
            decision = decide(grounds.state, grounds.evidence, grounds.policy, grounds.seen.at)[0]
            recorded = ledger.record(with_grounds(ports.objects, decision, grounds), actor=ACTOR)
            if ports.registry.state(model).versions[version.number] is VersionState.PROPOSED:
                self._let_go(decision, version.number, recorded)
        return decision

    def _files(self) -> Files:
        """What this cycle learned from, whatever the files hold by now."""
        source = self._frozen.source
        return Files(
            source=source.digest,
            source_version=source.number,
            code=self._fitted.code,
            settings=self._ports.objects.put(self._setting.policy.encode()),
        )

    def _let_go(self, decision: Decision, number: int, recorded: str) -> None:
        """What follows from a decision on a version that waits."""
        rollouts, config = self._ports.rollouts, self._config
        if decision.action is Action.PROMOTE:
            rollouts.release_by_policy(config.project, number, config.release, decision=recorded, actor="policy")
        elif decision.action is Action.PROPOSE:
            rollouts.shadow_by_policy(config.project, number, config.release, decision=recorded, actor="policy")
