"""What must hold between triggers, costs and the training window."""

from collections.abc import Iterator

from volant.config.model import ProjectConfig, TriggerKind

Problem = tuple[str, str, str]


def retraining_problems(config: ProjectConfig) -> Iterator[Problem]:
    """Place, what is wrong, and what to do."""
    cost = config.retrain.cost
    for number, trigger in enumerate(config.retrain.when):
        if trigger.kind is TriggerKind.COST and cost.retrain == 0 and cost.label == 0:
            yield (
                f"retrain.when[{number}].cost",
                "a retrain costs nothing, so its cost is always exceeded",
                "say what one costs, like retrain: {cost: {retrain: 500}}: in the metric's loss, summed over rows",
            )
