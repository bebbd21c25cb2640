"""Judge a candidate: choose the rows nobody learned from, collect answers, decide, and keep everything it rests on."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from volant.config.model import GateConfig, GateKind, ProjectConfig, Task
from volant.gates.baselines import baselines
from volant.gates.columns import answer_columns, series, table_bytes
from volant.gates.evidence import keep_changing, keep_rows
from volant.gates.facts import Changing, Facts
from volant.gates.holdout import Holdout, LabelHistory
from volant.gates.luck import champions_luck
from volant.gates.model import CheckResult, GateReport, HoldoutUse
from volant.gates.ports import GateStore
from volant.gates.rules import CANDIDATE, CHAMPION, evaluate, overall
from volant.gates.spending import check_holdout, held_to, holdout_line, use_of
from volant.kernel.clock import Clock
from volant.kernel.errors import InternalError
from volant.kernel.ids import Ids
from volant.kernel.objects import ObjectStore
from volant.stats.metrics import score
from volant.stats.predicted import Predicted, usable_target

COLUMN = "column."
Predict = Callable[[np.ndarray], Predicted]
"""Positions of rows in the dataset, int64 (k,), to one answer per row, in that order."""


@dataclass(frozen=True)
class GateData:
    """A dataset of n rows as a gate sees it, ordered by event time.

    ``names``: row names; ``fingerprints``: uint64; ``event_times`` and ``known_at``: int64 microseconds; ``target``:
    labels; ``groups``: None or the group of each row; ``slices``: column -> values; ``training`` and ``holdout``:
    positions of the rows the candidate learned from and of those held out. ``columns``: what business metrics read of the rows.
    """

    dataset: str
    version: int
    names: np.ndarray
    fingerprints: np.ndarray
    event_times: np.ndarray
    known_at: np.ndarray
    target: np.ndarray
    training: np.ndarray
    holdout: np.ndarray
    groups: np.ndarray | None
    slices: dict[str, np.ndarray]
    columns: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Contestant:
    """A packaged model. ``trained_on``: fingerprints (uint64, any order) of the rows it learned from, or None if unknown."""

    package: str
    predict: Predict
    version: int | None = None
    trained_on: np.ndarray | None = None


def judge(
    config: ProjectConfig,
    data: GateData,
    candidate: Contestant,
    champion: Contestant | None,
    *,
    run_id: str,
    gates: GateStore,
    objects: ObjectStore,
    clock: Clock,
    ids: Ids,
    asked: Callable[[np.ndarray], Facts] | None = None,
) -> GateReport:
    """Evaluate every gate of the project on rows neither model learned from, store the answers and the report.

    ``asked``: what else the models are asked, about rows at these positions.
    """
    labelled = data.holdout[usable_target(data.target[data.holdout])]
    rows = unseen(data, labelled, [model.trained_on for model in (candidate, champion) if model is not None])
    holdout = _holdout(data, rows)
    predictions = _answers(config, data, rows, candidate, champion)
    facts = replace(Facts() if asked is None else asked(rows), changing=_changing(config, data, candidate, champion, rows, predictions))
    name = CHAMPION if champion is None or champion.version is None else f"champion v{champion.version}"
    line = holdout_line(config.gates)
    earlier = [report for report in gates.reports(config.project) if report.package != candidate.package]
    use = use_of(holdout, candidate.package, earlier, line, dataset=data.dataset, now=clock.now())
    luck = champions_luck(config.metric, None if champion is None else champion.package, earlier, holdout, data.dataset)
    checks = evaluate(
        held_to(config.gates, use),
        holdout,
        predictions,
        metric=config.metric,
        champion_name=name,
        facts=facts,
        seed=config.train.seed,
        luck=luck,
    ) + _of_holdout(config.gates, line, use)
    report = GateReport(
        id=ids.new(),
        model=config.project,
        version=candidate.version,
        package=candidate.package,
        champion=None if champion is None else champion.version,
        champion_package=None if champion is None else champion.package,
        run_id=run_id,
        dataset=data.dataset,
        dataset_version=data.version,
        holdout_rows=len(holdout),
        holdout_from_us=int(holdout.times.min()) if len(holdout) else None,
        holdout_to_us=int(holdout.times.max()) if len(holdout) else None,
        excluded_rows=len(labelled) - len(rows),
        predictions=objects.put(predictions_parquet(holdout, predictions)),
        verdict=overall(checks),
        checks=checks,
        baselines=_values(config.metric, holdout, predictions),
        seed=config.train.seed,
        recorded_at=clock.now(),
        use=use,
        luck=luck,
        metric=config.metric,
        task=config.task,
        measured=facts.measured,
        evidence=keep_rows(objects, holdout, facts),
        changing=keep_changing(objects, facts.changing),
    )
    gates.add(report)
    return report


def _of_holdout(gates: tuple[GateConfig, ...], line: GateConfig, use: HoldoutUse) -> tuple[CheckResult, ...]:
    """A line of its own where the project asks for it, or where it matters."""
    if not (use.used_up or use.expired or any(gate.kind is GateKind.HOLDOUT for gate in gates)):
        return ()
    asked = min((gate.confidence for gate in gates if gate.spends_labels), default=line.confidence)
    return (check_holdout(line, use, asked),)


def unseen(data: GateData, rows: np.ndarray, trained_on: list[np.ndarray | None]) -> np.ndarray:
    """Those of the positions ``rows`` whose fingerprint is in none of the arrays."""
    for fingerprints in trained_on:
        if fingerprints is not None:
            rows = rows[~np.isin(data.fingerprints[rows], fingerprints)]
    return rows


def _holdout(data: GateData, rows: np.ndarray) -> Holdout:
    return Holdout(
        names=data.names[rows],
        times=data.event_times[rows],
        target=data.target[rows],
        groups=None if data.groups is None else data.groups[rows],
        slices={name: values[rows] for name, values in data.slices.items()},
    )


def _answers(
    config: ProjectConfig, data: GateData, rows: np.ndarray, candidate: Contestant, champion: Contestant | None
) -> dict[str, Predicted | None]:
    history = LabelHistory(data.target, data.event_times, data.known_at, data.groups)
    groups = None if data.groups is None else data.groups[rows]
    answers = {
        CANDIDATE: _asked(candidate, rows),
        CHAMPION: None if champion is None else _asked(champion, rows),
        **baselines(config.metric, config.task, history, data.training, times=data.event_times[rows], groups=groups),
    }
    columns = {name: values[rows] for name, values in data.columns.items()}
    return {name: None if answer is None else answer.beside(columns) for name, answer in answers.items()}


def _changing(  # noqa: PLR0917 - what the answers were made from
    config: ProjectConfig,
    data: GateData,
    candidate: Contestant,
    champion: Contestant | None,
    rows: np.ndarray,
    predictions: dict[str, Predicted | None],
) -> Changing | None:
    """Both models' answers to held-out rows, those without a label included; None where no gate asks, or there is no champion."""
    mine, theirs = predictions[CANDIDATE], predictions[CHAMPION]
    if champion is None or mine is None or theirs is None or not any(gate.kind is GateKind.CHURN for gate in config.gates):
        return None
    everything = unseen(data, data.holdout, [candidate.trained_on, champion.trained_on])
    further = everything[~np.isin(everything, rows)]
    positions = np.concatenate([rows, further])
    if len(further):
        mine = Predicted(np.concatenate([mine.values, _asked(candidate, further).values]))
        theirs = Predicted(np.concatenate([theirs.values, _asked(champion, further).values]))
    order = np.argsort(data.event_times[positions], kind="stable")
    positions = positions[order]
    groups = None if data.groups is None else data.groups[positions]
    return Changing(mine.take(order), theirs.take(order), data.event_times[positions], groups, config.task is Task.REGRESSION)


