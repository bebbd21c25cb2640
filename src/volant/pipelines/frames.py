"""Frames in the form that a step asks for: Polars, pandas or NumPy. A step gets its own copy, so that it may change it."""

from typing import Any

from volant.kernel.errors import InvalidInputError, UnavailableError

POLARS, LAZY, PANDAS, NUMPY = "polars", "polars-lazy", "pandas", "numpy"


def kind_of(value: object) -> str | None:
    """``polars``, ``polars-lazy``, ``pandas`` or ``numpy`` for frames, series and arrays; None for anything else."""
    module, name = type(value).__module__.partition(".")[0], type(value).__name__
    if module == "polars" and name in {"DataFrame", "Series"}:
        return POLARS
    if module == "polars" and name == "LazyFrame":
        return LAZY
    if module == "pandas" and name in {"DataFrame", "Series"}:
        return PANDAS
    return NUMPY if module == "numpy" and name == "ndarray" else None


def converted(value: Any, wanted: str | None, *, step: str, argument: str) -> Any:
    """The frame, series or array as ``wanted``; what is none of them, and what nobody asked otherwise, comes back as it is."""
    kind = kind_of(value)
    if kind is None or wanted is None or kind == wanted:
        return value
    try:
        return _convert(value, kind, wanted)
    except ImportError as error:
        raise UnavailableError(
            f"{step} asks for {argument} as {wanted}, which is not installed.",
            found=str(error),
            next_step="pip install 'volant[pandas]', or annotate it with pl.DataFrame",
        ) from None
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{argument} of {step} cannot be turned into {wanted}.", found=str(error)[:300]) from None


def _convert(value: Any, kind: str, wanted: str) -> Any:
    if kind == LAZY:
        collected = value.collect()
        return collected if wanted == POLARS else _convert(collected, POLARS, wanted)
    if wanted == NUMPY:
        return value.to_numpy()
    if wanted == PANDAS:
        return value.to_pandas() if kind == POLARS else _pandas(value)
    frame = _polars(value, kind)
    return frame.lazy() if wanted == LAZY else frame


def _polars(value: Any, kind: str) -> Any:
    import polars as pl

    if kind == PANDAS:
        return pl.from_pandas(value)
    if kind == NUMPY:
        return pl.Series(value) if value.ndim == 1 else pl.DataFrame(value)
    return value


def _pandas(value: Any) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    return pd.Series(value) if value.ndim == 1 else pd.DataFrame(value)


def own_copy(value: Any) -> Any:
    """A value that may be changed without the next one who takes it noticing. Frames and arrays only."""
    kind = kind_of(value)
    if kind == POLARS:
        return value.clone()
    return value.copy() if kind in {PANDAS, NUMPY} else value


def one_chunk(value: Any) -> Any:
    """Polars sums chunk by chunk: in one chunk, equal frames give equal floats."""
    return value.rechunk() if kind_of(value) == POLARS else value


def first_row(value: Any) -> Any:
    """As much of a frame as its kind and columns need."""
    return value.head(1).collect() if kind_of(value) == LAZY else value[:1] if kind_of(value) else value


def column_names(value: Any) -> tuple[str, ...]:
    """Names of a frame's columns, a series' own name; numbered ones for an array or a matrix."""
    if hasattr(value, "columns"):
        return tuple(str(name) for name in value.columns)
    if kind_of(value) in {POLARS, PANDAS}:
        return (str(value.name),)
    return tuple(f"x{number}" for number in range(value.shape[1] if len(value.shape) == 2 else 1))


def described(value: Any) -> str:
    """One short line for people: shape of a frame, else the kind of thing."""
    kind = kind_of(value)
    if kind == LAZY or kind is None:
        return _described_other(value)
    shape = tuple(value.shape)
    if len(shape) == 2:
        return f"{shape[0]:,} rows x {shape[1]} columns"
    return f"{shape[0]:,} values" if shape else "1 value"


def _described_other(value: Any) -> str:
    if isinstance(value, bool | int | float) or value is None:
        return repr(value)[:60]
    if isinstance(value, dict | list | tuple | set):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__
