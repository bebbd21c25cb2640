"""Facts of source files, kept by content in the project's cache: with hundreds of modules, parsing is what would be felt."""

import contextlib
import os
import sys
from pathlib import Path

import msgspec

from volant.kernel.digests import digest
from volant.pipelines.facts import Facts, facts_of

_FILE = Path(".volant", "cache", "facts.msgpack")
_FORMAT = 3
_MOST = 5000


class FactsMemo:
    """One small file. Missing, damaged or of another version, it only costs parsing again."""

    def __init__(self, root: Path) -> None:
        self._file = root / _FILE
        self._kept: dict[str, Facts] | None = None
        self._new: dict[str, Facts] = {}

    def facts(self, source: bytes, shown: str) -> Facts:
        """As :func:`facts_of`, parsed only if these bytes were never seen under this name."""
        key = digest(f"{_FORMAT} {sys.implementation.cache_tag} {shown}\n".encode("utf-8", "surrogateescape") + source)
        if self._kept is None:
            self._kept = self._read()
        known = self._kept.get(key)
        if known is None:
            known = self._new[key] = facts_of(source, shown)
        return known

    def keep(self) -> None:
        """Write what is new. A project without a state folder gets none; a full or read-only disk is no reason to fail."""
        if not self._new or not self._file.parent.parent.is_dir():
            return
        entries = [*(self._kept or {}).items(), *self._new.items()][-_MOST:]
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(exist_ok=True)
            draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            draft.write_bytes(msgspec.msgpack.encode(dict(entries)))
            draft.replace(self._file)
        self._new.clear()

    def _read(self) -> dict[str, Facts]:
        try:
            return msgspec.msgpack.decode(self._file.read_bytes(), type=dict[str, Facts])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}
