"""Several findings at once, with the share of false ones among them held (Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57)."""

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float], *, dependent: bool = False) -> tuple[float, ...]:
    """Adjusted p-values in the order given; those at most q have an expected share of false findings of at most q.

    For independent or positively dependent p-values; ``dependent`` holds for any (Benjamini & Yekutieli 2001, Ann. Stat. 29).
    """
    count = len(p_values)
    factor = sum(1 / number for number in range(1, count + 1)) if dependent else 1.0
    order = sorted(range(count), key=lambda place: p_values[place])
    adjusted, least = [1.0] * count, 1.0
    for rank in range(count, 0, -1):
        place = order[rank - 1]
        least = min(least, factor * count * p_values[place] / rank)
        adjusted[place] = least
    return tuple(adjusted)
