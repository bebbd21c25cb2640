"""One SQLite file in WAL mode with ``synchronous=FULL``: a connection per thread, writers queued before they begin."""

import contextlib
import itertools
import os
import sqlite3
import threading
import weakref
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from volant.adapters.db.sqlite.failures import explained
from volant.adapters.db.sqlite.migrating import migrate
from volant.adapters.db.sqlite.places import prepare
from volant.adapters.db.sqlite.writer_queue import WriterQueue
from volant.kernel.clock import Clock
from volant.kernel.crashpoints import reach
from volant.kernel.errors import UnavailableError
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
        self._open: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._inherited: list[_Handle] = []  # a parent's, kept from being closed by its forked child
        prepare(path)
        self._queue = WriterQueue(path.with_suffix(".lock"))
        with explained(path):
            migrate(self._connection(), path, self._queue, clock)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``kernel.transactions.Transactions``."""
        if self._inside():
            self._check_still_open()
            yield
            return
        with self._queue.turn():
            connection = self._connection()
            with explained(self.path):
                connection.execute("BEGIN IMMEDIATE")
            self._local.inside = os.getpid()
            self._local.passed = []
            try:
                yield
                self._check_still_open()
                with explained(self.path):
                    connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
            finally:
                self._local.inside = None
        for point in self._local.passed:
            reach(point)

    def mark(self) -> Hashable:
        """See ``kernel.transactions.Transactions``. Changes through this connection count apart from those through others."""
        connection = self._connection()
        return self._local.handle.number, self.row("PRAGMA data_version"), connection.total_changes

    def reach_after_commit(self, point: str) -> None:
        """Pass a crash point once the outermost transaction is committed. Only inside a transaction."""
        self._local.passed.append(point)

    def _check_still_open(self) -> None:
        """A full or failing disk makes SQLite end a transaction by itself; a caller that went on would write outside of it."""
        if not self._connection().in_transaction:
            raise UnavailableError(
                f"A change to {self.path} could not be finished.",
                found="an error inside the transaction undid all of it",
                next_step="look at the first error, then try again",
            )

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:  # closing undoes it as well, and the next use gets a sound connection
                connection.close()
                self._local.handle = None

    def rows(self, statement: str, values: Sequence[object] | dict[str, object] = ()) -> Rows:
        """All rows of a query."""
        with explained(self.path):
            return self._connection().execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[object] | dict[str, object] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with explained(self.path):
            found: tuple[Any, ...] | None = self._connection().execute(statement, values).fetchone()
            return found

    def first_of_each(self, statement: str, values: Iterable[Sequence[object]]) -> list[tuple[Any, ...] | None]:
        """The first row of a query for each tuple of values, or None."""
        with explained(self.path):
            cursor = self._connection().cursor()
            return [cursor.execute(statement, one).fetchone() for one in values]

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
        for handle in list(self._open):
            handle.close()
        self._local = threading.local()

    def _inside(self) -> bool:
        return getattr(self._local, "inside", None) == os.getpid()

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection. A forked child gets its own: SQLite handles do not survive a fork."""
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is not None and handle.process != os.getpid():
            self._inherited.append(handle)
            handle = None
        if handle is None:
            handle = _Handle(sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS))
            handle.connection.execute("PRAGMA synchronous=FULL")
            self._local.handle = handle
            self._open.add(handle)
        return handle.connection


class _Handle:
    """The connection of one thread, closed when the thread ends."""

    _numbers = itertools.count()

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.number = next(self._numbers)
        self.connection = connection
        self.process = os.getpid()

    def close(self) -> None:
        """Close it, unless it belongs to the process that this one was forked from."""
        if self.process == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                self.connection.close()

    __del__ = close
