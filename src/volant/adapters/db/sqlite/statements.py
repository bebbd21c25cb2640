"""SQL kept in files: one file of named statements per noun, and numbered migrations."""

from functools import cache
from pathlib import Path

STATEMENTS = Path(__file__).parent / "sql"
MIGRATIONS = Path(__file__).parent / "migrations"
SCHEMA = 7  # the number of the last migration; a test holds it to the files


@cache
def statements(noun: str) -> dict[str, str]:
    """All statements of one noun's file: ``-- name: NAME`` starts one that ends at the next."""
    text = (STATEMENTS / f"{noun}.sql").read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    return {name.strip(): body.strip() for name, _, body in (part.partition("\n") for part in parts)}


def migrations() -> list[tuple[int, str, Path]]:
    """Number, name and file of each migration, in order."""
    return [(int(file.stem[:4]), file.stem[5:], file) for file in sorted(MIGRATIONS.glob("[0-9]*.sql"))]
