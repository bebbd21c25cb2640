"""What every store of runs refuses, and how it says so."""

from collections.abc import Sequence

from volant.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from volant.tracking.model import Run

PREFIX_DIGITS = 6


def matching(wanted: str, found: Sequence[str]) -> str:
    """The one id that begins with ``wanted``. ``NotFoundError`` if there is none, ``InvalidInputError`` if there are more."""
    if wanted in found:
        return wanted
    if not found or len(wanted) < PREFIX_DIGITS:
        hint = f"{len(wanted)} digits, at least {PREFIX_DIGITS} are needed" if found else None
        raise NotFoundError(f"There is no run {wanted!r}.", found=hint, next_step="volant runs lists them")
    if len(found) > 1:
        raise InvalidInputError(
            f"More than one run begins with {wanted!r}.", found=", ".join(found[:5]), next_step="give more digits of the id"
        )
    return found[0]


def check_revision(run: Run, stored: int | None) -> None:
    """A change must follow the stored revision."""
    if stored is None:
        matching(run.id, [])
    elif run.revision != stored + 1:
        raise ConflictError(
            f"Run {run.id} was changed by someone else.",
            found=f"it is at revision {stored}; this change would be revision {run.revision}",
            next_step="read it again",
        )


def param_conflict(run_id: str, key: str, before: str, after: str) -> ConflictError:
    """A parameter is written once."""
    return ConflictError(
        f"Parameter {key!r} of run {run_id} has a value already.",
        found=f"{before!r}; asked for {after!r}",
        next_step="parameters never change: start a new run",
        field=key,
    )
