"""What verbs share: the project of the child, and the services over its stores."""

from pathlib import Path

from volant.data.service import Datasets
from volant.evidence.predictions import Predictions
from volant.wiring.project import Project, open_project


def opened(root: Path, environment: dict[str, str]) -> Project:
    """The project at ``root``."""
    return open_project(root, environment=environment)


def datasets_of(project: Project) -> Datasets:
    """The service over dataset versions."""
    return Datasets(project.datasets, project.objects, project.tx, project.clock)


def predictions_of(project: Project) -> Predictions:
    """Every logged prediction."""
    return Predictions(project.log_folder, project.objects, project.segments)
