"""Where imports lead: to files of the project, or to what is installed."""

from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple

from volant.kernel.codec import Value


class Import(Value, frozen=True, kw_only=True):
    """``from ..module import names`` (``level`` dots), or ``import module`` with no names. ``*`` is a name too."""

    module: str
    level: int = 0
    names: tuple[str, ...] = ()


class Resolved(NamedTuple):
    """Files that run because of an import (parents' ``__init__`` included), and what is not of the project."""

    files: tuple[Path, ...]
    external: tuple[str, ...]


class Place(NamedTuple):
    """A module found below a folder: the files run on the way, and the folder if it is a package."""

    files: tuple[Path, ...]
    folder: Path | None
    complete: bool  # every part of the dotted name was a module; else the rest are attributes


def resolve(imported: Import, importer: Path, search: tuple[Path, ...]) -> Resolved:
    """Look an import of the file ``importer`` up, first match in ``search`` wins."""
    if imported.level:
        base = importer.parent
        for _ in range(imported.level - 1):
            base = base.parent
        package = (base / "__init__.py",) if (base / "__init__.py").is_file() else ()
        place = locate(imported.module, base) if imported.module else Place((), base, complete=True)
        return Resolved(() if place is None else (*package, *_with_names(place, imported.names)), ())
    for folder in search:
        place = locate(imported.module, folder)
        if place is not None:
            files = _with_names(place, imported.names)
            if files:
                return Resolved(files, ())
    return Resolved((), (imported.module,))


def _with_names(place: Place, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The module's files, and those of submodules that are imported by name from a package."""
    files = list(place.files)
    if place.folder is not None and place.complete:
        wanted = names if "*" not in names else (*names, *_submodules(place.folder))
        for name in wanted:
            below = locate(name, place.folder) if name != "*" else None
            files.extend(below.files if below is not None else ())
    return tuple(dict.fromkeys(files))


def _submodules(folder: Path) -> tuple[str, ...]:
    """Names that ``from package import *`` could load: ``__all__`` is not run, so all of them."""
    return tuple(sorted(path.stem for path in folder.glob("*.py") if path.name != "__init__.py"))


@lru_cache(maxsize=4096)
def _kind(folder: Path, part: str) -> tuple[str, Path] | None:
    package = folder / part
    if (package / "__init__.py").is_file():
        return "package", package / "__init__.py"
    if (folder / f"{part}.py").is_file():
        return "module", folder / f"{part}.py"
    for suffix in EXTENSION_SUFFIXES:
        if (folder / f"{part}{suffix}").is_file():
            return "module", folder / f"{part}{suffix}"
    return ("namespace", package) if package.is_dir() else None


def forget_files() -> None:
    """Look at the disk again: files may have come or gone since the last look."""
    _kind.cache_clear()


def locate(module: str, folder: Path) -> Place | None:
    """A dotted name below ``folder``; None if its first part is not there."""
    files: list[Path] = []
    here, parts = folder, module.split(".")
    for number, part in enumerate(parts):
        kind = _kind(here, part)
        if kind is None:
            return Place(tuple(files), None, complete=False) if number else None
        if kind[0] == "module":
            return Place((*files, kind[1]), None, complete=number == len(parts) - 1)
        if kind[0] == "package":
            files.append(kind[1])
        here = here / part
    return Place(tuple(files), here, complete=True)
