import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from volant.cli import failing
from volant.cli.groups import LazyGroup, loaded
from volant.cli.main import application, main
from volant.cli.session import Session
from volant.cli.table import SECTIONS, Family
from volant.cli.verb import Verb
from volant.kernel.errors import CLASS_BY_CODE, EXIT_CODES

LEAST = "version: 1\nproject: bikes\ntask: regression\ntarget: cnt\nmetric: mae\ndata:\n  source: rides.csv\n"
VOLANT = [sys.executable, "-m", "volant.cli"]


def every_verb():
    for _, lines in SECTIONS:
        for line in lines:
            if isinstance(line, Family):
                yield from ((f"{line.name} {below.name}", below) for below in line.lines)
            else:
                yield line.name, line


VERBS = dict(every_verb())


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "volant.yaml").write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", VERBS)
def test_every_command_has_help_and_an_example_that_names_it(path, capsys):
    command = loaded(VERBS[path])
    assert isinstance(command, Verb)
    assert main([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert " ".join(command.help.split("\n\n")[0].split()) in " ".join(shown.split())
    noun = path.removesuffix(" list")
    assert f"$ volant {noun}" in shown
    assert "--json" in shown


@pytest.mark.parametrize("path", VERBS)
def test_examples_name_only_options_that_exist(path):
    command = loaded(VERBS[path])
    options = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.partition("=")[0] for word in command.example.split() if word.startswith("--")}
    assert used <= options


def test_help_lists_every_command_and_imports_none(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for _, lines in SECTIONS:
        for line in lines:
            assert f"\n  {line.name} " in shown
            assert line.about in shown.replace("\n              ", " ")


def test_without_words_help_is_an_error(capsys):
    assert main([]) == 2
    assert "Usage: volant" in capsys.readouterr().err


def test_the_version_is_said(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "volant 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["statsu"], "did you mean 'volant status'?"),
        (["models", "shwo"], "did you mean 'volant models show'?"),
        (["frobnicate"], "volant --help lists what there is"),
        (["status", "--jsn"], "Did you mean"),
        (["runs", "--limit", "x"], "is not a valid integer"),
        (["runs", "--limit", "0"], "volant runs list --help"),
        (["approve"], "Missing argument"),
        (["approve", "1"], "Missing option '--reason'"),
        (["approve", "1", "--reason", " "], "--reason is empty"),
        (["why"], "volant why --help"),
        (["run", "--set", "a"], "--set takes NAME=VALUE"),
        (["replay", "--budget", "soon"], "--budget 30m"),
    ],
)
def test_wrong_words_are_exit_code_2_with_the_nearest_right_ones(words, says, capsys):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert "\nnext:" in shown.err


def test_errors_are_json_on_standard_output_when_asked(capsys):
    assert main(["approve", "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.err == ""
    found = json.loads(shown.out)
    assert found["schema"] == "volant.error/1"
    assert found["error"]["code"] == "usage"
    assert found["error"]["next"] == "volant approve --help"


def test_outside_a_project_the_way_in_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["config", "show"]) == 5
    assert "volant init NAME --data FILE" in capsys.readouterr().err


def test_every_error_has_an_exit_code():
    assert EXIT_CODES.keys() == CLASS_BY_CODE.keys()
    assert set(EXIT_CODES.values()) <= {1, 2, 3, 4, 5, 6}


def test_options_may_stand_before_and_after_the_command(project, tmp_path, monkeypatch, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir("/")
    for words in (["--project", str(project), "config", "show"], ["config", "show", "--project", str(elsewhere)]):
        assert main(words) == 0
        assert capsys.readouterr().out.startswith("version: 1\nproject: bikes\n")
    assert main(["--json", "config", "show", "--project", str(project)]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "volant.config.show/1"


def test_config_show_is_canonical_and_loads_again(project, capsys):
    assert main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    (project / "volant.yaml").write_text(shown)
    assert main(["config", "show"]) == 0
    assert capsys.readouterr().out == shown


def test_config_show_names_origins(project, monkeypatch, capsys):
    (project / "volant.yaml").write_text(LEAST.replace("rides.csv", "${RIDES}"))
    monkeypatch.setenv("RIDES", "r.csv")
    assert main(["config", "show", "--origin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["KEY", "VALUE", "FROM"]
    assert any(line.split(maxsplit=2) == ["data.source", "r.csv", "line 7, environment variable RIDES"] for line in lines)
    assert any(line.startswith("train.seed") and line.endswith("default") for line in lines)


def test_config_validate_looks_for_the_files_that_are_named(project, capsys):
    assert main(["config", "validate"]) == 5
    assert "data.source names rides.csv" in capsys.readouterr().err
    (project / "rides.csv").write_text("a,cnt\n1,2\n")
    (project / "pipeline.py").write_text("")
    assert main(["config", "validate"]) == 0


def test_a_broken_volant_yaml_is_exit_code_2(project, capsys):
    (project / "volant.yaml").write_text(LEAST + "gate: []\n")
    assert main(["config", "validate"]) == 2
    shown = capsys.readouterr().err
    assert "volant.yaml line 8" in shown
    assert "did you mean 'gates'" in shown


def test_the_schema_is_printed_as_json(capsys):
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "volant.yaml"


def test_unexpected_errors_leave_one_line_and_a_traceback_in_a_file(project, capsys):
    (project / ".volant").mkdir()
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    assert failing.crash(caught.value, Session(os.environ)) == 1
    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "Traceback" not in shown
    kept = list((project / ".volant" / "crash").glob("*.txt"))
    assert len(kept) == 1
    assert str(kept[0]) in shown
    assert "Traceback" in kept[0].read_text()


def test_control_characters_of_foreign_texts_are_spelled_out(project, capsys):
    (project / "volant.yaml").write_text(LEAST.replace("cnt", '"\\e[2Jcnt"') + "gate\x1b: 1\n")
    assert main(["config", "validate"]) == 2
    assert "\x1b" not in capsys.readouterr().err
    (project / "volant.yaml").write_text(LEAST.replace("cnt", '"\\e[2Jcnt"'))
    assert main(["config", "show", "--origin"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def run(words, folder, **options):
    return subprocess.run([*VOLANT, *words], cwd=folder, capture_output=True, text=True, check=False, **options)


def test_a_reader_that_goes_away_is_no_error_to_speak_of(project):
    with subprocess.Popen([*VOLANT, "config", "schema"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(90) == 141
        assert process.stderr.read() == b""


def test_an_interrupt_is_exit_code_130_without_a_traceback(tmp_path):
    with subprocess.Popen([*VOLANT, "demo"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_output_is_plain_when_nobody_looks_and_shell_completion_knows_the_commands(project):
    assert "\x1b" not in run(["config", "show", "--origin"], project).stdout
    words = run([], project, env={**os.environ, "_VOLANT_COMPLETE": "bash_complete", "COMP_WORDS": "volant mod", "COMP_CWORD": "1"})
    assert words.stdout.strip().endswith("models")


def test_groups_know_their_default():
    group = application().get_command(None, "runs")
    assert isinstance(group, LazyGroup)
    assert group.default == "list"


def test_the_package_can_be_run_as_a_module_of_the_same_name():
    assert Path(VOLANT[0]).exists()
    assert run(["--version"], "/").stdout == "volant 0.1.0\n"
