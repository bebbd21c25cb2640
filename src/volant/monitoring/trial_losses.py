"""What labels say of a rollout: both arms' losses, and the bet that the candidate's are larger.

Rows that both arms scored are compared one by one. Of live rows each was answered by one arm only; the hash of its key
decided which. So requests are taken in blocks, in the order in which they were answered, and the mean of the canary's is
compared with the mean of the champion's in the same block: whatever changed from hour to hour was the same for both.

Rows count in the order (epoch, answered at, id), up to the first that still waits for its label: labels that come early
are seldom like the rest. Everything is computed anew from all labels, so corrected labels count as corrected.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from volant.config.model import GateConfig, GateKind
from volant.deployments.arms import CANARY, CHAMPION, SHADOW
from volant.deployments.model import LossCounts, Losses, Rollout
from volant.evidence.model import Label, Outcome
from volant.evidence.tables import FEATURE_PREFIX
from volant.monitoring.performance import Question, answers_of, values_of, with_labels
from volant.stats.evalues import Wager, wager
from volant.stats.metrics import row_losses
from volant.stats.names import metric_named

BOUNDED = {"error": 1.0, "brier": 2.0}  # largest loss of one row
FIXING_ROWS = 20
CAP_TIMES = 5.0
SMALLEST_BLOCK = 4  # requests; of two, half the blocks would be of one arm only
_ID, _EPOCH, _AT = "prediction_id", "rollout_epoch", "at"
_NEEDED = (_ID, _AT, "event_time", "key", "arm", "outcome", "prediction", "scores", "rollout", _EPOCH, "assigned", "pair")
_ORDER = (_EPOCH, _AT, _ID)
_OWN, _OTHER, _SETTLED = "_own", "_other", "_settled"


class _Cap(NamedTuple):
    """``fixed_at``: the last row that it was fixed from. ``typical``: the champion's mean loss up to there; for losses of either
    sign, which are capped on both sides.
    """

    loss: float | None
    fixed_at: tuple[int, int, str] | None
    typical: float | None = None

    @property
    def least(self) -> float:
        """What a row's loss counts as at least."""
        return 0.0 if self.typical is None else -(self.loss or 0.0)


@dataclass(frozen=True)
class Allowed:
    """How much worse is no harm, in row losses: a share of the champion's, an absolute number, and a share of how far the
    champion's mean is from 0 (for losses of either sign).
    """

    share: float = 0.0
    number: float = 0.0
    typical_share: float = 0.0


def allowed_by(gates: Sequence[GateConfig], metric: str) -> Allowed:
    """The margin of the gate against the champion, for metrics that are a mean over rows (and ``rmse``, by its square)."""
    margins = [gate.margin for gate in gates if gate.kind is GateKind.CHAMPION and (gate.metric or metric) == metric]
    if not margins:
        return Allowed()
    margin = margins[0]
    if metric == "accuracy":
        return Allowed(number=margin.value)
    if metric == "rmse":
        return Allowed(share=(1 + margin.value) ** 2 - 1) if margin.relative else Allowed()
    if not metric_named(metric).additive:
        return Allowed()
    if not margin.relative:
        return Allowed(number=margin.value)
    return Allowed(typical_share=margin.value) if metric_named(metric).signed else Allowed(share=margin.value)


def trial_losses(
    lines: pl.DataFrame, labels: Sequence[Label], rollout: Rollout, question: Question, allowed: Allowed, *, revision: int
) -> Losses:
    """What ``labels`` (of ``revision``) say of the rollout's ``lines`` (``evidence/tables.py``). ``question.known_by`` is now.

    Lines of other rollouts may be among them: a batch may have been scored by the champion before the rollout began.
    """
    columns = [name for name in (f"{FEATURE_PREFIX}{name}" for name in metric_named(question.metric).columns) if name in lines.columns]
    answered = lines.select(*_NEEDED, *columns).filter(pl.col("outcome") == Outcome.OK.value)
    known = _shared(with_labels(answered, labels, question.target_dtype))
    scored = _settled(_with_losses(known, question), question)
    paired, live = _pairs(scored, rollout.id), _live(scored, rollout)
    cap = _fixed(paired, live, rollout, question.metric)
    found = [_of_pairs(part, epoch, cap, allowed) for epoch, part in _by_epoch(paired)]
    shares = {stage.epoch: stage.share for stage in rollout.stages}
    found += [_of_live(part, epoch, shares[epoch], cap, allowed) for epoch, part in _by_epoch(live)]
    count = lines.filter(pl.col("rollout") == rollout.id).height
    return Losses(
        metric=question.metric, labels=revision, lines=count, cap=cap.loss, fixed_at=cap.fixed_at, typical=cap.typical, parts=tuple(found)
    )


