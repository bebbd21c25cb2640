"""What a project's daily sweep takes and what it leaves."""

import pytest

from volant.kernel.clock import DAY_US
from volant.kernel.scratch import claim
from volant.monitoring.alert_model import Severity
from volant.testing.clock import FakeClock
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.sweeping import DELIVERIES_US, swept


@pytest.fixture
def project(tmp_path):
    commands.init(tmp_path, "toy", environment={}, template=True)
    settings = tmp_path / "toy" / "volant.yaml"
    settings.write_text(settings.read_text() + "watch: {alerts: [{to: log}]}\n")
    return open_project(tmp_path / "toy", environment={}, clock=FakeClock())


def test_unpacked_code_goes_when_nobody_uses_it_and_old_deliveries_when_they_are_over(project):
    claim(project.scratch_folder / "of the dead")
    alive = claim(project.scratch_folder / "of the living")
    raised = project.alerts.raise_("drift", severity=Severity.INFO, sentence="it moved", facts={}, model="toy")
    (told,) = project.stores.alerts.due(project.clock.now())
    assert swept(project).scratch == ("of the dead",)
    assert project.stores.alerts.deliveries(told.alert) == (told,)
    project.stores.alerts.delivered(told.id, project.clock.now())
    project.clock.advance(DELIVERIES_US)
    assert swept(project).deliveries == 0
    project.clock.advance(DAY_US)
    assert (swept(project).deliveries, swept(project).deliveries) == (1, 0)
    assert project.alerts.open("toy")[0].number == raised.number
    assert alive.folder.is_dir()
