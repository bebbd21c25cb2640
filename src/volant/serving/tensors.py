"""Tensors of the Open Inference Protocol V2: names, shapes and values, as JSON or as little-endian bytes.

A column of the model is a tensor of shape ``[n]`` or ``[n, 1]``. Values are plain Python values throughout.
"""

import struct
from typing import Any

from volant.config.model import Task
from volant.data.model import Dtype
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError
from volant.models.model import Signature

# struct codes of the fixed-size types; BYTES is a sequence of length-prefixed texts
_CODES = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
DATATYPES = (*_CODES, "BYTES")
_LENGTH = struct.Struct("<I")
_COLUMN_TYPES = {Dtype.INT: "INT64", Dtype.FLOAT: "FP64", Dtype.BOOL: "BOOL"}


class Tensor(Value, frozen=True, kw_only=True):
    """A tensor of an answer; ``data`` is flat, row by row."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


def column_datatype(dtype: Dtype) -> str:
    """How metadata announces a column; texts, dates and times travel as BYTES."""
    return _COLUMN_TYPES.get(dtype, "BYTES")


def answer_datatype(signature: Signature) -> str:
    """How predictions of this model travel."""
    if signature.task is Task.REGRESSION:
        return "FP64"
    kinds = {type(value) for value in signature.classes}
    return {frozenset({bool}): "BOOL", frozenset({int}): "INT64", frozenset({float}): "FP64"}.get(frozenset(kinds), "BYTES")


def read_json(name: str, datatype: str, count: int, data: Any, *, nested: bool) -> list[Any]:
    """``count`` values of a tensor given as JSON, flat, or one list per row where the shape is ``[n, 1]``.

    ``InvalidInputError`` naming the tensor for another number of values, or values that are not of the datatype.
    """
    if not isinstance(data, list):
        raise _bad(name, "has data that is not a list", type(data).__name__)
    if nested and data and all(isinstance(row, list) and len(row) == 1 for row in data):
        data = [row[0] for row in data]
    if len(data) != count:
        raise _bad(name, "has another number of values than its shape says", f"{len(data)} values, shape for {count}")
    check = _JSON_CHECKS[datatype[:2]]
    for row, value in enumerate(data):
        if value is not None and not check(value, datatype):
            raise _bad(name, f"has a value in row {row} that is not {datatype}", repr(value)[:80])
    return list(data)


def read_binary(name: str, datatype: str, count: int, data: memoryview) -> list[Any]:
    """``count`` values of a tensor given as bytes; NaN stands for a missing value."""
    if datatype == "BYTES":
        return _texts(name, count, data)
    code = _CODES[datatype]
    if struct.calcsize(code) * count != len(data):
        raise _bad(name, "has another number of bytes than its shape says", f"{len(data)} bytes for {count} x {datatype}")
    if datatype == "BOOL" and any(byte > 1 for byte in data):
        raise _bad(name, "has a byte that is not BOOL", "a byte over 1")
    return list(struct.unpack(f"<{count}{code}", data))


def write_binary(tensor: Tensor) -> bytes:
    """The tensor's values as little-endian bytes."""
    if tensor.datatype == "BYTES":
        return b"".join(_LENGTH.pack(len(raw)) + raw for raw in (str(value).encode() for value in tensor.data))
    return struct.pack(f"<{len(tensor.data)}{_CODES[tensor.datatype]}", *tensor.data)


def _texts(name: str, count: int, data: memoryview) -> list[str]:
    texts: list[str] = []
    offset = 0
    while offset < len(data):
        if len(data) - offset < _LENGTH.size or len(texts) == count:
            raise _bad(name, "has bytes that are no length-prefixed texts", f"{len(data)} bytes for {count} texts")
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size
        if length > len(data) - offset:
            raise _bad(name, "has a text that is longer than the tensor", f"{length} bytes")
        try:
            texts.append(str(data[offset : offset + length], "utf-8"))
        except UnicodeDecodeError:
            raise _bad(name, f"has a text in row {len(texts)} that is not UTF-8", "bytes") from None
        offset += length
    if len(texts) != count:
        raise _bad(name, "has another number of texts than its shape says", f"{len(texts)} texts, shape for {count}")
    return texts


def _is_int(value: Any, datatype: str) -> bool:
    if type(value) is not int:
        return False
    bits = int(datatype.lstrip("UINT"))
    return 0 <= value < 1 << bits if datatype[0] == "U" else -(1 << bits - 1) <= value < 1 << bits - 1


def _is_number(value: Any, _datatype: str) -> bool:
    return type(value) is float or type(value) is int


def _is_bool(value: Any, _datatype: str) -> bool:
    return type(value) is bool


def _is_text(value: Any, _datatype: str) -> bool:
    return type(value) is str


_JSON_CHECKS = {"IN": _is_int, "UI": _is_int, "FP": _is_number, "BO": _is_bool, "BY": _is_text}


def _bad(name: str, why: str, found: str) -> InvalidInputError:
    return InvalidInputError(f"Tensor {name!r} {why}.", found=found, field=name)
