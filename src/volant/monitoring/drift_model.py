"""Values of drift: what a champion's reference is, what a window of traffic looks like beside it, and what both say.

Names of columns are those of the log: ``f:NAME`` for inputs, ``prediction``, and ``score`` (the probability of the second
class, where there are two). Standard library only: the control process reads reports.
"""

from collections.abc import Sequence
from enum import StrEnum

from volant.config.model import DriftConfig
from volant.kernel.codec import Value
from volant.monitoring.model import DriftBasis, MovedColumn

PREDICTION, SCORE = "prediction", "score"
ANSWERS = {PREDICTION: "the prediction", SCORE: "the score"}
OTHERS = "\x00others"


class Kind(StrEnum):
    """How a column's values are compared."""

    NUMBER = "number"
    CATEGORY = "category"
    NONE = "none"  # only whether values are there


class Aspect(StrEnum):
    """What about a column has moved."""

    VALUES = "values"
    MISSING = "missing"


class BlockEffect(Value, frozen=True, kw_only=True):
    """How much more means of ``rows`` successive rows vary than means of independent rows; see ``stats/dependence.py``."""

    rows: int
    effect: float
    share: float
    df: float
    strongest: float = 0.0
    stretches: int = 0


class ColumnReference(Value, frozen=True, kw_only=True):
    """One column of a reference of ``rows`` rows, of which ``absent`` have no usable value.

    Numbers: ``counts`` per bin, bins from ``starts`` (keys) about ``centre``, each with a value that stands for it.
    Categories: ``counts`` per name of ``names``, and ``rest`` rows of names that are not kept. ``left_out`` says why values are
    not judged.
    """

    rows: int
    absent: int
    kind: Kind
    counts: tuple[int, ...] = ()
    centre: float = 0.0
    starts: tuple[int, ...] = ()
    centres: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    rest: int = 0
    blocks: tuple[BlockEffect, ...] = ()
    absent_blocks: tuple[BlockEffect, ...] = ()
    left_out: str | None = None


class DriftReference(Value, frozen=True, kw_only=True):
    """What a version's rows looked like: inputs as it learned from them, answers as its gate kept them.

    ``importance``: how much of its answers hangs on each input (``importance.py``), by the column's name in the log.
    """

    model: str
    version: int
    rows: int
    columns: dict[str, ColumnReference]
    importance: dict[str, float] = {}


class ColumnShape(Value, frozen=True, kw_only=True):
    """One column in a window, beside the reference's bins or names. ``unseen`` counts names that the reference does not keep, at
    most 50 of them; further ones under ``OTHERS``.
    """

    rows: int
    absent: int
    counts: tuple[int, ...] = ()
    unseen: dict[str, int] = {}


class WindowShape(Value, frozen=True, kw_only=True):
    """What the rows of one window of the champion's traffic look like."""

    model: str
    epoch: int
    arm: str
    number: int
    version: int
    from_us: int
    to_us: int
    rows: int
    columns: dict[str, ColumnShape]


class Judged(Value, frozen=True, kw_only=True):
    """One column in one window: the aspect that stands out, its effect with a 95 % interval, the p-value (Holm) and the
    accumulated evidence as a share of what an alarm needs.
    """

    aspect: Aspect
    effect: float
    low: float
    high: float
    p: float
    evidence: float
    drifted: bool


class DriftWindow(Value, frozen=True, kw_only=True):
    """One judged window."""

    number: int
    from_us: int
    to_us: int
    rows: int
    columns: dict[str, Judged]


class Bar(Value, frozen=True, kw_only=True):
    """A stretch of values, or a category, with its share of the reference and of the windows looked at together."""

    text: str
    before: float
    after: float


class ColumnDrift(Value, frozen=True, kw_only=True):
    """Where a column stands: over all windows since it moved, or over the newest ones.

    ``familiar`` has the numbers that other tools give, from the stored histograms.
    """

    column: str
    kind: Kind
    aspect: Aspect
    drifting: bool
    effect: float
    low: float
    high: float
    tolerance: float
    design_effect: float
    since_us: int | None = None
    seen_us: int | None = None  # when the first window that is an alarm ended
    windows: int = 0
    rows: int = 0
    missing_before: float = 0.0
    missing_after: float = 0.0
    unseen: float = 0.0
    left_out: str | None = None
    bars: tuple[Bar, ...] = ()
    familiar: dict[str, float] = {}
    importance: float | None = None  # None: not known, or an answer

    @property
    def name(self) -> str:
        """For people: the input's own name, or what of the answers it is."""
        return ANSWERS.get(self.column, self.column.removeprefix("f:"))

    @property
    def stake(self) -> float:
        """The effect, weighed by the importance."""
        return self.effect * (1.0 if self.importance is None else min(self.importance, 1.0))


class DriftReport(Value, frozen=True, kw_only=True):
    """What drift an epoch's champion met, newest windows only. ``lines`` names what it was computed from."""

    model: str
    epoch: int
    version: int
    recorded_at: int
    lines: int
    asked: str
    reference_rows: int
    windows: tuple[DriftWindow, ...]
    columns: tuple[ColumnDrift, ...]
    rules: DriftConfig = DriftConfig()
    first: int | None = None  # numbers of the windows that were judged
    last: int | None = None
    waiting: int = 0  # rows in a window that is not full yet

    @property
    def drifting(self) -> tuple[ColumnDrift, ...]:
        """Columns that have moved, the strongest first."""
        return strongest_first(self.columns)

    def basis(self) -> DriftBasis | None:
        """What it rests on; None before the first full window."""
        if self.first is None or self.last is None:
            return None
        return DriftBasis(epoch=self.epoch, version=self.version, first=self.first, last=self.last, rules=self.rules)

    def evidence(self) -> tuple[MovedColumn, ...]:
        """As the decision core takes it."""
        return moved_columns(self.columns)


def strongest_first(columns: Sequence[ColumnDrift]) -> tuple[ColumnDrift, ...]:
    """Those that have moved: by how far, and by how much of the champion's answers hangs on them."""
    return tuple(sorted((column for column in columns if column.drifting), key=lambda column: (-column.stake, column.column)))


def moved_columns(columns: Sequence[ColumnDrift]) -> tuple[MovedColumn, ...]:
    """Those that have moved, the strongest first, as the decision core takes them."""
    return tuple(
        MovedColumn(
            name=column.name,
            answer=column.column in ANSWERS,
            since_us=column.since_us or 0,
            seen_us=column.seen_us or 0,
            effect=column.effect,
            low=column.low,
            high=column.high,
            tolerance=column.tolerance,
        )
        for column in strongest_first(columns)
    )
