"""The lineage graph.

A node is ``noun:name`` (``run:0192...``, ``dataset:bikes@3``, ``model:bikes@7``, ``gate:ID``, ``step:KEY``,
``object:DIGEST``, ``pipeline:DIGEST``, ``environment:DIGEST``, ``segment:ID``).
"""

from volant.kernel.codec import Value


class Edge(Value, frozen=True, kw_only=True):
    """``source`` was used to make ``target``; ``role`` says as what (``data``, ``code``, ``champion``, ...)."""

    source: str
    target: str
    role: str
