"""The wheel by the machine's own clock: nothing is steered, and the server's rounds are as long as people have them."""

import pytest
from journey_parts import query, served, volant
from streamed import bike_project

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.nightly]

STEPS = "[{shadow: 12 rows}, {canary: 50%, rows: 48}, full]"
ROWS, PATIENCE = 12, 400  # rows of a request; so many requests at most


def test_traffic_with_labels_that_come_later_ends_in_a_fresher_champion_by_itself(real_data, tmp_path):
    root, rows = bike_project(tmp_path, real_data, holdout="200 rows", when="[{new_labels: 300}]", steps=STEPS)
    volant(root, "run")
    with served(root, log_folder=tmp_path) as server:
        server.until(lambda: server.serving() == 1)
        for number in range(PATIENCE):
            part = rows[number * ROWS : (number + 1) * ROWS]
            answers, name = server.predict([row.asked for row in part])
            assert len(answers) == ROWS
            if number:
                before = rows[(number - 1) * ROWS : number * ROWS]
                labels = [{"key": [row.key], "label": row.label} for row in before]
                assert server.post("/labels", {"labels": labels})[0] == 200
            if number * ROWS > 300 and server.serving() == 2:
                break
            if number * ROWS > 300:
                waited(server, root, number)
        assert server.serving() == 2
    found = volant(root, "lineage", f"{name}.0").json
    assert found["prediction"]["version"] in {1, 2}
    decided = volant(root, "policy", "show").json["decisions"]
    assert {decision["action"] for decision in decided} >= {"retrain", "promote"}
    assert all(decision["sentence"] for decision in decided)


def waited(server, root, number):
    """Until the automation has taken up what it was told, as traffic that is not in a hurry would give it time to."""
    count = "SELECT count(*) FROM event"
    before = query(root, count)
    try:
        server.until(lambda: query(root, count) != before, seconds=1)
    except AssertionError:
        assert server.process.poll() is None, number
