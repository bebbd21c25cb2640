"""One SQLite file in WAL mode with ``synchronous=FULL``: a connection per thread, writers queued before they begin."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from volant.adapters.db.sqlite.failures import explained
from volant.adapters.db.sqlite.migrating import migrate
from volant.adapters.db.sqlite.places import prepare
from volant.adapters.db.sqlite.writer_queue import WriterQueue
from volant.kernel.clock import Clock
from volant.kernel.ids import Ids

BUSY_SECONDS = 60  # only other programs can hold the file: our own writers queue before they begin

Rows = list[tuple[Any, ...]]


class SqliteDatabase:
    """A database file, made and migrated on opening. Threads may share it; each gets a connection of its own.

    Raises ``UnavailableError`` (no permission, disk full, made by a newer Volant) or ``IntegrityError`` (damaged).
    """

    def __init__(self, path: Path, clock: Clock, ids: Ids) -> None:
        self.path = path
        self.clock = clock
        self.ids = ids
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        prepare(path)
        self._queue = WriterQueue(path.with_suffix(".lock"))
        with explained(path):
            migrate(self._connection(), path, self._queue, clock)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``kernel.transactions.Transactions``."""
        if self._inside():
            yield
            return
        with explained(self.path), self._queue.turn():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            self._local.inside = os.getpid()
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.inside = None

    def rows(self, statement: str, values: Sequence[object] | dict[str, object] = ()) -> Rows:
        """All rows of a query."""
        with explained(self.path):
            return self._connection().execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[object] | dict[str, object] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with explained(self.path):
            found: tuple[Any, ...] | None = self._connection().execute(statement, values).fetchone()
            return found

    def write(self, statement: str, values: Sequence[object] | dict[str, object] = ()) -> int:
        """Run one change, in a transaction of its own unless one is open. Returns the number of rows changed."""
        with self.transaction(), explained(self.path):
            return self._connection().execute(statement, values).rowcount

    def write_many(self, statement: str, values: Sequence[Sequence[object]]) -> None:
        """Run one change for each tuple of values, all or nothing."""
        with self.transaction(), explained(self.path):
            self._connection().executemany(statement, values)

    def close(self) -> None:
        """Close all connections. The next use opens new ones."""
        for connection in self._open:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        self._open.clear()
        self._local = threading.local()

    def _inside(self) -> bool:
        return getattr(self._local, "inside", None) == os.getpid()

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection. A forked child gets its own: SQLite handles do not survive a fork."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None or self._local.process != os.getpid():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection, self._local.process = connection, os.getpid()
            self._open.append(connection)
        return connection
