"""Whole or nothing: several stores of one database change together."""

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Protocol


class Transactions(Protocol):
    """The database behind a set of stores."""

    def transaction(self) -> AbstractContextManager[None]:
        """Writers queue fairly, then all changes made inside become visible together, or none on an exception.

        A transaction opened inside another joins it. Without one, each store call is its own.
        """
        ...

    def mark(self) -> Hashable:
        """Differs from what the same thread was given before once anybody has changed anything in between.

        What two threads are given cannot be compared.
        """
        ...
