"""Every logged prediction of a model, sealed or still in the open log, as one table."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.evidence.model import Prediction, Segment
from volant.evidence.ports import SegmentStore
from volant.evidence.reading import LogReader, first_of_each_request, rows_of
from volant.evidence.tables import prediction_table
from volant.kernel.clock import DAY_US
from volant.kernel.objects import ObjectStore

if TYPE_CHECKING:
    import polars as pl


class Predictions:
    """Reads the log. The open files are read before the list of segments: a file that is sealed meanwhile is then
    found there, and one that is in both is taken once.
    """

    def __init__(self, root: Path, objects: ObjectStore, segments: SegmentStore) -> None:
        self._root = root
        self._objects = objects
        self._segments = segments

    def table(
        self, model: str, *, since: int | None = None, until: int | None = None, upto: Mapping[str, int] | None = None
    ) -> "pl.DataFrame":
        """Lines as in ``tables.py`` with ``since <= at < until``, ordered by (epoch, at, prediction_id).

        ``upto``: only the first lines of each source, as many as a position says (:meth:`after`), so that what was once
        looked at can be looked at again. Column types of features that changed between versions are widened to one that
        holds both.
        """
        import polars as pl

        tables = list(self._tables(model, since, until, upto))
        if not tables:
            return prediction_table(())
        table = pl.concat(tables, how="diagonal_relaxed")
        if since is not None:
            table = table.filter(pl.col("at") >= since)
        if until is not None:
            table = table.filter(pl.col("at") < until)
        return table.unique("prediction_id", keep="first", maintain_order=True).sort("epoch", "at", "prediction_id")

    def after(self, model: str, position: Mapping[str, int]) -> "Iterator[tuple[str, pl.DataFrame]]":
        """What came since: each source's name with its lines beyond the first ``position[name]``, in the source's order.

        A source is a file of the log, and keeps its name and the order of its lines when it is sealed.
        """
        raw = list(LogReader(self._root).segments())
        sealed = {segment.id: segment for segment in self._segments.segments(model)}
        for segment in sealed.values():
            known = position.get(segment.id, 0)
            if known < segment.rows:
                yield segment.id, self._sealed(segment)[known:]
        for file in raw:
            name = f"{file.id}-{model}"
            if name not in sealed:
                own = first_of_each_request(p for p in file.predictions if p.model == model)
                lines = prediction_table(own)[position.get(name, 0) :]
                if lines.height:
                    yield name, lines

    def position_since(self, model: str, position: Mapping[str, int], since: int) -> dict[str, int]:
        """The part of a position that lines from ``since`` on may belong to."""
        over = {segment.id for segment in self._segments.segments(model) if segment.last_at < since}
        return {source: lines for source, lines in position.items() if source not in over}

    def unanswered(self, model: str) -> tuple[Prediction, ...]:
        """Attempts of which nobody knows yet what became, or whose worker died; in no table until they are sealed as errors."""
        return tuple(attempt for file in LogReader(self._root).segments() for attempt in file.attempts if attempt.model == model)

    def count(self, model: str) -> int:
        """How many rows are logged."""
        raw = [(segment.id, segment.predictions) for segment in LogReader(self._root).segments()]
        sealed = {segment.id: segment.rows for segment in self._segments.segments(model)}
        own = [p for name, predictions in raw if f"{name}-{model}" not in sealed for p in predictions if p.model == model]
        return sum(map(rows_of, own)) + sum(sealed.values())

    def find(self, model: str, prediction_id: str) -> dict[str, Any] | None:
        """One line as a dict, by row id (``ID.3``) or request (``ID``: its first row). None if it is not logged."""
        wanted = prediction_id if "." in prediction_id else f"{prediction_id}.0"
        request = wanted.rpartition(".")[0]
        raw = list(LogReader(self._root).segments())
        for segment in raw:
            found = [p for p in segment.predictions if p.id == request and p.model == model]
            if found:
                return _line(prediction_table(found), wanted)
        likely = sorted(self._segments.segments(model), key=lambda segment: not _may_hold(segment, request))
        for sealed in likely:
            line = _line(self._sealed(sealed, wanted), wanted)
            if line is not None:
                return line
        return None

    def _tables(self, model: str, since: int | None, until: int | None, upto: Mapping[str, int] | None) -> Iterator["pl.DataFrame"]:
        raw = list(LogReader(self._root).segments())
        sealed = {segment.id: segment for segment in self._segments.segments(model)}
        for segment in sealed.values():
            wanted = segment.rows if upto is None else upto.get(segment.id, 0)
            if wanted and (since is None or segment.last_at >= since) and (until is None or segment.first_at < until):
                yield self._sealed(segment)[:wanted]
        for file in raw:
            name = f"{file.id}-{model}"
            if name not in sealed and (upto is None or name in upto):
                lines = prediction_table(first_of_each_request(p for p in file.predictions if p.model == model))
                yield lines if upto is None else lines[: upto[name]]

    def _sealed(self, segment: Segment, only: str | None = None) -> "pl.DataFrame":
        import polars as pl

        lines = pl.scan_parquet(self._objects.path(segment.digest))
        return (lines if only is None else lines.filter(pl.col("prediction_id") == only)).collect()


def _line(table: "pl.DataFrame", wanted: str) -> dict[str, Any] | None:
    return next((line for line in table.iter_rows(named=True) if line["prediction_id"] == wanted), None)


def _may_hold(segment: Segment, request: str) -> bool:
    """Ids of requests begin with their time in milliseconds, so most segments can be put last."""
    try:
        made_at = int(request[:12], 16) * 1000
    except ValueError:
        return True
    return segment.first_at - DAY_US <= made_at <= segment.last_at + DAY_US
