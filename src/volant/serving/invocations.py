"""The MLflow scoring protocol: bodies of ``POST /invocations``.

JSON with exactly one of ``dataframe_split``, ``dataframe_records``, ``instances`` (list of objects) and ``inputs``
(object of columns, or list of objects), or CSV with a header. Columns always have names: lists without names are
refused, since a client that orders them differently would get wrong answers and never know.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any

import orjson

from volant.data.model import Dtype
from volant.kernel.errors import InvalidInputError
from volant.serving.rows import RowRules

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_MAX_CELL = 100_000
Columns = dict[str, list[Any]]


def parse_json(body: bytes) -> Columns:
    """Columns of a JSON body, not yet checked against a signature."""
    payload = load_json(body)
    if len(payload) > 1 and not payload.get("params"):
        payload.pop("params", None)
    present = [name for name in payload if name in _FORMS]
    if len(present) != 1 or len(payload) != 1:
        raise InvalidInputError(
            "The body must have exactly one of dataframe_split, dataframe_records, instances and inputs.",
            found=f"fields {', '.join(repr(name[:60]) for name in list(payload)[:8]) or 'none'}",
            next_step='send {"dataframe_records": [{"column": value}]}',
            field=next((name for name in payload if name not in _FORMS), "dataframe_records")[:200],
        )
    form = present[0]
    content = payload[form]
    if form == "dataframe_split":
        return _split(content)
    if form == "inputs" and isinstance(content, dict):
        return _columns(content)
    return _records(content, form)


def load_json(body: bytes) -> dict[str, Any]:
    """A JSON object; ``InvalidInputError`` for bad UTF-8, bad JSON, nesting over 1024 levels, or another value."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"The body is not JSON: {str(error)[:160]}.", next_step="send one JSON object in UTF-8") from error
    if not isinstance(payload, dict):
        raise InvalidInputError("The body must be a JSON object.", found=type(payload).__name__)
    return payload


def _split(content: Any) -> Columns:
    if not isinstance(content, dict) or not {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}:
        raise _shape("dataframe_split", 'an object {"columns": [names], "data": [rows]}', content)
    names, data = content["columns"], content["data"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _shape("dataframe_split.columns", "a list of names", names)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInputError("A column is named twice.", found=repr(twice[:200]), field=twice[:200])
    if not isinstance(data, list):
        raise _shape("dataframe_split.data", "a list of rows", data)
    for row, values in enumerate(data):
        if not isinstance(values, list) or len(values) != len(names):
            found = f"{len(values)} values" if isinstance(values, list) else type(values).__name__
            raise InvalidInputError(
                f"Row {row} has not one value per column.", found=f"{found}, {len(names)} columns", field="dataframe_split.data"
            )
    if len(data) == 1:
        return {name: [value] for name, value in zip(names, data[0], strict=True)}
    return {name: list(values) for name, values in zip(names, zip(*data, strict=True), strict=True)} if data else {n: [] for n in names}


def _records(content: Any, form: str) -> Columns:
    if not isinstance(content, list):
        raise _shape(form, "a list of objects, one per row", content)
    if not content:
        raise InvalidInputError("There are no rows to predict.", next_step="send at least one row", field=form)
    first = content[0]
    for row, record in enumerate(content):
        if not isinstance(record, dict):
            raise _shape(f"{form}[{row}]", "an object with a name for each value", record)
        if record.keys() != first.keys():
            odd = min(record.keys() ^ first.keys())[:200]
            raise InvalidInputError(f"Row {row} has other columns than row 0.", found=f"{odd!r} is in one of them only", field=odd)
    if len(content) == 1:
        return {name: [value] for name, value in first.items()}
    return {name: [record[name] for record in content] for name in first}


def _columns(content: dict[str, Any]) -> Columns:
    for name, values in content.items():
        if not isinstance(values, list):
            raise InvalidInputError(
                f"Column {name[:200]!r} is not a list of values.",
                found=type(values).__name__,
                next_step="send one value per row",
                field=name[:200],
            )
    return content


def parse_csv(body: bytes, rules: RowRules) -> Columns:
    """Columns of a CSV body with a header, each cell read as its column's type; empty cells are missing values."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError("The CSV is not UTF-8.", found=f"byte {error.start}", next_step="send UTF-8") from error
    if "\0" in text:
        raise InvalidInputError("The CSV holds a zero byte.", next_step="send text")
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(lines, [])
        if not names or len(set(names)) != len(names):
            raise InvalidInputError("The CSV needs a header that names each column once.", found=repr(names[:12])[:200])
        data: list[list[str]] = []
        for values in lines:
            if values:
                _check_line(values, names, lines.line_num)
                data.append(values)
                rules.allow(len(data))
    except csv.Error as error:
        raise InvalidInputError(f"The CSV cannot be read: {error}.", next_step="send a header and one line per row") from error
    columns = zip(*data, strict=True) if data else ([] for _ in names)
    return {name: [_cell(text, rules.dtypes.get(name)) for text in column] for name, column in zip(names, columns, strict=True)}


def _check_line(values: list[str], names: list[str], line: int) -> None:
    if len(values) != len(names):
        raise InvalidInputError(
            f"Line {line} of the CSV has not one value per column.", found=f"{len(values)} values, {len(names)} columns"
        )


def _cell(text: str, dtype: Dtype | None) -> Any:
    """The cell in its column's type; a text that is not of that type stays a text and is refused by the row check."""
    if text == "":
        return None
    if dtype is Dtype.BOOL:
        return {"true": True, "false": False, "1": True, "0": False}.get(text.strip().lower(), text)
    if dtype in {Dtype.INT, Dtype.FLOAT} and len(text) < 400 and "_" not in text:
        for read in (int, float):
            try:
                return read(text)
            except ValueError:
                continue
    return text


def render(values: list[Any]) -> bytes:
    """The answer: ``{"predictions": [...]}``."""
    return orjson.dumps({"predictions": values})


def _shape(place: str, wanted: str, found: Any) -> InvalidInputError:
    seen = f"fields {', '.join(map(repr, list(found)[:8]))}" if isinstance(found, Mapping) else type(found).__name__
    return InvalidInputError(f"{place} must be {wanted}.", found=seen[:300], field=place)
