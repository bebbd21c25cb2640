"""Keeping the summaries of windows up with the log."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from volant.config.model import Amount
from volant.evidence.predictions import Predictions
from volant.kernel.codec import plain
from volant.kernel.digests import digest_value
from volant.kernel.errors import ConflictError
from volant.monitoring.folding import merged_by_number, summarised
from volant.monitoring.ports import Covered, WindowStore
from volant.monitoring.summary import WindowSummary
from volant.monitoring.windows import placed

if TYPE_CHECKING:
    from volant.data.contract import Contract

FORMAT = 2  # grows when summaries are made otherwise; all are then made anew
_TRIES = 5


class Watch:
    """Folds what is new in the log into the stored windows of a model.

    Summaries and the position they cover are committed together, so a kill loses and doubles nothing, and of two that
    work at once one has to look again. Where the window's size or the contract changes, all windows are made anew.
    """

    def __init__(self, predictions: Predictions, store: WindowStore, *, size: Amount, contract: "Contract | None" = None) -> None:
        self._predictions = predictions
        self._store = store
        self._size = size
        self._contract = contract
        self._basis = digest_value([FORMAT, plain(size), plain(contract)])

    def advance(self, model: str) -> int:
        """Bring the windows up to date; how many lines were new. ``ConflictError`` where others are always faster."""
        for _ in range(_TRIES - 1):
            try:
                return self._advance(model)
            except ConflictError:
                continue
        return self._advance(model)

    def _advance(self, model: str) -> int:
        before = self._store.covered(model)
        anew = before.basis != self._basis
        covered = {} if anew else before.lines
        found = list(self._predictions.after(model, covered))
        if not found and not (anew and before.revision):
            return 0
        position = {source: covered.get(source, 0) + lines.height for source, lines in found}
        self._store.commit(model, before, self._basis, position, self._windows(model, [lines for _, lines in found], before, anew=anew))
        return sum(lines.height for _, lines in found)

    def _windows(self, model: str, parts: list[pl.DataFrame], before: Covered, *, anew: bool) -> Sequence[WindowSummary]:
        if not parts:
            return ()
        lines = pl.concat(parts, how="diagonal_relaxed").unique("prediction_id", keep="first", maintain_order=True)
        groups = lines.partition_by("epoch", "arm", as_dict=True, maintain_order=True)
        return [
            window
            for (epoch, arm), part in sorted(groups.items())
            for window in self._of_arm(model, int(epoch), str(arm), part, anew=anew or not before.revision)
        ]

    def _of_arm(self, model: str, epoch: int, arm: str, lines: pl.DataFrame, *, anew: bool) -> tuple[WindowSummary, ...]:
        """New summaries of the windows that these lines touch."""
        known = () if anew else self._store.extents(model, epoch, arm)
        made = summarised(placed(lines, self._size, known), self._contract)
        touched = {extent.number for extent in known} & {window.number for window in made}
        old = [window for number in sorted(touched) if (window := self._store.get(model, epoch, arm, number)) is not None]
        return merged_by_number(old, made)
