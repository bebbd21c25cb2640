"""Attributions of the champion on rows that it learned from and on the newest windows. Runs the model, so only in the child."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from volant.data.from_log import in_type
from volant.evidence.model import Outcome
from volant.evidence.tables import FEATURE_PREFIX
from volant.kernel.errors import VolantError
from volant.monitoring.attribution import sampled, weighed
from volant.monitoring.inspection_model import AttributionFound
from volant.stats.shapley import orders_within, shapley_values
from volant.wiring.verbs.comparing import newest_lines
from volant.wiring.verbs.estimating import learned_from

if TYPE_CHECKING:
    from volant.models.runner import LoadedModel
    from volant.wiring.verbs.comparing import Lines
    from volant.wiring.verbs.inspecting import Look

FEWEST_ROWS = 100
_ROWS = 400
_BACKGROUND = 200
_BUDGET = 200_000
_CHUNK = 20_000
_MOST_LINES = 5_000
_TWO = 2


def attribution_drift(look: "Look") -> tuple[AttributionFound, str]:
    """Which columns carry another share of the model's answers than before."""
    from volant.models.runner import load_runner

    lines = newest_lines(look, _MOST_LINES)
    usable = None if lines is None else lines.table.filter(pl.col("outcome") == Outcome.OK.value)
    if lines is None or usable is None or usable.height < FEWEST_ROWS:
        count = 0 if usable is None else usable.height
        return _nothing(lines, f"{count} rows were answered in this epoch; {FEWEST_ROWS} are needed")
    try:
        learned = _learned(look)
        runner = load_runner(look.project.objects, look.version.package, look.project.scratch_folder)
        return _measured(look, lines, _like(learned, usable, look), learned, runner)
    except VolantError as error:
        return _nothing(lines, f"the model or its rows cannot be used ({error})")


def _learned(look: "Look") -> pl.DataFrame:
    """Rows that it learned from, in order of time, with the columns that the model takes."""
    from volant.models.runner import read_manifest

    table, rows = learned_from(look.project, look.version)
    names = [field.name for field in read_manifest(look.project.objects, look.version.package).signature.inputs]
    return table.frame.select(name for name in names if name in table.frame.columns)[rows]


def _like(learned: pl.DataFrame, lines: pl.DataFrame, look: "Look") -> pl.DataFrame:
    """The lines' inputs with the names and types of the rows learned from."""
    found = []
    for name in learned.columns:
        kind, logged = learned[name].dtype, FEATURE_PREFIX + name
        given = lines[logged] if logged in lines.columns else pl.Series(name, [None] * lines.height, dtype=kind)
        values = in_type(given, kind).rename(name)
        if name == look.project.config.data.time and isinstance(kind, pl.Datetime | pl.Date):
            happened = lines["event_time"].cast(pl.Datetime("us")).cast(kind)
            values = pl.select(pl.coalesce(values, happened)).to_series().rename(name)
        found.append(values)
    return pl.DataFrame(found)


def _measured(
    look: "Look", lines: "Lines", window: pl.DataFrame, learned: pl.DataFrame, runner: "LoadedModel"
) -> tuple[AttributionFound, str]:
    keys = {key for key in look.project.config.data.key if key != look.project.config.data.time}
    names = [name for name in learned.columns if name not in keys]
    if not names or learned.height < FEWEST_ROWS:
        return _nothing(lines, f"the model learned from {learned.height} rows with {len(names)} columns")
    seed = int(look.asked["seed"])
    chosen = sampled(learned.height, window.height, _ROWS, seed)
    random = np.random.default_rng(seed)
    newer = window[np.sort(random.permutation(window.height)[:_ROWS])]
    rows = pl.concat([learned[chosen.rows], newer])
    background = learned[np.sort(random.permutation(learned.height)[:_BACKGROUND])]
    pairs = orders_within(_BUDGET, rows.height, len(names))
    of, answers = _answers(runner)
    look.report(f"asking the model {2 * pairs * (len(names) + 1) * rows.height:,} times", None)
    values = shapley_values(answers, rows, background, names, pairs=pairs, seed=seed)
    if not np.isfinite(values).all():
        return _nothing(lines, "the model gives answers that are no numbers for rows that are mixed of others")
    scale, columns = weighed(names, values[: len(chosen.rows)], values[len(chosen.rows) :], chosen)
    found = AttributionFound(
        of=of,
        rows=newer.height,
        reference_rows=len(chosen.rows),
        from_us=lines.from_us,
        to_us=lines.to_us,
        scale=scale,
        answered=2 * pairs * (len(names) + 1) * rows.height,
        columns=columns,
        why_not=None if scale > 0 else "the model answers all rows alike",
    )
    return found, _sentence(found)


def _answers(runner: "LoadedModel") -> tuple[str, Callable[[pl.DataFrame], np.ndarray]]:
    """What is attributed, in words, and numbers of shape (n, c) for rows."""
    classes = runner.signature.classes

    def numbers(rows: pl.DataFrame) -> np.ndarray:
        parts = [_numbers(runner, rows[start : start + _CHUNK]) for start in range(0, rows.height, _CHUNK)]
        return np.concatenate(parts)

    if not classes:
        return "the prediction", numbers
    return (f"the probability of {classes[-1]}" if len(classes) <= _TWO else "the probability of each class"), numbers


def _numbers(runner: "LoadedModel", rows: pl.DataFrame) -> np.ndarray:
    answer = runner.predict(rows)
    if answer.scores is not None:
        return np.asarray(answer.scores[:, 1:] if answer.scores.shape[1] == _TWO else answer.scores, dtype=np.float64)
    if answer.values.dtype.kind in "fiub":
        return np.asarray(answer.values, dtype=np.float64).reshape(-1, 1)
    known = [str(label) for label in runner.signature.classes]
    return np.asarray(answer.values.astype(str)[:, None] == np.array(known)[None, :], dtype=np.float64)


def _nothing(lines: "Lines | None", why: str) -> tuple[AttributionFound, str]:
    found = AttributionFound(
        of="",
        rows=0,
        reference_rows=0,
        from_us=0 if lines is None else lines.from_us,
        to_us=0 if lines is None else lines.to_us,
        scale=0.0,
        answered=0,
        why_not=why,
    )
    return found, f"Attributions cannot be compared: {why}."


def _sentence(found: AttributionFound) -> str:
    if found.why_not is not None:
        return f"Attributions cannot be compared: {found.why_not}."
    moved = [column for column in found.columns if column.drifted]
    if not moved:
        return f"The model leans on the same columns as on the rows that it learned from ({found.rows:,} live rows)."
    parts = [f"{column.name} carries {column.after:.0%}, before {column.before:.0%}" for column in moved[:3]]
    return f"The model leans on other columns than before: {'; '.join(parts)}."
