"""What must hold whatever died, told from the store and the log alone."""

import json
from collections import Counter

from disturbed import BASE_ROWS
from journey_parts import query

from volant.evidence.predictions import Predictions
from volant.evidence.reading import LogReader
from volant.wiring import commands
from volant.wiring.project import open_project

ENDS = {"promoted", "rolled_back", "refused"}


def project_of(world):
    return open_project(world.root, environment=world.environment)


def events(root, stream):
    """(kind, data) of a stream in order."""
    rows = query(root, "SELECT kind, data, id FROM event WHERE stream = ? ORDER BY seq", stream)
    return [(kind, json.loads(data), name) for kind, data, name in rows]


def assert_sound(world):
    """At any moment: the chain holds, no row names what is not there, what was released is released whole."""
    root, project = world.root, project_of(world)
    assert commands.audit_verify(project)["intact"]
    named = [digest for table in ("dataset_version", "segment") for (digest,) in query(root, f"select digest from {table}")]
    named += [package for (package,) in query(root, "select package from model_version")]
    assert all(project.objects.has(digest) for digest in named), "a row names an object that is not there"
    assert_versions(root)
    assert_rollouts(root)
    assert_cycles(root, open_cycles=1)


def assert_settled(world):
    """After all: nothing that was acknowledged is lost, nothing is there twice, nothing is half done or left over."""
    assert_sound(world)
    assert not world.bad, world.bad[:3]
    assert_cycles(world.root, open_cycles=0)
    assert query(world.root, "SELECT count(*) FROM run WHERE status = 'RUNNING'") == [(0,)]
    assert_logged(world)
    assert_labelled(world)
    assert_windows(world)
    half = [path.name for path in (world.root / ".volant" / "objects" / "tmp").iterdir()]
    assert not half, half


