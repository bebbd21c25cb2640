"""The life of a version as pure decisions."""

import pytest
from registry_values import report

from volant.gates.model import Verdict
from volant.kernel.codec import canonical, decode
from volant.kernel.errors import CheckFailedError, IllegalTransitionError, NotFoundError, UsageError
from volant.kernel.events import Event, NewEvent
from volant.registry import rules
from volant.registry.model import ModelState, VersionState

PASS, FAIL, UNSURE = Verdict.PASS, Verdict.FAIL, Verdict.NOT_ENOUGH
S = VersionState


def after(state: ModelState, events: list[NewEvent]) -> ModelState:
    for event in events:
        state = rules.evolve(state, event)
    return state


def standing(state: VersionState, *, champion: int | None = None) -> ModelState:
    versions = {7: state} | ({champion: S.CHAMPION} if champion else {})
    return ModelState(model="bikes", seq=9, versions=versions, champion=7 if state is S.CHAMPION else champion, epoch=4)


def judged(verdict: Verdict | None, champion: int | None = None):
    return None if verdict is None else report("g", 7, verdict, champion)


@pytest.mark.parametrize(("verdict", "state"), [(PASS, S.PROPOSED), (FAIL, S.REGISTERED), (UNSURE, S.REGISTERED), (None, S.REGISTERED)])
def test_only_a_passed_gate_proposes_a_new_version(verdict, state):
    made = after(ModelState(model="bikes"), rules.register(1, "p", verdict))
    assert made.versions == {1: state}
    assert (made.champion, made.epoch, made.seq) == (None, 0, 2 if verdict is PASS else 1)


@pytest.mark.parametrize("state", [S.REGISTERED, S.PROPOSED, S.RETIRED])
def test_a_passed_version_is_approved_without_override_and_retires_the_champion(state):
    events = rules.approve(standing(state, champion=3), 7, reason="  looks good ", override=False, report=judged(PASS, champion=3))
    made = after(standing(state, champion=3), events)
    assert (made.champion, made.previous, made.epoch) == (7, 3, 5)
    assert made.versions == {7: S.CHAMPION, 3: S.RETIRED}
    assert decode(events[0].data, dict) == {"version": 7, "reason": "looks good", "override": False, "epoch": 5}


@pytest.mark.parametrize(("state", "verdict"), [(S.REGISTERED, FAIL), (S.PROPOSED, UNSURE), (S.RETIRED, None), (S.REJECTED, PASS)])
def test_without_a_passed_gate_or_after_a_rejection_an_override_with_a_reason_is_needed(state, verdict):
    with pytest.raises(CheckFailedError, match="override"):
        rules.approve(standing(state), 7, reason="please", override=False, report=judged(verdict))
    for reason in (None, "", " \n\t "):
        with pytest.raises(UsageError) as error:
            rules.approve(standing(state), 7, reason=reason, override=True, report=judged(verdict))
        assert error.value.field == "reason"
    (event,) = rules.approve(standing(state), 7, reason="the label file was wrong", override=True, report=judged(verdict))
    assert decode(event.data, dict)["override"] is True


@pytest.mark.parametrize(("champion", "said"), [(None, "without a champion"), (2, "against bikes@2")])
def test_a_pass_against_another_champion_than_the_present_one_is_not_enough(champion, said):
    state = standing(S.PROPOSED, champion=3)
    with pytest.raises(CheckFailedError, match=f"{said}; bikes@3 serves now"):
        rules.approve(state, 7, reason=None, override=False, report=judged(PASS, champion))
    (event,) = rules.approve(state, 7, reason="it is the same data", override=True, report=judged(PASS, champion))
    assert decode(event.data, dict)["override"] is True


def test_an_override_that_was_not_needed_is_not_recorded_as_one():
    (event,) = rules.approve(standing(S.PROPOSED), 7, reason="sure", override=True, report=judged(PASS))
    assert decode(event.data, dict)["override"] is False


def test_the_champion_is_neither_approved_nor_rejected():
    with pytest.raises(IllegalTransitionError, match="champion already"):
        rules.approve(standing(S.CHAMPION), 7, reason="x", override=True, report=judged(PASS))
    with pytest.raises(IllegalTransitionError, match="cannot be rejected"):
        rules.reject(standing(S.CHAMPION), 7, reason="x")


@pytest.mark.parametrize("state", [S.REGISTERED, S.RETIRED, S.REJECTED])
def test_policy_promotes_only_what_is_proposed(state):
    with pytest.raises(IllegalTransitionError, match=state.value):
        rules.promote(standing(state), 7, decision="d")
    assert rules.promote(standing(S.CHAMPION), 7, decision="d") == []
    made = after(standing(S.PROPOSED, champion=3), rules.promote(standing(S.PROPOSED, champion=3), 7, decision="d"))
    assert (made.champion, made.previous, made.epoch) == (7, 3, 5)


@pytest.mark.parametrize("state", [S.REGISTERED, S.PROPOSED, S.RETIRED])
def test_a_version_is_rejected_once(state):
    made = after(standing(state, champion=3), rules.reject(standing(state, champion=3), 7, reason=None))
    assert made.versions == {7: S.REJECTED, 3: S.CHAMPION}
    assert (made.champion, made.epoch) == (3, 4)
    with pytest.raises(IllegalTransitionError, match="already"):
        rules.reject(made, 7, reason=None)


@pytest.mark.parametrize(("state", "count"), [(S.REGISTERED, 1), (S.PROPOSED, 0), (S.CHAMPION, 0), (S.RETIRED, 0), (S.REJECTED, 0)])
def test_only_a_registered_version_is_proposed(state, count):
    assert len(rules.propose(standing(state), 7)) == count


@pytest.mark.parametrize("number", [0, -1, 8, 10**20])
def test_nothing_can_be_done_with_a_version_that_is_not_there(number):
    for act in (
        lambda: rules.propose(standing(S.PROPOSED), number),
        lambda: rules.approve(standing(S.PROPOSED), number, reason=None, override=False, report=judged(PASS)),
        lambda: rules.promote(standing(S.PROPOSED), number, decision="d"),
        lambda: rules.reject(standing(S.PROPOSED), number, reason=None),
    ):
        with pytest.raises(NotFoundError, match=r"versions \[7\]"):
            act()


def test_a_reason_has_a_limit():
    assert len(rules.said("x" * rules.MAX_REASON)) == rules.MAX_REASON
    with pytest.raises(UsageError, match="2001"):
        rules.said("x" * 2001)


@pytest.mark.parametrize("data", [b"{}", b'{"version":"2026-01"}', b"[1]", b"not json", b"", canonical({"version": 7})])
def test_an_event_of_a_kind_yet_unknown_only_moves_the_sequence(data):
    state = standing(S.PROPOSED, champion=3)
    made = rules.evolve(state, NewEvent(kind="from-the-future", data=data))
    assert (made.seq, made.versions, made.champion) == (10, state.versions, 3)


def test_an_event_is_about_its_own_version_and_not_about_one_that_begins_alike():
    about = Event(id="e", stream="model/bikes", seq=1, kind="registered", data=b'{"version":12}', actor="a", recorded_at=0, chain="")
    assert rules.concerns(about, 12)
    assert not rules.concerns(about, 1)
