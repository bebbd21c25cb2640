"""From lines of the log to the shapes of windows beside a reference: one pass, and shapes merge by addition."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from volant.evidence.model import Outcome
from volant.monitoring.drift_columns import MOST_UNSEEN, Coded, bins_in, coded, counted_unseen, texts
from volant.monitoring.drift_model import (
    OTHERS,
    PREDICTION,
    SCORE,
    ColumnReference,
    ColumnShape,
    DriftReference,
    Kind,
    WindowShape,
)
from volant.monitoring.windows import WINDOW

_ANSWERS = (PREDICTION, SCORE)


def shaped(lines: pl.DataFrame, reference: DriftReference) -> tuple[WindowShape, ...]:
    """Shapes of lines of one epoch and arm that have their ``_window``; by number.

    Of rows with one key in one window only the first counts: traffic that is repeated is no new evidence.
    """
    if lines.height == 0:
        return ()
    own = lines.filter(pl.col("key").is_null() | pl.struct("key", WINDOW).is_first_distinct())
    named = own.row(0, named=True)
    about = own.group_by(WINDOW).agg(pl.len().alias("rows"), pl.col("at").min().alias("from"), pl.col("at").max().alias("to")).sort(WINDOW)
    columns = column_shapes(own, reference)
    return tuple(
        WindowShape(
            model=named["model"],
            epoch=named["epoch"],
            arm=named["arm"],
            number=row[WINDOW],
            version=reference.version,
            from_us=row["from"],
            to_us=row["to"],
            rows=row["rows"],
            columns={name: found[place] for name, found in columns.items()},
        )
        for place, row in enumerate(about.iter_rows(named=True))
    )


def column_shapes(lines: pl.DataFrame, reference: DriftReference) -> dict[str, list[ColumnShape]]:
    """Each column of the reference in each window, in the order of the windows. Answers count only where there is one."""
    windows = _places(lines[WINDOW].to_numpy())
    rows = np.bincount(windows)
    answered = (lines["outcome"] == Outcome.OK.value).to_numpy() if "outcome" in lines.columns else np.ones(lines.height, dtype=bool)
    found = {}
    for name, known in reference.columns.items():
        column = _column(lines, name)
        if name in _ANSWERS and not answered.all():
            found[name] = _shapes(column.filter(answered), windows[answered], np.bincount(windows[answered], minlength=len(rows)), known)
        else:
            found[name] = _shapes(column, windows, rows, known)
    return found


def _places(numbers: np.ndarray) -> np.ndarray:
    """Of each row's window the place among those that have rows, in order; shape (n,)."""
    if len(numbers) == 0 or int(numbers.max()) - int(numbers.min()) > len(numbers):
        return np.unique(numbers, return_inverse=True)[1].reshape(-1)
    from_first = numbers - numbers.min()
    return np.asarray((np.cumsum(np.bincount(from_first) > 0) - 1)[from_first])


def _column(lines: pl.DataFrame, name: str) -> pl.Series:
    """As logged; a column that no line has is null everywhere."""
    if name == SCORE and "scores" in lines.columns:
        return lines["scores"].list.get(1, null_on_oob=True)
    return lines[name] if name in lines.columns else pl.Series(name, [None] * lines.height, dtype=pl.Null)


def _shapes(column: pl.Series, windows: np.ndarray, rows: np.ndarray, known: ColumnReference) -> list[ColumnShape]:
    """``rows`` (w,): how many each window has."""
    found, count = coded(column, known, bins_in(known) if known.kind is Kind.NUMBER else None), len(rows)
    full = len(found.rows) == len(windows)
    own = windows if full else windows[found.rows]
    there = rows if full else np.bincount(own, minlength=count)
    if known.kind is Kind.NONE:
        return [ColumnShape(rows=int(n), absent=int(n - t)) for n, t in zip(rows, there, strict=True)]
    wide = found.width + 1
    counts = np.bincount(found.codes if count == 1 else own * wide + found.codes, minlength=count * wide).reshape(count, wide)
    unseen = _unseen(column, found, own) if counts[:, -1].any() else {}
    return [
        ColumnShape(rows=int(rows[w]), absent=int(rows[w] - there[w]), counts=tuple(counts[w, :-1].tolist()), unseen=unseen.get(w, {}))
        for w in range(count)
    ]


def _unseen(column: pl.Series, found: Coded, windows: np.ndarray) -> dict[int, dict[str, int]]:
    """Window -> values that are none of the reference's names -> rows."""
    outside = found.codes == found.width
    values = texts(column).gather(found.rows[outside]).rename("name")
    own = windows[outside]
    return {int(window): counted_unseen(values.filter(own == window)) for window in np.unique(own)}


def merged_shapes(left: WindowShape, right: WindowShape) -> WindowShape:
    """Both together, under the first one's name. ``ValueError`` if they lie beside different references."""
    if left.version != right.version or left.columns.keys() != right.columns.keys():
        raise ValueError(f"shapes beside version {left.version} and {right.version} cannot be added")
    return WindowShape(
        model=left.model,
        epoch=left.epoch,
        arm=left.arm,
        number=left.number,
        version=left.version,
        from_us=min(left.from_us, right.from_us),
        to_us=max(left.to_us, right.to_us),
        rows=left.rows + right.rows,
        columns={name: merged_columns(column, right.columns[name]) for name, column in left.columns.items()},
    )


def merged_columns(left: ColumnShape, right: ColumnShape) -> ColumnShape:
    """Both together."""
    counts = tuple(a + b for a, b in zip(left.counts, right.counts, strict=True))
    return ColumnShape(
        rows=left.rows + right.rows, absent=left.absent + right.absent, counts=counts, unseen=added_names(left.unseen, right.unseen)
    )


def added_names(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Counts of unseen names of both; the 50 most frequent stay named."""
    if not left or not right:
        return dict(left or right)
    total = {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}
    rest = total.pop(OTHERS, 0)
    order = sorted(total, key=lambda name: (-total[name], name))
    rest += sum(total[name] for name in order[MOST_UNSEEN:])
    kept = {name: total[name] for name in order[:MOST_UNSEEN]}
    return {**kept, OTHERS: rest} if rest else kept
