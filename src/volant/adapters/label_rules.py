"""What every store of labels keeps of one: its subject and its value as JSON text, by which labels are compared."""

import math

import orjson

from volant.evidence.model import Label
from volant.kernel.errors import InvalidInputError

BY_PREDICTION, BY_KEY = 0, 1

Subject = tuple[int, str]


def subject_and_value(label: Label) -> tuple[Subject, str]:
    """What the label is about (a prediction id or a key) and its value's JSON text.

    ``InvalidInputError`` for what no store can keep: NaN, infinities, whole numbers beyond 64 bits, lone surrogates.
    """
    subject = (BY_PREDICTION, label.prediction_id) if label.prediction_id is not None else (BY_KEY, label.key or "")
    if isinstance(label.value, float) and not math.isfinite(label.value):
        raise _refused(subject, f"{label.value} is not a finite number")
    try:
        (subject[1] + label.source).encode()
        return subject, orjson.dumps(label.value).decode()
    except (UnicodeEncodeError, TypeError) as error:  # orjson says TypeError of whole numbers beyond 64 bits, too
        raise _refused(subject, str(error)) from error


def _refused(subject: Subject, found: str) -> InvalidInputError:
    return InvalidInputError(
        f"A label of {subject[1][:80]!r} cannot be stored.",
        found=found[:200],
        next_step="labels are finite numbers of at most 64 bits, valid Unicode, true or false",
    )
