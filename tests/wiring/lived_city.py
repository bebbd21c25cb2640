"""A project ``city`` that has lived: predictions answered and labelled, and looks of the automation, each in this process."""

import csv
import json
import os
import random

from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.model import Outcome, Prediction
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.verbs.looping import look

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
MODEL = '''"""Twice the temperature."""


class Twice:
    def predict(self, frame):
        return (frame["temp"] * 2).to_numpy()


def model(rows, target, *, learning_rate=0.1):
    return Twice()
'''


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(day, count):
    noise = random.Random(day)
    return [{"id": 10_000 * day + number, "temp": noise.randint(0, 60) / 2} for number in range(count)]


def told(rows, shift=0.0):
    noise = random.Random(len(rows))
    return [{"id": row["id"], "demand": round(2 * row["temp"] + shift + noise.uniform(-1, 1), 3)} for row in rows]


def quiet(_text, _share=None):
    pass


def served(project, home, day, shift):
    """160 rows are answered by a worker and then labelled."""
    rows = rows_of(day, 160)
    answered_by_worker(project, day, rows)
    write(home / "truth.csv", told(rows, shift))
    assert commands.add_labels(project, str(home / "truth.csv"), ["id"])["new"] == 160


def answered_by_worker(project, day, rows):
    """Logged as a worker of the champion logs it, in one request, without labels."""
    state = project.registry.state("city")
    answered = Prediction(
        id=f"{day:032x}",
        request_id=None,
        at=project.clock.now(),
        model="city",
        version=state.champion,
        arm="champion",
        epoch=state.epoch,
        columns={name: [row[name] for row in rows] for name in ("id", "temp")},
        values=[row["temp"] * 2 for row in rows],
        scores=None,
        keys=[json.dumps([row["id"]]) for row in rows],
        event_times=None,
        latency_us=300,
        outcome=Outcome.OK,
    )
    folder = project.log_folder / "w1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{day:020}.log").write_bytes(frame(encode(answered)))


def live(folder, policy, trigger, settings=None):
    """The champion answers as well as ever, the automation waits; then the world moves, and ``trigger`` asks for a retrain."""
    rows = rows_of(1, 300)
    write(folder / "history.csv", [{**row, **truth} for row, truth in zip(rows, told(rows), strict=True)])
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    (home / "pipeline.py").write_text(MODEL, encoding="utf-8")
    text = (home / "volant.yaml").read_text(encoding="utf-8").replace("autonomy: propose", "autonomy: autopilot")
    for before, after in (settings or {}).items():
        assert before in text
        text = text.replace(before, after)
    begin = text.index("retrain:")
    (home / "volant.yaml").write_text(text[:begin] + policy, encoding="utf-8")
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    if project.registry.state("city").champion is None:
        commands.approve(project, "latest", reason="first", actor="ann", override=True)
    served(project, home, 2, 0.0)
    first = look(home, ENVIRONMENT, {}, quiet)
    assert [decision["action"] for decision in first["decisions"]] == ["wait"]
    served(project, home, 3, 25.0)
    request = {"looked_before": first["waited_at"], "settings": first["settings"]}
    second = look(home, ENVIRONMENT, request, quiet)
    assert second["decisions"][0]["trigger"].startswith(trigger), second["decisions"]
    return home
