"""Key and time columns with their types, as the worker and the label intake need them."""

from volant.config.model import DataConfig
from volant.data.model import DatasetVersion
from volant.evidence.keys import KeyColumn
from volant.kernel.errors import IntegrityError


def key_columns(config: DataConfig, dataset: DatasetVersion | None) -> tuple[KeyColumn, ...]:
    """The declared key with the types it has in a dataset version; empty before there is one."""
    return () if dataset is None else tuple(_typed(name, dataset) for name in config.key)


def time_column(config: DataConfig, dataset: DatasetVersion) -> KeyColumn | None:
    """The declared time column with its type."""
    return None if config.time is None else _typed(config.time, dataset)


def target_dtype(target: str, dataset: DatasetVersion | None) -> str | None:
    """The target's logical type; None before there is a dataset version."""
    columns = () if dataset is None else dataset.columns
    return next((column.dtype.value for column in columns if column.name == target), None)


def _typed(name: str, dataset: DatasetVersion) -> KeyColumn:
    for column in dataset.columns:
        if column.name == name:
            return KeyColumn(name=name, dtype=column.dtype.value)
    raise IntegrityError(
        f"Version {dataset.number} of dataset {dataset.dataset} has no column {name!r}.",
        found=", ".join(column.name for column in dataset.columns)[:200],
        next_step="correct data.key and data.time in volant.yaml, then: volant run",
        field=name,
    )
