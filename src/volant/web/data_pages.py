"""Datasets and their versions: what is in them, whether they keep their contract, where they came from."""

import math
from typing import TYPE_CHECKING, Any

from volant.data.model import DatasetVersion
from volant.kernel.errors import NotFoundError
from volant.web.objects import content

if TYPE_CHECKING:
    from volant.wiring.project import Project

Json = dict[str, Any]
PAGE = 100
_BROKEN, _UNCHECKED = "broken", "not checked"


def data_list(project: "Project") -> Json:
    """Datasets with their versions, newest first."""
    names = [name for name in project.datasets.datasets() if name != project.name]
    groups = []
    for name in (project.name, *names):
        versions = project.datasets.versions(name)
        rows = [_line(version) for version in reversed(versions[-PAGE:])]
        if rows or name == project.name:
            groups.append({"dataset": name, "versions": rows, "total": len(versions), "trend": [v.rows for v in versions[-60:]]})
    return {"datasets": groups, "source": project.config.data.source}


def _line(version: DatasetVersion) -> Json:
    return {
        "dataset": version.dataset,
        "number": version.number,
        "rows": version.rows,
        "columns": len(version.columns),
        "origin": version.origin.value,
        "base": version.base,
        "source": version.source,
        "recorded_at": version.recorded_at,
        "digest": version.digest,
        "notes": list(version.notes),
    }


def dataset_page(project: "Project", dataset: str, number: int) -> Json:
    """One version with its profile and contract report. ``NotFoundError`` if there is none."""
    versions = project.datasets.versions(dataset)
    version = next((v for v in versions if v.number == number), None)
    if version is None:
        known = ", ".join(str(v.number) for v in versions[-10:])
        raise NotFoundError(
            f"There is no version {number} of that dataset.",
            found=f"versions {known}" if known else "no versions",
            next_step="volant run makes the first one" if not known else "choose one of these under Data",
        )
    before = next((v for v in reversed(versions) if v.number < number), None)
    node = f"dataset:{dataset}@{number}"
    profile, profile_problem = content(project, version.profile)
    report, report_problem = content(project, version.report)
    return {
        **_line(version),
        "format": version.format,
        "size_bytes": None,
        "contract": version.contract,
        "label_cutoff_at": version.label_cutoff_at,
        "latest": versions[-1].number,
        "change": None if before is None else _change(before, version),
        "profile": profile_view(profile if isinstance(profile, dict) else {}, version),
        "profile_problem": profile_problem,
        "has_profile": isinstance(profile, dict),
        "report": contract_view(report) if isinstance(report, dict) else None,
        "report_problem": report_problem,
        "models": [v.number for v in project.models.versions(dataset) if v.dataset_version == number and v.dataset == dataset],
        "traced": bool(project.lineage.out_of(node) or project.lineage.into(node)),
        "target": project.config.target if dataset == project.name else None,
        "key": list(project.config.data.key) if dataset == project.name else [],
        "time": project.config.data.time if dataset == project.name else None,
        "drop": list(project.config.data.drop) if dataset == project.name else [],
    }


def _change(before: DatasetVersion, version: DatasetVersion) -> Json:
    """Against the version before: rows, and columns that came, went or changed their type."""
    old, new = ({c.name: c.dtype.value for c in v.columns} for v in (before, version))
    return {
        "number": before.number,
        "rows": version.rows - before.rows,
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": [f"{name}: {old[name]} to {new[name]}" for name in new if name in old and old[name] != new[name]],
    }


def profile_view(profile: Json, version: DatasetVersion) -> Json:
    """Columns in the version's order; those the profile does not know have name and type only."""
    listed = profile.get("columns")
    known = {str(c.get("name")): c for c in listed if isinstance(c, dict)} if isinstance(listed, list) else {}
    rows = _whole(profile.get("rows"), version.rows)
    columns = [_column(known.get(column.name, {}), column.name, column.dtype.value, rows) for column in version.columns]
    return {
        "rows": rows,
        "sampled": _whole(profile.get("sampled"), rows),
        "warnings": _texts(profile.get("warnings")),
        "columns": columns,
        "flagged": sum(bool(column["warnings"]) for column in columns),
    }


def _column(found: Json, name: str, dtype: str, rows: int) -> Json:
    missing = found.get("missing")
    quantiles = found.get("quantiles") if isinstance(found.get("quantiles"), dict) else {}
    return {
        "name": name,
        "dtype": dtype,
        "missing": missing,
        "missing_share": missing / rows if isinstance(missing, int) and rows else None,
        "distinct": found.get("distinct"),
        "minimum": found.get("minimum"),
        "maximum": found.get("maximum"),
        "mean": found.get("mean"),
        "sd": found.get("sd"),
        "zeros": found.get("zeros"),
        "median": (quantiles or {}).get("0.5"),
        "histogram": _histogram(found.get("histogram")),
        "frequent": _frequent(found.get("frequent")),
        "warnings": _texts(found.get("warnings")),
    }


def _histogram(found: Any) -> Json | None:
    if not isinstance(found, dict):
        return None
    edges, counts = found.get("edges"), found.get("counts")
    if not (isinstance(edges, list) and isinstance(counts, list) and counts):
        return None
    if not all(isinstance(edge, int | float) and math.isfinite(edge) for edge in edges):
        return None
    return {"edges": edges, "counts": [count if isinstance(count, int) else 0 for count in counts]}


def _frequent(found: Any) -> list[Json]:
    lines = [line for line in found if isinstance(line, dict)] if isinstance(found, list) else []
    return [{"value": line.get("value"), "count": _whole(line.get("count"), 0)} for line in lines]


def contract_view(report: Json) -> Json:
    """Rules, broken ones first, with examples and the change that would accept the data."""
    results = [r for r in report.get("results") or () if isinstance(r, dict)]
    order = {_BROKEN: 0, _UNCHECKED: 1}
    lines = [_rule(result) for result in sorted(results, key=lambda r: order.get(str(r.get("status")), 2))]
    broken = [line for line in lines if line["status"] == _BROKEN]
    return {
        "rows": report.get("rows"),
        "bad_rows": report.get("bad_rows"),
        "held": sum(line["status"] == "held" for line in lines),
        "broken": len(broken),
        "unchecked": sum(line["status"] == _UNCHECKED for line in lines),
        "blocked": any(line["severity"] == "block" for line in broken),
        "rules": lines,
        "notes": _texts(report.get("notes")),
    }


def _rule(result: Json) -> Json:
    status, severity = str(result.get("status", "")), str(result.get("severity", ""))
    tone = {"held": "pass", _BROKEN: "fail" if severity == "block" else "open"}.get(status, "neutral")
    return {
        "rule": str(result.get("rule", "")),
        "status": status,
        "severity": severity,
        "tone": tone,
        "sentence": str(result.get("sentence", "")),
        "failed": _whole(result.get("failed"), 0),
        "examples": [
            {"row": e.get("row"), "line": e.get("line"), "key": e.get("key"), "value": e.get("value")}
            for e in result.get("examples") or ()
            if isinstance(e, dict)
        ],
        "proposal": result.get("proposal"),
    }


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _texts(value: Any) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []
