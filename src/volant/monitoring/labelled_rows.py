"""The champion's labelled rows with their losses: as they were answered live, or on its holdout."""

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from volant.evidence.model import Label
from volant.evidence.pairing import LABEL
from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.estimator_fitting import HeldOut
from volant.monitoring.performance import CHAMPION_ARM, Question, answers_of, once_each, values_of, with_labels
from volant.monitoring.weak_slices import Losses
from volant.monitoring.windows import UNIT, in_order
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named


def question_of(kept: dict[str, object]) -> Question:
    """What a live report was asked (``LiveReport.question``)."""
    return msgspec.convert(kept, Question)


def live_losses(lines: pl.DataFrame, labels: Sequence[Label], question: Question, *, epoch: int, names: Sequence[str]) -> Losses:
    """Those of one epoch's champion, in window order. ``names``: inputs to take along, as in the log.

    ``lines`` as ``evidence.predictions`` gives them, ``labels`` as ``LabelStore.current``.
    """
    own = in_order(lines.filter((pl.col("epoch") == epoch) & (pl.col("arm") == CHAMPION_ARM)))
    known = with_labels(once_each(own), labels, question.target_dtype).filter(pl.col(LABEL).is_not_null())
    losses = row_losses(metric_named(question.metric).row_loss, values_of(known[LABEL], question.task), answers_of(known, question))
    rows = np.flatnonzero(losses.valid)
    group = f"{FEATURE_PREFIX}{question.group}"
    groups = known[group].cast(pl.String, strict=False).fill_null("").to_numpy()[rows] if group in known.columns else None
    inputs = {name.removeprefix(FEATURE_PREFIX): known[name][rows] for name in names if name in known.columns}
    return Losses(losses.values[rows], known[UNIT].to_numpy()[rows], inputs, groups)


def holdout_losses(held: HeldOut, metric: str) -> Losses:
    """Those of the rows that its gate judged it on."""
    losses = row_losses(metric_named(metric).row_loss, held.target, held.predicted)
    rows = np.flatnonzero(losses.valid)
    inputs = {name.removeprefix(FEATURE_PREFIX): column[rows] for name, column in held.inputs.items()}
    return Losses(losses.values[rows], held.times[rows], inputs, None if held.groups is None else held.groups[rows])
