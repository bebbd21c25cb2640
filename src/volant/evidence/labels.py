"""Labels: what turned out to be true, from the API or a file, in any order.

A label may come before its prediction, late, twice or corrected; it names a prediction id or a key, and whatever it
names may not exist yet. All labels of a call are stored or none.
"""

import math
from collections.abc import Mapping, Sequence

from volant.evidence.keys import KeyColumn, key_text
from volant.evidence.model import Label, LabelCounts, Scalar
from volant.evidence.ports import LabelStore
from volant.kernel.clock import Clock, parse_iso
from volant.kernel.errors import InvalidInputError, TooLargeError

MAX_LABELS = 100_000
MAX_TEXT = 10_000
_FIELDS = {"prediction_id", "key", "label", "known_at"}


class Labels:
    """Takes in the labels of one project.

    ``key`` are the project's key columns (none: labels name predictions only). ``target_dtype`` is the logical type of
    the target (``int``, ``float``, ``string``, ``bool``); None accepts any scalar.
    """

    def __init__(
        self,
        store: LabelStore,
        clock: Clock,
        *,
        key: Sequence[KeyColumn] = (),
        target_dtype: str | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._key = tuple(key)
        self._target_dtype = target_dtype

    def add_payload(self, model: str, payload: object, *, source: str) -> LabelCounts:
        """Store what ``POST /labels`` brought: ``{"labels": [{"prediction_id" or "key", "label", "known_at"?}]}``.

        ``InvalidInputError`` naming index and field of the first label that cannot be used; then none is stored.
        """
        return self.add(model, self.parse(payload, source=source))

    def add(self, model: str, labels: Sequence[Label]) -> LabelCounts:
        """Store labels, all or nothing."""
        return self._store.add(model, labels)

    def parse(self, payload: object, *, source: str) -> list[Label]:
        """The labels of an API payload; ``known_at`` defaults to now."""
        if not isinstance(payload, Mapping) or set(payload) != {"labels"} or not isinstance(payload["labels"], list):
            raise InvalidInputError(
                "Labels must be an object with the one field 'labels', a list.",
                found=_shape(payload),
                next_step='send {"labels": [{"prediction_id": "ID.0", "label": 1}]}',
                field="labels",
            )
        entries = payload["labels"]
        if len(entries) > MAX_LABELS:
            raise TooLargeError(f"At most {MAX_LABELS} labels fit into one call.", found=str(len(entries)), field="labels")
        now = self._clock.now()
        return [self._label(index, entry, now, source) for index, entry in enumerate(entries)]

    def _label(self, index: int, entry: object, now: int, source: str) -> Label:
        if not isinstance(entry, Mapping):
            raise _bad(index, None, "is not an object", entry)
        surplus = sorted(str(name) for name in set(entry) - _FIELDS)
        if surplus:
            raise _bad(index, surplus[0], "has a field that labels do not have", surplus[0])
        if ("prediction_id" in entry) == ("key" in entry):
            raise _bad(index, "prediction_id", "must name either a prediction_id or a key", sorted(map(str, entry)))
        if "label" not in entry:
            raise _bad(index, "label", "has no label", sorted(map(str, entry)))
        return Label(
            prediction_id=_prediction_id(index, entry["prediction_id"]) if "prediction_id" in entry else None,
            key=self._key_text(index, entry["key"]) if "key" in entry else None,
            value=self._value(index, entry["label"]),
            known_at=_known_at(index, entry.get("known_at"), now),
            recorded_at=now,
            source=source,
        )

    def _value(self, index: int, value: object) -> Scalar:
        try:
            return label_value(value, self._target_dtype)
        except ValueError as error:
            raise _bad(index, "label", str(error), value) from error

    def _key_text(self, index: int, key: object) -> str:
        names = [column.name for column in self._key]
        if not names:
            raise _bad(index, "key", "names a key, but the project declares none (data.key)", key)
        if isinstance(key, Mapping):
            if set(key) != set(names):
                raise _bad(index, "key", f"must have exactly the key columns {', '.join(names)}", sorted(map(str, key)))
            values = [key[name] for name in names]
        else:
            values = key if isinstance(key, list) else [key]
        if len(values) != len(names):
            raise _bad(index, "key", f"must have {len(names)} values ({', '.join(names)})", values)
        try:
            return key_text(self._key, values)
        except InvalidInputError as error:
            raise InvalidInputError(
                f"labels[{index}]: {error.what}", found=error.found, next_step=error.next_step, field=f"labels[{index}].key.{error.field}"
            ) from error


def label_value(value: object, target_dtype: str | None) -> Scalar:
    """The label in the target's type. Raises ``ValueError`` saying why it cannot be one."""
    if not isinstance(value, bool | int | float | str):
        raise ValueError("is neither a number, a text nor true/false")  # noqa: TRY004 - one error for all
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is not a finite number")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("does not fit into 64 bits")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise ValueError(f"is longer than {MAX_TEXT} characters")
    return value if target_dtype is None else _as_target(value, target_dtype)


def _as_target(value: bool | int | float | str, dtype: str) -> Scalar:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if dtype == "float" and number:
        return float(value)
    if dtype == "int" and number and float(value).is_integer():
        return int(value)
    if (dtype == "bool" and isinstance(value, bool)) or (dtype not in {"float", "int", "bool"} and isinstance(value, str)):
        return value
    raise ValueError(f"is not of the target's type, {dtype}")


def is_row_id(text: str) -> bool:
    """Whether the text has the form of a predicted row's id, ``REQUEST.ROW``."""
    request, _, row = text.rpartition(".")
    return bool(request) and row.isascii() and row.isdecimal()


def _prediction_id(index: int, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise _bad(index, "prediction_id", "must be a text of 1 to 200 characters", value)
    if not is_row_id(value):
        raise _bad(index, "prediction_id", f"names a request, not a row of it; its first row is {value}.0", value)
    return value


def _known_at(index: int, value: object, now: int) -> int:
    if value is None:
        return now
    try:
        return parse_iso(value) if isinstance(value, str) else _not_a_time()
    except (ValueError, OverflowError) as error:
        raise _bad(index, "known_at", "must be an ISO 8601 instant like 2026-11-21T04:30:00Z", value) from error


def _not_a_time() -> int:
    raise ValueError


def _bad(index: int, field: str | None, why: str, found: object) -> InvalidInputError:
    place = f"labels[{index}]" + (f".{field}" if field else "")
    return InvalidInputError(f"{place} {why}.", found=repr(found)[:120], next_step="correct it and send all labels again", field=place)


def _shape(payload: object) -> str:
    return f"fields {sorted(map(str, payload))[:8]}" if isinstance(payload, Mapping) else type(payload).__name__
