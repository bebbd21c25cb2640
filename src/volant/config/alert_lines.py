"""The lines under ``watch.alerts``: who is told. Addresses and secrets are named, never written out."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from volant.config.kinds import Pattern, Schema, shown, wrong
from volant.config.model import AlertTarget
from volant.config.sections import Entry, Section
from volant.config.yaml_tree import Node
from volant.kernel.errors import UsageError

DEFAULT_SECRET = "env:VOLANT_WEBHOOK_SECRET"  # noqa: S105 - where it is, not what it is
DEFAULT_SERVER = "env:VOLANT_SMTP_URL"
ENVIRONMENT_NAME = r"env:[A-Za-z_][A-Za-z0-9_]*"
MAIL_ADDRESS = r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
TARGET = rf"log|(?:webhook|slack|mail|alertmanager):{ENVIRONMENT_NAME}|mail:{MAIL_ADDRESS}"
URGENCIES = ("page", "ticket", "note")
SIGNED, MAIL = ("webhook:", "alertmanager:"), ("mail:",)


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


class Urgencies:
    """One of page, ticket and note, or a list of them."""

    said = "page, ticket or note, or a list of them"

    def read(self, node: Node) -> tuple[str, ...]:
        """See ``Kind``."""
        items = node.content if isinstance(node.content, list) else [node]
        found = tuple(item.content for item in items)
        if not found or any(one not in URGENCIES for one in found) or len(set(found)) < len(found):
            raise wrong(node, self.said)
        return tuple(str(one) for one in found)

    def show(self, value: Sequence[str]) -> str | list[str]:
        """See ``Kind``."""
        return value[0] if len(value) == 1 else list(value)

    def schema(self) -> Schema:
        """See ``Kind``."""
        one: Schema = {"enum": list(URGENCIES)}
        return {"anyOf": [one, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}], "description": self.said}


_LINE = Section(
    AlertTarget,
    (
        Entry(
            key="to",
            kind=Reference("log, KIND:env:NAME for a webhook, slack, mail or alertmanager, or mail:ADDRESS", TARGET),
            about="log (standard error), a mail address, or what an environment variable holds the address of",
            required=True,
        ),
        Entry(
            key="secret",
            kind=Reference("env:NAME", ENVIRONMENT_NAME),
            about="environment variable with what signs a webhook (env:VOLANT_WEBHOOK_SECRET if unsaid), or an Alertmanager's token",
        ),
        Entry(key="only", kind=Urgencies(), about="tell only what asks for this: page, ticket or note, or a list of them"),
        Entry(
            key="server",
            kind=Reference("env:NAME", ENVIRONMENT_NAME),
            about="environment variable with the mail server, like smtp://USER:PASSWORD@HOST:587 (env:VOLANT_SMTP_URL if unsaid)",
        ),
        Entry(key="from", attribute="sender", kind=Pattern("a mail address", MAIL_ADDRESS), about="what letters are from"),
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
    for key, value, kinds, why in (
        ("secret", line.secret, SIGNED, "only a webhook is signed, and only an Alertmanager takes a token"),
        ("server", line.server, MAIL, "only mail goes through a mail server"),
        ("from", line.sender, MAIL, "only mail is from somebody"),
    ):
        if value is not None and not line.to.startswith(kinds):
            raise UsageError(f"{item.place}: {why}.", found=shown(item), next_step=f"take {key} out", field=item.below(key))


def variables(target: AlertTarget) -> tuple[str, ...]:
    """The environment variables that telling a target needs."""
    kind, _, reference = target.to.partition(":")
    references: list[str | None] = [reference] if reference.startswith("env:") else []
    if kind == "webhook":
        references.append(target.secret or DEFAULT_SECRET)
    if kind == "mail":
        references.append(target.server or DEFAULT_SERVER)
    if kind == "alertmanager":
        references.append(target.secret)
    return tuple(name.removeprefix("env:") for name in references if name is not None)


def unset(targets: Sequence[AlertTarget], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Those that are needed and not set, each once."""
    needed = dict.fromkeys(name for target in targets for name in variables(target))
    return tuple(name for name in needed if not environment.get(name, "").strip())
