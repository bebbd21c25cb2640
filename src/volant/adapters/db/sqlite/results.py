"""Cached step results, lineage edges and replays in SQLite."""

import sqlite3
from collections.abc import Sequence

from volant.adapters.db.sqlite.database import SqliteDatabase
from volant.adapters.db.sqlite.statements import statements
from volant.adapters.documents import from_document, to_document
from volant.adapters.refusals import taken, unknown
from volant.lineage.model import Edge
from volant.loop.ports import ReplayRecord
from volant.pipelines.model import StepResult


class SqliteSteps:
    """See :class:`volant.pipelines.ports.StepStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("steps")

    def get(self, key: str) -> StepResult | None:
        """See the port."""
        row = self._db.row(self._sql["get"], (key,))
        return None if row is None else from_document(row[0], StepResult)

    def put(self, result: StepResult) -> None:
        """See the port."""
        self._db.write(self._sql["put"], (result.key, result.step, to_document(result)))

    def latest(self, step: str) -> StepResult | None:
        """See the port."""
        row = self._db.row(self._sql["latest"], (step,))
        return None if row is None else from_document(row[0], StepResult)


class SqliteLineage:
    """See :class:`volant.lineage.ports.LineageStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("lineage")

    def add(self, edges: Sequence[Edge]) -> None:
        """See the port."""
        self._db.write_many(self._sql["add"], [(edge.source, edge.target, edge.role) for edge in edges])

    def into(self, node: str) -> tuple[Edge, ...]:
        """See the port."""
        return tuple(Edge(source=a, target=b, role=role) for a, b, role in self._db.rows(self._sql["into"], (node,)))

    def out_of(self, node: str) -> tuple[Edge, ...]:
        """See the port."""
        return tuple(Edge(source=a, target=b, role=role) for a, b, role in self._db.rows(self._sql["out_of"], (node,)))


class SqliteReplays:
    """See :class:`volant.loop.ports.ReplayStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._db = database
        self._sql = statements("replays")

    def add(self, record: ReplayRecord) -> None:
        """See the port."""
        try:
            row = (record.id, record.model, record.recorded_at, record.result, record.summary)
            self._db.write(self._sql["add"], row)
        except sqlite3.IntegrityError as error:
            raise taken("replay", record.id) from error

    def get(self, replay_id: str) -> ReplayRecord:
        """See the port."""
        row = self._db.row(self._sql["get"], (replay_id,))
        if row is None:
            raise unknown("replay", replay_id, "the replay page lists them")
        return _record(*row)

    def replays(self, model: str) -> tuple[ReplayRecord, ...]:
        """See the port."""
        return tuple(_record(*row) for row in self._db.rows(self._sql["replays"], (model,)))


def _record(name: str, model: str, recorded_at: int, result: str, summary: str) -> ReplayRecord:
    return ReplayRecord(id=name, model=model, recorded_at=recorded_at, result=result, summary=summary)
