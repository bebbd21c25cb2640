"""``${NAME}`` and ``${NAME:-default}`` in the values of ``volant.yaml``. ``$${`` stands for a plain ``${``."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from volant.kernel.codec import Value
from volant.kernel.errors import UsageError

if TYPE_CHECKING:
    from volant.config.yaml_tree import Place

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<body>[^{}]*)\}|\$\{")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>.*))?", re.DOTALL)


class Expanded(Value, frozen=True, kw_only=True):
    """A value with its references replaced; ``origin`` names where they were found, None if there were none."""

    text: str
    origin: str | None = None


Expansion = Callable[[str, "Place"], Expanded]


def expansion(environment: Mapping[str, str]) -> Expansion:
    """A function that replaces references. As in shells, an empty variable counts as unset where a default is given."""

    def expand(text: str, place: "Place") -> Expanded:
        if "${" not in text:
            return Expanded(text=text)
        origins: list[str] = []

        def replaced(match: "re.Match[str]") -> str:
            if match[0] == "$${":
                return "${"
            value, origin = _value(match["body"], environment, place)
            origins.append(origin)
            return value

        return Expanded(text=_REFERENCE.sub(replaced, text), origin=", ".join(dict.fromkeys(origins)) or None)

    return expand


def _value(body: str | None, environment: Mapping[str, str], place: "Place") -> tuple[str, str]:
    parts = _BODY.fullmatch(body or "")
    if parts is None:
        raise UsageError(
            f"{place} holds a ${{...}} that names no variable.",
            found="${" + (body or ""),
            next_step="write ${NAME} or ${NAME:-default}, and $${ for a plain ${",
            field=place.path,
        )
    name, default = parts["name"], parts["default"]
    value = environment.get(name)
    if value or (value is not None and default is None):
        return value, f"environment variable {name}"
    if default is not None:
        return default, f"default of ${{{name}}}"
    raise UsageError(
        f"{place} needs the environment variable {name}.",
        found="it is not set",
        next_step=f"set it, or give a default: ${{{name}:-value}}",
        field=place.path,
    )
