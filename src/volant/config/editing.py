"""Changing one setting in the text of ``volant.yaml`` and nothing else: comments, order and spelling of the rest stay."""

import re
from typing import Any

import msgspec

from volant.config.dump import flow
from volant.config.load import load_text
from volant.config.model import RetrainConfig, WindowConfig
from volant.config.table import PROJECT
from volant.kernel.errors import ConflictError, UsageError

_GUESSED = re.compile(r"\A[ \t]*# guessed: [^\r\n]*")  # as ``init`` writes beside a value
_EDITED = (("retrain", "when"), ("retrain", "guard"), ("train", "window"))


def with_policy(text: str, file: str, environment: dict[str, str], retrain: RetrainConfig, window: WindowConfig) -> str:
    """The text with another ``retrain`` section and training window; settings that say it already are not touched.

    The result is read strictly and must mean exactly that. ``ConflictError`` where it does not, and what loading the text raises.
    """
    import yaml

    loaded = load_text(text, file, environment).config
    retrain = msgspec.structs.replace(retrain, cost=loaded.retrain.cost)
    wanted = msgspec.structs.replace(loaded, retrain=retrain, train=msgspec.structs.replace(loaded.train, window=window))
    before, after = PROJECT.show(loaded), PROJECT.show(wanted)
    changed = text
    try:
        for section, key in _EDITED:
            new = _member(after, section, key)
            if new != _member(before, section, key):
                changed = with_setting(changed, section, key, flow(new))
        meant = load_text(changed, file, environment).config
    except (yaml.YAMLError, UsageError):
        meant = None
    if meant != wanted:
        said = f"retrain.when: {flow(_member(after, 'retrain', 'when'))}, train.window: {flow(after['train']['window'])}"
        raise ConflictError(
            f"{file} is written in a way that cannot be changed by itself.",
            found="with the new policy in its place it would not mean what it should",
            next_step=f"write it by hand: {said}",
        )
    return changed


def _member(shown: dict[str, Any], section: str, key: str) -> Any:
    return shown.get(section, {}).get(key, [] if key == "when" else {})


def with_setting(text: str, section: str, key: str, value: str) -> str:
    """``text`` with ``section.key`` saying ``value`` (YAML on one line), put in where nobody said it."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found = _pair(root, section)
    if found is None:
        return _inserted(text, root, f"{section}: {{{key}: {value}}}", f"{section}:\n  {key}: {value}")
    body = found[1]
    inner = _pair(body, key)
    if inner is None:
        return _inserted(text, body, f"{key}: {value}", f"{key}: {value}")
    return _replaced(text, *inner, value)


def _pair(node: Any, key: str) -> tuple[Any, Any] | None:
    return next(((name, value) for name, value in node.value if name.value == key), None)


def _inserted(text: str, mapping: Any, in_flow: str, in_block: str) -> str:
    """As the first member of a mapping that has members or braces."""
    start = mapping.start_mark.index
    if mapping.flow_style:
        more = ", " if mapping.value else ""
        return f"{text[: start + 1]}{in_flow}{more}{text[start + 1 :]}"
    if mapping.start_mark.column == 0:
        end = "" if text.endswith("\n") else "\n"
        return f"{text}{end}{in_block}\n"
    return f"{text[:start]}{in_block}\n{' ' * mapping.start_mark.column}{text[start:]}"


def _replaced(text: str, name: Any, old: Any, value: str) -> str:
    """The old value's text exchanged. Comments stay, but those inside a block that goes, and why the old value was guessed."""
    between, behind = text[name.end_mark.index : old.start_mark.index], _GUESSED.sub("", text[_end(old) :], count=1)
    if "\n" not in between:
        space = " " if between.endswith(":") else ""
        return f"{text[: old.start_mark.index]}{space}{value}{behind}"
    first, _, rest = between.partition("\n")
    comments = "".join(f"\n{line}" for line in rest.splitlines() if line.strip().startswith("#"))
    return f"{text[: name.end_mark.index]}: {value}{first[first.index(':') + 1 :].rstrip()}{comments}{behind}"


def _end(node: Any) -> int:
    """Where a node's own text ends; a block's mark lies behind the comments that follow it."""
    if isinstance(node.value, str) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)
