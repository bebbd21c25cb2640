"""The registry over its stores."""

import threading

import pytest
from registry_values import MODEL, package, report, version

from volant.gates.model import Verdict
from volant.kernel.audit import verify
from volant.kernel.codec import decode
from volant.kernel.errors import CheckFailedError, ConflictError, IllegalTransitionError, NotFoundError, UsageError
from volant.kernel.events import NewEvent
from volant.registry.model import VersionState
from volant.registry.service import Registry


def add(stores, registry, number: int, verdict: Verdict | None = Verdict.PASS):
    if verdict is not None:
        name = f"g{number}-{len(stores.gates.reports(MODEL))}"
        stores.gates.add(report(name, number, verdict, registry.state(MODEL).champion))
    return registry.register(version(number), verdict, actor="cli:ann")


def test_versions_are_numbered_from_one(stores, registry):
    assert [add(stores, registry, number).number for number in (1, 2, 3)] == [1, 2, 3]
    assert [v.package for v in stores.models.versions(MODEL)] == [package(3), package(2), package(1)]
    assert stores.models.aliases(MODEL) == {"challenger": 3}


def test_the_same_package_keeps_its_version(stores, registry):
    first = add(stores, registry, 1, Verdict.FAIL)
    assert registry.register(version(1), Verdict.FAIL, actor="x") == first
    assert registry.register(version(1), None, actor="x") == first
    assert registry.state(MODEL).seq == 1
    assert registry.register(version(1), Verdict.PASS, actor="x") == first
    assert registry.state(MODEL).versions == {1: VersionState.PROPOSED}
    registry.register(version(1), Verdict.PASS, actor="x")
    assert registry.state(MODEL).seq == 2


def test_an_approval_makes_a_champion_and_tells_the_world_once(stores, registry):
    add(stores, registry, 1)
    add(stores, registry, 2)
    state = registry.approve(MODEL, 1, reason=None, actor="cli:ann")
    add(stores, registry, 2)
    assert (state.champion, state.epoch) == (1, 1)
    assert stores.models.aliases(MODEL) == {"champion": 1, "challenger": 2}
    (effect,) = stores.events.pending_effects()
    assert (effect.kind, decode(effect.payload, dict)) == ("champion-changed", {"model": MODEL, "version": 1, "epoch": 1})
    registry.approve(MODEL, 2, reason="better", actor="cli:ann")
    assert stores.models.aliases(MODEL) == {"champion": 2}
    assert len(stores.events.pending_effects()) == 2
    assert registry.state(MODEL).previous == 1


def test_a_version_that_was_judged_without_the_present_champion_is_judged_again_first(stores, registry):
    for number in (1, 2):
        add(stores, registry, number)
    registry.approve(MODEL, 1, reason=None, actor="x")
    with pytest.raises(CheckFailedError, match="volant gate bikes@2"):
        registry.approve(MODEL, 2, reason=None, actor="x")
    add(stores, registry, 2)
    assert registry.approve(MODEL, 2, reason=None, actor="x").champion == 2


def test_a_champion_can_be_put_back(stores, registry):
    for number in (1, 2):
        add(stores, registry, number)
        registry.approve(MODEL, number, reason=None, actor="x")
    state = registry.approve(MODEL, 1, reason="2 was slow", actor="x", override=True)
    assert (state.champion, state.previous, state.epoch) == (1, 2, 3)
    assert state.versions == {1: VersionState.CHAMPION, 2: VersionState.RETIRED}


def test_the_newest_gate_report_counts(stores, registry):
    add(stores, registry, 1, Verdict.PASS)
    stores.gates.add(report("later", 1, Verdict.FAIL))
    with pytest.raises(CheckFailedError, match="verdict: fail"):
        registry.approve(MODEL, 1, reason=None, actor="x")
    stores.gates.add(report("latest", 1, Verdict.PASS))
    assert registry.approve(MODEL, 1, reason=None, actor="x").champion == 1


def test_a_refused_decision_changes_nothing(stores, registry):
    add(stores, registry, 1, Verdict.FAIL)
    add(stores, registry, 2, None)
    before = (registry.state(MODEL), stores.models.aliases(MODEL))
    refusals = (
        (CheckFailedError, lambda: registry.approve(MODEL, 1, reason="x", actor="x")),
        (CheckFailedError, lambda: registry.approve(MODEL, 2, reason="x", actor="x")),
        (UsageError, lambda: registry.approve(MODEL, 2, reason=None, actor="x", override=True)),
        (NotFoundError, lambda: registry.approve(MODEL, 3, reason=None, actor="x")),
        (NotFoundError, lambda: registry.reject(MODEL, 3, reason=None, actor="x")),
        (NotFoundError, lambda: registry.approve("nobody", 1, reason=None, actor="x")),
        (IllegalTransitionError, lambda: registry.promote_by_policy(MODEL, 1, decision="d", actor="x")),
    )
    for kind, act in refusals:
        with pytest.raises(kind):
            act()
    assert (registry.state(MODEL), stores.models.aliases(MODEL)) == before
    assert stores.events.pending_effects() == ()


