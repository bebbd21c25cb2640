"""When a run is answered from the store, and what makes it run again."""

import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from volant.evidence.model import Label
from volant.kernel.errors import NotFoundError
from volant.tracking.model import RunStatus
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.remembered import unchanged_run

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A template project that ran once."""
    folder = tmp_path_factory.mktemp("ran")
    commands.init(folder, "demo", environment=ENVIRONMENT, template=True)
    project = open_project(folder / "demo", environment=ENVIRONMENT)
    answer = commands.run(project)
    assert answer["version"] == 1
    return folder


@pytest.fixture
def home(ran, tmp_path):
    shutil.copytree(ran, tmp_path / "copy")
    return tmp_path / "copy" / "demo"


def opened(home):
    return open_project(home, environment=ENVIRONMENT)


def edit(path, pattern, text):
    before = path.read_text(encoding="utf-8")
    after = re.sub(pattern, text, before, count=1)
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_a_run_in_which_nothing_changed_is_answered_with_the_same_version(home):
    found = unchanged_run(opened(home), {})
    assert (found["version"], found["cached"], found["existing"]) == (1, True, True)
    assert all(step["cached"] for step in found["steps"])
    assert found["report"]["package"] == found["package"]


def test_a_comment_and_a_touched_file_change_nothing(home):
    with (home / "pipeline.py").open("a", encoding="utf-8") as file:
        file.write("\n# a remark\n")
    os.utime(next(home.rglob("*.csv")))
    assert unchanged_run(opened(home), {}) is not None


def test_other_code_runs(home):
    edit(home / "pipeline.py", r"HistGradientBoosting\w+\(", r"\g<0>max_iter=11, ")
    assert unchanged_run(opened(home), {}) is None


def test_other_settings_run(home):
    edit(home / "volant.yaml", r"seed: 7", "seed: 8")
    assert unchanged_run(opened(home), {}) is None


def test_other_parameters_run(home):
    assert unchanged_run(opened(home), {"learning_rate": 0.3}) is None


def test_another_contract_runs(home):
    with (home / "contract.odcs.yaml").open("a", encoding="utf-8") as file:
        file.write("\n# looked at\n")
    assert unchanged_run(opened(home), {}) is None


def test_other_data_run(home):
    data = next(home.rglob("*.csv"))
    lines = data.read_text(encoding="utf-8").splitlines(keepends=True)
    data.write_text("".join(lines[:-1]), encoding="utf-8")
    assert unchanged_run(opened(home), {}) is None


def test_a_source_that_is_gone_is_an_error_and_not_an_answer(home):
    next(home.rglob("*.csv")).unlink()
    with pytest.raises(NotFoundError):
        unchanged_run(opened(home), {})


def test_a_version_that_was_released_since_is_told_as_champion(home):
    project = opened(home)
    project.registry.approve("demo", 1, reason="test", actor="ada", override=True)
    found = unchanged_run(project, {})
    assert found["state"] == "champion"


def test_a_lost_result_runs_again(home):
    project = opened(home)
    digest = project.steps.latest("model").output.digest
    (home / ".volant" / "objects" / digest[:2] / digest).unlink()
    assert unchanged_run(project, {}) is None


def test_labels_that_came_while_a_run_went_on_are_learned_from_by_the_next(home):
    project = opened(home)
    edit(home / "pipeline.py", r"\nimport polars", "\nimport time\n\nimport polars")
    edit(home / "pipeline.py", r"\n\n\ndef features", "\n\ntime.sleep(3)\n\n\ndef features")
    now = project.clock.now()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(commands.run, project)
        while project.runs.search()[0].run.status is not RunStatus.RUNNING:
            time.sleep(0.02)
        project.labels.add("demo", [Label(key='["meanwhile"]', value=1.0, known_at=now, recorded_at=now)])
        assert running.result()["version"] is not None
    assert unchanged_run(opened(home), {}) is None
    commands.run(opened(home))
    assert unchanged_run(opened(home), {}) is not None
