"""Values to store."""

from volant.config.model import GateConfig, GateKind
from volant.data.model import Column, DatasetVersion, Dtype, Origin
from volant.gates.model import CheckResult, GateReport, Verdict
from volant.kernel.events import NewEvent
from volant.pipelines.model import Identity, Output, StepResult
from volant.registry.model import ModelVersion
from volant.tracking.model import Run, RunStatus

AT = 1_700_000_000_000_000
PACKAGE = "ab" * 32


def new_event(kind: str = "happened", data: bytes = b"{}") -> NewEvent:
    return NewEvent(kind=kind, data=data)


def dataset_version(number: int = 1, **changes) -> DatasetVersion:
    fields = {
        "dataset": "bikes",
        "number": number,
        "digest": f"{number:064x}",
        "format": "csv",
        "rows": 100,
        "columns": (
            Column(name="temp", dtype=Dtype.FLOAT, nullable=True),
            Column(name="Zürich ☂", dtype=Dtype.STRING, nullable=False),
        ),
        "origin": Origin.SOURCE,
        "source": "bikes.csv",
        "recorded_at": AT,
        "notes": ("labels exist only for some outcomes",),
    }
    return DatasetVersion(**fields | changes)


def model_version(number: int = 1, **changes) -> ModelVersion:
    fields = {
        "model": "bikes",
        "number": number,
        "package": f"{number:064x}",
        "run_id": "r",
        "run_revision": 1,
        "dataset": "bikes",
        "dataset_version": 1,
        "pipeline": "p",
        "policy": "q",
        "metrics": {"mae": 1.5},
        "trained_rows": 10,
        "trained_until_us": None,
        "trained_rows_digest": None,
        "registered_at": AT,
    }
    return ModelVersion(**fields | changes)


def gate_report(name: str = "g1", **changes) -> GateReport:
    check = CheckResult(
        check=GateConfig(kind=GateKind.CHAMPION, metric="mae", slices=("city",)),
        title="mae vs champion",
        verdict=Verdict.PASS,
        sentence="It is better.",
        rows=50,
        candidate=1,
        difference=-0.1,
        low=-0.2,
        high=0.0,
    )
    fields = {
        "id": name,
        "model": "bikes",
        "version": None,
        "package": PACKAGE,
        "champion": None,
        "champion_package": None,
        "run_id": "r",
        "dataset": "bikes",
        "dataset_version": 1,
        "holdout_rows": 50,
        "holdout_from_us": None,
        "holdout_to_us": None,
        "excluded_rows": 0,
        "predictions": "cd" * 32,
        "verdict": Verdict.PASS,
        "checks": (check,),
        "baselines": {"mean": 2.0},
        "seed": 7,
        "recorded_at": AT,
    }
    return GateReport(**fields | changes)


def step_result(key: str = "k1", **changes) -> StepResult:
    fields = {
        "key": key,
        "step": "features",
        "output": Output(digest="ab" * 32, codec="polars", description="100 rows"),
        "identity": Identity(code="c", modules={}, distributions={"polars": "2.1"}, params={"rate": "0.1"}, inputs={}, python="3.11"),
        "recorded_at": AT,
        "duration_us": 12,
    }
    return StepResult(**fields | changes)


def run(number: int = 1, **changes) -> Run:
    fields = {
        "id": f"{number:032x}",
        "revision": 1,
        "experiment": "bikes",
        "name": f"run {number}",
        "status": RunStatus.RUNNING,
        "started_at": AT + number,
    }
    return Run(**fields | changes)
