"""``score`` (a package on some rows, for gates) and ``predict`` (a version on a file), in the child."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.kernel.errors import InvalidInputError, UsageError
from volant.kernel.scratch import scratch
from volant.wiring.project import Project
from volant.wiring.verbs.opened import opened
from volant.wiring.worker import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from volant.data.model import Column, DatasetVersion
    from volant.evidence.batch import Answers, Batch
    from volant.models.ports import Answer
    from volant.models.runner import LoadedModel
    from volant.stats.predicted import Predicted
    from volant.wiring.child import Child

Json = dict[str, Any]
_CHUNK = 50_000


def score(root: Path, environment: dict[str, str], request: Json, _report: Report) -> Json:
    """Answer the rows of a scratch file with a package, into another scratch file."""
    import numpy as np
    import polars as pl

    from volant.models.runner import load_runner

    project = opened(root, environment)
    runner = load_runner(project.objects, request["package"], project.scratch_folder)
    answer = runner.predict(pl.read_ipc(request["rows"]))
    with Path(request["answers"]).open("wb") as file:
        scores = np.empty(0) if answer.scores is None else answer.scores
        np.savez(file, values=_plain(answer.values), scores=scores)
    return {"classes": list(runner.signature.classes) if answer.scores is not None else None}


def ask(child: "Child", project: Project, package: str, rows: "pl.DataFrame") -> "Predicted":
    """The client side of ``score``."""
    import numpy as np

    from volant.stats.predicted import Predicted

    with scratch(project.scratch_folder / f"score-{secrets.token_hex(8)}") as own:
        given, answers = own / "rows.arrow", own / "answers.npz"
        rows.write_ipc(given)
        said = child.call("score", {"package": package, "rows": str(given), "answers": str(answers)})
        with np.load(answers, allow_pickle=False) as found:
            values, scores = found["values"], found["scores"]
    if values.dtype.kind == "U":
        values = values.astype(object)
    return Predicted(values, None, ()) if said["classes"] is None else Predicted(values, scores, tuple(said["classes"]))


def _plain(values: Any) -> Any:
    """Labels as an array that needs no pickle."""
    return values.astype(str) if values.dtype.kind == "O" else values


def predict(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Score a file with a version, write the answers, and log them as evidence."""
    from volant.data.reading import read_frame, sniff
    from volant.data.source_file import check_source
    from volant.evidence.batch import log_batch
    from volant.kernel.digests import digest_file
    from volant.models.runner import load_runner
    from volant.wiring.verbs.rolling import told
    from volant.wiring.verbs.shadowing import shadow

    project = opened(root, environment)
    path = Path(request["data"])
    check_source(path, request["data"])
    output = _output(path, request["output"])
    version = project.registry.version(project.name, request["version"])
    report("reading the data", None)
    table = sniff(path, request["data"])
    frame = read_frame(path, table.format, as_trained(table.columns, project.datasets.get(version.dataset, version.dataset_version)))
    runner = load_runner(project.objects, version.package, project.scratch_folder)
    began = project.clock.now()
    answer = _answers(runner, frame, report)
    took = project.clock.now() - began
    logged, rollout = 0, None
    if request["log"]:
        report("logging the answers", None)
        batch = _batch(project, version.number, digest_file(path), took // max(frame.height, 1))
        given = _given(project, frame, answer)
        rows = frame.drop(project.config.target, strict=False)
        logged = log_batch(project.objects, project.segments, batch, rows, given).logged
        rollout = told(shadow(project, batch, rows, given, report))
    _write(output, frame, answer, runner)
    return {"rows": frame.height, "output": str(output), "logged": logged, "version": version.number, "rollout": rollout}


def _output(data: Path, asked: str | None) -> Path:
    output = Path(asked) if asked else data.with_name(f"{data.stem}.predictions.csv")
    if output.suffix not in {".csv", ".parquet"}:
        raise UsageError("Answers are written as CSV or Parquet.", found=str(output), next_step="--output scored.csv", field="--output")
    if output.resolve() == data.resolve():
        raise UsageError("Answers would be written over the data.", found=str(output), next_step="--output scored.csv", field="--output")
    if not output.parent.is_dir():
        raise UsageError(f"There is no folder {output.parent}.", found=str(output), next_step="make it first", field="--output")
    return output


def as_trained(columns: "Sequence[Column]", dataset: "DatasetVersion") -> "tuple[Column, ...]":
    """Columns in the types of the data the version learned from: a file of few rows may look like another type."""
    import msgspec

    known = {column.name: column.dtype for column in dataset.columns}
    return tuple(msgspec.structs.replace(column, dtype=known.get(column.name, column.dtype)) for column in columns)


def _answers(runner: "LoadedModel", frame: "pl.DataFrame", report: Report) -> "Answer":
    import numpy as np

    from volant.models.ports import Answer

    parts = []
    for start in range(0, max(frame.height, 1), _CHUNK):
        report(f"predicting {frame.height:,} rows", start / max(frame.height, 1))
        parts.append(runner.predict(frame[start : start + _CHUNK]))
    scores = None if parts[0].scores is None else np.concatenate([part.scores for part in parts if part.scores is not None])
    return Answer(values=np.concatenate([part.values for part in parts]), scores=scores)


def _batch(project: Project, version: int, content: str, latency_us: int) -> "Batch":
    from volant.evidence.batch import Batch

    state = project.registry.state(project.name)
    return Batch(
        content=content,
        model=project.name,
        version=version,
        epoch=state.epoch,
        at=project.clock.now(),
        latency_us=latency_us,
        arm="champion" if state.champion == version else "batch",
    )


def _given(project: Project, frame: "pl.DataFrame", answer: "Answer") -> "Answers":
    """The answers with what joins them to labels."""
    import polars as pl

    from volant.data.rows import key_texts
    from volant.data.timeline import times
    from volant.evidence.batch import Answers

    data = project.config.data
    absent = [name for name in (*data.key, *([data.time] if data.time else ())) if name not in frame.columns]
    if absent:
        raise InvalidInputError(
            f"The file lacks {', '.join(absent)}, so its answers could not be joined to labels later.",
            found=f"columns {', '.join(frame.columns[:20])}",
            next_step="add the columns, or score without keeping evidence: --no-log",
            field=absent[0],
        )
    return Answers(
        values=pl.Series("prediction", answer.values.tolist()),
        scores=None if answer.scores is None else answer.scores.tolist(),
        keys=key_texts(frame, data.key).to_list() if data.key else None,
        event_times=times(frame, data).event_us.tolist() if data.time else None,
    )


def _write(output: Path, frame: "pl.DataFrame", answer: "Answer", runner: "LoadedModel") -> None:
    """Beside first, then in place: a reader never sees half a file."""
    import polars as pl

    columns = {_free("prediction", frame): pl.Series(answer.values.tolist())}
    if answer.scores is not None:
        columns |= {_free(f"p({name})", frame): pl.Series(answer.scores[:, k]) for k, name in enumerate(runner.signature.classes)}
    made = frame.with_columns(**columns)
    draft = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        if output.suffix == ".csv":
            made.write_csv(draft, datetime_format="%Y-%m-%dT%H:%M:%S%.f")
        else:
            made.write_parquet(draft)
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)


def _free(name: str, frame: "pl.DataFrame") -> str:
    """The name, with underscores behind it until no column of the data has it."""
    while name in frame.columns:
        name += "_"
    return name
