"""The project's own modules of one package, kept apart from those of others in the same process.

Every project calls its file ``pipeline.py``, and a gate compares two versions of it. So a package's modules are in
``sys.modules`` only while its code is imported or run.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import ModuleType


class CodeModules:
    """Modules of files below ``folder``, named by project-relative paths. Not thread-safe."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        paths = [PurePosixPath(file) for file in files if file.endswith(".py")]
        roots = sorted({"", *(_root(path, set(files)) for path in paths)}, key=lambda root: (root.count("/") + bool(root), root))
        self._search = [str(folder / root) if root else str(folder) for root in roots]
        self._names = sorted({name for path in paths for root in roots for name in _module_names(path, root)})
        self._own: dict[str, ModuleType] = {}
        self._inside = not paths

    @contextmanager
    def present(self) -> Iterator[None]:
        """While it lasts, these are the modules that the project's names mean."""
        if self._inside:
            yield
            return
        others = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
        usual = sys.path[:]
        self._enter()
        try:
            yield
        finally:
            self._inside = False
            self._own = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
            sys.path[:] = usual
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
