"""Fitted state of a feature function as files of a package. The file's ending says how it is written."""

import io
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import orjson

from volant.kernel.codec import canonical
from volant.models.stable_pickle import Pickled, stable_pickle

PICKLE, JSON, NUMPY, ARROW = ".pkl", ".json", ".npy", ".arrow"


def write_state(path: str, value: Any, argument: str) -> Pickled:
    """The value's bytes for a file of this name. A value that the ending cannot hold exactly is pickled."""
    ending = PurePosixPath(path).suffix
    if ending == JSON and _same_json(value):
        return Pickled(canonical(value), frozenset())
    if ending == NUMPY and type(value) is np.ndarray and not value.dtype.hasobject:
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(value) if value.ndim else value, allow_pickle=False)
        return Pickled(buffer.getvalue(), frozenset())
    if ending == ARROW and _is_polars_frame(value):
        buffer = io.BytesIO()
        value.rechunk().write_ipc(buffer, compression="uncompressed")
        return Pickled(buffer.getvalue(), frozenset())
    return stable_pickle(value, f"The fitted value of {argument!r}")


def read_state(path: str, data: bytes) -> Any:
    """The value back. A pickle among them is trusted: it comes from a package whose digest was verified."""
    if data[:1] == b"\x80":  # every pickle begins so, none of the other forms does
        import pickle

        return pickle.loads(data)  # noqa: S301 - digest verified, made by the project's own run
    ending = PurePosixPath(path).suffix
    if ending == JSON:
        return orjson.loads(data)
    if ending == NUMPY:
        return np.load(io.BytesIO(data), allow_pickle=False)
    import polars as pl

    return pl.read_ipc(io.BytesIO(data))


def _is_polars_frame(value: Any) -> bool:
    import polars as pl

    return isinstance(value, pl.DataFrame)


def _same_json(value: Any) -> bool:
    """Whether JSON gives the very value back: not for tuples, keys that are no texts, NaN or numpy's numbers."""
    if value is None or type(value) in (bool, str):
        return True
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 63
    if type(value) is float:
        return value - value == 0
    if type(value) is list:
        return all(map(_same_json, value))
    if type(value) is not dict or not all(type(key) is str for key in value):
        return False
    return list(value) == sorted(value) and all(map(_same_json, value.values()))  # canonical JSON sorts keys
