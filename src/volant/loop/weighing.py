"""Rows that count less the older they are: what a pipeline is given for it, and the error for one that does not take it."""

from typing import TYPE_CHECKING

from volant.config.model import Keep, WindowConfig
from volant.kernel.errors import UsageError
from volant.pipelines.model import WEIGHTS, Graph

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def weights_of(event_us: "np.ndarray", window: WindowConfig) -> "pl.Series | None":
    """Of training rows in time order; None where all count alike."""
    import polars as pl

    from volant.data.ages import row_weights

    found = row_weights(event_us, window)
    return None if found is None else pl.Series(WEIGHTS, found)


def takes_weights(graph: Graph, window: WindowConfig) -> None:
    """``UsageError`` where the window weighs rows and no step of the pipeline asks for the weights: they would do nothing."""
    if window.keep is Keep.WEIGHTED and not any(step.takes(WEIGHTS) for step in graph.steps):
        raise UsageError(
            "train.window weighs rows by age, and no step of the pipeline takes weights.",
            found=f"steps {', '.join(graph.names())} in {graph.file}; keep: weighted",
            next_step="let model take them and pass them on: def model(features, target, weights), then fit(..., sample_weight=weights); "
            "or write keep: last for an estimator that takes none",
            field="train.window.keep",
        )
