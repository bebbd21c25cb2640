"""What verbs share: the project of the child, and the services over its stores."""

from pathlib import Path

from volant.data.service import Datasets
from volant.evidence.predictions import Predictions
from volant.wiring.last_good import open_or_last_good
from volant.wiring.project import Project


def opened(root: Path, environment: dict[str, str]) -> Project:
    """The project at ``root``, under the last good settings where the present ones cannot be used."""
    return open_or_last_good(root, environment)[0]


def datasets_of(project: Project) -> Datasets:
    """The service over dataset versions."""
    return Datasets(project.datasets, project.objects, project.tx, project.clock)


def predictions_of(project: Project) -> Predictions:
    """Every logged prediction."""
    return Predictions(project.log_folder, project.objects, project.segments)
