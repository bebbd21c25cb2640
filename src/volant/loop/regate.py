"""Judging a registered version again: on the data of now, against the champion of now."""

import numpy as np

from volant.data.split import Split
from volant.gates.model import GateReport
from volant.kernel.errors import IllegalTransitionError
from volant.loop.freezing import freeze
from volant.loop.judging import seen_rows
from volant.loop.setting import Ports, Progress, Setting
from volant.loop.table import Table, split_of, table_of
from volant.loop.traces import lineage_of_version
from volant.registry.model import ModelVersion


def judge_version(ports: Ports, setting: Setting, version: ModelVersion, progress: Progress) -> GateReport:
    """A new report on ``version``, kept beside the earlier ones. Rows that it or the champion learned from are left out.

    A version that passes now, and only waited for evidence before, is proposed. ``IllegalTransitionError`` for the champion.
    """
    config = setting.config
    champion = ports.registry.state(config.project).champion
    if champion == version.number:
        raise IllegalTransitionError(
            f"{version.model}@{version.number} is the champion: there is nothing to compare it with.",
            next_step="judge another version, or train one: volant run",
        )
    frozen = freeze(ports.datasets, ports.predictions, ports.labels, ports.clock, config=config, root=setting.root, progress=progress)
    table = table_of(ports.datasets.frame(frozen.version), frozen.version, config)
    split = split_of_version(table, split_of(table, config), seen_rows(ports.objects, version))
    progress("testing against the champion and the baselines", None)
    report, _ = setting.judging(table, split, ports.objects).judge(
        version.package,
        None if champion is None else ports.registry.version(config.project, champion),
        version=version.number,
        run_id=version.run_id,
        gates=ports.gates,
        clock=ports.clock,
        ids=ports.ids,
    )
    lineage_of_version(ports.lineage, version, report)
    ports.registry.register(version, report.verdict, actor="volant gate")
    return report


def split_of_version(table: Table, split: Split, learned: np.ndarray | None) -> Split:
    """The same holdout, with the rows the version really learned from as its training rows where they are known."""
    if learned is None:
        return split
    return Split(np.flatnonzero(np.isin(table.fingerprints, learned)), split.holdout, split.starts_us, split.dropped_gap)
