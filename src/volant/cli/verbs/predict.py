"""``volant predict``."""

import click

from volant.cli.blocks import Hint, Text
from volant.cli.numbers import counted
from volant.cli.session import Answer, Session
from volant.cli.verb import verb


@verb("predict", example="volant predict @champion --data today.csv --output scored.csv")
@click.argument("model")
@click.option("--data", required=True, metavar="FILE", help="CSV or Parquet file with the model's columns.")
@click.option("--output", metavar="FILE", help="Where the answers go, .csv or .parquet (default: beside the data).")
@click.option("--no-log", is_flag=True, help="Do not keep the answers as evidence.")
def predict(session: Session, model: str, data: str, output: str | None, *, no_log: bool) -> Answer:
    """Score every row of a file.

    The answers are logged as a server would log them, so that labels by key, retraining and everything after work for
    people who never serve. MODEL is NAME@VERSION, a version, @champion or latest.
    """
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.predict(session.project, model, data, output, log=not no_log, progress=progress)
    logged = f", {counted(found['logged'], 'answer')} logged" if found["logged"] else ", nothing logged"
    text = f"{counted(found['rows'], 'row')} scored with {session.project.name}@{found['version']} into {found['output']}{logged}"
    hint = [Hint("volant labels add FILE, once the truth is known")] if found["logged"] else []
    rollout = [Text(found["rollout"]["sentence"])] if found["rollout"] else []
    return Answer(found, [Text(text), *rollout, *hint])
