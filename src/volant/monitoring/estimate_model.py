"""What a champion's loss is estimated with while no labels are known: fitted once on its own holdout, kept as an object."""

from enum import StrEnum

from volant.kernel.codec import Value
from volant.monitoring.drift_model import BlockEffect


class Method(StrEnum):
    """Where the expected loss of a row comes from."""

    CALIBRATED = "calibrated"  # from the model's own probabilities, calibrated on the holdout
    DIRECT = "direct"  # from the answer and the inputs, as losses depended on them on the holdout


class Curve(Value, frozen=True, kw_only=True):
    """How often a class happened where the model gave it this score: points between which a straight line holds."""

    scores: tuple[float, ...]
    shares: tuple[float, ...]


class LossPart(Value, frozen=True, kw_only=True):
    """What one column adds to the expected loss. Numbers: by bin, ``edges`` between them; texts: by name of ``names``.

    The last of ``parts`` is for rows without a usable or known value.
    """

    column: str
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    parts: tuple[float, ...]


class Support(Value, frozen=True, kw_only=True):
    """What the champion and its estimate have seen of an input: a range or names, and whether values were ever missing."""

    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()
    missing: bool = False


class Noise(Value, frozen=True, kw_only=True):
    """How far losses lie from what is expected, by bins of the expected loss (``edges`` between them).

    ``variances`` of a row and ``rows`` of the holdout per bin. ``blocks``: how much more means of successive rows vary than
    means of independent ones; ``grouped``: the same for rows of one group, known with ``grouped_df`` degrees of freedom.
    """

    edges: tuple[float, ...]
    variances: tuple[float, ...]
    rows: tuple[int, ...]
    blocks: tuple[BlockEffect, ...] = ()
    grouped: float = 1.0
    grouped_df: int | None = None


class LossEstimator(Value, frozen=True, kw_only=True):
    """Expected row loss of a champion's answers. ``loss`` names the row loss, ``learned`` counts the rows behind ``support``."""

    method: Method
    loss: str
    rows: int
    base: float
    curves: tuple[Curve, ...] = ()
    parts: tuple[LossPart, ...] = ()
    noise: Noise
    support: dict[str, Support] = {}
    learned: int = 0

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the log that it looks at beside the answers."""
        return frozenset({part.column for part in self.parts} | set(self.support)) - {"prediction"}
