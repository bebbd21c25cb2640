"""Weak slices of the champion, on labelled live rows or on its holdout."""

from typing import TYPE_CHECKING

from volant.kernel.errors import ConflictError, UsageError
from volant.monitoring.inspection_model import SlicesFound
from volant.stats.names import metric_named
from volant.wiring.verbs.estimating import held_out, learned_from
from volant.wiring.verbs.opened import predictions_of

if TYPE_CHECKING:
    from volant.monitoring.weak_slices import Losses
    from volant.wiring.verbs.inspecting import Look

LIVE, HOLDOUT = "live", "holdout"


def weak_slices(look: "Look") -> tuple[SlicesFound, str]:
    """On live rows where enough of them have labels, else on the holdout; or as ``asked["on"]`` says."""
    from volant.monitoring.weak_slices import FEWEST_ROWS, find_slices

    on = look.asked.get("on")
    if on not in {None, LIVE, HOLDOUT}:
        raise UsageError("Slices are searched on live rows or on the holdout.", found=str(on)[:50], next_step="--on live", field="--on")
    rows = None if on == HOLDOUT else _live(look)
    source = LIVE
    if on != LIVE and (rows is None or len(rows.values) < FEWEST_ROWS):
        rows, source = _held(look), HOLDOUT
    look.report("searching for slices", None)
    loss = metric_named(look.project.config.metric).row_loss
    if rows is None:
        found = SlicesFound(source=source, loss=loss, rows=0, searched=0, confirmed=0, tried=0, why_not="no row has a label yet")
    else:
        found = find_slices(rows, source=source, loss=loss, seed=int(look.asked["seed"]))
    return found, _sentence(found)


def _live(look: "Look") -> "Losses | None":
    from volant.monitoring.labelled_rows import live_losses, question_of

    project, known = look.project, look.project.windows.live(look.project.name, look.epoch)
    if known is None:
        return None
    lines = predictions_of(project).table(project.name, upto=look.position)
    labels = project.labels.current(project.name, known.recorded_at, revision=known.labels)
    names = _names(look)
    rows = live_losses(lines, labels, question_of(known.question), epoch=look.epoch, names=names)
    return rows if len(rows.values) else None


def _names(look: "Look") -> list[str]:
    """Inputs that can be compared, as in the log."""
    from volant.wiring.verbs.drifting import learned_inputs

    return list(learned_inputs(look.project, look.version))


def _held(look: "Look") -> "Losses":
    from volant.monitoring.labelled_rows import holdout_losses

    report = look.project.registry.report(look.version)
    if report is None:
        raise ConflictError(
            f"{look.project.name}@{look.version.number} was judged on no holdout.",
            found="no gate report",
            next_step="volant labels add FILE, then look at live rows",
        )
    held, _ = held_out(look.project, look.version, report, learned_from(look.project, look.version)[0])
    return holdout_losses(held, look.project.config.metric)


def _sentence(found: SlicesFound) -> str:
    if found.why_not is not None:
        return f"No slice could be searched: {found.why_not}."
    if not found.slices:
        return f"No slice is surely worse than the rest: {found.tried} were tried on {found.confirmed:,} {found.source} rows."
    first = found.slices[0]
    times = "" if first.ratio is None else f" is {first.ratio:.2g} times that elsewhere"
    return f"Where {first.text}, the loss{times}: {first.share_of_rows:.0%} of rows, {first.share_of_loss:.0%} of the loss."
