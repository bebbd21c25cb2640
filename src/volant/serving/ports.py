"""What a worker needs from a loaded model."""

from collections.abc import Mapping
from typing import Any, Protocol

from volant.models.model import Signature
from volant.models.ports import Answer


class ColumnRunner(Protocol):
    """A loaded package that takes plain columns, so that one row need not become a frame. Not thread-safe."""

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        ...

    def predict_columns(self, columns: Mapping[str, list[Any]], count: int) -> Answer:
        """``count`` checked rows as one list per input (dates and times as ISO texts) to predictions.

        ``UserCodeError`` if the model's own code raises.
        """
        ...
