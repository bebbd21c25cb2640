"""Objects as files of a local folder: written beside, fsynced, renamed, and the folder fsynced, before a digest is returned."""

import contextlib
import errno
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from volant.adapters.objects.source import source_file
from volant.kernel.crashpoints import reach
from volant.kernel.digests import digest, digest_file
from volant.kernel.errors import IntegrityError, NotFoundError, UnavailableError

CHUNK = 1 << 20
TEMPORARY = re.compile("[0-9]+-[0-9a-f]{16}")  # process and chance
HEX = frozenset("0123456789abcdef")
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalObjects:
    """See :class:`volant.kernel.objects.ObjectStore`. ``root/ab/abcd…`` holds an object, ``root/tmp`` what is being written.

    Any number of processes may share the folder. Opening it sweeps what processes that are gone left half-written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tmp = root / "tmp"
        self._verified: set[str] = set()
        with self._explained("opened"):
            self._tmp.mkdir(parents=True, exist_ok=True)
            self._sweep()

    def put(self, data: bytes) -> str:
        """See the port."""
        name = digest(data)
        with self._explained("written"):
            if self._place(name).exists():
                self._settle(self._place(name))
            else:
                self._write(lambda file: _fill(file, data, name))
        return name

    def put_file(self, path: Path) -> str:
        """See the port."""
        with source_file(path) as source, self._explained("written"):
            return self._write(lambda file: _copy(source, file))

    def get(self, digest: str) -> bytes:
        """See the port."""
        place = self._existing(digest)
        with self._explained("read"):
            data = place.read_bytes()
        self._check(digest, blake3(data).hexdigest())
        return data

    def path(self, digest: str) -> Path:
        """See the port."""
        place = self._existing(digest)
        if digest not in self._verified:
            with self._explained("read"):
                self._check(digest, digest_file(place) if place.stat().st_size else blake3(b"").hexdigest())
            self._verified.add(digest)
        return place

    def has(self, digest: str) -> bool:
        """See the port."""
        return _is_digest(digest) and self._place(digest).exists()

    def _write(self, fill: Callable[[BinaryIO], str]) -> str:
        """Write to a file of our own, then give it the name of its content."""
        with self._new_file() as file:
            temporary = Path(file.name)
            try:
                name = fill(file)
                file.flush()
                os.fsync(file.fileno())
                reach("objects.written")
                place = self._place(name)
                if not place.exists():
                    place.parent.mkdir(exist_ok=True)
                    os.fchmod(file.fileno(), 0o444)
                    temporary.rename(place)
                self._settle(place)
                reach("objects.renamed")
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
        return name

    def _new_file(self) -> BinaryIO:
        """A file of our own, locked for as long as it is open: a sweep spares it, in whatever container it runs."""
        while True:
            file = (self._tmp / f"{os.getpid()}-{secrets.token_hex(8)}").open("xb")
            fcntl.flock(file, fcntl.LOCK_EX)
            if Path(file.name).exists():
                return file
            file.close()  # a sweep came between the two

    def _settle(self, place: Path) -> None:
        """Make the names durable. They may be another writer's that has not come to it yet; costs little where nothing changed."""
        _sync_folder(place.parent)
        _sync_folder(self._root)

    def _existing(self, name: str) -> Path:
        place = self._place(name) if _is_digest(name) else None
        if place is None or not place.exists():
            raise NotFoundError(
                f"Object {name[:64]} is not in the store.",
                found=f"nothing of that name below {self._root}",
                next_step="restore the objects folder from a backup, or run the step that made it again",
            )
        return place

    def _check(self, expected: str, found: str) -> None:
        if expected != found:
            raise IntegrityError(
                f"Object {expected} is damaged.",
                found=f"its bytes have the digest {found}",
                next_step=f"restore {self._place(expected)} from a backup, or delete it and run the step that made it again",
            )

    def _place(self, name: str) -> Path:
        return self._root / name[:2] / name

    def _sweep(self) -> None:
        for left in self._tmp.iterdir():
            if TEMPORARY.fullmatch(left.name):
                with contextlib.suppress(OSError), left.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _explained(self, deed: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise UnavailableError(
                    f"There is no space left for {self._root}.",
                    found="the disk or the quota is full; nothing half-written stays",
                    next_step="free some space, then try again",
                ) from error
            raise UnavailableError(
                f"The objects folder {self._root} cannot be {deed}.",
                found=str(error),
                next_step="check that it exists and that you may read and write it",
            ) from error


def _is_digest(text: str) -> bool:
    return len(text) == 64 and HEX.issuperset(text)


def _fill(file: BinaryIO, data: bytes, name: str) -> str:
    file.write(data)
    return name


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    hasher = blake3()
    while block := source.read(CHUNK):
        hasher.update(block)
        target.write(block)
    return hasher.hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
