"""Keeping the summaries of windows up with the log."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from volant.config.model import Amount
from volant.evidence.predictions import Predictions
from volant.kernel.codec import plain
from volant.kernel.digests import digest_value
from volant.kernel.errors import ConflictError
from volant.monitoring.drift_model import DriftReference, WindowShape
from volant.monitoring.folding import merged_by_number, summarised
from volant.monitoring.performance import CHAMPION_ARM
from volant.monitoring.ports import Covered, WindowStore
from volant.monitoring.shaping import merged_shapes, shaped
from volant.monitoring.summary import WindowSummary
from volant.monitoring.windows import placed

if TYPE_CHECKING:
    from volant.data.contract import Contract

FORMAT = 3  # grows when summaries are made otherwise; all are then made anew
_TRIES = 5
_Folded = tuple[tuple[WindowSummary, ...], list[WindowShape]]


class Watch:
    """Folds what is new in the log into the stored windows of a model.

    Summaries and the position they cover are committed together, so a kill loses and doubles nothing, and of two that
    work at once one has to look again. Where the window's size or the contract changes, all windows are made anew.

    ``reference`` gives a version's reference, beside which the shapes of the champion's windows are taken; None: no shapes.
    """

    def __init__(
        self,
        predictions: Predictions,
        store: WindowStore,
        *,
        size: Amount,
        contract: "Contract | None" = None,
        reference: Callable[[int], DriftReference | None] = lambda _: None,
    ) -> None:
        self._predictions = predictions
        self._store = store
        self._size = size
        self._contract = contract
        self._reference = reference
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
        folded = self._folded(model, [lines for _, lines in found], before, anew=anew)
        windows, shapes = [window for one in folded for window in one[0]], [shape for one in folded for shape in one[1]]
        self._store.commit(model, before, self._basis, position, windows, shapes=shapes)
        return sum(lines.height for _, lines in found)

    def _folded(self, model: str, parts: list[pl.DataFrame], before: Covered, *, anew: bool) -> list[_Folded]:
        if not parts:
            return []
        lines = pl.concat(parts, how="diagonal_relaxed").unique("prediction_id", keep="first", maintain_order=True)
        groups = lines.partition_by("epoch", "arm", as_dict=True, maintain_order=True)
        return [
            self._of_arm(model, int(epoch), str(arm), part, anew=anew or not before.revision)
            for (epoch, arm), part in sorted(groups.items())
        ]

    def _of_arm(self, model: str, epoch: int, arm: str, lines: pl.DataFrame, *, anew: bool) -> _Folded:
        """New summaries and shapes of the windows that these lines touch."""
        known = () if anew else self._store.extents(model, epoch, arm)
        lying = placed(lines, self._size, known)
        made = summarised(lying, self._contract)
        touched = {extent.number for extent in known} & {window.number for window in made}
        old = [window for number in sorted(touched) if (window := self._store.get(model, epoch, arm, number)) is not None]
        shapes = self._shapes(lying, touched) if arm == CHAMPION_ARM else []
        return merged_by_number(old, made), shapes

    def _shapes(self, lines: pl.DataFrame, touched: set[int]) -> list[WindowShape]:
        """Of lines of one champion, each together with what was known of its window."""
        reference = self._reference(int(lines["version"].mode().sort()[0]))
        made = () if reference is None else shaped(lines, reference)
        return [self._with_old(shape) if shape.number in touched else shape for shape in made]

    def _with_old(self, shape: WindowShape) -> WindowShape:
        old = self._store.shape(shape.model, shape.epoch, shape.arm, shape.number)
        return shape if old is None or old.version != shape.version else merged_shapes(old, shape)
