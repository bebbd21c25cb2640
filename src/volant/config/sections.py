"""A section of ``volant.yaml`` as a table: key, attribute, kind, and what it is for.

The same table reads the file, writes it back, makes the JSON Schema and the reference page, so that the four agree.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from volant.config.kinds import Schema, nearest, shown, wrong
from volant.config.yaml_tree import Node
from volant.kernel.codec import Value
from volant.kernel.errors import UsageError


class Entry(Value, frozen=True, kw_only=True):
    """One key of a section."""

    key: str
    kind: Any  # a Kind; msgspec cannot check protocols
    about: str
    attribute: str = ""
    required: bool = False

    @property
    def name(self) -> str:
        """The attribute that holds it."""
        return self.attribute or self.key


class Section:
    """A mapping whose keys are known; reads into a ``Value`` class."""

    def __init__(self, of: Callable[..., Any], entries: Sequence[Entry], said: str = "a section with") -> None:
        self.of = of
        self.entries = tuple(entries)
        self.said = said
        self._by_key: Mapping[str, Entry] = {entry.key: entry for entry in entries}

    def known(self) -> tuple[str, ...]:
        """In the table's order."""
        return tuple(self._by_key)

    def read(self, node: Node) -> Any:
        """The value, with defaults for what is not said."""
        members = self.members(node)
        given = {self._by_key[key].name: self._by_key[key].kind.read(member) for key, member in members.items()}
        return self.of(**given)

    def members(self, node: Node) -> dict[str, Node]:
        """The keys that are there, all known and none missing."""
        if not isinstance(node.content, dict):
            raise wrong(node, f"{self.said} {', '.join(self._by_key)}")
        for key, member in node.content.items():
            if key not in self._by_key:
                raise unknown_key(key, member, self._by_key)
        for entry in self.entries:
            if entry.required and entry.key not in node.content:
                raise UsageError(
                    f"{node.place} has no {entry.key!r}.",
                    found=shown(node),
                    next_step=f"add {node.below(entry.key)}: {entry.about}",
                    field=node.below(entry.key),
                )
        return node.content

    def show(self, value: Any) -> dict[str, Any]:
        """Everything in effect, in the table's order; what is not there is left out."""
        found = {}
        for entry in self.entries:
            member = getattr(value, entry.name)
            if member is not None and (member != () or entry.required):
                found[entry.key] = entry.kind.show(member)
        return {key: shown_value for key, shown_value in found.items() if shown_value != {}}

    def schema(self) -> Schema:
        """As JSON Schema."""
        properties = {}
        for entry in self.entries:
            properties[entry.key] = {**entry.kind.schema(), "description": entry.about}
            if (default := self.default(entry)) is not None:
                properties[entry.key]["default"] = default
        required = [entry.key for entry in self.entries if entry.required]
        return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}

    def default(self, entry: Entry) -> Any:
        """What holds when the key is not there, as it would be written; None where nothing does."""
        if entry.required or isinstance(entry.kind, Section):
            return None
        of: Any = getattr(self.of, "func", self.of)
        field = next(field for field in msgspec.structs.fields(of) if field.name == entry.name)
        value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        return None if value is None or value is msgspec.NODEFAULT else entry.kind.show(value)


class OneOf:
    """A list of lines that may be of several forms: the first form that has one of its marks among the line's keys reads it."""

    def __init__(self, said: str, forms: Mapping[tuple[str, ...], Section], *, examples: str, pick: Callable[[Any], str]) -> None:
        self.said = said
        self.forms = forms
        self._examples = examples
        self._pick = pick

    def read(self, node: Node) -> tuple[Any, ...]:
        """The lines in order."""
        if not isinstance(node.content, list):
            raise wrong(node, self.said)
        return tuple(self._form(item).read(item) for item in node.content)

    def _form(self, item: Node) -> Section:
        keys = list(item.content) if isinstance(item.content, dict) else []
        for marks, form in self.forms.items():
            if any(key in marks for key in keys):
                return form
        known = [mark for marks in self.forms for mark in marks]
        unknown = [key for key in keys if not any(key in form.known() for form in self.forms.values())]
        close = next((found for key in unknown if (found := nearest(key, known))), None)
        raise UsageError(
            f"{item.place} is none of the lines that may stand here.",
            found=shown(item),
            next_step=(f"did you mean {close!r}? " if close else "") + f"write {self._examples}",
            field=item.place.path,
        )

    def show(self, value: tuple[Any, ...]) -> list[Any]:
        """The lines as they would be written."""
        return [self._written_by(line).show(line) for line in value]

    def _written_by(self, line: Any) -> Section:
        mark = self._pick(line)
        return next(form for marks, form in self.forms.items() if mark in marks)

    def schema(self) -> Schema:
        """As JSON Schema."""
        return {"type": "array", "items": {"anyOf": [_marked(marks, form) for marks, form in self.forms.items()]}}


def _marked(marks: tuple[str, ...], form: Section) -> Schema:
    return {**form.schema(), "anyOf": [{"required": [mark]} for mark in marks]}


def unknown_key(key: str, member: Node, known: Mapping[str, Entry]) -> UsageError:
    """The error for a key that nothing reads, with the one that was probably meant."""
    close = nearest(key, known)
    listed = ", ".join(known)
    return UsageError(
        f"{member.place.file} line {member.place.line}: there is no key {member.place.path!r}.",
        found=shown(member),
        next_step=f"did you mean {close!r}? the keys here are {listed}" if close else f"the keys here are {listed}",
        field=member.place.path,
    )
