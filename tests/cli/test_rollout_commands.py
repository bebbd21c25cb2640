"""``deploy``, ``promote`` and ``rollback`` on a project with real versions."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from volant.cli.main import main
from volant.deployments.model import Phase
from volant.wiring import commands

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
from bikes_project import opened, release, run_twice, write_bikes

STEPS = "release: {steps: [{shadow: 30 rows}, {canary: 20%, rows: 100}, full]}\n"


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    folder = run_twice(write_bikes(tmp_path_factory.mktemp("twice") / "bikes"))
    release(opened(folder), 1)
    return folder


@pytest.fixture
def bikes(twice, tmp_path, monkeypatch):
    folder = shutil.copytree(twice, tmp_path / "bikes")
    monkeypatch.chdir(folder)
    return folder


def said(capsys, *words):
    code = main([*words, "--json"])
    printed = capsys.readouterr()
    return code, json.loads(printed.out or printed.err)


@pytest.mark.usefixtures("bikes")
def test_without_steps_deploy_names_the_ways_to_get_some(capsys):
    code, found = said(capsys, "deploy", "bikes@2")
    assert code == 2
    assert "release.steps" in found["error"]["next"]


def test_deploy_follows_the_steps_and_rollback_ends_it(bikes, capsys):
    with (bikes / "volant.yaml").open("a") as file:
        file.write(STEPS)
    code, found = said(capsys, "deploy", "bikes@2")
    assert (code, found["schema"], found["phase"], found["version"], found["progress"]["needed"]) == (0, "volant.deploy/1", "shadow", 2, 30)
    assert said(capsys, "deploy", "latest")[0] == 6
    code, found = said(capsys, "rollback", "--reason", "only a look", "--as", "ann")
    assert (code, found["phase"], found["sentence"]) == (0, "refused", "Refused bikes@2: by ann: only a look.")


def test_a_canary_waits_for_approval_with_exit_code_4_and_approve_lets_it_begin(bikes, capsys):
    code, found = said(capsys, "deploy", "bikes@2", "--canary", "10%")
    assert (code, found["phase"], found["waits_for_approval"]) == (4, "held", True)
    waits = said(capsys, "status")[1]
    assert (waits["rollout"]["phase"], waits["next"]) == ("held", 'volant approve bikes@2 --override --reason "..."')
    assert said(capsys, "approve", "bikes@2", "--reason", "fine")[0] == 4, "it was not judged against the present champion"
    code, found = said(capsys, "approve", "bikes@2", "--override", "--reason", "fine")
    assert (code, found["rollout"]["phase"], found["rollout"]["steps"][0]["share"]) == (0, "canary", 0.1)
    code, found = said(capsys, "promote", "bikes@2", "--reason", "now")
    assert (code, found["phase"]) == (0, "promoted")
    assert opened(bikes).registry.state("bikes").champion == 2
    code, found = said(capsys, "rollback", "--reason", "wrong on holidays")
    assert (code, found["version"]) == (0, 1)
    assert "bikes@1 is the champion again (epoch 3)" in found["sentence"]


@pytest.mark.usefixtures("bikes")
def test_a_reason_is_the_approval(capsys):
    code, found = said(capsys, "deploy", "bikes@2", "--canary", "0.1", "--reason", "checked", "--override")
    assert (code, found["phase"]) == (0, "canary")


@pytest.mark.parametrize(("autonomy", "approver"), [("autopilot", "policy"), ("propose", None)])
def test_a_passing_run_begins_the_rollout_that_the_settings_ask_for(tmp_path, autonomy, approver):
    folder = write_bikes(tmp_path / "bikes")
    text = (folder / "volant.yaml").read_text().replace("gates:\n", "gates:\n  - {metric: mae, max: 1000}\n")
    (folder / "volant.yaml").write_text(text + STEPS.replace("{steps", f"{{autonomy: {autonomy}, steps"))
    commands.run(opened(folder), set_params={"offset": 0.0})
    if autonomy == "propose":
        release(opened(folder), 1)
    assert opened(folder).registry.state("bikes").champion == 1, "a first champion needs no steps"
    commands.run(opened(folder), set_params={"offset": 1.0})
    state = opened(folder).rollouts.state("bikes")
    assert (state.phase, state.candidate, state.champion, state.approved_by) == (Phase.SHADOW, 2, 1, approver)


@pytest.mark.usefixtures("bikes")
def test_promote_names_another_version_in_vain(capsys):
    said(capsys, "deploy", "bikes@2", "--shadow")
    code, found = said(capsys, "promote", "bikes@1", "--reason", "x")
    assert code == 6
    assert "bikes@1 is not the one on its way" in found["error"]["what"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["promote", "--reason", "x"], 5),
        (["rollback", "--reason", "x"], 6),
        (["rollback"], 2),
        (["rollback", "--reason", " "], 2),
        (["deploy", "bikes@9", "--shadow"], 5),
        (["deploy", "bikes@1", "--shadow"], 6),
        (["deploy", "bikes@2", "--canary", "110%"], 2),
        (["deploy", "bikes@2", "--canary", "many"], 2),
        (["deploy", "bikes@2", "--canary", "10%", "--shadow"], 2),
    ],
)
@pytest.mark.usefixtures("bikes")
def test_what_cannot_be_done_has_its_exit_code(capsys, words, code):
    assert said(capsys, *words)[0] == code


@pytest.mark.usefixtures("bikes")
def test_people_read_a_sentence_and_what_to_do_next(capsys):
    assert main(["deploy", "bikes@2", "--shadow"]) == 0
    printed = capsys.readouterr().out
    assert "bikes@2 scores in the shadow of bikes@1 until 500 rows have come." in printed
    assert "volant up" in printed
