"""Values of the data package."""

from enum import StrEnum

from volant.kernel.codec import Value


class Dtype(StrEnum):
    """Logical column types; each maps to one Polars type (``reading.py``)."""

    INT = "int"
    FLOAT = "float"
    STRING = "string"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"


class Column(Value, frozen=True, kw_only=True):
    """A column as stored: name, logical type, whether any value is missing."""

    name: str
    dtype: Dtype
    nullable: bool


class Origin(StrEnum):
    """How a dataset version came to be."""

    SOURCE = "source"  # the declared source, as read
    LOG = "log"  # a base version joined with logged rows and their labels


class DatasetVersion(Value, frozen=True, kw_only=True):
    """A frozen dataset. ``digest`` names the stored bytes (an object); ``number`` counts from 1 per dataset.

    ``format`` is ``csv`` or ``parquet``. ``order`` says how many leading rows came from ``base``. A version made
    from the log holds Parquet with the source's columns plus ``_event_time``, ``_known_at`` (both int64
    microseconds, null for rows of the base) and ``_row`` (key text or prediction id).
    """

    dataset: str
    number: int
    digest: str
    format: str
    rows: int
    columns: tuple[Column, ...]
    origin: Origin
    source: str
    recorded_at: int
    base: int | None = None
    profile: str | None = None  # object: profile JSON
    contract: str | None = None  # digest of the contract it was validated against
    report: str | None = None  # object: validation report JSON
    label_cutoff_at: int | None = None
    notes: tuple[str, ...] = ()  # e.g. labels that exist only for some outcomes
