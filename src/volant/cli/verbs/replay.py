"""``volant replay``."""

from typing import Any

import click

from volant.cli.blocks import Block, Cell, Hint, Table, Text, dim, strong, warn
from volant.cli.numbers import bounds, counted, interval, lasting, number, signed
from volant.cli.session import Answer, Session
from volant.cli.verb import names, verb
from volant.cli.verbs.decided import lived_blocks
from volant.kernel.errors import UsageError

DIFFERS = 3


@verb("replay", example="volant replay --policy never --policy every:4 --last 90d")
@click.option("--policy", "policies", metavar="POLICY", multiple=True, callback=names,
              help="never, every:K (windows), project or a trigger, with :sliding, :growing, :weighted or :since_change.")  # fmt: skip
@click.option("--windows", type=click.IntRange(2), metavar="N", help="How many windows the history is answered in.")
@click.option("--window-rows", type=click.IntRange(1), metavar="N", help="Rows of a window, instead of their number.")
@click.option("--last", metavar="AMOUNT", help="Only the end of the history: 90d, or 5000 rows.")
@click.option("--train-duration", metavar="DURATION", help="How long a training takes in the world (default: as measured).")
@click.option("--cost", type=click.FloatRange(0), metavar="LOSS",
              help="What a retrain costs, in the metric's loss summed over rows (default: retrain.cost): it must be earned.")  # fmt: skip
@click.option("--bound", is_flag=True, help="Also ask every model about all later rows: the best that could have been.")
@click.option("--lived", is_flag=True, help="Make every decision that was lived once more, and say which comes out otherwise.")
@click.option("--budget", metavar="DURATION", help="Stop training after this long and say what is left out.")
def replay(
    session: Session,
    *,
    policies: tuple[str, ...],
    windows: int | None,
    window_rows: int | None,
    last: str | None,
    train_duration: str | None,
    budget: str | None,
    cost: float | None,
    bound: bool,
    lived: bool,
) -> Answer:
    """What retraining policies would have done over the history, as the world would have seen it.

    Labels become known after their delay, a training takes its time, and every decision comes from the function that
    decides live. Never retraining, every few windows and the project's own policy are compared on the same rows.

    With --lived nothing is trained: the decisions of the loop and of rollouts are made once more, one by one, on the evidence
    kept with them and on the log as it was at that instant. Exit code 3 if one comes out otherwise.
    """
    if lived:
        return _lived(session)
    train_duration_us, budget_us = _duration(train_duration, "--train-duration"), _duration(budget, "--budget")
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.replay(
            session.project,
            policies=policies,
            windows=windows,
            window_rows=window_rows,
            last=last,
            train_duration_us=train_duration_us,
            budget_us=budget_us,
            cost=cost,
            bound=bound,
            progress=progress,
        )
    return Answer(found, _blocks(found))


def _lived(session: Session) -> Answer:
    from volant.wiring import commands

    with session.progress as progress:
        found = commands.replay_lived(session.project, progress=progress)
    return Answer(found, lived_blocks(found), 0 if found["same"] else DIFFERS)


def _duration(text: str | None, option: str) -> int | None:
    from volant.kernel.clock import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}.", found=text, next_step=f"{option} 30m", field=option) from error


def _blocks(found: dict[str, Any]) -> list[Block]:
    import msgspec

    from volant.loop.replay_model import ReplayResult
    from volant.loop.report import bound_sentence, recommendation_sentence, replay_table, summary_sentence

    result = msgspec.convert(found["result"], ReplayResult)
    table = replay_table(result)
    summed = any("in_all" in row for row in table)
    rows: list[list[Cell]] = [_row(row, result.label, summed=summed) for row in table]
    headings = [
        "policy",
        f">{result.label}",
        "bounds",
        *([">in all"] if summed else []),
        ">vs never",
        "bounds",
        ">retrains",
        ">released",
        ">refused",
        ">worst window",
        "efficient",
    ]
    answered = f"{counted(result.evaluated_rows, 'row')} in {counted(len(result.windows), 'window')}"
    facts = (
        f"{answered}, warm-up {result.warm_up_share:.0%}; {counted(result.trainings, 'training')} took {lasting(sum(result.training_us))}"
    )
    baselines = ", ".join(f"{name} {number(value)}" for name, value in result.baselines.items())
    blocks: list[Block] = [Table(headings, rows), Text(dim(facts))]
    if baselines:
        blocks.append(Text(dim(f"baselines at the label delay: {baselines}")))
    blocks += [Text(dim(note)) for note in result.notes]
    if result.partial:
        blocks.append(Text(warn(f"partial: {result.partial}")))
    blocks.append(Text(strong(summary_sentence(result))))
    advice = recommendation_sentence(result)
    blocks += [Text(sentence) for sentence in (advice, bound_sentence(result)) if sentence is not None]
    hints = ["volant policy accept shows the recommendation as a change of volant.yaml"] if advice is not None else []
    return [*blocks, *map(Hint, [*hints, f"open {found['page']}"])]


def _row(row: dict[str, Any], metric: str, *, summed: bool) -> list[Cell]:
    return [
        row["policy"],
        number(row[metric]),
        dim(bounds(row["low"], row["high"])),
        *([number(row.get("in_all"))] if summed else []),
        "" if row["policy"] == "never" else signed(row["vs_never"]),
        "" if row["policy"] == "never" else dim(interval(row["vs_never_low"], row["vs_never_high"])),
        number(row["retrains"]),
        number(row["released"]),
        number(row["refused"]),
        number(row["worst_window"]),
        row["efficient"],
    ]
