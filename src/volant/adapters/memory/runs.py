"""Runs and what is logged to them in memory."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import taken
from volant.adapters.run_rules import check_revision, matching, param_conflict
from volant.tracking.model import Artifact, Metric, Run, RunDetail, StepRecord

Point = tuple[int, int, bool, float]


class MemoryRuns:
    """See :class:`volant.tracking.ports.RunStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._runs = database.table("run")
        self._points = database.table("metric_point")

    def create(self, run: Run) -> None:
        """See the port."""
        with self._db.transaction():
            if run.id in self._runs:
                raise taken("run", run.id)
            self._runs[run.id] = RunDetail(run=run, params={}, metrics={}, tags={}, artifacts=(), steps=())

    def update(self, run: Run) -> None:
        """See the port."""
        with self._db.transaction():
            stored = self._runs.get(run.id)
            check_revision(run, None if stored is None else stored.run.revision)
            self._change(run.id, run=run)

    def get(self, run_id: str) -> RunDetail:
        """See the port."""
        with self._db.reading():
            found: RunDetail = self._runs[matching(run_id, sorted(name for name in self._runs if name.startswith(run_id)))]
            return found

    def search(
        self,
        experiment: str | None = None,
        *,
        order_by_metric: str | None = None,
        descending: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[RunDetail, ...]:
        """See the port."""
        with self._db.reading():
            found: list[RunDetail] = [d for d in self._runs.values() if experiment is None or d.run.experiment == experiment]
        found.sort(key=lambda detail: (detail.run.started_at, detail.run.id), reverse=True)
        if order_by_metric is not None:
            ranked = sorted((d for d in found if order_by_metric in d.metrics), key=lambda detail: detail.run.id, reverse=True)
            ranked.sort(key=lambda detail: _rank(detail.metrics[order_by_metric], descending=descending))
            found = ranked + [d for d in found if order_by_metric not in d.metrics]
        return tuple(found[offset : offset + limit])

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """See the port."""
        with self._db.transaction():
            present = self._known(run_id).params
            for key, value in params.items():
                if present.get(key, value) != value:
                    raise param_conflict(run_id, key, present[key], value)
            self._change(run_id, params=_sorted({**present, **params}))

    def log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """See the port."""
        with self._db.transaction():
            latest = dict(self._known(run_id).metrics)
            for metric in metrics:
                points: frozenset[Point] = self._points.get((run_id, metric.key), frozenset()) | {_point(metric)}
                self._points[run_id, metric.key] = points
                *_, number, value = max(points)
                latest[metric.key] = value if number else math.nan
            self._change(run_id, metrics=_sorted(latest))

    def history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        """See the port."""
        with self._db.reading():
            points = sorted(self._points.get((run_id, key), ()), key=lambda point: (point[0], point[1], not point[2], point[3]))
        return tuple(Metric(key=key, value=value if number else math.nan, timestamp_us=at, step=step) for step, at, number, value in points)

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """See the port."""
        with self._db.transaction():
            self._change(run_id, tags=_sorted({**self._known(run_id).tags, **tags}))

    def add_artifact(self, run_id: str, artifact: Artifact) -> None:
        """See the port."""
        with self._db.transaction():
            present = {known.path: known for known in self._known(run_id).artifacts} | {artifact.path: artifact}
            self._change(run_id, artifacts=tuple(present[path] for path in sorted(present)))

    def add_step(self, record: StepRecord) -> None:
        """See the port."""
        with self._db.transaction():
            present = {known.position: known for known in self._known(record.run_id).steps} | {record.position: record}
            self._change(record.run_id, steps=tuple(present[position] for position in sorted(present)))

    def _known(self, run_id: str) -> RunDetail:
        if run_id not in self._runs:
            matching(run_id, [])
        found: RunDetail = self._runs[run_id]
        return found

    def _change(self, run_id: str, **fields: object) -> None:
        self._runs[run_id] = msgspec.structs.replace(self._known(run_id), **fields)


def _point(metric: Metric) -> Point:
    """Sorts as the latest point is chosen: by step, then time, numbers over NaN, then value. -0.0 is 0.0, as in SQLite."""
    is_number = not math.isnan(metric.value)
    return metric.step, metric.timestamp_us, is_number, metric.value + 0.0 if is_number else 0.0


def _rank(value: float, *, descending: bool) -> tuple[int, float]:
    if math.isnan(value):
        return 1, 0.0
    return 0, -value if descending else value


def _sorted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in sorted(values)}
