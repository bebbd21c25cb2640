"""Results of steps as bytes and back. Equal values give equal bytes, so that a digest tells whether a result changed."""

import io
import math
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from volant.kernel.errors import InvalidInputError
from volant.models.stable_pickle import stable_pickle
from volant.pipelines.frames import kind_of

_PROTOCOL = 5  # fixed: the default differs between Python versions
_DEEPEST = 64
_WHOLE = 2**63
_SLOW = 16 * 1024 * 1024  # beyond it, bytes that depend on the value only would cost seconds


class Encoded(NamedTuple):
    """Bytes, and the name of the codec that reads them."""

    codec: str
    data: bytes


class UnstorableError(Exception):
    """The value cannot be turned into bytes; the text says why. Never leaves this package."""


def encode(value: Any) -> Encoded:
    """The plainest codec that gives the value back exactly. :class:`UnstorableError` if none does."""
    for codec, fits, write in _WRITERS:
        if fits(value):
            try:
                return Encoded(codec, write(value))
            except Exception:  # noqa: BLE001, S112 - a frame with exotic columns: pickle may know them
                continue
    try:
        return Encoded("pickle", _pickled(value))
    except Exception as error:  # noqa: BLE001 - a user's class may raise anything
        raise UnstorableError(f"{type(value).__name__} cannot be pickled ({str(error)[:200] or type(error).__name__})") from None


def decode(codec: str, data: bytes) -> Any:
    """What :func:`encode` was given. ``KeyError`` for an unknown codec."""
    return _READERS[codec](data)


def _pickled(value: Any) -> bytes:
    data = pickle.dumps(value, protocol=_PROTOCOL)
    pickle.loads(data)  # noqa: S301 - our own bytes; some things can be written but not read
    if len(data) > _SLOW:
        return data
    try:
        return stable_pickle(value, type(value).__name__).data
    except InvalidInputError:
        return data


def _ipc(frame: Any) -> bytes:
    # Not the stream's default: its batches follow the frame's chunks.
    buffer = io.BytesIO()
    frame.rechunk().write_ipc(buffer, compression="zstd")
    return buffer.getvalue()


def _read_ipc(data: bytes) -> Any:
    import polars as pl

    return pl.read_ipc(io.BytesIO(data)).rechunk()


def _series(series: Any) -> bytes:
    import polars as pl

    return _ipc(pl.DataFrame([series]))


def _parquet(frame: Any) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", compression="zstd")
    return buffer.getvalue()


def _read_parquet(data: bytes) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    return pd.read_parquet(io.BytesIO(data), engine="pyarrow")


def _is_plain_pandas(value: Any) -> bool:
    """Numbers and booleans under text names and a plain row index: what Parquet gives back exactly."""
    if kind_of(value) != "pandas" or type(value).__name__ != "DataFrame" or value.attrs:
        return False
    names = list(value.columns)
    index = value.index
    plain_index = type(index).__name__ == "RangeIndex" and (index.start, index.step, index.name) == (0, 1, None)
    plain_names = value.columns.name is None and value.columns.nlevels == 1 and all(type(name) is str for name in names)
    return plain_index and plain_names and len(set(names)) == len(names) and all(str(kind) in _EXACT for kind in value.dtypes)


_EXACT = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)} | {"float32", "float64", "bool"}


def _npy(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _read_npy(data: bytes) -> Any:
    import numpy as np

    return np.load(io.BytesIO(data), allow_pickle=False)


def _is_json(value: Any, depth: int = 0) -> bool:
    """Whether JSON gives back the same: no tuples, no subclasses, no NaN, no half characters."""
    kind = type(value)
    if kind is list or kind is dict:
        inner = value if kind is list else [*value, *value.values()]
        named = kind is list or all(type(name) is str for name in value)
        return named and depth < _DEEPEST and all(_is_json(item, depth + 1) for item in inner)
    if kind is str:
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if kind is int or kind is float:
        return math.isfinite(value) and (kind is float or -_WHOLE <= value < _WHOLE)
    return value is None or kind is bool


def _is_frame(value: Any, kind: str, name: str) -> bool:
    return kind_of(value) == kind and type(value).__name__ == name


_WRITERS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], bytes]], ...] = (
    ("polars", lambda value: _is_frame(value, "polars", "DataFrame") and value.width > 0, _ipc),
    ("polars-series", lambda value: _is_frame(value, "polars", "Series"), _series),
    ("polars-lazy", lambda value: kind_of(value) == "polars-lazy", lambda value: _ipc(value.collect())),
    ("pandas", _is_plain_pandas, _parquet),
    ("numpy", lambda value: kind_of(value) == "numpy" and not value.dtype.hasobject, _npy),
    ("json", _is_json, msgspec.json.encode),
)

_READERS: dict[str, Callable[[bytes], Any]] = {
    "polars": _read_ipc,
    "polars-series": lambda data: _read_ipc(data).to_series(0),
    "polars-lazy": lambda data: _read_ipc(data).lazy(),
    "pandas": _read_parquet,
    "numpy": _read_npy,
    "json": msgspec.json.decode,
    "pickle": pickle.loads,
}
