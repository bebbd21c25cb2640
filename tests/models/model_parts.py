"""Small trainings for the tests of the models package: by hand what the pipelines package does."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import polars as pl

from volant.config.model import Task
from volant.models.fitted import FittedModel
from volant.models.model import FeatureFunction
from volant.models.signature import infer_signature
from volant.models.trained import Trained

DATA = Path(__file__).parents[3] / "shared" / "data"


def table(count=400, seed=0, *, holes=False):
    """Numbers, a category, a flag, a date and a time; ``y`` depends on them."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2024-01-01T00:00:00", "us")
    hours = (np.arange(count) * 3_600_000_000).astype("timedelta64[us]")
    frame = pl.DataFrame(
        {
            "temp": rng.normal(20, 5, count).round(3),
            "count": rng.integers(0, 1000, count),
            "kind": rng.choice(["a", "b", "c"], count),
            "open": rng.random(count) > 0.5,
            "at": pl.Series(start + hours, dtype=pl.Datetime("us")),
        }
    ).with_columns(day=pl.col("at").dt.date())
    if holes:
        gone = pl.int_range(pl.len()) % 7 == 3
        frame = frame.with_columns(pl.when(gone).then(None).otherwise(pl.col(n)).alias(n) for n in ("temp", "count", "kind", "open"))
    y = frame.select(pl.col("temp").fill_null(0) + pl.col("count").fill_null(0) / 100 + (pl.col("kind") == "a").fill_null(value=False) * 5)
    return frame, y.to_series().alias("y")


def project(folder, source, name="pipeline"):
    """Write a project's file and import it as the pipelines package does: under its own name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(source)
    for other in [known for known in sys.modules if known == "lib" or known.startswith("lib.")]:
        del sys.modules[other]  # another test's project may have had a package of that name
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def trained(estimator, names, *, frame="polars", function=None, takes="polars", state=None, params=None, code=None, module="pipeline"):
    state = state or {}
    described = None
    if function is not None:
        described = FeatureFunction(
            module=module,
            name=function.__name__,
            frame=takes,
            rows_argument="rows",
            state={name: f"state/{name}.pkl" for name in state},
            params=params or {},
        )
    return Trained(
        estimator=estimator,
        frame=frame,
        feature_names=tuple(names),
        function=function,
        features=described,
        state=state,
        code=code or {},
        distributions={},
    )


def model(parts, rows, target, task=Task.REGRESSION):
    return FittedModel.of(parts, infer_signature(rows, target, task, target.name))


def featured(function, *, rows=None, takes="polars", state=None, params=None):
    """A model whose estimator does not matter: the function is what is looked at."""
    from sklearn.dummy import DummyRegressor

    frame, y = table(120) if rows is None else rows
    parts = trained(DummyRegressor().fit(frame.select("temp").to_numpy(), y), (), frame="numpy", function=function, takes=takes,
                    state=state, params=params)  # fmt: skip
    return model(parts, frame, y)
