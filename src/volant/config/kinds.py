"""Kinds of values in ``volant.yaml``: each reads a node, writes the value back and describes itself as JSON Schema."""

import difflib
import math
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Protocol

from volant.config.yaml_tree import Node
from volant.kernel.errors import UsageError

Schema = dict[str, Any]

_REFERENCE = re.compile(r"(env|file):\S+")


class Kind(Protocol):
    """How one value is written in the file."""

    said: str  # what it is, for messages and the reference: "a duration like 24h"

    def read(self, node: Node) -> Any:
        """The value; ``UsageError`` naming line and path."""
        ...

    def show(self, value: Any) -> Any:
        """Plain YAML values that :meth:`read` takes back."""
        ...

    def schema(self) -> Schema:
        """As JSON Schema."""
        ...


def wrong(node: Node, said: str, *, why: str | None = None) -> UsageError:
    """The error for a value that is not what its key takes."""
    return UsageError(
        f"{node.place} must be {said}." if why is None else f"{node.place}: {why}.",
        found=shown(node),
        next_step=f"write {said}" if why is not None else "volant config schema lists what each key takes",
        field=node.place.path or None,
    )


def shown(node: Node) -> str:
    """A value as people would call it."""
    if isinstance(node.content, dict):
        return f"a section with {', '.join(list(node.content)[:5])}" if node.content else "an empty section"
    if isinstance(node.content, list):
        return f"a list of {len(node.content)}"
    if node.content is None:
        return "nothing" if not node.text else node.text
    return repr(node.content) if isinstance(node.content, str) else str(node.text)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return close[0] if close else None


class Text:
    """A text on one line. Numbers and ``yes`` are taken as they are written: a column may be called 2011."""

    def __init__(self, said: str, *, reference: bool = True) -> None:
        self.said = said
        self._column = not reference

    def read(self, node: Node) -> str:
        """See :class:`Kind`."""
        if isinstance(node.content, dict | list) or node.content is None or not node.text:
            raise wrong(node, self.said)
        if not self._column and _REFERENCE.fullmatch(node.text):
            raise UsageError(
                f"{node.place} takes no secret reference.",
                found=node.text,
                next_step="write the value itself, or ${NAME} for an environment variable",
                field=node.place.path,
            )
        return node.text

    def show(self, value: str) -> str:
        """See :class:`Kind`."""
        return value

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"type": ["string", "number", "boolean"], "description": self.said}


class Pattern(Text):
    """A text of a certain form."""

    def __init__(self, said: str, pattern: str) -> None:
        super().__init__(said)
        self._pattern = re.compile(pattern)

    def read(self, node: Node) -> str:
        """See :class:`Kind`."""
        text = super().read(node)
        if self._pattern.fullmatch(text) is None:
            raise wrong(node, self.said)
        return text

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"type": ["string", "number", "boolean"], "pattern": f"^(?:{self._pattern.pattern})$", "description": self.said}


class Texts:
    """A list of different texts."""

    def __init__(self, said: str, *, least: int = 0) -> None:
        self.said = said
        self._least = least
        self._item = Text("a column's name", reference=False)

    def read(self, node: Node) -> tuple[str, ...]:
        """See :class:`Kind`."""
        if not isinstance(node.content, list) or len(node.content) < self._least:
            raise wrong(node, self.said)
        names = [self._item.read(item) for item in node.content]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise wrong(node.content[position], self.said, why=f"{name!r} is listed twice")
        return tuple(names)

    def show(self, value: tuple[str, ...]) -> list[str]:
        """See :class:`Kind`."""
        return list(value)

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        item = {"type": ["string", "number", "boolean"]}
        return {"type": "array", "items": item, "uniqueItems": True, "minItems": self._least, "description": self.said}


class Choice:
    """One of some words."""

    def __init__(self, kind: type[StrEnum], *, without: tuple[StrEnum, ...] = ()) -> None:
        self._values = {member.value: member for member in kind if member not in without}
        self.said = f"one of {', '.join(self._values)}"

    def read(self, node: Node) -> StrEnum:
        """See :class:`Kind`."""
        word = node.content
        if isinstance(word, str) and word in self._values:
            return self._values[word]
        close = nearest(word, self._values) if isinstance(word, str) else None
        raise UsageError(
            f"{node.place} must be {self.said}.",
            found=shown(node),
            next_step=f"did you mean {close!r}?" if close else f"write {self.said}",
            field=node.place.path,
        )

    def show(self, value: StrEnum) -> str:
        """See :class:`Kind`."""
        return value.value

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"enum": list(self._values)}


class Whole:
    """A whole number within bounds."""

    def __init__(self, least: int, most: int, said: str | None = None) -> None:
        self._least, self._most = least, most
        self.said = said or f"a whole number from {least} to {most}"

    def read(self, node: Node) -> int:
        """See :class:`Kind`."""
        value = node.content
        if isinstance(value, bool) or not isinstance(value, int) or not self._least <= value <= self._most:
            raise wrong(node, self.said)
        return value

    def show(self, value: int) -> int:
        """See :class:`Kind`."""
        return value

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"type": "integer", "minimum": self._least, "maximum": self._most, "description": self.said}


class Number:
    """A finite number."""

    said = "a number"

    def read(self, node: Node) -> float:
        """See :class:`Kind`."""
        value = node.content
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise wrong(node, self.said)
        return float(value)

    def show(self, value: float) -> float:
        """See :class:`Kind`."""
        return value

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        return {"type": "number"}


class Params:
    """Keyword arguments of steps: names with single values."""

    said = "keyword arguments with their values, like {learning_rate: 0.1}"

    def read(self, node: Node) -> dict[str, bool | int | float | str | None]:
        """See :class:`Kind`."""
        if not isinstance(node.content, dict):
            raise wrong(node, self.said)
        found: dict[str, bool | int | float | str | None] = {}
        for name, member in node.content.items():
            if not name.isidentifier():
                raise wrong(member, self.said, why=f"{name!r} cannot be a keyword argument")
            if isinstance(member.content, dict | list):
                raise wrong(member, "a single value: a number, a text, true, false or null")
            if isinstance(member.content, float) and not math.isfinite(member.content):
                raise wrong(member, "a finite number")
            if isinstance(member.content, int) and abs(member.content) >= 1 << 63:
                raise wrong(member, "a number of at most 64 bits")
            found[name] = member.content
        return found

    def show(self, value: dict[str, bool | int | float | str | None]) -> dict[str, bool | int | float | str | None]:
        """See :class:`Kind`."""
        return dict(sorted(value.items()))

    def schema(self) -> Schema:
        """See :class:`Kind`."""
        values = {"type": ["string", "number", "boolean", "null"]}
        return {"type": "object", "additionalProperties": values, "description": self.said}
