import pytest

from volant.config.model import DataConfig, ProjectConfig, Task
from volant.loop.policy import replay_policies

CONFIG = ProjectConfig(version=1, project="p", task=Task.REGRESSION, target="y", metric="mae", data=DataConfig(source="x.csv"))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["never"], ["never"]),
        (["never", "every:3:growing"], ["never", "every 3 windows, growing"]),
        (["every:1:growing", "every:1:growing"], ["never", "every window, growing"]),
        (["project"], ["never", "project, sliding", "project, growing"]),
    ],
)
def test_only_the_policies_that_were_asked_for_are_walked(asked, names):
    assert [policy.name for policy in replay_policies(CONFIG, 100, asked)] == names


def test_without_a_wish_all_policies_are_walked():
    assert len(replay_policies(CONFIG, 100)) == 9
