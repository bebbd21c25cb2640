"""Volant: from a data file to a model that keeps itself fresh.

The package imports nothing heavy: ``import volant`` is held to a module budget by a test. What a user's
pipeline needs (:func:`step`) is loaded on first use.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from volant.pipelines.step import step as step

__version__ = "0.1.0"
__all__ = ["__version__", "step"]


def __getattr__(name: str) -> object:
    if name == "step":
        from volant.pipelines.step import step

        return step
    raise AttributeError(f"module 'volant' has no attribute {name!r}")
