"""What stores say no with, the same in every adapter."""

from collections.abc import Iterable

from volant.kernel.errors import AlreadyExistsError, ConflictError, NotFoundError
from volant.monitoring.alert_model import Alert


def no_version(noun: str, name: str, number: int, present: Iterable[int]) -> NotFoundError:
    """A version that is not there, with those that are."""
    known = list(present)
    if not known:
        return NotFoundError(f"There is no {noun} {name}@{number}.", found=f"{name} has no versions yet", next_step="volant run makes one")
    return NotFoundError(f"There is no {noun} {name}@{number}.", found=f"versions {_ranges(known)}", next_step="name one of these")


def not_next(noun: str, name: str, number: int, last: int) -> ConflictError:
    """A version whose number does not follow the last one: another writer was first."""
    return ConflictError(
        f"{name}@{number} is not the next version of this {noun}.", found=f"the newest is {last}", next_step="run it again"
    )


def taken(noun: str, name: str) -> AlreadyExistsError:
    """An id that is in use."""
    return AlreadyExistsError(f"There is a {noun} {name} already.", next_step="use a new id")


def unknown(noun: str, name: str, next_step: str) -> NotFoundError:
    """An id that nothing has."""
    return NotFoundError(f"There is no {noun} {name!r}.", next_step=next_step)


def open_already(alert: Alert) -> ConflictError:
    """A second alert of one cause: another writer was first."""
    return ConflictError(f"{alert.model} has an open alert for {alert.cause!r} already.", next_step="read it again and count what was seen")


def not_next_alert(alert: Alert, last: int) -> ConflictError:
    """An alert whose number does not follow the last one: another writer was first."""
    return ConflictError(
        f"Alert {alert.number} is not the next one of {alert.model}.", found=f"the newest is {last}", next_step="read the alerts again"
    )


def moved_on(model: str, revision: int, found: int) -> ConflictError:
    """Windows that someone else has brought further meanwhile."""
    return ConflictError(
        f"The windows of {model} have moved on.",
        found=f"revision {found}, not {revision}",
        next_step="read them again and fold what is new",
    )


def _ranges(numbers: list[int]) -> str:
    """``1-4, 7`` of sorted numbers."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)
