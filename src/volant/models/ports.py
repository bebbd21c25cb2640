"""The seam between Volant and whatever predicts."""

from typing import TYPE_CHECKING, Protocol

from volant.kernel.codec import Value
from volant.models.model import Signature

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


class Answer(Value, frozen=True, kw_only=True):
    """Predictions for n rows.

    ``values``: shape (n,), class labels or numbers. ``scores``: None, or class probabilities of shape
    (n, len(classes)) in the order of ``Signature.classes``.
    """

    values: "np.ndarray"
    scores: "np.ndarray | None" = None


class ModelRunner(Protocol):
    """A loaded package. Not thread-safe; one per process."""

    signature: Signature

    def predict(self, rows: "pl.DataFrame") -> Answer:
        """Raw rows (the signature's inputs, any column order) to predictions, feature function included.

        ``InvalidInputError`` naming the column for a missing column or a type that cannot be used;
        ``UserCodeError`` if the model's own code raises.
        """
        ...
