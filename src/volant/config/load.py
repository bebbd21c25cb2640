"""Reading ``volant.yaml``: strict, and every message names file, line and key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from volant.config.business import with_metrics_said
from volant.config.expand import expansion
from volant.config.model import ProjectConfig
from volant.config.rules import check
from volant.config.sections import Section
from volant.config.table import PROJECT
from volant.config.yaml_tree import MAX_BYTES, Node, parse
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError, NotFoundError, TooLargeError, UnavailableError

DEFAULT = "default"


class Loaded(Value, frozen=True, kw_only=True):
    """A configuration and where its values came from: path of a key -> ``line 7``, ``line 7, environment variable X``."""

    config: ProjectConfig
    origins: dict[str, str]

    def origin(self, path: str) -> str:
        """Where the value at a path came from, ``default`` if nobody said it."""
        return self.origins.get(path, DEFAULT)


def load_project(path: Path, environment: Mapping[str, str]) -> ProjectConfig:
    """The configuration in a file.

    ``environment`` fills ``${NAME}`` references. Raises ``NotFoundError`` if there is no such file, ``InvalidInputError``
    if it is not UTF-8 text, ``UsageError`` naming line and key for anything in it that cannot be used.
    """
    return load_with_origins(path, environment).config


def load_with_origins(path: Path, environment: Mapping[str, str]) -> Loaded:
    """As :func:`load_project`, with where each value came from."""
    return load_text(read_settings(path), path.name, environment)


def load_text(text: str, file: str, environment: Mapping[str, str]) -> Loaded:
    """As :func:`load_with_origins`, from text; ``file`` is its name in messages."""
    root = parse(text, file, expansion(environment))
    config: ProjectConfig = PROJECT.read(root)
    lines = {node.place.path: node for node in _walk(root)}

    def where(path: str) -> str:
        return str(_nearest(lines, path).place)

    config = _with_metrics(with_metrics_said(config, where))
    check(config, where)
    origins = {path: _origin(node) for path, node in lines.items() if path and not isinstance(node.content, dict)}
    return Loaded(config=config, origins=origins)


def read_settings(path: Path) -> str:
    """The text of a file of settings. ``NotFoundError``, ``UnavailableError``, ``TooLargeError`` or ``InvalidInputError``."""
    try:
        with path.open("rb") as file:
            data = file.read(4 * MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no {path}.", next_step="volant init NAME --data FILE --target COLUMN") from error
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read.", found=error.strerror or str(error)) from error
    if len(data) > 4 * MAX_BYTES:
        raise TooLargeError(f"{path} is too large.", found=f"more than {4 * MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidInputError(
            f"{path.name} line {line} is not UTF-8.", found=f"byte 0x{data[error.start]:02x}", next_step="save the file as UTF-8"
        ) from error


def _walk(node: Node) -> list[Node]:
    members: list[Node] = []
    if isinstance(node.content, dict):
        members = list(node.content.values())
    elif isinstance(node.content, list):
        members = node.content
    return [node, *(below for member in members for below in _walk(member))]


def _nearest(nodes: dict[str, Node], path: str) -> Node:
    """The node at the path, or the closest one above it: a default has no line of its own."""
    while path not in nodes:
        path = path.rpartition(".")[0]
    return nodes[path]


def _origin(node: Node) -> str:
    return f"line {node.place.line}" + (f", {node.origin}" if node.origin else "")


def _with_metrics(config: ProjectConfig) -> ProjectConfig:
    """Gate lines that name no metric compare the project's."""
    gates = tuple(
        gate if gate.metric is not None or not gate.has_metric else msgspec.structs.replace(gate, metric=config.metric)
        for gate in config.gates
    )
    return msgspec.structs.replace(config, gates=gates)


def values_in_effect(loaded: Loaded) -> list[tuple[str, Any, str]]:
    """Every key with its value as it would be written and where that came from, in the file's canonical order."""
    return _flat(PROJECT, loaded.config, "", loaded)


def _flat(section: Section, value: Any, path: str, loaded: Loaded) -> list[tuple[str, Any, str]]:
    found: list[tuple[str, Any, str]] = []
    for entry in section.entries:
        member, below = getattr(value, entry.name), f"{path}.{entry.key}" if path else entry.key
        if isinstance(entry.kind, Section):
            found += _flat(entry.kind, member, below, loaded)
        elif member is not None:
            found.append((below, entry.kind.show(member), _origin_below(loaded, below)))
    return found


def _origin_below(loaded: Loaded, path: str) -> str:
    if path in loaded.origins:
        return loaded.origins[path]
    return next((origin for key, origin in loaded.origins.items() if key.startswith((f"{path}.", f"{path}["))), DEFAULT)
