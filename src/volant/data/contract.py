"""A data contract: what the data promises. ``odcs.py`` reads and writes it, ``validate.py`` holds data to it."""

from enum import StrEnum

from volant.data.model import Dtype
from volant.kernel.codec import Value

Scalar = bool | int | float | str


class Severity(StrEnum):
    """What a broken rule does: be reported, or stop the run."""

    WARN = "warn"
    BLOCK = "block"


class Check(StrEnum):
    """What a rule asks of its columns."""

    PRESENT = "present"  # the column is there
    TYPE = "type"  # every cell fits the logical type
    REQUIRED = "required"  # no cell is missing (null, or not a number)
    RANGE = "range"  # minimum <= value <= maximum
    VALUES = "values"  # one of a closed set
    PATTERN = "pattern"  # text matches the expression somewhere
    LENGTH = "length"  # number of characters
    UNIQUE = "unique"  # no combination twice
    ROWS = "rows"  # number of rows
    FOREIGN = "foreign"  # a rule of another engine; reported as not checked


class Rule(Value, frozen=True, kw_only=True):
    """One promise. ``max_share``: the share of rows that may break it. Bounds of times are ISO texts."""

    check: Check
    columns: tuple[str, ...] = ()
    severity: Severity = Severity.BLOCK
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    values: tuple[Scalar, ...] = ()
    pattern: str | None = None
    max_share: float = 0.0
    text: str = ""  # of a foreign rule

    @property
    def id(self) -> str:
        """``temp: range``; readable and stable."""
        return f"{', '.join(self.columns) or 'table'}: {self.check.value}"


class ContractColumn(Value, frozen=True, kw_only=True):
    """A promised column. ``key_position``: its place in the key, from 1."""

    name: str
    dtype: Dtype
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    description: str = ""


class Contract(Value, frozen=True, kw_only=True):
    """A whole contract over one table."""

    id: str
    name: str
    columns: tuple[ContractColumn, ...]
    rules: tuple[Rule, ...] = ()
    version: str = "1.0.0"
    status: str = "active"

    def all_rules(self) -> tuple[Rule, ...]:
        """Rules that follow from the columns, then the ones written out."""
        found: list[Rule] = []
        for column in self.columns:
            found += [Rule(check=Check.PRESENT, columns=(column.name,)), Rule(check=Check.TYPE, columns=(column.name,))]
            if column.required:
                found.append(Rule(check=Check.REQUIRED, columns=(column.name,)))
            if column.unique:
                found.append(Rule(check=Check.UNIQUE, columns=(column.name,)))
        return (*found, *self.rules)

    def dtypes(self) -> dict[str, Dtype]:
        """Column -> logical type."""
        return {column.name: column.dtype for column in self.columns}