def _shared(lines: pl.DataFrame) -> pl.DataFrame:
    """The label of a row is that of its shadow too."""
    theirs = lines.filter(pl.col("arm") == CHAMPION).select(pl.col(_ID).alias("pair"), "_label", "_known_at")
    joined = lines.join(theirs, on="pair", how="left", suffix="_of_pair", maintain_order="left")
    return joined.with_columns(pl.coalesce(f"{name}_of_pair", name).alias(name) for name in ("_label", "_known_at"))


def _with_losses(lines: pl.DataFrame, question: Question) -> pl.DataFrame:
    """With ``_own``, the row's loss; null where it has no label or no usable answer."""
    known = lines.filter(pl.col("_label").is_not_null())
    if known.height == 0:
        return lines.with_columns(pl.lit(None, dtype=pl.Float64).alias(_OWN))
    losses = row_losses(metric_named(question.metric).row_loss, values_of(known["_label"], question.task), answers_of(known, question))
    found = pl.Series(_OWN, np.where(losses.valid, losses.values, np.nan)).fill_nan(None)
    return lines.join(known.select(_ID).with_columns(found), on=_ID, how="left", maintain_order="left")


def _settled(lines: pl.DataFrame, question: Question) -> pl.DataFrame:
    """With ``_settled``: it has its label, or the time in which labels come is over."""
    taken = (lines["_known_at"] - lines[_AT]).quantile(0.95)
    patience = max(question.label_delay_us, 0 if taken is None else round(taken))
    due = pl.coalesce("event_time", _AT) + patience <= (question.known_by or 0)
    return lines.with_columns((pl.col("_label").is_not_null() | due).alias(_SETTLED))


def _pairs(lines: pl.DataFrame, rollout: str) -> pl.DataFrame:
    """Rows that the candidate scored in the champion's shadow: ``_own`` is its loss, ``_other`` the champion's."""
    shadows = lines.filter((pl.col("arm") == SHADOW) & (pl.col("rollout") == rollout))
    theirs = lines.filter(pl.col("arm") == CHAMPION).select(pl.col(_ID).alias("pair"), pl.col(_OWN).alias(_OTHER))
    return _once_each(shadows.join(theirs, on="pair").sort(_ORDER))


def _live(lines: pl.DataFrame, rollout: Rollout) -> pl.DataFrame:
    """Rows that either arm answered while the candidate was a canary; those that fell back to the champion left out."""
    epochs = [stage.epoch for stage in rollout.stages if stage.live]
    own = lines.filter((pl.col("rollout") == rollout.id) & pl.col(_EPOCH).is_in(epochs) & pl.col("assigned").is_null())
    return _once_each(own.filter(pl.col("arm").is_in([CHAMPION, CANARY])).sort(_ORDER))


def _once_each(lines: pl.DataFrame) -> pl.DataFrame:
    """Of rows with one key only the first."""
    return lines.filter(pl.col("key").is_null() | pl.col("key").is_first_distinct())


