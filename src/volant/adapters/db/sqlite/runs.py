"""Runs and what is logged to them in SQLite."""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from volant.adapters.db.sqlite.database import Rows, SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.refusals import taken
from volant.adapters.run_rules import check_revision, matching, param_conflict
from volant.kernel.codec import canonical
from volant.tracking.model import Artifact, Metric, Run, RunDetail, RunStatus, StepRecord

_FIELDS = Run.__struct_fields__


class SqliteRuns:
    """See :class:`volant.tracking.ports.RunStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("runs")

    def create(self, run: Run) -> None:
        """See the port."""
        try:
            self._db.write(self._sql["create"], _row(run))
        except sqlite3.IntegrityError as error:
            raise taken("run", run.id) from error

    def update(self, run: Run) -> None:
        """See the port."""
        with self._db.transaction():
            stored = self._db.row(self._sql["stored"], (run.id,))
            check_revision(run, None if stored is None else stored[0])
            self._db.write(self._sql["update"], (*_row(run)[1:], run.id))
            self._db.write(self._sql["move_metrics"], (run.experiment, run.id, run.experiment))

    def get(self, run_id: str) -> RunDetail:
        """See the port."""
        found = [row[0] for row in self._db.rows(self._sql["beginning_with"], (run_id, run_id + "\x7f"))]
        return self._details([matching(run_id, found)])[0]

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
        if order_by_metric is None:
            found = self._ids("newest", experiment, limit=limit, offset=offset)
        else:
            found = self._ranked(experiment, order_by_metric, descending=descending, limit=limit, offset=offset)
        return self._details(found)

    def _ranked(self, experiment: str | None, key: str, *, descending: bool, limit: int, offset: int) -> list[str]:
        """Runs by the metric's latest value, then those whose value is NaN, then those without it."""
        found: list[str] = []
        for name, is_nan in (("highest" if descending else "lowest", 0), ("highest", 1), ("without", None)):
            wanted = limit - len(found)
            if wanted <= 0:
                break
            values = {"key": key} if is_nan is None else {"key": key, "is_nan": is_nan}
            part = self._ids(name, experiment, limit=wanted, offset=offset, **values)
            found += part
            if len(part) < wanted and is_nan is not None:
                offset = max(0, offset - self._count(experiment, key, is_nan)) if not part else 0
        return found

    def _ids(self, name: str, experiment: str | None, **values: object) -> list[str]:
        statement = self._sql[name if experiment is None else f"{name}_in_experiment"]
        return [row[0] for row in self._db.rows(statement, {"experiment": experiment, **values})]

    def _count(self, experiment: str | None, key: str, is_nan: int) -> int:
        statement = self._sql["count" if experiment is None else "count_in_experiment"]
        row = self._db.row(statement, {"experiment": experiment, "key": key, "is_nan": is_nan})
        assert row is not None
        return int(row[0])

    def _details(self, ids: Sequence[str]) -> tuple[RunDetail, ...]:
        """Whole runs in the order of ``ids``, six queries however many there are."""
        wanted = (canonical(list(ids)).decode(),)
        runs = {row[0]: row for row in self._db.rows(self._sql["rows"], wanted)}
        params = _by_run(self._db.rows(self._sql["params"], wanted))
        tags = _by_run(self._db.rows(self._sql["tags"], wanted))
        metrics = _by_run(self._db.rows(self._sql["metrics"], wanted))
        artifacts = _by_run(self._db.rows(self._sql["artifacts"], wanted))
        steps = _by_run(self._db.rows(self._sql["steps"], wanted))
        return tuple(
            RunDetail(
                run=_run(runs[name]),
                params=dict(params[name]),
                metrics={key: math.nan if is_nan else value for key, is_nan, value in metrics[name]},
                tags=dict(tags[name]),
                artifacts=tuple(Artifact(path=path, digest=digest, size_bytes=size) for path, digest, size in artifacts[name]),
                steps=tuple(_step(name, row) for row in steps[name]),
            )
            for name in ids
            if name in runs
        )

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """See the port."""
        with self._db.transaction():
            self._known(run_id)
            for key, value in params.items():
                stored = self._db.row(self._sql["param"], (run_id, key))
                if stored is not None and stored[0] != value:
                    raise param_conflict(run_id, key, stored[0], value)
            self._db.write_many(self._sql["add_param"], [(run_id, key, value) for key, value in params.items()])

    def log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """See the port."""
        with self._db.transaction():
            experiment = self._known(run_id)
            points = [(run_id, m.key, m.step, m.timestamp_us, *_stored(m.value)) for m in metrics]
            self._db.write_many(self._sql["add_point"], points)
            self._db.write_many(self._sql["set_latest"], [(run, key, experiment, *rest) for run, key, *rest in points])

    def history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        """See the port."""
        return tuple(
            Metric(key=key, value=math.nan if is_nan else value, timestamp_us=at, step=step)
            for value, is_nan, at, step in self._db.rows(self._sql["history"], (run_id, key))
        )

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """See the port."""
        with self._db.transaction():
            self._known(run_id)
            self._db.write_many(self._sql["set_tag"], [(run_id, key, value) for key, value in tags.items()])

    def add_artifact(self, run_id: str, artifact: Artifact) -> None:
        """See the port."""
        with self._db.transaction():
            self._known(run_id)
            self._db.write(self._sql["add_artifact"], (run_id, artifact.path, artifact.digest, artifact.size_bytes))

    def add_step(self, record: StepRecord) -> None:
        """See the port."""
        with self._db.transaction():
            self._known(record.run_id)
            row = (record.run_id, record.position, record.step, record.key, int(record.cached), record.status.value)
            self._db.write(self._sql["add_step"], (*row, record.duration_us, record.detail))

    def _known(self, run_id: str) -> str:
        """The experiment of a run that must be there."""
        row = self._db.row(self._sql["stored"], (run_id,))
        if row is None:
            matching(run_id, [])
        assert row is not None
        return str(row[1])


def _row(run: Run) -> tuple[Any, ...]:
    values = {name: getattr(run, name) for name in _FIELDS}
    return tuple((values | {"status": run.status.value, "git_dirty": int(run.git_dirty)})[name] for name in _FIELDS)


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(_FIELDS, row, strict=True))
    return Run(**values | {"status": RunStatus(values["status"]), "git_dirty": bool(values["git_dirty"])})


def _step(run_id: str, row: tuple[Any, ...]) -> StepRecord:
    position, step, key, cached, status, duration_us, detail = row
    return StepRecord(
        run_id=run_id,
        position=position,
        step=step,
        key=key,
        cached=bool(cached),
        status=RunStatus(status),
        duration_us=duration_us,
        detail=detail,
    )


def _stored(value: float) -> tuple[int, float]:
    return (1, 0.0) if math.isnan(value) else (0, float(value))


def _by_run(rows: Rows) -> "defaultdict[str, list[Any]]":
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for name, *rest in rows:
        grouped[name].append(tuple(rest))
    return grouped
