"""Business metrics held against the data, as far as they are known before a run."""

from pathlib import Path

from volant.config.model import ProjectConfig
from volant.data.model import Dtype
from volant.data.service import read_contract
from volant.loop.measurable import check_metrics
from volant.pipelines.graph import build_graph
from volant.wiring.project import Project


def check_measures(config: ProjectConfig, root: Path, project: Project | None) -> None:
    """By the newest data version, else by the contract; nothing to say where there is neither."""
    dtypes = _known(config, root, project)
    if config.metrics and dtypes is not None:
        check_metrics(config, build_graph(root, config.train.pipeline, target=config.target, params=config.train.params), dtypes)


def _known(config: ProjectConfig, root: Path, project: Project | None) -> dict[str, Dtype] | None:
    data = None if project is None else project.datasets.latest(config.project)
    if data is not None:
        return {column.name: column.dtype for column in data.columns}
    contract = read_contract(config, root)
    return None if contract is None else contract.dtypes()
