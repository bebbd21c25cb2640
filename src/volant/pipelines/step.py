"""The optional mark on a pipeline function.

A function needs no mark to be a step; ``@step`` says more about one, and always runs it even when nothing asks for its
result. The function itself is returned, so it is called in a test like any other.
"""

from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

MARK = "__volant_step__"


@overload
def step(function: F, /) -> F: ...


@overload
def step(*, cache: bool = True, retries: int = 0) -> Callable[[F], F]: ...


def step(function: F | None = None, /, *, cache: bool = True, retries: int = 0) -> F | Callable[[F], F]:
    """Mark a function as a step.

    ``cache=False`` runs it every time; ``retries`` is how often it is tried again after raising. Both must be written as
    plain values: they are read from the source, without importing it.
    """
    if retries < 0:
        raise ValueError(f"retries must be 0 or more, not {retries}")

    def mark(marked: F) -> F:
        setattr(marked, MARK, {"cache": cache, "retries": retries})
        return marked

    return mark if function is None else mark(function)
