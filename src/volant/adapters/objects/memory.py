"""Objects in memory. ``path`` needs files, so they are written to a folder when asked for."""

import tempfile
from pathlib import Path

from volant.adapters.objects.source import source_file
from volant.kernel.digests import digest
from volant.kernel.errors import NotFoundError


class MemoryObjects:
    """See :class:`volant.kernel.objects.ObjectStore`. Gone with the process."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def put(self, data: bytes) -> str:
        """See the port."""
        name = digest(data)
        self._rows.setdefault(name, bytes(data))
        return name

    def put_file(self, path: Path) -> str:
        """See the port."""
        with source_file(path) as source:
            return self.put(source.read())

    def get(self, digest: str) -> bytes:
        """See the port."""
        if digest not in self._rows:
            raise NotFoundError(f"Object {digest[:64]} is not in the store.", next_step="run the step that made it again")
        return self._rows[digest]

    def path(self, digest: str) -> Path:
        """See the port."""
        data = self.get(digest)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="volant-objects-")
        place = Path(self._folder.name) / digest
        if not place.exists():
            place.write_bytes(data)
        return place

    def has(self, digest: str) -> bool:
        """See the port."""
        return digest in self._rows
