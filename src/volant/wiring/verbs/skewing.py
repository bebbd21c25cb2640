"""Training-serving skew of the champion: the same rows on both sides, and what came right after its release."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from volant.data.model import Origin
from volant.data.rows import key_texts
from volant.data.timeline import times
from volant.evidence.tables import FEATURE_PREFIX
from volant.kernel.clock import iso
from volant.kernel.errors import NotFoundError, VolantError
from volant.monitoring.inspection_model import ReleaseShift, SkewFound
from volant.monitoring.skew import compared_rows, release_shifts
from volant.wiring.verbs.comparing import comparable, first_lines, own_lines, references_of
from volant.wiring.verbs.opened import datasets_of

if TYPE_CHECKING:
    from volant.data.model import DatasetVersion
    from volant.wiring.verbs.inspecting import Look

FEWEST_ROWS = 100
_MOST_FIRST = 5_000
_LEAST_BEFORE = 1_000
_BY = "_by"
_TEMPORAL = (pl.Datetime, pl.Date, pl.Time, pl.Duration)


@dataclass(frozen=True)
class _Pairs:
    by: str
    names: list[str]
    trained: Mapping[str, pl.Series]
    served: Mapping[str, pl.Series]
    trained_rows: int
    served_rows: int


def skew(look: "Look") -> tuple[SkewFound, str]:
    """Rows of the newest data read from the source (or of ``asked["data"]``) beside the log, and the first rows of this epoch."""
    look.report("reading what was trained on", None)
    lines = own_lines(look)
    pairs, why_not = _pairs(look, lines)
    columns = () if pairs is None or not pairs.names else compared_rows(pairs.names, pairs.trained, pairs.served)
    shifts, first, before, why_no_shifts = _after_release(look)
    found = SkewFound(
        by="nothing" if pairs is None else pairs.by,
        trained=0 if pairs is None else pairs.trained_rows,
        served=lines.height if pairs is None else pairs.served_rows,
        paired=0 if pairs is None else len(pairs.names),
        columns=columns,
        release_rows=first,
        trained_rows=before,
        shifts=shifts,
        why_not=why_not,
        why_no_shifts=why_no_shifts,
    )
    return found, _sentence(found)


def _pairs(look: "Look", lines: pl.DataFrame) -> tuple[_Pairs | None, str | None]:
    data = look.project.config.data
    if not data.key and data.time is None:
        return None, "the project names no key and no time to find the same row by"
    if lines.height == 0:
        return None, "nothing was answered in this epoch yet"
    frame = _trained(look)
    by = "key" if data.key else "event time"
    try:
        names = key_texts(frame, data.key) if data.key else pl.Series(times(frame, data).event_us)
    except VolantError as error:
        return None, f"the rows trained on have no usable {by} ({error})"
    asked = lines["key" if data.key else "event_time"]
    trained = frame.with_columns(names.alias(_BY)).filter(_once(names) if data.key else names.is_unique())
    served = lines.with_columns(asked.alias(_BY)).filter(asked.is_not_null()).unique(_BY, keep="last" if data.key else "none")
    joined = trained.select(_BY, *_compared(look, trained)).join(served, on=_BY, maintain_order="left")
    columns = [name for name in _compared(look, trained) if FEATURE_PREFIX + name in joined.columns]
    texts = joined[_BY].to_list()
    pairs = _Pairs(
        by=by,
        names=[str(text) if data.key else iso(text) for text in texts],
        trained={name: joined[name] for name in columns},
        served={name: joined[FEATURE_PREFIX + name] for name in columns},
        trained_rows=trained.height,
        served_rows=served.height,
    )
    return pairs, None if texts else f"no row served has the {by} of a row read from the source; --data FILE names other rows to compare"


def _once(names: pl.Series) -> pl.Series:
    return names.is_last_distinct()


def _compared(look: "Look", frame: pl.DataFrame) -> list[str]:
    """Inputs of the model that are no name, no time and no target."""
    from volant.models.runner import read_manifest

    data = look.project.config.data
    hidden = {*data.key, data.time, look.project.config.target}
    inputs = [field.name for field in read_manifest(look.project.objects, look.version.package).signature.inputs]
    return [name for name in inputs if name in frame.columns and name not in hidden and not isinstance(frame[name].dtype, _TEMPORAL)]


def _trained(look: "Look") -> pl.DataFrame:
    """Rows as they were made offline: of a file if one is named, else of the newest version that was read from the source."""
    project, file = look.project, look.asked.get("data")
    if file is not None:
        return _of_file(look, str(file))
    versions = [version for version in project.datasets.versions(project.name) if version.origin is Origin.SOURCE]
    if not versions:
        raise NotFoundError("No data were read from the source yet.", next_step="volant monitor skew --data FILE")
    return datasets_of(project).frame(versions[-1])


def _of_file(look: "Look", file: str) -> pl.DataFrame:
    from volant.data.reading import read_frame, sniff
    from volant.data.source_file import check_source
    from volant.wiring.verbs.scoring import as_trained

    path = Path(file)
    check_source(path, file)
    table = sniff(path, file)
    return read_frame(path, table.format, as_trained(table.columns, _dataset(look)))


def _dataset(look: "Look") -> "DatasetVersion":
    return look.project.datasets.get(look.version.dataset, look.version.dataset_version)


def _after_release(look: "Look") -> tuple[tuple[ReleaseShift, ...], int, int, str | None]:
    """(shifts, rows served first, rows learned last, why there are none)."""
    first = first_lines(look, _MOST_FIRST)
    rows = 0 if first is None else first.table.height
    if first is None or rows < FEWEST_ROWS:
        return (), rows, 0, f"{rows} rows were answered in this epoch; {FEWEST_ROWS} are needed"
    reference = references_of(look).of(look.version.number)
    if reference is None:
        return (), rows, 0, "the rows it learned from are gone"
    newest = {name: column.tail(max(rows, _LEAST_BEFORE)) for name, column in comparable(look).items()}
    before = max((len(column) for column in newest.values()), default=0)
    return release_shifts(newest, first.table, reference), rows, before, None


def _sentence(found: SkewFound) -> str:
    return f"{_about_rows(found)} {_about_release(found)}"


def _about_rows(found: SkewFound) -> str:
    if found.why_not is not None:
        return f"Rows cannot be compared one by one: {found.why_not}."
    apart = [column for column in found.columns if column.differing]
    rows = f"{found.paired:,} rows are on both sides by {found.by}"
    if not apart:
        return f"{rows}, and every value is the same."
    worst = apart[0]
    how = f" ({worst.pattern})" if worst.pattern else ""
    more = f", other columns too: {', '.join(column.name for column in apart[1:4])}" if apart[1:] else ""
    return f"{rows}: {worst.name} differs in {worst.share:.1%} of them{how}{more}."


def _about_release(found: SkewFound) -> str:
    if found.why_no_shifts is not None:
        return f"Nothing can be said of the release: {found.why_no_shifts}."
    skewed = [one.name for one in found.shifts if one.skewed]
    rows = f"the first {found.release_rows:,} rows served"
    if not skewed:
        return f"In {rows} every column is like in the {found.trained_rows:,} rows learned from last."
    return f"In {rows} {', '.join(skewed[:4])} differ from the {found.trained_rows:,} rows learned from last."
