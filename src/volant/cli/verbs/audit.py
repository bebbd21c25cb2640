"""``volant audit``."""

from typing import Any

import click

from volant.cli.blocks import Block, Text, bad, dim, good
from volant.cli.numbers import counted
from volant.cli.session import Answer, Session
from volant.cli.verb import verb
from volant.kernel.errors import NotFoundError


@verb("verify", example="volant audit verify")
def verify(session: Session) -> Answer:
    """Recompute every chain and compare it with the checkpoints. Exit code 1 if anything does not fit."""
    from volant.wiring import commands

    found = commands.audit_verify(session.project)
    return Answer(found, _blocks(found), 0 if found["intact"] else 1)


def _blocks(found: dict[str, Any]) -> list[Block]:
    counts = {key: value for key, value in found.items() if isinstance(value, int) and not isinstance(value, bool)}
    said = ", ".join(counted(value, key.rstrip("s")) for key, value in counts.items())
    if found["intact"]:
        return [Text(good(f"intact{': ' if said else ''}{said}"))]
    problems = next((value for value in found.values() if isinstance(value, list) and value), [])
    return [Text(bad("NOT intact")), *(Text(f"  {_problem(item)}") for item in problems), Text(dim(said))]


def _problem(item: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in item.items() if value is not None) if isinstance(item, dict) else str(item)


@verb("export", example="volant audit export > events.jsonl")
@click.option("--stream", metavar="NAME", help="Only this stream, like model/bikes.")
def export(session: Session, stream: str | None) -> Answer | int:
    """Every event with its chain, one JSON object per line, stream by stream."""
    import orjson

    from volant.wiring import commands

    events = commands.audit_export(session.project)
    if stream is not None:
        streams = sorted({event["stream"] for event in events})
        if stream not in streams:
            raise NotFoundError(
                f"There is no stream {stream!r}.", found=", ".join(streams) or "no events yet", next_step="name one of these"
            )
        events = [event for event in events if event["stream"] == stream]
    if session.as_json:
        return Answer({"events": events}, [])
    session.out.writelines(f"{orjson.dumps(event).decode()}\n" for event in events)
    return 0
