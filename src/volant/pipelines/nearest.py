"""Names that a misspelt one may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names; None if none is similar. Case and underscores count little."""
    folded = {_fold(candidate): candidate for candidate in sorted(known, reverse=True)}
    found = get_close_matches(_fold(name), folded, n=1, cutoff=0.55)
    return folded[found[0]] if found else None


def nearest_hint(name: str, known: Iterable[str]) -> str | None:
    """``did you mean features?``, or None."""
    found = nearest(name, known)
    return f"did you mean {found}?" if found else None


def _fold(name: str) -> str:
    return name.lower().replace("_", "")
