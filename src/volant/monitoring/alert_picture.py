"""A column before and now as lines of text, for terminals and letters."""

from volant.monitoring.alert_model import Picture

_EIGHTHS = " ▏▎▍▌▋▊▉█"
WIDTH = 18
_LONGEST = 22
MOST_LINES = 12


def picture_lines(picture: Picture, width: int = WIDTH) -> list[str]:
    """A heading, then a line for each bar: its name, its share before and its share now. Empty without bars."""
    bars = few(picture)
    most = max((max(bar[1], bar[2]) for bar in bars), default=0.0)
    if most <= 0:
        return []
    wide = max(len(name) for name, _, _ in bars)
    head = f"{'':{wide}}  {'before':<{width + 7}}now"
    return [head, *(f"{name:{wide}}  {_side(before, most, width)}  {_side(now, most, width)}".rstrip() for name, before, now in bars)]


def few(picture: Picture) -> list[tuple[str, float, float]]:
    """(name, before, now) of at most ``MOST_LINES`` bars: neighbouring stretches of values go together."""
    bars = [(_short(bar.text), bar.before, bar.after) for bar in picture.bars]
    if not picture.numbers or len(bars) <= MOST_LINES:
        return bars[:MOST_LINES]
    step = -(-len(bars) // MOST_LINES)
    groups = [picture.bars[start : start + step] for start in range(0, len(bars), step)]
    return [
        (_short(_stretch(group[0].text, group[-1].text)), sum(bar.before for bar in group), sum(bar.after for bar in group))
        for group in groups
    ]


def _stretch(first: str, last: str) -> str:
    return first if first == last else f"{first.split(' to ', maxsplit=1)[0]} to {last.rsplit(' to ', maxsplit=1)[-1]}"


def _side(share: float, most: float, width: int) -> str:
    return f"{block(share / most, width):<{width}} {share:>4.0%}"


def block(share: float, width: int) -> str:
    """A bar of ``share`` of the width, in eighths of a sign; what is there at all shows."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    eighths = max(eighths, 1) if share > 0 else 0
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _short(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
