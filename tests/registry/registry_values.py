"""Versions and verdicts for the registry."""

from volant.gates.model import GateReport, Verdict
from volant.registry.model import ModelVersion

MODEL = "bikes"


def package(number: int) -> str:
    return f"{number:064x}"


def version(number: int, model: str = MODEL) -> ModelVersion:
    return ModelVersion(
        model=model,
        number=0,
        package=package(number),
        run_id="r",
        run_revision=1,
        dataset=model,
        dataset_version=1,
        pipeline="p",
        policy="q",
        metrics={"mae": 1.0},
        trained_rows=10,
        trained_until_us=None,
        trained_rows_digest=None,
        registered_at=1,
    )


def report(name: str, number: int, verdict: Verdict, champion: int | None = None, model: str = MODEL) -> GateReport:
    return GateReport(
        id=name,
        model=model,
        version=None,
        package=package(number),
        champion=champion,
        champion_package=None,
        run_id="r",
        dataset=model,
        dataset_version=1,
        holdout_rows=1,
        holdout_from_us=None,
        holdout_to_us=None,
        excluded_rows=0,
        predictions="d",
        verdict=verdict,
        checks=(),
        baselines={},
        seed=7,
        recorded_at=1,
    )
