"""Errors for people (standard error) and programs (``--json``: standard output), and where the rest of a crash is kept."""

import tempfile
import traceback
from pathlib import Path

from volant.cli.blocks import Cell, Mark, Style, bad
from volant.cli.plain import coloured, colourless
from volant.cli.session import Session, json_text
from volant.kernel.errors import EXIT_CODES, InternalError, VolantError, to_record

KEPT_CRASHES = 20


def report(error: VolantError, session: Session) -> int:
    """Say what was asked, what was found and what to do next; returns the exit code."""
    if session.as_json:
        session.out.write(json_text({"schema": "volant.error/1", "error": to_record(error)}))
        session.out.flush()
    else:
        session.err.write(text(error, colour=session.colour(session.err)))
        session.err.flush()
    return EXIT_CODES[error.code]


def text(error: VolantError, *, colour: bool = False) -> str:
    """The error on a few lines."""
    paint = coloured if colour else colourless
    lines: list[tuple[Cell, str]] = [(bad("error:"), error.what)]
    if error.found:
        lines.append((Mark("found:", Style.DIM), error.found))
    lines += [("      ", detail) for detail in error.details]
    if error.next_step:
        lines.append((Mark("next: ", Style.DIM), error.next_step))
    return "".join(f"{paint(label)} {_shown(line)}\n" for label, line in lines)


def _shown(line: str) -> str:
    """Indented under its label, control characters spelled out: the text may come from a file."""
    clean = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in line)
    return clean.replace("\n", "\n       ")


def crash(error: Exception, session: Session) -> int:
    """A defect: one line, and the traceback in a file."""
    trace = "".join(traceback.format_exception(error))
    place = _keep(trace, session)
    if session.verbose:
        session.err.write(trace)
    kept = f"the traceback is in {place}" if place is not None else "run again with -v for the traceback"
    return report(InternalError(f"Volant failed: {error!r}"[:300], next_step=kept), session)


def _keep(trace: str, session: Session) -> Path | None:
    """Beside the project's other state if there is any, else among temporary files; None if no disk takes it."""
    try:
        return _in_project(trace, session) or _in_temporary(trace)
    except OSError:
        return None


def _in_project(trace: str, session: Session) -> Path | None:
    from volant.kernel.clock import iso

    start = session.folder.absolute()
    state = next((folder / ".volant" for folder in (start, *start.parents) if (folder / ".volant").is_dir()), None)
    if state is None:
        return None
    try:
        folder = state / "crash"
        folder.mkdir(exist_ok=True)
        path = folder / f"{iso(session.clock.now()).replace(':', '')}.txt"
        path.write_text(trace, encoding="utf-8")
        for old in sorted(folder.glob("*.txt"))[:-KEPT_CRASHES]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path


def _in_temporary(trace: str) -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="volant-crash-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(trace)
    return Path(file.name)
