import msgspec
import pytest

from volant.config.model import Amount, Keep, RetrainConfig, TriggerConfig, TriggerKind, WindowConfig
from volant.kernel.codec import canonical
from volant.kernel.errors import ConflictError, NotFoundError
from volant.loop.ports import ReplayRecord
from volant.loop.replay_model import Recommendation, ReplayResult
from volant.wiring.commands import accept_policy
from volant.wiring.project import open_project

SETTINGS = """version: 1 # reviewed by Ada
project: p
task: regression
target: y
metric: mae
data: {source: x.csv}
retrain:
  when: [{data: new}] # as files come
"""
ADVICE = Recommendation(
    policy="every 2 windows, sliding",
    chosen_windows=6,
    checked_windows=6,
    difference=-1.0,
    low=-2.0,
    high=-0.5,
    retrains=3,
    cost=0.0,
    retrain=RetrainConfig(when=(TriggerConfig(kind=TriggerKind.NEW_LABELS, labels=200),)),
    window=WindowConfig(keep=Keep.LAST, size=Amount(rows=500)),
)
RESULT = ReplayResult(
    project="p",
    metric="mae",
    lower_is_better=True,
    rows=0,
    warm_up_rows=0,
    warm_up_share=0.2,
    evaluated_rows=0,
    windows=(),
    planned_windows=12,
    policies=(),
    baselines={},
    trainings=0,
    shared_trainings=0,
    training_us=(),
    train_duration_us=0,
    label_delay_us=0,
    seed=0,
    partial=None,
    notes=(),
    recommended=ADVICE,
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "volant.yaml").write_text(SETTINGS)
    return open_project(tmp_path, environment={})


def replayed(project, name="r1", at=1, **changed):
    result = project.objects.put(canonical(msgspec.structs.replace(RESULT, **changed)))
    with project.tx.transaction():
        project.replays.add(ReplayRecord(id=name, model="p", recorded_at=at, result=result, summary=""))


def test_a_recommendation_is_shown_first_and_written_only_when_asked(project):
    replayed(project)
    file = project.root / "volant.yaml"
    shown = accept_policy(project, None, write=False)
    assert "+  when: [{new_labels: 200}] # as files come" in shown["diff"]
    assert file.read_text() == SETTINGS
    written = accept_policy(project, None, write=True)
    assert (written["written"], written["diff"]) == (True, shown["diff"])
    assert "# reviewed by Ada" in file.read_text()
    now = open_project(project.root, environment={}).config
    assert (now.retrain, now.train.window) == (ADVICE.retrain, ADVICE.window)
    assert accept_policy(project, None, write=True)["written"] is False
    assert [path.name for path in project.root.iterdir() if path.name.startswith(".volant.yaml")] == []


def test_the_newest_replay_counts_unless_one_is_named(project):
    replayed(project, "old", 1)
    replayed(project, "new", 2, recommended=msgspec.structs.replace(ADVICE, policy="never", retrain=RetrainConfig()))
    assert accept_policy(project, None, write=False)["policy"] == "never"
    assert accept_policy(project, "old", write=False)["policy"] == ADVICE.policy


@pytest.mark.parametrize("changed", [{"recommended": None}, {"metric": "rmse"}])
def test_a_replay_without_advice_or_for_another_metric_changes_nothing(project, changed):
    replayed(project, **changed)
    with pytest.raises(ConflictError):
        accept_policy(project, None, write=True)
    assert (project.root / "volant.yaml").read_text() == SETTINGS


def test_without_a_replay_it_names_the_command_that_makes_one(project):
    with pytest.raises(NotFoundError, match="no replay yet"):
        accept_policy(project, None, write=True)


def test_a_result_of_an_older_release_without_the_new_fields_still_reads(project):
    plain = msgspec.to_builtins(RESULT)
    del plain["recommended"], plain["bound"]
    assert msgspec.convert(plain, ReplayResult).recommended is None
    assert project.name == "p"
