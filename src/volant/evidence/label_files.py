"""Labels from a file (CSV or Parquet): ``volant labels add FILE --on KEY``."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.evidence.keys import KeyColumn, key_text
from volant.evidence.labels import is_row_id, label_value
from volant.evidence.model import Label
from volant.kernel.clock import parse_iso
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    import polars as pl

PREDICTION_ID = "prediction_id"


class Unusable(Value, frozen=True, kw_only=True):
    """A row that gave no label. ``line`` counts from 1 with the header as line 1 (Parquet: row 1 is line 1)."""

    line: int
    column: str
    why: str


class LabelFile(Value, frozen=True, kw_only=True):
    """What a file holds: usable labels in file order, and the rows that are none."""

    rows: int
    labels: tuple[Label, ...]
    unusable: tuple[Unusable, ...]


def read_label_file(
    path: Path,
    on: Sequence[str],
    *,
    column: str,
    target_dtype: str | None,
    key: Sequence[KeyColumn],
    now: int,
    known_at_column: str | None = None,
) -> LabelFile:
    """Read labels joined by ``prediction_id`` or by the project's key columns (in any order).

    Raises ``NotFoundError`` for a missing file and ``InvalidInputError`` for one that cannot be read, has not the
    columns asked for, or a key that is not the project's. A bad row does not stop the others.
    """
    table, first_line = _read(path)
    _check_columns(table, path, [*on, column, *([known_at_column] if known_at_column else [])])
    by_id = list(on) == [PREDICTION_ID] and PREDICTION_ID not in {c.name for c in key}
    if not by_id and {c.name for c in key} != set(on):
        names = ", ".join(c.name for c in key) or "none"
        raise InvalidInputError(
            f"Labels cannot be joined on {', '.join(on)}.",
            found=f"key columns of the project: {names}",
            next_step="use --on prediction_id, or the columns of data.key in volant.yaml",
            field="on",
        )
    joined = () if by_id else tuple(key)
    reader = _Rows(path.name, key=joined, column=column, dtype=target_dtype, known_at_column=known_at_column, now=now)
    labels: list[Label] = []
    unusable: list[Unusable] = []
    for line, row in zip(_lines(table, first_line), table.iter_rows(named=True), strict=True):
        found = reader.label(line, row)
        if isinstance(found, Label):
            labels.append(found)
        else:
            unusable.append(found)
    return LabelFile(rows=table.height, labels=tuple(labels), unusable=tuple(unusable))


def unmatched(labels: Sequence[Label], predictions: "pl.DataFrame") -> int:
    """How many labels name nothing that is logged (yet); they are kept and match whatever comes later."""
    import polars as pl

    subjects = {"id": [label.prediction_id for label in labels], "key": [label.key for label in labels]}
    names = pl.DataFrame(subjects, schema={"id": pl.String, "key": pl.String})
    known_ids, known_keys = predictions["prediction_id"].unique(), predictions["key"].drop_nulls().unique()
    known = pl.col("id").is_in(known_ids.implode()) | pl.col("key").is_in(known_keys.implode())
    return names.filter(~known.fill_null(value=False)).height


class _Rows:
    """Turns rows of one file into labels."""

    def __init__(
        self,
        source: str,
        *,
        key: tuple[KeyColumn, ...],
        column: str,
        dtype: str | None,
        known_at_column: str | None,
        now: int,
    ) -> None:
        self._source = source
        self._key = key
        self._column = column
        self._dtype = dtype
        self._known_at_column = known_at_column
        self._now = now

    def label(self, line: int, row: dict[str, Any]) -> Label | Unusable:
        try:
            value = label_value(_parsed(row[self._column], self._dtype), self._dtype)
        except ValueError as error:
            return Unusable(line=line, column=self._column, why=str(error))
        name = row.get(PREDICTION_ID)
        if not self._key and not (isinstance(name, str) and is_row_id(name)):
            return Unusable(line=line, column=PREDICTION_ID, why="is not a prediction id like ID.0")
        try:
            key = key_text(self._key, [row[c.name] for c in self._key]) if self._key else None
        except InvalidInputError as error:
            return Unusable(line=line, column=error.field or "", why=error.what)
        known_at = self._known_at(row)
        if known_at is None:
            return Unusable(line=line, column=self._known_at_column or "", why="is not an ISO 8601 instant")
        return Label(
            prediction_id=None if self._key else name,
            key=key,
            value=value,
            known_at=known_at,
            recorded_at=self._now,
            source=self._source,
        )

    def _known_at(self, row: dict[str, Any]) -> int | None:
        if self._known_at_column is None:
            return self._now
        value = row[self._known_at_column]
        try:
            return parse_iso(value if isinstance(value, str) else value.isoformat())
        except (AttributeError, ValueError, OverflowError):
            return None


def _parsed(value: Any, dtype: str | None) -> Any:
    """A CSV's text as the target's type; Parquet values pass."""
    if value is None or value == "":
        raise ValueError("is empty")
    if not isinstance(value, str):
        return value
    if dtype == "bool":
        return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower(), value)
    if dtype in {"float", "int"} or dtype is None:
        return _number(value, value if dtype is None else None)
    return value


def _number(text: str, otherwise: str | None) -> int | float | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        if otherwise is not None:
            return otherwise
        raise ValueError("is not a number") from None


def _read(path: Path) -> tuple["pl.DataFrame", int]:
    import polars as pl

    if not path.is_file():
        raise NotFoundError(f"There is no label file {path}.", next_step="check the path")
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pl.read_parquet(path), 1
        return pl.read_csv(path, infer_schema=False), 2
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InvalidInputError(
            f"The label file {path.name} cannot be read.", found=reason[0][:200], next_step="give a CSV with a header, or Parquet"
        ) from error


def _check_columns(table: "pl.DataFrame", path: Path, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            near = get_close_matches(name, table.columns, 1)
            raise InvalidInputError(
                f"{path.name} has no column {name!r}.",
                found=f"columns {', '.join(table.columns[:20])}",
                next_step=f"did you mean {near[0]!r}?" if near else "name the column with --on or --column",
                field=name,
            )


def _lines(table: "pl.DataFrame", first: int) -> Iterator[int]:
    """Line numbers of a text file's rows; quoted values may run over several lines."""
    line = first
    texts = [name for name, dtype in table.schema.items() if str(dtype) == "String"] if first > 1 else []
    breaks = table.select(texts).iter_rows() if texts else iter(() for _ in range(table.height))
    for values in breaks:
        yield line
        line += 1 + sum(value.count("\n") for value in values if value)
