"""Cached step results, lineage edges and replays in memory."""

from collections.abc import Sequence

from volant.adapters.documents import as_stored
from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.refusals import taken, unknown
from volant.lineage.model import Edge
from volant.loop.ports import ReplayRecord
from volant.pipelines.model import StepResult


class MemorySteps:
    """See :class:`volant.pipelines.ports.StepStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("step_result")

    def get(self, key: str) -> StepResult | None:
        """See the port."""
        with self._db.reading():
            return self._rows.get(key)

    def put(self, result: StepResult) -> None:
        """See the port."""
        result = as_stored(result)
        with self._db.transaction():
            self._rows.pop(result.key, None)
            self._rows[result.key] = result

    def latest(self, step: str) -> StepResult | None:
        """See the port."""
        with self._db.reading():
            return next((result for result in reversed(self._rows.values()) if result.step == step), None)


class MemoryLineage:
    """See :class:`volant.lineage.ports.LineageStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("edge")

    def add(self, edges: Sequence[Edge]) -> None:
        """See the port."""
        with self._db.transaction():
            for edge in edges:
                self._rows[edge.source, edge.target, edge.role] = edge

    def into(self, node: str) -> tuple[Edge, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(edge for _, edge in sorted(self._rows.items()) if edge.target == node)

    def out_of(self, node: str) -> tuple[Edge, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(edge for _, edge in sorted(self._rows.items()) if edge.source == node)


class MemoryReplays:
    """See :class:`volant.loop.ports.ReplayStore`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._rows = database.table("replay")

    def add(self, record: ReplayRecord) -> None:
        """See the port."""
        with self._db.transaction():
            if record.id in self._rows:
                raise taken("replay", record.id)
            self._rows[record.id] = record

    def get(self, replay_id: str) -> ReplayRecord:
        """See the port."""
        with self._db.reading():
            found: ReplayRecord | None = self._rows.get(replay_id)
        if found is None:
            raise unknown("replay", replay_id, "the replay page lists them")
        return found

    def replays(self, model: str) -> tuple[ReplayRecord, ...]:
        """See the port."""
        with self._db.reading():
            return tuple(record for record in reversed(self._rows.values()) if record.model == model)
