"""Reading Python source without running it: definitions and bindings of one file."""

import ast
from pathlib import Path
from typing import NamedTuple

from volant.kernel.errors import InvalidInputError, NotFoundError
from volant.pipelines.first_reading import file_bytes

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Binding(NamedTuple):
    """A name bound at the top of a file. ``kind``: ``def``, ``class``, ``assignment`` or ``import``."""

    name: str
    kind: str
    node: ast.AST
    line: int
    branch: int  # 0: unconditional; else a number of the if/try branch it stands in


def read_source(path: Path, shown: str) -> bytes:
    """The file's bytes. ``NotFoundError`` if it is not there, ``InvalidInputError`` if it cannot be read."""
    try:
        return file_bytes(path)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {shown}.", found=f"nothing at {path}", next_step="check train.pipeline") from None
    except OSError as error:
        raise InvalidInputError(f"{shown} cannot be read.", found=error.strerror or str(error)) from None


def parse(source: bytes, shown: str) -> ast.Module:
    """The syntax tree. ``InvalidInputError`` with file and line for source that Python would refuse."""
    try:
        return ast.parse(source, filename=shown)
    except SyntaxError as error:
        if error.lineno is None:
            raise InvalidInputError(f"{shown} is not Python source.", found=error.msg, field=shown) from None
        line = (error.text or "").rstrip()
        raise InvalidInputError(
            f"{shown}, line {error.lineno}: {error.msg}.",
            found=line.strip()[:200] or None,
            next_step=f"repair line {error.lineno} of {shown}",
            field=f"{shown}:{error.lineno}",
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidInputError(f"{shown} is not Python source.", found=str(error)[:200], field=shown) from None


def bindings(tree: ast.Module) -> dict[str, list[Binding]]:
    """All names bound at module level, in file order; bodies of ``if``, ``try`` and ``with`` are looked into."""
    found: dict[str, list[Binding]] = {}
    branches = 0

    def visit(body: list[ast.stmt], branch: int) -> None:
        nonlocal branches
        for node in body:
            for binding in _bound(node, branch):
                found.setdefault(binding.name, []).append(binding)
            for part in _bodies(node):
                branches += 1
                visit(part, branches)

    visit(tree.body, 0)
    return found


def _bodies(node: ast.stmt) -> list[list[ast.stmt]]:
    if isinstance(node, ast.If):
        return [node.body, node.orelse]
    if isinstance(node, ast.Try):
        return [node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody]
    if isinstance(node, ast.With):
        return [node.body]
    return []


def _bound(node: ast.stmt, branch: int) -> list[Binding]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [Binding(node.name, "def", node, node.lineno, branch)]
    if isinstance(node, ast.ClassDef):
        return [Binding(node.name, "class", node, node.lineno, branch)]
    if isinstance(node, ast.Import):
        names = [(alias.asname or alias.name.partition(".")[0]) for alias in node.names]
        return [Binding(name, "import", node, node.lineno, branch) for name in names]
    if isinstance(node, ast.ImportFrom):
        return [Binding(alias.asname or alias.name, "import", node, node.lineno, branch) for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return [Binding(name, "assignment", node, node.lineno, branch) for name in names]


def constants(found: dict[str, list[Binding]]) -> dict[str, ast.expr]:
    """Names that are assigned once at the top of the file, with the expression they stand for."""
    known = {}
    for name, places in found.items():
        node = places[0].node
        if len(places) == 1 and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            simple = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(simple, ast.Name):
                known[name] = node.value
    return known


def dotted(node: ast.expr | None) -> str | None:
    """``pl.DataFrame`` of an attribute chain, a name, or a quoted annotation; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.strip()
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def import_names(found: dict[str, list[Binding]]) -> dict[str, str]:
    """Bound name -> the full dotted name it was imported as (absolute imports only)."""
    known = {}
    for name, places in found.items():
        node = places[-1].node
        if isinstance(node, ast.Import):
            for alias in node.names:
                if name == (alias.asname or alias.name.partition(".")[0]):
                    known[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    known[name] = f"{node.module}.{alias.name}"
    return known
