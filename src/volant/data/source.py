"""The source that ``volant.yaml`` declares: where it is, and whether it has the columns that the project names."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from volant.config.model import ProjectConfig
from volant.kernel.errors import InvalidInputError

if TYPE_CHECKING:
    from volant.data.reading import SourceTable


def source_path(config: ProjectConfig, root: Path) -> Path:
    """The file behind ``data.source``, relative to the project's folder. Raises as ``reading.check_source``."""
    from volant.data.source_file import check_source

    path = root / Path(config.data.source).expanduser()
    check_source(path, config.data.source)
    return path


def check_columns(table: "SourceTable", config: ProjectConfig) -> None:
    """Every column that the project names is there; ``InvalidInputError`` naming the nearest one."""
    data = config.data
    named = [("target", config.target), ("data.time", data.time), ("data.group", data.group)]
    named += [("data.key", name) for name in data.key] + [("data.drop", name) for name in data.drop]
    names = table.names()
    for field, name in named:
        if name is not None and name not in names:
            raise missing_column(field, name, names, data.source)


def missing_column(field: str, name: str, names: tuple[str, ...], shown: str) -> InvalidInputError:
    """The error for a column that is named but not there."""
    nearest = difflib.get_close_matches(name, names, n=1) or [n for n in names if n.lower() == name.lower()]
    return InvalidInputError(
        f"{shown} has no column {name!r} ({field}).",
        found=f"columns {', '.join(names[:30])}{' ...' if len(names) > 30 else ''}",
        next_step=f"did you mean {nearest[0]!r}?" if nearest else f"set {field} to one of them",
        field=field,
    )
