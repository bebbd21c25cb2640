"""What one look of the automation costs after 10,000 and after 1,000,000 logged rows: ``python benchmarks/look.py [rows ...]``.

The history was answered by version 1 and is labelled; version 2 serves since and has 2,000 labelled rows of its own. CPU time
of one process, best of five: a look that finds nothing new, and a look after 100 new rows and 100 new labels (which brings the
windows up to date). The ratio should be near 1. The last line is the cost that does grow: windows of an epoch are computed anew
from that epoch's rows, here 20,000 beside 2,000.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from volant.evidence.frames import frame
from volant.evidence.log import encode
from volant.evidence.model import Label, Outcome, Prediction
from volant.evidence.sealing import Sealer
from volant.kernel.clock import DAY_US
from volant.wiring import commands
from volant.wiring.project import Project, open_project
from volant.wiring.verbs.looping import look

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
REQUEST = 1_000
MODEL = """class Twice:
    def predict(self, frame):
        return (frame["temp"] * 2).to_numpy()


def model(rows, target, *, learning_rate=0.1):
    return Twice()
"""
POLICY = "\nretrain:\n  when: [{performance: worse}, {new_labels: 100000000}]\nwatch: {window: {rows: 500}}\n"


def project_in(folder: Path) -> Project:
    """Version 1 serves."""
    lines = [f"{number},{number % 60 / 2},{number % 60 + (number * 7919 % 100) / 50 - 1}" for number in range(400)]
    (folder / "history.csv").write_text("id,temp,demand\n" + "\n".join(lines) + "\n")
    commands.init(folder, "city", environment=ENVIRONMENT, data="history.csv", target="demand", key=("id",), metric="mae")
    home = folder / "city"
    (home / "pipeline.py").write_text(MODEL)
    text = (home / "volant.yaml").read_text()
    (home / "volant.yaml").write_text(text[: text.index("retrain:")] + POLICY)
    project = open_project(home, environment=ENVIRONMENT)
    commands.run(project)
    commands.approve(project, "latest", reason="first", actor="benchmark", override=True)
    return project


def served(project: Project, first: int, rows: int, *, epoch: int, at: int, sealed: bool) -> None:
    """So many rows are answered and labelled."""
    folder = project.log_folder / f"w{first}"
    folder.mkdir(parents=True)
    with (folder / "00000000000000000001.log").open("wb") as file:
        for start in range(first, first + rows, REQUEST):
            file.write(frame(encode(_request(start, min(REQUEST, first + rows - start), epoch, at + start))))
    named = [(number, number % 60 + (number * 7919 % 100) / 50 - 1) for number in range(first, first + rows)]
    times = {"known_at": at + first, "recorded_at": at + first}
    project.labels.add("city", [Label(key=f"[{number}]", value=value, **times) for number, value in named])
    if sealed:
        Sealer(project.log_folder, project.objects, project.segments, project.clock).seal(keep_us=0)


def _request(start: int, rows: int, epoch: int, at: int) -> Prediction:
    numbers = range(start, start + rows)
    return Prediction(
        id=f"{start:032x}",
        request_id=None,
        at=at,
        model="city",
        version=epoch,
        arm="champion",
        epoch=epoch,
        columns={"id": list(numbers), "temp": [number % 60 / 2 for number in numbers]},
        values=[float(number % 60) for number in numbers],
        scores=None,
        keys=[f"[{number}]" for number in numbers],
        event_times=None,
        latency_us=300,
        outcome=Outcome.OK,
    )


def looked(project: Project) -> float:
    """CPU seconds of one look."""
    started = time.process_time()
    look(project.root, ENVIRONMENT, {}, lambda _text, _share=None: None)
    return time.process_time() - started


def again(project: Project) -> None:
    """The same package as version 2, let out: a new epoch begins."""
    first = project.registry.version("city", 1)
    package = project.objects.put(project.objects.get(first.package) + b" ")
    report = msgspec.structs.replace(project.registry.report(first), id=project.ids.new(), package=package, champion=1)
    project.gates.add(report)
    made = project.registry.register(msgspec.structs.replace(first, package=package, gate=report.id), None, actor="benchmark")
    project.registry.approve("city", made.number, reason="second", actor="benchmark", override=True)


def measured(rows: int, own: int = 2_000) -> tuple[float, float]:
    """CPU seconds of a look with nothing new, and of one with 100 new labelled rows."""
    folder = Path(tempfile.mkdtemp())
    try:
        project = project_in(folder)
        now = project.clock.now()
        for start in range(0, rows, 50_000):
            served(project, 1_000_000 + start, min(50_000, rows - start), epoch=1, at=now - 30 * DAY_US, sealed=True)
        looked(project)
        again(project)
        served(project, 9_000_000, own, epoch=2, at=now - DAY_US, sealed=True)
        looked(project)
        idle = min(looked(project) for _ in range(5))
        fresh = []
        for number in range(5):
            served(project, 9_500_000 + number * 1_000, 100, epoch=2, at=now - DAY_US, sealed=False)
            fresh.append(looked(project))
        return idle, min(fresh)
    finally:
        shutil.rmtree(folder)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or [10_000, 1_000_000]
    found = {rows: measured(rows) for rows in sizes}
    for rows, (idle, fresh) in found.items():
        print(f"{rows:>9,} rows of history: nothing new {idle * 1000:.1f} ms, 100 new labelled rows {fresh * 1000:.1f} ms")
    least, most = found[min(sizes)], found[max(sizes)]
    print(f"ratio: nothing new {most[0] / least[0]:.2f}, 100 new labelled rows {most[1] / least[1]:.2f}")
    idle, fresh = measured(min(sizes), own=20_000)
    print(f"20,000 rows in the champion's own epoch: nothing new {idle * 1000:.1f} ms, 100 new labelled rows {fresh * 1000:.1f} ms")


if __name__ == "__main__":
    main()
