"""Importing the user's modules, as they are on disk now, and telling what they read while they are imported.

One project at a time is loaded in a process. Modules are compiled from their source: a stale ``.pyc`` (same second, same
size) must not run in place of what was identified, and nothing is written into the project's folder.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from volant.kernel.digests import digest
from volant.kernel.errors import InvalidInputError, VolantError
from volant.models.user_errors import user_error
from volant.pipelines.closure import Sources
from volant.pipelines.first_reading import file_bytes
from volant.pipelines.model import Graph, StepDef
from volant.pipelines.observe import Place, Reads, note_import, observing


class _FromSource(SourceFileLoader):
    """Compiles what the file holds now."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = file_bytes(path)
        _process.loaded[fullname] = (path, digest(source))
        note_import(path)
        return self.source_to_code(source, path)


class _Finder(MetaPathFinder):
    """Finds modules of the project before any installed one."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = list(folders)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Only regular modules and packages; the rest is left to Python."""
        places = self._first_places() if path is None else [entry for entry in path if self._inside(entry)]
        spec = PathFinder.find_spec(fullname, places, target) if places else None
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader) or not self._inside(spec.origin):
            return None
        spec.loader = _FromSource(fullname, spec.origin)
        return spec

    def _first_places(self) -> list[str]:
        """``sys.path`` down to the project's folders: whoever put a folder before them (a package's own code) is heard first."""
        positions = [position for position, entry in enumerate(sys.path) if entry in self._folders]
        return sys.path[: max(positions) + 1] if positions else []

    def _inside(self, entry: str) -> bool:
        return "site-packages" not in entry and any(entry == f or entry.startswith(f + os.sep) for f in self._folders)


class _Process:
    """What is loaded in this process. ``loaded``: module -> file and digest of the source that runs."""

    def __init__(self) -> None:
        self.folders: tuple[str, ...] = ()
        self.finder: _Finder | None = None
        self.loaded: dict[str, tuple[str, str]] = {}
        self.reads: dict[Place, dict[str, None]] = {}
        self.paths: tuple[str, ...] = ()

    def prepare(self, graph: Graph, *, anew: bool) -> None:
        """Make the graph's project the loaded one; forget its modules if a file of them changed.

        ``anew``: also if they have read anything, for what they keep of it may no longer be so.
        """
        folders = tuple(os.path.normpath(Path(graph.root, folder)) for folder in graph.search)
        if folders != self.folders or self.finder not in sys.meta_path or self._changed() or (anew and self.reads):
            self._forget()
            self.folders, self.finder = folders, _Finder(folders)
            sys.meta_path.insert(0, self.finder)
            sys.path[:0] = folders
        sys.dont_write_bytecode = True

    def is_loaded(self, name: str) -> bool:
        """Whether the name means the project's module, and not that of somebody who came later."""
        path, _ = self.loaded.get(name, (None, ""))
        return path is not None and getattr(sys.modules.get(name), "__file__", None) == path

    def _changed(self) -> bool:
        return any(_digest_of(path) != before for path, before in self.loaded.values())

    def _forget(self) -> None:
        for name in self.loaded:
            sys.modules.pop(name, None)
            _forget_folders_above(name)
        for folder in self.folders:
            if folder in sys.path:
                sys.path.remove(folder)
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        self.loaded.clear()
        self.reads.clear()
        importlib.invalidate_caches()


_process = _Process()


def _forget_folders_above(name: str) -> None:
    """Folders without ``__init__`` are modules too, and hold on to the modules below them."""
    while "." in name:
        name = name.rpartition(".")[0]
        if getattr(sys.modules.get(name), "__file__", "") is None:
            del sys.modules[name]


def _digest_of(path: str) -> str | None:
    try:
        return digest(file_bytes(path))
    except OSError:
        return None


@contextmanager
def inside(graph: Graph, *, anew: bool = False) -> Iterator[None]:
    """The graph's project is loaded and its folder is the current one, so that ``open("data/x.csv")`` means its file.

    ``anew``: as at the start of a run, nothing that its modules have read before is believed.
    """
    before = Path.cwd()
    _process.prepare(graph, anew=anew)
    os.chdir(graph.root)
    try:
        yield
    finally:
        os.chdir(before)


def function_of(step: StepDef, sources: Sources) -> Callable[..., Any]:
    """The step's function. Errors of the user's modules are ``UserCodeError``; call it :func:`inside` the project."""
    if not _process.is_loaded(step.module):
        _import(step, sources)
    found = getattr(sys.modules[step.module], step.function, None)
    if not callable(found):
        raise InvalidInputError(
            f"{step.function} of {step.file} is no function once the file has run.",
            found="nothing of that name" if found is None else type(found).__name__,
            next_step="what a decorator returns must be callable, and nothing may rebind the name",
            field=f"{step.file}:{step.line}",
        )
    return found  # type: ignore[no-any-return]


def shared_reads(step: StepDef, sources: Sources) -> dict[str, None]:
    """What code that the step can reach has read in this process before, as names of ``Identity.observed``.

    At import, or in another step: a value that was read once and kept would otherwise be nobody's.
    """
    closure, own = sources.closure(step.file), str(sources.root / step.file)
    reach = None if closure.imported_back else closure.facts[sources.root / step.file].reach
    files = {str(file) for file in closure.facts}
    return {
        name: None
        for (file, top), names in _process.reads.items()
        if file in files and (file != own or reach is None or reach.reaches(step.function, top))
        for name in names
    }


def share(reads: Reads) -> None:
    """Remember what was read for whoever can reach the code that read it."""
    for place, names in reads.by_place.items():
        _process.reads.setdefault(place, {}).update(names)


def _import(step: StepDef, sources: Sources) -> None:
    _refuse_shadowed(step, sources)
    reads = Reads(sources.root)
    try:
        with observing(reads):
            importlib.import_module(step.module)
    except VolantError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(step, error) from error
    finally:
        share(reads)
    _refuse_shadowed(step, sources)


def _refuse_shadowed(step: StepDef, sources: Sources) -> None:
    """A project file that has the name of a module which was there first would silently not be the one that runs."""
    for path, base in sources.closure(step.file).bases.items():
        name = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
        there = sys.modules.get(name)
        origin = getattr(there, "__file__", None)
        if there is None or (origin is not None and os.path.realpath(origin) == os.path.realpath(path)):
            continue
        if origin is not None and _is_foreign_project(name, origin):
            del sys.modules[name]
            continue
        raise InvalidInputError(
            f"{sources.shown(path)} has the name of another module.",
            found=f"{name} is {origin or 'built into Python'}",
            next_step=f"rename {sources.shown(path)}",
            field=sources.shown(path),
        )


def _is_foreign_project(name: str, origin: str) -> bool:
    """A module that somebody else imported from another project (a champion's ``pipeline``, a test)."""
    return name not in sys.stdlib_module_names and "site-packages" not in origin and not name.startswith("volant")


def _failed(step: StepDef, error: BaseException) -> VolantError:
    next_step = f"repair {step.file}; importing it must work"
    if isinstance(error, ModuleNotFoundError) and error.name:
        next_step = f"install {error.name.partition('.')[0]}, or correct the import"
    return user_error(f"{step.file} cannot be imported.", error, next_step=next_step)
