"""``volant labels``."""

from typing import Any

import click

from volant.cli.blocks import Block, Hint, Text, warn
from volant.cli.numbers import counted
from volant.cli.session import Answer, Session
from volant.cli.verb import names, verb
from volant.kernel.errors import EXIT_CODES


@verb("add", example="volant labels add truth.csv --on station,hour")
@click.argument("file")
@click.option("--on", metavar="COLS", multiple=True, callback=names, help="The project's key columns, or prediction_id.")
@click.option("--column", metavar="COL", help="Column with the labels (default: the target's name).")
@click.option("--known-at", "known_at", metavar="COL", help="Column that says when each label became known (default: now).")
def add(session: Session, file: str, on: tuple[str, ...], column: str | None, known_at: str | None) -> Answer:
    """Add labels from a CSV or Parquet file, in any order, late, repeated or corrected.

    A later label for the same prediction or key corrects the earlier one; both are kept. Labels whose prediction is not
    there yet wait for it. Labels that cannot be used are listed; exit code 3 if none could be.
    """
    from volant.wiring import commands

    found = commands.add_labels(session.project, file, on, column=column, known_at_column=known_at)
    usable = found["new"] + found["corrected"] + found["repeated"]
    return Answer(found, _blocks(found), EXIT_CODES["check_failed"] if found["rows"] and not usable else 0)


def _blocks(found: dict[str, Any]) -> list[Block]:
    parts = [f"{found['new']:,} new", f"{found['corrected']:,} corrected", f"{found['repeated']:,} repeated"]
    blocks: list[Block] = [Text(f"{counted(found['rows'], 'label')}: {', '.join(parts)}")]
    if found.get("unmatched"):
        blocks.append(Text(f"{counted(found['unmatched'], 'label')} of nothing that was predicted yet; they are kept"))
    unusable = found.get("unusable") or []
    blocks += [Text(warn(f"not usable: {_reason(item)}")) for item in unusable[:20]]
    if len(unusable) > 20:
        blocks.append(Text(f"... and {len(unusable) - 20:,} more"))
    if found.get("rollout"):
        blocks.append(Text(found["rollout"]["sentence"]))
    blocks.append(Hint("volant run"))
    return blocks


def _reason(item: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in item.items()) if isinstance(item, dict) else str(item)
