"""Seventeen months of demand as live traffic over HTTP, with the automation on: is the model kept fresh, and can it be told?"""

import numpy as np
import pytest
from streamed import FIRST_BIKES, bike_frame, bike_project, released
from told import actions, answers_of_the_first, assert_each_once, assert_same_once_more, assert_told

pytestmark = [pytest.mark.data, pytest.mark.slow]

WINDOW = 290  # rows: a sixtieth of the file
STEPS = "[{shadow: 36 rows}, {canary: 50%, rows: 84}, full]"  # 120 rows in all


def every_window(frame):
    """Absolute errors of a model that is trained anew for every window on the newest rows whose labels are known."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    target = frame["cnt"].to_numpy().astype(float)
    matrix = frame.drop("cnt", "hour").to_numpy().astype(float)
    errors = []
    with threadpool_limits(1):  # threads that wait for each other spin: the tests share few cores
        for start in range(FIRST_BIKES, len(target), WINDOW):
            learned = slice(max(start - 24 - FIRST_BIKES, 0), start - 24)
            model = HistGradientBoostingRegressor(random_state=7).fit(matrix[learned], target[learned])
            errors.append(np.abs(model.predict(matrix[start : start + WINDOW]) - target[start : start + WINDOW]))
    return np.concatenate(errors)


@pytest.fixture(scope="module")
def bikes(real_data, tmp_path_factory):
    """Seventeen months of demand; the server is stopped at the end."""
    folder = tmp_path_factory.mktemp("streamed")
    root, rows = bike_project(folder, real_data, holdout="200 rows", when="[{new_labels: 870}]", steps=STEPS)
    stream = released(root, rows, stride=288, on_its_way=96, batch=48)
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
    assert_same_once_more(bikes)
