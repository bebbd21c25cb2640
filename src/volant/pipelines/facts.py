"""What one source file says about itself: a digest of its syntax, its imports, files it names, and what cannot be told."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from volant.kernel.codec import Value
from volant.pipelines.definitions import imports_of
from volant.pipelines.imports import Import
from volant.pipelines.named_paths import path_texts
from volant.pipelines.reach import Reach, reach_of, syntax_digest
from volant.pipelines.syntax import bindings, constants, dotted, parse

_DEPTH = 50_000
_IMPORTERS = {"importlib.import_module", "importlib.__import__", "__import__"}
_RUNNERS = {"exec", "eval", "builtins.exec", "builtins.eval"}
_LOADERS = (
    "runpy.run_path",
    "runpy.run_module",
    "importlib.util.spec_from_file_location",
    "importlib.machinery.SourceFileLoader",
    "importlib.reload",
)
_PATH_CHANGES = {"sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir"}


class Facts(Value, frozen=True, kw_only=True):
    """``reach``: its parts, None if it must be taken whole. ``paths``: see :mod:`named_paths`. ``doubts``: why it cannot be
    identified.
    """

    digest: str
    reach: Reach | None
    imports: tuple[Import, ...]
    paths: tuple[str, ...]
    doubts: tuple[str, ...]


@lru_cache(maxsize=4096)
def facts_of(source: bytes, shown: str) -> Facts:
    """Facts of Python source. Comments, docstrings and layout do not change ``digest``; everything else does."""
    with _deep():
        return _facts(parse(source, shown), shown)


@contextmanager
def _deep() -> Iterator[None]:
    """A sum of some hundred terms is a tree of that depth, deeper than Python's usual limit lets a walk go."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def _facts(tree: ast.Module, shown: str) -> Facts:
    _drop_docstrings(tree)
    nodes = list(ast.walk(tree))
    literal, doubts = _dynamic(nodes, shown)
    doubts += _path_assignments(nodes, shown)
    return Facts(
        digest=syntax_digest(tree),
        reach=reach_of(tree, nodes),
        imports=tuple(dict.fromkeys([*(one for node in nodes for one in imports_of(node)), *literal])),
        paths=path_texts(nodes, constants(bindings(tree))),
        doubts=tuple(doubts),
    )


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                del node.body[0]


def _dynamic(nodes: list[ast.AST], shown: str) -> tuple[list[Import], list[str]]:
    """Imports by function call with literal names; and calls after which nobody can tell what runs."""
    named = _import_names(nodes)
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    literal: list[Import] = []
    doubts = _passed_on(nodes, {id(call.func) for call in calls}, named, shown)
    for call in calls:
        name = _full(call.func, named)
        if name in _IMPORTERS:
            text = _text(call)
            if text is None:
                doubts.append(f"{shown}, line {call.lineno}: {name} with a name that is computed")
            else:
                literal.append(_literal_import(text, call))
        elif name in _RUNNERS:
            text = _text(call)
            if text is None or "import" in text:
                doubts.append(f"{shown}, line {call.lineno}: {name} of text that is not in the source")
        elif name in _LOADERS or name in _PATH_CHANGES:
            doubts.append(f"{shown}, line {call.lineno}: {name} makes it unknown what is imported")
    return literal, doubts


def _import_names(nodes: list[ast.AST]) -> dict[str, str]:
    """Name -> what it was imported as, anywhere in the file."""
    named: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            named |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            named |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return named


def _passed_on(nodes: list[ast.AST], called: set[int], named: dict[str, str], shown: str) -> list[str]:
    """``load = importlib.import_module``: what is done with it afterwards cannot be followed."""
    return [
        f"{shown}, line {node.lineno}: {name} under another name"
        for node in nodes
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in called
        for name in [_full(node, named)]
        if name in _IMPORTERS or name in _RUNNERS
    ]


def _full(node: ast.expr, named: dict[str, str]) -> str:
    head, dot, rest = (dotted(node) or "").partition(".")
    return f"{named.get(head, head)}{dot}{rest}"


def _text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _literal_import(text: str, call: ast.Call) -> Import:
    name = text.lstrip(".")
    level = len(text) - len(name)
    second = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "package"), None)
    if level and isinstance(second, ast.Constant) and isinstance(second.value, str):
        parts = second.value.split(".")
        return Import(module=".".join([*parts[: len(parts) - level + 1], name]))
    return Import(module=name, level=level)


def _path_assignments(nodes: list[ast.AST], shown: str) -> list[str]:
    """``sys.path = ...``, ``sys.path += ...`` and ``sys.path[0] = ...``."""
    return [
        f"{shown}, line {target.lineno}: sys.path is changed"
        for target in _targets(nodes)
        if dotted(target.value if isinstance(target, ast.Subscript) else target) == "sys.path"
    ]


def _targets(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.Assign):
            yield from node.targets
        elif isinstance(node, ast.AugAssign):
            yield node.target
