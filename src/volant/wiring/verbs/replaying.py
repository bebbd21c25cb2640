"""``replay``, in the child."""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.kernel.clock import format_duration, parse_duration
from volant.kernel.codec import canonical, plain
from volant.kernel.errors import UsageError
from volant.lineage.model import Edge
from volant.loop.ports import ReplayRecord
from volant.wiring.project import Project
from volant.wiring.verbs.opened import datasets_of, opened, predictions_of
from volant.wiring.worker import Report

if TYPE_CHECKING:
    from volant.loop.replay import Extent, Replayed
    from volant.loop.table import Table

Json = dict[str, Any]
PAGES = "replays"
_ROWS = re.compile(r"(\d{1,12})(?: ?rows)?\Z")


def replay(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """Walk policies through the project's history, keep the result and write its page."""
    from volant.loop.freezing import freeze
    from volant.loop.history import history_of, trainer
    from volant.loop.replay import replay as walk
    from volant.loop.table import table_of

    project = opened(root, environment)
    datasets = datasets_of(project)
    frozen = freeze(
        datasets,
        predictions_of(project),
        project.labels,
        project.clock,
        config=project.config,
        root=project.root,
        progress=report,
    )
    table = table_of(datasets.frame(frozen.version), frozen.version, project.config)
    made = walk(
        project.config,
        history_of(table, project.config),
        trainer(table, project.config, project.root),
        clock=project.clock,
        extent=_extent(project, request, table),
        policies=request["policies"],
        progress=report,
    )
    return _kept(project, made, f"dataset:{frozen.version.dataset}@{frozen.version.number}")


def _kept(project: Project, made: "Replayed", dataset: str) -> Json:
    """The result and every answer it rests on, as objects; the row that names them; a page of its own."""
    from volant.loop.report import replay_html, summary_sentence

    result, answers = project.objects.put(canonical(made.result)), io.BytesIO()
    made.ledger.frame().write_parquet(answers, compression="zstd")
    record = ReplayRecord(
        id=project.ids.new(),
        model=project.name,
        recorded_at=project.clock.now(),
        result=result,
        summary=summary_sentence(made.result),
    )
    node = f"replay:{record.id}"
    predictions = f"object:{project.objects.put(answers.getvalue())}"
    with project.tx.transaction():
        project.replays.add(record)
        project.lineage.add([Edge(source=dataset, target=node, role="data"), Edge(source=predictions, target=node, role="predictions")])
    page = project.state / PAGES / f"{record.id}.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(replay_html(made.result), encoding="utf-8")
    return {"id": record.id, "result": plain(made.result), "page": str(page)}


def _extent(project: Project, request: Json, table: "Table") -> "Extent":
    from volant.loop.replay import Extent

    if request["windows"] is not None and request["window_rows"] is not None:
        raise UsageError("Windows have a number or a size, not both.", next_step="--windows 12, or --window-rows 500", field="--windows")
    declared = request["train_duration_us"]
    return Extent(
        windows=request["windows"],
        window_rows=request["window_rows"],
        last_us=None if request["last"] is None else _last_us(request["last"], table),
        train_duration_us=_measured_training(project) if declared is None else declared,
        budget_us=request["budget_us"],
        cost=request["cost"],
        bound=request["bound"],
    )


def _last_us(text: str, table: "Table") -> int:
    """``90d``, or the stretch of time that ``5000 rows`` take."""
    times = table.times.event_us
    rows = _ROWS.match(text.strip())
    if rows is not None:
        wanted = int(rows[1])
        if wanted < 1:
            raise UsageError("--last needs at least one row.", found=text, next_step="--last 5000", field="--last")
        return int(times[-1] - times[-min(wanted, len(times))]) + 1
    try:
        return parse_duration(text)
    except ValueError as error:
        whole = format_duration(int(times[-1] - times[0]))
        raise UsageError(
            f"--last: {error}.", found=text, next_step=f"--last 90d, or --last 5000 (the history spans {whole})", field="--last"
        ) from error


def _measured_training(project: Project) -> int:
    """How long the newest version's steps took when they ran; 0 before there is one."""
    newest = next(iter(project.models.versions(project.name)), None)
    if newest is None:
        return 0
    return sum(step.duration_us for step in project.runs.get(newest.run_id).steps)
