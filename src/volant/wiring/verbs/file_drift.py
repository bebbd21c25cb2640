"""``file_drift``: the rows of a file beside what the champion learned from, as one window; nothing is logged or kept. In the child."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from volant.kernel.errors import NotFoundError, UnavailableError
from volant.wiring.drifted import shown
from volant.wiring.project import Project
from volant.wiring.verbs.drifting import reference_of_version
from volant.wiring.verbs.opened import opened
from volant.wiring.verbs.scoring import as_trained
from volant.wiring.worker import Report

if TYPE_CHECKING:
    import polars as pl

    from volant.monitoring.drift_model import DriftReference, DriftReport

Json = dict[str, Any]


def file_drift(root: Path, environment: dict[str, str], request: Json, report: Report) -> Json:
    """As ``drifted.drift_view``, for one file."""
    project = opened(root, environment)
    champion = project.registry.state(project.name).champion
    if champion is None:
        raise NotFoundError("There is no champion to compare with.", next_step="volant run, then volant approve")
    report("reading the data", None)
    frame = _rows(project, champion, request["data"])
    report(f"comparing {frame.height:,} rows", None)
    return shown(_report(project, frame, _reference(project, champion)), 1)


def _rows(project: Project, champion: int, data: str) -> "pl.DataFrame":
    from volant.data.reading import read_frame, sniff
    from volant.data.source_file import check_source

    path, version = Path(data), project.registry.version(project.name, champion)
    check_source(path, data)
    table = sniff(path, data)
    return read_frame(path, table.format, as_trained(table.columns, project.datasets.get(version.dataset, version.dataset_version)))


def _reference(project: Project, champion: int) -> "DriftReference":
    """Of the champion's inputs; a file has no answers to compare."""
    from msgspec.structs import replace

    from volant.evidence.tables import FEATURE_PREFIX
    from volant.monitoring.drift_keeping import References

    known = References(project.name, project.windows, project.objects, lambda version: reference_of_version(project, version)).of(champion)
    if known is None:
        raise UnavailableError(
            f"What {project.name}@{champion} learned from cannot be read any more.",
            next_step="volant run makes a version of the data there are",
        )
    return replace(known, columns={name: column for name, column in known.columns.items() if name.startswith(FEATURE_PREFIX)})


def _report(project: Project, frame: "pl.DataFrame", reference: "DriftReference") -> "DriftReport":
    import polars as pl
    from msgspec.structs import replace

    from volant.evidence.tables import FEATURE_PREFIX
    from volant.monitoring.drift import judged_windows
    from volant.monitoring.drift_model import DriftReport, WindowShape
    from volant.monitoring.shaping import column_shapes
    from volant.monitoring.windows import WINDOW

    now, rules = project.clock.now(), project.config.watch.drift
    lines = frame.rename({name: FEATURE_PREFIX + name for name in frame.columns}).with_columns(pl.lit(0).alias(WINDOW))
    shape = WindowShape(
        model=project.name,
        epoch=0,
        arm="file",
        number=0,
        version=reference.version,
        from_us=now,
        to_us=now,
        rows=frame.height,
        columns={name: found[0] for name, found in column_shapes(lines, reference).items()},
    )
    found = judged_windows([shape], reference, rules)
    return DriftReport(
        model=project.name,
        epoch=0,
        version=reference.version,
        recorded_at=now,
        lines=0,
        asked="",
        reference_rows=reference.rows,
        windows=found.windows,
        columns=tuple(replace(column, since_us=None, seen_us=None) for column in found.columns),
        rules=rules,
    )
