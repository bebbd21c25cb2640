"""What lineage needs stored."""

from collections.abc import Sequence
from typing import Protocol

from volant.lineage.model import Edge


class LineageStore(Protocol):
    """Edges, added once, never removed."""

    def add(self, edges: Sequence[Edge]) -> None:
        """Adding an edge again is nothing."""
        ...

    def into(self, node: str) -> tuple[Edge, ...]:
        """Edges whose target is the node."""
        ...

    def out_of(self, node: str) -> tuple[Edge, ...]:
        """Edges whose source is the node."""
        ...
