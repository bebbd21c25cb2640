"""Whether a path names one readable file, before anything heavy is imported."""

import difflib
import stat
from pathlib import Path

from volant.kernel.errors import InvalidInputError, NotFoundError, UnavailableError


def check_source(path: Path, shown: str | None = None) -> None:
    """That a readable, regular file is there; ``NotFoundError`` naming the nearest one."""
    shown = shown or str(path)
    if "://" in shown or (":" in shown and not path.exists() and shown.count(":") == 2):
        raise InvalidInputError(
            f"The source {shown!r} cannot be read.",
            found="a URL or a function",
            next_step="give a CSV or Parquet file",
            field="data.source",
        )
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _absent(path, shown, error) from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise InvalidInputError(
            f"{shown} cannot be read as data.", found=kind, next_step="give one CSV or Parquet file", field="data.source"
        )
    try:
        path.open("rb").close()
    except OSError as error:
        raise UnavailableError(f"{shown} cannot be read.", found=error.strerror, next_step="check its permissions") from None


def _absent(path: Path, shown: str, error: OSError) -> NotFoundError | InvalidInputError:
    if any(mark in shown for mark in "*?["):
        return InvalidInputError(
            f"The source {shown!r} is a pattern.",
            found="several files are not supported yet",
            next_step="give one CSV or Parquet file",
            field="data.source",
        )
    folder = path.parent
    siblings = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    nearest = difflib.get_close_matches(path.name, siblings, n=1)
    place = str(folder.resolve()) if folder.is_dir() else f"no folder {folder}"
    hint = f"did you mean {folder / nearest[0]}?" if nearest else "give the path of a CSV or Parquet file"
    found = f"nothing of that name in {place}" if folder.is_dir() else place
    return NotFoundError(f"There is no file {shown}.", found=f"{found} ({error.strerror})", next_step=hint, field="data.source")
