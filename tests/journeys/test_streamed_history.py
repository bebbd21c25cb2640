"""Years of real history as live traffic over HTTP, with the automation on: is the model kept fresh, and can it all be told?"""

import random
from statistics import fmean

import numpy as np
import pytest
from journey_parts import query, volant
from streamed import FIRST_BIKES, bike_frame, bike_project, elec2_project, released

pytestmark = [pytest.mark.data, pytest.mark.slow]

WINDOW = 290  # rows: a sixtieth of the file
STEPS = "[{shadow: 36 rows}, {canary: 50%, rows: 84}, full]"  # 120 rows in all


def every_window(frame):
    """Absolute errors of a model that is trained anew for every window on the newest rows whose labels are known."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    target = frame["cnt"].to_numpy().astype(float)
    matrix = frame.drop("cnt", "hour").to_numpy().astype(float)
    errors = []
    for start in range(FIRST_BIKES, len(target), WINDOW):
        learned = slice(max(start - 24 - FIRST_BIKES, 0), start - 24)
        model = HistGradientBoostingRegressor(random_state=7).fit(matrix[learned], target[learned])
        errors.append(np.abs(model.predict(matrix[start : start + WINDOW]) - target[start : start + WINDOW]))
    return np.concatenate(errors)


def answers_of_the_first(stream, folder):
    """What version 1 would have answered to every row that was asked for."""
    import polars as pl

    frame = pl.DataFrame([row.asked for row in stream.rows[: len(stream.answers)]])
    frame.write_csv(folder / "asked.csv")
    name = stream.root.name
    volant(stream.root, "predict", f"{name}@1", "--data", str(folder / "asked.csv"), "--output", str(folder / "never.csv"), "--no-log")
    return pl.read_csv(folder / "never.csv")["prediction"].to_list()


def interval(gains, *, block, share=0.95, draws=2000):
    """Interval of a mean over rows that depend on their neighbours: whole blocks are drawn again (Kuensch 1989)."""
    blocks = [fmean(gains[at : at + block]) for at in range(0, len(gains) - block + 1, block)]
    dice = random.Random(7)
    means = sorted(fmean(dice.choices(blocks, k=len(blocks))) for _ in range(draws))
    return means[int(draws * (1 - share) / 2)], means[int(draws * (1 + share) / 2)]


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


@pytest.fixture(scope="module")
def bikes(real_data, tmp_path_factory):
    """Seventeen months of demand; the server is stopped at the end."""
    folder = tmp_path_factory.mktemp("streamed")
    root, rows = bike_project(folder, real_data, holdout="200 rows", when="[{new_labels: 870}]", steps=STEPS)
    stream = released(root, rows, stride=96)
    with stream.serving():
        stream.play()
    return stream


def test_bikes_are_kept_fresh_by_several_retrains_with_half_of_the_possible_gain(bikes, real_data, tmp_path):
    assert actions(bikes).count("promote") >= 4
    truth = np.array(bikes.labels, dtype=float)
    lived = np.abs(np.array(bikes.answers) - truth).mean()
    never = np.abs(np.array(answers_of_the_first(bikes, tmp_path)) - truth).mean()
    every = every_window(bike_frame(real_data)).mean()
    assert (never - lived) / (never - every) >= 0.5, (never, lived, every)


def test_every_decision_about_bikes_is_told_with_its_evidence(bikes):
    assert_told(bikes)
    assert_each_once(bikes)


@pytest.fixture(scope="module")
def prices(real_data, tmp_path_factory):
    """A year of electricity prices, labels by prediction."""
    folder = tmp_path_factory.mktemp("streamed")
    root, rows = elec2_project(
        folder, real_data, holdout="500 rows", when="[{new_labels: 2000}]", steps=STEPS, window=f"{{keep: last, size: {9060} rows}}"
    )
    stream = released(root, rows[:12000], stride=192, batch=48)
    with stream.serving():
        stream.play()
    return stream


def test_prices_are_not_worse_than_never_retrained(prices, tmp_path):
    assert "promote" in actions(prices)
    lived = [answer != label for answer, label in zip(prices.answers, prices.labels, strict=True)]
    never = [answer != label for answer, label in zip(answers_of_the_first(prices, tmp_path), prices.labels, strict=True)]
    gains = [float(before) - float(now) for before, now in zip(never, lived, strict=True)]
    low, high = interval(gains, block=48 * 7)
    assert high > 0, (fmean(never), fmean(lived), low, high)
    assert fmean(gains) >= 0


def test_every_decision_about_prices_is_told_with_its_evidence(prices):
    assert_told(prices)
    assert_each_once(prices)
