"""A suite on the champion: the gates' own lines on the newest labelled rows, the contract on the source, drift as windows show it.

Nothing is chosen by what a suite finds, so it spends no use of the holdout, and its reports are no gate reports.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl

from volant.config.model import GateConfig, GateKind, ProjectConfig, SuiteCheck, SuiteConfig
from volant.config.suites import GATES_OF
from volant.data.report import ValidationReport
from volant.gates.comparing import Question
from volant.gates.holdout import Holdout
from volant.gates.model import CheckResult, GateReport, Verdict
from volant.gates.rules import CANDIDATE, CHAMPION
from volant.gates.slices import check_slices
from volant.kernel.errors import CheckFailedError, NotFoundError
from volant.loop.freezing import freeze
from volant.loop.judging import seen_rows
from volant.loop.regate import split_of_version
from volant.loop.setting import Ports, Progress, Setting
from volant.loop.suite_model import SuiteLine, SuiteReport
from volant.loop.table import Table, split_of, table_of
from volant.monitoring.concerns import DRIFT, moved_text
from volant.monitoring.drift_model import DriftReport
from volant.monitoring.reference import answers_in
from volant.registry.model import ModelVersion
from volant.stats.metrics import score
from volant.stats.predicted import Predicted

CONTRACT_CAUSE = "data contract"


class KeptReports:
    """A store of gate reports for one suite: what a suite asks of gates is no use of the holdout and no verdict on a version."""

    def __init__(self) -> None:
        self.kept: list[GateReport] = []

    def add(self, report: GateReport) -> None:
        """See ``GateStore``."""
        self.kept.append(report)

    def get(self, report_id: str) -> GateReport:
        """See ``GateStore``."""
        raise NotFoundError("A suite keeps no gate reports.", found=report_id)

    def for_package(self, model: str, package: str) -> tuple[GateReport, ...]:
        """See ``GateStore``."""
        del model, package
        return ()

    def changed(self, after: int | None) -> tuple[int, frozenset[str]]:
        """See ``GateStore``."""
        return after or 0, frozenset()

    def reports(self, model: str) -> tuple[GateReport, ...]:
        """See ``GateStore``."""
        del model
        return ()


def run_suite(ports: Ports, setting: Setting, suite: SuiteConfig, champion: ModelVersion, progress: Progress) -> SuiteReport:
    """Every check of the suite. Errors of the source or the model are raised; a broken contract is a failed line."""
    progress("reading the data", None)
    contract, table = _data(ports, setting, champion, progress)
    lines = [_of_contract(contract)] if SuiteCheck.CONTRACT in suite.checks else []
    kinds = [kind for check, (kind, _) in GATES_OF.items() if check in suite.checks]
    report = None
    if kinds:
        progress("testing the champion on the newest labelled rows", None)
        report = _judged(ports, setting, champion, table, [gate for gate in setting.config.gates if gate.kind in kinds])
        lines += _of_gates(suite, ports, setting.config, table, report)
    if SuiteCheck.DRIFT in suite.checks:
        epoch = ports.registry.state(champion.model).epoch
        lines.append(_of_drift(ports.windows.drift(champion.model, epoch)))
    return SuiteReport(
        suite=suite.name,
        model=champion.model,
        version=champion.number,
        recorded_at=ports.clock.now(),
        dataset=table.version.dataset,
        dataset_version=table.version.number,
        rows=0 if report is None else report.holdout_rows,
        lines=tuple(sorted(lines, key=lambda line: suite.checks.index(line.check))),
        predictions=None if report is None else report.predictions,
    )


def _data(ports: Ports, setting: Setting, champion: ModelVersion, progress: Progress) -> tuple[ValidationReport | None, Table]:
    """The contract's report on the source, and the data as a cycle would take them; those that the champion came from while the
    source breaks its contract.
    """
    config, datasets = setting.config, ports.datasets
    try:
        frozen = freeze(datasets, ports.predictions, ports.labels, ports.clock, config=config, root=setting.root, progress=progress)
    except CheckFailedError:
        report, version = datasets.check(config, setting.root), datasets.version(champion.dataset, champion.dataset_version)
        return report, table_of(datasets.frame(version), version, config)
    return frozen.report, table_of(datasets.frame(frozen.version), frozen.version, config)


def _judged(ports: Ports, setting: Setting, champion: ModelVersion, table: Table, gates: Sequence[GateConfig]) -> GateReport:
    config = msgspec.structs.replace(setting.config, gates=tuple(gates))
    split = split_of_version(table, split_of(table, config), seen_rows(ports.objects, champion))
    report, _ = (
        replace(setting, config=config)
        .judging(table, split, ports.objects)
        .judge(
            champion.package,
            None,
            version=champion.number,
            run_id=champion.run_id,
            gates=KeptReports(),
            clock=ports.clock,
            ids=ports.ids,
        )
    )
    return report


def _of_contract(report: ValidationReport | None) -> SuiteLine:
    title = "the source keeps its contract"
    if report is None:
        return SuiteLine(
            check=SuiteCheck.CONTRACT, title=title, verdict=Verdict.NOT_ENOUGH, sentence="There is no contract.", cause=CONTRACT_CAUSE
        )
    broken = report.broken()
    said = "; ".join(rule.sentence for rule in broken[:3]) + (f" and {len(broken) - 3} more" if len(broken) > 3 else "")
    sentence = f"{report.dataset}: {said}" if broken else f"{report.dataset}: every rule held on {report.rows:,} rows."
    verdict = Verdict.FAIL if report.blocked else Verdict.PASS
    return SuiteLine(check=SuiteCheck.CONTRACT, title=title, verdict=verdict, sentence=sentence, cause=CONTRACT_CAUSE, rows=report.rows)


def _of_gates(suite: SuiteConfig, ports: Ports, config: ProjectConfig, table: Table, report: GateReport) -> Iterator[SuiteLine]:
    checks = {kind: check for check, (kind, _) in GATES_OF.items()}
    for result in report.checks:
        if result.check.kind in checks and result.check.kind is not GateKind.SLICES:
            yield _line(suite, checks[result.check.kind], result)
    for gate in config.gates if SuiteCheck.SLICES in suite.checks else ():
        if gate.kind is GateKind.SLICES:
            yield from (_line(suite, SuiteCheck.SLICES, result) for result in _by_slice(ports, config, table, report, gate))


def _line(suite: SuiteConfig, check: SuiteCheck, result: CheckResult) -> SuiteLine:
    return SuiteLine(
        check=check,
        title=result.title,
        verdict=result.verdict,
        sentence=result.sentence,
        cause=f"suite {suite.name}: {result.title}"[:200],
        rows=result.rows,
        result=result,
    )


def _by_slice(ports: Ports, config: ProjectConfig, table: Table, report: GateReport, gate: GateConfig) -> list[CheckResult]:
    """The champion against the best baseline, slice by slice, from the answers that were just kept."""
    answers = pl.read_parquet(io.BytesIO(ports.objects.get(report.predictions)))
    metric = gate.metric or config.metric
    holdout = _rows(table, config, answers)
    champion = answers_in(answers, metric)
    values = {name: score(metric, holdout.target, _answers_of(answers, name, metric)).value for name in _baselines(answers)}
    known = {name: value for name, value in values.items() if value is not None}
    question = Question(gate, metric, holdout, config.train.seed)
    if not known:
        sentence = f"{question.label} by {', '.join(gate.slices)}: no baseline can be computed on {len(holdout):,} labelled rows."
        return [
            CheckResult(check=gate, title=f"{question.label} by slice", verdict=Verdict.NOT_ENOUGH, sentence=sentence, rows=len(holdout))
        ]
    sign = 1 if question.lower_is_better else -1
    best = min(known, key=lambda name: (sign * known[name], name))
    return check_slices(question, champion, _answers_of(answers, best, metric), best)


def _baselines(answers: pl.DataFrame) -> list[str]:
    taken = {"row", "time", "target", CANDIDATE, CHAMPION}
    return [name for name in answers.columns if name not in taken and "." not in name]


def _answers_of(answers: pl.DataFrame, name: str, metric: str) -> Predicted:
    """A baseline's answers, read as the candidate's are."""
    others = [column for column in answers.columns if column == CANDIDATE or column.startswith(f"{CANDIDATE}.")]
    own = {column: CANDIDATE + column.removeprefix(name) for column in answers.columns if column == name or column.startswith(f"{name}.")}
    return answers_in(answers.drop(others).rename(own), metric)


def _rows(table: Table, config: ProjectConfig, answers: pl.DataFrame) -> Holdout:
    """The rows of the answers as gates take them."""
    place = {name: position for position, name in enumerate(table.names.tolist())}
    at = np.array([place[name] for name in answers["row"].to_list()], dtype=np.int64)
    groups = table.groups(config)
    return Holdout(
        names=table.names[at],
        times=table.times.event_us[at],
        target=table.target[at],
        groups=None if groups is None else groups[at],
        slices={name: values[at] for name, values in table.slices(config).items()},
    )


def _of_drift(report: DriftReport | None) -> SuiteLine:
    title = "live rows are like those it learned from"
    if report is None or report.basis() is None:
        sentence = "No window of live rows is full yet, so drift cannot be said."
        return SuiteLine(check=SuiteCheck.DRIFT, title=title, verdict=Verdict.NOT_ENOUGH, sentence=sentence, cause=DRIFT)
    moved = report.drifting
    more = f"; and {len(moved) - 3} more columns" if len(moved) > 3 else ""
    said = "; ".join(moved_text(column) for column in moved[:3]) + more
    sentence = f"{said}." if moved else f"None of {len(report.columns)} columns has moved over {len(report.windows)} windows."
    verdict = Verdict.FAIL if moved else Verdict.PASS
    return SuiteLine(check=SuiteCheck.DRIFT, title=title, verdict=verdict, sentence=sentence, cause=DRIFT)
