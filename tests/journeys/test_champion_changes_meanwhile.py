"""A champion that changes while a candidate is judged: the verdict is about the present one, or there is none."""

from dataclasses import replace

import pytest
from disturbed import write_tides
from journey_parts import edit, volant

from volant.loop.cycle import Asked, Cycle
from volant.wiring import commands
from volant.wiring.project import open_project
from volant.wiring.verbs.cycles import ports_of, scoring_apart, setting_of

AS_WRITTEN = "target: pl.Series) -> Tide:\n    return Tide("
WITH_LIFT = "target: pl.Series, *, lift: float = 0.0) -> Tide:\n    return Tide(lift + "


@pytest.fixture
def proposing(tmp_path):
    """Version 1 serves, version 2 waits, and whatever passes from now on is released at once."""
    root = write_tides(tmp_path / "tides", steps="")
    edit(root / "pipeline.py", AS_WRITTEN, WITH_LIFT)
    edit(root / "volant.yaml", "autonomy: autopilot", "autonomy: propose")
    volant(root, "run", "--set", "lift=0.5")
    edit(root / "volant.yaml", "autonomy: propose", "autonomy: autopilot")
    return root


def test_a_candidate_whose_champion_was_replaced_is_judged_again_against_the_new_one(proposing):
    project = open_project(proposing, environment={})
    with scoring_apart(project) as scorer:
        setting = setting_of(project, scorer)
        asked = []

        def score(table):
            asked.append(table)
            if len(asked) == 1:
                commands.approve(project, "tides@2", reason="it is better", actor="ann", override=True)
            return scorer.on(table)

        turned = Cycle(ports_of(project), replace(setting, champion_score=score)).turn(
            Asked(params={"lift": -0.4}), lambda _text, _share: None
        )
    assert turned.version.number == 3
    assert not turned.existing
    assert [report.champion for report in project.gates.for_package("tides", turned.version.package)] == [2, 1]
    assert turned.report.champion == 2
    champion = project.registry.state("tides").champion
    assert champion == (3 if turned.report.verdict == "pass" else 2)
