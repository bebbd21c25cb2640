"""What has to be told about a stream that was lived: each decision with its evidence, and what stands behind an answer."""

import polars as pl
from journey_parts import query, volant


def answers_of_the_first(stream, folder):
    """What version 1 would have answered to every row that was asked for."""
    frame = pl.DataFrame([row.asked for row in stream.rows[: len(stream.answers)]])
    frame.write_csv(folder / "asked.csv")
    name = stream.root.name
    volant(stream.root, "predict", f"{name}@1", "--data", str(folder / "asked.csv"), "--output", str(folder / "never.csv"), "--no-log")
    return pl.read_csv(folder / "never.csv")["prediction"].to_list()


def actions(stream):
    return [decision["action"] for decision in stream.decisions()]


def assert_told(stream):
    """Every decision has its evidence, and the last prediction leads to everything that stands behind it."""
    for decision in stream.decisions():
        assert decision["sentence"]
        assert decision["evidence"], decision
    found = stream.volant("lineage", stream.names[-1]).json
    nodes = {node.partition(":")[0] for node in nodes_of(found["from"])}
    assert {"model", "run", "dataset", "pipeline", "environment", "gate"} <= nodes
    assert "policy" in str(found), "who let it out"
    assert stream.volant("audit", "verify").json["intact"]


def nodes_of(branches):
    for branch in branches:
        yield branch["node"]
        yield from nodes_of(branch.get("from", ()))


def assert_each_once(stream):
    """Every decided training has one end, and every version was let out at most once."""
    rows = query(stream.root, "SELECT kind FROM event WHERE stream LIKE 'loop/%'")
    kinds = [kind for (kind,) in rows]
    assert kinds.count("cycle_ended") == actions(stream).count("retrain")


def assert_same_once_more(stream):
    """Every decision comes out as it was, from what was kept with it and from the log, and none was missed."""
    found = stream.volant("replay", "--lived", expect=None)
    assert found.code == 0, found.out[-3000:]
