"""Made data for ``volant init --template``: hourly demand of a small shop, so that every command has something to do."""

import math
from datetime import datetime, timedelta
from pathlib import Path

FILE = Path("data") / "example.csv"
TARGET, TIME, LABEL_DELAY = "demand", "hour", "1d"
_HOURS = 24 * 60


def write_example(path: Path) -> None:
    """60 days of rows: ``hour``, ``temperature``, ``weather``, ``open``, ``demand``. The same bytes every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["hour,temperature,weather,open,demand", *(_row(i) for i in range(_HOURS))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(i: int) -> str:
    moment = datetime(2026, 1, 5) + timedelta(hours=i)  # noqa: DTZ001 - written without a zone, read as UTC
    is_open = 8 <= moment.hour < 20
    temperature = 8 + 6 * math.sin(2 * math.pi * (moment.hour - 9) / 24) + 4 * math.sin(2 * math.pi * i / 500) + 2 * _noise(i)
    weather = ("sun", "cloud", "rain")[int(3 * _noise(i // 6 + 7919)) % 3]
    mean = 5 + 30 * is_open * math.exp(-(((moment.hour - 14) / 4) ** 2)) + temperature + i / 200
    factor = {"sun": 1.2, "cloud": 1.0, "rain": 0.7}[weather] * (0.8 if moment.weekday() >= 5 else 1.0)
    demand = max(0, round(mean * factor * (0.85 + 0.3 * _noise(i + 104729))))
    return f"{moment.isoformat()},{temperature:.1f},{weather},{str(is_open).lower()},{demand}"


def _noise(i: int) -> float:
    """A number in [0, 1) that looks random and is the same everywhere (integer hash after Wang, 2007)."""
    value = i & 0xFFFFFFFF
    value = ((value ^ 61) ^ (value >> 16)) * 9 & 0xFFFFFFFF
    value = (value ^ (value >> 4)) * 0x27D4EB2D & 0xFFFFFFFF
    return (value ^ (value >> 15)) / 2**32