def _asked(model: Contestant, rows: np.ndarray) -> Predicted:
    if len(rows) == 0:
        return Predicted(np.empty(0), np.empty((0, 1)))
    answers = model.predict(rows)
    if len(answers) != len(rows):
        raise InternalError(f"the model of package {model.package} answered {len(answers)} of {len(rows)} rows")
    return answers


def _values(metric: str, holdout: Holdout, predictions: dict[str, Predicted | None]) -> dict[str, float]:
    values = {
        name: score(metric, holdout.target, predicted).value
        for name, predicted in predictions.items()
        if name not in {CANDIDATE, CHAMPION} and predicted is not None
    }
    return {name: value for name, value in values.items() if value is not None}


def predictions_parquet(holdout: Holdout, predictions: dict[str, Predicted | None]) -> bytes:
    """Parquet with ``row``, ``time``, ``target``, one column per model and baseline, ``NAME.p(CLASS)`` per class, and
    ``column.NAME`` for what business metrics read of the rows.
    """
    import polars as pl

    columns: dict[str, pl.Series] = {
        "row": pl.Series(holdout.names.tolist(), dtype=pl.String),
        "time": pl.Series(holdout.times, dtype=pl.Int64),
        "target": series(holdout.target),
    }
    for name, predicted in predictions.items():
        if predicted is None:
            continue
        columns |= answer_columns(name, predicted)
    candidate = predictions.get(CANDIDATE)
    columns |= {} if candidate is None else {f"{COLUMN}{name}": series(values) for name, values in candidate.columns.items()}
    return table_bytes(columns)
