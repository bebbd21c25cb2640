"""The project's own modules of one package, kept apart from those of others in the same process.

Every project calls its file ``pipeline.py``, and a gate compares two versions of it. So a package's modules are in
``sys.modules`` only while its code is imported or run, and are looked for in its folder before anywhere else.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import PurePosixPath
from types import CodeType, ModuleType

from volant.kernel.scratch import Claim


class _FromSource(SourceFileLoader):
    """Compiles the verified source; no compiled file beside it is read or written."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Finder(MetaPathFinder):
    """Finds a package's own modules, ahead of those of the project that the process may have loaded."""

    def __init__(self, names: frozenset[str], search: Sequence[str], claim: Claim) -> None:
        self._names = names
        self._search = search
        self._claim = claim  # the files are there for as long as they may be imported

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """None for what is not a module of the package."""
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, self._search if path is None else path, target)
        if spec is not None and spec.origin is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _FromSource(fullname, spec.origin)
        return spec


class CodeModules:
    """Modules of files below a claimed folder, named by project-relative paths. Not thread-safe."""

    def __init__(self, claim: Claim, files: Sequence[str]) -> None:
        folder = claim.folder
        paths = [PurePosixPath(file) for file in files if file.endswith(".py")]
        roots = sorted({"", *(_root(path, set(files)) for path in paths)}, key=lambda root: (root.count("/") + bool(root), root))
        self._search = [str(folder / root) if root else str(folder) for root in roots]
        self._names = sorted({name for path in paths for root in roots for name in _module_names(path, root)})
        self._finder = _Finder(frozenset(self._names), self._search, claim)
        self._own: dict[str, ModuleType] = {}
        self._inside = not paths

    @contextmanager
    def present(self) -> Iterator[None]:
        """While it lasts, these are the modules that the project's names mean."""
        if self._inside:
            yield
            return
        others = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
        self._enter()
        try:
            yield
        finally:
            self._inside = False
            self._own = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
            sys.meta_path.remove(self._finder)
            for folder in self._search:
                sys.path.remove(folder)
            sys.modules.update(others)

    def keep(self) -> None:
        """Make them the meaning of these names for good: for a process that serves one package."""
        if not self._inside:
            for name in self._names:
                sys.modules.pop(name, None)
            self._enter()

    def _enter(self) -> None:
        sys.modules.update(self._own)
        sys.path[:0] = self._search
        sys.meta_path.insert(0, self._finder)
        self._inside = True

    def load(self, module: str) -> ModuleType:
        """Import one of them; call it while they are present."""
        importlib.invalidate_caches()
        return importlib.import_module(module)


def _root(path: PurePosixPath, files: set[str]) -> str:
    """The folder from which the file is imported: the first one upwards that is no package."""
    folder = path.parent
    while str(folder) != "." and f"{folder}/__init__.py" in files:
        folder = folder.parent
    return "" if str(folder) == "." else str(folder)


def _module_names(path: PurePosixPath, root: str) -> Iterator[str]:
    """Dotted names under which the file, and the packages around it, can be imported from ``root``."""
    if root and not path.is_relative_to(root):
        return
    inner = path.relative_to(root) if root else path
    parts = inner.parts[:-1] if inner.name == "__init__.py" else (*inner.parts[:-1], inner.stem)
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])
