"""Whether a candidate can be asked what the champion is asked."""

from collections.abc import Collection, Sequence

Classes = Sequence[bool | int | float | str]


def misfit(asked: str, given: Collection[str], champion: Classes, inputs: Collection[str], candidate: Classes) -> str | None:
    """Why it cannot, or None. ``given`` are the columns of what is ``asked``, ``inputs`` those that the candidate takes, the
    others both arms' classes.
    """
    missing = sorted(set(inputs) - set(given))
    if missing:
        return f"it takes column {missing[0]!r}, which {asked} does not have; approve it without steps instead"
    if tuple(candidate) != tuple(champion):
        return "its classes are not the champion's; approve it without steps instead"
    return None
