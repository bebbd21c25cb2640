"""Files that source code names: literals and joins of literals that may be paths.

A path is a text. ``<file>`` at its start stands for the source file itself, ``*`` for a part that is computed. What is
no file of the project drops out when the text is looked up, so too many candidates cost time only.
"""

import ast
import os
import re
from collections.abc import Callable, Iterable, Mapping
from glob import glob
from pathlib import Path
from typing import Any

HERE = "<file>"
_LONGEST = 400
_DEEPEST = 24
_ENDS_LIKE_A_FILE = re.compile(r"\.\w{1,12}$")
_SAME = {"resolve", "absolute", "expanduser", "abspath", "realpath", "normpath", "fspath", "str", "as_posix", "Path", "PurePath"}


def path_texts(nodes: Iterable[ast.AST], known: Mapping[str, ast.expr]) -> tuple[str, ...]:
    """Candidates among the nodes of a syntax tree, sorted. ``known`` are names that stand for one expression."""
    found: set[str] = set()
    for node in nodes:
        text = _read(node, known, 0) if isinstance(node, ast.Constant | ast.BinOp | ast.JoinedStr | ast.Call | ast.Attribute) else None
        if text and _may_be_a_path(text, joined=not isinstance(node, ast.Constant)):
            found.add(text)
    return tuple(sorted(found))


def _may_be_a_path(text: str, *, joined: bool) -> bool:
    if not 0 < len(text) < _LONGEST or "\n" in text or "\0" in text or not text.strip("./*"):
        return False
    # A computed part could be anything: without a file's ending it would match whole folders.
    return "*" not in text or not joined or _ENDS_LIKE_A_FILE.search(text) is not None


def _read(node: ast.AST | None, known: Mapping[str, ast.expr], depth: int) -> str | None:
    """The text that an expression makes, None if it is not about texts at all."""
    reader = _READERS.get(type(node)) if depth < _DEEPEST else None
    return None if reader is None else reader(node, known, depth + 1)


def _constant(node: ast.Constant, _known: Mapping[str, ast.expr], _depth: int) -> str | None:
    return node.value if isinstance(node.value, str) else None


def _name(node: ast.Name, known: Mapping[str, ast.expr], depth: int) -> str | None:
    return HERE if node.id == "__file__" else _read(known.get(node.id), known, depth)


def _template(node: ast.JoinedStr, known: Mapping[str, ast.expr], depth: int) -> str | None:
    return "".join(_formatted(part, known, depth) for part in node.values)


def _parent(node: ast.Attribute, known: Mapping[str, ast.expr], depth: int) -> str | None:
    inner = _read(node.value, known, depth) if node.attr == "parent" else None
    return None if inner is None else f"{inner}/.."


def _formatted(part: ast.expr, known: Mapping[str, ast.expr], depth: int) -> str:
    inner = part.value if isinstance(part, ast.FormattedValue) else part
    return _read(inner, known, depth) or "*"


def _joined(node: ast.BinOp, known: Mapping[str, ast.expr], depth: int) -> str | None:
    if not isinstance(node.op, ast.Div | ast.Add):
        return None
    left, right = _read(node.left, known, depth), _read(node.right, known, depth)
    if left is None and right is None:
        return None
    between = "/" if isinstance(node.op, ast.Div) else ""
    return f"{left or '*'}{between}{right or '*'}"


def _called(node: ast.Call, known: Mapping[str, ast.expr], depth: int) -> str | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    parts = [_read(argument, known, depth) for argument in node.args]
    if name in {"join", "joinpath", "Path", "PurePath"} and len(parts) + (name == "joinpath") > 1:
        start = [_read(node.func.value, known, depth)] if name == "joinpath" and isinstance(node.func, ast.Attribute) else []
        texts = [*start, *parts]
        return "/".join(text or "*" for text in texts) if any(texts) else None
    if name == "dirname" and parts and parts[0]:
        return f"{parts[0]}/.."
    if name in _SAME and (parts or isinstance(node.func, ast.Attribute)):
        return parts[0] if parts else _read(getattr(node.func, "value", None), known, depth)
    return None


_READERS: dict[type | None, Callable[[Any, Mapping[str, ast.expr], int], str | None]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _joined,
    ast.JoinedStr: _template,
    ast.Attribute: _parent,
    ast.Call: _called,
}


def existing(texts: tuple[str, ...], source: Path, root: Path) -> tuple[Path, ...]:
    """Files below ``root`` that the texts of the file ``source`` name, sorted. Folders are left to what is joined to them."""
    found: set[Path] = set()
    for text in texts:
        for place in _places(text, source, root):
            matches = glob(place, recursive="**" in place) if "*" in place else [place]  # noqa: PTH207 - absolute
            found.update(Path(match) for match in matches if _is_file_below(match, root))
    return tuple(sorted(found))


def _places(text: str, source: Path, root: Path) -> list[str]:
    if text.startswith(HERE):
        return [os.path.normpath(f"{source}{text.removeprefix(HERE)}")]
    folders = {str(root), str(source.parent)}
    return [os.path.normpath(os.path.join(folder, text)) for folder in sorted(folders)]  # noqa: PTH118 - text may be absolute


def _is_file_below(place: str, root: Path) -> bool:
    try:
        if not os.path.isfile(place):  # noqa: PTH113 - called for each string of the source; a Path each would cost more
            return False
    except (OSError, ValueError):
        return False
    inside = Path(os.path.relpath(place, root)).parts
    return inside[0] not in {os.pardir, ".volant", ".git"} and not place.endswith((".py", ".pyc"))
