"""The lines under ``watch.alerts``: who is told. Addresses and secrets are named, never written out."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from volant.config.kinds import Schema, shown, wrong
from volant.config.model import AlertTarget
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node
from volant.kernel.errors import UsageError

DEFAULT_SECRET = "env:VOLANT_WEBHOOK_SECRET"  # noqa: S105 - where it is, not what it is
ENVIRONMENT_NAME = r"env:[A-Za-z_][A-Za-z0-9_]*"
TARGET = rf"log|(?:webhook|slack):{ENVIRONMENT_NAME}"


class Reference:
    """A text that names where a secret is. What was written instead is not shown: it may be the secret."""

    def __init__(self, said: str, pattern: str) -> None:
        self.said = said
        self._pattern = re.compile(pattern, re.ASCII)

    def read(self, node: Node) -> str:
        """See ``Kind``."""
        if isinstance(node.content, str) and self._pattern.fullmatch(node.content):
            return node.content
        if not isinstance(node.content, str):
            raise wrong(node, self.said)
        raise UsageError(
            f"{node.place} must be {self.said}.",
            found="another text, not shown because it may be secret",
            next_step="put the address or secret into an environment variable and name that here",
            field=node.place.path,
        )

    def show(self, value: str) -> str:
        """See ``Kind``."""
        return value

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "string", "pattern": f"^(?:{self._pattern.pattern})$", "description": self.said}


_LINE = Section(
    AlertTarget,
    (
        Entry(
            key="to",
            kind=Reference("log, webhook:env:NAME or slack:env:NAME", TARGET),
            about="log (standard error), or a webhook or Slack webhook whose address is in an environment variable",
            required=True,
        ),
        Entry(
            key="secret",
            kind=Reference("env:NAME", ENVIRONMENT_NAME),
            about="environment variable with the secret that signs a webhook (env:VOLANT_WEBHOOK_SECRET if unsaid)",
        ),
    ),
)


class AlertLines:
    """At least one line, each target once."""

    said = "a list of lines like {to: log} or {to: webhook:env:HOOK_URL}"

    def read(self, node: Node) -> tuple[AlertTarget, ...]:
        """See ``Kind``."""
        if not isinstance(node.content, list) or not node.content:
            raise wrong(node, self.said)
        lines: list[AlertTarget] = []
        for item in node.content:
            line: AlertTarget = _LINE.read(item)
            _check(item, line, lines)
            lines.append(line)
        return tuple(lines)

    def show(self, value: Sequence[AlertTarget]) -> list[Any]:
        """See ``Kind``."""
        return [_LINE.show(line) for line in value]

    def schema(self) -> Schema:
        """See ``Kind``."""
        return {"type": "array", "minItems": 1, "items": _LINE.schema()}


def _check(item: Node, line: AlertTarget, before: Sequence[AlertTarget]) -> None:
    if any(line.to == other.to for other in before):
        raise UsageError(f"{item.place} tells {line.to} a second time.", found=shown(item), next_step="take one out", field=item.place.path)
    if line.secret is not None and not line.to.startswith("webhook:"):
        raise UsageError(
            f"{item.place}: only a webhook is signed.", found=shown(item), next_step="take secret out", field=item.below("secret")
        )


def variables(target: AlertTarget) -> tuple[str, ...]:
    """The environment variables that telling a target needs."""
    kind, _, reference = target.to.partition(":")
    references: tuple[str, ...] = () if kind == "log" else (reference,)
    if kind == "webhook":
        references += (target.secret or DEFAULT_SECRET,)
    return tuple(name.removeprefix("env:") for name in references)


def unset(targets: Sequence[AlertTarget], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Those that are needed and not set, each once."""
    needed = dict.fromkeys(name for target in targets for name in variables(target))
    return tuple(name for name in needed if not environment.get(name, "").strip())
