"""``volant tokens``."""

import click

from volant.cli.blocks import Cell, Mark, Style, Table, Text, dim, good, strong
from volant.cli.numbers import moment
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import UsageError

ROLES = ("viewer", "annotator", "contributor", "approver", "admin", "service")


@verb("create", example="volant tokens create shop --role service --lasts 90d")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What its holder may do.")
@click.option("--lasts", metavar="DURATION", help="When it ends by itself (default: never).")
def create(session: Session, name: str, role: str, lasts: str | None) -> Answer:
    """A new bearer token. The secret is printed once and kept nowhere; only its digest is stored.

    viewer reads; annotator also labels; contributor also predicts and runs; approver also approves; admin may do
    everything; service predicts and labels.
    """
    from volant.access.model import Role
    from volant.access.tokens import Tokens

    project = session.project
    token, secret = Tokens(project.tokens, project.clock).create(name, Role(role), lasts_us=_lasting(lasts))
    found = {"name": token.name, "role": role, "secret": secret, "expires_at": token.expires_at}
    return Answer(found, [Text(strong(secret)), Text(dim(f"token {name} ({role}); this is the only time that its secret is shown"))])


def _lasting(text: str | None) -> int | None:
    from volant.kernel.clock import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--lasts: {error}.", found=text, next_step="--lasts 90d", field="--lasts") from error


@verb("list", example="volant tokens list")
def list_tokens(session: Session) -> Answer:
    """All tokens ever made, without their secrets."""
    from volant.access.rules import is_live
    from volant.access.tokens import Tokens
    from volant.kernel.codec import plain

    project = session.project
    now = project.clock.now()
    tokens = Tokens(project.tokens, project.clock).all()
    found = [{**plain(token), "live": is_live(token, now)} for token in tokens]
    for record in found:
        del record["digest"]
    rows: list[list[Cell]] = [
        [strong(t.name), t.role.value, _standing(live=is_live(t, now)), moment(t.created_at), moment(t.expires_at), moment(t.revoked_at)]
        for t in tokens
    ]
    table = Table(["name", "role", "", "created", "ends", "revoked"], rows, "no tokens: volant tokens create NAME --role ROLE")
    return Answer({"tokens": found}, [table])


def _standing(*, live: bool) -> Mark:
    return good("live") if live else Mark("ended", Style.DIM)


@verb("revoke", example="volant tokens revoke shop")
@click.argument("name")
def revoke(session: Session, name: str) -> Answer:
    """End a token now; running servers notice within a second."""
    from volant.access.tokens import Tokens

    project = session.project
    Tokens(project.tokens, project.clock).revoke(name)
    return Answer({"name": name, "revoked": True}, [Text(f"{name} is revoked")])
