"""Digests of files and folders outside a pipeline's code: parameters that are paths, files that code names or reads."""

import contextlib
import os
from pathlib import Path

from volant.data.stat_memo import StatMemo
from volant.kernel.clock import Clock
from volant.kernel.digests import digest, digest_file, digest_value

ABSENT = "absent"
UNREADABLE = "unreadable"
_MEMO = ".volant/cache/read-files.json"
_SMALL = 4 * 1024 * 1024
_HIDDEN = {"__pycache__"}


class FileDigests:
    """Content digests, each file hashed once per object. Large ones are remembered by size and change time across processes."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._memo = StatMemo(root / _MEMO, clock)
        self._known: dict[Path, str] = {}

    def file(self, path: Path) -> str:
        """Digest of a file's bytes, of a folder's listing with all contents, or ``absent``."""
        if path not in self._known:
            self._known[path] = self._content(path)
        return self._known[path]

    def _content(self, path: Path) -> str:
        try:
            if path.is_dir():
                return self._tree(path)
            size = path.stat().st_size
            if not path.is_file():
                return UNREADABLE
            return digest_file(path) if size < _SMALL else self._memo.digest(path)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except (OSError, ValueError):
            return UNREADABLE

    def _tree(self, folder: Path) -> str:
        found: dict[str, str] = {}
        for here, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if _is_content(name))
            for name in filter(_is_content, files):
                place = Path(here, name)
                found[os.fsencode(place.relative_to(folder)).hex()] = self.file(place)
        return digest_value(found)


def listing(folder: Path) -> str:
    """Digest of the names in a folder, hidden ones left out; ``absent`` if there is none."""
    with contextlib.suppress(OSError):
        names = sorted(name for name in os.listdir(os.fsencode(folder)) if _is_content(os.fsdecode(name)))  # noqa: PTH208 - as bytes
        return digest(b"\0".join(names))
    return ABSENT


def _is_content(name: str) -> bool:
    return not name.startswith(".") and name not in _HIDDEN and not name.endswith(".pyc")
