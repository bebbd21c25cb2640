"""A dataset version as training, gates and replay take it: in order of event time, one row per key."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from volant.config.metric_text import own_metrics
from volant.config.model import ProjectConfig
from volant.data.model import DatasetVersion
from volant.data.reading import RESERVED
from volant.data.rows import fingerprints, last_of_each_key, row_names
from volant.data.split import Split, holdout_split
from volant.data.timeline import Times, times
from volant.gates.conditions import is_conditions, sliced
from volant.gates.service import GateData
from volant.kernel.errors import InvalidInputError
from volant.stats.names import columns_of_metrics
from volant.stats.predicted import usable_target

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Table:
    """n rows by event time (equal times in file order). Arrays have shape (n,).

    ``frame``: every column as stored. ``names``: row names. ``target``: labels. ``duplicates``: rows left out because a
    later row has the same key.
    """

    version: DatasetVersion
    frame: "pl.DataFrame"
    times: Times
    names: np.ndarray
    fingerprints: np.ndarray
    target: np.ndarray
    duplicates: int

    def inputs(self, config: ProjectConfig, positions: np.ndarray | None = None) -> "pl.DataFrame":
        """What a pipeline gets as ``rows``: no target, nothing from ``data.drop``."""
        hidden = {config.target, *config.data.drop, *RESERVED}
        frame = self.frame.drop(name for name in self.frame.columns if name in hidden)
        return frame if positions is None else frame[positions]

    def labels(self, config: ProjectConfig, positions: np.ndarray) -> "pl.Series":
        """The target column of some rows."""
        return self.frame[config.target][positions]

    def gate_data(self, config: ProjectConfig, split: Split) -> GateData:
        """As a gate takes it."""
        return GateData(
            dataset=self.version.dataset,
            version=self.version.number,
            names=self.names,
            fingerprints=self.fingerprints,
            event_times=self.times.event_us,
            known_at=self.times.known_us,
            target=self.target,
            training=split.train,
            holdout=split.holdout,
            groups=self.groups(config),
            slices=self.slices(config),
            columns=self.measured(config),
        )

    def groups(self, config: ProjectConfig) -> np.ndarray | None:
        """Which rows belong together; None if the project names no group."""
        return None if config.data.group is None else self.column(config.data.group, "data.group")

    def slices(self, config: ProjectConfig) -> dict[str, np.ndarray]:
        """The columns that gates slice by."""
        return {name: self.column(name, "gates") for gate in config.gates for name in (*gate.slices, *gate.columns)}

    def measured(self, config: ProjectConfig) -> dict[str, np.ndarray]:
        """The columns that business metrics read."""
        return {name: self.column(name, "metrics") for name in columns_of_metrics(own_metrics(config))}

    def column(self, name: str, field: str) -> np.ndarray:
        """A column's values as an array, or where a slice by conditions holds. ``InvalidInputError`` naming the setting if there is no
        such column.
        """
        if name not in self.frame.columns and is_conditions(name):
            return sliced(name, {column: self.frame[column] for column in self.frame.columns})
        if name not in self.frame.columns:
            raise InvalidInputError(
                f"There is no column {name!r}.",
                found=f"columns {', '.join(self.frame.columns[:20])}",
                next_step=f"correct {field} in volant.yaml",
                field=field,
            )
        return self.frame[name].to_numpy()


def table_of(frame: "pl.DataFrame", version: DatasetVersion, config: ProjectConfig) -> Table:
    """Order a version's rows in time and keep the last of each key.

    Raises ``InvalidInputError`` for rows without a usable time or key.
    """
    kept = last_of_each_key(frame, config.data)
    instants = times(frame, config.data).take(kept.rows)
    order = instants.order()
    rows = kept.rows[order]
    ordered = frame[rows]
    return Table(
        version=version,
        frame=ordered,
        times=instants.take(order),
        names=row_names(frame, version, config.data).gather(rows).to_numpy(),
        fingerprints=fingerprints(frame, config.data)[rows],
        target=ordered[config.target].to_numpy(),
        duplicates=kept.duplicates,
    )


def split_of(table: Table, config: ProjectConfig) -> Split:
    """The holdout and the rows to learn from: those with a label that was known when the holdout begins."""
    split = holdout_split(table.times, config.train)
    labelled = usable_target(table.target[split.train])
    if not labelled.any():
        raise InvalidInputError(
            f"No row to learn from has a label in {config.target!r}.",
            found=f"{len(split.train)} rows before the holdout, all without a label",
            next_step="give labelled rows, or correct target in volant.yaml",
            field="target",
        )
    return Split(split.train[labelled], split.holdout, split.starts_us, split.dropped_gap)
