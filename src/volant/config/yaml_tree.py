"""YAML text as a tree that remembers its lines: YAML 1.2 core values, no anchors, no tags, no double keys.

PyYAML's parser gives events; what a plain scalar means is decided here, because PyYAML itself follows YAML 1.1, where
``no`` is false and ``1:30`` is ninety.
"""

import re
from collections.abc import Iterator
from typing import Any

from volant.config.expand import Expanded, Expansion
from volant.kernel.codec import Value
from volant.kernel.errors import TooLargeError, UsageError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_DIGITS = 400

Plain = bool | int | float | str | None

_CONSTANTS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)


class Place(Value, frozen=True, kw_only=True):
    """Where a value stands: file as shown to people, line from 1, path like ``gates[2].margin``."""

    file: str
    line: int
    path: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}" + (f", {self.path}" if self.path else "")


class Node(Value, frozen=True, kw_only=True):
    """A value with its place. ``text`` is what a scalar's writer wrote, ``origin`` what else it came from."""

    place: Place
    content: "Plain | dict[str, Node] | list[Node]"
    text: str | None = None
    origin: str | None = None

    def below(self, key: str | int) -> str:
        """The path of a member."""
        if isinstance(key, int):
            return f"{self.place.path}[{key}]"
        return f"{self.place.path}.{key}" if self.place.path else key


def parse(text: str, file: str, expand: Expansion) -> Node:
    """The document's tree. ``UsageError`` naming line and path for anything that is not plain YAML 1.2."""
    import yaml

    if len(text) > MAX_BYTES:
        raise TooLargeError(f"{file} is too large.", found=f"{len(text)} characters", next_step=f"keep it below {MAX_BYTES}")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Reader(yaml.parse(text, Loader=loader), file, expand).document()
    except yaml.YAMLError as error:
        raise _unreadable(error, file) from error


class _Reader:
    """Turns parser events into nodes."""

    def __init__(self, events: Iterator[Any], file: str, expand: Expansion) -> None:
        self._events = events
        self._file = file
        self._expand = expand

    def document(self) -> Node:
        self._skip("StreamStartEvent")
        first = next(self._events)
        if type(first).__name__ == "StreamEndEvent":
            raise UsageError(f"{self._file} is empty.", found="no settings", next_step="volant init NAME writes a whole one")
        root = self._node(next(self._events), "", 0)
        self._skip("DocumentEndEvent")
        after = next(self._events)
        if type(after).__name__ != "StreamEndEvent":
            raise self._wrong(after, "", "holds more than one document", "remove everything from the second '---' on")
        return root

    def _skip(self, kind: str) -> None:
        event = next(self._events)
        assert type(event).__name__ == kind, event

    def _node(self, event: Any, path: str, depth: int) -> Node:
        kind = type(event).__name__
        if kind == "AliasEvent" or event.anchor is not None:
            raise self._wrong(event, path, "uses an anchor or alias", "write the value out")
        if depth > MAX_DEPTH:
            raise self._wrong(event, path, f"is nested more than {MAX_DEPTH} deep", "see volant config schema")
        if kind == "ScalarEvent":
            return self._scalar(event, path)
        if event.tag is not None:
            raise self._wrong(event, path, f"has the tag {event.tag}", "remove the tag")
        place = self._place(event, path)
        if kind == "MappingStartEvent":
            return Node(place=place, content=self._mapping(path, depth))
        return Node(place=place, content=self._sequence(path, depth))

    def _mapping(self, path: str, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            if type(event).__name__ != "ScalarEvent" or event.anchor is not None or event.tag is not None:
                raise self._wrong(event, path, "has a key that is no plain text", "use the keys that volant config schema lists")
            key = event.value
            below = f"{path}.{key}" if path else key
            if key in members:
                first = members[key].place.line
                raise self._wrong(event, below, f"is set twice (first on line {first})", "keep one of the two")
            members[key] = self._node(next(self._events), below, depth + 1)
        return members

    def _sequence(self, path: str, depth: int) -> list[Node]:
        items: list[Node] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, f"{path}[{len(items)}]", depth + 1))
        return items

    def _scalar(self, event: Any, path: str) -> Node:
        if event.tag is not None:
            raise self._wrong(event, path, f"has the tag {event.tag}", "remove the tag")
        place = self._place(event, path)
        expanded: Expanded = self._expand(event.value, place)
        content = plain(expanded.text, place) if event.implicit[0] else expanded.text
        return Node(place=place, content=content, text=expanded.text, origin=expanded.origin)

    def _place(self, event: Any, path: str) -> Place:
        return Place(file=self._file, line=event.start_mark.line + 1, path=path)

    def _wrong(self, event: Any, path: str, found: str, next_step: str) -> UsageError:
        place = self._place(event, path)
        return UsageError(f"{place} {found}." if path else f"{place}: it {found}.", next_step=next_step, field=path or None)


def plain(text: str, place: Place | None = None) -> Plain:
    """What an unquoted scalar means in YAML 1.2's core schema."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    del place
    return text


def _unreadable(error: Any, file: str) -> UsageError:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    where = f"{file} line {mark.line + 1}" if mark is not None else file
    context = getattr(error, "context", None)
    return UsageError(
        f"{where} is not YAML.",
        found=f"{problem} {context}" if context else str(problem),
        next_step="quote texts that hold any of : # { } [ ] , & * ! | > ' \" % @",
    )
