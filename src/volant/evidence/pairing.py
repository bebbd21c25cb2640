"""Labels meet predictions: each predicted row with the label recorded last for it.

A label names a prediction or a key. One that names a key holds for every prediction of that key, and one that names a
prediction holds for other predictions of the same key too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from volant.evidence.model import Label
from volant.evidence.tables import typed_series

if TYPE_CHECKING:
    import polars as pl

LABEL = "_label"
KNOWN_AT = "_known_at"
_ID = "prediction_id"


def paired(predictions: "pl.DataFrame", labels: Sequence[Label]) -> "pl.DataFrame":
    """The lines of ``predictions`` (``tables.py``) that have a label, with ``_label`` and ``_known_at``; ordered by id."""
    import polars as pl

    ordered = sorted(labels, key=lambda label: label.recorded_at)
    subjects = pl.DataFrame(
        {
            "rank": pl.Series(range(len(ordered)), dtype=pl.Int64),
            _ID: pl.Series([label.prediction_id for label in ordered], dtype=pl.String),
            "key": pl.Series([label.key for label in ordered], dtype=pl.String),
            LABEL: typed_series([label.value for label in ordered]),
            KNOWN_AT: pl.Series([label.known_at for label in ordered], dtype=pl.Int64),
        }
    )
    ranks = subjects.select("rank", _ID, "key")
    by_id = predictions.select(_ID, "key").join(ranks.drop("key"), on=_ID)
    by_id = pl.concat([by_id.select(_ID, "rank"), _through_key(by_id, predictions)])
    by_key = predictions.select(_ID, "key").join(ranks.drop(_ID).drop_nulls("key"), on="key").select(_ID, "rank")
    newest = pl.concat([by_id, by_key]).group_by(_ID).agg(pl.col("rank").max()).sort(_ID)
    return newest.join(subjects.select("rank", LABEL, KNOWN_AT), on="rank", maintain_order="left").join(predictions, on=_ID)


def _through_key(by_id: "pl.DataFrame", predictions: "pl.DataFrame") -> "pl.DataFrame":
    keyed = by_id.drop_nulls("key").select("key", "rank")
    return predictions.select(_ID, "key").join(keyed, on="key").select(_ID, "rank")
