"""``volant doctor``."""

from volant.cli.blocks import Block, Cell, Hint, Table, Text, bad, dim, good, warn
from volant.cli.session import Answer, Session
from volant.cli.verb import verb

_MARKS = {"ok": good("ok"), "warn": warn("look"), "bad": bad("BAD")}


@verb("doctor", example="volant doctor")
def doctor(session: Session) -> Answer:
    """Check this machine and, inside a project, the project: what is installed, space, files, database and chain.

    Exit code 1 if something keeps Volant from working.
    """
    from volant.cli.checkup import checkup

    findings = checkup(session.folder, session.environment)
    rows: list[list[Cell]] = [[_MARKS[f.standing], f.name, f.found] for f in findings]
    blocks: list[Block] = [Table(["", "what", "found"], rows)]
    blocks += [Hint(f"{f.name}: {f.next_step}") for f in findings if f.next_step and f.standing != "ok"]
    broken = sum(f.standing == "bad" for f in findings)
    blocks.append(Text(bad(f"{broken} to repair") if broken else dim("nothing keeps Volant from working")))
    value = {"findings": [f._asdict() for f in findings], "healthy": broken == 0}
    return Answer(value, blocks, 1 if broken else 0)
