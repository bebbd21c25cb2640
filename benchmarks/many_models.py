"""A store with many registered models that are all watched: the overview, the control process's own rounds, and its memory.

    python benchmarks/many_models.py [MODELS]

A real project is trained and released; the other models are written through the real services: three versions with gate
reports, a champion, decisions, twelve windows and a live report, labels, segments of the log, an alert for every tenth and
a rollout for every twentieth. Then ``volant up`` is started on it. Budgets: overview at most 150 ms of server time (p95), all
rounds together at most 100 ms, idle at most 150 MB PSS (with 50 models).
"""

import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "server"), str(ROOT / "tests" / "web")]
OVERVIEW_MS, ROUNDS_MS, PSS_MB = 150, 100, 150
PATHS = ("/", "/?search=city-07", "/?sort=name&page=11", "/index.json", "/models/city-0007", "/decisions?model=city-0007", "/models")
REPEATS = 30
VERSIONS, DECISIONS, WINDOWS, LABELS, SEGMENTS = 3, 20, 12, 60, 10


def main():
    for models in [int(sys.argv[1])] if len(sys.argv) > 1 else [50, 1000]:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder) / "bikes", models)


def measure(root, models):
    from bikes_project import opened, release, run_twice, write_bikes

    release(opened(run_twice(write_bikes(root))), 1)
    began = time.perf_counter()
    fill(opened(root), models)
    size = (root / ".volant" / "volant.db").stat().st_size / 1e6
    print(f"{models} models: filled in {time.perf_counter() - began:.1f} s, {size:.0f} MB")
    rounds(opened(root))
    with Server(root) as (process, port):
        first = timed(port, "/")
        print(f"  first overview {first * 1000:6.0f} ms")
        for path in PATHS:
            before = cpu_seconds(process.pid)
            times = sorted(timed(port, path) for _ in range(REPEATS))
            busy = (cpu_seconds(process.pid) - before) / REPEATS * 1000
            verdict = f"; {OVERVIEW_MS / 1000 / times[int(0.95 * REPEATS)]:.1f} x within budget" if path == "/" else ""
            p50, p95 = statistics.median(times) * 1000, times[int(0.95 * REPEATS)] * 1000
            print(f"  {path:27s} p50 {p50:6.1f} ms, p95 {p95:6.1f} ms, {busy:5.1f} ms of a core{verdict}")
        writing = changing(root, port)
        print(f"  / while another model changes before each: p50 {writing[0]:6.1f} ms, p95 {writing[1]:6.1f} ms")
        used = pss_mb(process.pid)
        print(f"  {used:.0f} MB PSS after that ({PSS_MB / used:.1f} x within the budget for 50 models)")
    with Server(root) as (process, port):
        time.sleep(5)
        used, before = pss_mb(process.pid), cpu_seconds(process.pid)
        time.sleep(10)
        print(f"  idle: {used:.0f} MB PSS ({PSS_MB / used:.1f} x), {(cpu_seconds(process.pid) - before) * 10:.1f} % of a core")


# Filling


def fill(project, models):
    """One transaction: every service call joins it."""
    chance = random.Random(7)
    with project.tx.transaction():
        for number in range(models):
            one_model(project, f"city-{number:04}", number, chance)


def one_model(project, model, number, chance):
    from web_seed import COLUMNS

    from volant.data.model import DatasetVersion, Origin
    from volant.evidence.model import Label, Segment
    from volant.kernel.clock import DAY_US, HOUR_US
    from volant.kernel.digests import digest

    now = project.clock.now()
    for data in (1, 2):
        project.datasets.add(
            DatasetVersion(
                dataset=model,
                number=data,
                digest=digest(f"{model} {data}".encode()),
                format="csv",
                rows=10_000 * data,
                columns=COLUMNS,
                origin=Origin.SOURCE,
                source="rides.csv",
                recorded_at=now - DAY_US,
            )
        )
    for version in range(1, VERSIONS + 1):
        add_version(project, model, version, now)
    project.registry.approve(model, 1, reason="the first", actor="ada", override=True)
    project.registry.approve(model, 2, reason="better", actor="ada", override=True)
    decide(project, model, now)
    watched(project, model, chance, now)
    project.labels.add(
        model,
        [
            Label(key=f'["{row}"]', value=1.0, known_at=now - row * HOUR_US, recorded_at=now - row * HOUR_US, source="f")
            for row in range(LABELS)
        ],
    )
    for part in range(SEGMENTS):
        at = now - (part + 1) * DAY_US
        project.segments.add(
            Segment(
                id=f"{model}-{part}",
                model=model,
                worker="w",
                digest="d",
                rows=400,
                first_at=at,
                last_at=at + HOUR_US,
                sealed_at=at + HOUR_US,
            )
        )
    trouble(project, model, number)


