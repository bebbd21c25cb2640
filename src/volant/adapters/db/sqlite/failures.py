"""What SQLite's and the file system's errors mean to the caller."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from volant.kernel.errors import IntegrityError, InternalError, InvalidInputError, UnavailableError, VolantError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the file system into the error tree; ``sqlite3.IntegrityError`` stays for the stores."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise explain(error, path) from error
    except UnicodeEncodeError as error:
        raise InvalidInputError("A text cannot be stored.", found=str(error), next_step="send valid Unicode") from error
    except OverflowError as error:
        raise InvalidInputError("A number does not fit into 64 bits.", found=str(error)) from error


def explain(error: Exception, path: Path) -> VolantError:
    """The error that says what happened to the database at ``path`` and what to do."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return disk_full(path)
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return IntegrityError(f"The database {path} is damaged.", found=str(error), next_step="restore it from a backup")
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return UnavailableError(
            f"The database {path} is held by another program.", found=str(error), next_step="close tools that write to it, then try again"
        )
    if primary in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return UnavailableError(
            f"The database {path} cannot be used.",
            found=f"{error} ({name})",
            next_step="check the disk's space, its health and the rights on the folder",
        )
    return InternalError(f"The database {path} refused a statement.", found=f"{type(error).__name__}: {error}")


def disk_full(path: Path) -> UnavailableError:
    """Nothing more fits; nothing was changed."""
    return UnavailableError(
        f"There is no space left for {path}.",
        found="the disk or the quota is full; nothing was changed",
        next_step="free some space, then try again",
    )


def explain_os(error: OSError, path: Path) -> UnavailableError:
    """A file of the database cannot be opened or written."""
    if error.errno in _FULL:
        return disk_full(path)
    return UnavailableError(
        f"{path} cannot be used.", found=error.strerror or str(error), next_step="check that its folder exists and that you may write to it"
    )
