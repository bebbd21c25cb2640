"""What must hold between triggers, costs and the training window."""

from collections.abc import Iterator

from volant.config.model import Keep, ProjectConfig, TriggerKind, WindowConfig

Problem = tuple[str, str, str]


SEES_CHANGE = frozenset({TriggerKind.PERFORMANCE, TriggerKind.ESTIMATED, TriggerKind.DRIFT, TriggerKind.COST})


def retraining_problems(config: ProjectConfig) -> Iterator[Problem]:
    """Place, what is wrong, and what to do."""
    yield from _window(config.train.window)
    if config.train.window.keep is Keep.SINCE_CHANGE and not any(trigger.kind in SEES_CHANGE for trigger in config.retrain.when):
        yield (
            "train.window.keep",
            "since_change keeps rows since a trigger saw a change, and no trigger can see one",
            "add {performance: worse} under retrain.when, or write {keep: last, size: 90d}",
        )
    cost = config.retrain.cost
    for number, trigger in enumerate(config.retrain.when):
        if trigger.kind is TriggerKind.COST and cost.retrain == 0 and cost.label == 0:
            yield (
                f"retrain.when[{number}].cost",
                "a retrain costs nothing, so its cost is always exceeded",
                "say what one costs, like retrain: {cost: {retrain: 500}}: in the metric's loss, summed over rows",
            )


_FORMS = "write {keep: all}, {keep: last, size: 90d}, {keep: weighted, half_life: 90d} or {keep: since_change, size: 2000 rows}"


def _window(window: WindowConfig) -> Iterator[Problem]:
    keep = window.keep
    if keep is Keep.LAST and window.size is None:
        yield "train.window", "keep: last needs a size", _FORMS
    if keep in {Keep.ALL, Keep.WEIGHTED} and window.size is not None:
        yield "train.window.size", f"keep: {keep.value} takes no size", _FORMS
    if keep is Keep.WEIGHTED and window.half_life is None:
        yield "train.window", "keep: weighted needs a half_life", _FORMS
    if keep is not Keep.WEIGHTED and window.half_life is not None:
        yield "train.window.half_life", f"keep: {keep.value} takes no half_life", _FORMS
