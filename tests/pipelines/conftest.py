"""Projects to run."""

import pytest
from projects import Project


@pytest.fixture
def project(tmp_path):
    """Makes a project of files given by module path: ``project(pipeline=..., lib__deep=...)``."""
    made = []

    def make(**files):
        made.append(Project(tmp_path / f"project{len(made)}", **files))
        made[-1].root.mkdir(exist_ok=True)
        return made[-1]

    return make
