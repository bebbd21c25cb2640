"""Installed distributions behind imported modules: name, version and a digest of the list of their files.

Reads ``*.dist-info`` folders itself: ``importlib.metadata`` parses far more than is needed here, and start-up time counts.
"""

import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import NamedTuple

from volant.kernel.digests import digest

_USUAL = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "PIL": "pillow",
    "dateutil": "python-dateutil",
    "cv2": "opencv-python",
    "skimage": "scikit-image",
    "bs4": "beautifulsoup4",
    "attr": "attrs",
}
_SITES = {"site-packages", "dist-packages"}
_SKIP_REQUIRED = re.compile(r";.*\bextra\b")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Distribution(NamedTuple):
    """``info`` is its ``dist-info`` folder; ``name`` is in canonical form."""

    name: str
    version: str
    info: Path

    def record(self) -> bytes:
        """The list of its files with their digests; empty if the installer wrote none."""
        try:
            return (self.info / "RECORD").read_bytes()
        except OSError:
            return b""

    def requires(self) -> tuple[str, ...]:
        """Canonical names of what it needs, without extras."""
        try:
            head = (self.info / "METADATA").read_text("utf-8", "replace").partition("\n\n")[0]
        except OSError:
            return ()
        lines = [line.removeprefix("Requires-Dist:").strip() for line in head.splitlines() if line.startswith("Requires-Dist:")]
        names = [_NAME.match(line) for line in lines if not _SKIP_REQUIRED.search(line)]
        return tuple(canonical_name(found.group()) for found in names if found)


def canonical_name(name: str) -> str:
    """``scikit_learn`` and ``Scikit.Learn`` are ``scikit-learn``."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Installed:
    """What is installed now. Make a new one to look again."""

    def __init__(self) -> None:
        self._by_name = _scan()
        self._records: dict[str, bytes] = {}
        self._behind: dict[str, tuple[Distribution, ...]] = {}
        self._specs: dict[str, ModuleSpec | None] = {}

    def local_folder(self, top: str) -> Path | None:
        """The folder that holds a top-level module which is importable but not installed as files (editable, ``PYTHONPATH``)."""
        if top == "volant" or is_standard(top):
            return None
        spec = self._spec(top)
        origin = spec.origin if spec is not None else None
        if spec is None or origin is None or not origin.endswith(".py") or _SITES & set(Path(origin).parts):
            return None
        place = Path(origin)
        return place.parent.parent if spec.submodule_search_locations else place.parent

    def behind(self, top: str) -> tuple[Distribution, ...]:
        """Distributions that bring a top-level module; several for a namespace package, none for what is not installed."""
        if top not in self._behind:
            self._behind[top] = () if is_standard(top) else self._find(top)
        return self._behind[top]

    def describe(self, tops: frozenset[str]) -> dict[str, str]:
        """Components of an identity: each distribution behind the modules and what those require, ``version filelist``."""
        found = {d.name: d for top in tops for d in self.behind(top)}
        pending = list(found.values())
        while pending:
            for name in pending.pop().requires():
                needed = self._by_name.get(name)
                if needed is not None and name not in found:
                    found[name] = needed
                    pending.append(needed)
        missing = {top: self._undistributed(top) for top in tops if not is_standard(top) and not self.behind(top)}
        return missing | {name: f"{d.version} {digest(self._record(d))[:16]}" for name, d in sorted(found.items())}

    def versions(self, tops: frozenset[str]) -> dict[str, str]:
        """Versions of the distributions behind the modules themselves."""
        return {d.name: d.version for top in sorted(tops) for d in self.behind(top)}

    def _undistributed(self, top: str) -> str:
        """A module that no distribution lists: digest of its file, or that it is not there."""
        origin = getattr(self._spec(top), "origin", None)
        try:
            return digest(Path(origin).read_bytes())[:16] if origin else "absent"
        except OSError:
            return "absent"

    def _spec(self, top: str) -> ModuleSpec | None:
        if top not in self._specs:
            self._specs[top] = _find_spec(top)
        return self._specs[top]

    def _record(self, found: Distribution) -> bytes:
        if found.name not in self._records:
            self._records[found.name] = found.record()
        return self._records[found.name]

    def _brings(self, found: Distribution, top: str) -> bool:
        record, name = b"\n" + self._record(found), top.encode()
        return any(b"\n" + name + end in record for end in (b"/", b".py,", b".cpython-", b".abi3", b".so,"))

    def _find(self, top: str) -> tuple[Distribution, ...]:
        spec = self._spec(top)
        is_namespace = spec is not None and spec.origin is None
        for name in (canonical_name(top), _USUAL.get(top)):
            found = self._by_name.get(name) if name else None
            if found is not None and not is_namespace and self._brings(found, top):
                return (found,)
        return tuple(found for _, found in sorted(self._by_name.items()) if self._brings(found, top)) if spec is not None else ()


def is_standard(top: str) -> bool:
    """Whether a module comes with Python."""
    return top in sys.stdlib_module_names or top in sys.builtin_module_names


def _scan() -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    for entry in sys.path:
        folder = Path(entry)
        if folder.name in _SITES or folder.name.endswith("packages"):
            for info in folder.glob("*.dist-info"):
                name, _, version = info.name.removesuffix(".dist-info").partition("-")
                found.setdefault(canonical_name(name), Distribution(canonical_name(name), version, info))
    return found


def _find_spec(top: str) -> ModuleSpec | None:
    """As an import would, but without consulting modules that are loaded already."""
    try:
        found = PathFinder.find_spec(top)
        others = [f for f in sys.meta_path if getattr(f, "__module__", "").startswith("__editable__")] if found is None else []
        return found or next((spec for f in others if (spec := f.find_spec(top, None)) is not None), None)
    except (ImportError, ValueError, AttributeError, OSError):
        return None
