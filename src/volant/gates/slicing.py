"""Slices of a holdout: the values of a column, or quarters of it where it holds many different numbers."""

import itertools
import math

import numpy as np

MOST_VALUES = 20
MISSING = "(missing)"
OTHERS = "(all others)"


def slices_of(values: np.ndarray) -> dict[str, np.ndarray]:
    """Name of each slice -> positions of its rows, largest first; empty slices do not occur.

    At most ``MOST_VALUES`` values stand alone; further ones share ``(all others)``. Numbers with more different values
    than that are cut at their quartiles.
    """
    texts = _quarters(values) if _is_continuous(values) else np.array([_text(value) for value in values.tolist()], dtype=object)
    names, codes, counts = np.unique(texts.astype(str), return_inverse=True, return_counts=True)
    codes = codes.reshape(-1)
    order = sorted(range(len(names)), key=lambda number: (-counts[number], names[number]))
    found = {str(names[number]): np.flatnonzero(codes == number) for number in order[:MOST_VALUES]}
    rest = order[MOST_VALUES:]
    if rest:
        found[OTHERS] = np.flatnonzero(np.isin(codes, rest))
    return found


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_continuous(values: np.ndarray) -> bool:
    return values.dtype.kind in "iuf" and len(np.unique(values[np.isfinite(values)])) > MOST_VALUES


def _quarters(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    edges = np.unique(np.quantile(values[finite], [0, 0.25, 0.5, 0.75, 1.0]))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    names = [f"{low:.4g} to {high:.4g}" for low, high in itertools.pairwise(edges)]
    return np.array([names[number] if usable else MISSING for number, usable in zip(place, finite, strict=True)], dtype=object)
