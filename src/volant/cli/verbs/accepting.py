"""``volant policy accept``."""

import click

from volant.cli.blocks import Block, Hint, Text, strong
from volant.cli.session import Answer, Session
from volant.cli.verb import verb


@verb("accept", example="volant policy accept --yes")
@click.argument("replay", metavar="[REPLAY]", required=False)
@click.option("--yes", is_flag=True, help="Write it; without this the change is only shown.")
def accept(session: Session, replay: str | None, *, yes: bool) -> Answer:
    """Put the policy that a replay recommends (the newest one, or the one named) into volant.yaml.

    Only when to retrain, its guard and the training window change; comments and everything else stay. Gates and autonomy stay
    yours: a recommended calendar was replayed without gates, on all known rows.
    """
    from volant.wiring import commands

    found = commands.accept_policy(session.project, replay, write=yes)
    blocks: list[Block] = [Text(line) for line in found["diff"]]
    blocks.append(Text(strong(found["sentence"])))
    return Answer(found, blocks if found["written"] or not found["diff"] else [*blocks, Hint("volant policy accept --yes writes it")])
