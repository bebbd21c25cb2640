"""Which functions of its own file a step can reach, so that an edit of one step leaves the others of the file cached.

A function at the top of a file is left out of a step's identity only if nothing that the step runs names it: not the step's
function, not what that names, however deep, and not what runs when the file is imported (assignments, classes, decorators,
defaults). Files that could find a function in another way (``globals``, ``sys.modules``, an import of themselves) are taken
whole. Functions of other files are never left out.
"""

import ast
import re
from collections.abc import Iterator
from itertools import chain

from volant.kernel.codec import Value
from volant.kernel.digests import digest, digest_value
from volant.pipelines.named_paths import path_texts
from volant.pipelines.syntax import FunctionNode, bindings, constants, dotted, import_names

_FINDERS = {"globals", "locals", "vars", "eval", "exec", "__import__", "__builtins__", "__loader__", "__spec__"}
_FINDING_ATTRIBUTES = {"__globals__", "__dict__", "__module__", "modules", "f_globals", "f_back", "getmodule", "currentframe"}
_FINDING_MODULES = {"importlib", "inspect", "gc", "__main__", "runpy", "builtins", "pkgutil"}
_HARMLESS_MARKS = {"volant.step", "volant.pipelines.step.step", "functools.cache", "functools.lru_cache"}
_IN_QUERIES = re.compile(r"@(\w+)")  # pandas looks names of queries up where it is called from
_HARMLESS_CALLS = {"pathlib.Path", "pathlib.PurePath"}


class Function(Value, frozen=True, kw_only=True):
    """A function that can be left out. ``names``: what it may refer to in its file. ``paths``: files that it names."""

    digest: str
    names: tuple[str, ...]
    paths: tuple[str, ...]


class Reach(Value, frozen=True, kw_only=True):
    """A file in parts. ``rest``: digest of everything else, which runs at import; ``names`` and ``paths``: what that names."""

    rest: str
    names: tuple[str, ...]
    paths: tuple[str, ...]
    functions: dict[str, Function]

    def digest_for(self, function: str) -> str:
        """Digest of what a function of this file can reach in it."""
        return digest_value([self.rest, {name: self.functions[name].digest for name in self._reached(function)}])

    def paths_for(self, function: str) -> tuple[str, ...]:
        """Files named by what a function of this file can reach in it."""
        return tuple(dict.fromkeys(chain(self.paths, *(self.functions[name].paths for name in self._reached(function)))))

    def reaches(self, function: str, other: str) -> bool:
        """Whether a function of this file can reach something else of it; what is no function, everything can."""
        return other not in self.functions or other in self._reached(function)

    def _reached(self, function: str) -> list[str]:
        wanted: set[str] = set()
        pending = [function, *self.names]
        while pending:
            name = pending.pop()
            if name in self.functions and name not in wanted:
                wanted.add(name)
                pending.extend(self.functions[name].names)
        return sorted(wanted)


def reach_of(tree: ast.Module, nodes: list[ast.AST]) -> Reach | None:
    """The parts of a file without docstrings; None for one that must be taken whole. ``nodes`` are all of its nodes."""
    if any(_finds_functions(node) for node in nodes):
        return None
    found = bindings(tree)
    named, known = import_names(found), constants(found)
    functions: dict[str, Function] = {}
    rest: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, FunctionNode) and _only_defines(node, named):
            if node.name in functions:
                return None
            functions[node.name] = Function(digest=syntax_digest(node), names=_names(node), paths=path_texts(ast.walk(node), known))
        else:
            rest.append(node)
    names = sorted(set(chain.from_iterable(_names(node) for node in rest)))
    paths = path_texts(chain.from_iterable(ast.walk(node) for node in rest), known)
    return Reach(rest=digest_value([syntax_digest(node) for node in rest]), names=tuple(names), paths=paths, functions=functions)


def syntax_digest(node: ast.AST) -> str:
    """Digest of a syntax tree without positions."""
    return digest(ast.dump(node).encode("utf-8", "surrogatepass"))


def _finds_functions(node: ast.AST) -> bool:
    """Whether this could lead to a function of the file without naming it, or makes names mean something else."""
    if isinstance(node, ast.Name):
        return node.id in _FINDERS
    if isinstance(node, ast.Attribute):
        return node.attr in _FINDING_ATTRIBUTES
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in _FINDING_MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] in _FINDING_MODULES or any(alias.name in {"*", "modules"} for alias in node.names)
    return isinstance(node, ast.Global)


def _only_defines(node: FunctionNode, named: dict[str, str]) -> bool:
    """Whether the ``def`` does nothing but bind a name: no decorator or default of it runs code that could notice."""
    heads = [node.args, *([node.returns] if node.returns else []), *(type_part for type_part in getattr(node, "type_params", []))]
    calls = [call for head in heads for call in ast.walk(head) if isinstance(call, ast.Call)]
    plain = all(_full(call.func, named) in _HARMLESS_CALLS for call in calls)
    return plain and all(_full(d.func if isinstance(d, ast.Call) else d, named) in _HARMLESS_MARKS for d in node.decorator_list)


def _full(node: ast.expr, named: dict[str, str]) -> str:
    head, dot, rest = (dotted(node) or "").partition(".")
    return f"{named.get(head, head)}{dot}{rest}"


def _names(node: ast.stmt) -> tuple[str, ...]:
    """Names read anywhere in it, except a function's own parameters where they hide those of the file."""
    return tuple(sorted(set(_read(node))))


def _read(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and "@" in node.value:
            yield from _IN_QUERIES.findall(node.value)
        return
    hidden = _parameters(node.args) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else frozenset()
    inside = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else [node.body] if isinstance(node, ast.Lambda) else []
    for child in ast.iter_child_nodes(node):
        names = _read(child)
        yield from (name for name in names if name not in hidden) if child in inside else names


def _parameters(args: ast.arguments) -> frozenset[str]:
    several = [args.vararg, args.kwarg]
    return frozenset(a.arg for a in [*args.posonlyargs, *args.args, *args.kwonlyargs, *(one for one in several if one is not None)])
