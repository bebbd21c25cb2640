"""Values of a run: declared inputs, and results of steps as they come out of the store."""

from collections.abc import Callable, Mapping
from typing import Any

from volant.kernel.objects import ObjectStore
from volant.pipelines.codecs import decode
from volant.pipelines.frames import kind_of, own_copy
from volant.pipelines.model import Output

_SMALL = 64 * 1024 * 1024
Again = Callable[[str], None]


class Results:
    """Gives each taker a copy of its own: frames are copied, everything else is read from its bytes again.

    ``again`` runs a step whose stored result turns out to be damaged, gone or unreadable; it must :meth:`keep` the result.
    """

    def __init__(self, objects: ObjectStore, declared: Mapping[str, Any], again: Again) -> None:
        self._objects, self._again = objects, again
        self._declared = dict(declared)
        self._frames: dict[str, Any] = {}
        self._bytes: dict[str, bytes] = {}
        self._raw: dict[str, Any] = {}
        self.outputs: dict[str, Output] = {}

    def stored(self, step: str, output: Output) -> None:
        """The step's result is in the store; it is read when somebody asks for it."""
        self.outputs[step] = output

    def keep(self, step: str, output: Output, data: bytes) -> None:
        """The step's result was just stored as these bytes."""
        self.outputs[step] = output
        self._bytes[step] = data

    def keep_raw(self, step: str, value: Any) -> None:
        """A result that cannot be stored: all takers share the one object."""
        self._raw[step] = value

    def give(self, name: str) -> Any:
        """A copy of a declared input or of a step's result."""
        if name in self._declared:
            return own_copy(self._declared[name])
        if name in self._raw:
            return self._raw[name]
        if name not in self._frames:
            value = self._read(name)
            if kind_of(value) is None:
                return value
            self._frames[name] = value
            self._bytes.pop(name, None)
        return own_copy(self._frames[name])

    def _read(self, name: str) -> Any:
        output = self.outputs[name]
        try:
            return decode(output.codec, self._fetch(name, output))
        except Exception:  # noqa: BLE001 - damaged, gone, or of a class that is no more: it can be made again
            self._bytes.pop(name, None)
            self._again(name)
        if name in self._raw:
            return self._raw[name]
        return decode(self.outputs[name].codec, self._bytes[name])

    def _fetch(self, name: str, output: Output) -> bytes:
        if name in self._bytes:
            return self._bytes[name]
        data = self._objects.get(output.digest)
        if len(data) < _SMALL:
            self._bytes[name] = data
        return data

    def release(self, still_needed: set[str]) -> None:
        """Let go of what no later step takes; asked for again, it is read again."""
        for held in (self._frames, self._bytes):
            for name in [name for name in held if name not in still_needed]:
                del held[name]
