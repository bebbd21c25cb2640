"""``volant init``."""

import click

from volant.cli.blocks import Block, Hint, Table, Text, dim, strong, warn
from volant.cli.session import Answer, Session
from volant.cli.verb import names, verb


@verb("init", example="volant init bikes --data rides.csv --target cnt --time hour --label-delay 1d", project=False)
@click.argument("name")
@click.option("--data", metavar="FILE", help="CSV or Parquet file to learn from; it stays where it is.")
@click.option("--target", metavar="COL", help="Column to predict.")
@click.option("--task", metavar="TASK", help="regression, binary or multiclass.")
@click.option("--metric", metavar="METRIC", help="Decides gates, replay and retraining: mae, error, logloss, ...")
@click.option("--time", metavar="COL", help="Column that says when a row happens.")
@click.option("--tick", metavar="DURATION", help="How long a row lasts, where no column says when: 30m, 1d.")
@click.option("--key", metavar="COLS", multiple=True, callback=names, help="Columns that name a row; labels join by them.")
@click.option("--group", metavar="COL", help="Column of rows that belong together.")
@click.option("--label-delay", metavar="DURATION", help="How long after the row its target becomes known: 24h.")
@click.option("--drop", metavar="COLS", multiple=True, callback=names, help="Columns that are no features.")
@click.option("--template", is_flag=True, help="Begin with a small made-up example instead of a file.")
def init(session: Session, name: str, **said: object) -> Answer:
    """Write a project into the new folder NAME.

    It holds volant.yaml (the policy), pipeline.py (the features and the model), contract.odcs.yaml (what the data
    promise) and tests that plain pytest runs. What was not said is guessed; each guess is printed with the option that
    changes it.
    """
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.init(session.folder.absolute(), name, environment=session.environment, progress=progress, **said)  # type: ignore[arg-type]
    return Answer(found, _blocks(name, found))


def _blocks(name: str, found: dict[str, object]) -> list[Block]:
    written, guesses, warnings = found["written"], found["guesses"], found["warnings"]
    assert isinstance(written, list)
    assert isinstance(guesses, list)
    assert isinstance(warnings, list)
    blocks: list[Block] = []
    if guesses:
        rows = [[strong(g["what"]), g["value"], g["why"], dim(g["option"])] for g in guesses]
        blocks += [Text("Guessed, because it was not said:"), Table(["what", "value", "why", "change it with"], rows), Text("")]
    blocks += [Text(warn(f"warning: {text}")) for text in warnings]
    blocks += [Text(f"wrote {', '.join(written)}"), Hint(f"cd {name} && volant run")]
    return blocks
