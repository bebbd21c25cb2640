"""Tables of immutable values in memory, changed whole or not at all. Gone with the process."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from volant.kernel.clock import Clock
from volant.kernel.ids import Ids

Table = dict[Any, Any]


class MemoryDatabase:
    """Dictionaries by name. Keys and values are immutable, so a copy of the dictionaries is a snapshot."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self.clock = clock
        self.ids = ids
        self._tables: dict[str, Table] = {}
        self._lock = threading.RLock()
        self._depth = 0
        self._changes = 0

    def table(self, name: str) -> Table:
        """The table of that name, made when first asked for. Change it only inside :meth:`transaction`."""
        return self._tables.setdefault(name, {})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``kernel.transactions.Transactions``."""
        with self._lock:
            before = {name: dict(rows) for name, rows in self._tables.items()} if self._depth == 0 else None
            self._depth += 1
            try:
                yield
            except BaseException:
                if before is not None:
                    self._restore(before)
                raise
            finally:
                self._depth -= 1
                self._changes += 1

    def mark(self) -> Hashable:
        """See ``kernel.transactions.Transactions``."""
        return self._changes

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold writers off, so that nothing half-done is seen."""
        with self._lock:
            yield

    def _restore(self, before: dict[str, Table]) -> None:
        for name, rows in self._tables.items():
            rows.clear()
            rows.update(before.get(name, {}))
