"""The optional mark on a pipeline function. Imported by users' code, so it imports nothing of Volant."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])
MARK = "__volant_step__"


@overload
def step(function: F, /) -> F: ...
@overload
def step(*, cache: bool = True, retries: int = 0) -> Callable[[F], F]: ...
def step(function: F | None = None, /, *, cache: bool = True, retries: int = 0) -> F | Callable[[F], F]:
    """Make a function a step even if no other step asks for it, or change how it runs.

    ``cache=False``: always run it. ``retries``: how often to try again when it raises. The same function comes back,
    so calling it in a test is an ordinary call. Options are read from the source: write them as literals.
    Raises ``ValueError`` for negative retries.
    """
    if retries < 0:
        raise ValueError(f"retries must be 0 or more, not {retries}")

    def mark(marked: F) -> F:
        setattr(marked, MARK, {"cache": cache, "retries": retries})
        return marked

    return mark if function is None else mark(function)
