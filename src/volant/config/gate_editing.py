"""Adding one line under ``gates`` in the text of ``volant.yaml``, and nothing else."""

from typing import Any

import msgspec

from volant.config.dump import flow
from volant.config.load import load_text
from volant.config.model import GateConfig, GateKind
from volant.kernel.errors import ConflictError, UsageError


def with_slice_gate(text: str, file: str, environment: dict[str, str], name: str, margin: str) -> str:
    """The text with a check of one more slice; as it is where a check of slices names it already.

    The result is read strictly and must mean exactly that. ``ConflictError`` where it does not, and what loading raises.
    """
    import yaml

    loaded = load_text(text, file, environment).config
    if any(name in gate.slices for gate in loaded.gates):
        return text
    line = flow({"slices": [name], "margin": margin})
    try:
        changed = _with_line(text, line)
        meant = load_text(changed, file, environment).config
    except (yaml.YAMLError, UsageError):
        changed, meant = text, None
    if meant is None or not _adds(loaded.gates, meant.gates, name) or meant != msgspec.structs.replace(loaded, gates=meant.gates):
        raise ConflictError(
            f"{file} is written in a way that cannot be changed by itself.",
            found="with the slice in its place it would not mean what it should",
            next_step=f"write it under gates by hand: - {line}",
        )
    return changed


def _adds(before: tuple[GateConfig, ...], after: tuple[GateConfig, ...], name: str) -> bool:
    return after[:-1] == before and after[-1].kind is GateKind.SLICES and after[-1].slices == (name,)


def _with_line(text: str, line: str) -> str:
    import yaml

    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    found: Any = next((value for key, value in root.value if key.value == "gates"), None)
    if found is None:
        end = "" if text.endswith("\n") else "\n"
        return f"{text}{end}gates:\n  - {line}\n"
    if not found.value:
        return f"{text[: found.start_mark.index]}[{line}]{text[found.end_mark.index :]}"
    last = found.value[-1]
    if found.flow_style:
        return f"{text[: last.end_mark.index]}, {line}{text[last.end_mark.index :]}"
    at = text.find("\n", _last_mark(last))
    at = len(text) if at < 0 else at
    return f"{text[:at]}\n{' ' * found.start_mark.column}- {line}{text[at:]}"


def _last_mark(node: Any) -> int:
    """Where a node's own text ends; a block's own mark lies behind the comments that follow it."""
    if isinstance(node.value, str) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _last_mark(last[1] if isinstance(last, tuple) else last)