def add_version(project, model, number, now):
    from web_seed import checks

    from volant.gates.model import GateReport, Verdict
    from volant.kernel.clock import DAY_US
    from volant.kernel.digests import digest
    from volant.registry.model import ModelVersion

    package, verdict = digest(f"{model} {number}".encode()), Verdict.NOT_ENOUGH if number == VERSIONS else Verdict.PASS
    champion = None if number == 1 else number - 1
    gate = GateReport(
        id=digest(f"gate {model} {number}".encode())[:32],
        model=model,
        version=number,
        package=package,
        champion=champion,
        champion_package=None,
        run_id=f"{number:032x}",
        dataset=model,
        dataset_version=2,
        holdout_rows=1000,
        holdout_from_us=now - DAY_US,
        holdout_to_us=now,
        excluded_rows=0,
        predictions=digest(b"predictions"),
        verdict=verdict,
        checks=checks(22.0 - number, champion, verdict),
        baselines={"mean": 40.0},
        seed=7,
        recorded_at=now,
    )
    project.gates.add(gate)
    made = ModelVersion(
        model=model,
        number=number,
        package=package,
        run_id=f"{number:032x}",
        run_revision=1,
        dataset=model,
        dataset_version=2,
        pipeline=digest(b"pipeline"),
        policy=digest(b"policy"),
        metrics={"mae": 22.0 - number, "rmse": 30.0},
        trained_rows=10_000,
        trained_until_us=now - DAY_US,
        trained_rows_digest=None,
        registered_at=now - (VERSIONS - number) * DAY_US,
        gate=gate.id,
    )
    project.registry.register(made, verdict, actor="volant run")


