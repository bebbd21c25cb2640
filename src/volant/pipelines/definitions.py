"""Finding the function behind a name: in the pipeline file, or in a project file that it imports the name from."""

import ast
from pathlib import Path
from typing import NamedTuple

from volant.kernel.errors import InvalidInputError
from volant.pipelines.imports import Import, locate
from volant.pipelines.syntax import Binding, FunctionNode, bindings, constants, import_names, parse, read_source

_MAX_HOPS = 32


class SourceFile(NamedTuple):
    """A parsed file of the project. ``base`` is the folder that ``module`` is importable from."""

    path: Path
    shown: str
    module: str
    base: Path
    names: dict[str, list[Binding]]
    constants: dict[str, ast.expr]
    imported: dict[str, str]


class Definition(NamedTuple):
    """A function and the file that it stands in. ``name`` is what the pipeline calls it."""

    name: str
    node: FunctionNode
    file: SourceFile


class _NotAFunctionError(Exception):
    """The name cannot be a step; whether that is a mistake depends on who asked."""

    def __init__(self, reason: InvalidInputError) -> None:
        super().__init__(reason.what)
        self.reason = reason


class Definitions:
    """Looks names of the pipeline up, each file parsed once."""

    def __init__(self, root: Path, search: tuple[Path, ...]) -> None:
        self._root, self._search = root, search
        self._files: dict[Path, SourceFile] = {}

    def file(self, path: Path, base: Path) -> SourceFile:
        """Read and parse; errors name file and line."""
        if path not in self._files:
            shown = path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else str(path)
            names = bindings(parse(read_source(path, shown), shown))
            module = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
            self._files[path] = SourceFile(path, shown, module, base, names, constants(names), import_names(names))
        return self._files[path]

    def function(self, name: str, start: SourceFile) -> Definition | None:
        """As :meth:`find`; None too where the name stands for something else than a function."""
        try:
            return self._find(name, start)
        except _NotAFunctionError:
            return None

    def find(self, name: str, start: SourceFile) -> Definition | None:
        """The function that ``name`` stands for; None where nothing of the project does.

        ``InvalidInputError`` where the name stands for something that cannot be a step, or for two things.
        """
        try:
            return self._find(name, start)
        except _NotAFunctionError as error:
            raise error.reason from None

    def _find(self, name: str, start: SourceFile) -> Definition | None:
        here, called = start, name
        for _ in range(_MAX_HOPS):
            places = here.names.get(called, [])
            if not places:
                return None
            if len({place.line for place in places}) > 1:
                raise _NotAFunctionError(_bound_twice(called, here, places))
            place = places[-1]
            if place.kind == "def":
                assert isinstance(place.node, FunctionNode)
                return Definition(name, place.node, here)
            if place.kind != "import":
                raise _NotAFunctionError(_not_a_function(called, here, place))
            following = self._follow(called, here, place)
            if following is None:
                return None
            here, called = following
        circle = InvalidInputError(f"{name} of {start.shown} is imported in a circle.", next_step="define it with def in one of the files")
        raise _NotAFunctionError(circle)

    def _follow(self, name: str, here: SourceFile, place: Binding) -> tuple[SourceFile, str] | None:
        """The project file that a name was imported from, and its name there."""
        if not isinstance(place.node, ast.ImportFrom):
            return None
        original = next((alias.name for alias in place.node.names if name == (alias.asname or alias.name)), name)
        for base, folder in self._folders(here, place.node):
            module = place.node.module or ""
            found = locate(module, folder) if module else locate("__init__", folder)
            if found is not None and found.complete and found.files:
                return self.file(found.files[-1], base), original
        return None

    def _folders(self, here: SourceFile, node: ast.ImportFrom) -> list[tuple[Path, Path]]:
        if not node.level:
            return [(base, base) for base in self._search]
        folder = here.path.parent
        for _ in range(node.level - 1):
            folder = folder.parent
        return [(here.base, folder)]


def imports_of(node: ast.AST) -> tuple[Import, ...]:
    """What an import statement names, one entry per module; empty for other nodes."""
    if isinstance(node, ast.Import):
        return tuple(Import(module=alias.name) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (Import(module=node.module or "", level=node.level, names=tuple(alias.name for alias in node.names)),)
    return ()


def _bound_twice(name: str, here: SourceFile, places: list[Binding]) -> InvalidInputError:
    lines = " and ".join(str(place.line) for place in places)
    return InvalidInputError(
        f"{name} is defined more than once in {here.shown}.",
        found=f"lines {lines}; the graph is read from the source, so it must be clear which one is meant",
        next_step=f"rename or remove one of them (a function may contain an if, an if should not contain the step {name})",
        field=f"{here.shown}:{places[-1].line}",
    )


def _not_a_function(name: str, here: SourceFile, place: Binding) -> InvalidInputError:
    kind = "a class" if place.kind == "class" else "an assignment"
    return InvalidInputError(
        f"{name} cannot be a step.",
        found=f"{kind} in {here.shown}, line {place.line}; a step is a function",
        next_step=f"write def {name}(...): that returns it",
        field=f"{here.shown}:{place.line}",
    )