def test_a_rejected_version_no_longer_waits(stores, registry):
    add(stores, registry, 1)
    add(stores, registry, 2)
    registry.reject(MODEL, 2, reason="leaks the target", actor="cli:ann")
    assert stores.models.aliases(MODEL) == {"challenger": 1}
    registry.reject(MODEL, 1, reason=None, actor="cli:ann")
    assert stores.models.aliases(MODEL) == {}
    with pytest.raises(CheckFailedError, match="rejected"):
        registry.approve(MODEL, 2, reason=None, actor="x")


def test_policy_promotes_once(stores, registry):
    add(stores, registry, 1)
    for _ in range(2):
        assert registry.promote_by_policy(MODEL, 1, decision="loop/bikes:4", actor="policy").epoch == 1
    assert len(stores.events.pending_effects()) == 1
    assert registry.state(MODEL).seq == 3


def test_policy_does_not_promote_on_evidence_about_another_champion(stores, registry):
    add(stores, registry, 1)
    add(stores, registry, 2)
    registry.approve(MODEL, 1, reason=None, actor="cli:ann")
    with pytest.raises(ConflictError, match="judged against another champion"):
        registry.promote_by_policy(MODEL, 2, decision="loop/bikes:4", actor="policy")
    assert registry.state(MODEL).champion == 1


def test_a_failure_while_saving_leaves_no_half_of_it(stores, registry):
    """Everything of one decision is one transaction: version row, events, effects and aliases."""
    add(stores, registry, 1)
    with pytest.raises(RuntimeError), stores.tx.transaction():  # noqa: PT012 - the transaction is the statement
        add(stores, registry, 2)
        registry.approve(MODEL, 1, reason=None, actor="x")
        raise RuntimeError
    assert registry.state(MODEL).versions == {1: VersionState.PROPOSED}
    assert stores.models.aliases(MODEL) == {"challenger": 1}
    assert [v.number for v in stores.models.versions(MODEL)] == [1]
    assert stores.events.pending_effects() == ()


def test_events_of_a_newer_version_do_not_stop_this_one(stores, registry):
    add(stores, registry, 1)
    stores.events.append(f"model/{MODEL}", 2, [NewEvent(kind="rolled-out", data=b'{"version":"1.2","share":0.5}')], actor="x")
    assert registry.approve(MODEL, 1, reason=None, actor="x").champion == 1


def test_who_acted_is_recorded(stores, registry):
    add(stores, registry, 1)
    registry.approve(MODEL, 1, reason=None, actor="token:Zo\u00eb")
    assert [e.actor for e in stores.events.read(f"model/{MODEL}")] == ["cli:ann", "cli:ann", "token:Zo\u00eb"]


SPECS = {"2": 2, "bikes@2": 2, "v2": 2, "@2": 2, " bikes@2 ": 2, "bikes": 1, "@champion": 1, "champion": 1, "bikes@champion": 1,
         "latest": 3, "bikes@latest": 3, "challenger": 3, "0002": 2}  # fmt: skip


@pytest.mark.parametrize(("spec", "number"), SPECS.items())
def test_a_version_can_be_named_in_many_ways(stores, registry, spec, number):
    for added in (1, 2, 3):
        add(stores, registry, added)
    registry.approve(MODEL, 1, reason=None, actor="x")
    assert registry.resolve(MODEL, spec).number == number


@pytest.mark.parametrize("spec", ["9", "0", "trams@1", "trams@champion", "bikes@bikes@1"])
def test_a_name_of_nothing_is_not_found(stores, registry, spec):
    add(stores, registry, 1)
    with pytest.raises(NotFoundError) as error:
        registry.resolve(MODEL, spec)
    assert error.value.next_step


@pytest.mark.parametrize("spec", ["", "@", "bikes@", "-1", "1.5", "²", "v", "9" * 30, "../x", "\ud800", "nul\x00", "@bikes"])
def test_what_cannot_be_a_name_says_what_can(stores, registry, spec):
    add(stores, registry, 1)
    with pytest.raises(UsageError) as error:
        registry.resolve(MODEL, spec)
    assert "@champion" in error.value.next_step


@pytest.mark.parametrize("spec", ["bikes", "champion", "challenger", "latest", "1"])
def test_a_model_without_versions_says_how_to_get_one(registry, spec):
    with pytest.raises(NotFoundError) as error:
        registry.resolve(MODEL, spec)
    assert "volant run" in str(error.value)


def test_writers_at_once_get_numbers_of_their_own(stores):
    def register(worker: int) -> None:
        mine = Registry(tx=stores.tx, events=stores.events, models=stores.models, gates=stores.gates)
        for number in range(10):
            mine.register(version(worker * 100 + number), Verdict.PASS, actor=f"w{worker}")

    threads = [threading.Thread(target=register, args=(worker,)) for worker in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(v.number for v in stores.models.versions(MODEL)) == list(range(1, 41))
    assert verify(stores.events).intact
