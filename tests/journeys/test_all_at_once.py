"""A server, runs, scored files, labels and readers at the same time on one store: nobody fails, nothing is lost."""

import csv
import json
import threading

import pytest
from journey_parts import query, served, start, volant

ROW = {"hour": "2026-03-25T08:00:00", "temperature": 8.5, "weather": "cloud", "open": True}
ROUNDS = 4


def write_hours(path, day, count=24):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["hour", "temperature", "weather", "open", "demand"])
        writer.writerows([f"2026-03-{day}T{hour:02}:00:00", 4.5, "rain", "true", day] for hour in range(count))


@pytest.mark.slow
def test_everybody_at_once(plain_trained):
    volant(plain_trained, "approve", "toy@1", "--reason", "good")
    for day in range(21, 21 + ROUNDS):
        write_hours(plain_trained / f"{day}.csv", day)
    acknowledged = []
    with served(plain_trained, log_folder=plain_trained.parent) as server:
        server.until(server.serving)
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                answers, name = server.predict([ROW])
                status, _, counts = server.post("/labels", {"labels": [{"prediction_id": f"{name}.0", "label": 7}]})
                assert (status, counts["new"], len(answers)) == (200, 1, 1)
                acknowledged.append(f"{name}.0")

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            for day in range(21, 21 + ROUNDS):
                commands = [
                    ["run"],
                    ["predict", "@champion", "--data", f"{day}.csv"],
                    ["labels", "add", f"{day}.csv"],
                    ["status"],
                    ["audit", "verify"],
                ]
                running = [start(plain_trained, *words, "--json", "-q") for words in commands]
                for words, process in zip(commands, running, strict=True):
                    out, err = process.communicate(timeout=120)
                    assert process.returncode in ({0, 3} if words == ["run"] else {0}), (words, out.decode()[-800:], err.decode())
        finally:
            stop.set()
            thread.join()
        assert server.serving() == 1
        assert server.stop() == 0
    assert len(acknowledged) > 10
    known = {subject for (subject,) in query(plain_trained, "select subject from label")}
    assert set(acknowledged) <= known
    assert volant(plain_trained, "status").json["predictions"] == {"sealed": 24 * ROUNDS, "open": len(acknowledged)}
    run = volant(plain_trained, "run", expect=None).json
    ((body,),) = query(plain_trained, "select body from dataset_version where number = ?", run["dataset_version"])
    assert json.loads(body)["rows"] == 1440 + 24 * ROUNDS + 1  # the served hour was asked for many times, under one key
    assert volant(plain_trained, "audit", "verify").json["intact"]


def test_a_request_id_is_answered_once_even_by_a_server_that_was_killed_in_between(plain_trained):
    volant(plain_trained, "approve", "toy@1", "--reason", "good")
    named, body = {"X-Request-Id": "order-4711"}, {"dataframe_records": [ROW]}
    answers = []
    for _ in range(2):
        with served(plain_trained, log_folder=plain_trained.parent) as server:
            server.until(server.serving)
            answers += [server.post("/invocations", body, **named) for _ in range(2)]
            server.kill()
    assert {status for status, _, _ in answers} == {200}
    assert len({headers["x-volant-prediction-id"] for _, headers, _ in answers}) == 1
    assert volant(plain_trained, "status").json["predictions"]["open"] == 1
