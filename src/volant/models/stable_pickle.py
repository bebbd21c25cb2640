"""Pickles whose bytes depend on an object's value only, so that equal trainings give equal digests.

The standard pickler writes a second mention of the same object as a reference to the first. Whether two equal texts
are one object depends on how they came to be (interned names, a cache that was loaded), so here texts, bytes, plain
tuples and numpy scalars are always written in full. Sets are written in sorted order, not in that of their hashes.
Writing, reading back and writing again until nothing changes removes what reading itself changes (memory order of
arrays, views).
"""

import copy
import io
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from volant.kernel.errors import InvalidInputError

PROTOCOL = 5
_ROUNDS = 5
_DEPTH = 50_000
# What a fitted object remembers of the machine, and the value it is stored with. No prediction depends on it.
_OF_THE_MACHINE = {("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"): {"n_threads": 1}}
_ATOMS = (str, bytes, int, float, bool, complex, type(None))


class Pickled(NamedTuple):
    """The bytes, and the modules whose classes and functions they name."""

    data: bytes
    modules: frozenset[str]


def stable_pickle(value: Any, what: str) -> Pickled:
    """Pickle ``value``. ``what`` names it in the ``InvalidInputError`` that is raised if it cannot be pickled.

    Trusts its own bytes: reading them back runs the code of the value's classes.
    """
    try:
        with _deep():
            return _settled(value)
    except (pickle.PicklingError, TypeError, AttributeError, NotImplementedError, ImportError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{what} cannot be stored with the model.",
            found=str(error)[:300] or type(error).__name__,
            next_step="define its functions and classes at the top level of pipeline.py or of a file it imports, and keep no open "
            "files, locks or generators in it",
        ) from error


def _settled(value: Any) -> Pickled:
    pickled = _dumps(value)
    for _ in range(_ROUNDS):
        again = _dumps(pickle.loads(pickled.data))  # noqa: S301 - bytes made here a moment ago
        if again.data == pickled.data:
            break
        pickled = again
    return pickled


def _dumps(value: Any) -> Pickled:
    buffer = io.BytesIO()
    pickler = _StablePickler(buffer)
    pickler.dump(value)
    return Pickled(buffer.getvalue(), frozenset(pickler.modules))


@contextmanager
def _deep() -> Iterator[None]:
    """Trees made of objects go deeper than Python's usual limit."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


_whichmodule: Any = pickle.whichmodule  # type: ignore[attr-defined]
_PYTHON_PICKLER: Any = pickle._Pickler  # noqa: SLF001 - the one that can be told what to remember


class _StablePickler(_PYTHON_PICKLER):  # type: ignore[misc]
    """The standard library's pickler in Python, with its memory of seen objects kept to those whose sharing matters."""

    dispatch = dict(_PYTHON_PICKLER.dispatch)

    def __init__(self, buffer: io.BytesIO) -> None:
        super().__init__(buffer, PROTOCOL)
        self.modules: set[str] = set()

    def memoize(self, obj: Any) -> None:
        """Remember only what is not a plain value."""
        if not _is_plain(obj):
            super().memoize(obj)

    def reducer_override(self, obj: Any) -> Any:
        """Leave out what depends on the machine."""
        kept = _OF_THE_MACHINE.get((type(obj).__module__, type(obj).__qualname__))
        if kept is None or all(getattr(obj, name, value) == value for name, value in kept.items()):
            return NotImplemented
        alone = copy.copy(obj)
        vars(alone).update(kept)
        return alone.__reduce_ex__(PROTOCOL)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write a class or function by name, and note its module."""
        if (found := _whichmodule(obj, name or getattr(obj, "__qualname__", obj.__name__))) == "__main__":
            raise pickle.PicklingError(f"{obj!r} is defined in the file that was started, where nobody else can import it")
        self.modules.add(found)
        super().save_global(obj, name)

    def _save_set(self, obj: "set[Any] | frozenset[Any]") -> None:
        self.save_reduce(type(obj), (sorted(obj, key=_order),), obj=obj)

    def _save_type(self, obj: type) -> None:
        """``type(None)`` and its like have no importable name; everything else goes by name."""
        if obj in {type(None), type(NotImplemented), type(...)}:
            _PYTHON_PICKLER.save_type(self, obj)
        else:
            self.save_global(obj)

    dispatch[set] = _save_set
    dispatch[frozenset] = _save_set
    dispatch[type] = _save_type
    dispatch[type(stable_pickle)] = save_global


def _order(item: Any) -> tuple[str, bytes]:
    return type(item).__qualname__, _dumps(item).data


def _is_plain(obj: Any) -> bool:
    if isinstance(obj, np.dtype):
        return obj.fields is None
    if type(obj) is tuple:
        return all(type(item) in _ATOMS for item in obj)
    return type(obj) in _ATOMS or isinstance(obj, np.generic)
