"""All files of the project that run when a module is imported: itself and what it imports, however deep."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from volant.kernel.digests import digest
from volant.pipelines.facts import Facts
from volant.pipelines.facts_memo import FactsMemo
from volant.pipelines.imports import resolve
from volant.pipelines.installed import Installed, is_standard
from volant.pipelines.model import Graph
from volant.pipelines.syntax import read_source


class Closure(NamedTuple):
    """``bases``: file -> the folder that it is importable from. ``tops``: top-level modules that are not of the project.

    ``imported_back``: another of the files imports the first one.
    """

    bases: dict[Path, Path]
    facts: dict[Path, Facts]
    tops: frozenset[str]
    imported_back: bool

    def doubts(self) -> tuple[str, ...]:
        """Why what runs cannot be told; empty if it can."""
        return tuple(doubt for facts in self.facts.values() for doubt in facts.doubts)


class Sources:
    """Files of a graph's project, each read once. Make a new one to look again."""

    def __init__(self, graph: Graph, installed: Installed) -> None:
        self.root = Path(graph.root)
        self.search = tuple(self.root / folder for folder in graph.search)
        self.installed = installed
        self._prefix = f"{self.root}{os.sep}"
        self._memo = FactsMemo(self.root)
        self._bytes: dict[Path, bytes] = {}
        self._facts: dict[Path, Facts] = {}
        self._targets: dict[tuple[Path, Path], tuple[tuple[tuple[Path, Path], ...], frozenset[str]]] = {}
        self._closures: dict[Path, Closure] = {}

    def shown(self, path: Path) -> str:
        """Relative to the project where it is inside."""
        return str(path).removeprefix(self._prefix).replace(os.sep, "/")

    def source(self, path: Path) -> bytes:
        """The file's bytes as they were at first reading."""
        if path not in self._bytes:
            self._bytes[path] = read_source(path, self.shown(path))
        return self._bytes[path]

    def facts(self, path: Path) -> Facts:
        """Compiled modules are known by their bytes."""
        if path not in self._facts:
            source = self.source(path)
            compiled = Facts(digest=digest(source), reach=None, imports=(), paths=(), doubts=()) if path.suffix != ".py" else None
            self._facts[path] = compiled or self._memo.facts(source, self.shown(path))
        return self._facts[path]

    def remember(self) -> None:
        """Keep the facts of files that were new, so that they need not be parsed again in another process."""
        self._memo.keep()

    def closure(self, file: str) -> Closure:
        """Of a step's file (relative to the root)."""
        start = self.root / file
        if start not in self._closures:
            self._closures[start] = self._walk(start)
        return self._closures[start]

    def _walk(self, start: Path) -> Closure:
        base = next((folder for folder in self.search if start.is_relative_to(folder)), start.parent)
        bases: dict[Path, Path] = {}
        back = False
        tops: set[str] = set()
        pending = [(start, base), *_packages_above(start, base)]
        while pending:
            path, folder = pending.pop()
            if path in bases:
                continue
            bases[path] = folder
            files, external = self._imported(path, folder)
            pending.extend(files)
            tops |= external
            back = back or any(file == start for file, _ in files)
        ordered = dict(sorted(bases.items()))
        return Closure(ordered, {path: self.facts(path) for path in ordered}, frozenset(tops), back)

    def _imported(self, path: Path, base: Path) -> tuple[tuple[tuple[Path, Path], ...], frozenset[str]]:
        if (path, base) not in self._targets:
            files: dict[tuple[Path, Path], None] = {}
            tops: set[str] = set()
            for imported in self.facts(path).imports:
                for folder in [base] if imported.level else self._folders(imported.module, base):
                    found = resolve(imported, path, (folder,)).files
                    files.update(dict.fromkeys((file, folder) for file in found))
                    if found:
                        break
                else:
                    top = imported.module.partition(".")[0]
                    tops |= {top} if not imported.level and not is_standard(top) else set()
            self._targets[path, base] = tuple(files), frozenset(tops)
        return self._targets[path, base]

    def _folders(self, module: str, base: Path) -> Iterator[Path]:
        yield from dict.fromkeys((*self.search, base))
        local = self.installed.local_folder(module.partition(".")[0])
        if local is not None:
            yield local


def _packages_above(start: Path, base: Path) -> list[tuple[Path, Path]]:
    """``__init__`` files that run before the module does."""
    folders = [parent for parent in start.parents if parent != base and parent.is_relative_to(base)]
    return [(folder / "__init__.py", base) for folder in folders if (folder / "__init__.py").is_file()]
