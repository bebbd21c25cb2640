"""Whether labels exist for some outcomes only: who was refused a loan never shows whether they would have paid."""

from typing import TYPE_CHECKING

from volant.config.model import ProjectConfig, Task

if TYPE_CHECKING:
    import polars as pl

_ENOUGH_ROWS = 30
_NOTABLE_GAP = 0.2
_CERTAIN_Z = 4.0  # two-proportion z: far beyond what looking at every version would produce by chance


def selective_note(predictions: "pl.DataFrame", labelled_ids: "pl.Series", config: ProjectConfig, cutoff_at: int) -> str | None:
    """A sentence if the share of labelled rows depends on what was predicted; None if not, or if it cannot be said.

    Only rows whose label is due by ``cutoff_at`` count. Numbers are compared by thirds of the predicted value.
    """
    import polars as pl

    due = predictions.filter(
        pl.col("prediction").is_not_null(),
        pl.coalesce("event_time", "at") + config.data.label_delay_us <= cutoff_at,
        pl.col("at") + config.data.label_delay_us <= cutoff_at,
    )
    if due.height < 2 * _ENOUGH_ROWS:
        return None
    outcome = _thirds(due["prediction"]) if config.task is Task.REGRESSION else due["prediction"].cast(pl.String)
    shares = (
        pl.DataFrame({"outcome": outcome, "labelled": due["prediction_id"].is_in(labelled_ids.implode())})
        .group_by("outcome")
        .agg(pl.len().alias("rows"), pl.col("labelled").mean().alias("share"))
        .filter(pl.col("rows") >= _ENOUGH_ROWS)
        .sort("share", "outcome")
    )
    if shares.height < 2:
        return None
    (low, low_rows, least), (high, high_rows, most) = shares.row(0), shares.row(-1)
    if most - least < _NOTABLE_GAP or _z(least, low_rows, most, high_rows) < _CERTAIN_Z:
        return None
    return (
        f"labels are selective: {most:.0%} of the rows predicted {high} have one, but {least:.0%} of those predicted {low}; "
        "the next model learns mostly from the former"
    )


def _thirds(values: "pl.Series") -> "pl.Series":
    import polars as pl

    place = (values.rank("average") - 1) * 3 / len(values)  # equal values stay together
    return place.floor().cast(pl.Int64).replace_strict({0: "low", 1: "medium", 2: "high"}, return_dtype=pl.String)


def _z(share: float, rows: int, other_share: float, other_rows: int) -> float:
    pooled = (share * rows + other_share * other_rows) / (rows + other_rows)
    deviation = float((pooled * (1 - pooled) * (1 / rows + 1 / other_rows)) ** 0.5)
    return abs(other_share - share) / deviation if deviation else 0.0
