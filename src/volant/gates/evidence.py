"""What a report keeps beside predictions, so that every check can be made again from stored numbers alone.

One table has the held-out rows with a label, in the order of the predictions: ``group``, ``slice.NAME`` and the answers to disturbed
rows. Another has the rows that churn looks at. Times and sizes stand in the report itself: they are facts of one machine and hour.
"""

from typing import TYPE_CHECKING

from volant.gates.columns import answer_columns, answers_in, series, table_bytes, table_from
from volant.gates.facts import Changing, Disturbed, Facts
from volant.gates.holdout import Holdout
from volant.gates.model import GateReport, Measured
from volant.kernel.objects import ObjectStore
from volant.stats.predicted import Predicted

if TYPE_CHECKING:
    import polars as pl

_GROUP, _SLICE, _DISTURBED, _COLUMN = "group", "slice.", "disturbed.", "column."
_ROW_TIME, _TARGET, _CANDIDATE, _CHAMPION = "time", "target", "candidate", "champion"


def keep_rows(objects: ObjectStore, holdout: Holdout, facts: Facts) -> str | None:
    """The first table; None where there is nothing to keep."""
    columns: dict[str, pl.Series] = {} if holdout.groups is None else {_GROUP: series(holdout.groups)}
    columns |= {f"{_SLICE}{name}": series(values) for name, values in holdout.slices.items()}
    for name, found in facts.disturbed.items():
        if found.answers is not None:
            columns |= answer_columns(f"{_DISTURBED}{name}", found.answers)
    return objects.put(table_bytes(columns)) if columns else None


def keep_changing(objects: ObjectStore, changing: Changing | None) -> str | None:
    """The second table."""
    if changing is None:
        return None
    columns = {_ROW_TIME: series(changing.times)}
    columns |= {} if changing.groups is None else {_GROUP: series(changing.groups)}
    columns |= answer_columns(_CANDIDATE, Predicted(changing.candidate.values))
    columns |= answer_columns(_CHAMPION, Predicted(changing.champion.values))
    return objects.put(table_bytes(columns))


def kept_rows(objects: ObjectStore, report: GateReport) -> tuple[Holdout, dict[str, Predicted | None]]:
    """Held-out rows and answers of a report, as they were when it was made."""
    table = table_from(objects.get(report.predictions))
    beside = None if report.evidence is None else table_from(objects.get(report.evidence))
    known = [] if beside is None else beside.columns
    holdout = Holdout(
        names=table["row"].to_numpy(),
        times=table[_ROW_TIME].to_numpy(),
        target=table[_TARGET].to_numpy(),
        groups=None if beside is None or _GROUP not in known else beside[_GROUP].to_numpy(),
        slices={} if beside is None else {c.removeprefix(_SLICE): beside[c].to_numpy() for c in known if c.startswith(_SLICE)},
    )
    columns = {c.removeprefix(_COLUMN): table[c].to_numpy() for c in table.columns if c.startswith(_COLUMN)}
    names = [c for c in table.columns if c not in {"row", _ROW_TIME, _TARGET} and ".p(" not in c and not c.startswith(_COLUMN)]
    return holdout, {name: answers_in(table, name).beside(columns) for name in names}


def kept_facts(objects: ObjectStore, report: GateReport, candidate: Predicted | None) -> Facts:
    """What else a report was made from."""
    measured = report.measured or Measured()
    beside = None if report.evidence is None else table_from(objects.get(report.evidence))
    disturbed = {}
    for note in measured.disturbed:
        answers = None
        if beside is not None and f"{_DISTURBED}{note.name}" in beside.columns:
            answers = answers_in(beside, f"{_DISTURBED}{note.name}")
            if candidate is not None and answers.scores is not None:
                answers = Predicted(answers.values, answers.scores, candidate.classes)
            answers = answers if candidate is None else answers.beside(candidate.columns)
        disturbed[note.name] = Disturbed(answers, note.columns, note.error)
    return Facts(disturbed=disturbed, changing=_changing(objects, report), measured=report.measured)


def _changing(objects: ObjectStore, report: GateReport) -> Changing | None:
    if report.changing is None:
        return None
    table = table_from(objects.get(report.changing))
    groups = table[_GROUP].to_numpy() if _GROUP in table.columns else None
    numbers = report.task is not None and report.task.value == "regression"
    return Changing(answers_in(table, _CANDIDATE), answers_in(table, _CHAMPION), table[_ROW_TIME].to_numpy(), groups, numbers)
