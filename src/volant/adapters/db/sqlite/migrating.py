"""Brings a database to the schema this code knows: numbered files, each in one transaction, in order."""

import sqlite3
from pathlib import Path

from volant.adapters.db.sqlite.statements import SCHEMA, migrations
from volant.adapters.db.sqlite.writer_queue import WriterQueue
from volant.kernel.clock import Clock
from volant.kernel.errors import IntegrityError, UnavailableError

APPLICATION = 0x566F6C61  # "Vola", in the header of every database that Volant made
# One statement, so that a database which another process is just making is seen before or after, never in between.
_HEADER = "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version, pragma_application_id"
_HISTORY = "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
OLDEST_SQLITE = (3, 37, 0)  # STRICT tables


def check_library(version: tuple[int, int, int]) -> None:
    """``UnavailableError`` where the interpreter was built with an SQLite that cannot read the schema."""
    if version < OLDEST_SQLITE:
        raise UnavailableError(
            "This Python's SQLite is too old.",
            found=f"SQLite {'.'.join(map(str, version))}; Volant needs {'.'.join(map(str, OLDEST_SQLITE))} or newer",
            next_step="use a Python that brings a newer one, for example: uv python install 3.12",
        )


def migrate(connection: sqlite3.Connection, path: Path, queue: WriterQueue, clock: Clock) -> None:
    """Apply what is missing. One query when nothing is.

    ``UnavailableError`` for a schema newer than this code, ``IntegrityError`` for a file that is not Volant's.
    """
    check_library(sqlite3.sqlite_version_info)
    if _version(connection, path) == SCHEMA:
        return
    with queue.turn():
        _use_wal(connection, path)
        version = _version(connection, path)
        for number, name, file in migrations():
            if number > version:
                _apply(connection, number, name, file.read_text(encoding="utf-8"), clock.now())


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version, application, tables = connection.execute(_HEADER).fetchone()
    if application != APPLICATION and tables:
        raise IntegrityError(
            f"{path} is not a database of Volant.", found="an SQLite file made by another program", next_step="move it away"
        )
    if application == APPLICATION and version > SCHEMA:
        raise UnavailableError(
            f"The database {path} was written by a newer Volant.",
            found=f"schema {version}; this version knows schemas up to {SCHEMA}",
            next_step="upgrade Volant: pip install --upgrade volant",
        )
    return int(version) if application == APPLICATION else 0


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise UnavailableError(
            f"The database {path} cannot use a write-ahead log.",
            found=f"journal mode {mode} is all its file system allows",
            next_step="put the project on a local disk",
        )


def _apply(connection: sqlite3.Connection, number: int, name: str, script: str, now: int) -> None:
    """One migration, its history row and the version in the header: all or nothing."""
    try:
        connection.executescript(f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; {_HISTORY};\n{script}")
        connection.execute("INSERT INTO migration VALUES (?, ?, ?)", (number, name, now))
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
