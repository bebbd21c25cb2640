"""A rollout without a server: its candidate scores the files that the champion scores, in a process of its own.

The champion's values are the answer. The candidate's are logged as its shadow and counted; a file is scored in parts, so
that a model that raises on a few rows is seen to fail on some of a file and not on all or nothing of it.
"""

import math
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from volant.deployments.arms import SHADOW
from volant.deployments.fitting import misfit
from volant.deployments.model import ArmCounts, EpochCounts, Phase, Rollout
from volant.evidence.batch import Answers, Batch, written
from volant.evidence.tables import typed_series
from volant.kernel.errors import UserCodeError, VolantError
from volant.models.runner import read_manifest
from volant.serving.outputs import checked
from volant.wiring.child import Child
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened
from volant.wiring.verbs.rolling import weigh_losses
from volant.wiring.worker import Report

if TYPE_CHECKING:
    import polars as pl

    from volant.models.runner import LoadedModel

Json = dict[str, Any]
ACTOR = "policy"
LEAST_PARTS = 20
MOST_ROWS = 50_000  # of a part
MAX_ERROR = 1000

_Row = tuple[int, Any, list[float] | None, str | None]  # part, value, scores, error


def shadow(project: Project, batch: Batch, rows: "pl.DataFrame", given: Answers, report: Report) -> Rollout | None:
    """Let the candidate on its way score ``rows``, which the champion answered as ``batch``; the rollout after it was counted.

    None where no rollout is on its way beside the version that scored them.
    """
    state = project.rollouts.state(project.name)
    if not state.active or batch.version != state.champion:
        return None
    if state.phase not in {Phase.SHADOW, Phase.CANARY} or rows.height == 0:
        return project.rollouts.look(project.name, actor=ACTOR)
    package = _package(project, state.candidate)
    champion, candidate = (read_manifest(project.objects, name).signature for name in (_package(project, state.champion), package))
    why = misfit("the file", set(rows.columns), champion.classes, [field.name for field in candidate.inputs], candidate.classes)
    if why is not None:
        return project.rollouts.unfit(project.name, state.id, why=why, actor=ACTOR)
    report(f"scoring {rows.height:,} rows with {project.name}@{state.candidate} too", None)
    found = _ask(project, package, rows)
    own = msgspec.structs.replace(
        batch, version=state.candidate, arm=SHADOW, rollout=state.id, rollout_epoch=state.epoch, pair=batch.id, at=project.clock.now()
    )
    segment = written(project.objects, own, rows, _said(given, found))
    counts = EpochCounts(champion=_champion_counts(given, rows.height), candidate=_candidate_counts(found))
    project.rollouts.scored(project.name, state.id, state.epoch, own.id, counts, keep=lambda: project.segments.add(segment), actor=ACTOR)
    return weigh_losses(project)


def _package(project: Project, number: int) -> str:
    return project.registry.version(project.name, number).package


def _said(given: Answers, found: "pl.DataFrame") -> Answers:
    """What the candidate answered for the champion's rows."""
    return Answers(
        values=found["value"],
        scores=None if given.scores is None else found["scores"].to_list(),
        errors=found["error"].to_list(),
        keys=given.keys,
        event_times=given.event_times,
    )


def _candidate_counts(found: "pl.DataFrame") -> ArmCounts:
    import polars as pl

    parts = found.group_by("part").agg(pl.col("error").is_not_null().any())
    return ArmCounts(rows=found.height, requests=parts.height, errors=int(parts["error"].sum()))


def _champion_counts(given: Answers, count: int) -> ArmCounts:
    """The champion answered all at once; it is held to the same parts."""
    failed, size = 0, part_size(count)
    for start in range(0, count, size):
        part = slice(start, start + size)
        values = given.values[part].to_list()
        try:
            checked(values, None if given.scores is None else [list(row or ()) for row in given.scores[part]], len(values))
        except UserCodeError:
            failed += 1
    return ArmCounts(rows=count, requests=math.ceil(count / size), errors=failed)


def part_size(count: int) -> int:
    """Rows of a part: a file has twenty at least, unless it has fewer rows."""
    return max(1, min(math.ceil(count / LEAST_PARTS), MOST_ROWS))


def _ask(project: Project, package: str, rows: "pl.DataFrame") -> "pl.DataFrame":
    """``value``, ``scores``, ``error`` and ``part`` of each row; a process that dies has failed on every row."""
    import polars as pl

    project.scratch_folder.mkdir(parents=True, exist_ok=True)
    given, answers = (project.scratch_folder / f"shadow-{secrets.token_hex(8)}.{end}" for end in ("rows", "answers"))
    try:
        rows.write_ipc(given)
        with Child(project.root, project.environment) as child:
            child.call("score_parts", {"package": package, "rows": str(given), "answers": str(answers)})
        return pl.read_ipc(answers)
    except VolantError as error:
        said = f"{error.what} {error.found or ''}".strip()[:MAX_ERROR]
        return _table([(place, None, None, said) for place in _parts(rows.height)])
    finally:
        given.unlink(missing_ok=True)
        answers.unlink(missing_ok=True)


def score_parts(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json:
    """Answer the rows of a scratch file part by part into another one; what is raised fails its part only."""
    import polars as pl

    from volant.models.runner import load_runner

    project = opened(root, environment)
    runner = load_runner(project.objects, request["package"], project.scratch_folder)
    rows = pl.read_ipc(request["rows"])
    size = part_size(rows.height)
    found: list[_Row] = []
    for part, start in enumerate(range(0, rows.height, size)):
        found += _answered(runner, rows[start : start + size], part)
    _table(found).write_ipc(request["answers"])
    return {"rows": rows.height}


def _answered(runner: "LoadedModel", rows: "pl.DataFrame", part: int) -> list[_Row]:
    try:
        answer = runner.predict(rows)
        scores = None if answer.scores is None else answer.scores.tolist()
        values = checked(answer.values.tolist(), scores, rows.height)
    except Exception as error:  # noqa: BLE001 - whatever the model does, the champion's answer stands
        said = f"{error.what} {error.found or ''}".strip() if isinstance(error, VolantError) else f"{type(error).__name__}: {error}"
        return [(part, None, None, said[:MAX_ERROR])] * rows.height
    return [(part, value, None if scores is None else scores[place], None) for place, value in enumerate(values)]


def _parts(count: int) -> list[int]:
    return [row // part_size(count) for row in range(count)]


def _table(found: list[_Row]) -> "pl.DataFrame":
    import polars as pl

    return pl.DataFrame(
        {
            "part": pl.Series([row[0] for row in found], dtype=pl.Int64),
            "value": typed_series([row[1] for row in found]),
            "scores": pl.Series([row[2] for row in found], dtype=pl.List(pl.Float64)),
            "error": pl.Series([row[3] for row in found], dtype=pl.String),
        }
    )
