"""Projects that are made once and copied for each test that drives them further."""

import os
import shutil

import pytest
from journey_parts import DATA, PLAIN_PIPELINE, edit, volant

# A hundred kills take minutes: ``make soak`` asks for them.
collect_ignore = [] if int(os.environ.get("VOLANT_SOAK_KILLS", "0")) else ["test_killed_at_random.py"]


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A project of the example, as ``init`` leaves it. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("template")
    volant(folder, "init", "toy", "--template")
    return folder / "toy"


@pytest.fixture(scope="session")
def trained_template(template, tmp_path_factory):
    """The same after one run: version 1 is registered. Not to be changed: copy it."""
    root = tmp_path_factory.mktemp("trained") / "toy"
    shutil.copytree(template, root)
    volant(root, "run", expect=None)
    return root


@pytest.fixture
def toy(template, tmp_path):
    """A fresh project of the example."""
    return shutil.copytree(template, tmp_path / "toy")


@pytest.fixture
def trained(trained_template, tmp_path):
    """A project of the example with version 1 registered."""
    return shutil.copytree(trained_template, tmp_path / "toy")


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets."""
    if not (DATA / "elec2.csv").is_file():
        pytest.skip(f"the real data sets are not in {DATA.resolve()}")
    return DATA.resolve()


@pytest.fixture(scope="session")
def plain_template(template, tmp_path_factory):
    """The example with a model that needs no scikit-learn, so that runs are quick. Not to be changed: copy it."""
    root = shutil.copytree(template, tmp_path_factory.mktemp("plain") / "toy")
    (root / "pipeline.py").write_text(PLAIN_PIPELINE)
    (root / "opening.py").write_text("SHIFT = 0\n")
    edit(root / "volant.yaml", "vs: baseline}", "vs: baseline, margin: 50%}")  # so simple a model is let through
    edit(root / "volant.yaml", "latency_p99: 100ms", "latency_p99: 60s")  # however busy this machine is
    return root


@pytest.fixture(scope="session")
def plain_trained_template(plain_template, tmp_path_factory):
    """The same after one run: version 1 is proposed. Not to be changed: copy it."""
    root = shutil.copytree(plain_template, tmp_path_factory.mktemp("plain-trained") / "toy")
    volant(root, "run")
    return root


@pytest.fixture
def plain(plain_template, tmp_path):
    """A fresh project with the quick model."""
    return shutil.copytree(plain_template, tmp_path / "toy")


@pytest.fixture
def plain_trained(plain_trained_template, tmp_path):
    """A project with the quick model and its version 1 proposed."""
    return shutil.copytree(plain_trained_template, tmp_path / "toy")
