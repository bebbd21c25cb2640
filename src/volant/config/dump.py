"""A configuration as canonical YAML: everything in effect, in one order, so that equal policies are equal texts."""

import json
import re
from typing import Any

from volant.config.model import ProjectConfig
from volant.config.table import PROJECT
from volant.config.yaml_tree import plain

_BARE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./% -]*(?<! )", re.ASCII)


def dump_project(config: ProjectConfig) -> str:
    """Text that loads as the same configuration, whatever the environment is."""
    lines: list[str] = []
    for key, value in PROJECT.show(config).items():
        lines += _block(key, value, 0)
    return "\n".join([*lines, ""])


def scalar(value: Any) -> str:
    """A single value on one line; texts are quoted unless they are plainly texts."""
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) and isinstance(plain(value), str)
        return value if bare else _quoted(value.replace("${", "$${"))
    if isinstance(value, float):
        return repr(value) if value != int(value) or abs(value) >= 1e15 else f"{value:.1f}"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A JSON text is a YAML text once what YAML does not print is escaped, by code point and not in surrogates."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in written)


def _block(key: str, value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, dict) and key not in {"window", "holdout", "params", "guard"}:
        return [f"{indent}{key}:", *(line for name, member in value.items() for line in _block(name, member, depth + 1))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [f"{indent}{key}:", *(f"{indent}  - {flow(item)}" for item in value)]
    return [f"{indent}{key}: {flow(value)}"]


def flow(value: Any) -> str:
    """On one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)
