"""Values of inspections: closer looks at the log that somebody asked for, each kept with what it was made from.

Standard library only: the control process reads them.
"""

from enum import StrEnum
from typing import Any

from volant.gates.conditions import Condition
from volant.kernel.codec import Value


class InspectionKind(StrEnum):
    """What was looked at."""

    SLICES = "slices"  # where among labelled rows the champion is worse
    SKEW = "skew"  # whether what is served is what was trained on
    MULTIVARIATE = "multivariate"  # whether columns moved together
    ATTRIBUTION = "attribution"  # whether the model leans on other columns


class Inspection(Value, frozen=True, kw_only=True):
    """What a closer look found of one epoch's champion.

    ``position`` (lines of each source of the log, ``Predictions.table``, upto) with ``labels`` (LabelStore.revision) names what
    it was made from; ``asked`` its settings, seed included. ``found`` is plain JSON of the kind's own value.
    """

    id: str
    model: str
    kind: InspectionKind
    epoch: int
    version: int
    recorded_at: int
    position: dict[str, int]
    labels: int
    asked: dict[str, Any]
    found: dict[str, Any]
    sentence: str


class WeakSlice(Value, frozen=True, kw_only=True):
    """Rows on which the champion is worse than elsewhere, as the half that it was not searched on confirms.

    ``loss`` against ``elsewhere``: mean row losses; ``ratio`` of both with a 95 % interval; ``share_of_rows`` and
    ``share_of_loss`` of that half; ``p`` is Holm's over all that were tried there.
    """

    text: str
    conditions: tuple[Condition, ...]
    rows: int
    share_of_rows: float
    share_of_loss: float
    loss: float
    elsewhere: float
    ratio: float | None
    low: float | None
    high: float | None
    p: float


class SlicesFound(Value, frozen=True, kw_only=True):
    """What a search for weak slices came to. ``source``: ``live`` or ``holdout`` rows; ``why_not``: why nothing could be searched."""

    source: str
    loss: str
    rows: int
    searched: int
    confirmed: int
    tried: int
    slices: tuple[WeakSlice, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    why_not: str | None = None


class SkewedColumn(Value, frozen=True, kw_only=True):
    """One input of rows that are both in the training data and in the log.

    ``share`` of rows that differ, with a 95 % interval; ``pattern`` says what most of the differences have in common.
    """

    name: str
    compared: int
    differing: int
    share: float
    low: float
    high: float
    missing_served: int
    missing_trained: int
    row: str | None = None
    trained: str | None = None
    served: str | None = None
    pattern: str | None = None


class ReleaseShift(Value, frozen=True, kw_only=True):
    """One input right after the release beside the newest rows that the champion learned from."""

    name: str
    effect: float
    low: float
    high: float
    tolerance: float
    p: float
    skewed: bool


class SkewFound(Value, frozen=True, kw_only=True):
    """Training beside serving. ``paired``: rows found on both sides by ``by``; ``columns``: those of which some differ come first."""

    by: str
    trained: int
    served: int
    paired: int
    columns: tuple[SkewedColumn, ...] = ()
    release_rows: int = 0
    trained_rows: int = 0
    shifts: tuple[ReleaseShift, ...] = ()
    why_not: str | None = None
    why_no_shifts: str | None = None


class Driver(Value, frozen=True, kw_only=True):
    """How much of what tells window and reference apart a column carries: the AUC that is lost without it.

    ``alone``: whether the column by itself has moved (None: it is not judged).
    """

    name: str
    lost: float
    alone: bool | None = None


class MultivariateFound(Value, frozen=True, kw_only=True):
    """Whether a classifier tells the window's rows from the reference's. ``auc`` 0.5: it cannot.

    ``p_rows``: if rows were independent; ``p_stretches``: beside ``usual``, what the same classifier reaches on ``stretches`` of
    the reference itself, each as long as the window. ``p`` is the larger one.
    """

    rows: int
    reference_rows: int
    from_us: int
    to_us: int
    auc: float
    p: float
    drifted: bool
    p_rows: float
    p_stretches: float | None = None
    usual: float | None = None
    stretches: int = 0
    drivers: tuple[Driver, ...] = ()
    why_not: str | None = None


class ColumnAttribution(Value, frozen=True, kw_only=True):
    """How much of the model's answers a column carries (mean absolute attribution), before and now, as shares of all before.

    ``change`` is of these shares, with a 95 % interval; ``direction``: how much the mean attribution itself moved.
    """

    name: str
    before: float
    after: float
    rank_before: int
    rank_after: int
    change: float
    low: float
    high: float
    direction: float
    p: float
    drifted: bool


class AttributionFound(Value, frozen=True, kw_only=True):
    """Attributions on reference and window. ``of``: what was attributed; ``scale``: what a share of 1 is, in its unit."""

    of: str
    rows: int
    reference_rows: int
    from_us: int
    to_us: int
    scale: float
    answered: int
    columns: tuple[ColumnAttribution, ...] = ()
    why_not: str | None = None
