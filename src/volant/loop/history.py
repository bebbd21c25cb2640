"""A project's own history for a replay: its table as the policies walk it, and its pipeline as they train it."""

from pathlib import Path

import numpy as np
import polars as pl

from volant.config.model import Keep, ProjectConfig, WindowConfig
from volant.loop.judging import predicted_of
from volant.loop.replay_drift import ReplayDrift
from volant.loop.replay_estimates import ReplayEstimates
from volant.loop.replay_ledger import Predict, Train
from volant.loop.replay_wheel import History
from volant.loop.table import Table
from volant.loop.weighing import takes_weights
from volant.models.fitted import FittedModel
from volant.models.signature import infer_signature
from volant.monitoring.drift_reference import compared
from volant.pipelines.execution import train
from volant.pipelines.graph import build_graph
from volant.pipelines.identity import hidden_columns
from volant.pipelines.inputs import training_of
from volant.pipelines.model import MODEL, WEIGHTS


def history_of(table: Table, config: ProjectConfig) -> History:
    """The whole table, in order of event time."""
    inputs, times, groups = pl.DataFrame(compared(table.inputs(config), config.data)), table.times.event_us, table.groups(config)
    return History(
        project=config.project,
        task=config.task,
        metric=config.metric,
        event_times=table.times.event_us,
        known_at=table.times.known_us,
        target=table.target,
        groups=groups,
        slices=table.slices(config),
        columns=table.measured(config),
        estimates=ReplayEstimates(config.metric, config.task, inputs, event_times=times, target=table.target, groups=groups),
        drift=ReplayDrift(inputs, times, config.watch.drift),
    )


def trainer(table: Table, config: ProjectConfig, root: Path) -> Train:
    """Trains the project's pipeline on chosen rows, in memory: nothing is cached or packed."""
    graph = build_graph(root, config.train.pipeline, target=config.target, params=config.train.params)
    training = training_of(config, {})
    hidden = set(hidden_columns(graph, training, graph.step(MODEL)))
    everything = table.inputs(config)
    seen = everything.drop(name for name in everything.columns if name in hidden)

    def trained(positions: np.ndarray, *weights: np.ndarray) -> Predict:
        target = table.labels(config, positions)
        if weights:
            takes_weights(graph, WindowConfig(keep=Keep.WEIGHTED))
        given = pl.Series(WEIGHTS, weights[0]) if weights else None
        made = train(graph, training, everything[positions], target, given)
        signature = infer_signature(seen[positions], target, config.task, config.target)
        model = FittedModel.of(made, signature)
        return lambda rows: predicted_of(model.predict(seen[rows]), signature)

    return trained
