"""Which metric names fit which task. What they are and how they are computed is the business of ``stats``."""

from volant.config.model import Task

REGRESSION_METRICS = ("mae", "rmse", "mse", "mape", "r2")
CLASSIFICATION_METRICS = ("error", "accuracy", "logloss", "brier", "auc", "f1")

METRICS_OF_TASK: dict[Task, tuple[str, ...]] = {
    Task.REGRESSION: REGRESSION_METRICS,
    Task.BINARY: CLASSIFICATION_METRICS,
    Task.MULTICLASS: CLASSIFICATION_METRICS,
}
