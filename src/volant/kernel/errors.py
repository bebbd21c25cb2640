"""The one error tree, and how each surface shows it.

A class says what a handler would do about it; ``code`` is a stable, append-only machine name that a script
may match on. Every message says what was asked (``what``), what was found (``found``) and what to do next
(``next_step``).
"""

from typing import ClassVar


class VolantError(Exception):
    """Root of all errors that Volant raises on purpose."""

    code: ClassVar[str] = "internal"

    def __init__(
        self,
        what: str,
        *,
        found: str | None = None,
        next_step: str | None = None,
        field: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.found = found
        self.next_step = next_step
        self.field = field
        self.details = details

    def __str__(self) -> str:
        lines = [self.what]
        if self.found:
            lines.append(f"found: {self.found}")
        lines.extend(self.details)
        if self.next_step:
            lines.append(f"next: {self.next_step}")
        return "\n".join(lines)


class NotFoundError(VolantError):
    """The named thing does not exist."""

    code = "not_found"


class AlreadyExistsError(VolantError):
    """The name is taken."""

    code = "already_exists"


class ConflictError(VolantError):
    """Someone else changed or holds it: read again, or wait."""

    code = "conflict"


class InvalidInputError(VolantError):
    """What was given cannot be used; ``field`` names the part."""

    code = "invalid_input"


class UsageError(InvalidInputError):
    """The command line or the configuration is wrong."""

    code = "usage"


class TooLargeError(InvalidInputError):
    """What was given is over a stated limit."""

    code = "too_large"


class UnauthenticatedError(VolantError):
    """Nobody is known to be asking."""

    code = "unauthenticated"


class NotAllowedError(VolantError):
    """The one who asks may not do this."""

    code = "not_allowed"


class IllegalTransitionError(VolantError):
    """The thing exists, but not in a state from which this can be done."""

    code = "illegal_transition"


class CheckFailedError(VolantError):
    """A gate or a data check ran and said no."""

    code = "check_failed"


class ApprovalNeededError(VolantError):
    """A person has to approve first."""

    code = "approval_needed"


class IntegrityError(VolantError):
    """Stored bytes are not what was written."""

    code = "integrity"


class UnavailableError(VolantError):
    """Cannot be done now (no model yet, disk full, process gone); trying later may help."""

    code = "unavailable"


class UserCodeError(VolantError):
    """The user's own code raised; ``details`` carries its traceback."""

    code = "user_code"


class InternalError(VolantError):
    """A defect in Volant."""

    code = "internal"


def error_classes() -> tuple[type[VolantError], ...]:
    """Every class of the tree except the root, in definition order."""

    def below(cls: type[VolantError]) -> list[type[VolantError]]:
        return [c for sub in cls.__subclasses__() for c in (sub, *below(sub))]

    return tuple(below(VolantError))


CLASS_BY_CODE: dict[str, type[VolantError]] = {cls.code: cls for cls in error_classes()}

# Surfaces. A completeness test holds each table to every code of the tree.
EXIT_CODES: dict[str, int] = {
    "not_found": 5,
    "already_exists": 6,
    "conflict": 6,
    "invalid_input": 2,
    "usage": 2,
    "too_large": 2,
    "unauthenticated": 1,
    "not_allowed": 1,
    "illegal_transition": 6,
    "check_failed": 3,
    "approval_needed": 4,
    "integrity": 1,
    "unavailable": 1,
    "user_code": 1,
    "internal": 1,
}

HTTP_STATUS: dict[str, int] = {
    "not_found": 404,
    "already_exists": 409,
    "conflict": 409,
    "invalid_input": 422,
    "usage": 400,
    "too_large": 413,
    "unauthenticated": 401,
    "not_allowed": 403,
    "illegal_transition": 409,
    "check_failed": 409,
    "approval_needed": 409,
    "integrity": 500,
    "unavailable": 503,
    "user_code": 500,
    "internal": 500,
}


def to_record(error: VolantError) -> dict[str, object]:
    """The error as plain JSON values; :func:`from_record` gives it back in another process."""
    return {
        "code": error.code,
        "what": error.what,
        "found": error.found,
        "next": error.next_step,
        "field": error.field,
        "details": list(error.details),
    }


def from_record(record: dict[str, object]) -> VolantError:
    """Rebuild an error that another process sent with :func:`to_record`."""
    details = record.get("details")
    cls = CLASS_BY_CODE.get(str(record.get("code")), InternalError)

    def text(name: str) -> str | None:
        value = record.get(name)
        return None if value is None else str(value)

    return cls(
        text("what") or "unknown error",
        found=text("found"),
        next_step=text("next"),
        field=text("field"),
        details=tuple(str(d) for d in details) if isinstance(details, list) else (),
    )