def _by_epoch(lines: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
    """Each epoch's lines; settled are those before the first that waits for its label."""
    parts = lines.partition_by(_EPOCH, maintain_order=True)
    return [(int(part[_EPOCH][0]), part.with_columns(pl.col(_SETTLED).cum_min())) for part in parts]


def _prefixes(lines: pl.DataFrame) -> pl.DataFrame:
    """Rows with a loss before the first of their epoch that waits, with both arms' losses (null where it did not answer)."""
    paired = _OTHER in lines.columns
    champion = pl.col(_OTHER) if paired else pl.when(pl.col("arm") == CHAMPION).then(_OWN)
    candidate = pl.col(_OWN) if paired else pl.when(pl.col("arm") == CANARY).then(_OWN)
    settled = pl.col(_SETTLED).cum_min().over(_EPOCH)
    kept = lines.filter(settled).select(*_ORDER, champion.alias("champion"), candidate.alias("candidate"))
    return kept.filter(pl.col("champion").is_not_null() | pl.col("candidate").is_not_null())


def _fixed(paired: pl.DataFrame, live: pl.DataFrame, rollout: Rollout, metric: str) -> _Cap:
    """What a row's loss counts as at most: ``CAP_TIMES`` the champion's mean (of sizes, where losses have either sign) over the
    first rows, or where it never errs the candidate's. As it was fixed before, if it was.
    """
    bound, before, signed = BOUNDED.get(metric_named(metric).row_loss), rollout.losses, metric_named(metric).signed
    if bound is not None:
        return _Cap(bound, None)
    if before is not None and before.cap is not None:
        return _Cap(before.cap, before.fixed_at, before.typical)
    rows = pl.concat([_prefixes(paired), _prefixes(live)]).sort(_ORDER)
    means = [pl.col(arm).abs().fill_null(0.0).cum_sum() / pl.col(arm).cum_count() for arm in ("champion", "candidate")]
    typical = pl.col("champion").fill_null(0.0).cum_sum() / pl.col("champion").cum_count()
    scale = pl.when(means[0] > 0).then(means[0]).otherwise(means[1])
    enough = rows.with_columns(scale.alias("scale"), typical.alias("typical")).filter(
        (pl.col("champion").cum_count() >= FIXING_ROWS) & (pl.col("scale") > 0)
    )
    if enough.height == 0:
        return _Cap(None, None)
    row = enough.row(0, named=True)
    fixed_at = (row[_EPOCH], row[_AT], row[_ID])
    return _Cap(CAP_TIMES * float(row["scale"]), fixed_at, float(row["typical"]) if signed else None)


def _after(lines: pl.DataFrame, fixed_at: tuple[int, int, str] | None) -> pl.Series:
    """Mask of the rows that come after those that the cap was fixed from."""
    if fixed_at is None:
        return pl.Series([True] * lines.height, dtype=pl.Boolean)
    later = pl.lit(value=False)
    for place in reversed(range(len(_ORDER))):
        name, value = _ORDER[place], pl.lit(fixed_at[place])
        later = (pl.col(name) > value) | ((pl.col(name) == value) & later)
    return lines.select(later.alias("later"))["later"]


def _of_pairs(lines: pl.DataFrame, epoch: int, cap: _Cap, allowed: Allowed) -> LossCounts:
    both = lines.filter(pl.col(_SETTLED) & pl.col(_OWN).is_not_null() & pl.col(_OTHER).is_not_null())
    counts = LossCounts(
        epoch=epoch,
        paired=True,
        champion_rows=both.height,
        champion_loss=float(both[_OTHER].sum()),
        candidate_rows=both.height,
        candidate_loss=float(both[_OWN].sum()),
    )
    if cap.loss is None:
        return counts
    judged = both.filter(_after(both, cap.fixed_at))
    return msgspec.structs.replace(counts, wager=_bet(judged[_OTHER].to_numpy(), judged[_OWN].to_numpy(), cap, allowed))


def _of_live(lines: pl.DataFrame, epoch: int, share: float, cap: _Cap, allowed: Allowed) -> LossCounts:
    known = lines.filter(pl.col(_SETTLED) & pl.col(_OWN).is_not_null())
    sides = {arm: known.filter(pl.col("arm") == arm)[_OWN] for arm in (CHAMPION, CANARY)}
    counts = LossCounts(
        epoch=epoch,
        paired=False,
        champion_rows=len(sides[CHAMPION]),
        champion_loss=float(sides[CHAMPION].sum()),
        candidate_rows=len(sides[CANARY]),
        candidate_loss=float(sides[CANARY].sum()),
    )
    if cap.loss is None:
        return counts
    blocks = _blocks(lines.filter(_after(lines, cap.fixed_at)), share, cap)
    return msgspec.structs.replace(counts, wager=_bet(blocks[CHAMPION].to_numpy(), blocks[CANARY].to_numpy(), cap, allowed))


def _blocks(lines: pl.DataFrame, share: float, cap: _Cap) -> pl.DataFrame:
    """Mean losses of both arms over each whole block of requests of which both have a label, in order.

    A request is one unit: its rows went to one arm together. Blocks are cut before anything is known of their labels.
    """
    size = max(SMALLEST_BLOCK, math.ceil(1 / min(share, 1 - share)))
    requests = (
        lines.with_columns(pl.col(_ID).str.replace(r"\.\d+$", "").alias("request"), pl.col(_OWN).clip(cap.least, cap.loss))
        .group_by("request", "arm", maintain_order=True)
        .agg(pl.col(_OWN).mean(), pl.col(_SETTLED).all())
        .with_columns((pl.int_range(pl.len()) // size).alias("block"))
    )
    whole = requests.filter((pl.len() == size).over("block") & pl.col(_SETTLED).all().over("block"))
    means = whole.group_by("block", maintain_order=True).agg(
        pl.col(_OWN).filter(pl.col("arm") == arm).mean().alias(arm) for arm in (CHAMPION, CANARY)
    )
    return means.drop_nulls()


def _bet(champion: np.ndarray, candidate: np.ndarray, cap: _Cap, allowed: Allowed) -> Wager:
    """On the candidate losing more than ``(1 + share)`` times what the champion loses, and what is allowed more."""
    assert cap.loss is not None
    share = allowed.share if cap.typical is None else 0.0
    number = allowed.number + allowed.typical_share * abs(cap.typical or 0.0)
    scale = (1 + share) * (cap.loss - cap.least)
    mine, theirs = np.clip(candidate, cap.least, cap.loss), np.clip(champion, cap.least, cap.loss)
    return wager(Wager(margin=number / scale), ((mine - (1 + share) * theirs) / scale).tolist())