def assert_versions(root):
    """Each package is registered once, by one event, and numbers have no gap."""
    numbers = [number for (number,) in query(root, "SELECT number FROM model_version ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))
    registered = [data["version"] for kind, data, _ in events(root, "model/tides") if kind == "registered"]
    assert sorted(registered) == numbers
    runs = [json.loads(body)["run_id"] for (body,) in query(root, "SELECT body FROM model_version")]
    assert len(set(runs)) == len(runs), "a run made two versions"


def assert_cycles(root, *, open_cycles):
    """Every decided retrain has one end, at most the newest may still be open, and at most one finished run."""
    stream = events(root, "loop/tides")
    decided = [name for kind, data, name in stream if kind == "decided" and data["action"] == "retrain"]
    ends = Counter(data["decision"] for kind, data, _ in stream if kind == "cycle_ended")
    assert set(ends.values()) <= {1}, "a cycle ended twice"
    assert set(ends) <= set(decided)
    lost = [name for name in decided if name not in ends]
    assert lost == decided[len(decided) - len(lost) :], "a cycle was lost"
    assert len(lost) <= open_cycles
    finished = query(
        root,
        "SELECT value, count(*) FROM run JOIN run_tag ON run.id = run_id "
        "WHERE key = 'volant.decision' AND status = 'FINISHED' GROUP BY value",
    )
    assert all(count == 1 for _, count in finished), f"a cycle ran twice: {finished}"
    ended = [data for kind, data, _ in stream if kind == "cycle_ended" and data["error"] is None]
    without = [data for data in ended if data["decision"] not in dict(finished)]
    assert not without, without


def assert_rollouts(root):
    """Each rollout goes through its steps in order to one end, one at a time; each promotion is the registry's, once."""
    released = Counter(data.get("decision") for kind, data, _ in events(root, "model/tides") if kind == "promoted" and data.get("decision"))
    assert set(released.values()) <= {1}, f"one decision released twice: {released}"
    decided = Counter(
        data["start"]["reason"] for kind, data, _ in events(root, "rollout/tides") if kind == "started" and data["start"]["reason"]
    )
    assert set(decided.values()) <= {1}, f"one decision began two rollouts: {decided}"
    for name, lives in rollouts(root).items():
        kinds = [kind for kind, _ in lives]
        assert kinds[0] == "started", (name, kinds)
        assert not ENDS & set(kinds[:-1]), f"{name} went on after its end: {kinds}"
        stages = [data["stage"] for kind, data in lives if kind == "began"]
        assert [stage["epoch"] for stage in stages] == list(range(1, len(stages) + 1)), (name, stages)
        assert [stage["step"] for stage in stages] == sorted({stage["step"] for stage in stages}), (name, stages)
        if kinds[-1] == "promoted":
            assert released[f"rollout:{name}"] == 1, f"{name} is promoted, and the registry does not know"
    assert sum(lives[-1][0] not in ENDS for lives in rollouts(root).values()) <= 1, "two on their way"


def rollouts(root):
    """Each rollout's events in order: (kind, data)."""
    found = {}
    for kind, data, _ in events(root, "rollout/tides"):
        if kind == "started":
            found[data["start"]["rollout"]] = []
        found[next(reversed(found))].append((kind, data))
    return found


def assert_logged(world):
    """Every answer that reached its client is in the log once, as it was given."""
    project = project_of(world)
    raw = [p for p in LogReader(project.log_folder).predictions() if p.request_id is not None and p.outcome == "ok"]
    found = Counter()
    values = {}
    for prediction in raw:
        found[prediction.request_id] += 1
        values[prediction.request_id] = (prediction.values[0], prediction.id)
    sealed = {segment.id: segment for segment in project.segments.segments("tides")}
    assert not {f"{file.id}-tides" for file in LogReader(project.log_folder).segments()} & set(sealed), "sealed, and still there"
    import polars as pl

    for segment in sealed.values():
        lines = pl.read_parquet(project.objects.path(segment.digest))
        lines = lines.filter(pl.col("request_id").is_not_null(), pl.col("outcome") == "ok")
        for name, value, line in lines.select("request_id", "prediction", "prediction_id").iter_rows():
            found[name] += 1
            values[name] = (value, line.rpartition(".")[0])
    assert set(world.answered) <= set(found), f"not in the log: {sorted(set(world.answered) - set(found))[:5]}"
    twice = [name for name in world.answered if found[name] != 1]
    assert not twice, f"answered once, logged {[(name, found[name]) for name in twice[:5]]}"
    other = [name for name, (_, value, line) in world.answered.items() if values[name] != (value, line)]
    assert not other, f"logged otherwise: {[(name, world.answered[name], values[name]) for name in other[:5]]}"


def assert_labelled(world):
    """Every label that was taken is stored as it was told."""
    stored = {subject: json.loads(value) for subject, value in query(world.root, "SELECT subject, value FROM label")}
    missing = [number for number, label in world.labelled.items() if stored.get(f"[{number}]") != label]
    assert not missing, (missing[:5], next(iter(stored.items()), None))
    assert all(number >= BASE_ROWS for number in world.labelled)


def assert_windows(world):
    """The windows hold what a recount of the log holds: lines, answers and errors of every epoch and arm."""
    import polars as pl

    project = project_of(world)
    commands.call(project.root, "monitor", {"windows": 1}, environment=world.environment)
    table = Predictions(project.log_folder, project.objects, project.segments).table("tides")
    usable = pl.col("outcome") == "ok"
    counted = table.group_by("epoch", "arm").agg(
        pl.len().alias("rows"), (~usable).sum().alias("errors"), pl.col("prediction").filter(usable).sum().alias("sum")
    )
    for epoch, arm, rows, errors, total in counted.iter_rows():
        extents = project.windows.extents("tides", epoch, arm)
        windows = [project.windows.get("tides", epoch, arm, extent.number) for extent in extents]
        assert sum(window.rows for window in windows) == rows, (epoch, arm)
        assert sum(window.errors for window in windows) == errors, (epoch, arm)
        assert abs(sum(w.prediction.mean * w.prediction.numbers for w in windows) - total) < 1e-6 * max(abs(total), 1), (epoch, arm)
    assert {(epoch, arm) for epoch, arm in project.windows.arms("tides")} == set(counted.select("epoch", "arm").iter_rows())


def summary(world):
    """What happened, in a line."""
    kinds = Counter(kind for kind, _, _ in events(world.root, "rollout/tides"))
    ends = {kind: kinds[kind] for kind in ("promoted", "rolled_back", "refused") if kinds[kind]}
    cycles = [data for kind, data, _ in events(world.root, "loop/tides") if kind == "cycle_ended"]
    failed = Counter(data["code"] for data in cycles if data["error"])
    return (
        f"{len(world.answered)} predictions and {len(world.labelled)} labels acknowledged; {len(cycles)} cycles"
        f" ({dict(failed) or 'none failed'}); rollouts: {kinds['started']} begun, {ends}; {len(world.servers)} servers"
    )