def decide(project, model, now):
    from volant.kernel.clock import DAY_US
    from volant.loop.ledger import CycleEnd, DecisionLedger
    from volant.loop.model import Action, Decision

    ledger = DecisionLedger(project.events, model)
    for place in range(DECISIONS // 2):
        at = now - (DECISIONS - place) * DAY_US
        sentence = "realised loss 0.41 over the last 4 windows (1,200 labels) against a reference of at most 0.38"
        made = ledger.record(Decision(action=Action.RETRAIN, at=at, sentence=sentence, trigger="performance"), actor="policy")
        ledger.end(CycleEnd(decision=made, mark="m", version=2), actor="policy")


def watched(project, model, chance, now):
    from volant.kernel.clock import HOUR_US
    from volant.monitoring.model import LiveReport, Reference, WindowPerformance
    from volant.monitoring.ports import Covered
    from volant.monitoring.summary import ColumnSummary, Latencies, WindowSummary

    def times(place):
        return now - (WINDOWS - place) * HOUR_US, now - (WINDOWS - place - 1) * HOUR_US - 1

    columns = {f"column {n}": ColumnSummary(rows=400, numbers=400, mean=0.1, squares=2.5, minimum=-1.0, maximum=9.0) for n in range(8)}
    windows = [
        WindowSummary(
            model=model,
            epoch=2,
            arm="champion",
            number=place,
            from_us=times(place)[0],
            to_us=times(place)[1],
            rows=400,
            latencies=Latencies(counts={"33": 390, "40": 10}),
            columns=columns,
            versions={"2": 400},
        )
        for place in range(WINDOWS)
    ]
    project.windows.commit(model, Covered(), "basis", {"log": 400 * WINDOWS}, windows)
    shown = []
    for place in range(WINDOWS):
        value = 20.0 + chance.gauss(0, 1)
        shown.append(
            WindowPerformance(
                number=place,
                from_us=times(place)[0],
                to_us=times(place)[1],
                rows=400,
                labelled=380,
                loss=value,
                loss_variance=0.3,
                df=40,
                value=value,
                low=value - 1,
                high=value + 1,
            )
        )
    reference = Reference(rows=1000, loss=20.0, loss_variance=0.2, df=90, value=20.0, low=19.0, high=21.0)
    project.windows.keep_live(
        LiveReport(
            model=model,
            epoch=2,
            version=2,
            metric="mae",
            lower_is_better=True,
            recorded_at=now,
            labels=LABELS,
            lines=1,
            reference=reference,
            windows=tuple(shown),
        )
    )


def trouble(project, model, number):
    from volant.config.model import StepConfig, StepKind
    from volant.monitoring.alert_model import Severity

    if number % 10 == 0:
        severity = Severity.CRITICAL if number % 20 == 0 else Severity.WARNING
        project.alerts.raise_("performance", severity=severity, sentence="The model has become worse.", facts={"loss": 0.4}, model=model)
    if number % 20 == 5:
        steps = (
            StepConfig(kind=StepKind.SHADOW, rows=500),
            StepConfig(kind=StepKind.CANARY, rows=1000, share=0.1),
            StepConfig(kind=StepKind.FULL),
        )
        project.rollouts.start(model, 3, steps=steps, time_limit_us=10**12, actor="policy", approver="policy", override=True)


# Measuring


def rounds(project):
    """What the control process does again and again, each as a server does it: the median of some, without the first, and the
    slowest, which on a busy machine says more about the machine.
    """
    from volant.kernel.audit import checkpoint_if_new
    from volant.server.chores import sealable
    from volant.server.watch import Watch
    from volant.wiring.changes import Changes
    from volant.wiring.watched import log_mark

    watch, changes = Watch(project), Changes(project)
    ledger = f"loop/{project.name}"
    work = {
        "what should serve": watch.look,
        "what changed": changes.look,
        "the rollout": lambda: project.rollouts.state(project.name),
        "signals of the wheel": lambda: (log_mark(project), project.labels.revision(project.name), len(project.events.read(ledger))),
        "open alerts": lambda: len(project.alerts.open(project.name)),
        "alerts to tell": lambda: project.stores.alerts.due(project.clock.now()),
        "the lease": lambda: project.leases.acquire("benchmark", "me", 1_000_000),
        "files to seal": lambda: sealable(project.log_folder, project.clock.now()),
    }
    after_a_change = {"what changed, with a change": changes.look, "checkpoint": lambda: checkpoint_if_new(project.events, project.anchors)}
    total = 0.0
    for name, act in {**work, **after_a_change}.items():
        times = []
        for _ in range(16):
            if name in after_a_change:
                note(project)
            times.append(clocked(act) * 1000)
        del times[0]
        total += statistics.median(times)
        print(f"  round: {name:30s} {statistics.median(times):6.2f} ms, slowest {max(times):6.2f} ms")
    print(f"  all rounds together {total:6.1f} ms ({ROUNDS_MS / total:.1f} x within budget)")
    began = time.perf_counter()
    project.glances.wheels()
    print(
        f"  first glance at all wheels {(time.perf_counter() - began) * 1000:.0f} ms, again {clocked(project.glances.wheels) * 1000:.1f} ms"
    )


def note(project):
    project.alerts.raise_("benchmark", severity=_info(), sentence="x", facts={}, model="city-0001")
    project.alerts.resolve("benchmark", model="city-0001")


def _info():
    from volant.monitoring.alert_model import Severity

    return Severity.INFO


def clocked(act):
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


class Server:
    """``volant up`` of the project on a free port."""

    def __init__(self, root):
        self.root = root

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "volant.cli", "up", "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
        while True:
            try:
                timed(self.port, "/ready")
            except OSError:
                time.sleep(0.1)
            else:
                return self.process, self.port

    def __exit__(self, *_):
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait(60)


def timed(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": "text/html"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert len(answer.read()) > 10
    return time.perf_counter() - began


def changing(root, port):
    from bikes_project import opened

    project, times = opened(root), []
    for turn in range(REPEATS):
        model = f"city-{turn % 40:04}"
        project.alerts.raise_("errors", severity=_info(), sentence=f"turn {turn}", facts={}, model=model)
        times.append(timed(port, "/"))
        project.alerts.resolve("errors", model=model)
    times.sort()
    return statistics.median(times) * 1000, times[int(0.95 * REPEATS)] * 1000


def pss_mb(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
